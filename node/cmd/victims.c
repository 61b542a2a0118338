/* khabar notify-victims: a list from abroad, told line by line to those whose victims they are. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/agree.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/file.h"
#include "node/format/format.h"
#include "node/loop.h"
#include "protocol/admin.h"

static const char what[] = "khabar notify-victims";

enum { LIST_MAX_BYTES = 4 << 20, VALUE_BYTES = 256, OWNERS_MAX = 1024 };

/* One CERT and what is to be told to it. */
struct owner {
	char node[NAME_MAX_BYTES + 1];
	struct text lines;
	size_t count;
};

struct notifying {
	struct client client;
	const char *tlp, *text;
	enum tlp level;
	unsigned long keep_days;
	bool exercise, dry_run;
	char *list; /* owned; cut into lines */
	struct owner *owners;
	size_t owner_count;
	size_t lines, left; /* met; told to nobody */
	struct text unsent; /* JSON: elements */
	struct text sent;
};

/* ---- whose each line is ---- */

/* A line that is not sent is named, with why. */
static void leave(struct notifying *n, const char *value, size_t line, const char *why)
{
	n->left++;
	admin_put_name(&n->unsent, NULL);
	text_str(&n->unsent, "{");
	admin_put_number(&n->unsent, "line", line);
	admin_put_string(&n->unsent, "value", value);
	admin_put_string(&n->unsent, "why", why);
	text_str(&n->unsent, "}");
	if (n->client.c->json)
		return;
	fprintf(stderr, "line %zu, ", line);
	print_safe(stderr, value, false);
	fprintf(stderr, ": %s\n", why);
}

static struct owner *owner_find(struct notifying *n, const char *node)
{
	for (size_t i = 0; i < n->owner_count; i++)
		if (strcmp(n->owners[i].node, node) == 0)
			return &n->owners[i];
	if (n->owner_count == OWNERS_MAX)
		return NULL;
	snprintf(n->owners[n->owner_count].node, sizeof n->owners->node, "%s", node);
	return &n->owners[n->owner_count++];
}

static void line_give(struct notifying *n, const cJSON *reply, const char *value, const char *line,
		      size_t number)
{
	const char *node = member_text(reply, "node");
	int claims = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply, "claims"));
	struct owner *owner = *node ? owner_find(n, node) : NULL;

	if (!owner) {
		leave(n, value, number,
		      claims ? "nobody's: several nodes claim it" : "nobody's: no card claims it");
		return;
	}
	text_str(&owner->lines, line);
	text_str(&owner->lines, "\n");
	owner->count++;
}

/* Asks whose it is; a value that is none is named, too. */
static int line_take(struct notifying *n, const char *line, size_t number)
{
	size_t length = strcspn(line, ",;\t ");
	char value[VALUE_BYTES];
	struct text request;
	struct reply reply;
	struct report report;
	enum err e;

	snprintf(value, sizeof value, "%.*s", (int)(length < VALUE_BYTES ? length : 0), line);
	request_init(&request, "whose");
	admin_put_string(&request, "value", value);
	text_str(&request, "}");
	report_init(&report);
	e = request.bad ? ERR_MEMORY
			: ask(n->client.ask, request.at, NULL, 0, false, &reply, &report);
	text_clear(&request);
	if (e) {
		client_refused(n->client.c, what, &report);
		report_clear(&report);
		return EXIT_UNREACHABLE;
	}
	report_clear(&report);
	if (reply.ok)
		line_give(n, reply.json, value, line, number);
	else
		leave(n, value, number,
		      member_text(cJSON_GetObjectItemCaseSensitive(reply.json, "error"), "why"));
	reply_clear(&reply);
	return EXIT_DONE;
}

