/* What a MISP instance publishes on its ZeroMQ socket, and what of it may be shared.  SPEC.md 9.17.
 *
 * A message is a topic, a space and JSON. */
#ifndef NODE_FORMAT_MISP_PUBLISH_H
#define NODE_FORMAT_MISP_PUBLISH_H

#include "protocol/json.h"
#include "protocol/types.h"

/* Marks what a feed of ours delivers; MISP keeps tags. */
#define MISP_FEED_TAG "khabardar:node="
/* Marks what was made of an event: its uuid follows. */
#define MISP_EVENT_LABEL "misp-event:"

enum misp_published {
	MISP_NOTHING, /* not of ours, or not to be shared */
	MISP_ALIVE,   /* the publisher says that it is there */
	MISP_EVENT_CHANGED,
	MISP_EVENT_DELETED,
};

struct misp_event {
	char uuid[37];
	bool has_tlp; /* some tag says one; the strictest: */
	enum tlp tlp;
	char *json; /* owned: {"Event":{...}} without what is not for others; empty when deleted */
	const char *why; /* static: of one of ours, why it is left alone; or NULL */
};

/* Reads one message; org is the uuid of whose events are shared.  The caller clears *event. */
enum misp_published misp_publish_read(struct misp_event *event, const char *bytes, size_t n,
				      const char *org);
/* What the tags of a kept {"Event":{...}} say. */
struct misp_tlp {
	bool has;
	enum tlp tlp; /* the strictest */
	bool empty;   /* there is nothing in it */
};
struct misp_tlp misp_event_tlp(const char *json, size_t n);
void misp_event_clear(struct misp_event *event);

#endif
