/* khabar topology: what a council's secretary and an operator do with topology files. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/print.h"
#include "node/cmd/topology_file.h"

static const struct {
	const char *name;
	int (*run)(const struct cmd_context *c, int argc, char **argv);
} subcommands[] = {
	{"check", topology_check_file}, {"show", topology_show},         {"tree", topology_tree},
	{"diff", topology_diff},        {"assemble", topology_assemble}, {"fill", topology_fill},
	{"accept", topology_accept},    {"suspend", topology_suspend},   {"drain", topology_drain},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

int cmd_topology(const struct cmd_context *c, int argc, char **argv)
{
	const char *names[SUBCOMMANDS], *nearest;

	if (argc < 2)
		return cmd_misused("khabar topology", "what shall be done is missing");
	for (size_t i = 0; i < SUBCOMMANDS; i++) {
		names[i] = subcommands[i].name;
		if (strcmp(argv[1], names[i]) == 0)
			return subcommands[i].run(c, argc - 1, argv + 1);
	}
	nearest = report_nearest(argv[1], names, SUBCOMMANDS);
	if (nearest)
		return cmd_misused("khabar topology", "no subcommand \"%s\"; did you mean \"%s\"?",
				   argv[1], nearest);
	return cmd_misused("khabar topology", "no subcommand \"%s\"", argv[1]);
}

static cJSON *summary_json(const struct topology *t)
{
	cJSON *o = cJSON_CreateObject();
	char hex[2 * HASH_BYTES + 1], words[WORDS_BYTES], date[32];
	size_t nodes, roles;

	topology_count(t, &nodes, &roles);
	council_words(words, sizeof words, &t->hash);
	cJSON_AddStringToObject(o, "name", t->name);
	cJSON_AddNumberToObject(o, "version", t->version);
	cJSON_AddStringToObject(o, "hash", hex_encode(hex, t->hash.b, HASH_BYTES));
	cJSON_AddStringToObject(o, "words", words);
	cJSON_AddStringToObject(o, "network", hex_encode(hex, t->network.b, NETWORK_ID_BYTES));
	cJSON_AddStringToObject(o, "expires", date_text(date, sizeof date, t->expires));
	cJSON_AddNumberToObject(o, "nodes", (double)nodes);
	cJSON_AddNumberToObject(o, "roles", (double)roles);
	return o;
}

/* ---- check ---- */

static void print_check(const struct cmd_context *c, const struct loaded *l, unsigned count)
{
	char hex[2 * HASH_BYTES + 1], words[WORDS_BYTES];
	const struct council *council = &l->t->council;
	bool is_signed = l->text_length < l->length;
	size_t nodes, roles;

	if (c->json) {
		cJSON *o = summary_json(l->t);
		cJSON_AddBoolToObject(o, "signed", is_signed);
		cJSON_AddNumberToObject(o, "signatures", count);
		cJSON_AddNumberToObject(o, "threshold", council->threshold);
		cJSON_AddNumberToObject(o, "members", (double)council->member_count);
		json_print(o);
		return;
	}
	topology_count(l->t, &nodes, &roles);
	council_words(words, sizeof words, &l->t->hash);
	printf("version %lu, hash %s, words \"%s\", %zu nodes, %zu roles, ",
	       (unsigned long)l->t->version, hex_encode(hex, l->t->hash.b, HASH_BYTES), words,
	       nodes, roles);
	if (is_signed)
		printf("signed by %u of %zu members (%u must)\n", count, council->member_count,
		       council->threshold);
	else
		printf("not signed (%u of %zu members must)\n", council->threshold,
		       council->member_count);
}

static int check_suspension(const struct cmd_context *c, const char *path,
			    const struct loaded_suspension *l)
{
	struct report report;
	struct loaded t;
	unsigned count = 0;
	enum err e;
	int code = EXIT_DONE;

	report_init(&report);
	e = loaded_in_force(&t, c, &report);
	if (!e)
		e = suspension_bind(l->s, t.t, &report);
	if (!e)
		count = council_count(&t.t->council, l->file, l->length, &report);
	if (e) {
		code = topology_refused(c, path, e, &report);
	} else if (c->json) {
		cJSON *o = suspension_json(l->s);
		cJSON_AddNumberToObject(o, "signatures", count);
		cJSON_AddNumberToObject(o, "threshold", t.t->council.suspension);
		json_print(o);
	} else {
		suspension_print(l->s);
		printf("signed by %u of %zu members (%u must)\n", count, t.t->council.member_count,
		       t.t->council.suspension);
	}
	loaded_clear(&t);
	report_clear(&report);
	return code;
}

