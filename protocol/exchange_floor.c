/* The expiry floor: what expires below it is gone.  SPEC.md 5.5. */
#include <stdlib.h>

#include "protocol/exchange_state.h"

enum {
	HOUR_MS = 3600 * 1000,
	FLOOR_LAG_HOURS = 48,
	FLOOR_RISE_HOURS = 24,
	CLOCKS_AGREE_MS = 2 * HOUR_MS
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint32_t hours_behind(uint64_t clock)
{
	return clock / HOUR_MS > FLOOR_LAG_HOURS ? (uint32_t)(clock / HOUR_MS - FLOOR_LAG_HOURS)
						 : 1;
}

/* SPEC 5.5: "the neighbours' clocks are those of their last HELLO, carried on by one's own
 * monotonic clock" So they do not jump with one's own. */
static uint64_t clock_of(const struct peer *p)
{
	return p->clock + (p->x->now.mono - p->clock_at);
}

/* The lower median of the clocks of those neighbours that have greeted since the start, whether
 * they are connected now or not; false when none has. */
static bool neighbours_clock(const struct exchange *x, uint64_t *clock)
{
	uint64_t *clocks = x->peer_count ? malloc(x->peer_count * sizeof *clocks) : NULL;
	size_t n = 0;

	for (size_t i = 0; clocks && i < x->peer_count; i++) {
		if (x->peers[i]->greeted)
			clocks[n++] = clock_of(x->peers[i]);
	}
	if (n) {
		qsort(clocks, n, sizeof *clocks, by_value);
		*clock = clocks[(n - 1) / 2];
	}
	free(clocks);
	return n > 0;
}

/* SPEC 5.5: "min(own clock, lower median of the neighbours' clocks) - 48 h" */
static uint32_t floor_aim(const struct exchange *x, uint64_t theirs)
{
	return hours_behind(theirs < x->now.wall ? theirs : x->now.wall);
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
	if (s->get_floor(s->self, &x->floor) != ERR_OK)
		x->floor = 0;
}

/* SPEC 5.5: "A new store has no floor until its clock and the lower median of its neighbours'
 * clocks are within two hours." For a first floor is never taken back, and a clock alone may be
 * wrong by years. */
void floor_begin(struct exchange *x)
{
	uint64_t theirs, apart;
	uint32_t aim;

	if (x->floor || !neighbours_clock(x, &theirs))
		return;
	apart = theirs > x->now.wall ? theirs - x->now.wall : x->now.wall - theirs;
	if (apart > CLOCKS_AGREE_MS)
		return;
	aim = floor_aim(x, theirs);
	if (floor_save(x, aim) == ERR_OK)
		x->floor = aim;
}

/* SPEC 5.5: "A session uses the higher of the two ends' floors; when neither has one, the lower of
 * their two clocks - 48 h." */
uint32_t floor_session(const struct peer *p)
{
	const struct frame_hello *hello = session_peer_hello(p->session);
	uint64_t ours = p->x->now.wall, theirs = clock_of(p);

	if (p->x->floor == 0 && hello->floor == 0)
		return hours_behind(theirs < ours ? theirs : ours);
	return hello->floor > p->x->floor ? hello->floor : p->x->floor;
}

/* The lower median of the floors of open sessions; 0 without any. */
static uint32_t sessions_floor(const struct exchange *x)
{
	uint64_t *floors = x->peer_count ? malloc(x->peer_count * sizeof *floors) : NULL;
	uint32_t floor = 0;
	size_t n = 0;

	for (size_t i = 0; floors && i < x->peer_count; i++) {
		if (x->peers[i]->status.state == PEER_OPEN)
			floors[n++] = floor_session(x->peers[i]);
	}
	if (n) {
		qsort(floors, n, sizeof *floors, by_value);
		floor = (uint32_t)floors[(n - 1) / 2];
	}
	free(floors);
	return floor;
}

uint32_t exchange_own_floor(const struct exchange *x)
{
	return x->floor;
}

/* SPEC 5.5: "An author goes by the higher of its own floor and the lower median of the floors of
 * its open sessions" */
uint32_t exchange_floor(const struct exchange *x)
{
	uint32_t floor = sessions_floor(x), own = hours_behind(x->now.wall);

	/* SPEC 5.5: "When it has a floor of its own and its clock is not behind that, it goes by
	 * none that is above its clock - 48 h" */
	if (x->floor && own >= x->floor && floor > own)
		floor = own;
	return floor > x->floor ? floor : x->floor;
}

uint32_t exchange_hour(const struct exchange *x)
{
	uint32_t floor = exchange_floor(x), own = (uint32_t)(x->now.wall / HOUR_MS);

	/* A floor is what a federation agreed on: a clock before it is wrong. */
	return floor && own < floor + FLOOR_LAG_HOURS ? floor + FLOOR_LAG_HOURS : own;
}

/* SPEC 5.5: "It never falls, and rises at most 24 hours for each hour of a monotonic clock; what
 * it did not rise is not made up for later, and a start begins at nothing." */
void floor_raise(struct exchange *x)
{
	uint64_t hours = (x->now.mono - x->floor_raised) / HOUR_MS * FLOOR_RISE_HOURS, theirs;
	uint32_t aim;

	if (hours == 0 || x->floor == 0)
		return;
	x->floor_raised = x->now.mono;
	/* SPEC 5.5: "A node that no neighbour has greeted since its start leaves it where it is" */
	if (!neighbours_clock(x, &theirs))
		return;
	aim = floor_aim(x, theirs);
	if (aim <= x->floor)
		return;
	if (aim - x->floor > hours)
		aim = x->floor + (uint32_t)hours;
	/* In force once persisted: after a restart it must not be lower. */
	if (floor_save(x, aim) == ERR_OK)
		x->floor = aim;
}
