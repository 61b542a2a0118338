/* khabar incident list, show, draft: what is known. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/incident.h"
#include "node/loop.h"
#include "protocol/admin.h"
#include "protocol/incident.h"

enum { HOUR_MS = 3600000 };

/* "in 23 h", "3 d late". */
static void print_span(uint64_t due, uint64_t now)
{
	uint64_t span = due > now ? due - now : now - due;
	unsigned long hours = (unsigned long)(span / HOUR_MS);

	if (due > now)
		fputs("in ", stdout);
	if (hours < 1)
		printf("%lu min", (unsigned long)(span / 60000));
	else if (hours < 72)
		printf("%lu h", hours);
	else
		printf("%lu d", hours / 24);
	if (due <= now)
		fputs(" late", stdout);
}

static uint64_t time_of(const cJSON *object, const char *name)
{
	uint64_t ms = 0;

	return time_parse(&ms, member_text(object, name)) ? ms : 0;
}

/* The clock that runs out next, or has. */
static const cJSON *next_clock(const cJSON *incident)
{
	const cJSON *clock, *next = NULL;

	cJSON_ArrayForEach(clock, cJSON_GetObjectItemCaseSensitive(incident, "clocks"))
	{
		if (!time_of(clock, "done") &&
		    (!next || time_of(clock, "due") < time_of(next, "due")))
			next = clock;
	}
	return next;
}

static void print_line(void *arg, const cJSON *line)
{
	const cJSON *clock = next_clock(line);

	(void)arg;
	print_column(member_text(line, "number"), 20);
	print_column(member_text(line, "severity"), 8);
	print_column(member_text(line, "status"), 12);
	print_column(member_text(line, "owner"), 12);
	print_safe(stdout, member_text(line, "title"), false);
	if (clock) {
		printf("  (%s ", member_text(clock, "what"));
		print_span(time_of(clock, "due"), clock_wall());
		putchar(')');
	}
	putchar('\n');
}

int incident_list(struct incident_call *call)
{
	struct client client;
	struct text request;
	int code;

	if (call->argc > 0)
		return cmd_misused(call->what, "\"%s\": only options are wanted", call->argv[0]);
	code = client_open(&client, call->c, call->what);
	request_init(&request, "incidents");
	if (call->o.open)
		admin_put_bool(&request, "open", true);
	if (call->o.owner)
		admin_put_string(&request, "owner", call->o.owner);
	if (!code)
		code = client_pages(&client, &request, NULL, print_line, NULL);
	text_clear(&request);
	client_close(&client);
	return code;
}

/* ---- one ---- */

static int ask_one(struct incident_call *call, struct client *client, struct reply *reply)
{
	struct text request;
	int code;

	if (call->argc != 1)
		return cmd_misused(call->what, "one incident is wanted: its number, or an id");
	code = client_open(client, call->c, call->what);
	request_init(&request, "incident");
	admin_put_string(&request, "id", call->argv[0]);
	if (!code)
		code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

static void print_text(const char *label, const char *value)
{
	if (!*value)
		return;
	printf("    %-12s ", label);
	print_safe(stdout, value, true);
	putchar('\n');
}

static void print_names(const char *label, const cJSON *names)
{
	const cJSON *n;
	const char *between = "";

	if (cJSON_GetArraySize(names) == 0)
		return;
	printf("    %-12s ", label);
	cJSON_ArrayForEach(n, names)
	{
		fputs(between, stdout);
		print_safe(stdout, n->valuestring, false);
		between = ", ";
	}
	putchar('\n');
}

static void print_clocks(const cJSON *incident)
{
	const cJSON *clock;

	cJSON_ArrayForEach(clock, cJSON_GetObjectItemCaseSensitive(incident, "clocks"))
	{
		uint64_t due = time_of(clock, "due");
		bool done = time_of(clock, "done") != 0;
		bool late = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(clock, "late"));
		printf("    %-14s due %s, ", member_text(clock, "what"), member_text(clock, "due"));
		if (done)
			printf("done %s%s", member_text(clock, "done"), late ? ", late" : "");
		else
			print_span(due, clock_wall());
		putchar('\n');
	}
}

