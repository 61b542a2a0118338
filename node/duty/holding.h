/* What is held in the outbox until its time has come, and then made as its caller would have.
 *
 * Threads: any.  A request is made on the folder's thread; until that begins it can be cancelled.
 * A crash loses none and sends none twice: the ids of what is about to be sent are in its file
 * before anything of it can be. */
#ifndef NODE_HOLDING_H
#define NODE_HOLDING_H

#include "node/node.h"
#include "node/outbox.h"

struct holding;

/* NULL when memory is short. */
struct holding *holding_new(void);
void holding_free(struct holding *h);

/* Keeps the item, durably; its id is drawn and written into it.  ERR_LIMIT when there are too many
 * or it is too large. */
enum err holding_add(struct node *node, struct outbox_item *item, struct report *report);
/* Takes back the one whose id begins so; id gets all of it.  ERR_NOT_FOUND; ERR_LIMIT: several;
 * ERR_STATE: too late, it is being sent. */
enum err holding_cancel(struct node *node, const char *prefix, char id[OUTBOX_ID_DIGITS + 1]);
/* Somebody other than who asked for it approves it: it is due now.  ERR_NOT_FOUND and ERR_LIMIT as
 * before; ERR_STATE: no approval is wanted; ERR_NOT_ALLOWED: the same user asked for it.  *of is
 * who did. */
enum err holding_approve(struct node *node, const char *prefix, uid_t approver,
			 char id[OUTBOX_ID_DIGITS + 1], uid_t *of);
/* The ids of what is held, in the order in which they are due. */
enum err holding_list(struct node *node, char (*ids)[OUTBOX_ID_DIGITS + 1], size_t *count);
#endif
