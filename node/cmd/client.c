#include "node/cmd/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "protocol/admin.h"

enum { LINES_MAX = 64 << 10 };

int client_open(struct client *client, const struct cmd_context *c, const char *what)
{
	struct report report;
	int code = EXIT_DONE;

	*client = (struct client){.c = c, .what = what, .progress.what = what};
	report_init(&report);
	if (ask_open(&client->ask, c->home, progress_tick, &client->progress, &report)) {
		client_refused(c, what, &report);
		code = EXIT_UNREACHABLE;
	}
	report_clear(&report);
	return code;
}

void client_close(struct client *client)
{
	progress_end(&client->progress);
	ask_close(client->ask);
	client->ask = NULL;
}

bool client_node_runs(const struct cmd_context *c)
{
	struct ask *ask;
	bool runs = ask_open(&ask, c->home, NULL, NULL, NULL) == ERR_OK;

	ask_close(ask);
	return runs;
}

/* ---- what the node refuses, in its words ---- */

static void print_error_json(const struct reply *reply)
{
	print_json((struct slice){reply->text, reply->length});
}

static void print_member(const char *before, const char *text)
{
	if (!*text)
		return;
	fputs(before, stderr);
	print_safe(stderr, text, false);
}

static int refused(const struct client *client, const struct reply *reply)
{
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply->json, "error"), *line;
	size_t n = 0;

	if (client->c->json) {
		print_error_json(reply);
		return EXIT_REFUSED;
	}
	fputs(client->what, stderr);
	print_member(": ", member_text(error, "where"));
	print_member(": ", member_text(error, "why"));
	fputc('\n', stderr);
	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(error, "lines"))
	{
		if (n++ == 0 || !cJSON_IsString(line))
			continue;
		print_member("    ", line->valuestring);
		fputc('\n', stderr);
	}
	if (*member_text(error, "do")) {
		print_member("    what to do: ", member_text(error, "do"));
		fputc('\n', stderr);
	}
	return EXIT_REFUSED;
}

static char *copy_safe(const char *s, bool keep_lines)
{
	char *out = NULL;
	size_t n;
	FILE *memory = open_memstream(&out, &n);

	if (!memory)
		return NULL;
	print_safe(memory, s, keep_lines);
	fclose(memory);
	return out;
}

/* What people read goes through print_safe() where others wrote it; of ids, times and names, which
 * this node has made, nothing else reaches a terminal either, whoever has become the node. */
static void make_harmless(cJSON *json)
{
	for (cJSON *m = json->child; m; m = m->next) {
		char *safe = cJSON_IsString(m) ? copy_safe(m->valuestring, true) : NULL;
		if (safe ? strcmp(safe, m->valuestring) != 0 && !cJSON_SetValuestring(m, safe)
			 : cJSON_IsString(m))
			m->valuestring[0] = '\0'; /* memory is short */
		free(safe);
		make_harmless(m);
	}
}

int client_refused(const struct cmd_context *c, const char *what, const struct report *report)
{
	struct report safe;
	int code;

	report_init(&safe);
	for (size_t i = 0; i < report->count; i++) {
		char *line = copy_safe(report->lines[i], false);
		report_add(&safe, "%s", line ? line : "out of memory");
		free(line);
	}
	safe.total = report->total;
	code = cmd_refused(c, what, &safe);
	report_clear(&safe);
	return code;
}

/* ---- requests ---- */

int client_once(const struct cmd_context *c, const char *what, struct text *request,
		struct reply *reply)
{
	struct client client;
	int code = client_open(&client, c, what);

	if (!code)
		code = client_ask(&client, request, NULL, 0, false, reply);
	text_clear(request);
	client_close(&client);
	return code;
}

void request_init(struct text *request, const char *name)
{
	text_init(request);
	text_str(request, "{");
	admin_put_string(request, "do", name);
}

/* The request with its closing brace, with "after" where that is not negative, and "limit". */
static char *request_close(const struct text *request, double after, unsigned long limit)
{
	struct text t;

	text_init(&t);
	text_add(&t, request->at, request->length);
	if (after >= 0)
		admin_put_number(&t, "after", (uint64_t)after);
	if (limit)
		admin_put_number(&t, "limit", limit);
	text_str(&t, "}");
	if (!t.bad && !request->bad)
		return t.at;
	text_clear(&t);
	return NULL;
}

/* SPEC 9.3: "how many messages are not shown yet" Once for a command, and not where it is the
 * answer.
 */
static void tell_unreconciled(struct client *client, const struct reply *reply)
{
	double n = member_number(reply->json, "unreconciled");

	if (n < 1 || client->told || cJSON_HasObjectItem(reply->json, "links"))
		return;
	client->told = true;
	progress_end(&client->progress);
	fprintf(stderr,
		"%s: this node was restored: %.0f messages wait for reconciliation with a "
		"neighbour that carries them, and are not shown\n",
		client->what, n);
}

