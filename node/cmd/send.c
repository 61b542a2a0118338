#include "node/cmd/send.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/loop.h"
#include "protocol/admin.h"

enum { CONFIDENCE_NONE = 101, ANSWER_BYTES = 64, ONCE_KEY_BYTES = 16 };

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

/* "0" to "3", or a word; -1 for what is neither. */
static int priority_read(const char *text)
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
	if (s->priority && priority_read(s->priority) < 0)
		return cmd_misused(what, "--priority %s: 0 to 3, routine, high or emergency",
				   s->priority);
	if (s->ack_by && !ack_by_read(s))
		return cmd_misused(what,
				   "--ack-by %s: a date such as 2026-12-01, a time such as "
				   "2026-12-01T09:00:00Z, or 3d",
				   s->ack_by);
	return EXIT_DONE;
}

static void put_audience(struct text *request, const struct sending *s)
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
	put_audience(&request, s);
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

static size_t objects_of(const struct import *i)
{
	size_t n = 0;

	for (size_t p = 0; p < i->part_count; p++)
		n += i->parts[p].objects;
	return n;
}

/* What was found in prose is looked at by a person. */
static void print_guessed(FILE *out, const struct import *i)
{
	for (size_t p = 0; i->guessed && p < i->part_count; p++) {
		cJSON *bundle = cJSON_ParseWithLength(i->parts[p].text, i->parts[p].length);
		const cJSON *object;
		cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(bundle, "objects"))
		{
			if (strcmp(member_text(object, "type"), "indicator") != 0)
				continue;
			fputs("    ", out);
			print_safe(out, member_text(object, "name"), false);
			fputc('\n', out);
		}
		cJSON_Delete(bundle);
	}
}

/* Whoever sends sees who will read it, and says yes. */
static int confirm(struct sending *s)
{
	char answer[ANSWER_BYTES] = "";
	struct report report;
	size_t n = objects_of(&s->import);
	int code;

	if (s->client.c->yes || s->dry_run)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		report_init(&report);
		report_add(&report,
			   "nothing was sent: there is no terminal to ask whether %d nodes shall "
			   "read this; say --yes",
			   cJSON_GetArraySize(
				   cJSON_GetObjectItemCaseSensitive(s->who.json, "readers")));
		code = client_refused(s->client.c, s->client.what, &report);
		report_clear(&report);
		return code;
	}
	who_print(stderr, s->who.json);
	print_guessed(stderr, &s->import);
	fprintf(stderr, "Send %zu object%s", n, plural(n));
	if (s->leaving)
		fprintf(stderr, " and withdraw %zu", s->leaving);
	fprintf(stderr, "? [y/N] ");
	if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y')) {
		s->client.progress.started = 0; /* thinking was not working */
		return EXIT_DONE;
	}
	fprintf(stderr, "%s: nothing was sent\n", s->client.what);
	return EXIT_REFUSED;
}

/* ---- sending ---- */

static void put_once(struct text *request, const char *words)
{
	uint8_t key[ONCE_KEY_BYTES];

	crypto_generichash(key, sizeof key, (const uint8_t *)words, strlen(words), NULL, 0);
	admin_put_hex(request, "once", key, sizeof key);
}

static void put_options(struct text *request, const struct sending *s)
{
	put_audience(request, s);
	if (s->once)
		put_once(request, s->once);
	if (s->use)
		admin_put_string(request, "use", s->use);
	if (s->keep_days)
		admin_put_number(request, "keep_days", s->keep_days);
	if (s->priority)
		admin_put_number(request, "priority", (uint64_t)priority_read(s->priority));
	if (s->exercise)
		admin_put_bool(request, "exercise", true);
	if (s->receipt)
		admin_put_bool(request, "receipt", true);
	if (s->ack_by)
		admin_put_string(request, "ack_by", s->ack_time);
	if (s->no_forward)
		admin_put_bool(request, "no_forward", true);
	if (s->force)
		admin_put_bool(request, "force", true);
	if (s->dry_run)
		admin_put_bool(request, "dry_run", true);
	else
		client_put_hold(&s->client, request);
}

