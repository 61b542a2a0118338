/* khabar card: what nodes say of themselves. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/file.h"
#include "protocol/admin.h"
#include "protocol/topology.h"
#include "protocol/topology_value.h"

static const char what[] = "khabar card";

enum { FILE_MAX_BYTES = MESSAGE_MAX_BYTES, LIST_MAX_BYTES = 1 << 20 };

/* One request, whose reply is printed as it is, or by show. */
static int ask_and_print(const struct cmd_context *c, const struct text *request,
			 const struct slice *frame, void (*show)(const cJSON *reply))
{
	struct client client;
	struct reply reply;
	int code = client_open(&client, c, what);

	if (!code)
		code = client_ask(&client, request, frame, frame ? 1 : 0, false, &reply);
	client_close(&client);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		show(reply.json);
	reply_clear(&reply);
	return EXIT_DONE;
}

/* ---- show ---- */

static void print_texts(const cJSON *reply, const char *name, const char *title)
{
	const cJSON *item, *array = cJSON_GetObjectItemCaseSensitive(reply, name);

	cJSON_ArrayForEach(item, array)
	{
		print_column(item == array->child ? title : "", 10);
		if (cJSON_IsNumber(item))
			printf("AS%.0f", item->valuedouble);
		else
			print_safe(stdout, cJSON_GetStringValue(item), false);
		putchar('\n');
	}
}

static void print_contact(const cJSON *contact, const char *title)
{
	static const char *const names[] = {"email", "phone", "hours"};

	print_column(title, 10);
	print_safe(stdout, member_text(contact, "name"), false);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!*member_text(contact, names[i]))
			continue;
		fputs(", ", stdout);
		print_safe(stdout, member_text(contact, names[i]), false);
	}
	putchar('\n');
}

static void print_keys(const cJSON *reply)
{
	const cJSON *item;

	printf("link        %s\n", member_text(reply, "link"));
	if (*member_text(reply, "link_next"))
		printf("next link   %s\n", member_text(reply, "link_next"));
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(reply, "seal"))
	{
		bool used = member_number(item, "number") == member_number(reply, "seal_in_use");
		printf("seal %-5.0f  %s%s\n", member_number(item, "number"),
		       member_text(item, "key"), used ? "  in use" : "");
	}
}

static void print_card(const cJSON *reply)
{
	const cJSON *item, *contacts = cJSON_GetObjectItemCaseSensitive(reply, "contacts");

	print_safe(stdout, member_text(reply, "node"), false);
	fputs(", ", stdout);
	print_safe(stdout, member_text(reply, "title"), false);
	if (strcmp(member_text(reply, "source"), "card") == 0)
		printf("\ncard %.0f, until %.10s\n\n", member_number(reply, "number"),
		       member_text(reply, "expires"));
	else
		printf("\nno card: this is what the topology says\n\n");
	print_texts(reply, "endpoints", "endpoints");
	print_keys(reply);
	cJSON_ArrayForEach(item, contacts)
	{
		print_contact(item, item == contacts->child ? "contacts" : "");
	}
	print_texts(reply, "networks", "networks");
	print_texts(reply, "domains", "domains");
	print_texts(reply, "as_numbers", "AS numbers");
}

static int export(const struct cmd_context *c, const struct text *request, const char *path)
{
	struct client client;
	struct report report;
	struct reply reply;
	int code = client_open(&client, c, what);

	if (!code)
		code = client_ask(&client, request, NULL, 0, false, &reply);
	client_close(&client);
	if (code)
		return code;
	report_init(&report);
	if (file_write(strcmp(path, "-") == 0 ? NULL : path, (const char *)reply.frame,
		       reply.frame_length, &report) != ERR_OK)
		code = cmd_refused(c, what, &report);
	report_clear(&report);
	reply_clear(&reply);
	return code;
}

static int card_show(const struct cmd_context *c, int argc, char **argv)
{
	const char *path = NULL;
	const struct option_rule rules[] = {{.name = "export", .kind = OPTION_TEXT, .to = &path}};
	struct text request;
	int first, code = options_read(what, rules, 1, argc, argv, &first);

	if (code)
		return code;
	if (argc - first > 1)
		return cmd_misused(what, "show: one node is wanted, or none");
	request_init(&request, "card");
	if (argc > first)
		admin_put_string(&request, "node", argv[first]);
	if (path)
		admin_put_bool(&request, "raw", true);
	code = path ? export(c, &request, path) : ask_and_print(c, &request, NULL, print_card);
	text_clear(&request);
	return code;
}

/* ---- set, contact ---- */

static void print_published(const cJSON *reply)
{
	printf("Card %.0f is published.\n", member_number(reply, "number"));
}

static int card_set(const struct cmd_context *c, int argc, char **argv)
{
	struct text request;
	int code;

	if (argc < 2)
		return cmd_misused(what, "set: an endpoint is wanted, such as tcp://host:5670");
	for (int i = 1; i < argc; i++) {
		const char *wrong = value_endpoint(argv[i]);
		if (wrong)
			return cmd_misused(what, "set \"%s\": %s", argv[i], wrong);
	}
	request_init(&request, "card-set");
	admin_put_name(&request, "endpoints");
	text_str(&request, "[");
	for (int i = 1; i < argc; i++)
		admin_put_string(&request, NULL, argv[i]);
	text_str(&request, "]");
	code = ask_and_print(c, &request, NULL, print_published);
	text_clear(&request);
	return code;
}

