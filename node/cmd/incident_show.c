/* khabar incident list, show, draft: what is known. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/incident.h"
#include "node/loop.h"
#include "protocol/admin.h"
#include "protocol/incident.h"

enum { HOUR_MS = 3600000, WORD_MAX_BYTES = 40 };

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
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "exercise")))
		fputs("EXERCISE ", stdout);
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

int incident_ask(struct incident_call *call, struct client *client, struct reply *reply)
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

static void print_list(const char *before, const cJSON *names)
{
	const cJSON *n;

	cJSON_ArrayForEach(n, names)
	{
		fputs(before, stdout);
		print_safe(stdout, cJSON_IsString(n) ? n->valuestring : "", false);
		before = ", ";
	}
}

static void print_names(const char *label, const cJSON *names)
{
	if (cJSON_GetArraySize(names) == 0)
		return;
	printf("    %-12s", label);
	print_list(" ", names);
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

/* What an update has set: the short ones by their value, the others by their name. */
static void print_set(const cJSON *set)
{
	const char *between = ": ";
	const cJSON *m;

	cJSON_ArrayForEach(m, set)
	{
		const char *value = cJSON_GetStringValue(m);
		bool word = value && strlen(value) <= WORD_MAX_BYTES && !strchr(value, ' ');
		fputs(between, stdout);
		print_safe(stdout, m->string, false);
		if (word) {
			putchar(' ');
			print_safe(stdout, value, false);
		}
		between = ", ";
	}
}

/* Lines after the first are set in. */
static void print_words(const char *text)
{
	fputs(": ", stdout);
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);
		print_safe(stdout, line ? line : "", false);
		free(line);
		text += n;
		text += strspn(text, "\n");
		if (*text)
			fputs("\n              ", stdout);
	}
}

void incident_print_said(const cJSON *e)
{
	const char *text = member_text(e, "text");

	if (*member_text(e, "stage")) {
		fputs(" (", stdout);
		print_safe(stdout, member_text(e, "stage"), false);
		putchar(')');
	}
	if (*member_text(e, "party")) {
		fputs(" to ", stdout);
		print_safe(stdout, member_text(e, "party"), false);
	}
	print_list(" to ", cJSON_GetObjectItemCaseSensitive(e, "parties"));
	print_set(cJSON_GetObjectItemCaseSensitive(e, "set"));
	if (*text)
		print_words(text);
}

static void print_event(const cJSON *e)
{
	const char *as = member_text(e, "as");

	printf("    %.8s  %.19sZ  %s%s%s  %s", member_text(e, "message"), member_text(e, "at"),
	       member_text(e, "node"), *as ? " as " : "", as, member_text(e, "action"));
	incident_print_said(e);
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(e, "counts"))) {
		fputs("  [does not count: ", stdout);
		print_safe(stdout, member_text(e, "why"), false);
		putchar(']');
	}
	putchar('\n');
}

static void print_said(const cJSON *said)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, said)
	{
		print_event(e);
	}
}

static void print_links(const cJSON *links)
{
	const cJSON *l;

	cJSON_ArrayForEach(l, links)
	{
		printf("    %-12s ", member_text(l, "kind"));
		print_safe(stdout, member_text(l, "id"), false);
		putchar('\n');
	}
}

/* Who is asked for what. */
static void print_help(const cJSON *help)
{
	const cJSON *h;

	cJSON_ArrayForEach(h, help)
	{
		printf("    %-12s ", "help wanted");
		print_safe(stdout, member_text(h, "party"), false);
		print_list(" asks ", cJSON_GetObjectItemCaseSensitive(h, "of"));
		if (*member_text(h, "text"))
			print_words(member_text(h, "text"));
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
	print_text("it is", member_text(i, "determination"));
	print_text("reported by",
		   member_text(cJSON_GetObjectItemCaseSensitive(state, "reported_by"), "name"));
	print_names("affected", cJSON_GetObjectItemCaseSensitive(state, "affected"));
	print_names("parties", cJSON_GetObjectItemCaseSensitive(state, "parties"));
	print_links(cJSON_GetObjectItemCaseSensitive(state, "links"));
	print_help(cJSON_GetObjectItemCaseSensitive(state, "help"));
	print_text("", member_text(state, "description"));
	print_clocks(i);
	print_said(cJSON_GetObjectItemCaseSensitive(i, "said"));
}

int incident_show(struct incident_call *call)
{
	struct client client = {0};
	struct reply reply = {0};
	int code = document_options_read(&call->o.document, call->c, call->what);

	if (!code)
		code = incident_ask(call, &client, &reply);
	if (!code) {
		if (call->c->json)
			client_print_json(&reply);
		else if (!call->o.document.form)
			print_incident(reply.json);
		else
			code = incident_format_print(&call->o.document, reply.json);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