int topology_check_file(const struct cmd_context *c, int argc, char **argv)
{
	struct loaded_suspension suspension;
	struct loaded l;
	struct report report;
	unsigned count = 0;
	enum err e;
	int code = EXIT_DONE;

	if (argc != 2)
		return cmd_misused("khabar topology check", "exactly one file is needed");
	report_init(&report);
	e = suspension_read(&suspension, argv[1], &report);
	if (e != ERR_NOT_FOUND) {
		code = e ? topology_refused(c, argv[1], e, &report)
			 : check_suspension(c, argv[1], &suspension);
		suspension_clear(&suspension);
		report_clear(&report);
		return code;
	}
	e = loaded_read(&l, argv[1], &report);
	if (e == ERR_OK && l.text_length < l.length) {
		e = council_check(&l.t->council, l.file, l.length, l.t->version, &report);
		count = council_count(&l.t->council, l.file, l.length, NULL);
	}
	if (e) {
		code = topology_refused(c, argv[1], e, &report);
	} else {
		for (size_t i = 0; i < report.count; i++)
			print_complaint(argv[1], report.lines[i]);
		print_check(c, &l, count);
	}
	loaded_clear(&l);
	report_clear(&report);
	return code;
}

/* ---- show ---- */

static cJSON *name_array(const struct topology *t, const size_t *list, size_t n)
{
	cJSON *a = cJSON_CreateArray();

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(a, cJSON_CreateString(t->parties[list[i]].name));
	return a;
}

static void add_key(cJSON *list, unsigned number, const uint8_t key[32], bool revoked)
{
	cJSON *o = cJSON_CreateObject();
	char hex[65];

	cJSON_AddNumberToObject(o, "number", number);
	cJSON_AddStringToObject(o, "key", hex_encode(hex, key, 32));
	cJSON_AddBoolToObject(o, "revoked", revoked);
	cJSON_AddItemToArray(list, o);
}

/* What of a node is void: keys by their numbers, incarnations. */
static void add_voids(cJSON *o, const struct party *p)
{
	cJSON *list = cJSON_AddArrayToObject(o, "void_keys");

	for (size_t i = 0; i < p->sign_key_count; i++)
		if (p->sign_keys[i].is_void)
			cJSON_AddItemToArray(list, cJSON_CreateNumber(p->sign_keys[i].number));
	list = cJSON_AddArrayToObject(o, "void");
	for (size_t i = 0; i < p->void_count; i++) {
		char text[17];
		snprintf(text, sizeof text, "%016llx", (unsigned long long)p->voids[i]);
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
}

static cJSON *party_json(const struct topology *t, const struct party *p)
{
	cJSON *o = cJSON_CreateObject(), *list;
	char hex[65], date[32];

	cJSON_AddStringToObject(o, "name", p->name);
	cJSON_AddStringToObject(o, "kind", p->kind == PARTY_NODE ? "node" : "role");
	cJSON_AddStringToObject(o, "title", p->title);
	cJSON_AddStringToObject(o, "id", hex_encode(hex, p->id.b, PARTY_ID_BYTES));
	cJSON_AddItemToObject(o, "reports_to", name_array(t, p->parents, p->parent_count));
	if (p->kind == PARTY_ROLE)
		cJSON_AddItemToObject(o, "holders", name_array(t, p->holders, p->holder_count));
	else
		cJSON_AddItemToObject(o, "roles", name_array(t, p->roles, p->role_count));
	if (p->endpoint)
		cJSON_AddStringToObject(o, "endpoint", p->endpoint);
	if (!bytes_zero(p->link_key, LINK_KEY_BYTES))
		cJSON_AddStringToObject(o, "link", hex_encode(hex, p->link_key, LINK_KEY_BYTES));
	list = cJSON_AddArrayToObject(o, "sign");
	for (size_t i = 0; i < p->sign_key_count; i++)
		add_key(list, p->sign_keys[i].number, p->sign_keys[i].key, p->sign_keys[i].revoked);
	list = cJSON_AddArrayToObject(o, "seal");
	for (size_t i = 0; i < p->seal_key_count; i++)
		add_key(list, p->seal_keys[i].number, p->seal_keys[i].key, p->seal_keys[i].retired);
	if (p->kind == PARTY_NODE)
		add_voids(o, p);
	if (p->left)
		cJSON_AddStringToObject(
			o, "left", date_text(date, sizeof date, p->left_on * UINT64_C(3600000)));
	return o;
}

static void show_json(const struct loaded *l)
{
	const struct topology *t = l->t;
	cJSON *o = summary_json(t), *council = cJSON_AddObjectToObject(o, "council"), *list;

	cJSON_AddNumberToObject(council, "threshold", t->council.threshold);
	cJSON_AddNumberToObject(council, "suspension", t->council.suspension);
	list = cJSON_AddArrayToObject(council, "members");
	for (size_t i = 0; i < t->council.member_count; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(t->council.members[i].name));
	list = cJSON_AddArrayToObject(o, "parties");
	for (size_t i = 0; i < t->party_count; i++)
		cJSON_AddItemToArray(list, party_json(t, &t->parties[i]));
	list = cJSON_AddArrayToObject(o, "groups");
	for (size_t i = 0; i < t->group_count; i++) {
		cJSON *group = cJSON_CreateObject();
		cJSON_AddStringToObject(group, "name", t->groups[i].name);
		cJSON_AddItemToObject(
			group, "members",
			name_array(t, t->groups[i].members, t->groups[i].member_count));
		cJSON_AddItemToArray(list, group);
	}
	list = cJSON_AddArrayToObject(o, "links");
	for (size_t i = 0; i < t->link_count; i++) {
		size_t ends[2] = {t->links[i].a, t->links[i].b};
		cJSON_AddItemToArray(list, name_array(t, ends, 2));
	}
	cJSON_AddItemToObject(o, "suspension",
			      l->suspension ? cJSON_Duplicate(l->suspension, true)
					    : cJSON_CreateNull());
	json_print(o);
}

static void print_names(const struct topology *t, const char *before, const size_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? " " : before, t->parties[list[i]].name);
}

