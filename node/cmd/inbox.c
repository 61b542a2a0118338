/* khabar inbox: what others have said that nobody here has looked at. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char what[] = "khabar inbox";

enum {
	LIMIT_DEFAULT = 100,
	LIMIT_MAX = 100000,
	FROM_WIDTH = 14,
	TLP_WIDTH = 12,
	WANTS_WIDTH = 3,
	TEXT_WIDTH = 60,
};

/* What all pages have told. */
struct inbox {
	double counts[3];                    /* wanted, ours, public */
	struct text messages, alarms, hunts; /* JSON: elements; arrays */
	double hits;
	size_t shown;
};

/* ---- for people ---- */

/* One line: the first of the words, or what there is. */
static void print_words(const cJSON *line)
{
	const char *words = member_text(line, "text");
	double objects = member_number(line, "objects");
	char cut[TEXT_WIDTH * 4 + 1];
	size_t n = strcspn(words, "\n");

	snprintf(cut, sizeof cut, "%.*s", (int)(n < sizeof cut ? n : sizeof cut - 1), words);
	if (objects > 1)
		printf("(%.0f) ", objects);
	print_safe(stdout, cut, false);
	putchar('\n');
}

static void print_line(const cJSON *line)
{
	bool wanted = *member_text(line, "wants");
	bool answers = *member_text(line, "answers");

	printf("%.12s  ", member_text(line, "message"));
	print_column(member_text(line, "node"), FROM_WIDTH);
	print_column(member_text(line, "tlp"), TLP_WIDTH);
	printf("%.16s  ", member_text(line, "arrived"));
	print_column(wanted ? "ACK" : answers ? "re" : "", WANTS_WIDTH);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "exercise")))
		printf("EXERCISE ");
	if (*member_text(line, "ack_by"))
		printf("by %.16s: ", member_text(line, "ack_by"));
	print_words(line);
}

static void print_counts(const struct inbox *x)
{
	double all = x->counts[0] + x->counts[1] + x->counts[2];

	if (all < 1) {
		printf("nothing is unread\n");
		return;
	}
	printf("%.0f unread: %.0f to be acknowledged, %.0f to this node, %.0f to everyone", all,
	       x->counts[0], x->counts[1], x->counts[2]);
	if (all > (double)x->shown)
		printf("; the first %zu are shown", x->shown);
	putchar('\n');
}

/* ---- what the node tells ---- */

static void take_counts(struct inbox *x, const cJSON *reply)
{
	static const char *const names[] = {"wanted", "ours", "public"};

	for (size_t i = 0; i < 3; i++)
		if (cJSON_HasObjectItem(reply, names[i]))
			x->counts[i] = member_number(reply, names[i]);
}

static void take_lines(struct inbox *x, const struct cmd_context *c, const struct reply *reply)
{
	const cJSON *line;
	struct slice array;

	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply->json, "lines"))
	{
		x->shown++;
		if (!c->json)
			print_line(line);
	}
	/* Between the brackets, as the node wrote it. */
	if (!c->json || !json_member(&array, (struct slice){reply->text, reply->length}, "lines") ||
	    array.length <= 2)
		return;
	text_str(&x->messages, x->messages.length ? "," : "");
	text_add(&x->messages, array.at + 1, array.length - 2);
}

/* Those that stand, before everything else. */
static void take_alarms(struct inbox *x, const struct cmd_context *c, const struct reply *reply)
{
	const cJSON *alarm;
	struct slice array;

	cJSON_ArrayForEach(alarm, cJSON_GetObjectItemCaseSensitive(reply->json, "alarms"))
	{
		if (c->json)
			break;
		printf("ALARM since %.16s: ", member_text(alarm, "since"));
		print_safe(stdout, member_text(alarm, "text"), false);
		putchar('\n');
	}
	if (json_member(&array, (struct slice){reply->text, reply->length}, "alarms"))
		text_add(&x->alarms, array.at, array.length);
}

/* What became known and was in the logs. */
static void take_hunts(struct inbox *x, const struct cmd_context *c, const struct reply *reply)
{
	const cJSON *hit, *hits = cJSON_GetObjectItemCaseSensitive(reply->json, "hunts");
	struct slice array;

	if (!hits)
		return;
	x->hits = member_number(reply->json, "hunt_hits");
	cJSON_ArrayForEach(hit, hits)
	{
		if (c->json)
			break;
		printf("IN A LOG ");
		hunt_print(hit);
	}
	if (!c->json && x->hits > cJSON_GetArraySize(hits))
		printf("%.0f hits in logs: khabar hunt shows all\n", x->hits);
	if (json_member(&array, (struct slice){reply->text, reply->length}, "hunts"))
		text_add(&x->hunts, array.at, array.length);
}

