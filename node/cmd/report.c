/* khabar report: a month in numbers, for the council.  Nothing in it says what was shared or who
 * was hurt. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/loop.h"
#include "protocol/admin.h"

enum { DAY_MS = 24 * 3600 * 1000, CONFIRMATIONS_MAX = 1000, NODE_WIDTH = 14 };

static const char *const counted[] = {"posts",  "recalls", "forwards", "exercises",
				      "closed", "objects", "sightings"};
enum { COUNTED = sizeof counted / sizeof *counted };

struct monthly {
	const struct cmd_context *c;
	char from[TIME_BYTES], until[TIME_BYTES];
	uint64_t begins, ends; /* ms */
	cJSON *out;            /* owned: what --json prints */
	cJSON *recalls;        /* owned: ids of this node's own */
};

/* ---- sums ---- */

static void add(cJSON *object, const char *name, double n)
{
	cJSON *sum = cJSON_GetObjectItemCaseSensitive(object, name);

	if (sum)
		cJSON_SetNumberValue(sum, sum->valuedouble + n);
	else
		cJSON_AddNumberToObject(object, name, n);
}

static cJSON *part(cJSON *object, const char *name)
{
	cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);

	return found ? found : cJSON_AddObjectToObject(object, name);
}

static cJSON *member_of(cJSON *members, const char *node)
{
	cJSON *m;

	cJSON_ArrayForEach(m, members)
	{
		if (strcmp(member_text(m, "node"), node) == 0)
			return m;
	}
	m = cJSON_CreateObject();
	cJSON_AddStringToObject(m, "node", node);
	for (size_t i = 0; i < COUNTED; i++)
		cJSON_AddNumberToObject(m, counted[i], 0);
	cJSON_AddNullToObject(m, "heard");
	cJSON_AddNullToObject(m, "silent_days");
	cJSON_AddItemToArray(members, m);
	return m;
}

static void heard_take(const struct monthly *y, cJSON *member, const char *heard)
{
	const char *known = member_text(member, "heard");
	uint64_t at, days, now = clock_wall(), end = now < y->ends ? now : y->ends;

	/* One form of time: what is later is greater. */
	if (!*heard || strcmp(heard, known) <= 0 || !time_parse(&at, heard))
		return;
	days = end > at ? (end - at) / DAY_MS : 0;
	cJSON_ReplaceItemInObjectCaseSensitive(member, "heard", cJSON_CreateString(heard));
	cJSON_ReplaceItemInObjectCaseSensitive(member, "silent_days",
					       cJSON_CreateNumber((double)days));
}

static void tally_take(void *arg, const cJSON *line)
{
	struct monthly *y = arg;
	cJSON *member, *totals = part(y->out, "messages"), *types = part(y->out, "types");
	const cJSON *type;

	if (*member_text(line, "recall")) {
		cJSON_AddItemToArray(y->recalls, cJSON_CreateString(member_text(line, "recall")));
		return;
	}
	member = member_of(cJSON_GetObjectItemCaseSensitive(y->out, "members"),
			   member_text(line, "node"));
	for (size_t i = 0; i < COUNTED; i++) {
		add(member, counted[i], member_number(line, counted[i]));
		add(totals, counted[i], member_number(line, counted[i]));
	}
	heard_take(y, member, member_text(line, "heard"));
	cJSON_ArrayForEach(type, cJSON_GetObjectItemCaseSensitive(line, "types"))
	{
		add(types, type->string, type->valuedouble);
	}
}

/* ---- incidents ---- */

static bool in_month(const struct monthly *y, const char *time)
{
	uint64_t at;

	return time_parse(&at, time) && at >= y->begins && at < y->ends;
}

static void clocks_take(struct monthly *y, const cJSON *incident)
{
	const cJSON *clock;

	cJSON_ArrayForEach(clock, cJSON_GetObjectItemCaseSensitive(incident, "clocks"))
	{
		bool late = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(clock, "late"));
		bool done = *member_text(clock, "done") != '\0';
		cJSON *one;
		if (!in_month(y, member_text(clock, "due")))
			continue;
		one = part(part(y->out, "deadlines"), member_text(clock, "what"));
		add(one, late ? "missed" : done ? "met" : "running", 1);
	}
}

