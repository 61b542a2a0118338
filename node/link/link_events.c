#include "node/link/link_events.h"

#include <stdio.h>
#include <stdlib.h>

struct pending {
	struct pending *next;
	enum link_event_kind kind;
	enum link_cause cause;
	struct party_id peer;
	char text[LINK_TEXT_BYTES];
};

void events_add(struct link_events *events, enum link_event_kind kind, enum link_cause cause,
		const struct party_id *peer, const char *format, va_list args)
{
	struct pending *p = calloc(1, sizeof *p);
	if (!p)
		return;
	p->kind = kind;
	p->cause = cause;
	p->peer = *peer;
	vsnprintf(p->text, sizeof p->text, format, args);
	if (events->last)
		events->last->next = p;
	else
		events->first = p;
	events->last = p;
}

bool events_waiting(const struct link_events *events)
{
	return events->first != NULL;
}

bool events_take(struct link_events *events, struct link_event *event)
{
	struct pending *p = events->first;
	free(events->told);
	events->told = p;
	if (!p)
		return false;
	events->first = p->next;
	if (!events->first)
		events->last = NULL;
	*event = (struct link_event){
		.kind = p->kind, .cause = p->cause, .peer = p->peer, .text = p->text};
	return true;
}

void events_clear(struct link_events *events)
{
	struct link_event event;
	while (events_take(events, &event))
		;
}
