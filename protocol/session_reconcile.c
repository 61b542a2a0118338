/* Frames of reconciliation, passed through unread, one at a time.  SPEC.md 7.7.3. */
#include <stdlib.h>
#include <string.h>

#include "protocol/session_state.h"

void reconcile_received(struct session *s, const struct frame *f)
{
	if (s->state != STATE_OPEN) {
		session_fail(s, true, "it reconciled before the session was open");
		return;
	}
	event_pass(s, SESSION_RECONCILE, f);
}

bool session_reconcile_room(const struct session *s)
{
	return s->state == STATE_OPEN && !s->reconcile_due;
}

enum err session_reconcile(struct session *s, enum frame_type type, const uint8_t *payload,
			   size_t n)
{
	if (s->state != STATE_OPEN)
		return ERR_STATE;
	if (s->reconcile_due)
		return ERR_BUSY;
	free(s->reconciling);
	s->reconciling = malloc(n ? n : 1);
	if (!s->reconciling)
		return ERR_MEMORY;
	if (n)
		memcpy(s->reconciling, payload, n);
	s->reconcile_type = type;
	s->reconcile_length = n;
	s->reconcile_due = true;
	return ERR_OK;
}

bool reconcile_output(struct session *s, struct frame *f)
{
	if (!s->reconcile_due)
		return false;
	s->reconcile_due = false;
	f->type = s->reconcile_type;
	f->reconcile.payload = s->reconciling;
	f->reconcile.length = s->reconcile_length;
	return true;
}
