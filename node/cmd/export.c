/* khabar export: what is known, as files for other programs. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/export_run.h"
#include "node/cmd/options.h"
#include "node/format/export.h"
#include "node/loop.h"
#include "protocol/admin.h"

static const char what[] = "khabar export";

enum { LINES_MAX = 64 << 10, AGE_MAX_DAYS = 36500, NO_CONFIDENCE = 101 };

struct exporting {
	struct client client;
	/* As typed. */
	const char *format, *out, *tlp_max, *use, *type, *node, *group, *zone;
	struct option_list labels;
	unsigned long min_confidence, max_age;
	/* What becomes of it. */
	const struct export_format *kind;
	struct export *export;
	struct export_outcome *outcome;
	struct progress progress;
	struct slice lines[LINES_MAX];
};

/* ---- options ---- */

static int format_missing(const char *typed)
{
	const struct export_format *f;
	struct text names;
	int code;

	text_init(&names);
	for (size_t i = 0; (f = export_format(i)); i++)
		text_format(&names, "%s%s", i ? ", " : "", f->name);
	if (typed)
		code = cmd_misused(what, "--format %s: one of %s", typed, names.at);
	else
		code = cmd_misused(what, "--format is missing: one of %s", names.at);
	text_clear(&names);
	return code;
}

static int options_check(struct exporting *x)
{
	enum tlp tlp;

	x->kind = x->format ? export_format_named(x->format) : NULL;
	if (!x->kind)
		return format_missing(x->format);
	if (!x->out || !*x->out)
		return cmd_misused(what, "--out is missing: a folder, or - for standard output");
	if (strcmp(x->out, "-") == 0 && !x->kind->file)
		return cmd_misused(what, "--out -: %s makes several files: name a folder",
				   x->format);
	if (x->tlp_max && (!tlp_parse(x->tlp_max, &tlp) || tlp == TLP_RED))
		return cmd_misused(what, "--tlp-max %s: clear, green, amber or amber+strict",
				   x->tlp_max);
	if (x->use && strcmp(x->use, "detect") != 0 && strcmp(x->use, "block") != 0)
		return cmd_misused(what, "--use %s: detect or block", x->use);
	if (x->use && strcmp(x->use, "detect") == 0 && x->kind->blocks)
		return cmd_misused(what, "--use detect: %s takes only what is for blocking",
				   x->format);
	return EXIT_DONE;
}

static int options_take(struct exporting *x, int argc, char **argv)
{
	const struct option_rule rules[] = {
		{"format", OPTION_TEXT, &x->format, 0, 0},
		{"out", OPTION_TEXT, &x->out, 0, 0},
		{"tlp-max", OPTION_TEXT, &x->tlp_max, 0, 0},
		{"use", OPTION_TEXT, &x->use, 0, 0},
		{"type", OPTION_TEXT, &x->type, 0, 0},
		{"node", OPTION_TEXT, &x->node, 0, 0},
		{"group", OPTION_TEXT, &x->group, 0, 0},
		{"zone", OPTION_TEXT, &x->zone, 0, 0},
		{"label", OPTION_LIST, &x->labels, 0, 0},
		{"min-confidence", OPTION_NUMBER, &x->min_confidence, 0, 100},
		{"max-age", OPTION_DAYS, &x->max_age, 1, AGE_MAX_DAYS},
	};
	int first, code;

	x->min_confidence = NO_CONFIDENCE;
	code = options_read(what, rules, sizeof rules / sizeof *rules, argc, argv, &first);
	if (!code && first < argc)
		code = cmd_misused(what, "\"%s\" is not wanted", argv[first]);
	return code ? code : options_check(x);
}

/* ---- asking the node ---- */

static void put_string(struct text *t, const char *name, const char *value)
{
	if (value)
		admin_put_string(t, name, value);
}

static void request_write(struct text *t, const struct exporting *x, double after)
{
	request_init(t, "export");
	put_string(t, "tlp_max", x->tlp_max);
	put_string(t, "use", x->kind->blocks ? "block" : x->use);
	put_string(t, "type", x->type);
	put_string(t, "node", x->node);
	put_string(t, "group", x->group);
	if (x->labels.count) {
		admin_put_name(t, "labels");
		text_str(t, "[");
		for (size_t i = 0; i < x->labels.count; i++)
			admin_put_string(t, NULL, x->labels.items[i]);
		text_str(t, "]");
	}
	if (x->min_confidence != NO_CONFIDENCE)
		admin_put_number(t, "min_confidence", x->min_confidence);
	if (x->max_age)
		admin_put_number(t, "max_age_days", x->max_age);
	if (x->kind->whole)
		admin_put_bool(t, "whole", true);
	if (after > 0)
		admin_put_number(t, "after", (uint64_t)after);
}

static int refused(const struct exporting *x, enum err e, struct report *report)
{
	if (report->total == 0)
		report_add(report, "%s", err_str(e));
	return client_refused(x->client.c, what, report);
}

/* What is written depends on the set of lines alone, and so does the sum of their hashes. */
static void digest_add(struct export_digest *d, struct slice line)
{
	uint64_t hash[4];

	crypto_generichash((unsigned char *)hash, sizeof hash, (const unsigned char *)line.at,
			   line.length, NULL, 0);
	for (size_t i = 0; i < 4; i++)
		d->sum[i] += hash[i];
	d->lines++;
}

