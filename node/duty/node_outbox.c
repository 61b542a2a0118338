/* Makes what was held when its time has come. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/admin/errand.h"
#include "node/duty/holding.h"
#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/admin.h"
#include "protocol/bytes.h"

enum {
	RETRY_MS = 5000,
	LOOK_MS = 60000, /* at the latest: the wall clock may be set meanwhile */
	PREFIX_MIN = 4,
};

struct held {
	char id[OUTBOX_ID_DIGITS + 1];
	uint64_t due;   /* wall ms */
	uint64_t retry; /* mono ms: not before */
	bool sending, failed;
	bool waits; /* for an approval */
};

struct holding {
	pthread_mutex_t once; /* see node_once_begin() */
	pthread_mutex_t lock; /* of what follows */
	bool loaded;
	struct held items[OUTBOX_MAX]; /* ascending by due */
	size_t count;
};

struct holding *holding_new(void)
{
	struct holding *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	pthread_mutex_init(&h->once, NULL);
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void holding_free(struct holding *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->once);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void node_once_begin(struct node *n)
{
	pthread_mutex_lock(&n->holding->once);
}

void node_once_end(struct node *n)
{
	pthread_mutex_unlock(&n->holding->once);
}

/* ---- what is held; the caller holds the lock ---- */

static void insert(struct holding *h, const struct held *item)
{
	size_t at = h->count++;

	for (; at > 0 && h->items[at - 1].due > item->due; at--)
		h->items[at] = h->items[at - 1];
	h->items[at] = *item;
}

static void drop(struct holding *h, size_t at)
{
	memmove(&h->items[at], &h->items[at + 1], (--h->count - at) * sizeof *h->items);
}

static void load_one(struct holding *h, const struct node *n, const char *id)
{
	struct held held = {.failed = true};
	struct outbox_memory *memory;
	struct outbox_item item;
	enum err e = outbox_read(n->home, n->identity, id, &item, &memory);

	if (e)
		say(LEVEL_WARNING, "outbox/%s: cannot be read: %s", id, err_str(e));
	snprintf(held.id, sizeof held.id, "%s", id);
	if (!e) {
		held.due = item.due;
		held.failed = *item.failed != '\0';
		held.waits = item.wants_approval;
	}
	insert(h, &held);
	outbox_forget(memory);
}

static enum err load(struct holding *h, const struct node *n)
{
	char(*ids)[OUTBOX_ID_DIGITS + 1];
	size_t count = 0;
	enum err e;

	if (h->loaded)
		return ERR_OK;
	ids = calloc(OUTBOX_MAX, sizeof *ids);
	e = ids ? outbox_list(n->home, ids, &count) : ERR_MEMORY;
	for (size_t i = 0; !e && i < count; i++)
		load_one(h, n, ids[i]);
	h->loaded = !e;
	free(ids);
	return e;
}

static enum err begin(struct node *n)
{
	pthread_mutex_lock(&n->holding->lock);
	return load(n->holding, n);
}

static void end(struct node *n)
{
	pthread_mutex_unlock(&n->holding->lock);
}

/* ---- what others ask for ---- */

enum err holding_add(struct node *n, struct outbox_item *item, struct report *report)
{
	struct held held = {.due = item->due, .waits = item->wants_approval};
	uint8_t random[OUTBOX_ID_DIGITS / 2];
	enum err e = begin(n);

	randombytes_buf(random, sizeof random);
	hex_encode(item->id, random, sizeof random);
	memcpy(held.id, item->id, sizeof held.id);
	if (!e && n->holding->count == OUTBOX_MAX) {
		report_add(report, "%d requests are held already", OUTBOX_MAX);
		e = ERR_LIMIT;
	}
	if (!e)
		e = outbox_write(n->home, n->identity, item, report);
	if (!e)
		insert(n->holding, &held);
	end(n);
	if (!e)
		folder_wake(n->folder);
	return e;
}

/* The one whose id begins so.  The caller holds the lock. */
static enum err find(const struct holding *h, const char *prefix, size_t *at)
{
	size_t length = strlen(prefix), found = 0;

