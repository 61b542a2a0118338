/* What neighbours tell each other beside the messages: suspensions, and by exchange_count.c what
 * they have of a role's.  SPEC.md 7.8. */
#include <stdio.h>

#include "protocol/exchange_state.h"

enum {
	NOTICES_AT_ONCE = 8, /* suspensions that a peer may tell, and one more each minute */
	NOTICE_EVERY_MS = 60 * 1000,
};

void suspension_tell(struct peer *p)
{
	const struct exchange_host *host = &p->x->host;
	const struct suspension *s = host->chain->suspension;
	const uint8_t *file;
	size_t n;

	/* SPEC 7.8: "Each end tells the statement that counts for it when the session opens and
	 * when it takes another, until the statement ends." */
	if (!s || p->x->now.wall >= s->until || p->status.state != PEER_OPEN)
		return;
	if (host->suspension_file(host->arg, &file, &n) != ERR_OK ||
	    session_notice(p->session, FRAME_SUSPENSION, file, n) == ERR_MEMORY)
		session_end(p->session, false, "out of memory");
}

void exchange_suspension_changed(struct exchange *x, struct instant now)
{
	x->now = now;
	for (size_t i = 0; i < x->peer_count; i++)
		suspension_tell(x->peers[i]);
}

/* What cannot be taken is passed over: the peer may be a version ahead, or behind. */
static void suspension_offered(struct peer *p, const uint8_t *file, size_t n)
{
	const struct exchange_host *host = &p->x->host;
	struct report report;
	enum err e;

	if (!host->suspension_offered)
		return;
	report_init(&report);
	e = host->suspension_offered(host->arg, file, n, &report);
	if (e == ERR_NOT_ALLOWED || e == ERR_FULL || e == ERR_IO)
		host->alarm(host->arg, &p->status.id, report_first(&report));
	report_clear(&report);
}

void notice_handle(struct peer *p, enum frame_type type, const uint8_t *payload, size_t n)
{
	uint64_t minutes = (p->x->now.mono - p->opened) / NOTICE_EVERY_MS;

	if (type == FRAME_COUNT)
		counter_asked(p->counter, payload, n);
	if (type == FRAME_COUNTS)
		counter_answered(p->counter, payload, n);
	if (type != FRAME_SUSPENSION)
		return;
	/* SPEC 7.8: "More than 8 SUSPENSIONs and one more for each minute of the session end it, as
	 * in 7.5." */
	if (p->notices++ >= NOTICES_AT_ONCE + minutes)
		session_end(p->session, true, "it tells suspensions again and again");
	else
		suspension_offered(p, payload, n);
}
