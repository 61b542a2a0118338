#include "node/duty/node_quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/bytes.h"

/* A clock that is set must not make one end much too late. */
enum { LOOK_AGAIN_MS = 10 * 1000, ENTRY_MAX_BYTES = PARTY_ID_BYTES + 9 + QUARANTINE_BECAUSE_BYTES };

static const char key[] = "quarantine";

static enum err decode(struct quarantines *q, const uint8_t *bytes, size_t n)
{
	struct reader r;

	reader_init(&r, bytes, n);
	while (!r.bad && r.left && q->count < QUARANTINES_MAX) {
		struct quarantine *one = &q->list[q->count++];
		size_t length;
		read_bytes(&r, one->peer.b, PARTY_ID_BYTES);
		one->until = read_u64(&r);
		length = read_u8(&r);
		if (length > QUARANTINE_BECAUSE_BYTES)
			return ERR_DAMAGED;
		read_bytes(&r, one->because, length);
		one->because[length] = '\0';
	}
	return reader_done(&r) ? ERR_OK : ERR_DAMAGED;
}

static size_t encode(const struct quarantines *q, uint8_t *out, size_t size)
{
	struct writer w;

	writer_init(&w, out, size);
	for (size_t i = 0; i < q->count; i++) {
		size_t length = strlen(q->list[i].because);
		write_bytes(&w, q->list[i].peer.b, PARTY_ID_BYTES);
		write_u64(&w, q->list[i].until);
		write_u8(&w, (uint8_t)length);
		write_bytes(&w, q->list[i].because, length);
	}
	return w.used;
}

enum err quarantine_load(struct node *n)
{
	struct quarantines *q = &n->quarantines;
	const size_t size = (size_t)QUARANTINES_MAX * ENTRY_MAX_BYTES;
	struct log_reader *reader = NULL;
	uint8_t *bytes = malloc(size);
	size_t length = 0;
	enum err e;

	q->list = calloc(QUARANTINES_MAX, sizeof *q->list);
	e = bytes && q->list ? log_reader_open(&reader, n->log) : ERR_MEMORY;
	if (!e)
		e = log_get(reader, key, bytes, size, &length);
	if (!e)
		e = decode(q, bytes, length);
	if (reader)
		log_reader_close(reader);
	free(bytes);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void quarantine_clear(struct node *n)
{
	free(n->quarantines.list);
	n->quarantines = (struct quarantines){0};
}

static struct quarantine *find(const struct node *n, const struct party_id *peer)
{
	for (size_t i = 0; i < n->quarantines.count; i++) {
		if (party_id_equal(&n->quarantines.list[i].peer, peer))
			return &n->quarantines.list[i];
	}
	return NULL;
}

const struct quarantine *quarantine_of(const struct node *n, const struct party_id *peer)
{
	const struct quarantine *q = find(n, peer);

	return q && q->until > clock_wall() ? q : NULL;
}

static void drop(struct node *n, struct quarantine *q)
{
	*q = n->quarantines.list[--n->quarantines.count];
}

static enum err save(struct node *n)
{
	const size_t size = n->quarantines.count * ENTRY_MAX_BYTES + 1;
	uint8_t *bytes = malloc(size);
	enum err e = bytes ? log_begin(n->log) : ERR_MEMORY;

	if (!e) {
		e = log_put(n->log, key, bytes, encode(&n->quarantines, bytes, size));
		if (e)
			log_abort(n->log);
		else
			e = log_commit(n->log);
		keep_rest(n->keep);
	}
	free(bytes);
	return e;
}

struct change {
	struct desk_call call;
	struct node *node;
	const struct party_id *peer;
	const char *because;
	uint64_t until; /* 0: it ends */
	enum err e;
};

static enum err change_apply(const struct change *c)
{
	struct quarantines *q = &c->node->quarantines;
	struct quarantine *one = find(c->node, c->peer);

	if (!c->until) {
		if (!one)
			return ERR_NOT_FOUND;
		drop(c->node, one);
		return ERR_OK;
	}
	if (!one && q->count == QUARANTINES_MAX)
		return ERR_LIMIT;
	if (!one)
		one = &q->list[q->count++];
	*one = (struct quarantine){.peer = *c->peer, .until = c->until};
	snprintf(one->because, sizeof one->because, "%s", c->because ? c->because : "");
	return ERR_OK;
}

/* SPEC 7.9: "It is persisted before it has any effect." */
static void change_run(struct desk_call *call)
{
	struct change *c = call->arg;
	struct node *n = c->node;
	struct quarantine before[QUARANTINES_MAX];
	size_t count = n->quarantines.count;

	memcpy(before, n->quarantines.list, sizeof before);
	c->e = change_apply(c);
	if (!c->e) {
		c->e = save(n);
		if (c->e) {
			memcpy(n->quarantines.list, before, sizeof before);
			n->quarantines.count = count;
		}
	}
	if (!c->e) {
		n->links_stale = true;
		n->more = true;
	}
	desk_done(n->desk, call);
}

static enum err change(struct change *c)
{
	c->call = (struct desk_call){.run = change_run, .arg = c};
	return desk_call(c->node->desk, &c->call) ? c->e : ERR_STATE;
}

enum err node_quarantine(struct node *n, const struct party_id *peer, uint64_t until,
			 const char *because)
{
	return change(
		&(struct change){.node = n, .peer = peer, .until = until, .because = because});
}

enum err node_quarantine_end(struct node *n, const struct party_id *peer)
{
	return change(&(struct change){.node = n, .peer = peer});
}

/* What is over is forgotten in memory only: after a restart it is over still. */
uint64_t quarantine_tick(struct node *n, uint64_t now)
{
	struct quarantines *q = &n->quarantines;
	uint64_t wall = clock_wall(), wait = UINT64_MAX;

	for (size_t i = q->count; i-- > 0;) {
		uint64_t left = q->list[i].until > wall ? q->list[i].until - wall : 0;
		if (!left) {
			drop(n, &q->list[i]);
			n->links_stale = true;
		} else if (left < wait) {
			wait = left;
		}
	}
	if (q->count == 0)
		return LOOP_NEVER;
	return now + (wait < LOOK_AGAIN_MS ? wait : LOOK_AGAIN_MS);
}
