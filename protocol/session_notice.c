/* What two ends tell each other beside the messages, passed through unread.  SPEC.md 7.8. */
#include <stdlib.h>
#include <string.h>

#include "protocol/session_state.h"

void notice_received(struct session *s, const struct frame *f)
{
	if (s->state != STATE_OPEN) {
		session_fail(s, true, "it gave notice before the session was open");
		return;
	}
	event_pass(s, SESSION_NOTICE, f);
}

enum err session_notice(struct session *s, enum frame_type type, const uint8_t *payload, size_t n)
{
	struct notice *next;
	uint8_t *copy;

	if (s->state != STATE_OPEN)
		return ERR_STATE;
	if (s->notice_count == NOTICES_MAX)
		return ERR_BUSY;
	copy = malloc(n ? n : 1);
	if (!copy)
		return ERR_MEMORY;
	if (n)
		memcpy(copy, payload, n);
	next = &s->notices[(s->notice_head + s->notice_count++) % NOTICES_MAX];
	*next = (struct notice){.type = type, .payload = copy, .length = n};
	return ERR_OK;
}

bool notice_output(struct session *s, struct frame *f)
{
	if (s->notice_count == 0)
		return false;
	free(s->noticed.payload);
	s->noticed = s->notices[s->notice_head];
	s->notice_head = (s->notice_head + 1) % NOTICES_MAX;
	s->notice_count--;
	f->type = s->noticed.type;
	f->reconcile.payload = s->noticed.payload;
	f->reconcile.length = s->noticed.length;
	return true;
}

void notice_clear(struct session *s)
{
	for (; s->notice_count; s->notice_count--) {
		free(s->notices[s->notice_head].payload);
		s->notice_head = (s->notice_head + 1) % NOTICES_MAX;
	}
	free(s->noticed.payload);
	s->noticed.payload = NULL;
}
