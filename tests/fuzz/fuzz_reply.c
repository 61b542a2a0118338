/* What a node answers its own command, if somebody else has become that node: the first byte
 * chooses the command and whether it speaks JSON, then come replies, each behind a zero byte; what
 * follows the byte 1 in one is its binary frame.  Nothing of it reaches the terminal as it came,
 * and where the command is content its JSON is JSON. */
#include <getopt.h>
#include <sodium.h>
#include <string.h>

#include "node/admin/ask.h"
#include "node/cmd/cmd.h"
#include "tests/fuzz/fuzz.h"

enum { ARGS_MAX = 6, JSON_TOO = 0x80 };

typedef int run_fn(const struct cmd_context *c, int argc, char **argv);

static const struct {
	run_fn *run;
	const char *argv[ARGS_MAX];
} commands[] = {
	{cmd_status, {"status"}},
	{cmd_links, {"links"}},
	{cmd_list, {"list"}},
	{cmd_show, {"show", "0123456789abcdef"}},
	{cmd_inbox, {"inbox"}},
	{cmd_outbox, {"outbox"}},
	{cmd_alarms, {"alarms", "--all"}},
	{cmd_audit, {"audit"}},
	{cmd_audit, {"audit", "heads"}},
	{cmd_held, {"held"}},
	{cmd_who, {"who", "0123456789abcdef"}},
	{cmd_who, {"who", "--to", "all"}},
	{cmd_whose, {"whose", "192.0.2.1"}},
	{cmd_evidence, {"evidence"}},
	{cmd_check, {"check", "192.0.2.1"}},
	{cmd_search, {"search", "word"}},
	{cmd_mute, {"mute"}},
	{cmd_incident, {"incident", "list"}},
	{cmd_incident, {"incident", "show", "kp-2026-1"}},
	{cmd_card, {"card", "show"}},
	{cmd_hunt, {"hunt"}},
	{cmd_report, {"report", "--month", "2026-11"}},
	{cmd_compliance, {"compliance", "0123456789abcdef"}},
	{cmd_ack, {"ack", "0123456789abcdef"}},
	{cmd_share, {"share", "192.0.2.1", "--tlp", "green", "--to=all"}},
	{cmd_withdraw, {"withdraw", "192.0.2.1", "--because", "wrong"}},
	{cmd_sight, {"sight", "192.0.2.1"}},
	{cmd_evidence, {"evidence", "show", "0123456789abcdef"}},
	{cmd_show, {"show", "0123456789abcdef", "--format", "text"}},
	{cmd_show, {"show", "0123456789abcdef", "--format", "html"}},
	{cmd_audit, {"audit", "verify"}},
	{cmd_cancel, {"cancel", "0123456789abcdef"}},
	{cmd_topology, {"topology", "drain", "cii"}},
	{cmd_reply, {"reply", "0123456789abcdef", "text"}},
	{cmd_show, {"show", "0123456789abcdef", "--format", "mail"}},
	{cmd_incident, {"incident", "show", "kp-2026-1", "--format", "mail"}},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* What is left to be answered. */
static const uint8_t *replies;
static size_t replies_left;

/* In place of those of the product (--wrap): no socket. */
enum err __wrap_ask_open(struct ask **ask, const char *home, void (*tick)(void *arg), void *arg,
			 struct report *report);
void __wrap_ask_close(struct ask *ask);
enum err __wrap_ask(struct ask *ask, const char *request, const struct slice *frames,
		    size_t frame_count, bool for_ever, struct reply *reply, struct report *report);

enum err __wrap_ask_open(struct ask **ask, const char *home, void (*tick)(void *arg), void *arg,
			 struct report *report)
{
	(void)home, (void)tick, (void)arg, (void)report;
	*ask = NULL;
	return ERR_OK;
}

void __wrap_ask_close(struct ask *ask)
{
	must(!ask);
}

static char *copy(const uint8_t *at, size_t n)
{
	char *out = malloc(n + 1);

	must(out);
	memcpy(out, at, n);
	out[n] = '\0';
	return out;
}

static enum err gone(struct report *report)
{
	report_add(report, "the node has gone");
	return ERR_IO;
}

enum err __wrap_ask(struct ask *ask, const char *request, const struct slice *frames,
		    size_t frame_count, bool for_ever, struct reply *reply, struct report *report)
{
	const uint8_t *zero = replies_left ? memchr(replies, 0, replies_left) : NULL, *one;
	size_t n = zero ? (size_t)(zero - replies) : replies_left;
	cJSON *json = NULL;

	(void)ask, (void)frames, (void)frame_count, (void)for_ever;
	/* What is asked is JSON itself. */
	must(json_parse(&json, request, strlen(request), NULL) == ERR_OK);
	cJSON_Delete(json);
	*reply = (struct reply){0};
	if (n == 0)
		return gone(report);
	one = memchr(replies, 1, n);
	reply->length = one ? (size_t)(one - replies) : n;
	reply->text = copy(replies, reply->length);
	if (one) {
		reply->frame_length = n - reply->length - 1;
		reply->frame = (uint8_t *)copy(one + 1, reply->frame_length);
	}
	replies += n + (zero != NULL);
	replies_left -= n + (zero != NULL);
	if (json_parse(&reply->json, reply->text, reply->length, NULL) ||
	    !cJSON_IsObject(reply->json)) {
		reply_clear(reply);
		return gone(report);
	}
	reply->ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "ok"));
	return ERR_OK;
}

