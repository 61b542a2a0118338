/* What the subcommands of khabar incident share. */
#ifndef NODE_CMD_INCIDENT_H
#define NODE_CMD_INCIDENT_H

#include "node/cmd/client.h"
#include "node/cmd/document.h"
#include "node/cmd/options.h"

/* The options of all of them; each subcommand takes some. */
struct incident_options {
	const char *title, *description, *class, *type, *severity, *status, *determination,
		*assignee, *aware, *reported_by, *file, *tlp, *as, *stage, *text, *reason, *owner,
		*out;
	struct option_list affected, not_affected, to, links, unlink;
	struct document_options document;
	bool critical, not_critical, exercise, early_warning, dry_run, open;
};

struct incident_call {
	const struct cmd_context *c;
	const char *what; /* "khabar incident open" */
	struct incident_options o;
	int argc; /* what is left: the incident, then words */
	char **argv;
};

/* Each says one thing, or shows; EXIT_... */
int incident_open(struct incident_call *call);
int incident_update(struct incident_call *call);
int incident_say(struct incident_call *call, const char *action);
int incident_list(struct incident_call *call);
int incident_show(struct incident_call *call);
int incident_draft(struct incident_call *call);
/* What an event says besides its action: stage, parties, what it sets, words; it ends inside the
 * line. */
void incident_print_said(const cJSON *e);
/* Prints what `incident` has replied with, for those who have no node. */
int incident_format_print(const struct document_options *o, const cJSON *incident);
/* Writes the case file. */
int incident_export(struct incident_call *call);

/* Asks for the one incident that is named; the caller clears the reply, and closes the client in
 * any case. */
int incident_ask(struct incident_call *call, struct client *client, struct reply *reply);
/* Appends "links" and "affected", where the options speak of them: with what is known of the
 * incident, or from nothing. */
int incident_put_lists(struct text *t, struct incident_call *call, bool known);
/* The words that are left, from number first on, with spaces between; the caller frees it. */
char *incident_words(const struct incident_call *call, int first);
/* Asks who would read it, asks the operator, sends it, says what came of it. */
int incident_send(struct incident_call *call, struct text *request);

#endif
