/* khabar backup, restore, check-store and reindex: through the node where one runs, else directly
 * on its home. */
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "node/backup_note.h"
#include "node/store/backup.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/home.h"
#include "node/loop.h"
#include "protocol/admin.h"

/* What is done on a home without a node; adds members to out. */
typedef enum err offline_fn(const char *home, const char *dir, const struct identity *identity,
			    struct text *out, struct report *report);

struct work {
	const char *what, *request; /* "khabar backup", "backup" */
	const char *dir;            /* absolute, or NULL */
	offline_fn *offline;
	const char *done; /* for people */
};

static void put_backup(struct text *out, const char *name, const char *dir, const struct backup *b)
{
	admin_put_string(out, name, dir);
	admin_put_number(out, "rows", b->head);
	admin_put_number(out, "bytes", b->bytes);
	admin_put_time(out, "made", b->made);
	admin_put_hex(out, "hash", b->hash.b, HASH_BYTES);
}

static enum err backup_offline(const char *home, const char *dir, const struct identity *identity,
			       struct text *out, struct report *report)
{
	const struct log_options options = {.read_only = true};
	struct store_id none = {{0}};
	struct backup made;
	char path[PATH_MAX];
	struct log *log;
	enum err e;

	if (!home_path(path, home, "log"))
		return ERR_LIMIT;
	e = log_open(&log, path, &options, identity, &none, report);
	if (e)
		return e;
	e = backup_make(log, identity, dir, clock_wall(), &made, report);
	log_close(log);
	if (e)
		return e;
	(void)backup_note_made(home, dir, made.made);
	put_backup(out, "backup", dir, &made);
	return ERR_OK;
}

static enum err check_offline(const char *home, const char *dir, const struct identity *identity,
			      struct text *out, struct report *report)
{
	(void)dir;
	(void)out;
	return backup_check_store(home, identity, report);
}

static enum err reindex_offline(const char *home, const char *dir, const struct identity *identity,
				struct text *out, struct report *report)
{
	(void)dir;
	(void)out;
	return backup_reindex(home, identity, report);
}

static enum err restore_offline(const char *home, const char *dir, const struct identity *identity,
				struct text *out, struct report *report)
{
	struct store_id id;
	struct backup b;
	enum err e;

	randombytes_buf(id.b, sizeof id.b);
	e = backup_restore(home, dir, identity, &id, &b, report);
	if (!e)
		put_backup(out, "restored", dir, &b);
	return e;
}

static enum err look_offline(const char *home, const char *dir, const struct identity *identity,
			     struct text *out, struct report *report)
{
	struct backup b;
	enum err e = backup_read(dir, identity, &b, report);

	/* It is whole, remembered or not. */
	if (!e)
		(void)backup_note_checked(home, clock_wall());
	if (!e)
		put_backup(out, "backup", dir, &b);
	return e;
}

static void print_done(const struct cmd_context *c, const struct work *w, struct reply *reply)
{
	if (c->json)
		client_print_json(reply);
	else if (w->dir)
		printf("%s: %s: %.0f rows, %.0f bytes\n", w->done, w->dir,
		       member_number(reply->json, "rows"), member_number(reply->json, "bytes"));
	else
		printf("%s\n", w->done);
}

/* The keys of a copy, sealed under a passphrase, in place of the home's. */
struct key_copy {
	const char *dir, *passphrase_file; /* NULL: the home's */
};

static enum err identity_take(struct identity **identity, struct config **config, const char *home,
			      const struct key_copy *copy, struct report *report)
{
	char path[PATH_MAX], *passphrase = NULL;
	enum err e;

	if (!copy->dir)
		return home_open(config, identity, home, report);
	e = home_path(path, copy->dir, "node.key") ? ERR_OK : ERR_LIMIT;
	if (!e && copy->passphrase_file)
		e = passphrase_read(&passphrase, copy->passphrase_file, false, report);
	if (!e)
		e = identity_open(identity, path, passphrase, report);
	passphrase_free(passphrase);
	return e;
}

static int work_offline(const struct cmd_context *c, const struct work *w,
			const struct key_copy *copy)
{
	struct identity *identity = NULL;
	struct config *config = NULL;
	struct reply reply = {0};
	struct report report;
	struct text out;
	int code = EXIT_DONE;
	enum err e;

	report_init(&report);
	text_init(&out);
	text_str(&out, "{\"ok\":true");
	e = identity_take(&identity, &config, c->home, copy, &report);
	if (!e)
		e = w->offline(c->home, w->dir, identity, &out, &report);
	text_str(&out, "}");
	if (e) {
		if (!report.count)
			report_add(&report, "%s", err_str(e));
		code = client_refused(c, w->what, &report);
	} else if (!out.bad) {
		reply.text = out.at;
		reply.length = out.length;
		reply.json = cJSON_Parse(out.at);
		print_done(c, w, &reply);
		cJSON_Delete(reply.json);
	}
	text_clear(&out);
	report_clear(&report);
	identity_free(identity);
	config_free(config);
	return code;
}

