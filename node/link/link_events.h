/* What a link has to say besides frames, in order. */
#ifndef NODE_LINK_EVENTS_H
#define NODE_LINK_EVENTS_H

#include <stdarg.h>

#include "node/link/link.h"

struct pending;

/* All zeros is an empty one. */
struct link_events {
	struct pending *first, *last; /* owned */
	struct pending *told;         /* owned; the one whose text is lent out */
};

void events_clear(struct link_events *events);
/* One for which there is no memory is lost: whoever then sends to the peer learns of it. */
__attribute__((format(printf, 5, 0))) void
events_add(struct link_events *events, enum link_event_kind kind, enum link_cause cause,
	   const struct party_id *peer, const char *format, va_list args);
bool events_waiting(const struct link_events *events);
/* The text is valid until the next call. */
bool events_take(struct link_events *events, struct link_event *event);

#endif
