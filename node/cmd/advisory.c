/* khabar advisory and compliance: what others shall know and do, and who has said that they do. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/send.h"
#include "node/file.h"
#include "protocol/admin.h"

struct writing {
	struct sending sending;
	const char *title, *text_file, *indicators;
	struct option_list courses;
	char *text, *bytes;    /* of the files; owned */
	struct reply shown;    /* the message that indicators names */
	struct import values;  /* what its file says, */
	bool reading;          /* to be cleared */
	struct slice whole;    /* its bundle */
	struct slice *bundles; /* of both kinds; owned */
	size_t bundle_count;
};

static int refused(struct writing *w, const struct report *report)
{
	return client_refused(w->sending.client.c, w->sending.client.what, report);
}

/* One STIX bundle with a report in it, as somebody else's program has made it. */
static int file_take(struct writing *w, const char *path)
{
	struct import *i = &w->sending.import;
	struct report report;
	size_t n;
	int code = EXIT_DONE;
	enum err e;

	report_init(&report);
	e = file_read_named(&w->bytes, &n, path, IMPORT_MAX_BYTES, &report);
	if (!e)
		e = import_read(i, "stix", w->bytes, n, path, &report);
	if (!e &&
	    (i->part_count != 1 || !bundle_has(i->parts[0].text, i->parts[0].length, "report"))) {
		report_add(&report, "%s: %s", path,
			   i->part_count == 1 ? "no STIX report is in it"
					      : "it is too large for one message");
		e = ERR_FORMAT;
	}
	if (e && report.count == 0)
		report_add(&report, "%s", err_str(e));
	if (e)
		code = refused(w, &report);
	report_clear(&report);
	return code;
}

/* ---- indicators ---- */

/* Anything that khabar import reads. */
static enum err values_read(struct writing *w, struct report *report)
{
	size_t n;
	enum err e = file_read_named(&w->bytes, &n, w->indicators, IMPORT_MAX_BYTES, report);

	if (e)
		return e;
	w->reading = true;
	e = import_init(&w->values, &w->sending.import.options, report);
	if (!e)
		e = import_read(&w->values, NULL, w->bytes, n, w->indicators, report);
	if (!e)
		e = import_finish(&w->values, report);
	w->bundles = e ? NULL : calloc(w->values.part_count, sizeof *w->bundles);
	if (!e && !w->bundles)
		e = ERR_MEMORY;
	for (size_t k = 0; !e && k < w->values.part_count; k++)
		w->bundles[w->bundle_count++] =
			(struct slice){w->values.parts[k].text, w->values.parts[k].length};
	return e;
}

/* Why what a message says may not be said again in one of this node, or NULL. */
static const char *shown_refusal(const struct writing *w, const cJSON *message)
{
	const cJSON *to = cJSON_GetObjectItemCaseSensitive(message, "to");
	const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(to, 0));
	bool own =
		strcmp(member_text(message, "node"), member_text(w->sending.who.json, "node")) == 0;
	enum tlp tlp;

	if (!tlp_parse(member_text(message, "tlp"), &tlp) || tlp > w->sending.level)
		return "it is of a stricter TLP than the advisory";
	if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(message, "original")) ||
	    (!own && !(first && strcmp(first, "all") == 0)))
		return "it is another's, and not for everyone: khabar forward passes it on";
	return NULL;
}

/* A message that is here: this node's own, or one that everyone may read. */
static int message_take(struct writing *w)
{
	struct client *client = &w->sending.client;
	struct text request;
	struct report report;
	const char *why;
	int code;

	request_init(&request, "show");
	admin_put_string(&request, "id", w->indicators);
	code = client_ask(client, &request, NULL, 0, false, &w->shown);
	text_clear(&request);
	if (code)
		return code;
	why = shown_refusal(w, cJSON_GetObjectItemCaseSensitive(w->shown.json, "message"));
	w->whole = (struct slice){w->shown.text, w->shown.length};
	if (!why && !(json_member(&w->whole, w->whole, "message") &&
		      json_member(&w->whole, w->whole, "body") &&
		      json_member(&w->whole, w->whole, "bundle")))
		why = "what it says cannot be read here";
	if (why) {
		report_init(&report);
		report_add(&report, "--indicators %s: %s", w->indicators, why);
		code = refused(w, &report);
		report_clear(&report);
		return code;
	}
	w->bundles = malloc(sizeof *w->bundles);
	if (!w->bundles)
		return refused(w, &(struct report){0});
	w->bundles[w->bundle_count++] = w->whole;
	return EXIT_DONE;
}

static bool is_id(const char *text)
{
	size_t n = strlen(text);

	return n >= 4 && n <= 64 && strspn(text, "0123456789abcdef") == n;
}

/* ---- an advisory out of its parts ---- */

static enum err text_read(struct writing *w, struct report *report)
{
	size_t n;
	enum err e;

	if (!w->text_file)
		return ERR_OK;
	e = file_read_text(&w->text, &n, w->text_file, NOTE_MAX_BYTES, report);
	while (!e && n > 0 && w->text[n - 1] == '\n')
		w->text[--n] = '\0';
	return e;
}