static void incident_take(void *arg, const cJSON *line)
{
	struct monthly *y = arg;
	cJSON *incidents = part(y->out, "incidents");
	const char *class = member_text(line, "class"), *severity = member_text(line, "severity");
	bool exercise = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "exercise"));

	if (exercise) {
		if (in_month(y, member_text(line, "opened")))
			add(incidents, "exercises", 1);
		return;
	}
	clocks_take(y, line);
	if (!in_month(y, member_text(line, "opened")))
		return;
	add(incidents, "opened", 1);
	add(part(incidents, "by_class"), *class ? class : "none", 1);
	add(part(incidents, "by_severity"), *severity ? severity : "none", 1);
	if (strcmp(member_text(line, "status"), "closed") == 0)
		add(incidents, "closed", 1);
}

/* ---- recalls ---- */

static int confirmations_take(struct monthly *y, struct client *client)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(y->out, "own_recalls");
	const cJSON *id, *counts;
	int code = EXIT_DONE, taken = 0;

	cJSON_ArrayForEach(id, y->recalls)
	{
		struct text request;
		struct reply reply;
		cJSON *one;
		if (taken++ == CONFIRMATIONS_MAX)
			break;
		request_init(&request, "receipts");
		admin_put_string(&request, "id", id->valuestring);
		code = client_ask(client, &request, NULL, 0, false, &reply);
		text_clear(&request);
		if (code)
			break;
		counts = cJSON_GetObjectItemCaseSensitive(reply.json, "counts");
		one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "message", id->valuestring);
		cJSON_AddNumberToObject(one, "readers", member_number(counts, "readers"));
		cJSON_AddNumberToObject(one, "confirmed", member_number(counts, "erased"));
		cJSON_AddItemToArray(list, one);
		reply_clear(&reply);
	}
	return code;
}

/* ---- what is printed ---- */

static void print_object(const char *title, const cJSON *object)
{
	const cJSON *item;

	if (!object || !object->child)
		return;
	printf("%s\n", title);
	cJSON_ArrayForEach(item, object)
	{
		if (!cJSON_IsNumber(item))
			continue;
		fputs("    ", stdout);
		print_column(item->string, 24);
		printf("%.0f\n", item->valuedouble);
	}
}

static void print_deadlines(const cJSON *deadlines)
{
	const cJSON *one;

	if (deadlines && deadlines->child)
		puts("deadlines");
	cJSON_ArrayForEach(one, deadlines)
	{
		fputs("    ", stdout);
		print_column(one->string, 24);
		printf("met %.0f, missed %.0f, running %.0f\n", member_number(one, "met"),
		       member_number(one, "missed"), member_number(one, "running"));
	}
}

static void print_members(const cJSON *members)
{
	const cJSON *m;

	printf("members         posts recalls forwards objects sightings  silent\n");
	cJSON_ArrayForEach(m, members)
	{
		const cJSON *silent = cJSON_GetObjectItemCaseSensitive(m, "silent_days");
		fputs("    ", stdout);
		print_column(member_text(m, "node"), NODE_WIDTH - 4);
		printf("%7.0f %7.0f %8.0f %7.0f %9.0f  ", member_number(m, "posts"),
		       member_number(m, "recalls"), member_number(m, "forwards"),
		       member_number(m, "objects"), member_number(m, "sightings"));
		if (cJSON_IsNumber(silent))
			printf("%.0f days\n", silent->valuedouble);
		else
			puts("never heard");
	}
}

