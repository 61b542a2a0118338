/* Following the log for beacons, and keeping what is seen of them: gaps, and authors that run
 * twice.
 *
 * Work is bounded for each author.  What looks at a stream took so long is not done again before
 * twenty times as long has passed; an author who claims much only waits. */
#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/say.h"
#include "node/duty/watch.h"
#include "protocol/bytes.h"

enum {
	ROWS_AT_ONCE = 20000,
	STREAMS_AT_ONCE = 1000,
	LOOKS_MS = 200, /* in one run */
	COST = 20,
	GAPS_EVERY_MS = 1000,
	MINUTE_MS = 60 * 1000,
	AUDIENCE_OFFSET = 40,
	INCARNATION_OFFSET = 56,
};

struct watch *watch_new(void)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->streams = calloc(WATCHED_STREAMS_MAX, sizeof *w->streams);
	if (gaps_init(&w->gaps) == ERR_OK && w->streams)
		return w;
	watch_free(w);
	return NULL;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	free(w->origins);
	free(w->streams);
	gaps_clear(&w->gaps);
	free(w);
}

static void lower(uint64_t *next, uint64_t at)
{
	if (at < *next)
		*next = at;
}

/* ---- authors ---- */

static size_t place_of(const struct watch *w, const struct party_id *id)
{
	size_t low = 0, high = w->origin_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(w->origins[middle].id.b, id->b, PARTY_ID_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct watched *origin_find(const struct watch *w, const struct party_id *id)
{
	size_t at = place_of(w, id);

	return at < w->origin_count && party_id_equal(&w->origins[at].id, id) ? &w->origins[at]
									      : NULL;
}

/* Only parties of the topology have beacons that are accepted: there are no more of them. */
static struct watched *origin_make(struct watch *w, const struct party_id *id)
{
	struct watched *grown = origin_find(w, id);
	size_t at = place_of(w, id);

	if (grown)
		return grown;
	grown = realloc(w->origins, (w->origin_count + 1) * sizeof *grown);
	if (!grown)
		return NULL;
	w->origins = grown;
	memmove(grown + at + 1, grown + at, (w->origin_count - at) * sizeof *grown);
	grown[at] = (struct watched){.id = *id};
	w->origin_count++;
	return &grown[at];
}

/* ---- what is to be looked at ---- */

static bool is_for_all(const struct stream *s)
{
	struct audience_id all = audience_all();

	return memcmp(s->audience.b, all.b, AUDIENCE_ID_BYTES) == 0;
}

/* False when the author has too much waiting. */
static bool enqueue(struct watch *w, const struct stream *s)
{
	struct watched *o = origin_make(w, &s->origin);

	if (!o)
		return false;
	if (is_for_all(s))
		o->twice = true;
	for (size_t i = 0, seen = 0; seen < o->waiting && i < w->stream_count; i++) {
		if (stream_equal(&w->streams[i], s))
			return true;
		seen += party_id_equal(&w->streams[i].origin, &s->origin);
	}
	if (o->waiting == WATCHED_OF_ORIGIN_MAX || w->stream_count == WATCHED_STREAMS_MAX)
		return false;
	w->streams[w->stream_count++] = *s;
	o->waiting++;
	return true;
}

/* After a start: all streams with beacons, some at a time. */
static enum err list_streams(struct watch *w, struct look *l)
{
	enum err e = ERR_OK;

	for (int i = 0; i < STREAMS_AT_ONCE && !w->listed; i++) {
		struct stream before = w->list;
		e = index_beacon_stream(l->index, &w->list);
		if (e == ERR_NOT_FOUND)
			w->listed = true;
		if (e)
			break;
		if (enqueue(w, &w->list))
			continue;
		/* The rest of this one's waits until some of it is done. */
		w->list = before;
		break;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void follow_row(struct watch *w, const struct log_row *row)
{
	const struct watched *o;
	struct stream s;

	if (row->kind != LOG_MESSAGE || row->verdict != VERDICT_ACCEPTED ||
	    row->length < HEADER_FIXED_BYTES)
		return;
	memcpy(s.origin.b, row->data + ORIGIN_OFFSET, PARTY_ID_BYTES);
	memcpy(s.audience.b, row->data + AUDIENCE_OFFSET, AUDIENCE_ID_BYTES);
	if (row->data[KIND_OFFSET] == KIND_BEACON) {
		enqueue(w, &s);
		return;
	}
	/* Does an incarnation go on that another has taken over from? */
	o = origin_find(w, &s.origin);
	if (o && o->known && is_for_all(&s) &&
	    get_u64(row->data + INCARNATION_OFFSET) != o->incarnation)
		enqueue(w, &s);
}

static enum err follow(struct watch *w, struct look *l, uint64_t until)
{
	enum err e = ERR_OK;

	for (int i = 0; i < ROWS_AT_ONCE && !e && w->done < until; i++) {
		struct log_row row;
		e = log_read_from(l->log, w->done + 1, &row);
		if (e == ERR_DAMAGED && row.lsn > w->done)
			e = ERR_OK;
		else if (!e)
			follow_row(w, &row);
		if (!e)
			w->done = row.lsn;
	}
	return e;
}

/* ---- gaps ---- */

struct ask_call {
	struct desk_call call;
	struct node *node;
	const struct header *header;
};

static void ask_run(struct desk_call *call)
{
	struct ask_call *a = call->arg;

	exchange_reconcile(a->node->exchange, a->header, node_now());
	desk_done(a->node->desk, call);
}

/* SPEC 5.11: "What is missing is asked of every neighbour whose link carries the audience" */
static void ask(struct look *l)
{
	struct ask_call a = {.call = {.run = ask_run}, .node = l->node, .header = &l->header};

	a.call.arg = &a;
	desk_call(l->node->desk, &a.call);
}

/* What was found replaces what was known of the stream. */
static void gap_take(struct watch *w, struct look *l, const struct gap *found)
{
	struct gap *g = gaps_find(&w->gaps, &found->stream);

	if (g && g->reported && found->total == 0)
		say(LEVEL_INFO, "no longer missing: %s", g->text);
	g = gaps_take(&w->gaps, found, l->now);
	if (!g)
		return;
	ask(l);
	gap_describe(l, g);
}

/* Of oneself nothing is missing that reconciliation would not find; who is not in the federation
 * any more may say what it likes. */
static bool is_watched(const struct look *l, const struct party_id *origin)
{
	const struct party *p = topology_party_by_id(l->topology, origin);

	return p && !p->left && !party_id_equal(origin, &l->self);
}

static enum err stream_look(struct watch *w, struct look *l, const struct stream *s,
			    struct watched *o)
{
	struct gap found = {.stream = *s};
	struct forgotten forgotten;
	enum err e = ERR_OK;

	if (is_for_all(s) && o->twice) {
		o->twice = false;
		e = heirs_look(l, o);
	}
	if (!e)
		e = gap_look(l, &found, &forgotten);
	if (e && e != ERR_NOT_FOUND)
		return e;
	/* Who told of it is not here any more: nobody says that it exists. */
	if (e)
		found.total = 0;
	if (!e && forgotten.at)
		heirs_alarm(l, o, l->header.incarnation, forgotten.incarnation, forgotten.at);
	if (!is_watched(l, &s->origin))
		found.total = 0;
	gap_take(w, l, &found);
	return ERR_OK;
}

/* Looks at what waits; an author whose last look was long ago enough comes first. */
static enum err look_at_streams(struct watch *w, struct look *l, uint64_t *next)
{
	uint64_t begun = clock_monotonic();
	size_t kept = 0, i = 0;
	enum err e = ERR_OK;

	for (; i < w->stream_count && !e; i++) {
		struct stream s = w->streams[i];
		struct watched *o = origin_find(w, &s.origin);
		uint64_t now = clock_monotonic(), until;
		if (o && (o->next > now || now - begun > LOOKS_MS)) {
			lower(next, o->next > now ? o->next : now);
			w->streams[kept++] = s;
			continue;
		}
		if (o)
			e = stream_look(w, l, &s, o);
		if (e) {
			w->streams[kept++] = s;
			continue;
		}
		if (o) {
			until = clock_monotonic();
			o->waiting--;
			o->next = until + COST * (until - now);
		}
	}
	memmove(w->streams + kept, w->streams + i, (w->stream_count - i) * sizeof *w->streams);
	w->stream_count = kept + w->stream_count - i;
	return e;
}

static enum err look_at_gap(struct watch *w, struct look *l, struct gap *g, uint64_t *next)
{
	uint64_t patience = (uint64_t)node_config(l->node)->missing_minutes * MINUTE_MS;
	struct seen_stream seen;
	const struct gap_view view = gap_view_of(&seen, l, &g->stream);
	bool changed = false;
	enum err e = ERR_OK;

	if (l->now < g->next)
		e = gap_changed(g, &view, &changed);
	if ((changed || l->now >= g->next) && enqueue(w, &g->stream)) {
		gap_look_begins(g, l->now);
		lower(next, l->now);
	}
	if (gap_is_news(g, l->now, patience))
		say(LEVEL_WARNING, "%s", g->text);
	lower(next, gap_deadline(g, patience));
	return e;
}

static enum err look_at_gaps(struct watch *w, struct look *l, uint64_t *next)
{
	enum err e = ERR_OK;

	if (w->gaps.count && l->now < w->gaps_next) {
		lower(next, w->gaps_next);
		return ERR_OK;
	}
	w->gaps_next = l->now + GAPS_EVERY_MS;
	for (size_t i = 0; i < w->gaps.count && !e; i++)
		e = look_at_gap(w, l, &w->gaps.gaps[i], next);
	return e;
}

_Static_assert((int)GAP_TEXT_BYTES == (int)ALARM_BYTES, "the sentence of a gap is an alarm");

/* ---- what is shown ---- */

/* Hands the alarms to `status`; those that are over are forgotten. */
static void show(struct watch *w, struct look *l, uint64_t *next)
{
	struct node *n = l->node;
	size_t count = 0;

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < w->origin_count; i++) {
		struct watched *o = &w->origins[i];
		if (o->until <= l->wall)
			o->until = 0;
		if (!o->until)
			continue;
		lower(next, l->now + MINUTE_MS);
		if (count < WARNINGS_MAX)
			memcpy(n->alarms[count++], o->text, ALARM_BYTES);
	}
	count += evidence_alarms(n, l->topology, n->alarms + count, WARNINGS_MAX - count);
	count += audit_alarms(n, l->topology, n->alarms + count, WARNINGS_MAX - count);
	for (size_t i = 0; i < w->gaps.count && count < WARNINGS_MAX; i++) {
		if (w->gaps.gaps[i].reported)
			memcpy(n->alarms[count++], w->gaps.gaps[i].text, ALARM_BYTES);
	}
	n->alarm_count = count;
	pthread_mutex_unlock(&n->lock);
}

/* ---- the duty ---- */

static enum err run(struct watch *w, struct look *l, uint64_t *next)
{
	uint64_t until = 0;
	enum err e = index_folded(l->index, &until);

	if (!e && !w->begun) {
		w->done = until;
		w->begun = true;
	}
	if (!e)
		e = follow(w, l, until);
	if (!e)
		e = list_streams(w, l);
	if (!e)
		e = look_at_streams(w, l, next);
	if (!e)
		e = look_at_gaps(w, l, next);
	if (w->done < until || !w->listed)
		lower(next, l->now + (w->stream_count == 0 ? 0 : 10));
	show(w, l, next);
	return e;
}

enum err duty_watch(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t = versions_newest(n->versions);
	struct look *l;
	enum err e;

	if (!t)
		return ERR_OK;
	l = calloc(1, sizeof *l);
	if (!l)
		return ERR_MEMORY;
	l->node = n;
	l->topology = t;
	l->self = party_id_of(&t->network, n->config->node);
	l->hour = node_hour(n);
	l->now = now;
	l->wall = clock_wall();
	e = views_open(n, &l->index, &l->log);
	if (!e)
		e = run(n->watch, l, next);
	views_close(l->index, l->log);
	free(l);
	return e;
}
