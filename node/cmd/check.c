/* khabar check: are these values known, from whom and since when. */
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/cmd/sift.h"
#include "node/cmd/source.h"
#include "protocol/admin.h"
#include "protocol/observable.h"

enum {
	BUFFER_BYTES = 1 << 20,
	TEXT_BYTES = 64 << 10,
	TEXTS_BYTES = 4 << 20,
	WAITING_MAX = ADMIN_VALUES_MAX,
	VALUE_WIDTH = 40
};

/* A value to be looked up. */
struct wanted {
	char *value;
	char *text;  /* the line that it stands in; NULL: typed */
	size_t line; /* from 1 */
	bool always; /* shown when it is not known too */
};

struct checking {
	struct client client;
	struct sift *sift; /* of the file */
	size_t sifted;     /* lines */
	size_t count, text_bytes;
	struct wanted waiting[WAITING_MAX];
	bool unreadable; /* something typed is no value */
};

/* ---- what comes back ---- */

static void show_json(const struct wanted *w, struct slice line)
{
	struct text t;

	if (!w->text) {
		print_json(line);
		return;
	}
	text_init(&t);
	text_add(&t, line.at, line.length - 1);
	admin_put_number(&t, "line", w->line);
	client_put_text(&t, "text", w->text);
	text_str(&t, "}");
	print_built(&t);
}

static void show_muted(const cJSON *muted)
{
	if (!cJSON_IsObject(muted))
		return;
	printf("    muted          since %.19s  by uid %.0f  as ", member_text(muted, "at"),
	       member_number(muted, "uid"));
	print_safe(stdout, member_text(muted, "value"), false);
	if (*member_text(muted, "because"))
		fputs(": ", stdout);
	print_safe(stdout, member_text(muted, "because"), false);
	putchar('\n');
}

static void show_listed(const cJSON *names)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, names)
	{
		printf("    on a list      ");
		print_safe(stdout, cJSON_IsString(name) ? name->valuestring : "", false);
		putchar('\n');
	}
}

static void show_words(const struct wanted *w, const cJSON *answer)
{
	const cJSON *match, *matches = cJSON_GetObjectItemCaseSensitive(answer, "matches");

	if (w->text) {
		printf("%zu: ", w->line);
		print_safe(stdout, w->text, false);
		putchar('\n');
	}
	print_column(w->value, VALUE_WIDTH);
	printf("%s\n", cJSON_GetArraySize(matches) ? "known" : "not known");
	show_muted(cJSON_GetObjectItemCaseSensitive(answer, "muted"));
	show_listed(cJSON_GetObjectItemCaseSensitive(answer, "listed"));
	cJSON_ArrayForEach(match, matches)
	{
		printf("    %-13s  TLP:%-6s since %.19s  from ", member_text(match, "how"),
		       member_text(match, "tlp"), member_text(match, "since"));
		print_safe(stdout, member_text(match, "node"), false);
		printf("  ");
		print_safe(stdout, member_text(match, "object"), false);
		puts(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(match, "exercise"))
			     ? "  EXERCISE"
			     : "");
		sightings_print(cJSON_GetObjectItemCaseSensitive(match, "sightings"));
	}
}

static void show_answer(struct checking *k, const struct wanted *w, const cJSON *answer,
			struct slice line)
{
	const char *wrong = member_text(answer, "error");

	if (*wrong && !w->text) {
		fprintf(stderr, "%s: \"", k->client.what);
		print_safe(stderr, w->value, false);
		fprintf(stderr, "\": %s\n", wrong);
		k->unreadable = true;
	}
	if (!w->always && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "known")))
		return;
	if (k->client.c->json)
		show_json(w, line);
	else
		show_words(w, answer);
}

/* ---- asking ---- */

static void show_page(struct checking *k, size_t from, const struct reply *reply)
{
	const cJSON *answers = cJSON_GetObjectItemCaseSensitive(reply->json, "lines"), *answer;
	struct slice array, *lines = calloc(WAITING_MAX, sizeof *lines);
	size_t n = 0, i = 0;

	if (!lines || !json_member(&array, (struct slice){reply->text, reply->length}, "lines") ||
	    json_elements(lines, WAITING_MAX, &n, array))
		n = 0;
	cJSON_ArrayForEach(answer, answers)
	{
		if (i < n && from + i < k->count)
			show_answer(k, &k->waiting[from + i], answer, lines[i]);
		i++;
	}
	free(lines);
}

static int ask_from(struct checking *k, size_t *from)
{
	struct text request;
	struct reply reply;
	double next;
	int code;

	request_init(&request, "check");
	admin_put_name(&request, "values");
	text_str(&request, "[");
	for (size_t i = *from; i < k->count && request.length < ADMIN_REQUEST_MAX_BYTES / 2; i++)
		admin_put_string(&request, NULL, k->waiting[i].value);
	text_str(&request, "]");
	code = client_ask(&k->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	show_page(k, *from, &reply);
	next = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply.json, "lines"));
	*from += next >= 1 ? (size_t)next : k->count;
	reply_clear(&reply);
	return EXIT_DONE;
}

static int flush(struct checking *k)
{
	size_t from = 0;
	int code = EXIT_DONE;

	while (!code && from < k->count)
		code = ask_from(k, &from);
	for (size_t i = 0; i < k->count; i++) {
		free(k->waiting[i].value);
		free(k->waiting[i].text);
	}
	k->count = k->text_bytes = 0;
	/* Whoever follows a log waits for it. */
	if (fflush(stdout) != 0 && !code)
		code = EXIT_REFUSED;
	return code;
}