static void print_said(const cJSON *said)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, said)
	{
		const char *as = member_text(e, "as"), *text = member_text(e, "text");
		printf("    %s  %s%s%s  %s", member_text(e, "at"), member_text(e, "node"),
		       *as ? " as " : "", as, member_text(e, "action"));
		if (*member_text(e, "stage"))
			printf(" (%s)", member_text(e, "stage"));
		if (*text) {
			fputs(": ", stdout);
			print_safe(stdout, text, true);
		}
		if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(e, "counts"))) {
			fputs("  [does not count: ", stdout);
			print_safe(stdout, member_text(e, "why"), false);
			putchar(']');
		}
		putchar('\n');
	}
}

static void print_incident(const cJSON *i)
{
	const cJSON *state = cJSON_GetObjectItemCaseSensitive(i, "state");

	if (!cJSON_IsObject(state)) {
		puts("its beginning is not held here; what is:");
		print_said(cJSON_GetObjectItemCaseSensitive(i, "said"));
		return;
	}
	printf("%s  ", member_text(i, "number"));
	print_safe(stdout, member_text(i, "title"), false);
	printf("\n    %s, severity %s, %s%s%s%s, TLP:%s\n", member_text(i, "status"),
	       member_text(i, "severity"), member_text(i, "class"),
	       *member_text(i, "type") ? "/" : "", member_text(i, "type"),
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(i, "critical_infrastructure"))
		       ? ", critical infrastructure"
		       : "",
	       member_text(i, "tlp"));
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(i, "exercise")))
		puts("    EXERCISE: nothing of it is real");
	print_text("owner", member_text(i, "owner"));
	print_text("offered to", member_text(i, "offered"));
	print_text("assignee", member_text(i, "assignee"));
	print_text("reported by",
		   member_text(cJSON_GetObjectItemCaseSensitive(state, "reported_by"), "name"));
	print_names("affected", cJSON_GetObjectItemCaseSensitive(state, "affected"));
	print_names("parties", cJSON_GetObjectItemCaseSensitive(state, "parties"));
	print_text("", member_text(state, "description"));
	print_clocks(i);
	print_said(cJSON_GetObjectItemCaseSensitive(i, "said"));
}

int incident_show(struct incident_call *call)
{
	struct client client = {0};
	struct reply reply = {0};
	int code = ask_one(call, &client, &reply);

	if (!code) {
		if (call->c->json)
			client_print_json(&reply);
		else
			print_incident(reply.json);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}

/* ---- the draft of a stage ---- */

/* The last stage's text, else the description: where the next begins. */
static const char *text_before(const cJSON *state)
{
	const cJSON *stages = cJSON_GetObjectItemCaseSensitive(state, "stages");
	int n = cJSON_GetArraySize(stages);

	return n ? member_text(cJSON_GetArrayItem(stages, n - 1), "text")
		 : member_text(state, "description");
}

static void print_draft(const cJSON *i, const char *stage)
{
	const cJSON *state = cJSON_GetObjectItemCaseSensitive(i, "state"), *link;
	bool final = strcmp(stage, "final") == 0;

	printf("%s of %s: ", stage, member_text(i, "number"));
	print_safe(stdout, member_text(i, "title"), false);
	printf("\nSeverity: %s\nClass: %s %s\nAware since: %s\nStatus: %s\nDetermination: %s\n",
	       member_text(i, "severity"), member_text(i, "class"), member_text(i, "type"),
	       member_text(i, "aware"), member_text(i, "status"), member_text(i, "determination"));
	print_names("Affected:", cJSON_GetObjectItemCaseSensitive(state, "affected"));
	cJSON_ArrayForEach(link, cJSON_GetObjectItemCaseSensitive(state, "links"))
	{
		printf("Linked: %s ", member_text(link, "kind"));
		print_safe(stdout, member_text(link, "id"), false);
		putchar('\n');
	}
	if (strcmp(stage, "early-warning") == 0)
		puts("Suspected to be malicious: \nCross-border effect: ");
	if (strcmp(stage, "notification") == 0)
		puts("Initial assessment of severity and impact: \nIndicators of compromise: ");
	if (final)
		puts("Root cause: \nMitigation applied: \nCross-border impact: ");
	putchar('\n');
	print_safe(stdout, text_before(state), true);
	putchar('\n');
}

int incident_draft(struct incident_call *call)
{
	struct client client = {0};
	struct reply reply = {0};
	int code;

	if (!call->o.stage)
		return cmd_misused(call->what, "--stage is missing: early-warning, notification, "
					       "progress or final");
	code = ask_one(call, &client, &reply);
	if (!code) {
		print_draft(reply.json, call->o.stage);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
