/* khabar ask and reply: what people write to each other. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/send.h"
#include "node/file.h"
#include "protocol/admin.h"

enum { ABOUT_MAX = 16 };

/* Ids of what the answered message says; they live as long as the reply. */
struct about {
	struct reply shown;
	const char *ids[ABOUT_MAX];
	size_t count;
};

/* The text itself, or standard input; the caller frees it.  NULL after a complaint. */
static char *words_read(struct client *client, const char *words)
{
	struct report report;
	char *text = NULL;
	size_t n;

	if (strcmp(words, "-") != 0)
		return strdup(words);
	report_init(&report);
	if (file_read_text(&text, &n, "-", NOTE_MAX_BYTES, &report)) {
		client_refused(client->c, client->what, &report);
		text = NULL;
	}
	report_clear(&report);
	while (text && n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

/* What the answered message is about: its objects that are no scaffolding. */
static int about_read(struct client *client, const char *id, struct about *about)
{
	const cJSON *body, *object;
	struct text request;
	int code;

	request_init(&request, "show");
	admin_put_string(&request, "id", id);
	code = client_ask(client, &request, NULL, 0, false, &about->shown);
	text_clear(&request);
	if (code)
		return code;
	body = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(about->shown.json, "message"), "body");
	body = cJSON_GetObjectItemCaseSensitive(body, "bundle");
	cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(body, "objects"))
	{
		const char *type = member_text(object, "type"), *of = member_text(object, "id");
		if (*of && strcmp(type, "marking-definition") != 0 &&
		    strcmp(type, "identity") != 0 && about->count < ABOUT_MAX)
			about->ids[about->count++] = of;
	}
	return EXIT_DONE;
}

static int write_note(struct sending *s, const char *words, const struct about *about)
{
	struct report report;
	char *text = words_read(&s->client, words);
	int code = EXIT_DONE;

	report_init(&report);
	if (!text)
		code = EXIT_REFUSED;
	else if (import_note(&s->import, text, about->ids, about->count, &report))
		code = client_refused(s->client.c, s->client.what, &report);
	report_clear(&report);
	free(text);
	return code;
}

static size_t talk_rules(struct sending *s, struct option_rule *rules)
{
	size_t n = send_who_rules(s, rules);
	const struct option_rule more[] = {
		{"no-forward", OPTION_FLAG, &s->no_forward, 0, 0},
		{"label", OPTION_LIST, &s->labels, 0, 0},
		{"keep", OPTION_DAYS, &s->keep_days, 1, UINT16_MAX},
		{"priority", OPTION_TEXT, &s->priority, 0, 0},
		{"exercise", OPTION_FLAG, &s->exercise, 0, 0},
		{"receipt", OPTION_FLAG, &s->receipt, 0, 0},
		{"dry-run", OPTION_FLAG, &s->dry_run, 0, 0},
	};

	memcpy(rules + n, more, sizeof more);
	return n + sizeof more / sizeof *more;
}

int cmd_ask(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct sending *s = calloc(1, sizeof *s);
	struct about nothing = {.count = 0};
	int first, code;

	if (!s)
		return cmd_refused(c, "khabar ask", &(struct report){0});
	code = options_read("khabar ask", rules, talk_rules(s, rules), argc, argv, &first);
	if (!code && argc - first != 1)
		code = cmd_misused("khabar ask", "one text is wanted, in quotes");
	if (!s->tlp)
		s->tlp = "amber";
	/* Who asks wants an answer. */
	s->receipt = true;
	if (!code)
		code = send_open(s, c, "khabar ask");
	if (!code)
		code = write_note(s, argv[first], &nothing);
	if (!code)
		code = send_finish(s);
	send_close(s);
	free(s);
	return code;
}

int cmd_reply(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct sending *s = calloc(1, sizeof *s);
	struct about about = {.count = 0};
	int first, code;

	if (!s)
		return cmd_refused(c, "khabar reply", &(struct report){0});
	code = options_read("khabar reply", rules, talk_rules(s, rules), argc, argv, &first);
	if (!code && argc - first != 2)
		code = cmd_misused("khabar reply",
				   "the id of a message and one text, in quotes, are wanted");
	s->answers = code ? NULL : argv[first];
	if (!code)
		code = send_open(s, c, "khabar reply");
	if (!code)
		code = about_read(&s->client, s->answers, &about);
	if (!code)
		code = write_note(s, argv[first + 1], &about);
	if (!code)
		code = send_finish(s);
	reply_clear(&about.shown);
	send_close(s);
	free(s);
	return code;
}
