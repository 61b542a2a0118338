/* What a node does about incidents by itself: what would expire is said again, and what is due, or
 * should have been done, is a warning. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/admin/answer.h"
#include "node/incident_case.h"
#include "node/node_parts.h"
#include "node/say.h"

enum {
	HOUR_MS = 3600000,
	SOON_MS = 2 * HOUR_MS,    /* before something is due */
	LOOK_MS = HOUR_MS,        /* at the latest */
	RENEW_HOURS_MAX = 14 * 24 /* before it expires, or a quarter of its life */
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
static enum err renew(struct look *l, const struct incident_case *c)
{
	struct caller self = {.uid = getuid(), .gid = getgid(), .pid = getpid()};
	struct answer a = {.node = l->node, .log = l->log, .index = l->index, .caller = &self};
	char hex[2 * MESSAGE_ID_BYTES + 1];
	cJSON *request = cJSON_CreateObject();
	enum err e;

	cJSON_AddStringToObject(request, "do", "incident-say");
	cJSON_AddStringToObject(request, "action", "renew");
	cJSON_AddStringToObject(request, "id", hex_encode(hex, c->root.b, MESSAGE_ID_BYTES));
	report_init(&a.report);
	text_init(&a.reply);
	text_init(&a.summary);
	admin_request_init(&a.request, request, &a.report);
	(void)admin_string(&a.request, "do");
	e = answer_incident_say(&a);
	if (e)
		say(LEVEL_WARNING, "incident %s could not be renewed: %s",
		    incident_text(c->state, "number"),
		    a.report.count ? report_first(&a.report) : err_str(e));
	text_clear(&a.reply);
	text_clear(&a.summary);
	report_clear(&a.report);
	cJSON_Delete(request);
	return e;
}

/* SPEC 8.9.5: "The owner's node renews what is not closed before its events expire." */
static void renew_what_expires(struct look *l, const struct incident_case *c)
{
	uint32_t hour = (uint32_t)(l->now / HOUR_MS);
	uint32_t before = l->topology->policy.expiry_days[c->tlp] * 24 / 4;
	uint64_t at;

	if (before > RENEW_HOURS_MAX)
		before = RENEW_HOURS_MAX;
	at = (uint64_t)(c->expiry - before) * HOUR_MS;
	if (c->expiry <= hour + before)
		(void)renew(l, c);
	else if (at < l->next)
		l->next = at;
}

static void warn(struct look *l, const struct incident_case *c, const struct incident_clock *k)
{
	const char *number = incident_text(c->state, "number");
	const char *owner = incident_text(c->state, "owner");

	if (k->parents)
		status_warn(l->node, NULL, "incident %s of %s has not been acknowledged%s", number,
			    owner, l->now < k->due ? ", and must be in two hours" : " in time");
	else if (l->now < k->due)
		status_warn(l->node, NULL, "incident %s of %s: its %s is due in two hours", number,
			    owner, k->what);
	else
		status_warn(l->node, NULL, "incident %s of %s: its %s is overdue", number, owner,
			    k->what);
}

static void watch_clocks(struct look *l, const struct incident_case *c, bool ours, bool below)
{
	struct incident_clock clocks[INCIDENT_CLOCKS];
	size_t n = incident_clocks(clocks, c->state, &l->topology->policy);

	for (size_t i = 0; i < n; i++) {
		uint64_t soon = clocks[i].due > SOON_MS ? clocks[i].due - SOON_MS : 0;
		if (clocks[i].done || !(clocks[i].parents ? below : ours || below))
			continue;
		if (l->now >= soon)
			warn(l, c, &clocks[i]);
		if (soon > l->now && soon < l->next)
			l->next = soon;
		else if (clocks[i].due > l->now && clocks[i].due < l->next)
			l->next = clocks[i].due;
	}
}

static void look_at(struct look *l, const struct incident_case *c)
{
	const struct party *owner = topology_party(l->topology, incident_text(c->state, "owner"));
	bool ours = is_ours(l, owner), below = is_below(l, owner);

	if (ours && !incident_closed(c->state))
		renew_what_expires(l, c);
	if (ours || below)
		watch_clocks(l, c, ours, below);
}

static enum err look_at_all(struct look *l)
{
	struct message_id root = {{0}};
	enum err e;

	while ((e = index_incident_next(l->index, &root)) == ERR_OK) {
		struct incident_case c;
		e = case_read(&c, l->node, l->log, l->index, &root, true);
		if (e == ERR_NOT_FOUND)
			continue;
		if (e)
			return e;
		if (c.state)
			look_at(l, &c);
		case_clear(&c);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err look(struct look *l)
{
	struct node *n = l->node;
	uint64_t events;
	enum err e = log_reader_renew(l->log);

	if (!e)
		e = index_reader_renew(l->index);
	if (!e)
		e = index_incident_count(l->index, &events);
	if (e || (events == n->incidents.events && l->now < n->incidents.due))
		return e;
	l->next = l->now + LOOK_MS;
	if (events)
		e = look_at_all(l);
	if (!e) {
		status_unwarn(n, "incident ", l->now);
		n->incidents.events = events;
		n->incidents.due = l->next;
	}
	return e;
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
	wait = n->incidents.due > l.now ? n->incidents.due - l.now : 0;
	/* The wall clock may be set meanwhile. */
	if (wait > LOOK_MS)
		wait = LOOK_MS;
	if (!e && now + wait < *next)
		*next = now + wait;
	return e;
}
