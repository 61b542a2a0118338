/* The admin socket: takes requests, asks who may, lets the table of answers do the work. SPEC.md 9.
 *
 * Runs on a thread of its own, so that a long list delays no message.  Every request that changes
 * something is audited with the caller's uid before it is answered. */
#ifndef NODE_CONTROL_H
#define NODE_CONTROL_H

#include "node/node.h"

struct control;

/* Binds HOME/run/admin.sock and starts the thread.  The report says what could not be bound. */
enum err control_start(struct control **control, struct node *node, struct report *report);
void control_stop(struct control *control);

#endif