static void print_party(const struct topology *t, const struct party *p)
{
	char date[32];

	printf("    %-16s %s\n        %s", p->name, p->title,
	       p->kind == PARTY_NODE ? "node" : "role");
	print_names(t, ", reports to ", p->parents, p->parent_count);
	print_names(t, ", held by ", p->holders, p->holder_count);
	print_names(t, ", holds ", p->roles, p->role_count);
	if (p->endpoint)
		printf(", %s", p->endpoint);
	if (p->kind == PARTY_NODE && !party_can_sign(p))
		printf(", all its sign keys are revoked");
	for (size_t i = 0; i < p->sign_key_count; i++)
		if (p->sign_keys[i].is_void)
			printf(", sign key %u is void", p->sign_keys[i].number);
	if (p->void_count)
		printf(", %zu incarnations are void", p->void_count);
	if (p->left)
		printf(", left %s", date_text(date, sizeof date, p->left_on * UINT64_C(3600000)));
	printf("\n");
}

static void show_words(const struct topology *t)
{
	char hex[2 * HASH_BYTES + 1], words[WORDS_BYTES], date[32];

	council_words(words, sizeof words, &t->hash);
	printf("%s\n", t->name);
	printf("version  %lu\n", (unsigned long)t->version);
	printf("hash     %s\n", hex_encode(hex, t->hash.b, HASH_BYTES));
	printf("words    %s\n", words);
	printf("network  %s\n", hex_encode(hex, t->network.b, NETWORK_ID_BYTES));
	printf("expires  %s\n", date_text(date, sizeof date, t->expires));
	printf("council  %u of %zu (%u suspend):", t->council.threshold, t->council.member_count,
	       t->council.suspension);
	for (size_t i = 0; i < t->council.member_count; i++)
		printf(" %s", t->council.members[i].name);
	printf("\nparties\n");
	for (size_t i = 0; i < t->party_count; i++)
		print_party(t, &t->parties[i]);
	for (size_t i = 0; i < t->group_count; i++) {
		printf(i ? "" : "groups\n");
		printf("    %s", t->groups[i].name);
		print_names(t, ": ", t->groups[i].members, t->groups[i].member_count);
		printf("\n");
	}
	for (size_t i = 0; i < t->link_count; i++)
		printf("%s    %s - %s\n", i ? "" : "bilateral links\n",
		       t->parties[t->links[i].a].name, t->parties[t->links[i].b].name);
}

int topology_show(const struct cmd_context *c, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : c->home;
	struct loaded l;
	struct report report;
	enum err e;
	int code = EXIT_DONE;

	if (argc > 2)
		return cmd_misused("khabar topology show", "at most one file is shown");
	report_init(&report);
	e = argc > 1 ? loaded_read(&l, path, &report) : loaded_in_force(&l, c, &report);
	if (e)
		code = topology_refused(c, path, e, &report);
	else if (c->json)
		show_json(&l);
	else
		show_words(l.t);
	if (!e && !c->json)
		status_suspension(l.suspension);
	loaded_clear(&l);
	report_clear(&report);
	return code;
}