static int want(struct checking *k, struct slice value, size_t line, const struct slice *text,
		bool always)
{
	size_t n = text ? (text->length < TEXT_BYTES ? text->length : TEXT_BYTES) : 0;
	bool full = k->count == WAITING_MAX || k->text_bytes + n > TEXTS_BYTES;
	int code = full ? flush(k) : EXIT_DONE;
	struct wanted *w = &k->waiting[k->count];

	if (code)
		return code;
	*w = (struct wanted){strndup(value.at, value.length), text ? strndup(text->at, n) : NULL,
			     line, always};
	if (!w->value || (text && !w->text)) {
		free(w->value);
		free(w->text);
		return EXIT_REFUSED;
	}
	k->count++;
	k->text_bytes += n;
	return EXIT_DONE;
}

/* ---- files ---- */

/* The line without what surrounds it. */
static struct slice strip(struct slice line)
{
	while (line.length > 0 && strchr(" \t\r", *line.at)) {
		line.at++;
		line.length--;
	}
	while (line.length > 0 && strchr(" \t\r", line.at[line.length - 1]))
		line.length--;
	return line;
}

static int hit_want(void *arg, const struct hit *hit)
{
	return want(arg, hit->value, hit->number, &hit->line, false);
}

/* True when the line is one value. */
static bool is_value(struct slice line)
{
	struct observable o;
	char text[2 * OBSERVABLE_MAX_BYTES + 1];

	if (line.length >= sizeof text || memchr(line.at, '\0', line.length) ||
	    u8_check((const uint8_t *)line.at, line.length))
		return false;
	memcpy(text, line.at, line.length);
	text[line.length] = '\0';
	return observable_detect(&o, text, NULL) == ERR_OK;
}

/* A line of a list is a value, and is answered for whatever the answer; of anything else only what
 * is known is shown. */
static int line_check(struct checking *k, struct slice line, bool list)
{
	line = strip(line);
	if (line.length == 0 || (list && *line.at == '#'))
		return EXIT_DONE;
	if (list && is_value(line)) {
		int code = sift_flush(k->sift);
		return code ? code : want(k, line, k->sifted, &line, true);
	}
	return sift_line(k->sift, line, k->sifted);
}

/* The lines that end in the n bytes; *used is how many bytes they are.  What is longer than the
 * buffer is taken in parts. */
static int lines_check(struct checking *k, const char *bytes, size_t n, bool all, bool list,
		       size_t *used)
{
	const char *at = bytes, *end = bytes + n, *stop;
	int code = EXIT_DONE;

	while (!code && at < end) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop && !all)
			break;
		code = line_check(k, (struct slice){at, (size_t)((stop ? stop : end) - at)}, list);
		k->sifted += stop != NULL;
		at = stop ? stop + 1 : end;
	}
	*used = (size_t)(at - bytes);
	return code;
}

static int said(struct checking *k, const struct report *report)
{
	return client_refused(k->client.c, k->client.what, report);
}

/* What has come is checked before more is waited for: the file may be a pipe that goes on. */
static int source_check(struct checking *k, struct source *in, char *buffer, bool list,
			struct report *report)
{
	size_t filled = 0, used;
	int code = EXIT_DONE;
	ssize_t n = 1;

	k->sifted = 1;
	while (!code && n > 0) {
		if (source_waits(in))
			sift_forget(k->sift);
		n = source_read(in, buffer + filled, BUFFER_BYTES - filled, report);
		filled += n > 0 ? (size_t)n : 0;
		code = lines_check(k, buffer, filled, n <= 0 || filled == BUFFER_BYTES, list,
				   &used);
		if (!code)
			code = sift_flush(k->sift);
		if (!code)
			code = flush(k);
		memmove(buffer, buffer + used, filled - used);
		filled -= used;
		progress_show(&k->client.progress, source_done(in), source_total(in));
	}
	return code ? code : n < 0 ? said(k, report) : EXIT_DONE;
}

static int path_check(struct checking *k, const char *path, bool list)
{
	char *buffer = malloc(BUFFER_BYTES);
	struct report report;
	struct source *in = NULL;
	int code = EXIT_REFUSED;

	report_init(&report);
	k->sift = sift_new(&k->client, hit_want, k);
	if (!buffer || !k->sift)
		report_add(&report, "%s", err_str(ERR_MEMORY));
	else if (source_open(&in, path, &report) == ERR_OK)
		code = source_check(k, in, buffer, list, &report);
	if (!in)
		said(k, &report);
	source_close(in);
	sift_free(k->sift);
	free(buffer);
	report_clear(&report);
	return code;
}

static int values_check(struct checking *k, int argc, char **argv)
{
	int code = EXIT_DONE;

	for (int i = 0; !code && i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			code = path_check(k, "-", true);
		else if (u8_check((const uint8_t *)argv[i], strlen(argv[i])))
			code = cmd_misused(k->client.what, "value %d is not UTF-8", i + 1);
		else
			code = want(k, (struct slice){argv[i], strlen(argv[i])}, 0, NULL, true);
	}
	return code ? code : flush(k);
}

int cmd_check(const struct cmd_context *c, int argc, char **argv)
{
	const char *file = NULL;
	const struct option_rule rules[] = {{"file", OPTION_TEXT, &file, 0, 0}};
	struct checking *k = calloc(1, sizeof *k);
	int first, code = options_read("khabar check", rules, 1, argc, argv, &first);

	if (!k)
		return cmd_refused(c, "khabar check", &(struct report){0});
	if (!code && (file != NULL) == (first < argc))
		code = cmd_misused("khabar check", "values are wanted, or --file FILE, or -");
	if (!code)
		code = client_open(&k->client, c, "khabar check");
	if (!code)
		code = file ? path_check(k, file, false)
			    : values_check(k, argc - first, argv + first);
	client_close(&k->client);
	if (!code && k->unreadable)
		code = EXIT_REFUSED;
	free(k);
	return code;
}
