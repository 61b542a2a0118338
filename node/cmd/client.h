/* How the commands talk to the node, and say what it says. */
#ifndef NODE_CMD_CLIENT_H
#define NODE_CMD_CLIENT_H

#include "node/admin/ask.h"
#include "node/cmd/cmd.h"
#include "node/cmd/print.h"

/* A conversation with the node of one command. */
struct client {
	const struct cmd_context *c;
	const char *what; /* "khabar share" */
	struct ask *ask;
	struct progress progress;
	unsigned long limit; /* of lines that client_pages() still wants; 0: all */
	bool takes;          /* client_take() is at work */
	bool told;           /* that messages wait to be reconciled */
};

/* EXIT_DONE, or EXIT_UNREACHABLE after saying why.  client_close() in any case. */
int client_open(struct client *client, const struct cmd_context *c, const char *what);
void client_close(struct client *client);

/* Whether a node answers in this home; says nothing. */
bool client_node_runs(const struct cmd_context *c);

/* One request, with frames or NULL; for_ever where it may take its time.  EXIT_DONE: *reply is one
 * that says ok, and the caller clears it.  Otherwise the node's words have been printed. */
int client_ask(struct client *client, const struct text *request, const struct slice *frames,
	       size_t frame_count, bool for_ever, struct reply *reply);

/* Opens, asks that one thing and closes; as client_ask() otherwise.  The request is cleared. */
int client_once(const struct cmd_context *c, const char *what, struct text *request,
		struct reply *reply);

/* Begins a request, {"do":"NAME"; admin_put_...() adds members, client_ask() closes it. */
void request_init(struct text *request, const char *name);

/* Appends a string of which nobody knows that it is UTF-8: what is not is replaced. */
void client_put_text(struct text *t, const char *name, const char *s);

/* All pages of a request; each line is printed as JSON, or handed to show for people.  *next, when
 * not NULL, is the cursor to start from and, at the end, where to go on (for watch). */
typedef void line_fn(void *arg, const cJSON *line);
int client_pages(struct client *client, const struct text *request, double *next, line_fn *show,
		 void *arg);

/* All pages of a request; each line is handed to take, with --json too, and nothing is printed. */
int client_take(struct client *client, const struct text *request, line_fn *take, void *arg);

/* Prints the reply of a request as --json wants it: its members without "ok". */
void client_print_json(const struct reply *reply);

/* Appends "hold", where --hold was given. */
void client_put_hold(const struct client *client, struct text *request);
/* Says that it waits in the outbox, where it does; else false. */
bool client_print_held(const struct client *client, const struct reply *reply);

/* cmd_refused(), with control characters of what others wrote made harmless. */
int client_refused(const struct cmd_context *c, const char *what, const struct report *report);

#endif