static int card_contact(const struct cmd_context *c, int argc, char **argv)
{
	const char *texts[3] = {NULL};
	static const char *const names[] = {"email", "phone", "hours"};
	bool removed = false;
	const struct option_rule rules[] = {
		{.name = names[0], .kind = OPTION_TEXT, .to = &texts[0]},
		{.name = names[1], .kind = OPTION_TEXT, .to = &texts[1]},
		{.name = names[2], .kind = OPTION_TEXT, .to = &texts[2]},
		{.name = "remove", .kind = OPTION_FLAG, .to = &removed}};
	struct text request;
	int first, code = options_read(what, rules, 4, argc, argv, &first);

	if (code)
		return code;
	if (argc - first != 1 || !*argv[first])
		return cmd_misused(what, "contact: one name is wanted, such as \"Duty desk\"");
	request_init(&request, "card-set");
	admin_put_string(&request, removed ? "remove_contact" : "contact", argv[first]);
	for (size_t i = 0; i < 3; i++)
		if (texts[i])
			admin_put_string(&request, names[i], texts[i]);
	code = ask_and_print(c, &request, NULL, print_published);
	text_clear(&request);
	return code;
}

/* ---- constituency ---- */

enum { NETWORKS, DOMAINS, AS_NUMBERS, LISTS };

struct claims {
	char *texts[LISTS][BOUNDS_MAX]; /* into the file */
	size_t counts[LISTS];
};

/* What a line is by its looks: a network has a slash, an AS number only digits. */
static const char *claim_read(struct claims *claims, char *line)
{
	uint64_t number;
	size_t list = DOMAINS;
	const char *wrong;

	if ((line[0] == 'A' || line[0] == 'a') && (line[1] == 'S' || line[1] == 's') &&
	    line[2] >= '0' && line[2] <= '9')
		line += 2;
	if (strchr(line, '/')) {
		list = NETWORKS;
		wrong = value_network(line);
	} else if (strspn(line, "0123456789") == strlen(line)) {
		list = AS_NUMBERS;
		wrong = value_number(&number, line, 1, UINT32_MAX);
	} else {
		wrong = value_domain(line);
	}
	if (!wrong && claims->counts[list] == BOUNDS_MAX)
		wrong = "more than 256 of its kind";
	if (!wrong)
		claims->texts[list][claims->counts[list]++] = line;
	return wrong;
}

/* Without white space behind it. */
static void line_end(char *line)
{
	size_t n = strlen(line);

	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		line[--n] = '\0';
}

static enum err claims_read(struct claims *claims, char *text, const char *path,
			    struct report *report)
{
	size_t number = 0;

	for (char *line = text, *next; line; line = next) {
		const char *wrong;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		line += strspn(line, " \t");
		line[strcspn(line, "#\r")] = '\0';
		line_end(line);
		wrong = strpbrk(line, " \t") ? "one network, domain or AS number is wanted"
			: *line              ? claim_read(claims, line)
					     : NULL;
		if (wrong)
			report_add(report, "%s: line %zu: \"%s\": %s", path, number, line, wrong);
	}
	return report->total ? ERR_FORMAT : ERR_OK;
}

static int constituency_set(const struct cmd_context *c, const struct claims *claims)
{
	static const char *const names[LISTS] = {"networks", "domains", "as_numbers"};
	struct text request;
	int code;

	request_init(&request, "card-set");
	for (size_t list = 0; list < LISTS; list++) {
		admin_put_name(&request, names[list]);
		text_str(&request, "[");
		for (size_t i = 0; i < claims->counts[list]; i++)
			admin_put_string(&request, NULL, claims->texts[list][i]);
		text_str(&request, "]");
	}
	code = ask_and_print(c, &request, NULL, print_published);
	text_clear(&request);
	return code;
}

static int card_constituency(const struct cmd_context *c, int argc, char **argv)
{
	struct claims *claims;
	struct report report;
	char *text = NULL;
	size_t n;
	int code;

	if (argc != 2)
		return cmd_misused(what,
				   "constituency: one file is wanted, a network, domain or AS "
				   "number a line");
	claims = calloc(1, sizeof *claims);
	report_init(&report);
	if (!claims || file_read_text(&text, &n, argv[1], LIST_MAX_BYTES, &report) ||
	    claims_read(claims, text, argv[1], &report))
		code = cmd_refused(c, what, &report);
	else
		code = constituency_set(c, claims);
	report_clear(&report);
	free(text);
	free(claims);
	return code;
}

/* ---- accept ---- */

static void print_accepted(const cJSON *reply)
{
	print_safe(stdout, member_text(reply, "node"), false);
	printf("'s card is here%s.\n",
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "in_force"))
		       ? ", and in force"
		       : "; a newer one is in force");
}

static int card_accept(const struct cmd_context *c, int argc, char **argv)
{
	struct report report;
	struct text request;
	char *file = NULL;
	size_t n;
	int code;

	if (argc != 2)
		return cmd_misused(what,
				   "accept: one file is wanted, that card show --export wrote");
	report_init(&report);
	request_init(&request, "card-accept");
	if (file_read_named(&file, &n, argv[1], FILE_MAX_BYTES, &report)) {
		code = cmd_refused(c, what, &report);
	} else {
		struct slice frame = {file, n};
		code = ask_and_print(c, &request, &frame, print_accepted);
	}
	text_clear(&request);
	report_clear(&report);
	free(file);
	return code;
}

int cmd_card(const struct cmd_context *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct cmd_context *c, int argc, char **argv);
	} subcommands[] = {{"show", card_show},
			   {"set", card_set},
			   {"contact", card_contact},
			   {"constituency", card_constituency},
			   {"accept", card_accept}};

	for (size_t i = 0; argc >= 2 && i < sizeof subcommands / sizeof *subcommands; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(c, argc - 1, argv + 1);
	return cmd_misused(what, "show, set, contact, constituency or accept is wanted");
}
