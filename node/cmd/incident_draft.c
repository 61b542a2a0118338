/* khabar incident draft: a text to begin the next stage with. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/incident.h"
#include "protocol/admin.h"
#include "protocol/incident.h"

/* What each stage wants said beside what is known: a line of each is left to be filled in. */
static const struct {
	const char *stage, *asks;
} stages[] = {
	{"early-warning", "Suspected to be malicious: \nCross-border effect: \n"},
	{"notification",
	 "Initial assessment of severity and impact: \nIndicators of compromise: \n"},
	{"progress", "What has been done since: \nWhat is still to be done: \n"},
	{"final", "Root cause: \nMitigation applied: \nCross-border impact: \n"},
};

static const char *asks_of(const char *stage)
{
	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
		if (strcmp(stages[i].stage, stage) == 0)
			return stages[i].asks;
	return NULL;
}

static const cJSON *of(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void draft_names(struct text *t, const char *label, const cJSON *names)
{
	const cJSON *n;

	cJSON_ArrayForEach(n, names)
	{
		text_str(t, label);
		text_str(t, cJSON_IsString(n) ? n->valuestring : "");
		label = ", ";
	}
	if (cJSON_GetArraySize(names))
		text_str(t, "\n");
}

/* The stage before, else the description: where this one begins. */
static void draft_before(struct text *t, const cJSON *state)
{
	const cJSON *said = of(state, "stages");
	int n = cJSON_GetArraySize(said);
	const cJSON *last = n ? cJSON_GetArrayItem(said, n - 1) : NULL;
	const char *text = last ? member_text(last, "text") : member_text(state, "description");

	if (last)
		text_format(t, "\nReported as %s on %.19sZ:\n", member_text(last, "stage"),
			    member_text(last, "at"));
	else
		text_str(t, "\nDescription:\n");
	text_str(t, text);
	text_str(t, "\n");
}

static void draft(struct text *t, const cJSON *i, const char *stage)
{
	const cJSON *state = of(i, "state"), *link;

	text_format(t, "%s of %s: %s\n", stage, member_text(i, "number"), member_text(i, "title"));
	text_format(t, "Severity: %s\nClass: %s %s\nAware since: %s\nStatus: %s\n",
		    member_text(i, "severity"), member_text(i, "class"), member_text(i, "type"),
		    member_text(i, "aware"), member_text(i, "status"));
	text_format(t, "Determination: %s\n", member_text(i, "determination"));
	draft_names(t, "Affected: ", of(state, "affected"));
	cJSON_ArrayForEach(link, of(state, "links"))
	{
		text_format(t, "Linked: %s %s\n", member_text(link, "kind"),
			    member_text(link, "id"));
	}
	text_str(t, asks_of(stage));
	draft_before(t, state);
}

static void draft_print(const struct incident_call *call, const cJSON *i)
{
	struct text words, out;

	text_init(&words);
	text_init(&out);
	text_str(&words, "");
	draft(&words, i, call->o.stage);
	if (words.bad) {
		fprintf(stderr, "%s: %s\n", call->what, err_str(ERR_MEMORY));
	} else if (call->c->json) {
		text_str(&out, "{");
		admin_put_string(&out, "number", member_text(i, "number"));
		admin_put_string(&out, "stage", call->o.stage);
		admin_put_string(&out, "text", words.at);
		text_str(&out, "}");
		puts(out.at ? out.at : "");
	} else {
		print_safe(stdout, words.at, true);
	}
	text_clear(&out);
	text_clear(&words);
}

int incident_draft(struct incident_call *call)
{
	struct client client = {0};
	struct reply reply = {0};
	int code;

	if (!call->o.stage || !asks_of(call->o.stage))
		return cmd_misused(call->what, "--stage wants early-warning, notification, "
					       "progress or final");
	code = incident_ask(call, &client, &reply);
	if (!code) {
		draft_print(call, reply.json);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
