/* khabar join: the first topology of a new node, vouched for by its operator.  SPEC.md 4.9. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/file.h"
#include "node/home.h"
#include "protocol/council.h"

struct joining {
	const struct cmd_context *c;
	const char *path, *hash, *words;
	char *file; /* owned */
	size_t length;
	struct hash pin;    /* of the text */
	struct topology *t; /* owned */
	struct report report;
};

/* What the operator was told, against what the file is. */
static enum err check_pin(struct joining *j)
{
	uint8_t told[WORDS_HASH_BYTES];
	struct hash given;
	enum err e;

	j->pin = hash_of(j->file, council_text_length(j->file, j->length));
	if (j->hash &&
	    (!hex_decode(given.b, HASH_BYTES, j->hash) || !hash_equal(&given, &j->pin))) {
		report_add(&j->report, "%s: its hash is not the one given with --hash", j->path);
		return ERR_HASH;
	}
	if (!j->words)
		return ERR_OK;
	e = council_words_read(told, j->words, &j->report);
	if (!e && memcmp(told, j->pin.b, sizeof told) != 0) {
		report_add(&j->report, "%s: its words are not the ones given with --words",
			   j->path);
		e = ERR_HASH;
	}
	return e;
}

/* A topology in which this node is not, or has other keys, would never let it speak. */
static enum err check_self(struct joining *j)
{
	const struct identity_public *own;
	const struct sign_key *key;
	const struct party *p;
	struct identity *id;
	struct config *config;
	enum err e = home_open(&config, &id, j->c->home, &j->report);

	if (e)
		return e;
	own = identity_public(id);
	p = topology_party(j->t, own->name);
	key = p ? party_sign_key(p, own->sign_number) : NULL;
	if (!p || p->kind != PARTY_NODE || p->left) {
		report_add(&j->report,
			   "%s: version %lu has no node named %s: has the council your "
			   "card?",
			   j->path, (unsigned long)j->t->version, own->name);
		e = ERR_UNKNOWN_PARTY;
	} else if (!key || memcmp(key->key, own->sign, SIGN_KEY_BYTES) != 0) {
		report_add(&j->report,
			   "%s: node %s has another sign key there than in this home: was another "
			   "card sent to the council?",
			   j->path, own->name);
		e = ERR_NOT_ALLOWED;
	}
	identity_free(id);
	config_free(config);
	return e;
}

static enum err open_file(struct joining *j)
{
	enum err e = check_pin(j);

	if (!e)
		e = council_open(&j->t, j->file, j->length, &j->pin, &j->report);
	if (!e)
		e = check_self(j);
	return e;
}

/* Written aside, synced, then linked to a name that must not exist. */
static enum err write_once(const char *home, const char *data, size_t n, struct report *report)
{
	char path[PATH_MAX], aside[PATH_MAX];
	enum err e;

	if (!home_path(path, home, "topology.signed") ||
	    !home_path(aside, home, "topology.signed.new")) {
		report_add(report, "%s: the path is too long", home);
		return ERR_LIMIT;
	}
	if (access(path, F_OK) == 0) {
		report_add(report,
			   "%s: already exists: this node has joined; the next version is taken "
			   "with: khabar topology accept FILE",
			   path);
		return ERR_EXISTS;
	}
	e = file_write(aside, data, n, report);
	if (e)
		return e;
	if (link(aside, path) != 0) {
		report_add(report, "%s: cannot be made: %s", path, strerror(errno));
		e = errno == EEXIST ? ERR_EXISTS : ERR_IO;
	}
	unlink(aside);
	return e;
}

static void print_version(FILE *out, const struct joining *j)
{
	char hex[2 * HASH_BYTES + 1], words[WORDS_BYTES];

	council_words(words, sizeof words, &j->pin);
	fprintf(out, "federation  ");
	print_safe(out, j->t->name, false);
	fprintf(out, "\nversion     %lu\nhash        %s\nwords       %s\n",
		(unsigned long)j->t->version, hex_encode(hex, j->pin.b, HASH_BYTES), words);
}

static bool confirmed(const struct joining *j)
{
	char answer[64] = "";

	if (j->c->yes || j->hash || j->words)
		return true;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		fprintf(stderr, "khabar join: nobody can be asked here whether the hash is right: "
				"give it with --hash or --words, or say --yes\n");
		return false;
	}
	print_version(stderr, j);
	fprintf(stderr, "Compare the words by telephone.  Are they the same? [y/N] ");
	return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void print_joined(const struct joining *j)
{
	char hex[2 * HASH_BYTES + 1], words[WORDS_BYTES];
	cJSON *o;
	char *text;

	if (!j->c->json) {
		print_version(stdout, j);
		if (strcmp(j->c->home, HOME_DEFAULT) == 0)
			printf("\nJoined.  Start the node: systemctl start khabardar\n");
		else
			printf("\nJoined.  Start the node: khabardar --home %s\n", j->c->home);
		return;
	}
	council_words(words, sizeof words, &j->pin);
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "federation", j->t->name);
	cJSON_AddNumberToObject(o, "version", j->t->version);
	cJSON_AddStringToObject(o, "hash", hex_encode(hex, j->pin.b, HASH_BYTES));
	cJSON_AddStringToObject(o, "words", words);
	text = cJSON_PrintUnformatted(o);
	if (text)
		print_json((struct slice){text, strlen(text)});
	free(text);
	cJSON_Delete(o);
}

int cmd_join(const struct cmd_context *c, int argc, char **argv)
{
	struct joining j = {.c = c};
	const struct option_rule rules[] = {
		{"hash", OPTION_TEXT, &j.hash, 0, 0},
		{"words", OPTION_TEXT, &j.words, 0, 0},
	};
	int first, code = options_read("khabar join", rules, 2, argc, argv, &first);
	enum err e;

	if (!code && argc - first != 1)
		code = cmd_misused("khabar join", "one signed topology is wanted");
	if (code)
		return code;
	j.path = argv[first];
	report_init(&j.report);
	e = file_read_named(&j.file, &j.length, j.path, TOPOLOGY_MAX_BYTES, &j.report);
	if (!e && !cmd_become_owner(c))
		code = EXIT_REFUSED;
	if (!e && !code)
		e = open_file(&j);
	if (!e && !code && !confirmed(&j))
		code = EXIT_REFUSED;
	if (!e && !code)
		e = write_once(c->home, j.file, j.length, &j.report);
	if (e && j.report.count == 0)
		report_add(&j.report, "%s: %s", j.path, err_str(e));
	if (e)
		code = client_refused(c, "khabar join", &j.report);
	else if (!code)
		print_joined(&j);
	topology_free(j.t);
	free(j.file);
	report_clear(&j.report);
	return code;
}
