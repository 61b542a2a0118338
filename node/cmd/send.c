#include "node/cmd/agree.h"
#include "node/cmd/send_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/loop.h"
#include "protocol/admin.h"

enum { CONFIDENCE_NONE = 101, WHETHER_BYTES = 48 };

size_t send_who_rules(struct sending *s, struct option_rule *rules)
{
	const struct option_rule who[] = {
		{"tlp", OPTION_TEXT, &s->tlp, 0, 0},
		{"to", OPTION_LIST, &s->to, 0, 0},
		{"direct", OPTION_FLAG, &s->direct, 0, 0},
	};

	s->confidence = CONFIDENCE_NONE;
	memcpy(rules, who, sizeof who);
	return sizeof who / sizeof *who;
}

size_t send_rules(struct sending *s, struct option_rule *rules)
{
	size_t n = send_who_rules(s, rules);
	const struct option_rule both[] = {
		{"no-forward", OPTION_FLAG, &s->no_forward, 0, 0},
		{"use", OPTION_TEXT, &s->use, 0, 0},
		{"label", OPTION_LIST, &s->labels, 0, 0},
		{"valid", OPTION_DAYS, &s->valid_days, 1, VALID_DAYS_MAX},
		{"keep", OPTION_DAYS, &s->keep_days, 1, UINT16_MAX},
		{"confidence", OPTION_NUMBER, &s->confidence, 0, 100},
		{"priority", OPTION_TEXT, &s->priority, 0, 0},
		{"exercise", OPTION_FLAG, &s->exercise, 0, 0},
		{"receipt", OPTION_FLAG, &s->receipt, 0, 0},
		{"ack-by", OPTION_TEXT, &s->ack_by, 0, 0},
		{"dry-run", OPTION_FLAG, &s->dry_run, 0, 0},
		{"force", OPTION_FLAG, &s->force, 0, 0},
	};

	memcpy(rules + n, both, sizeof both);
	return n + sizeof both / sizeof *both;
}

int send_priority(const char *text)
{
	static const struct {
		const char *word;
		int priority;
	} words[] = {{"0", 0},       {"1", 1},      {"2", 2},    {"3", 3},
		     {"routine", 0}, {"raised", 1}, {"high", 2}, {"emergency", 3}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].word, text) == 0)
			return words[i].priority;
	return -1;
}

/* "2026-12-01" until its end, "3d" from now, or a time; false when it is none of these. */
static bool ack_by_read(struct sending *s)
{
	unsigned long span = option_span(s->ack_by);
	char time[TIME_BYTES];
	uint64_t ms;

	if (span)
		ms = clock_wall() + (uint64_t)span * 1000;
	else if (strlen(s->ack_by) == 10)
		snprintf(time, sizeof time, "%.10sT23:59:59Z", s->ack_by);
	else
		snprintf(time, sizeof time, "%s", s->ack_by);
	if (!span && (strlen(s->ack_by) >= sizeof time || !time_parse(&ms, time)))
		return false;
	time_format(s->ack_time, ms);
	return true;
}

static int options_check(struct sending *s, const char *what)
{
	if (!s->tlp && !s->answers)
		return cmd_misused(what,
				   "--tlp is missing: clear, green, amber, amber+strict or red");
	if (s->tlp && !tlp_parse(s->tlp, &s->level))
		return cmd_misused(what, "--tlp %s: clear, green, amber, amber+strict or red",
				   s->tlp);
	if (s->to.count == 0 && !s->answers)
		return cmd_misused(what, "--to is missing: all, or parties, groups, up, down");
	if (s->use && strcmp(s->use, "detect") != 0 && strcmp(s->use, "block") != 0)
		return cmd_misused(what, "--use %s: detect or block", s->use);
	if (s->priority && send_priority(s->priority) < 0)
		return cmd_misused(what, "--priority %s: 0 to 3, routine, high or emergency",
				   s->priority);
	if (s->ack_by && !ack_by_read(s))
		return cmd_misused(what,
				   "--ack-by %s: a date such as 2026-12-01, a time such as "
				   "2026-12-01T09:00:00Z, or 3d",
				   s->ack_by);
	return EXIT_DONE;
}

void send_put_audience(struct text *request, const struct sending *s)
{
	if (s->answers)
		admin_put_string(request, "answers", s->answers);
	if (s->tlp)
		admin_put_string(request, "tlp", tlp_str(s->level));
	if (s->to.count || !s->answers) {
		admin_put_name(request, "to");
		text_str(request, "[");
		for (size_t i = 0; i < s->to.count; i++)
			admin_put_string(request, NULL, s->to.items[i]);
		text_str(request, "]");
	}
	if (s->direct)
		admin_put_bool(request, "direct", true);
}

static int ask_who(struct sending *s)
{
	struct text request;
	int code;

	request_init(&request, "who");
	send_put_audience(&request, s);
	code = client_ask(&s->client, &request, NULL, 0, false, &s->who);
	text_clear(&request);
	/* What is answered decides it where nobody says. */
	if (!code && !tlp_parse(member_text(s->who.json, "tlp"), &s->level))
		code = EXIT_UNREACHABLE;
	return code;
}