/* Values stand first on their lines; # begins a comment line. */
static int list_take(struct notifying *n, const char *path)
{
	struct report report;
	size_t size, number = 0;
	char *line, *rest;
	int code = EXIT_DONE;

	report_init(&report);
	if (file_read_text(&n->list, &size, path, LIST_MAX_BYTES, &report))
		code = client_refused(n->client.c, what, &report);
	report_clear(&report);
	rest = n->list;
	while (!code && (line = strsep(&rest, "\n"))) {
		size_t length = strlen(line);
		number++;
		if (length && line[length - 1] == '\r')
			line[--length] = '\0';
		line += strspn(line, " \t");
		if (*line && *line != '#') {
			n->lines++;
			code = line_take(n, line, number);
		}
	}
	return code;
}

/* ---- telling them ---- */

/* Notes of what is theirs, each as long as a note may be. */
static enum err notes_make(const struct notifying *n, const struct owner *o, struct import *i,
			   struct report *report)
{
	const char *at = o->lines.at;
	enum err e = ERR_OK;

	while (!e && *at) {
		struct text note;
		text_init(&note);
		text_str(&note, n->text);
		text_str(&note, "\n");
		while (*at) {
			size_t line = strcspn(at, "\n") + 1;
			if (note.length + line > NOTE_MAX_BYTES &&
			    note.length > strlen(n->text) + 1)
				break;
			text_add(&note, at, line);
			at += line;
		}
		e = note.bad ? ERR_MEMORY : import_note(i, note.at, NULL, 0, report);
		text_clear(&note);
	}
	return e ? e : import_finish(i, report);
}

static void put_audience(const struct notifying *n, struct text *request, const struct owner *o)
{
	admin_put_string(request, "tlp", tlp_str(n->level));
	admin_put_name(request, "to");
	text_str(request, "[");
	admin_put_string(request, NULL, o->node);
	text_str(request, "]");
}

static int share_notes(struct notifying *n, const struct owner *o, const struct import *i, bool dry,
		       struct reply *reply)
{
	struct slice *frames = calloc(i->part_count + 1, sizeof *frames);
	struct text request;
	int code;

	for (size_t k = 0; frames && k < i->part_count; k++)
		frames[k] = (struct slice){i->parts[k].text, i->parts[k].length};
	request_init(&request, "share");
	put_audience(n, &request, o);
	admin_put_bool(&request, "receipt", true);
	admin_put_bool(&request, "exercise", n->exercise);
	if (n->keep_days)
		admin_put_number(&request, "keep_days", n->keep_days);
	admin_put_bool(&request, "dry_run", dry);
	request.bad = request.bad || !frames;
	code = client_ask(&n->client, &request, frames, i->part_count, false, reply);
	text_clear(&request);
	free(frames);
	return code;
}

static void sent_note(struct notifying *n, const struct owner *o, const struct reply *reply)
{
	const cJSON *messages = cJSON_GetObjectItemCaseSensitive(reply->json, "messages"), *id;

	admin_put_name(&n->sent, NULL);
	text_str(&n->sent, "{");
	admin_put_string(&n->sent, "node", o->node);
	admin_put_number(&n->sent, "lines", o->count);
	admin_put_name(&n->sent, "messages");
	text_str(&n->sent, "[");
	cJSON_ArrayForEach(id, messages)
	{
		admin_put_string(&n->sent, NULL, cJSON_GetStringValue(id));
	}
	text_str(&n->sent, "]}");
	if (n->client.c->json)
		return;
	printf("%s: %zu line%s", o->node, o->count, plural(o->count));
	cJSON_ArrayForEach(id, messages)
	{
		printf("  %.12s", cJSON_IsString(id) ? id->valuestring : "");
	}
	putchar('\n');
}

