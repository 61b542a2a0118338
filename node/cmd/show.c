/* khabar show and verify: one message. */
#include <stdlib.h>
#include <string.h>

#include "node/case_file.h"
#include "node/cmd/client.h"
#include "node/cmd/evidence.h"
#include "node/cmd/options.h"
#include "node/cmd/show_format.h"
#include "node/cmd/verify.h"
#include "node/file.h"
#include "protocol/admin.h"

enum { OBJECT_CANDIDATES = 8, OBJECT_ID_BYTES = 300 };

/* ---- show ---- */

static void print_members(const cJSON *message)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, message)
	{
		char *text = NULL;

		if (cJSON_IsObject(item) || cJSON_IsNull(item) ||
		    strcmp(item->string, "answers") == 0)
			continue;
		if (!cJSON_IsString(item))
			text = cJSON_PrintUnformatted(item);
		printf("%-12s  ", item->string);
		print_safe(stdout, text ? text : item->valuestring, false);
		putchar('\n');
		free(text);
	}
}

/* Whose words a forward brought, and why. */
static void print_original(const cJSON *message)
{
	const cJSON *original = cJSON_GetObjectItemCaseSensitive(message, "original");

	if (!cJSON_IsObject(original))
		return;
	printf("%-12s  ", "original");
	printf("%.12s of ", member_text(original, "message"));
	print_safe(stdout, member_text(original, "node"), false);
	printf("\n%-12s  by ", "forwarded");
	print_safe(stdout, member_text(original, "forwarded_by"), false);
	if (*member_text(original, "reason")) {
		fputs(": ", stdout);
		print_safe(stdout, member_text(original, "reason"), false);
	}
	putchar('\n');
}

/* What was said in answer to it. */
static void print_answers(const cJSON *message)
{
	const cJSON *answer;

	cJSON_ArrayForEach(answer, cJSON_GetObjectItemCaseSensitive(message, "answers"))
	{
		printf("%-12s  %.12s of ", "answer", member_text(answer, "message"));
		print_safe(stdout, member_text(answer, "node"), false);
		printf(", %.16s: ", member_text(answer, "created"));
		print_safe(stdout, member_text(answer, "text"), false);
		putchar('\n');
	}
}

static void print_body(const cJSON *message)
{
	const cJSON *body = cJSON_GetObjectItemCaseSensitive(message, "body");
	char *text;

	if (!body)
		body = cJSON_GetObjectItemCaseSensitive(message, "object");
	if (!cJSON_IsObject(body))
		return;
	text = cJSON_Print(body);
	if (text) {
		putchar('\n');
		print_safe(stdout, text, true);
		putchar('\n');
	}
	free(text);
}

static void print_exercise(const cJSON *message)
{
	const cJSON *envelope = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(message, "body"), "envelope");

	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(envelope, "exercise")))
		printf("%-12s  nothing of it is real\n", "EXERCISE");
}

static void print_message(const struct cmd_context *c, const struct reply *reply)
{
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(reply->json, "message");
	struct slice slice;

	if (!c->json) {
		print_members(message);
		print_exercise(message);
		print_original(message);
		print_answers(message);
		print_body(message);
	} else if (json_member(&slice, (struct slice){reply->text, reply->length}, "message")) {
		print_json(slice);
	}
}

static void print_raw(const struct reply *reply)
{
	const char *closed = member_text(reply->json, "closed");

	if (reply->frame)
		fwrite(reply->frame, 1, reply->frame_length, stdout);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "has_body")))
		return;
	fputs("khabar show: ", stderr);
	print_safe(stderr, *closed ? closed : "the body is not here", false);
	fputs(": header and signature only\n", stderr);
}

/* Who has it before him has looked at it.  Not every caller may say so, and nothing depends on it.
 */
static void mark_read(struct client *client, const struct reply *shown)
{
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(shown->json, "message");
	struct text request;
	struct reply reply;

	request_init(&request, "read");
	admin_put_name(&request, "ids");
	text_str(&request, "[");
	admin_put_string(&request, NULL, member_text(message, "id"));
	text_str(&request, "]}");
	if (!request.bad && ask(client->ask, request.at, NULL, 0, false, &reply, NULL) == ERR_OK)
		reply_clear(&reply);
	text_clear(&request);
}

static int show_id(struct client *client, const char *id, bool raw,
		   const struct document_options *o)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "show");
	admin_put_string(&request, "id", id);
	if (raw)
		admin_put_bool(&request, "raw", true);
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	if (raw)
		print_raw(&reply);
	else if (o->form)
		code = show_format_print(o,
					 cJSON_GetObjectItemCaseSensitive(reply.json, "message"));
	else
		print_message(client->c, &reply);
	if (!raw && !client->c->json)
		mark_read(client, &reply);
	reply_clear(&reply);
	return code;
}

/* Objects whose id begins so; the distinct ones. */
struct candidates {
	size_t count;
	char ids[OBJECT_CANDIDATES][OBJECT_ID_BYTES];
};