static enum err take_lines(struct exporting *x, const struct reply *reply)
{
	const cJSON *line;
	struct slice array = {NULL, 0};
	size_t n = 0, i = 0;
	enum err e = ERR_OK;

	if ((x->kind->whole || x->outcome) &&
	    (!json_member(&array, (struct slice){reply->text, reply->length}, "lines") ||
	     json_elements(x->lines, LINES_MAX, &n, array) != ERR_OK))
		return ERR_FORMAT;
	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply->json, "lines"))
	{
		struct slice raw = {NULL, 0};

		if (i < n && x->outcome)
			digest_add(&x->outcome->digest, x->lines[i]);
		if (x->kind->whole && i < n && !json_member(&raw, x->lines[i], "raw"))
			raw = (struct slice){NULL, 0};
		i++;
		if (!e)
			e = export_line(x->export, line, raw);
		if (!e && x->outcome && export_took(x->export))
			e = carried_add(&x->outcome->messages, member_text(line, "message"));
	}
	return e;
}

static int take_pages(struct exporting *x, struct report *report)
{
	double after = 0;
	bool more = true;
	int code = EXIT_DONE;

	while (!code && more) {
		const cJSON *next;
		struct text request;
		struct reply reply;
		enum err e;

		request_write(&request, x, after);
		code = client_ask(&x->client, &request, NULL, 0, false, &reply);
		text_clear(&request);
		if (code)
			break;
		e = take_lines(x, &reply);
		next = cJSON_GetObjectItemCaseSensitive(reply.json, "next");
		more = cJSON_IsNumber(next);
		after = more ? next->valuedouble : 0;
		reply_clear(&reply);
		if (e)
			code = refused(x, e, report);
		progress_show(&x->progress, 0, 0);
	}
	progress_end(&x->progress);
	return code;
}

/* ---- what came of it ---- */

static void print_result(const struct exporting *x, const struct export_result *r)
{
	fprintf(stderr, "%s: %zu written from %zu object%s\n", what, r->written, r->objects,
		plural(r->objects));
	for (size_t i = 0; i < r->reason_count; i++)
		fprintf(stderr, "    left out: %s: %zu\n", r->reasons[i].why, r->reasons[i].count);
	if (r->objects == 0 && x->kind->blocks)
		fprintf(stderr, "    it takes only what was shared with --use block\n");
}

static void print_result_json(const struct exporting *x, const struct export_result *r)
{
	struct text t;

	text_init(&t);
	text_str(&t, "{");
	admin_put_string(&t, "format", x->format);
	admin_put_string(&t, "out", x->out);
	admin_put_string(&t, "file", x->kind->file);
	admin_put_number(&t, "objects", r->objects);
	admin_put_number(&t, "written", r->written);
	admin_put_name(&t, "left_out");
	text_str(&t, "[");
	for (size_t i = 0; i < r->reason_count; i++) {
		admin_put_name(&t, NULL);
		text_str(&t, "{");
		admin_put_string(&t, "why", r->reasons[i].why);
		admin_put_number(&t, "count", r->reasons[i].count);
		text_str(&t, "}");
	}
	text_str(&t, "]}");
	print_built(&t);
}

static int export_run(struct exporting *x, struct report *report)
{
	bool standard = strcmp(x->out, "-") == 0;
	const struct export_options options = {
		.format = x->format,
		.dir = standard ? NULL : x->out,
		.zone = x->zone,
		.now = clock_wall(),
	};
	struct export_result result = {0};
	enum err e = export_open(&x->export, &options, report);
	int code;

	if (e)
		return refused(x, e, report);
	code = take_pages(x, report);
	if (code)
		return code;
	if (x->outcome && x->outcome->before &&
	    export_same(&x->outcome->digest, x->outcome->before))
		return EXIT_DONE;
	e = export_finish(x->export, &result, report);
	if (e)
		return refused(x, e, report);
	if (x->outcome) {
		x->outcome->written = true;
		x->outcome->count = result.written;
		return EXIT_DONE;
	}
	/* Standard output is the export itself. */
	if (x->client.c->json && !standard)
		print_result_json(x, &result);
	else
		print_result(x, &result);
	return EXIT_DONE;
}

bool export_same(const struct export_digest *a, const struct export_digest *b)
{
	return a->lines == b->lines && memcmp(a->sum, b->sum, sizeof a->sum) == 0;
}

int export_once(const struct cmd_context *c, int argc, char **argv, struct export_outcome *outcome)
{
	struct exporting *x = calloc(1, sizeof *x);
	struct report report;
	int code;

	if (!x)
		return cmd_refused(c, "khabar export", &(struct report){0});
	x->outcome = outcome;
	report_init(&report);
	x->progress.what = what;
	code = options_take(x, argc, argv);
	if (!code) {
		code = client_open(&x->client, c, what);
		if (!code)
			code = export_run(x, &report);
		client_close(&x->client);
	}
	export_close(x->export);
	report_clear(&report);
	free(x);
	return code;
}

int cmd_export(const struct cmd_context *c, int argc, char **argv)
{
	return export_once(c, argc, argv, NULL);
}
