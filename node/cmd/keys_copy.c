#include "node/cmd/keys_copy.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "keys/keyfile.h"
#include "node/backup_note.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/file.h"
#include "node/home.h"
#include "node/loop.h"
#include "protocol/admin.h"

static const char what[] = "khabar keys copy";

enum { KEY_FILES_MAX = 256, KEY_FILE_MAX_BYTES = 64 << 10 };

struct copying {
	const char *home, *dir;
	char *passphrase;     /* of the home's files, or NULL */
	char *new_passphrase; /* of the copies */
	size_t count;
};

static int is_key(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return strcmp(entry->d_name, "node.key") == 0 ||
	       (n > 9 && strncmp(entry->d_name, "role-", 5) == 0 &&
		strcmp(entry->d_name + n - 4, ".key") == 0);
}

/* Calls each with the names of all key files, in their order. */
static enum err key_files(const char *home, enum err (*each)(void *arg, const char *name),
			  void *arg)
{
	struct dirent **entries;
	int n = scandir(home, &entries, is_key, alphasort);
	enum err e = n > 0 ? ERR_OK : ERR_NOT_FOUND;

	for (int i = 0; i < n; i++) {
		if (!e && i < KEY_FILES_MAX)
			e = each(arg, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return e;
}

struct hashing {
	const char *home;
	crypto_generichash_state state;
};

static enum err hash_one(void *arg, const char *name)
{
	struct hashing *h = arg;
	char path[PATH_MAX], *bytes;
	size_t n;
	enum err e = home_path(path, h->home, name) ? ERR_OK : ERR_LIMIT;

	if (!e)
		e = file_read(&bytes, &n, path, KEY_FILE_MAX_BYTES, NULL);
	if (e)
		return e;
	crypto_generichash_update(&h->state, (const uint8_t *)name, strlen(name) + 1);
	crypto_generichash_update(&h->state, (const uint8_t *)bytes, n);
	sodium_memzero(bytes, n);
	free(bytes);
	return ERR_OK;
}

enum err keys_hash(const char *home, struct hash *hash)
{
	struct hashing h = {.home = home};
	enum err e;

	crypto_generichash_init(&h.state, NULL, 0, HASH_BYTES);
	e = key_files(home, hash_one, &h);
	crypto_generichash_final(&h.state, hash->b, HASH_BYTES);
	return e;
}

struct copy_call {
	struct copying *x;
	struct report *report;
};

/* A copy is one once it has been read. */
static enum err copy_one(void *arg, const char *name)
{
	const struct copy_call *call = arg;
	struct copying *x = call->x;
	char from[PATH_MAX], to[PATH_MAX];
	struct keyring *k = NULL, *again = NULL;
	enum err e =
		home_path(from, x->home, name) && home_path(to, x->dir, name) ? ERR_OK : ERR_LIMIT;

	if (!e)
		e = keyfile_read(&k, from, x->passphrase, call->report);
	if (!e)
		e = keyfile_write(to, k, x->new_passphrase, call->report);
	if (!e)
		e = keyfile_read(&again, to, x->new_passphrase, call->report);
	keyring_free(again);
	keyring_free(k);
	x->count += !e;
	return e;
}

static enum err copy_all(struct copying *x, const char *file, struct report *report)
{
	struct copy_call call = {x, report};
	enum err e = passphrase_read(&x->new_passphrase, file, false, report);

	if (!e)
		e = home_passphrase(&x->passphrase, x->home, report);
	if (!e && mkdir(x->dir, 0700) != 0 && errno != EEXIST) {
		report_add(report, "%s: cannot be made: %s", x->dir, strerror(errno));
		e = ERR_IO;
	}
	if (!e)
		e = key_files(x->home, copy_one, &call);
	if (e && report->count == 0)
		report_add(report, "%s: %s", x->home, err_str(e));
	return e;
}

static void remember(const struct copying *x)
{
	struct backup_note *note = calloc(1, sizeof *note);

	if (!note)
		return;
	(void)backup_note_read(x->home, note);
	if (keys_hash(x->home, &note->keys_hash) == ERR_OK) {
		note->keys = clock_wall();
		snprintf(note->keys_dir, sizeof note->keys_dir, "%s", x->dir);
		(void)backup_note_write(x->home, note);
	}
	free(note);
}

int keys_copy(const struct cmd_context *c, int argc, char **argv)
{
	const char *file = NULL;
	const struct option_rule rules[] = {{"passphrase-file", OPTION_TEXT, &file, 0, 0}};
	struct copying x = {.home = c->home};
	struct report report;
	int first, code = options_read(what, rules, 1, argc, argv, &first);

	if (!code && (argc - first != 1 || !file))
		code = cmd_misused(what, "a new folder and --passphrase-file FILE are wanted");
	if (code)
		return code;
	x.dir = argv[first];
	report_init(&report);
	if (copy_all(&x, file, &report)) {
		code = client_refused(c, what, &report);
	} else {
		remember(&x);
		if (c->json)
			printf("{\"files\":%zu}\n", x.count);
		else
			printf("%zu key file%s copied, under the passphrase; keep the folder, the "
			       "passphrase and the backups in three places\n",
			       x.count, plural(x.count));
	}
	passphrase_free(x.passphrase);
	passphrase_free(x.new_passphrase);
	report_clear(&report);
	return code;
}