static void print_report(const struct monthly *y)
{
	const cJSON *incidents = cJSON_GetObjectItemCaseSensitive(y->out, "incidents"), *one;

	printf("%.7s, as this node has received it\n", y->from);
	print_object("messages", cJSON_GetObjectItemCaseSensitive(y->out, "messages"));
	print_object("objects by type", cJSON_GetObjectItemCaseSensitive(y->out, "types"));
	print_object("incidents", incidents);
	print_object("incidents by class", cJSON_GetObjectItemCaseSensitive(incidents, "by_class"));
	print_object("incidents by severity",
		     cJSON_GetObjectItemCaseSensitive(incidents, "by_severity"));
	print_deadlines(cJSON_GetObjectItemCaseSensitive(y->out, "deadlines"));
	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(y->out, "own_recalls"))
	{
		printf("recall %.12s: confirmed by %.0f of %.0f\n", member_text(one, "message"),
		       member_number(one, "confirmed"), member_number(one, "readers"));
	}
	print_members(cJSON_GetObjectItemCaseSensitive(y->out, "members"));
}

/* ---- the command ---- */

/* "2026-11"; the span is from its first moment to that of the next month, UTC. */
static bool month_read(struct monthly *y, const char *text)
{
	unsigned long year, month;

	if (!text || strlen(text) != 7)
		return false;
	snprintf(y->from, sizeof y->from, "%.7s-01T00:00:00Z", text);
	if (!time_parse(&y->begins, y->from))
		return false;
	year = strtoul(text, NULL, 10);
	month = strtoul(text + 5, NULL, 10);
	snprintf(y->until, sizeof y->until, "%04lu-%02lu-01T00:00:00Z",
		 (month == 12 ? year + 1 : year) % 10000, month == 12 ? 1 : (month + 1) % 100);
	return time_parse(&y->ends, y->until);
}

static int fill(struct monthly *y, struct client *client)
{
	struct text request;
	int code;

	cJSON_AddStringToObject(y->out, "from", y->from);
	cJSON_AddStringToObject(y->out, "until", y->until);
	(void)part(y->out, "messages");
	(void)part(y->out, "types");
	add(part(y->out, "incidents"), "opened", 0);
	add(part(y->out, "incidents"), "closed", 0);
	add(part(y->out, "incidents"), "exercises", 0);
	(void)part(part(y->out, "incidents"), "by_class");
	(void)part(part(y->out, "incidents"), "by_severity");
	(void)part(y->out, "deadlines");
	cJSON_AddArrayToObject(y->out, "own_recalls");
	cJSON_AddArrayToObject(y->out, "members");
	request_init(&request, "report");
	admin_put_string(&request, "from", y->from);
	admin_put_string(&request, "until", y->until);
	code = client_take(client, &request, tally_take, y);
	text_clear(&request);
	if (code)
		return code;
	request_init(&request, "incidents");
	code = client_take(client, &request, incident_take, y);
	text_clear(&request);
	return code ? code : confirmations_take(y, client);
}

int cmd_report(const struct cmd_context *c, int argc, char **argv)
{
	struct monthly y = {.c = c};
	const char *month = NULL;
	const struct option_rule rules[] = {{"month", OPTION_TEXT, &month, 0, 0}};
	struct client client;
	char *text = NULL;
	int first, code = options_read("khabar report", rules, 1, argc, argv, &first);

	if (!code && first < argc)
		code = cmd_misused("khabar report", "\"%s\" is not wanted", argv[first]);
	if (!code && !month_read(&y, month))
		code = cmd_misused("khabar report", "--month: a month such as 2026-11 is wanted");
	if (code)
		return code;
	y.out = cJSON_CreateObject();
	y.recalls = cJSON_CreateArray();
	code = client_open(&client, c, "khabar report");
	if (!code)
		code = fill(&y, &client);
	client_close(&client);
	if (!code && c->json) {
		text = cJSON_PrintUnformatted(y.out);
		if (text)
			print_json((struct slice){text, strlen(text)});
	} else if (!code) {
		print_report(&y);
	}
	free(text);
	cJSON_Delete(y.out);
	cJSON_Delete(y.recalls);
	return code;
}
