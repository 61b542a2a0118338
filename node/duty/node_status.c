/* The picture of the loop's side that other threads may look at. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/say.h"

enum { REFRESH_MS = 100, WARNING_LIFE_MS = 24 * 3600 * 1000, HOUR_MS = 3600 * 1000 };

static bool same_subject(const struct warning *a, const struct warning *b)
{
	return party_id_equal(&a->about, &b->about);
}

/* The oldest warning of whoever causes most of them: a neighbour that finds ever new ways to be
 * warned of does not push out what is said of others. */
static size_t warning_to_lose(const struct node *n)
{
	size_t lose = 0, most = 0;

	for (size_t i = 0; i < n->warning_count; i++) {
		size_t count = 0;
		for (size_t k = 0; k < n->warning_count; k++)
			count += same_subject(&n->warnings[i], &n->warnings[k]);
		if (count >= most) {
			most = count;
			lose = i;
		}
	}
	return lose;
}

void status_warn(struct node *n, const struct party_id *about, const char *format, ...)
{
	struct warning w = {.at = clock_wall()};
	va_list args;
	size_t i = 0;

	if (about)
		w.about = *about;

	va_start(args, format);
	vsnprintf(w.text, sizeof w.text, format, args);
	va_end(args);
	utf8_trim(w.text);
	pthread_mutex_lock(&n->lock);
	while (i < n->warning_count && strcmp(n->warnings[i].text, w.text) != 0)
		i++;
	if (i == n->warning_count) {
		say(LEVEL_WARNING, "%s", w.text);
		if (n->warning_count < WARNINGS_MAX)
			n->warning_count++;
		else
			i = warning_to_lose(n);
	}
	/* Said again: only its time is new. */
	memmove(&n->warnings[1], &n->warnings[0], i * sizeof n->warnings[0]);
	n->warnings[0] = w;
	pthread_mutex_unlock(&n->lock);
}

void status_unwarn(struct node *n, const char *prefix, uint64_t since)
{
	size_t kept = 0;

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->warning_count; i++) {
		const struct warning *w = &n->warnings[i];
		if (w->at >= since || strncmp(w->text, prefix, strlen(prefix)) != 0)
			n->warnings[kept++] = *w;
	}
	n->warning_count = kept;
	pthread_mutex_unlock(&n->lock);
}

void node_exported(struct node *n, const struct export_status *status)
{
	size_t i = 0;

	pthread_mutex_lock(&n->lock);
	while (i < n->export_count && strcmp(n->exports[i].name, status->name) != 0)
		i++;
	if (i < EXPORTS_MAX) {
		n->exports[i] = *status;
		n->export_count += i == n->export_count;
	}
	pthread_mutex_unlock(&n->lock);
	if (*status->failed)
		say(LEVEL_WARNING, "export %s: %s", status->name, status->failed);
}

size_t node_exports(struct node *n, struct export_status *out)
{
	size_t count;

	pthread_mutex_lock(&n->lock);
	count = n->export_count;
	memcpy(out, n->exports, count * sizeof *out);
	pthread_mutex_unlock(&n->lock);
	return count;
}

void node_inflow(struct node *n, const struct inflow_status *status)
{
	size_t i = 0;

	pthread_mutex_lock(&n->lock);
	while (i < n->inflow_count && (n->inflows[i].kind != status->kind ||
				       strcmp(n->inflows[i].name, status->name) != 0))
		i++;
	if (i < INFLOWS_MAX) {
		struct inflow_status *s = &n->inflows[i];
		uint64_t taken = i < n->inflow_count ? s->taken : 0;
		uint64_t at = i < n->inflow_count ? s->at : 0;
		*s = *status;
		s->taken += taken;
		s->at = status->taken ? status->at : at;
		n->inflow_count += i == n->inflow_count;
	}
	pthread_mutex_unlock(&n->lock);
}

size_t node_inflows(struct node *n, struct inflow_status *out)
{
	size_t count;

	pthread_mutex_lock(&n->lock);
	count = n->inflow_count;
	memcpy(out, n->inflows, count * sizeof *out);
	pthread_mutex_unlock(&n->lock);
	return count;
}

static const char *state_of(const struct neighbour *b, const struct peer_status *p)
{
	if (p->state == PEER_OPEN)
		return "up";
	return b->refused && !b->connected ? "refused" : "connecting";
}

static void quarantine_fill(struct link_status *l, const struct quarantine *q)
{
	char until[TIME_BYTES] = "it is released";

	if (q->until != UINT64_MAX)
		time_format(until, q->until);
	l->state = "quarantined";
	snprintf(l->reason, sizeof l->reason, "in quarantine until %s%s%s", until,
		 *q->because ? ": " : "", q->because);
}

