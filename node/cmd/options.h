/* The options of a subcommand, as a table. */
#ifndef NODE_CMD_OPTIONS_H
#define NODE_CMD_OPTIONS_H

#include "node/cmd/cmd.h"

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_NUMBER, /* unsigned long from min to max */
	OPTION_DAYS,   /* the same, and a d may follow */
	OPTION_LIST,   /* struct option_list: may be given several times */
};

enum { OPTION_LIST_MAX = 64, OPTION_RULES_MAX = 24 };

struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t count;
};

/* "90s", "15m", "1h", "7d" in seconds; 0 when it is none of these. */
unsigned long option_span(const char *text);

struct option_rule {
	const char *name;
	enum option_kind kind;
	void *to; /* left alone when the option is not given */
	unsigned long min, max;
};

/* Reads the options out of argv, where -o is short for --output; *first is where the arguments
 * begin.  EXIT_DONE, or EXIT_USAGE after saying what is wrong. */
int options_read(const char *what, const struct option_rule *rules, size_t n, int argc, char **argv,
		 int *first);

#endif