/* ---- what was printed ---- */

/* No control characters, and none that change the direction of writing; columns may cut a
 * character. */
static void check_safe(const char *text, size_t n)
{
	const uint8_t *at = (const uint8_t *)text;

	for (size_t i = 0; i < n; i++) {
		must(at[i] >= 0x20 || at[i] == '\n' || at[i] == '\t');
		must(at[i] != 0x7f);
		must(n - i < 2 || at[i] != 0xc2 || at[i + 1] >= 0xa0);
		if (n - i < 3 || at[i] != 0xe2)
			continue;
		must(at[i + 1] != 0x80 || at[i + 2] < 0xaa || at[i + 2] > 0xae);
		must(at[i + 1] != 0x81 || at[i + 2] < 0xa6 || at[i + 2] > 0xa9);
	}
}

static void check_json(const char *text, size_t n)
{
	while (n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t length = end ? (size_t)(end - text) : n;
		cJSON *json = NULL;
		must(json_parse(&json, text, length, NULL) == ERR_OK);
		cJSON_Delete(json);
		length += end != NULL;
		text += length;
		n -= length;
	}
}

/* A mail has no header but ours, and no line that could be another. */
static void check_mail(const char *text, size_t n)
{
	static const char *const headers[] = {
		"Date: ",        "From: ",         "Subject: ", "Message-ID: <", "In-Reply-To: <",
		"References: <", "MIME-Version: ", "Content-",  " =?UTF-8?B?"};
	const char *end = text + n;
	bool body = n == 0;

	while (text < end) {
		const char *cr = memchr(text, '\r', (size_t)(end - text));
		bool known = body;
		must(cr && cr + 1 < end && cr[1] == '\n' && cr - text <= 78);
		body = body || cr == text;
		for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
			known = known || strncmp(text, headers[i], strlen(headers[i])) == 0;
		must(known || body);
		for (; text < cr; text++)
			must(*text >= ' ' && *text <= '~');
		text = cr + 2;
	}
	must(body);
}

static bool makes_mail(size_t which)
{
	for (size_t i = 0; i < ARGS_MAX && commands[which].argv[i]; i++)
		if (strcmp(commands[which].argv[i], "mail") == 0)
			return true;
	return false;
}

static void run(size_t which, bool json)
{
	const struct cmd_context context = {.home = "/nonexistent", .json = json, .yes = true};
	FILE *real_out = stdout, *real_err = stderr;
	char *argv[ARGS_MAX + 1] = {0}, *printed = NULL, *told = NULL;
	size_t printed_bytes = 0, told_bytes = 0;
	int argc = 0, code;

	for (; argc < ARGS_MAX && commands[which].argv[argc]; argc++)
		argv[argc] = copy((const uint8_t *)commands[which].argv[argc],
				  strlen(commands[which].argv[argc]));
	stdout = open_memstream(&printed, &printed_bytes);
	stderr = open_memstream(&told, &told_bytes);
	must(stdout && stderr);
	optind = 0; /* a process of its own would begin so */
	code = commands[which].run(&context, argc, argv);
	must(fclose(stdout) == 0 && fclose(stderr) == 0);
	stdout = real_out;
	stderr = real_err;
	must(code >= EXIT_DONE && code <= EXIT_UNREACHABLE);
	check_safe(told, told_bytes);
	if (makes_mail(which))
		check_mail(printed, printed_bytes);
	else if (json)
		check_json(printed, printed_bytes);
	else
		check_safe(printed, printed_bytes);
	free(printed);
	free(told);
	while (argc > 0)
		free(argv[--argc]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t which;

	if (n == 0)
		return 0;
	must(sodium_init() >= 0);
	replies = data + 1;
	replies_left = n - 1;
	which = (size_t)(data[0] & ~JSON_TOO) % COMMANDS;
	/* What show prints with --format is never JSON. */
	run(which, data[0] & JSON_TOO && !makes_mail(which) &&
			   (commands[which].run != cmd_show || !commands[which].argv[2]));
	return 0;
}