static int pages(struct client *client, struct inbox *x, unsigned long limit)
{
	const cJSON *next;
	struct reply reply;
	double after = -1;
	int code = EXIT_DONE;

	while (!code && x->shown < limit) {
		struct text request;
		request_init(&request, "inbox");
		admin_put_number(&request, "limit", limit - x->shown);
		if (after >= 0)
			admin_put_number(&request, "after", (uint64_t)after);
		code = client_ask(client, &request, NULL, 0, false, &reply);
		text_clear(&request);
		if (code)
			return code;
		take_counts(x, reply.json);
		take_alarms(x, client->c, &reply);
		take_hunts(x, client->c, &reply);
		take_lines(x, client->c, &reply);
		next = cJSON_GetObjectItemCaseSensitive(reply.json, "next");
		after = cJSON_IsNumber(next) ? next->valuedouble : -1;
		reply_clear(&reply);
		if (after < 0)
			break;
	}
	return code;
}

static void print_json_object(struct inbox *x)
{
	struct text t;

	text_init(&t);
	text_str(&t, "{");
	admin_put_number(&t, "unread", (uint64_t)(x->counts[0] + x->counts[1] + x->counts[2]));
	admin_put_number(&t, "wanted", (uint64_t)x->counts[0]);
	admin_put_number(&t, "ours", (uint64_t)x->counts[1]);
	admin_put_number(&t, "public", (uint64_t)x->counts[2]);
	admin_put_name(&t, "messages");
	text_str(&t, "[");
	text_add(&t, x->messages.at ? x->messages.at : "", x->messages.length);
	text_str(&t, "]");
	admin_put_name(&t, "alarms");
	text_str(&t, x->alarms.at ? x->alarms.at : "[]");
	admin_put_name(&t, "hunts");
	text_str(&t, x->hunts.at ? x->hunts.at : "[]");
	admin_put_number(&t, "hunt_hits", (uint64_t)x->hits);
	text_str(&t, "}");
	print_built(&t);
}

static int look(const struct cmd_context *c, unsigned long limit)
{
	struct inbox x = {.shown = 0};
	struct client client;
	int code = client_open(&client, c, what);

	text_init(&x.messages);
	text_init(&x.alarms);
	text_init(&x.hunts);
	if (!code)
		code = pages(&client, &x, limit);
	client_close(&client);
	if (!code && c->json)
		print_json_object(&x);
	else if (!code)
		print_counts(&x);
	text_clear(&x.messages);
	text_clear(&x.alarms);
	text_clear(&x.hunts);
	return code;
}

/* ---- read marks ---- */

static int mark(const struct cmd_context *c, bool all, int n, char **ids)
{
	struct text request;
	struct reply reply;
	int code;

	if (all == (n > 0))
		return cmd_misused(what, "read wants the ids of messages, or --all");
	request_init(&request, "read");
	if (all) {
		admin_put_bool(&request, "all", true);
	} else {
		admin_put_name(&request, "ids");
		text_str(&request, "[");
		for (int i = 0; i < n; i++)
			admin_put_string(&request, NULL, ids[i]);
		text_str(&request, "]");
	}
	code = client_once(c, what, &request, &reply);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		printf("%.0f marked as read\n", member_number(reply.json, "read"));
	reply_clear(&reply);
	return EXIT_DONE;
}

int cmd_inbox(const struct cmd_context *c, int argc, char **argv)
{
	unsigned long limit = LIMIT_DEFAULT;
	bool all = false;
	const struct option_rule rules[] = {{"limit", OPTION_NUMBER, &limit, 1, LIMIT_MAX},
					    {"all", OPTION_FLAG, &all, 0, 0}};
	int first, code = options_read(what, rules, 2, argc, argv, &first);

	if (code)
		return code;
	if (first < argc && strcmp(argv[first], "read") == 0)
		return mark(c, all, argc - first - 1, argv + first + 1);
	if (first < argc || all)
		return cmd_misused(what, "\"%s\" is not wanted", all ? "--all" : argv[first]);
	return look(c, limit);
}