	*at = 0;
	for (size_t i = 0; i < h->count && length >= PREFIX_MIN; i++) {
		if (strncmp(h->items[i].id, prefix, length) != 0)
			continue;
		found++;
		*at = i;
	}
	if (found != 1)
		return found ? ERR_LIMIT : ERR_NOT_FOUND;
	return ERR_OK;
}

enum err holding_cancel(struct node *n, const char *prefix, char id[OUTBOX_ID_DIGITS + 1])
{
	struct holding *h = n->holding;
	size_t at = 0;
	enum err e = begin(n);

	if (!e)
		e = find(h, prefix, &at);
	if (!e && h->items[at].sending)
		e = ERR_STATE;
	if (!e) {
		memcpy(id, h->items[at].id, sizeof h->items[at].id);
		e = outbox_remove(n->home, id);
	}
	if (!e)
		drop(h, at);
	end(n);
	return e;
}

static enum err approve(struct node *n, struct held *held, uid_t approver, uid_t *of)
{
	struct outbox_memory *memory;
	struct outbox_item item;
	enum err e = outbox_read(n->home, n->identity, held->id, &item, &memory);

	if (!e && !item.wants_approval)
		e = ERR_STATE;
	if (!e && item.uid == approver)
		e = ERR_NOT_ALLOWED;
	if (!e) {
		*of = item.uid;
		item.wants_approval = false;
		item.approved = true;
		item.approver = approver;
		e = outbox_write(n->home, n->identity, &item, NULL);
	}
	if (!e)
		held->waits = false;
	outbox_forget(memory);
	return e;
}

enum err holding_approve(struct node *n, const char *prefix, uid_t approver,
			 char id[OUTBOX_ID_DIGITS + 1], uid_t *of)
{
	struct holding *h = n->holding;
	size_t at = 0;
	enum err e = begin(n);

	if (!e)
		e = find(h, prefix, &at);
	if (!e) {
		memcpy(id, h->items[at].id, sizeof h->items[at].id);
		e = approve(n, &h->items[at], approver, of);
	}
	end(n);
	if (!e)
		folder_wake(n->folder);
	return e;
}

enum err holding_list(struct node *n, char (*ids)[OUTBOX_ID_DIGITS + 1], size_t *count)
{
	enum err e = begin(n);

	*count = e ? 0 : n->holding->count;
	for (size_t i = 0; i < *count; i++)
		memcpy(ids[i], n->holding->items[i].id, sizeof *ids);
	end(n);
	return e;
}

size_t node_held_failed(struct node *n)
{
	size_t failed = 0;

	pthread_mutex_lock(&n->holding->lock);
	for (size_t i = 0; i < n->holding->count; i++)
		failed += n->holding->items[i].failed;
	pthread_mutex_unlock(&n->holding->lock);
	return failed;
}

/* ---- making it ---- */

struct making {
	struct node *node;
	struct outbox_item item;
	struct outbox_memory *memory;
	struct log_reader *log;
	struct index_reader *index;
	struct report report;
};

/* SPEC 9.12: "The ids of its messages are in the file before any of them can be sent" */
static enum err about_to_send(void *arg, const struct message_id *ids, size_t count)
{
	struct making *m = arg;

