/* The node's own card and keys: published, corrected, renewed, changed.  SPEC.md 4.11.
 *
 * What a card says besides keys is kept nowhere but in the card in force; what it says of keys is
 * what the key file holds.  So a crash between two steps leaves nothing to repair but a card that
 * does not fit the key file, and the duty sees to that.
 *
 * All of it waits for commits: not for the loop's thread. */
#ifndef NODE_NODE_CARD_H
#define NODE_NODE_CARD_H

#include "node/node.h"

/* Changes what the next card says; ERR_... with words in report when it may not. */
typedef enum err card_change(struct card *c, void *arg, struct report *report);

/* Publishes the next card: what the one in force says, with the keys of the moment, changed by
 * change (NULL: not at all).  It is in force when this returns; *out is it, out may be NULL. */
enum err card_publish(struct node *n, card_change *change, void *arg, struct directory_card *out,
		      struct report *report);

/* Draws a new seal key and publishes it. */
enum err card_draw_seal(struct node *n, uint16_t *number, struct report *report);

/* The neighbours that have not acknowledged the card in force. */
struct waiting {
	size_t count;
	char names[PEERS_SHOWN_MAX][NAME_MAX_BYTES + 1];
};
/* Draws the next link key, where there is none, and publishes it; now: uses it at once, otherwise
 * it is used when nobody is waited for any more.  ERR_EXISTS, with words: it is being changed. */
enum err card_change_link(struct node *n, bool now, struct waiting *waiting, struct report *report);
/* Who is waited for; of a node whose link key is being changed. */
enum err card_waiting(struct node *n, struct waiting *out);

/* Takes a card that came as a file: checked by the caller, header | signature | body. */
enum err card_take(struct node *n, const uint8_t *bytes, size_t length);

#endif
