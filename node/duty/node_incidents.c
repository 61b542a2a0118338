/* What a node does about incidents by itself: what would expire is said again, and what is due, or
 * should have been done, is a warning. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/admin/errand.h"
#include "node/incident_case.h"
#include "node/node_parts.h"
#include "node/say.h"

enum {
	HOUR_MS = 3600000,
	SOON_MS = 2 * HOUR_MS,    /* before something is due */
	LOOK_MS = HOUR_MS,        /* at the latest */
	RENEW_HOURS_MAX = 14 * 24 /* before it expires, or a quarter of its life */
};

/* What the duty knows of an incident, so that it is not folded at every look. */
struct watched {
	struct message_id root;
	uint64_t mark; /* of its events: see index_incident_each() */
	bool told;     /* what follows is known; else no event tells its state */
	bool closed, ours, below;
	uint32_t expiry; /* hours: see incident_case */
	enum tlp tlp;
	char number[INCIDENT_NUMBER_MAX_BYTES + 1], owner[NAME_MAX_BYTES + 1];
	struct incident_clock clocks[INCIDENT_CLOCKS];
	size_t clock_count;
};

struct incident_book {
	struct watched *items; /* owned; ascending by root */
	size_t count;
	uint64_t events;  /* that there were */
	uint32_t version; /* of the topology under which all were looked at, and */
	uint64_t changes; /* of what waits after a restore, and */
	uint64_t from;    /* wall ms: since when */
	uint64_t due;     /* wall ms: when to look again */
};

struct look {
	struct node *node;
	struct log_reader *log;
	struct index_reader *index;
	const struct topology *topology;
	const struct party *self;
	uint64_t now, next; /* wall ms */
};

/* The node itself, or a role for which it acts. */
static bool is_ours(const struct look *l, const struct party *p)
{
	return p == l->self || (p && p->kind == PARTY_ROLE && p->holder_count > 0 &&
				&l->topology->parties[p->holders[0]] == l->self);
}

/* Whether this node, or a role that it acts for, is above the party. */
static bool is_below(const struct look *l, const struct party *p)
{
	const struct topology *t = l->topology;

	for (size_t i = 0; p && i < t->party_count; i++)
		if (&t->parties[i] != p && is_ours(l, &t->parties[i]) &&
		    topology_above(t, topology_index(t, p), i))
			return true;
	return false;
}

/* As an operator would. */
static enum err renew(struct look *l, const struct watched *w)
{
	struct errand errand = {.node = l->node,
				.log = l->log,
				.index = l->index,
				.caller = {.uid = getuid(), .gid = getgid(), .pid = getpid()}};
	char hex[2 * MESSAGE_ID_BYTES + 1];
	cJSON *request = cJSON_CreateObject();
	struct report report;
	enum err e;

	cJSON_AddStringToObject(request, "do", "incident-say");
	cJSON_AddStringToObject(request, "action", "renew");
	cJSON_AddStringToObject(request, "id", hex_encode(hex, w->root.b, MESSAGE_ID_BYTES));
	errand.request = request;
	report_init(&report);
	e = errand_run(&errand, &report);
	if (e)
		say(LEVEL_WARNING, "incident %s could not be renewed: %s", w->number,
		    report.count ? report_first(&report) : err_str(e));
	report_clear(&report);
	cJSON_Delete(request);
	return e;
}

/* SPEC 8.9.5: "The owner's node renews what is not closed before its events expire." */
static void renew_what_expires(struct look *l, const struct watched *w)
{
	uint32_t hour = (uint32_t)(l->now / HOUR_MS);
	uint32_t before = l->topology->policy.expiry_days[w->tlp] * 24 / 4;
	uint64_t at;

	if (before > RENEW_HOURS_MAX)
		before = RENEW_HOURS_MAX;
	at = (uint64_t)(w->expiry - before) * HOUR_MS;
	if (w->expiry <= hour + before)
		(void)renew(l, w);
	else if (at < l->next)
		l->next = at;
}

static void warn(struct look *l, const struct watched *w, const struct incident_clock *k)
{
	if (k->parents)
		status_warn(l->node, NULL, "incident %s of %s has not been acknowledged%s",
			    w->number, w->owner,
			    l->now < k->due ? ", and must be in two hours" : " in time");
	else if (l->now < k->due)
		status_warn(l->node, NULL, "incident %s of %s: its %s is due in two hours",
			    w->number, w->owner, k->what);
	else
		status_warn(l->node, NULL, "incident %s of %s: its %s is overdue", w->number,
			    w->owner, k->what);
}

static void watch_clocks(struct look *l, const struct watched *w)
{
	for (size_t i = 0; i < w->clock_count; i++) {
		const struct incident_clock *k = &w->clocks[i];
		uint64_t soon = k->due > SOON_MS ? k->due - SOON_MS : 0;
		if (k->done || !(k->parents ? w->below : w->ours || w->below))
			continue;
		if (l->now >= soon)
			warn(l, w, k);
		if (soon > l->now && soon < l->next)
			l->next = soon;
		else if (k->due > l->now && k->due < l->next)
			l->next = k->due;
	}
}

