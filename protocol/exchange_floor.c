/* The expiry floor: what expires below it is gone.  SPEC.md 5.5. */
#include <stdlib.h>

#include "protocol/exchange_state.h"

enum { HOUR_MS = 3600 * 1000, FLOOR_LAG_HOURS = 48, FLOOR_RISE_HOURS = 24 };

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* SPEC 5.5: "min(own clock, lower median of the neighbours' clocks) - 48 h" */
static uint32_t floor_aim(const struct exchange *x)
{
	uint64_t *clocks = x->peer_count ? malloc(x->peer_count * sizeof *clocks) : NULL;
	uint64_t clock = x->now.wall;
	size_t n = 0;

	for (size_t i = 0; clocks && i < x->peer_count; i++) {
		if (session_peer_hello(x->peers[i]->session))
			clocks[n++] = x->now.wall + (uint64_t)x->peers[i]->status.clock_ahead;
	}
	if (n) {
		qsort(clocks, n, sizeof *clocks, by_value);
		if (clocks[(n - 1) / 2] < clock)
			clock = clocks[(n - 1) / 2];
	}
	free(clocks);
	return clock / HOUR_MS > FLOOR_LAG_HOURS ? (uint32_t)(clock / HOUR_MS - FLOOR_LAG_HOURS)
						 : 1;
}

static enum err floor_save(struct exchange *x, uint32_t hours)
{
	const struct store *s = &x->host.store;
	enum err e = s->begin(s->self);

	if (e)
		return e;
	e = s->put_floor(s->self, hours);
	if (e) {
		s->abort(s->self);
		return e;
	}
	return s->commit(s->self);
}

void floor_load(struct exchange *x)
{
	const struct store *s = &x->host.store;

	x->floor_raised = x->now.mono;
	if (s->get_floor(s->self, &x->floor) == ERR_OK)
		return;
	x->floor = floor_aim(x);
	floor_save(x, x->floor);
}

/* SPEC 5.5: "It never falls, and rises at most 24 hours for each hour of a monotonic clock." */
void floor_raise(struct exchange *x)
{
	uint64_t hours = (x->now.mono - x->floor_raised) / HOUR_MS * FLOOR_RISE_HOURS;
	uint32_t aim;

	if (hours == 0 || x->floor == 0)
		return;
	aim = floor_aim(x);
	x->floor_raised = x->now.mono;
	if (aim <= x->floor)
		return;
	if (aim - x->floor > hours)
		aim = x->floor + (uint32_t)hours;
	/* In force once persisted: after a restart it must not be lower. */
	if (floor_save(x, aim) == ERR_OK)
		x->floor = aim;
}