static const struct key_copy home_keys = {NULL, NULL};

static int work_online(const struct cmd_context *c, const struct work *w)
{
	struct client client;
	struct text request;
	struct reply reply;
	int code = client_open(&client, c, w->what);

	request_init(&request, w->request);
	if (w->dir)
		admin_put_string(&request, "dir", w->dir);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, true, &reply);
	text_clear(&request);
	client_close(&client);
	if (code)
		return code;
	print_done(c, w, &reply);
	reply_clear(&reply);
	return EXIT_DONE;
}

/* The node has another working directory than whoever types. */
static bool absolute(char out[PATH_MAX], const char *dir)
{
	char here[PATH_MAX];
	int n;

	if (dir[0] == '/')
		n = snprintf(out, PATH_MAX, "%s", dir);
	else if (getcwd(here, sizeof here))
		n = snprintf(out, PATH_MAX, "%s/%s", here, dir);
	else
		n = -1;
	return n > 0 && n < PATH_MAX;
}

int cmd_backup(const struct cmd_context *c, int argc, char **argv)
{
	char dir[PATH_MAX];
	const struct work w = {"khabar backup", "backup", dir, backup_offline, "backup made"};
	int first, code = options_read(w.what, NULL, 0, argc, argv, &first);

	if (code)
		return code;
	if (argc - first != 1 || !absolute(dir, argv[first]))
		return cmd_misused(w.what, "one new folder is wanted");
	return client_node_runs(c) ? work_online(c, &w) : work_offline(c, &w, &home_keys);
}

int cmd_restore(const struct cmd_context *c, int argc, char **argv)
{
	bool check = false;
	struct key_copy copy = {NULL, NULL};
	const struct option_rule rules[] = {
		{"check", OPTION_FLAG, &check, 0, 0},
		{"keys", OPTION_TEXT, &copy.dir, 0, 0},
		{"passphrase-file", OPTION_TEXT, &copy.passphrase_file, 0, 0}};
	char dir[PATH_MAX];
	const struct work restore = {"khabar restore", NULL, dir, restore_offline, "restored from"};
	const struct work look = {"khabar restore", NULL, dir, look_offline,
				  "a whole backup of this node"};
	struct report report;
	int first, code = options_read(restore.what, rules, 3, argc, argv, &first);

	if (code)
		return code;
	if (argc - first != 1 || !absolute(dir, argv[first]))
		return cmd_misused("khabar restore", "the folder of one backup is wanted");
	if ((copy.dir && !check) || (copy.passphrase_file && !copy.dir))
		return cmd_misused("khabar restore", "--keys DIR --passphrase-file FILE go with "
						     "--check: a restored node needs its keys in "
						     "its home");
	if (check)
		return work_offline(c, &look, &copy);
	if (!client_node_runs(c))
		return work_offline(c, &restore, &home_keys);
	report_init(&report);
	report_add(&report, "%s: a node runs on this home; stop it first", c->home);
	code = client_refused(c, restore.what, &report);
	report_clear(&report);
	return code;
}

int cmd_release(const struct cmd_context *c, int argc, char **argv)
{
	const char *reason = NULL;
	bool all = false;
	const struct option_rule rules[] = {{"all", OPTION_FLAG, &all, 0, 0},
					    {"reason", OPTION_TEXT, &reason, 0, 0}};
	struct text request;
	struct reply reply;
	int first, code = options_read("khabar release", rules, 2, argc, argv, &first);

	if (code)
		return code;
	if (!all || !reason || first != argc)
		return cmd_misused("khabar release", "--all --reason TEXT is wanted");
	request_init(&request, "release");
	admin_put_bool(&request, "all", true);
	admin_put_string(&request, "reason", reason);
	code = client_once(c, "khabar release", &request, &reply);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		printf("%.0f messages that waited are shown, unreconciled\n",
		       member_number(reply.json, "released"));
	reply_clear(&reply);
	return EXIT_DONE;
}

int cmd_check_store(const struct cmd_context *c, int argc, char **argv)
{
	const struct work w = {"khabar check-store", "check-store", NULL, check_offline,
			       "log and index are as they were written"};

	if (argc != 1)
		return cmd_misused("khabar check-store", "\"%s\" is not wanted", argv[1]);
	return client_node_runs(c) ? work_online(c, &w) : work_offline(c, &w, &home_keys);
}

int cmd_reindex(const struct cmd_context *c, int argc, char **argv)
{
	const struct work w = {"khabar reindex", "reindex", NULL, reindex_offline,
			       "the index is built anew"};

	if (argc != 1)
		return cmd_misused("khabar reindex", "\"%s\" is not wanted", argv[1]);
	return client_node_runs(c) ? work_online(c, &w) : work_offline(c, &w, &home_keys);
}