static void print_counts(const struct import *i)
{
	for (size_t n = 0; n < i->count_count; n++) {
		fprintf(stderr, "    %zu ", i->counts[n].count);
		print_safe(stderr, i->counts[n].what, false);
		fputc('\n', stderr);
	}
	if (i->duplicates > i->unchanged)
		fprintf(stderr, "    %zu met more than once\n", i->duplicates - i->unchanged);
	if (i->rejected_count)
		fprintf(stderr, "    %zu rejected and left out:\n", i->rejected_count);
	for (size_t n = 0; n < i->rejected_count && n < REJECTED_KEPT_MAX; n++) {
		const struct rejected *r = &i->rejected[n];
		fputs("        ", stderr);
		print_safe(stderr, r->input, false);
		fprintf(stderr, ":%zu: %s: ", r->line, r->reason);
		print_safe(stderr, r->text, false);
		fputc('\n', stderr);
	}
}

static void print_sent(const struct sending *s, const struct reply *reply)
{
	const cJSON *messages = cJSON_GetObjectItemCaseSensitive(reply->json, "messages"), *id;
	size_t objects = (size_t)member_number(reply->json, "objects");
	const cJSON *readers = cJSON_GetObjectItemCaseSensitive(s->who.json, "readers");
	size_t copies = (size_t)member_number(s->who.json, "copies") * s->import.part_count;

	if (client_print_held(&s->client, reply))
		return;
	if (s->dry_run)
		print_guessed(s->client.c->json ? stderr : stdout, &s->import);
	if (s->client.c->json) {
		client_print_json(reply);
		return;
	}
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "already"))) {
		printf("sent before, as %s\n", s->once);
		return;
	}
	if (s->dry_run)
		printf("would share %zu object%s in %zu message%s", objects, plural(objects),
		       copies, plural(copies));
	else
		printf("shared %zu object%s in %d message%s", objects, plural(objects),
		       cJSON_GetArraySize(messages), plural((size_t)cJSON_GetArraySize(messages)));
	printf(", TLP:%s, to ", tlp_str(s->level));
	who_print_audience(stdout, s->who.json);
	printf(" (%d node%s)\n", cJSON_GetArraySize(readers),
	       plural((size_t)cJSON_GetArraySize(readers)));
	cJSON_ArrayForEach(id, messages)
	{
		printf("    %.12s\n", cJSON_IsString(id) ? id->valuestring : "");
	}
	fflush(stdout);
	if (member_number(reply->json, "forced") > 0)
		fprintf(stderr, "%s: %.0f of the values are on warning lists\n", s->client.what,
			member_number(reply->json, "forced"));
	print_counts(&s->import);
}

static int send_parts(struct sending *s)
{
	const struct import *i = &s->import;
	struct slice *frames = calloc(i->part_count + 1, sizeof *frames);
	struct text request;
	struct reply reply;
	int code;

	for (size_t p = 0; frames && p < i->part_count; p++)
		frames[p] = (struct slice){i->parts[p].text, i->parts[p].length};
	request_init(&request, "share");
	put_options(&request, s);
	request.bad = request.bad || !frames;
	code = client_ask(&s->client, &request, frames, frames ? i->part_count : 0, false, &reply);
	text_clear(&request);
	free(frames);
	if (code)
		return code;
	print_sent(s, &reply);
	reply_clear(&reply);
	return EXIT_DONE;
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
	if (!code && (s->import.part_count || s->leaving))
		code = confirm(s);
	if (code || s->import.part_count)
		return code ? code : send_parts(s);
	if (!s->client.c->json)
		puts("nothing new");
	print_counts(&s->import);
	return EXIT_DONE;
}
