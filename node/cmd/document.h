/* What is shown to those who have no node: one text, as it is, as a page of HTML, or as a mail that
 * its sender only has to address.
 *
 * The text is made with print_safe(): nothing that others wrote can do anything in it but be read.
 * A page or a mail is made of that, encoded as a whole. */
#ifndef NODE_CMD_DOCUMENT_H
#define NODE_CMD_DOCUMENT_H

#include "node/cmd/client.h"

enum document_form { DOCUMENT_NONE, DOCUMENT_TEXT, DOCUMENT_HTML, DOCUMENT_MAIL };

/* How it is to be shown: the options --format and --from. */
struct document_options {
	const char *format, *from; /* as they were given, or NULL */
	enum document_form form;
	const struct cmd_context *c; /* for refusals; borrowed, as what */
	const char *what;
};
/* Reads them; EXIT_DONE, or misuse of the command what, said. */
int document_options_read(struct document_options *o, const struct cmd_context *c,
			  const char *what);

struct document {
	const char *tlp; /* "amber" */
	bool exercise;
	const char *node; /* who says it */
	const char *id;   /* of the message, or of the newest: the mail's own name is made of it */
	const char *thread; /* of the first, where there are several; or NULL */
	void (*title)(FILE *out, const cJSON *json);
	void (*text)(FILE *out, const cJSON *json);
	const cJSON *json; /* what both are made of */
};
/* EXIT_DONE; EXIT_REFUSED when memory is short, or a mail would have no name. */
int document_print(const struct document_options *o, const struct document *d);

/* A line "label: words", where there are words; lines may go on over several. */
void document_say(FILE *out, const char *label, const char *words, bool lines);
/* "2026-11-22 11:10 UTC" of an RFC 3339 time; nothing for "". */
void document_say_time(FILE *out, const char *label, const char *time);

#endif