static void add_candidate(void *arg, const cJSON *line)
{
	struct candidates *found = arg;
	const char *id = member_text(line, "object");

	for (size_t i = 0; i < found->count; i++)
		if (strcmp(found->ids[i], id) == 0)
			return;
	if (found->count < OBJECT_CANDIDATES && strlen(id) < OBJECT_ID_BYTES)
		strcpy(found->ids[found->count++], id);
}

/* Completes the id of an object.  The node looks through its messages, so no state is kept. */
static int complete_object(struct client *client, const char *prefix, struct candidates *found)
{
	struct cmd_context quiet = *client->c;
	const struct cmd_context *own = client->c;
	struct report report;
	struct text request;
	int code;

	quiet.json = false;
	client->c = &quiet;
	request_init(&request, "list");
	admin_put_string(&request, "object", prefix);
	admin_put_bool(&request, "all", true);
	code = client_pages(client, &request, NULL, add_candidate, found);
	text_clear(&request);
	client->c = own;
	if (code || found->count == 1)
		return code;
	report_init(&report);
	if (found->count == 0)
		report_add(&report, "no object with an id that begins with %s is here", prefix);
	else
		report_add(&report, "several objects have an id that begins with %s:", prefix);
	for (size_t i = 0; i < found->count; i++)
		report_add(&report, "%s", found->ids[i]);
	code = client_refused(own, client->what, &report);
	report_clear(&report);
	return code;
}

/* "indicator--" and a whole UUID. */
static bool object_complete(const char *id)
{
	const char *at = strstr(id, "--");

	return !at || strlen(at + 2) == 36;
}

int cmd_show(const struct cmd_context *c, int argc, char **argv)
{
	bool raw = false;
	struct document_options o = {0};
	const struct option_rule rules[] = {{"raw", OPTION_FLAG, &raw, 0, 0},
					    {"format", OPTION_TEXT, &o.format, 0, 0},
					    {"from", OPTION_TEXT, &o.from, 0, 0}};
	struct candidates found = {0};
	struct client client;
	const char *id;
	int first, code = options_read("khabar show", rules, 3, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused("khabar show", "the id of one message or object is wanted");
	if (!code)
		code = document_options_read(&o, c, "khabar show");
	if (!code && o.form && raw)
		code = cmd_misused("khabar show",
				   "--format goes neither with --raw nor with --json");
	if (code)
		return code;
	id = argv[first];
	code = client_open(&client, c, "khabar show");
	if (!code && !object_complete(id)) {
		code = complete_object(&client, id, &found);
		id = found.ids[0];
	}
	if (!code)
		code = show_id(&client, id, raw, &o);
	client_close(&client);
	return code;
}

/* ---- verify ---- */

static void print_verified(const struct cmd_context *c, const struct reply *reply)
{
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(reply->json, "message");
	const cJSON *stored = cJSON_GetObjectItemCaseSensitive(message, "stored");

	if (c->json) {
		print_message(c, reply);
		return;
	}
	printf("%.12s: signed by ", member_text(message, "id"));
	print_safe(stdout, member_text(message, "node"), false);
	printf(" (sign key %.0f, topology version %.0f), to ", member_number(message, "sign_key"),
	       member_number(message, "topology"));
	print_safe(stdout, member_text(message, "audience"), false);
	printf(", TLP:%s, %s\n", member_text(message, "tlp"),
	       cJSON_IsTrue(stored) ? "and stored here" : "not stored here");
	if (*member_text(message, "violation"))
		printf("    its header breaks the rules: %s\n", member_text(message, "violation"));
}

static int verify_bytes(const struct cmd_context *c, const char *bytes, size_t n)
{
	const struct slice frame = {bytes, n};
	struct client client;
	struct text request;
	struct reply reply;
	int code = client_open(&client, c, "khabar verify");

	request_init(&request, "verify");
	if (!code)
		code = client_ask(&client, &request, &frame, 1, false, &reply);
	text_clear(&request);
	client_close(&client);
	if (code)
		return code;
	print_verified(c, &reply);
	reply_clear(&reply);
	return EXIT_DONE;
}

int cmd_verify(const struct cmd_context *c, int argc, char **argv)
{
	struct verify_pin pin = {0};
	const struct option_rule rules[] = {{"words", OPTION_TEXT, &pin.words, 0, 0},
					    {"hash", OPTION_TEXT, &pin.hash, 0, 0}};
	struct report report;
	char *bytes = NULL, what[300];
	size_t n;
	int first, code = options_read("khabar verify", rules, 2, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused("khabar verify", "one file is wanted, as show --raw, incident "
						    "export or evidence --export writes it");
	if (code)
		return code;
	snprintf(what, sizeof what, "khabar verify: %.250s", argv[first]);
	report_init(&report);
	if (file_read(&bytes, &n, argv[first], CASE_FILE_MAX_BYTES, &report))
		code = client_refused(c, what, &report);
	else if (is_case_file(bytes, n))
		code = verify_case(c, what, &pin, bytes, n);
	else if (evidence_likely(bytes, n))
		code = evidence_verify(c, what, bytes, n);
	else
		code = verify_bytes(c, bytes, n);
	report_clear(&report);
	free(bytes);
	return code;
}
