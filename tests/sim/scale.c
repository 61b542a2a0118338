/* A day of the thousand nodes, and what is read off it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/scale_state.h"

/* splitmix64 */
uint64_t scale_draw(struct scale_world *w)
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

size_t scale_below(struct scale_world *w, size_t n)
{
	return (size_t)(scale_draw(w) % n);
}

void scale_broken(struct scale_world *w, const struct member *m, const char *what)
{
	if (!w->result->passed)
		return;
	w->result->passed = false;
	snprintf(w->result->why, sizeof w->result->why, "%s: %.180s", m->name, what);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static struct scale_times times_of(uint64_t *values, size_t n)
{
	if (n == 0)
		return (struct scale_times){0};
	qsort(values, n, sizeof *values, by_value);
	return (struct scale_times){.median = values[(n - 1) / 2],
				    .p99 = values[(n - 1) * 99 / 100],
				    .most = values[n - 1]};
}

static void account_add(struct scale_account *a, const struct scale_account *b)
{
	a->frames += b->frames;
	a->bytes += b->bytes;
	a->pushes += b->pushes;
	a->push_bytes += b->push_bytes;
	a->answer_bytes += b->answer_bytes;
	a->reconcile_bytes += b->reconcile_bytes;
}

static void accounts_clear(struct scale_world *w)
{
	for (size_t i = 0; i < w->link_count; i++)
		w->links[i].account = (struct scale_account){0};
	for (size_t i = 0; i < w->member_count; i++) {
		struct member *m = &w->members[i];
		m->in = m->out = (struct scale_account){0};
		m->stored = 0;
	}
}

/* Messages at random moments of the time that follows. */
static void say_during(struct scale_world *w, unsigned messages, uint64_t time)
{
	uint64_t begun = w->now;

	for (unsigned i = 0; i < messages; i++)
		event_schedule(
			w, &(struct event){.due = begun + scale_below(w, time), .kind = EVENT_SAY});
	events_run(w, begun + time + 2 * MINUTE);
}

/* ---- who is away ---- */

/* The sector that stops is the last, and the operators that stop are those of others. */
static size_t sector_away(const struct scale_world *w)
{
	return w->plan.sectors;
}

static void leave(struct scale_world *w)
{
	unsigned left = 0;

	for (size_t i = w->member_count; i > 0 && left < 2 * w->plan.away; i--) {
		struct member *m = &w->members[i - 1];
		if (m->kind != MEMBER_OPERATOR || m->above == sector_away(w))
			continue;
		m->away = left++ % 2 ? RETURN_RESTORED : RETURN_LEAF;
		member_stop(m);
	}
	for (size_t i = 0; i < w->member_count; i++) {
		if (i == sector_away(w) || w->members[i].above == sector_away(w))
			w->members[i].away = RETURN_SECTOR;
	}
	member_stop(&w->members[sector_away(w)]);
}

static void lacking_count(struct scale_world *w, struct member *m, struct scale_return *r)
{
	m->lacking = 0;
	m->level_at = w->now;
	for (size_t i = 0; i < w->saying_count; i++) {
		const struct saying *s = &w->sayings[i];
		if (s->hops[m->index] != 0)
			continue;
		m->lacking++;
		r->lacked_bytes += s->bytes;
	}
	r->nodes++;
	r->lacked += m->lacking;
}

static bool level(const struct scale_world *w, enum scale_kind kind)
{
	for (size_t i = 0; i < w->member_count; i++) {
		if (w->members[i].away == kind && w->members[i].lacking)
			return false;
	}
	return true;
}

static void come_back(struct scale_world *w, enum scale_kind kind)
{
	struct scale_return *r = &w->result->returned[kind];
	uint64_t begun = w->now, *took = calloc(w->member_count, sizeof *took);
	struct store_id id;
	size_t n = 0;

	if (!took)
		abort();
	accounts_clear(w);
	for (size_t i = 0; i < w->member_count; i++) {
		struct member *m = &w->members[i];
		if (m->away != kind)
			continue;
		lacking_count(w, m, r);
		if (m->exchange)
			continue;
		for (size_t k = 0; kind == RETURN_RESTORED && k < sizeof id.b; k++)
			id.b[k] = (uint8_t)scale_draw(w);
		if (kind == RETURN_RESTORED)
			scale_store_rename(m->store, &id);
		member_boot(m);
	}
	while (!level(w, kind) && w->now < begun + 2 * HOUR && w->result->passed)
		events_run(w, w->now + SECOND);
	if (!level(w, kind))
		scale_broken(w, &w->members[0], "who was away is not level after two hours");
	/* What settles the last messages, and reconciliation, which follows what was known to lack.
	 */
	events_run(w, w->now + 5 * SECOND);
	for (size_t i = 0; i < w->member_count; i++) {
		if (w->members[i].away == kind)
			took[n++] = w->members[i].level_at - begun;
	}
	r->until_level = times_of(took, n);
	for (size_t i = 0; i < w->link_count; i++) {
		const struct connection *c = &w->links[i];
		if (w->members[c->a].away == kind || w->members[c->b].away == kind)
			account_add(&r->cost, &c->account);
	}
	free(took);
}

/* ---- what is read off ---- */

static void delivered_check(struct scale_world *w)
{
	for (size_t i = 0; i < w->saying_count; i++) {
		const struct saying *s = &w->sayings[i];
		for (size_t k = 0; k < w->member_count; k++) {
			if (s->hops[k] == 0 && w->members[k].away == RETURN_KINDS)
				scale_broken(w, &w->members[k], "lacks a message");
		}
	}
}

static void messages_read(struct scale_world *w)
{
	struct scale_result *r = w->result;
	uint64_t *all = calloc(w->saying_count + 1, sizeof *all);
	uint64_t *urgent = calloc(w->saying_count + 1, sizeof *urgent);
	uint64_t *sealed = calloc(w->saying_count + 1, sizeof *sealed);
	size_t alls = 0, urgents = 0, seals = 0;

	if (!all || !urgent || !sealed)
		abort();
	for (size_t i = 0; i < w->saying_count; i++) {
		const struct saying *s = &w->sayings[i];
		if (!s->of_the_day)
			continue;
		r->messages++;
		if (s->header->recipient_count)
			sealed[seals++] = s->last - s->at;
		else
			all[alls++] = s->last - s->at;
		if (!s->header->recipient_count && s->header->priority == PRIORITY_EMERGENCY)
			urgent[urgents++] = s->last - s->at;
	}
	r->to_all = alls;
	r->first_to_last = times_of(all, alls);
	r->urgent = times_of(urgent, urgents);
	r->sealed = times_of(sealed, seals);
	free(all);
	free(urgent);
	free(sealed);
}

static void nodes_read(struct scale_world *w)
{
	struct scale_result *r = w->result;
	struct scale_account *mean = &r->mean;
	uint64_t n = w->member_count;

	for (size_t i = 0; i < n; i++) {
		account_add(mean, &w->members[i].in);
		account_add(mean, &w->members[i].out);
	}
	mean->frames /= n;
	mean->bytes /= n;
	mean->pushes /= n;
	r->national_in = w->members[0].in;
	r->national_out = w->members[0].out;
	r->national_messages = w->members[0].stored;
}

static void quiet_read(struct scale_world *w)
{
	accounts_clear(w);
	events_run(w, w->now + 15 * MINUTE);
	for (size_t i = 0; i < w->link_count; i++)
		account_add(&w->result->quiet, &w->links[i].account);
}

static void day(struct scale_world *w)
{
	accounts_clear(w);
	w->day = true;
	say_during(w, w->plan.messages, w->plan.hours * HOUR);
	w->day = false;
	delivered_check(w);
	messages_read(w);
	nodes_read(w);
}

void scale_run(const struct scale_plan *plan, struct scale_result *result)
{
	struct scale_world w = {.plan = *plan, .result = result, .random = plan->seed};

	*result = (struct scale_result){.passed = true};
	federation_make(&w);
	for (size_t i = 0; i < w.member_count; i++)
		member_boot(&w.members[i]);
	events_run(&w, MINUTE);
	say_during(&w, plan->history, HOUR);
	delivered_check(&w);
	leave(&w);
	day(&w);
	quiet_read(&w);
	for (int kind = 0; kind < RETURN_KINDS; kind++)
		come_back(&w, (enum scale_kind)kind);
	for (size_t i = 0; i < w.member_count; i++)
		w.members[i].away = RETURN_KINDS;
	delivered_check(&w);
	events_clear(&w);
	federation_clear(&w);
}