static int import_open(struct sending *s)
{
	const char *title = member_text(s->who.json, "title");
	struct import_options options = {
		.node = member_text(s->who.json, "node"),
		.title = *title ? title : NULL,
		.tlp = s->level,
		.labels = s->labels.items,
		.label_count = s->labels.count,
		.valid_days = (unsigned)s->valid_days,
		.confidence = s->confidence == CONFIDENCE_NONE ? -1 : (int)s->confidence,
		.now = clock_wall(),
		.random = randombytes_buf,
		.column = s->column,
		.skip_rejected = s->skip_rejected,
		.list = s->list,
		.known = s->known,
		.known_arg = s->known_arg,
	};
	struct report report;
	int code = EXIT_DONE;

	report_init(&report);
	s->importing = true;
	if (import_init(&s->import, &options, &report))
		code = client_refused(s->client.c, s->client.what, &report);
	report_clear(&report);
	return code;
}

int send_ask(struct sending *s, const struct cmd_context *c, const char *what)
{
	int code = options_check(s, what);

	if (!code)
		code = client_open(&s->client, c, what);
	return code ? code : ask_who(s);
}

int send_open(struct sending *s, const struct cmd_context *c, const char *what)
{
	int code = send_ask(s, c, what);

	return code ? code : import_open(s);
}

void send_close(struct sending *s)
{
	if (s->importing)
		import_clear(&s->import);
	reply_clear(&s->who);
	client_close(&s->client);
}

/* ---- asking ---- */

/* Whoever sends sees who will read it, and says yes. */
static int confirm(struct sending *s, size_t n)
{
	char whether[WHETHER_BYTES];

	if (s->client.c->yes || s->dry_run)
		return EXIT_DONE;
	snprintf(whether, sizeof whether, "%d nodes shall read this",
		 cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(s->who.json, "readers")));
	if (!agree_possible(s->client.c, s->client.what, "sent", whether))
		return EXIT_REFUSED;
	who_print(stderr, s->who.json);
	parts_print_guessed(stderr, &s->import);
	fprintf(stderr, "Send %zu object%s", n, plural(n));
	if (s->leaving)
		fprintf(stderr, " and withdraw %zu", s->leaving);
	fprintf(stderr, "? [y/N] ");
	s->client.progress.started = 0; /* thinking was not working */
	return agree_read(s->client.what, "sent") ? EXIT_DONE : EXIT_REFUSED;
}

static size_t objects_of(const struct import *i)
{
	size_t n = 0;

	for (size_t p = 0; p < i->part_count; p++)
		n += i->parts[p].objects;
	return n;
}

/* SPEC 8.6: "What is wrong with any of it is known before the first is sent" */
static int send_all(struct sending *s)
{
	struct sent found = {.objects = objects_of(&s->import)};
	bool many = parts_many(s);
	int code = many ? parts_survey(s, &found) : EXIT_DONE;

	if (!code && many && (s->dry_run || found.objects == 0))
		parts_say(s, &found);
	else if (!code)
		code = confirm(s, found.objects);
	if (!code && (!many || (!s->dry_run && found.objects)))
		code = parts_send(s);
	return code;
}

int send_finish(struct sending *s)
{
	struct report report;
	int code = EXIT_DONE;
	enum err e;

	report_init(&report);
	e = import_finish(&s->import, &report);
	if (e && report.count == 0)
		report_add(&report, "%s", err_str(e));
	if (e && s->import.rejected_count && s->from_files)
		report_add(&report, "nothing is shared; --skip-rejected shares the rest");
	if (e)
		code = client_refused(s->client.c, s->client.what, &report);
	report_clear(&report);
	if (code || s->import.part_count)
		return code ? code : send_all(s);
	if (s->leaving)
		code = confirm(s, 0);
	if (code)
		return code;
	if (!s->client.c->json)
		puts("nothing new");
	parts_print_counts(&s->import, 0);
	return EXIT_DONE;
}

int send_labelled(struct sending *s, const char *label, send_take *take, void *arg)
{
	double after = 0;
	bool more = true;
	int code = EXIT_DONE;

	while (!code && more) {
		const cJSON *next;
		struct text request;
		struct reply reply;

		request_init(&request, "export");
		admin_put_string(&request, "node", member_text(s->who.json, "node"));
		admin_put_string(&request, "tlp_max", "amber+strict");
		admin_put_bool(&request, "brief", true);
		admin_put_name(&request, "labels");
		text_str(&request, "[");
		admin_put_string(&request, NULL, label);
		text_str(&request, "]");
		if (after > 0)
			admin_put_number(&request, "after", (uint64_t)after);
		code = client_ask(&s->client, &request, NULL, 0, false, &reply);
		text_clear(&request);
		if (code)
			break;
		code = take(arg, s, &reply);
		next = cJSON_GetObjectItemCaseSensitive(reply.json, "next");
		more = cJSON_IsNumber(next);
		after = more ? next->valuedouble : 0;
		reply_clear(&reply);
	}
	return code;
}
