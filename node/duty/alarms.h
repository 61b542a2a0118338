/* Alarms: what somebody should look at, and when it began and ended.
 *
 * What stands follows from the warnings of `status` (node_warnings.c); that one began, or
 * is over, is an event with a number.  Events are told to a person by `khabar follow`, which runs
 * the command of the configuration and says how far it has come: each is told at least once.  Both
 * are in a value of the log, so a start raises nothing that was raised before.  SPEC.md 9.14.
 *
 * Threads: any. */
#ifndef NODE_ALARMS_H
#define NODE_ALARMS_H

#include "node/node.h"

enum {
	ALARMS_MAX = 64,
	ALARM_EVENTS_MAX = 128, /* kept; older ones are forgotten */
};

struct alarm {
	uint8_t key[16]; /* of the text without its numbers */
	uint64_t since;  /* wall ms */
	bool seen;       /* in this run of the node */
	bool stands;     /* at the last look */
	char text[ALARM_BYTES];
};

enum alarm_kind { ALARM_RAISED, ALARM_OVER, ALARM_TEST, ALARM_KINDS };

struct alarm_event {
	uint64_t number; /* from 1 */
	uint64_t at;     /* wall ms */
	enum alarm_kind kind;
	char text[ALARM_BYTES];
};

struct alarm_book;

/* NULL when memory is short. */
struct alarm_book *alarm_book_new(void);
void alarm_book_free(struct alarm_book *b);

/* Copies what stands now: out has room for ALARMS_MAX.  Returns how many. */
size_t alarms_standing(struct node *node, struct alarm *out);
/* Copies the events behind that number, the oldest first: out has room for ALARM_EVENTS_MAX. *told:
 * the number up to which they were told. */
size_t alarms_events(struct node *node, uint64_t after, struct alarm_event *out, uint64_t *told);
/* An event that says no more than that; its number. */
uint64_t alarms_test(struct node *node, const char *text);
/* The command was run for the events up to that one; failed: why it did not work, or "". */
void alarms_told(struct node *node, uint64_t through, const char *failed);

/* "raised" "over" "test"; static. */
const char *alarm_kind_str(enum alarm_kind kind);

#endif
