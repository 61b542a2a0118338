/* A store that is older than what was said with its key: what it holds waits until neighbours have
 * been asked.  The loop's thread hears of them and writes; the folder's thread counts what still
 * waits, and ends it. */
#include <inttypes.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/store/restored.h"
#include "node/say.h"

enum { COUNTED_AT_ONCE = 50000 };

/* Runs on the loop's thread; write() is called inside a transaction. */
static enum err commit(struct node *n, enum err (*write)(struct log *log, void *arg), void *arg)
{
	enum err e = log_begin(n->log);

	if (!e) {
		e = write(n->log, arg);
		if (e)
			log_abort(n->log);
		else
			e = log_commit(n->log);
	}
	keep_rest(n->keep);
	return e;
}

static void count_again(struct node *n)
{
	atomic_fetch_add(&n->restoring.changes, 1);
	folder_wake(n->folder);
}

void restore_open(struct node *n)
{
	struct log_reader *reader;
	struct restored r = {.until = UINT64_MAX};

	n->restoring.opened = log_head(n->log);
	if (log_reader_open(&reader, n->log) == ERR_OK) {
		r = restored_read(reader);
		log_reader_close(reader);
	}
	n->restoring.until = r.until;
	if (!r.until)
		return;
	/* No less than there are, until they have been counted. */
	atomic_store(&n->restoring.waiting, log_head(n->log));
	atomic_store(&n->restoring.waits, true);
	atomic_store(&n->restoring.on, true);
	atomic_store(&n->restoring.changes, 1);
	exchange_confirm(n->exchange, true, node_now());
}

static enum err write_begin(struct log *log, void *arg)
{
	return restored_begin(log, *(uint64_t *)arg);
}

void restore_handed_back(struct node *n, const struct party_id *peer)
{
	const struct neighbour *b = links_find(n, peer);
	struct restoring *r = &n->restoring;
	enum err e;

	/* SPEC 6.6: "It does so once in a run" */
	if (r->handed_back || r->opened <= r->until)
		return;
	r->handed_back = true;
	e = commit(n, write_begin, &r->opened);
	status_warn(n, NULL,
		    "%s hands back what this node's key has said and this store does not hold: the "
		    "store is older than that, or somebody else has the key%s%s",
		    b ? b->name : "a neighbour", e ? "; what it holds cannot be hidden: " : "",
		    e ? err_str(e) : "");
	if (e)
		return;
	r->until = r->opened;
	atomic_store(&r->waiting, r->opened);
	atomic_store(&r->waits, true);
	atomic_store(&r->on, true);
	exchange_confirm(n->exchange, true, node_now());
	count_again(n);
}

struct agreement {
	struct log_reader *reader;
	uint32_t floor;
	const struct audience_id *audiences;
	size_t count;
};

static enum err write_agreed(struct log *log, void *arg)
{
	struct agreement *a = arg;

	return restored_agreed(log, a->reader, a->floor, a->audiences, a->count);
}

void restore_agreed(struct node *n, const struct party_id *peer, uint32_t floor,
		    const struct audience_id *audiences, size_t count)
{
	const struct neighbour *b = links_find(n, peer);
	struct agreement a = {.floor = floor, .audiences = audiences, .count = count};
	enum err e;

	if (!atomic_load(&n->restoring.on))
		return;
	e = log_reader_open(&a.reader, n->log);
	if (!e) {
		e = commit(n, write_agreed, &a);
		log_reader_close(a.reader);
	}
	if (e)
		status_warn(n, NULL, "what was reconciled cannot be kept: %s", err_str(e));
	else
		say(LEVEL_INFO, "what this store holds for %zu audiences is what %s holds", count,
		    b ? b->name : "a neighbour");
	count_again(n);
}

struct ending {
	struct desk_call call;
	struct node *node;
	enum err e;
};

static enum err write_end(struct log *log, void *arg)
{
	(void)arg;
	return restored_end(log);
}

