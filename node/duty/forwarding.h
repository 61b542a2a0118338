/* Handing a message on: whether it may be, to whom, and doing it.  SPEC.md 5.10.
 *
 * An operator asks for it (answer_forward.c), and the node does it by itself with what follows
 * (node_forward.c); the rules are the same. */
#ifndef NODE_FORWARDING_H
#define NODE_FORWARDING_H

#include "node/node.h"
#include "protocol/forward.h"

struct forwarding {
	struct node *node;
	struct log_reader *log; /* borrowed; moved */
	struct index_reader *index;
	struct report *report; /* why not; or NULL */
	const struct topology *topology;
	const struct party *self;

	/* Of the message that is handed on. */
	struct log_row row;
	struct header header;
	uint8_t *body; /* as carried; owned */
	size_t body_length;
	char *json; /* what it says; owned */
	size_t json_length;

	struct header other; /* scratch */
};

/* Takes the message at lsn, when it may be handed on at all: ERR_NOT_ALLOWED, ERR_NOT_FOUND or
 * ERR_EXPIRED, with words, when not.  The fields above row are set.  In any case the caller calls
 * forwarding_clear(). */
enum err forwarding_take(struct forwarding *f, uint64_t lsn);
void forwarding_clear(struct forwarding *f);

/* Who of to has it from its author, or from this node: they are taken out of to and appended to
 * had, which has room for as many.  ERR_NOT_ALLOWED, with everybody named, when it may not be
 * handed to all others, or nobody is left. */
enum err forwarding_address(struct forwarding *f, struct recipients *to, const struct party **had,
			    size_t *had_count);

/* Hands it on: one message for each letter, as node_publish(). */
enum err forwarding_send(struct forwarding *f, const struct recipients *to, struct slice reason,
			 struct message_id *ids);

#endif
