/* khabar incident: opening one, and everything that is said of it. */
#include "node/cmd/agree.h"
#include "node/cmd/incident.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/send.h"
#include "node/file.h"
#include "protocol/admin.h"
#include "protocol/incident.h"

enum { FILE_MAX_BYTES = 64 << 20 };

/* ---- sending ---- */

static int confirm(struct incident_call *call, struct client *client, const struct text *request)
{
	struct text ask;
	struct reply reply;
	int code;

	if (call->c->yes)
		return EXIT_DONE;
	if (!agree_possible(call->c, call->what, "sent", NULL))
		return EXIT_REFUSED;
	text_init(&ask);
	text_add(&ask, request->at, request->length);
	admin_put_bool(&ask, "dry_run", true);
	code = client_ask(client, &ask, NULL, 0, false, &reply);
	text_clear(&ask);
	if (code)
		return code;
	fputs("This will be read by ", stderr);
	who_print_audience(stderr, reply.json);
	fputs(". Send it? [y/N] ", stderr);
	reply_clear(&reply);
	return agree_read(call->what, "sent") ? EXIT_DONE : EXIT_REFUSED;
}

static void print_sent(const struct incident_call *call, const struct client *client,
		       const struct reply *reply)
{
	if (client_print_held(client, reply))
		return;
	if (call->c->json) {
		client_print_json(reply);
		return;
	}
	if (!call->o.dry_run)
		printf("%s  %s, owner %s  %.12s  ", member_text(reply->json, "number"),
		       member_text(reply->json, "status"), member_text(reply->json, "owner"),
		       member_text(reply->json, "message"));
	fputs(call->o.dry_run ? "would be read by " : "to ", stdout);
	who_print_audience(stdout, reply->json);
	putchar('\n');
}

int incident_send(struct incident_call *call, struct text *request)
{
	struct client client;
	struct reply reply;
	int code = client_open(&client, call->c, call->what);

	if (!code && !call->o.dry_run)
		code = confirm(call, &client, request);
	if (!code && call->o.dry_run)
		admin_put_bool(request, "dry_run", true);
	else if (!code)
		client_put_hold(&client, request);
	if (!code)
		code = client_ask(&client, request, NULL, 0, false, &reply);
	if (!code) {
		print_sent(call, &client, &reply);
		reply_clear(&reply);
	}
	client_close(&client);
	text_clear(request);
	return code;
}

char *incident_words(const struct incident_call *call, int first)
{
	struct text t;

	text_init(&t);
	text_str(&t, "");
	for (int i = first; i < call->argc; i++) {
		text_str(&t, i > first ? " " : "");
		text_str(&t, call->argv[i]);
	}
	return t.at;
}

/* ---- what is said ---- */

static void put_list(struct text *t, const char *name, const struct option_list *l)
{
	admin_put_name(t, name);
	text_str(t, "[");
	for (size_t i = 0; i < l->count; i++)
		admin_put_string(t, NULL, l->items[i]);
	text_str(t, "]");
}

static void put_given(struct text *t, const char *name, const char *value)
{
	if (value)
		admin_put_string(t, name, value);
}

/* The same of what there need not be: "" takes it away. */
static void put_optional(struct text *t, const char *name, const char *value)
{
	if (value)
		admin_put_string(t, name, *value ? value : NULL);
}

/* Who told of it, and the hash of what they wrote. */
static int put_reporter(struct text *t, const struct incident_call *call)
{
	const char *path = call->o.file, *slash = path ? strrchr(path, '/') : NULL;
	char *bytes, hex[2 * HASH_BYTES + 1];
	struct report report;
	unsigned char digest[crypto_hash_sha256_BYTES];
	size_t n;
	int code = EXIT_DONE;

	if (!call->o.reported_by)
		return path ? cmd_misused(call->what, "--file goes with --reported-by") : EXIT_DONE;
	admin_put_name(t, "reported_by");
	text_str(t, "{");
	admin_put_string(t, "name", call->o.reported_by);
	admin_put_string(t, "file", path ? (slash ? slash + 1 : path) : NULL);
	if (!path) {
		admin_put_string(t, "sha256", NULL);
		text_str(t, "}");
		return EXIT_DONE;
	}
	report_init(&report);
	if (file_read_named(&bytes, &n, path, FILE_MAX_BYTES, &report) != ERR_OK) {
		code = client_refused(call->c, call->what, &report);
	} else {
		crypto_hash_sha256(digest, (const unsigned char *)bytes, n);
		admin_put_string(t, "sha256", hex_encode(hex, digest, sizeof digest));
		text_str(t, "}");
		free(bytes);
	}
	report_clear(&report);
	return code;
}