static void link_fill(struct link_status *l, const struct neighbour *b, const struct peer_status *p)
{
	*l = (struct link_status){.kind = p->kind,
				  .state = state_of(b, p),
				  .since = b->refused ? b->refused_since : p->since,
				  .sent = p->sent,
				  .received = p->received,
				  .waiting = p->waiting,
				  .clock_ahead = p->clock_ahead,
				  .reconciled = p->reconciled};
	memcpy(l->peer, b->name, sizeof l->peer);
	memcpy(l->paused, p->paused, p->paused_count * sizeof *p->paused);
	l->paused_count = p->paused_count;
	l->held = p->held;
	if (p->state != PEER_OPEN)
		snprintf(l->reason, sizeof l->reason, "%s", b->refused ? b->reason : p->reason);
}

static void warnings_fill(struct node *n, struct node_status *s, uint64_t wall)
{
	s->warning_count = 0;
	for (size_t i = 0; i < n->warning_count; i++) {
		if (n->warnings[i].at + WARNING_LIFE_MS > wall)
			memcpy(s->warnings[s->warning_count++], n->warnings[i].text, WARNING_BYTES);
	}
}

uint64_t status_refresh(struct node *n)
{
	uint64_t now = clock_monotonic();
	struct node_status *s = &n->status;
	unsigned full;
	bool of_index;
	enum err e;

	if (!n->status_stale)
		return LOOP_NEVER;
	if (n->status_at && now < n->status_at + REFRESH_MS)
		return n->status_at + REFRESH_MS;
	n->status_stale = false;
	full = log_fullness(n->log);
	e = folder_state(n->folder, &of_index);
	trouble_look(n);
	pthread_mutex_lock(&n->lock);
	n->status_at = now;
	s->link_count = 0;
	for (size_t i = 0; i < exchange_peer_count(n->exchange) && s->link_count < PEERS_SHOWN_MAX;
	     i++) {
		struct peer_status p;
		const struct neighbour *b;
		exchange_peer(n->exchange, i, &p);
		b = links_find(n, &p.id);
		if (b && p.kind != LINK_FORMER) {
			const struct quarantine *q = quarantine_of(n, &p.id);
			struct link_status *l = &s->links[s->link_count++];
			link_fill(l, b, &p);
			if (q)
				quarantine_fill(l, q);
		}
	}
	memcpy(s->paused, n->quotas.paused, sizeof s->paused);
	s->paused_count = n->quotas.paused_count;
	s->store_state = exchange_store_state(n->exchange);
	/* A rebuild is no fault. */
	s->folder_state = e == ERR_BUSY ? ERR_OK : e;
	s->stuck = of_index ? NULL : atomic_load(&n->stuck);
	s->fullness = full;
	s->floor = exchange_floor(n->exchange);
	s->hour = exchange_hour(n->exchange);
	s->started = n->started;
	warnings_fill(n, s, clock_wall());
	pthread_mutex_unlock(&n->lock);
	return LOOP_NEVER;
}

uint32_t status_floor(struct node *n)
{
	uint32_t floor;

	pthread_mutex_lock(&n->lock);
	floor = n->status.floor;
	pthread_mutex_unlock(&n->lock);
	return floor;
}

void node_status(struct node *n, struct node_status *out)
{
	pthread_mutex_lock(&n->lock);
	*out = n->status;
	out->alarm_count = n->alarm_count;
	memcpy(out->alarms, n->alarms, n->alarm_count * sizeof n->alarms[0]);
	pthread_mutex_unlock(&n->lock);
}

uint32_t node_hour(struct node *n)
{
	uint32_t hour;

	pthread_mutex_lock(&n->lock);
	hour = n->status.floor ? n->status.hour : (uint32_t)(clock_wall() / HOUR_MS);
	pthread_mutex_unlock(&n->lock);
	return hour;
}

/* SPEC 5.5: "it counts the life of a message from the later of its clock and that floor + 48 h, and
 * ends it 402 days less six hours after that floor at the latest" */
uint32_t node_expiry(struct node *n, uint32_t hours)
{
	uint32_t expiry = node_hour(n) + hours, latest;

	pthread_mutex_lock(&n->lock);
	latest = n->status.floor ? n->status.floor + AUTHOR_SPAN_HOURS : UINT32_MAX;
	pthread_mutex_unlock(&n->lock);
	return expiry < latest ? expiry : latest;
}
