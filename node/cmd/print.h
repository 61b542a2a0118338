/* What the commands print: text of others without their control characters, lines of JSON,
 * progress.  Nothing that another node wrote reaches the terminal as it came. */
#ifndef NODE_CMD_PRINT_H
#define NODE_CMD_PRINT_H

#include <stdio.h>

#include "protocol/json.h"

/* Prints s; control characters, marks that change the direction of writing and what is not UTF-8
 * are shown as \x1b or \u202e.  keep_lines lets newlines and tabs pass. */
void print_safe(FILE *out, const char *s, bool keep_lines);
/* A line on standard error, "what: words", both made safe: what is a command, or a file that
 * somebody else may have named. */
void print_complaint(const char *what, const char *words);
/* As print_safe(), filled up with spaces to width columns and cut there; followed by two spaces. */
void print_column(const char *s, int width);
/* One value of JSON on one line: the same value, whatever it holds, but for what is not UTF-8. */
void print_json(struct slice json);
/* The same for what was written into t, which is cleared.  Where memory was short for that the
 * command ends. */
void print_built(struct text *t);
/* Ends the command with exit 1 and words: who reads its output must not take half of it for all of
 * it. */
_Noreturn void print_no_memory(void);

/* A member of an object: "" where there is none, or it is no string. */
const char *member_text(const cJSON *object, const char *name);
/* A number, 0 where there is none. */
double member_number(const cJSON *object, const char *name);

/* "seen 212 times by 4 CERTs in 3 sectors, last 2 h ago", indented, on lines of its own; nothing
 * for NULL. */
void sightings_print(const cJSON *sightings);

/* "1 object" "2 objects". */
const char *plural(size_t n);

/* Shown on standard error when that is a terminal and two seconds have passed. */
struct progress {
	const char *what;
	uint64_t started; /* ms; 0: not yet */
	uint64_t drawn;   /* ms */
	bool shown;
};
/* How far it is: done of total, total 0 when nobody knows. */
void progress_show(struct progress *p, uint64_t done, uint64_t total);
/* For ask_open(): p is a struct progress. */
void progress_tick(void *p);
/* Wipes it off the terminal. */
void progress_end(struct progress *p);

/* A hit of the logs, as `khabar hunt` shows it: two lines. */
void hunt_print(const cJSON *hit);

#endif
