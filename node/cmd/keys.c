#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "node/cmd/card.h"
#include "node/cmd/cmd.h"
#include "node/cmd/keys_copy.h"
#include "node/cmd/rotate.h"
#include "node/home.h"

static const char what[] = "khabar keys";

enum { KEY_HEX_BYTES = 65 };

static void print_object(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	if (text)
		puts(text);
	free(text);
	cJSON_Delete(o);
}

static void add_numbered(cJSON *o, const char *name, unsigned number, const uint8_t key[32])
{
	cJSON *entry = cJSON_AddObjectToObject(o, name);
	char hex[KEY_HEX_BYTES];

	cJSON_AddNumberToObject(entry, "number", number);
	cJSON_AddStringToObject(entry, "key", hex_encode(hex, key, 32));
}

static void show_json(const struct identity *id)
{
	const struct identity_public *node = identity_public(id);
	cJSON *o = cJSON_CreateObject(), *roles;
	char hex[KEY_HEX_BYTES];

	cJSON_AddStringToObject(o, "node", node->name);
	add_numbered(o, "sign", node->sign_number, node->sign);
	cJSON_AddStringToObject(o, "link", hex_encode(hex, node->link, 32));
	if (node->link_changing)
		cJSON_AddStringToObject(o, "link_next", hex_encode(hex, node->link_next, 32));
	add_numbered(o, "seal", node->seal_number, node->seal);
	roles = cJSON_AddArrayToObject(o, "roles");
	for (size_t i = 0; i < identity_role_count(id); i++) {
		const struct role_public *role = identity_role(id, i);
		cJSON *entry = cJSON_CreateObject();
		cJSON_AddStringToObject(entry, "role", role->name);
		add_numbered(entry, "seal", role->number, role->seal);
		cJSON_AddItemToArray(roles, entry);
	}
	print_object(o);
}

static void show_words(const struct identity *id)
{
	const struct identity_public *node = identity_public(id);
	char hex[KEY_HEX_BYTES];

	printf("node %s\n", node->name);
	printf("    sign %-5u %s\n", node->sign_number, hex_encode(hex, node->sign, 32));
	printf("    link       %s\n", hex_encode(hex, node->link, 32));
	if (node->link_changing)
		printf("    next link  %s\n", hex_encode(hex, node->link_next, 32));
	printf("    seal %-5u %s\n", node->seal_number, hex_encode(hex, node->seal, 32));
	for (size_t i = 0; i < identity_role_count(id); i++) {
		const struct role_public *role = identity_role(id, i);
		printf("role %s\n", role->name);
		printf("    seal %-5u %s\n", role->number, hex_encode(hex, role->seal, 32));
	}
}

static int keys_show(const struct cmd_context *c, int argc, char **argv)
{
	struct identity *id;
	struct config *config;
	struct report report;
	int code = EXIT_DONE;

	if (argc != 1)
		return cmd_misused(what, "show takes no argument: \"%s\"", argv[1]);
	report_init(&report);
	if (home_open(&config, &id, c->home, &report)) {
		code = cmd_refused(c, "khabar keys show", &report);
	} else {
		if (c->json)
			show_json(id);
		else
			show_words(id);
		identity_free(id);
		config_free(config);
	}
	report_clear(&report);
	return code;
}

/* The first number that this home has no file for, from number on when that is given. */
static bool role_paths(char key[PATH_MAX], char card[PATH_MAX], unsigned *number, const char *home,
		       const char *role)
{
	unsigned n = *number ? *number : 1;

	for (; n <= UINT16_MAX; n++) {
		char name[80];
		snprintf(name, sizeof name, "role-%.31s-%u.key", role, n);
		if (!home_path(key, home, name))
			return false;
		snprintf(name, sizeof name, "role-%.31s-%u.card", role, n);
		if (!home_path(card, home, name))
			return false;
		if (*number || access(key, F_OK) != 0)
			break;
	}
	*number = n;
	return n <= UINT16_MAX;
}

static enum err make_role(struct role_public *made, const char *home, const char *key,
			  const char *card, const char *role, unsigned number,
			  struct report *report)
{
	char *passphrase, text[CARD_MAX_BYTES];
	enum err e = home_passphrase(&passphrase, home, report);

	if (!e)
		e = identity_create_role(key, role, (uint16_t)number, passphrase, made, report);
	passphrase_free(passphrase);
	if (!e) {
		card_of_role(text, made);
		e = text_file_create(card, text, report);
	}
	return e;
}

static void print_role(const struct cmd_context *c, const struct role_public *made, const char *key,
		       const char *card)
{
	char hex[KEY_HEX_BYTES];
	cJSON *o;

	if (!c->json) {
		printf("Role %s has a seal key, number %u:\n\n", made->name, made->number);
		printf("    %s  its secret, for the nodes that hold the role\n", key);
		printf("    %s  its public key, for the council\n", card);
		return;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "role", made->name);
	cJSON_AddNumberToObject(o, "number", made->number);
	cJSON_AddStringToObject(o, "seal", hex_encode(hex, made->seal, 32));
	cJSON_AddStringToObject(o, "key", key);
	cJSON_AddStringToObject(o, "card", card);
	print_object(o);
}

static int keys_role(const struct cmd_context *c, int argc, char **argv)
{
	static const struct option options[] = {{"number", required_argument, NULL, 'n'}, {0}};
	char key[PATH_MAX], card[PATH_MAX], *end;
	struct role_public made;
	struct report report;
	unsigned long number = 0;
	unsigned chosen;
	int option, code = EXIT_DONE;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'n')
			return EXIT_USAGE;
		number = strtoul(optarg, &end, 10);
		if (*end || number < 1 || number > UINT16_MAX || *optarg < '0' || *optarg > '9')
			return cmd_misused(what, "--number %s: 1 to 65535 is wanted", optarg);
	}
	if (argc - optind != 1 || !name_valid(argv[optind]))
		return cmd_misused(what, "role: the name of one role is wanted");
	chosen = (unsigned)number;
	if (!role_paths(key, card, &chosen, c->home, argv[optind]))
		return cmd_misused(what, "role: no number is left, or the path is too long");
	report_init(&report);
	if (make_role(&made, c->home, key, card, argv[optind], chosen, &report))
		code = cmd_refused(c, "khabar keys role", &report);
	else
		print_role(c, &made, key, card);
	report_clear(&report);
	return code;
}

int cmd_keys(const struct cmd_context *c, int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "show") == 0)
		return keys_show(c, argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "role") == 0)
		return keys_role(c, argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "rotate") == 0)
		return keys_rotate(c, argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "copy") == 0)
		return keys_copy(c, argc - 1, argv + 1);
	return cmd_misused(what, "show, role, rotate or copy is wanted");
}