/* ---- the book ---- */

struct incident_book *incident_book_new(void)
{
	return calloc(1, sizeof(struct incident_book));
}

void incident_book_free(struct incident_book *b)
{
	if (!b)
		return;
	free(b->items);
	free(b);
}

struct gathering {
	struct incident_book *book, made;
	size_t room, at; /* at: in the book, at or behind what was found last */
	bool stale;      /* nothing in the book is good any more */
	enum err e;
};

/* What is as it was is taken over, the others wait to be read. */
static bool gather(void *arg, const struct message_id *root, uint64_t mark)
{
	struct gathering *g = arg;
	struct incident_book *b = g->book;

	if (g->made.count == g->room) {
		size_t room = g->room ? 2 * g->room : 64;
		struct watched *grown = realloc(g->made.items, room * sizeof *grown);
		if (!grown) {
			g->e = ERR_MEMORY;
			return false;
		}
		g->made.items = grown;
		g->room = room;
	}
	while (g->at < b->count && memcmp(b->items[g->at].root.b, root->b, MESSAGE_ID_BYTES) < 0)
		g->at++;
	if (!g->stale && g->at < b->count && b->items[g->at].mark == mark &&
	    message_id_equal(&b->items[g->at].root, root))
		g->made.items[g->made.count++] = b->items[g->at];
	else
		g->made.items[g->made.count++] = (struct watched){.root = *root, .mark = mark};
	return true;
}

/* Folds the incident anew. */
static enum err watched_read(struct look *l, struct watched *w)
{
	struct incident_case c;
	const struct party *owner;
	enum err e = case_read(&c, l->node, l->log, l->index, &w->root, true);

	if (e || !c.state) {
		if (!e)
			case_clear(&c);
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	snprintf(w->number, sizeof w->number, "%s", incident_text(c.state, "number"));
	snprintf(w->owner, sizeof w->owner, "%s", incident_text(c.state, "owner"));
	owner = topology_party(l->topology, w->owner);
	w->told = true;
	w->closed = incident_closed(c.state);
	w->ours = is_ours(l, owner);
	w->below = is_below(l, owner);
	w->expiry = c.expiry;
	w->tlp = c.tlp;
	w->clock_count = incident_clocks(w->clocks, c.state, &l->topology->policy);
	case_clear(&c);
	return ERR_OK;
}

static bool is_stale(const struct look *l, const struct incident_book *b)
{
	return b->version != l->topology->version || l->now < b->from ||
	       l->now >= b->from + LOOK_MS ||
	       b->changes != atomic_load(&l->node->restoring.changes);
}

static enum err book_follow(struct look *l, struct incident_book *b)
{
	struct gathering g = {.book = b, .stale = is_stale(l, b)};
	uint64_t changes = atomic_load(&l->node->restoring.changes);
	enum err e = index_incident_each(l->index, gather, &g);

	if (!e)
		e = g.e;
	for (size_t i = 0; !e && i < g.made.count; i++)
		if (!g.made.items[i].told)
			e = watched_read(l, &g.made.items[i]);
	if (e) {
		free(g.made.items);
		return e;
	}
	free(b->items);
	b->items = g.made.items;
	b->count = g.made.count;
	b->version = l->topology->version;
	b->changes = changes;
	if (g.stale)
		b->from = l->now;
	return ERR_OK;
}

/* ---- the duty ---- */

static void look_at_all(struct look *l, const struct incident_book *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct watched *w = &b->items[i];
		if (w->told && w->ours && !w->closed)
			renew_what_expires(l, w);
		if (w->told)
			watch_clocks(l, w);
	}
}

static enum err look(struct look *l)
{
	struct incident_book *b = l->node->incidents;
	uint64_t events = 0;
	enum err e = log_reader_renew(l->log);

	if (!e)
		e = index_reader_renew(l->index);
	if (!e)
		e = index_incident_count(l->index, &events);
	if (e || (events == b->events && l->now < b->due && !is_stale(l, b)))
		return e;
	l->next = l->now + LOOK_MS;
	e = book_follow(l, b);
	if (e)
		return e;
	look_at_all(l, b);
	status_unwarn(l->node, "incident ", l->now);
	b->events = events;
	b->due = l->next;
	return ERR_OK;
}

enum err duty_incidents(struct node *n, uint64_t now, uint64_t *next)
{
	struct look l = {.node = n, .now = clock_wall()};
	uint64_t wait;
	enum err e;

	l.topology = versions_newest(n->versions);
	l.self = l.topology ? topology_party(l.topology, n->config->node) : NULL;
	if (!l.self)
		return ERR_OK;
	e = log_reader_open(&l.log, n->log);
	if (!e)
		e = index_reader_open(&l.index, n->index);
	if (!e)
		e = look(&l);
	if (l.index)
		index_reader_close(l.index);
	if (l.log)
		log_reader_close(l.log);
	wait = n->incidents->due > l.now ? n->incidents->due - l.now : 0;
	/* The wall clock may be set meanwhile. */
	if (wait > LOOK_MS)
		wait = LOOK_MS;
	if (!e && now + wait < *next)
		*next = now + wait;
	return e;
}