static int ask_once(struct client *client, const char *request, const struct slice *frames,
		    size_t frame_count, bool for_ever, struct reply *reply)
{
	struct report report;
	int code = EXIT_DONE;
	enum err e = ERR_MEMORY;

	*reply = (struct reply){0};
	report_init(&report);
	if (request)
		e = ask(client->ask, request, frames, frame_count, for_ever, reply, &report);
	else
		report_add(&report, "%s", err_str(e));
	if (e) {
		progress_end(&client->progress);
		client_refused(client->c, client->what, &report);
		code = EXIT_UNREACHABLE;
	} else if (!reply->ok) {
		progress_end(&client->progress);
		code = refused(client, reply);
		reply_clear(reply);
	} else {
		tell_unreconciled(client, reply);
		if (!client->c->json && !client->takes)
			make_harmless(reply->json);
	}
	report_clear(&report);
	return code;
}

int client_ask(struct client *client, const struct text *request, const struct slice *frames,
	       size_t frame_count, bool for_ever, struct reply *reply)
{
	char *text = request_close(request, -1, 0);
	int code = ask_once(client, text, frames, frame_count, for_ever, reply);

	progress_end(&client->progress);
	free(text);
	return code;
}

static void print_lines_json(const struct reply *reply)
{
	struct slice array, *lines = calloc(LINES_MAX, sizeof *lines);
	size_t n = 0;

	if (!lines)
		print_no_memory();
	if (json_member(&array, (struct slice){reply->text, reply->length}, "lines") &&
	    json_elements(lines, LINES_MAX, &n, array) == ERR_OK)
		for (size_t i = 0; i < n; i++)
			print_json(lines[i]);
	free(lines);
}

static void show_lines(const struct reply *reply, line_fn *show, void *arg)
{
	const cJSON *line;

	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply->json, "lines"))
	{
		show(arg, line);
	}
}

/* Takes the lines of a page off the limit; *more is false once it is reached. */
static void count_lines(struct client *client, const struct reply *reply, bool *more)
{
	int n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply->json, "lines"));

	if (!client->limit)
		return;
	*more = (unsigned long)n < client->limit;
	if (*more)
		client->limit -= (unsigned long)n;
}

int client_pages(struct client *client, const struct text *request, double *next, line_fn *show,
		 void *arg)
{
	double after = next ? *next : -1;
	const cJSON *cursor;
	struct reply reply;
	bool follow = next != NULL, more = true;
	int code = EXIT_DONE;

	while (!code && more) {
		char *text = request_close(request, after, client->limit);
		code = ask_once(client, text, NULL, 0, false, &reply);
		free(text);
		if (code)
			break;
		if (client->c->json && !client->takes)
			print_lines_json(&reply);
		else
			show_lines(&reply, show, arg);
		count_lines(client, &reply, &more);
		cursor = cJSON_GetObjectItemCaseSensitive(reply.json, "next");
		/* A page that follows the log has no end: it is over when it stands still. */
		more = more && cJSON_IsNumber(cursor) && !(follow && cursor->valuedouble == after);
		if (cJSON_IsNumber(cursor))
			after = cursor->valuedouble;
		reply_clear(&reply);
	}
	if (next)
		*next = after;
	return code;
}

int client_take(struct client *client, const struct text *request, line_fn *take, void *arg)
{
	int code;

	client->takes = true;
	code = client_pages(client, request, NULL, take, arg);
	client->takes = false;
	return code;
}

void client_print_json(const struct reply *reply)
{
	static const char ok[] = "{\"ok\":true,";
	struct text t;

	if (strncmp(reply->text, ok, sizeof ok - 1) != 0) {
		print_json((struct slice){reply->text, reply->length});
		return;
	}
	text_init(&t);
	text_str(&t, "{");
	text_add(&t, reply->text + sizeof ok - 1, reply->length - (sizeof ok - 1));
	print_built(&t);
}

void client_put_hold(const struct client *client, struct text *request)
{
	if (client->c->hold)
		admin_put_number(request, "hold", client->c->hold);
}

bool client_print_held(const struct client *client, const struct reply *reply)
{
	const char *id = member_text(reply->json, "held");

	if (!*id)
		return false;
	if (client->c->json)
		client_print_json(reply);
	else if (*member_text(reply->json, "approval"))
		printf("held until another operator says: khabar approve %.8s%s%.19s\n", id,
		       *member_text(reply->json, "due") ? "; not before " : "",
		       member_text(reply->json, "due"));
	else
		printf("held until %.19sZ; to stop it: khabar cancel %.8s\n",
		       member_text(reply->json, "due"), id);
	return true;
}

void client_put_text(struct text *t, const char *name, const char *s)
{
	const uint8_t *at = (const uint8_t *)s;
	struct text clean;

	text_init(&clean);
	text_str(&clean, "");
	while (*at) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, at, strlen((const char *)at));
		if (n > 0)
			text_add(&clean, (const char *)at, (size_t)n);
		else
			text_str(&clean, "\xef\xbf\xbd");
		at += n > 0 ? n : 1;
	}
	/* Nothing is asked for with other words than those that were given. */
	if (clean.bad)
		t->bad = true;
	else
		admin_put_string(t, name, clean.at);
	text_clear(&clean);
}