/* What open and update have in common. */
static int put_fields(struct text *t, struct incident_call *call, bool known)
{
	const struct incident_options *o = &call->o;
	int code;

	put_given(t, "title", o->title);
	put_given(t, "description", o->description);
	put_given(t, "class", o->class);
	put_optional(t, "type", o->type);
	put_given(t, "severity", o->severity);
	put_given(t, "determination", o->determination);
	put_optional(t, "assignee", o->assignee);
	if (o->critical || o->not_critical)
		admin_put_bool(t, "critical_infrastructure", o->critical);
	code = incident_put_lists(t, call, known);
	return code ? code : put_reporter(t, call);
}

static int open_misused(const struct incident_call *call)
{
	const struct incident_options *o = &call->o;

	if (!o->title || !o->class || !o->severity)
		return cmd_misused(call->what, "--title, --class and --severity are wanted");
	if (!incident_class_valid(o->class))
		return cmd_misused(call->what, "--class %s: khabar incident classes shows them",
				   o->class);
	if (o->type && !incident_type_valid(o->class, o->type))
		return cmd_misused(call->what,
				   "--type %s is no type of %s: khabar incident classes shows them",
				   o->type, o->class);
	if (call->argc > 0)
		return cmd_misused(call->what, "\"%s\": only options are wanted", call->argv[0]);
	return EXIT_DONE;
}

int incident_open(struct incident_call *call)
{
	const struct incident_options *o = &call->o;
	static const struct option_list up = {{"up"}, 1};
	struct text t;
	int code = open_misused(call);

	if (code)
		return code;
	request_init(&t, "incident-say");
	admin_put_string(&t, "action", "open");
	admin_put_string(&t, "tlp", o->tlp ? o->tlp : "amber");
	put_list(&t, "to", o->to.count ? &o->to : &up);
	put_given(&t, "as", o->as);
	put_given(&t, "aware", o->aware);
	if (o->exercise)
		admin_put_bool(&t, "exercise", true);
	if (o->early_warning)
		admin_put_bool(&t, "early_warning", true);
	code = put_fields(&t, call, false);
	if (!code)
		return incident_send(call, &t);
	text_clear(&t);
	return code;
}

/* The text of a stage: as typed, or what comes from standard input. */
static int put_text(struct text *t, const struct incident_call *call)
{
	struct report report;
	int code = EXIT_DONE;
	char *words = NULL;
	size_t n;

	if (!call->o.text || strcmp(call->o.text, "-") != 0) {
		put_given(t, "text", call->o.text);
		return EXIT_DONE;
	}
	report_init(&report);
	if (file_read_text(&words, &n, "-", INCIDENT_TEXT_MAX_BYTES, &report))
		code = client_refused(call->c, call->what, &report);
	else
		client_put_text(t, "text", words);
	report_clear(&report);
	free(words);
	return code;
}

int incident_update(struct incident_call *call)
{
	const struct incident_options *o = &call->o;
	struct text t;
	int code;

	if (call->argc != 1)
		return cmd_misused(call->what, "one incident is wanted: its number, or an id");
	request_init(&t, "incident-say");
	admin_put_string(&t, "action", "update");
	admin_put_string(&t, "id", call->argv[0]);
	put_given(&t, "as", o->as);
	put_given(&t, "stage", o->stage);
	code = put_text(&t, call);
	admin_put_name(&t, "set");
	text_str(&t, "{");
	put_given(&t, "status", o->status);
	if (!code)
		code = put_fields(&t, call, true);
	text_str(&t, "}");
	if (!code)
		return incident_send(call, &t);
	text_clear(&t);
	return code;
}

/* The other things: some words about one incident, maybe to somebody. */
int incident_say(struct incident_call *call, const char *action)
{
	const struct incident_options *o = &call->o;
	bool transfer = strcmp(action, "transfer") == 0;
	bool addressed = strcmp(action, "notify") == 0 || strcmp(action, "request-help") == 0;
	struct text t;
	char *words;

	if (call->argc < 1)
		return cmd_misused(call->what, "an incident is wanted: its number, or an id");
	if (transfer && o->to.count != 1)
		return cmd_misused(call->what, "--to PARTY says to whom");
	if (addressed && o->to.count == 0)
		return cmd_misused(call->what, "--to says whom");
	words = incident_words(call, 1);
	if (strcmp(action, "note") == 0 && words && !*words) {
		free(words);
		return cmd_misused(call->what, "what is the note?");
	}
	if (strcmp(action, "take") == 0 && !o->reason) {
		free(words);
		return cmd_misused(call->what, "--reason says why");
	}
	request_init(&t, "incident-say");
	admin_put_string(&t, "action", action);
	admin_put_string(&t, "id", call->argv[0]);
	put_given(&t, "as", o->as);
	if (transfer)
		admin_put_string(&t, "party", o->to.items[0]);
	else if (addressed)
		put_list(&t, "to", &o->to);
	if (o->reason || (words && *words))
		admin_put_string(&t, "text", o->reason ? o->reason : words);
	t.bad = t.bad || !words;
	free(words);
	return incident_send(call, &t);
}
