/* Suspensions in a running node: taken, told on, begun and ended in their time.  SPEC.md 4.12. */
#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/json.h"

/* A clock that is set must not make a suspension begin or end much too late. */
enum { LOOK_AGAIN_MS = 10 * 1000 };

static void suspension_say(const struct suspension *s)
{
	char from[TIME_BYTES], until[TIME_BYTES];

	time_format(from, s->from);
	time_format(until, s->until);
	if (s->count == 0)
		say(LEVEL_WARNING, "suspension %u: nobody is suspended any more", s->serial);
	for (size_t i = 0; i < s->count; i++)
		say(LEVEL_WARNING, "suspension %u: %s is suspended from %s until %s%s%s", s->serial,
		    s->list[i].name, from, until, s->list[i].because ? ": " : "",
		    s->list[i].because ? s->list[i].because : "");
}

static bool in_its_time(const struct suspension *s, uint64_t now)
{
	return s && s->count && s->from <= now && now < s->until;
}

static void apply(struct node *n)
{
	n->suspending = in_its_time(versions_suspension(n->versions), clock_wall());
	n->links_stale = true;
	verdicts_due(n);
}

enum err suspension_accept(struct node *n, const uint8_t *file, size_t length,
			   struct report *report)
{
	enum err e = versions_suspend(n->versions, file, length, report);

	if (e)
		return e;
	suspension_say(versions_suspension(n->versions));
	apply(n);
	exchange_suspension_changed(n->exchange, node_now());
	n->more = true;
	return ERR_OK;
}

uint64_t suspension_tick(struct node *n, uint64_t now)
{
	const struct suspension *s = versions_suspension(n->versions);
	uint64_t wall = clock_wall(), next = suspension_next(s, wall);

	if (in_its_time(s, wall) != n->suspending)
		apply(n);
	if (next == UINT64_MAX)
		return UINT64_MAX;
	return now + (next - wall < LOOK_AGAIN_MS ? next - wall : LOOK_AGAIN_MS);
}
