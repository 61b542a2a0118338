/* Incidents: what is said about one, by whom, and what it comes to.  SPEC.md 8.9.
 *
 * An incident is a conversation of posts.  Each event carries an extension of its STIX object;
 * the state is a fold over the events that a node holds, a pure function of their set: whatever
 * order they came in, nodes that hold the same events see the same state.  Who may do what was
 * decided by the topology that an event's header names.  What may not be is kept, shown, and
 * changes nothing. */
#ifndef PROTOCOL_INCIDENT_H
#define PROTOCOL_INCIDENT_H

#include "protocol/chain.h"
#include "protocol/message.h"
#include "protocol/stix.h"

enum {
	INCIDENT_AFTER_MAX = 32,    /* events that an event says it follows */
	INCIDENT_EVENTS_MAX = 1024, /* of one origin: the first in order; the others are left out */
	INCIDENT_TITLE_MAX_BYTES = 200,
	INCIDENT_TEXT_MAX_BYTES = 32 << 10,
	INCIDENT_NUMBER_MAX_BYTES = NAME_MAX_BYTES + 1 + 4 + 1 + 9,
	INCIDENT_LIST_MAX = 256,
	INCIDENT_CLOCKS = 4,
};

enum incident_action {
	INCIDENT_OPEN,
	INCIDENT_UPDATE,
	INCIDENT_NOTE,
	INCIDENT_ACKNOWLEDGE,
	INCIDENT_NOTIFY,
	INCIDENT_REQUEST_HELP,
	INCIDENT_TRANSFER,
	INCIDENT_ACCEPT,
	INCIDENT_TAKE,
	INCIDENT_RENEW,
	INCIDENT_ACTION_COUNT
};

/* "open", "request-help"; static. */
const char *incident_action_str(enum incident_action action);
/* Whether the action is its owner's, or makes one: it carries the state, and its object is the
 * incident itself. */
bool incident_action_carries(enum incident_action action);

/* Ids of the definitions of the extensions that an event's object carries: ours, and the core of
 * the OASIS incident extension suite. */
extern const char incident_extension[], incident_core_extension[];

struct incident_event {
	struct message_id id, root; /* of the message; of the one that opened the incident */
	uint32_t topology;
	struct party_id origin;
	uint64_t created; /* ms since 1970, as its author says */
	enum incident_action action;
	char as_role[NAME_MAX_BYTES + 1]; /* "": for the node itself */
	bool exercise;
	struct message_id after[INCIDENT_AFTER_MAX];
	size_t after_count;
	cJSON *said; /* owned; the extension */

	/* What the fold has found. */
	bool head; /* none of the others follows it */
	bool applied;
	const char *why; /* not: static */
};

/* Reads the event in a post.  ERR_NOT_FOUND: the post is none.  ERR_FORMAT: report says what is
 * wrong.  On ERR_OK the caller calls incident_event_clear(). */
enum err incident_event_read(struct incident_event *e, const struct header *h,
			     const struct message_id *id, const struct post *post,
			     struct report *report);
void incident_event_clear(struct incident_event *e);
/* The name of the party that acts: the node, or the role it speaks for; NULL when the origin was
 * no node, or did not hold the role, in the topology version that the header names. */
const char *incident_actor(const struct incident_event *e, const struct chain *chain);

/* What an author says: the bundle of an event's post. */
struct incident_saying {
	enum incident_action action;
	const struct network_id *network;
	const char *node;  /* the author's name */
	const char *title; /* and what it is called */
	enum tlp tlp;
	uint64_t now;       /* ms; the object's modified */
	const char *uuid;   /* random, of the bundle, and of the note where that is the object */
	const cJSON *words; /* members of the extension that belong to the action; or NULL */
	const cJSON *state; /* after it */
	const struct message_id *after;
	size_t after_count;
};
/* Appends the bundle. */
void incident_write(struct text *out, const struct incident_saying *s);
/* "incident--" and a UUID that follows from network and number: 46 characters and a NUL. */
enum { INCIDENT_ID_BYTES = 47 };
void incident_id(char out[INCIDENT_ID_BYTES], const struct network_id *network, const char *number);

/* Folds the events of one incident: orders them in place, says of each whether it counts, and
 * gives the state, which the caller frees with cJSON_Delete(); NULL when no event tells it.
 * ERR_MEMORY. */
enum err incident_fold(cJSON **state, struct incident_event *events, size_t n,
		       const struct chain *chain);
/* Of folded events those that no other follows: what the next event says it comes after.  At most
 * INCIDENT_AFTER_MAX. */
size_t incident_heads(struct message_id out[INCIDENT_AFTER_MAX],
		      const struct incident_event *events, size_t n);

/* Applies one more event to a state, as the fold does: what an author does before it says
 *  False with a static *why when it may not be; with none when memory is short, and
 * the state is then good for nothing. */
bool incident_apply(cJSON **state, const struct incident_event *e, const struct chain *chain,
		    const char **why);

/* Checks a whole state, and one that an update sets.  Every problem is in report. */
bool incident_state_valid(const cJSON *state, struct report *report);
bool incident_set_valid(const cJSON *set, struct report *report);
/* A member that is a text, "" where it is null or missing. */
const char *incident_text(const cJSON *state, const char *name);
/* Whether the state's parties hold this one. */
bool incident_party_of(const cJSON *state, const char *party);
/* Nothing is done any more. */
bool incident_closed(const cJSON *state);

/* RSIT: the class of that name; a type of the class. */
bool incident_class_valid(const char *class);
bool incident_type_valid(const char *class, const char *type);
/* All of them as "class: type type ...", line by line; NULL beyond the last. */
const char *incident_class_line(size_t i);

/* What is due.  SPEC 8.9.5. */
struct incident_clock {
	const char *what;   /* "early-warning" "notification" "final" "answer"; static */
	bool parents;       /* of those above the owner, not of the owner */
	uint64_t due, done; /* ms since 1970; 0: not done yet */
};
size_t incident_clocks(struct incident_clock out[INCIDENT_CLOCKS], const cJSON *state,
		       const struct policy *policy);

#endif