static void end_run(struct desk_call *call)
{
	struct ending *x = call->arg;
	struct node *n = x->node;

	x->e = commit(n, write_end, NULL);
	if (!x->e) {
		n->restoring.until = 0;
		atomic_store(&n->restoring.waiting, 0);
		atomic_store(&n->restoring.waits, false);
		atomic_store(&n->restoring.on, false);
		exchange_confirm(n->exchange, false, node_now());
		n->status_stale = true;
	}
	desk_done(n->desk, call);
}

enum err node_release(struct node *n)
{
	struct ending x = {.call = {.run = end_run}, .node = n};

	x.call.arg = &x;
	return desk_call(n->desk, &x.call) ? x.e : ERR_STATE;
}

bool node_waits(const struct node *n, uint64_t *messages)
{
	struct restoring *r = &((struct node *)(uintptr_t)n)->restoring;

	*messages = atomic_load(&r->waiting);
	return atomic_load(&r->waits);
}

bool node_may_number(const struct node *n, struct report *report)
{
	uint64_t messages;

	if (!node_waits(n, &messages))
		return true;
	report_add(report,
		   "this node was restored, and does not know yet what it has said since the "
		   "backup: khabar status tells when it does");
	return false;
}

/* Looks at some rows; *through when there are no more of those that wait. */
static enum err count_some(struct node *n, struct log_reader *reader, const struct restored *r,
			   bool *through)
{
	struct restoring *x = &n->restoring;
	struct header h;
	struct log_row row;

	*through = false;
	for (unsigned i = 0; i < COUNTED_AT_ONCE; i++) {
		enum err e = log_read_from(reader, x->at + 1, &row);
		*through = e == ERR_NOT_FOUND || row.lsn > r->until;
		if (*through || (e && e != ERR_DAMAGED))
			return *through ? ERR_OK : e;
		if (row.lsn <= x->at)
			return ERR_DAMAGED;
		x->at = row.lsn;
		if (e || row.kind != LOG_MESSAGE || row.length < SIGNATURE_BYTES ||
		    header_decode(&h, row.data, row.length - SIGNATURE_BYTES) != ERR_OK)
			continue;
		switch (restored_look(reader, r, row.lsn, &h)) {
		case RESTORED_WAITS:
			x->count++;
			x->shown += h.kind == KIND_POST || h.kind == KIND_FORWARD;
			break;
		case RESTORED_EXPIRED:
			x->expired++;
			break;
		case RESTORED_SHOWN:
			break;
		}
	}
	return ERR_OK;
}

/* What is counted is what the log says now, or the count begins again. */
static enum err count(struct node *n, bool *through)
{
	struct restoring *x = &n->restoring;
	uint64_t changes = atomic_load(&x->changes);
	struct log_reader *reader;
	struct restored r;
	enum err e;

	if (changes != x->counting) {
		x->counting = changes;
		x->at = x->count = x->shown = x->expired = 0;
	}
	e = log_reader_open(&reader, n->log);
	if (e)
		return e;
	r = restored_read(reader);
	*through = r.until == 0;
	if (r.until)
		e = count_some(n, reader, &r, through);
	log_reader_close(reader);
	return e;
}

enum err duty_restore(struct node *n, uint64_t now, uint64_t *next)
{
	struct restoring *x = &n->restoring;
	bool through = false;
	enum err e;

	if (!atomic_load(&x->on))
		return ERR_OK;
	/* What was not compared goes when the floor has reached it. */
	if (x->counted == atomic_load(&x->changes) && x->purged == n->purged)
		return ERR_OK;
	if (x->purged != n->purged)
		x->counting = 0;
	x->purged = n->purged;
	e = count(n, &through);
	if (e)
		return e;
	if (!through) {
		x->counted = 0;
		*next = now;
		return ERR_OK;
	}
	x->counted = x->counting;
	if (x->counted != atomic_load(&x->changes)) {
		*next = now;
		return ERR_OK;
	}
	atomic_store(&x->waiting, x->shown);
	atomic_store(&x->waits, x->count > 0);
	/* SPEC 6.6: "When nothing is left that waits or was not compared, all of this ends." */
	if (x->count + x->expired == 0) {
		say(LEVEL_INFO, "nothing of what was restored waits any more");
		return node_release(n);
	}
	return ERR_OK;
}