	m->item.sending_count = count < OUTBOX_SENDING_MAX ? count : OUTBOX_SENDING_MAX;
	memcpy(m->item.sending, ids, m->item.sending_count * sizeof *ids);
	return outbox_write(m->node->home, m->node->identity, &m->item, NULL);
}

/* A commit holds all of them or none. */
static bool was_sent(const struct making *m)
{
	uint64_t lsn;

	return m->item.sending_count && index_find(m->index, &m->item.sending[0], &lsn) == ERR_OK;
}

static enum err make(struct making *m)
{
	const struct before_sending before = {about_to_send, m};
	struct errand errand = {
		.node = m->node,
		.log = m->log,
		.index = m->index,
		.caller = {.uid = m->item.uid, .gid = m->item.gid, .pid = m->item.pid},
		.frames = m->item.frames,
		.frame_count = m->item.frame_count,
		.before = &before,
		.approved = m->item.approved,
		.audited = true};
	cJSON *json = NULL;
	enum err e = admin_parse(&json, m->item.request.at, m->item.request.length, &m->report);

	errand.request = json;
	if (!e)
		e = errand_run(&errand, &m->report);
	cJSON_Delete(json);
	return e;
}

/* Another time may be better, or there is nobody to be sent to any more. */
static bool may_pass(enum err e)
{
	return e == ERR_IO || e == ERR_FULL || e == ERR_MEMORY || e == ERR_BUSY || e == ERR_STATE;
}

/* True when it is over with it. */
static bool send_one(struct node *n, const char *id, bool *failed)
{
	struct making m = {.node = n};
	enum err e = outbox_read(n->home, n->identity, id, &m.item, &m.memory);

	report_init(&m.report);
	if (!e)
		e = log_reader_open(&m.log, n->log);
	if (!e)
		e = index_reader_open(&m.index, n->index);
	if (!e && !was_sent(&m))
		e = make(&m);
	if (!e)
		e = outbox_remove(n->home, id);
	*failed = e && !may_pass(e);
	if (*failed) {
		snprintf(m.item.failed, sizeof m.item.failed, "%s",
			 m.report.count ? report_first(&m.report) : err_str(e));
		say(LEVEL_WARNING, "what was held as %.8s cannot be sent: %s", id, m.item.failed);
		if (m.memory)
			(void)outbox_write(n->home, n->identity, &m.item, NULL);
	}
	if (m.index)
		index_reader_close(m.index);
	if (m.log)
		log_reader_close(m.log);
	outbox_forget(m.memory);
	report_clear(&m.report);
	return !e;
}

/* The place of one that is due; false when there is none.  The caller holds the lock. */
static bool due_find(const struct holding *h, uint64_t now, uint64_t wall, size_t *at)
{
	for (*at = 0; *at < h->count && h->items[*at].due <= wall; ++*at)
		if (!h->items[*at].failed && !h->items[*at].waits && h->items[*at].retry <= now)
			return true;
	return false;
}

static void wait_until(const struct holding *h, uint64_t now, uint64_t wall, uint64_t *next)
{
	for (size_t i = 0; i < h->count; i++) {
		const struct held *x = &h->items[i];
		uint64_t wait = x->due > wall ? x->due - wall : 0;
		if (x->failed || x->waits)
			continue;
		if (now + wait < x->retry)
			wait = x->retry - now;
		if (wait > LOOK_MS)
			wait = LOOK_MS;
		if (now + wait < *next)
			*next = now + wait;
	}
}

static size_t place_of(const struct holding *h, const char *id)
{
	size_t at = 0;

	while (strcmp(h->items[at].id, id) != 0)
		at++;
	return at;
}

enum err duty_outbox(struct node *n, uint64_t now, uint64_t *next)
{
	struct holding *h = n->holding;
	uint64_t wall = clock_wall();
	enum err e = begin(n);
	size_t at;

	while (!e && due_find(h, now, wall, &at)) {
		char id[OUTBOX_ID_DIGITS + 1];
		bool over, failed;

		memcpy(id, h->items[at].id, sizeof id);
		h->items[at].sending = true;
		end(n);
		over = send_one(n, id, &failed);
		(void)begin(n);
		at = place_of(h, id);
		h->items[at].sending = false;
		h->items[at].failed = failed;
		h->items[at].retry = now + RETRY_MS;
		if (over)
			drop(h, at);
	}
	wait_until(h, now, wall, next);
	end(n);
	return e;
}
