/* khabar list, search and watch: objects, a line each. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

enum { WATCH_EVERY_MS = 500, TLP_WIDTH = 12, TYPE_WIDTH = 14, NODE_WIDTH = 12, TIME_WIDTH = 16 };

struct listing {
	const char *type, *tlp, *node;
	unsigned long limit;
	bool all;
	bool headed; /* the table has its first line */
	size_t lines;
};

static size_t listing_rules(struct listing *l, struct option_rule *rules)
{
	const struct option_rule all[] = {
		{"type", OPTION_TEXT, &l->type, 0, 0},
		{"tlp", OPTION_TEXT, &l->tlp, 0, 0},
		{"node", OPTION_TEXT, &l->node, 0, 0},
		{"limit", OPTION_NUMBER, &l->limit, 1, UINT32_MAX},
		{"all", OPTION_FLAG, &l->all, 0, 0},
	};

	memcpy(rules, all, sizeof all);
	return sizeof all / sizeof *all;
}

static void put_listing(struct text *request, const struct listing *l)
{
	if (l->type)
		admin_put_string(request, "type", l->type);
	if (l->tlp)
		admin_put_string(request, "tlp", l->tlp);
	if (l->node)
		admin_put_string(request, "node", l->node);
	if (l->all)
		admin_put_bool(request, "all", true);
}

/* What names an object best: its values, its name, or its id. */
static const char *object_words(const cJSON *line)
{
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(line, "values");
	const char *value = cJSON_GetStringValue(cJSON_GetArrayItem(values, 0));

	if (value)
		return value;
	return *member_text(line, "name") ? member_text(line, "name") : member_text(line, "object");
}

static void show_object(void *arg, const cJSON *line)
{
	struct listing *l = arg;
	const cJSON *revoked = cJSON_GetObjectItemCaseSensitive(line, "revoked");

	if (!l->headed) {
		print_column("TYPE", TYPE_WIDTH);
		print_column("TLP", TLP_WIDTH);
		print_column("NODE", NODE_WIDTH);
		print_column("MODIFIED", TIME_WIDTH);
		print_column("MESSAGE", 12);
		printf("WHAT\n");
		l->headed = true;
	}
	l->lines++;
	print_column(member_text(line, "type"), TYPE_WIDTH);
	print_column(member_text(line, "tlp"), TLP_WIDTH);
	print_column(member_text(line, "node"), NODE_WIDTH);
	printf("%-16.16s  %-12.12s  ", member_text(line, "modified"), member_text(line, "message"));
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "exercise")))
		fputs("EXERCISE ", stdout);
	print_safe(stdout, object_words(line), false);
	printf("%s\n", cJSON_IsTrue(revoked) ? "  (revoked)" : "");
}

static int list_objects(const struct cmd_context *c, const char *what, struct listing *l,
			const char *text)
{
	struct client client;
	struct text request;
	int code = client_open(&client, c, what);

	request_init(&request, "list");
	put_listing(&request, l);
	if (text)
		admin_put_string(&request, "text", text);
	client.limit = l->limit;
	if (!code)
		code = client_pages(&client, &request, NULL, show_object, l);
	if (!code && !c->json && l->lines == 0)
		fprintf(stderr, "%s: nothing found\n", what);
	text_clear(&request);
	client_close(&client);
	return code;
}

int cmd_list(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct listing l = {0};
	size_t n = listing_rules(&l, rules);
	int first, code = options_read("khabar list", rules, n, argc, argv, &first);

	if (!code && first < argc)
		code = cmd_misused("khabar list", "\"%s\" is not wanted", argv[first]);
	return code ? code : list_objects(c, "khabar list", &l, NULL);
}

int cmd_search(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct listing l = {0};
	size_t n = listing_rules(&l, rules);
	int first, code = options_read("khabar search", rules, n, argc, argv, &first);

	if (!code && (argc - first != 1 || !argv[first][0]))
		code = cmd_misused("khabar search", "one text is wanted");
	return code ? code : list_objects(c, "khabar search", &l, argv[first]);
}

/* ---- watch ---- */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static int watch_objects(const struct cmd_context *c, struct listing *l)
{
	const struct timespec pause = {.tv_nsec = WATCH_EVERY_MS * 1000000L};
	struct sigaction action = {.sa_handler = interrupt};
	struct client client;
	struct text request;
	double next = -1;
	int code = client_open(&client, c, "khabar watch");

	request_init(&request, "list");
	put_listing(&request, l);
	admin_put_bool(&request, "watch", true);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (!code && !interrupted) {
		code = client_pages(&client, &request, &next, show_object, l);
		if (fflush(stdout) != 0)
			break;
		if (!code && !interrupted)
			nanosleep(&pause, NULL);
	}
	text_clear(&request);
	client_close(&client);
	return interrupted ? EXIT_DONE : code;
}

int cmd_watch(const struct cmd_context *c, int argc, char **argv)
{
	struct listing l = {0};
	const struct option_rule rules[] = {
		{"type", OPTION_TEXT, &l.type, 0, 0},
		{"tlp", OPTION_TEXT, &l.tlp, 0, 0},
		{"node", OPTION_TEXT, &l.node, 0, 0},
	};
	int first, code = options_read("khabar watch", rules, sizeof rules / sizeof *rules, argc,
				       argv, &first);

	if (!code && first < argc)
		code = cmd_misused("khabar watch", "\"%s\" is not wanted", argv[first]);
	return code ? code : watch_objects(c, &l);
}
