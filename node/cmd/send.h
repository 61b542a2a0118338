/* What share and import have in common: options, who will read it, asking, sending. */
#ifndef NODE_CMD_SEND_H
#define NODE_CMD_SEND_H

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/format/format.h"

struct sending {
	struct client client;
	/* As typed. */
	const char *tlp, *use, *priority;
	struct option_list to, labels;
	unsigned long valid_days, keep_days, confidence; /* confidence: 101 for none */
	bool dry_run, skip_rejected, exercise, direct, no_forward, receipt, force;
	const char *format, *column;
	const char *once;   /* any words: what was sent under them is not sent again */
	const char *ack_by; /* as typed: a date, a time, or a span from now */
	char ack_time[25];  /* the same, as the node wants it */
	/* For the import: see import_options. */
	bool (*known)(void *arg, const char *uuid, uint64_t until);
	void *known_arg;
	const char *list;    /* see import_options */
	size_t leaving;      /* how many will be withdrawn when this is sent */
	const char *answers; /* the id of what is answered, or NULL */
	/* What becomes of it. */
	enum tlp level;
	struct reply who; /* node, title, audience, readers, carriers, why */
	struct import import;
	bool importing;  /* import is to be cleared */
	bool from_files; /* khabar import, which may leave lines out */
};

/* Writes the rules of the options that both have; returns how many.  s is all zeros before. */
size_t send_rules(struct sending *s, struct option_rule *rules);
/* Those of `who` alone, which says to whom. */
size_t send_who_rules(struct sending *s, struct option_rule *rules);
/* Checks the options and asks the node who would read it. */
int send_ask(struct sending *s, const struct cmd_context *c, const char *what);
/* The same, and starts an import. */
int send_open(struct sending *s, const struct cmd_context *c, const char *what);
/* Ends the import, asks, sends, says what was sent. */
int send_finish(struct sending *s);
void send_close(struct sending *s);

/* Takes a page of objects, as `export` gives them in brief; an exit code. */
typedef int send_take(void *arg, struct sending *s, const struct reply *reply);
/* Gives what this node has said under a label and what still holds, page by page. */
int send_labelled(struct sending *s, const char *label, send_take *take, void *arg);

/* who.c: what the node said of a message's way, for people. */
void who_print(FILE *out, const cJSON *who);
/* The names that it is for, on one line. */
void who_print_audience(FILE *out, const cJSON *who);

#endif