static int tell(struct notifying *n, const struct owner *o, bool dry)
{
	struct import_options options = {
		.tlp = n->level, .confidence = -1, .now = clock_wall(), .random = randombytes_buf};
	struct text request;
	struct reply who = {0}, reply;
	struct import import;
	struct report report;
	int code;

	request_init(&request, "who");
	put_audience(n, &request, o);
	code = client_ask(&n->client, &request, NULL, 0, false, &who);
	text_clear(&request);
	if (code)
		return code;
	options.node = member_text(who.json, "node");
	options.title = member_text(who.json, "title");
	options.title = *options.title ? options.title : NULL;
	report_init(&report);
	if (import_init(&import, &options, &report) || notes_make(n, o, &import, &report))
		code = client_refused(n->client.c, what, &report);
	report_clear(&report);
	if (!code)
		code = share_notes(n, o, &import, dry, &reply);
	if (!code) {
		if (!dry || n->dry_run)
			sent_note(n, o, &reply);
		reply_clear(&reply);
	}
	import_clear(&import);
	reply_clear(&who);
	return code;
}

static int confirm(struct notifying *n)
{
	if (n->client.c->yes)
		return EXIT_DONE;
	if (!agree_possible(n->client.c, what, "sent", NULL))
		return EXIT_REFUSED;
	for (size_t i = 0; i < n->owner_count; i++)
		fprintf(stderr, "%s: %zu line%s\n", n->owners[i].node, n->owners[i].count,
			plural(n->owners[i].count));
	fprintf(stderr, "Send them, TLP:%s? [y/N] ", tlp_str(n->level));
	return agree_read(what, "sent") ? EXIT_DONE : EXIT_REFUSED;
}

/* First everything is tried and nothing sent: what is refused for one is sent to nobody. */
static int tell_all(struct notifying *n)
{
	int code = EXIT_DONE;

	for (size_t i = 0; !code && i < n->owner_count; i++)
		code = tell(n, &n->owners[i], true);
	if (!code && n->owner_count && !n->dry_run)
		code = confirm(n);
	for (size_t i = 0; !code && !n->dry_run && i < n->owner_count; i++)
		code = tell(n, &n->owners[i], false);
	return code;
}

static void print_sum(const struct notifying *n)
{
	if (n->client.c->json)
		printf("{\"sent\":[%s],\"unsent\":[%s]}\n", n->sent.length ? n->sent.at : "",
		       n->unsent.length ? n->unsent.at : "");
	else
		printf("%zu of %zu lines %s, %zu to nobody\n", n->lines - n->left, n->lines,
		       n->dry_run ? "would be sent" : "sent", n->left);
}

static void notifying_clear(struct notifying *n)
{
	for (size_t i = 0; n->owners && i < n->owner_count; i++)
		text_clear(&n->owners[i].lines);
	free(n->owners);
	free(n->list);
	text_clear(&n->sent);
	text_clear(&n->unsent);
	client_close(&n->client);
}

int cmd_notify_victims(const struct cmd_context *c, int argc, char **argv)
{
	struct notifying n = {.text = "Reported to us as affected:"};
	const struct option_rule rules[] = {{"tlp", OPTION_TEXT, &n.tlp, 0, 0},
					    {"text", OPTION_TEXT, &n.text, 0, 0},
					    {"keep", OPTION_DAYS, &n.keep_days, 1, UINT16_MAX},
					    {"exercise", OPTION_FLAG, &n.exercise, 0, 0},
					    {"dry-run", OPTION_FLAG, &n.dry_run, 0, 0}};
	int first,
		code = options_read(what, rules, sizeof rules / sizeof *rules, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what, "one file is wanted, or - for standard input");
	if (!code && (!n.tlp || !tlp_parse(n.tlp, &n.level)))
		code = cmd_misused(what, "--tlp: clear, green, amber, amber+strict or red");
	if (code)
		return code;
	text_init(&n.sent);
	text_init(&n.unsent);
	n.owners = calloc(OWNERS_MAX, sizeof *n.owners);
	code = n.owners ? client_open(&n.client, c, what) : EXIT_REFUSED;
	if (!code)
		code = list_take(&n, argv[first]);
	if (!code)
		code = tell_all(&n);
	if (!code)
		print_sum(&n);
	/* Nobody was told: that is no success. */
	if (!code && n.owner_count == 0)
		code = EXIT_REFUSED;
	notifying_clear(&n);
	return code;
}