static int compose(struct writing *w)
{
	struct report report;
	bool id = w->indicators && is_id(w->indicators);
	int code = id ? message_take(w) : EXIT_DONE;
	enum err e;

	if (code)
		return code;
	report_init(&report);
	e = text_read(w, &report);
	if (!e && w->indicators && !id)
		e = values_read(w, &report);
	if (!e) {
		const struct advisory a = {.title = w->title,
					   .text = w->text,
					   .courses = w->courses.items,
					   .course_count = w->courses.count,
					   .bundles = w->bundles,
					   .bundle_count = w->bundle_count};
		e = import_advisory(&w->sending.import, &a, &report);
	}
	if (e && report.count == 0)
		report_add(&report, "%s", err_str(e));
	if (e)
		code = refused(w, &report);
	report_clear(&report);
	return code;
}

static void writing_free(struct writing *w)
{
	reply_clear(&w->shown);
	if (w->reading)
		import_clear(&w->values);
	send_close(&w->sending);
	free(w->bundles);
	free(w->bytes);
	free(w->text);
	free(w);
}

int cmd_advisory(const struct cmd_context *c, int argc, char **argv)
{
	static const char what[] = "khabar advisory";
	struct option_rule rules[OPTION_RULES_MAX];
	struct writing *w = calloc(1, sizeof *w);
	size_t n;
	int first, code;
	bool parts;

	if (!w)
		return cmd_refused(c, "khabar advisory", &(struct report){0});
	n = send_rules(&w->sending, rules);
	rules[n++] = (struct option_rule){"title", OPTION_TEXT, &w->title, 0, 0};
	rules[n++] = (struct option_rule){"text", OPTION_TEXT, &w->text_file, 0, 0};
	rules[n++] = (struct option_rule){"course-of-action", OPTION_LIST, &w->courses, 0, 0};
	rules[n++] = (struct option_rule){"indicators", OPTION_TEXT, &w->indicators, 0, 0};
	code = options_read(what, rules, n, argc, argv, &first);
	parts = w->title || w->text_file || w->courses.count || w->indicators;
	if (!code && (parts ? first != argc : argc - first != 1))
		code = cmd_misused(what, "either one STIX bundle with a report, or --title and "
					 "what belongs to it");
	if (!code && parts && !w->title)
		code = cmd_misused(what, "--title is missing");
	/* What is to be done is to be acknowledged. */
	w->sending.receipt = true;
	if (!code)
		code = send_open(&w->sending, c, what);
	if (!code)
		code = parts ? compose(w) : file_take(w, argv[first]);
	if (!code)
		code = send_finish(&w->sending);
	writing_free(w);
	return code;
}

/* ---- who has acknowledged ---- */

enum { NODE_WIDTH = 16 };

static void print_child(const cJSON *child)
{
	const cJSON *missing = cJSON_GetObjectItemCaseSensitive(child, "missing"), *m;
	const char *between = "   missing: ";

	printf("    ");
	print_column(member_text(child, "node"), NODE_WIDTH);
	printf("%.0f of %.0f", member_number(child, "acknowledged"),
	       member_number(child, "readers"));
	cJSON_ArrayForEach(m, missing)
	{
		const char *state = member_text(m, "state");
		fputs(between, stdout);
		print_safe(stdout, member_text(m, "node"), false);
		printf(" (%s since %.10s %.5s)", *state ? state : "silent", member_text(m, "since"),
		       member_text(m, "since") + (*member_text(m, "since") ? 11 : 0));
		between = ", ";
	}
	putchar('\n');
}

static void print_compliance(const cJSON *reply)
{
	const cJSON *compliance = cJSON_GetObjectItemCaseSensitive(reply, "compliance"), *child;
	const char *by = member_text(compliance, "ack_by");

	printf("%.12s  TLP:%s, %.10s", member_text(reply, "message"), member_text(reply, "tlp"),
	       member_text(reply, "created"));
	if (strlen(by) >= 16)
		printf(", to be acknowledged by %.10s %.5s%s", by, by + 11,
		       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(compliance, "overdue"))
			       ? ", overdue"
			       : "");
	putchar('\n');
	cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(compliance, "children"))
	{
		print_child(child);
	}
	print_safe(stdout, member_text(compliance, "summary"), false);
	putchar('\n');
}

/* Nothing can be said of what others wrote, or of what nobody was asked to acknowledge. */
static int compliance_show(const struct cmd_context *c, const char *what, const struct reply *reply)
{
	struct report report;
	int code;

	if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(reply->json, "compliance"))) {
		if (c->json)
			client_print_json(reply);
		else
			print_compliance(reply->json);
		return EXIT_DONE;
	}
	report_init(&report);
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "own")))
		report_add(&report, "it is not this node's: its author is told who acknowledges");
	else
		report_add(&report, "nobody was asked to acknowledge it");
	code = client_refused(c, what, &report);
	report_clear(&report);
	return code;
}

int cmd_compliance(const struct cmd_context *c, int argc, char **argv)
{
	static const char what[] = "khabar compliance";
	struct client client;
	struct text request;
	struct reply reply;
	int first, code = options_read(what, NULL, 0, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what, "the id of one message is wanted");
	if (code)
		return code;
	request_init(&request, "receipts");
	admin_put_string(&request, "id", argv[first]);
	admin_put_bool(&request, "compliance", true);
	code = client_open(&client, c, what);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code) {
		code = compliance_show(c, what, &reply);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
