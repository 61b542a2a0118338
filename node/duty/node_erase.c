/* Bodies of what is recalled go, and all of what has expired: the index says which, on the folder's
 * thread, and the loop's thread, which alone writes the log, removes them. */
#include "node/node_parts.h"
#include "node/say.h"

enum { ERASED_AT_ONCE = 256 };

struct erase {
	struct desk_call call;
	struct node *node;
	struct erasable what[ERASED_AT_ONCE];
	size_t count;
	size_t erased; /* bodies of what is recalled */
	uint64_t expired[ERASED_AT_ONCE];
	size_t expired_count;
	struct quota_going going;
	enum err e;
};

/* SPEC 5.8: "first the index rows that were made from it, then the body; header, signature and
 * position stay" */
static enum err remove_bodies(struct erase *x)
{
	struct log *log = x->node->log;
	enum err e = ERR_OK;

	for (size_t i = 0; i < x->count && !e; i++) {
		if (x->what[i].expired) {
			x->expired[x->expired_count++] = x->what[i].lsn;
			continue;
		}
		e = log_remove_body(log, x->what[i].lsn);
		x->erased += e == ERR_OK;
		/* It had gone before the index was told. */
		if (e == ERR_NOT_FOUND)
			e = ERR_OK;
	}
	return e;
}

static enum err remove_all(struct erase *x)
{
	struct log *log = x->node->log;
	enum err e = log_begin(log);

	if (!e)
		e = remove_bodies(x);
	if (!e && x->expired_count)
		e = log_expire(log, x->expired, x->expired_count);
	if (!e && x->erased + x->expired_count)
		return log_commit(log);
	log_abort(log);
	return e;
}

static void erase_run(struct desk_call *call)
{
	struct erase *x = call->arg;

	x->e = remove_all(x);
	keep_rest(x->node->keep);
	desk_done(x->node->desk, call);
}

static enum err erase_next(struct index_reader *reader, struct erase *x, uint64_t *after)
{
	enum err e = index_erasable(reader, *after, x->what, ERASED_AT_ONCE, &x->count);

	if (e || x->count == 0)
		return e;
	*after = x->what[x->count - 1].lsn;
	x->erased = x->expired_count = 0;
	e = quota_going(x->node, x->what, x->count, &x->going);
	if (e)
		return e;
	/* A node that is being closed erases when it is started again. */
	if (!desk_call(x->node->desk, &x->call))
		x->count = 0;
	else if (!x->e)
		quota_gone(x->node, &x->going);
	if (x->count && !x->e && x->erased)
		say(LEVEL_INFO, "the bodies of %zu recalled messages were removed", x->erased);
	return x->e;
}

enum err duty_erase(struct node *n, uint64_t now, uint64_t *next)
{
	struct erase x = {.call = {.run = erase_run}, .node = n, .count = ERASED_AT_ONCE};
	uint64_t erasures = index_erasures(n->index), after = 0;
	struct index_reader *reader;
	enum err e;

	(void)now, (void)next;
	if (erasures == n->erasures)
		return ERR_OK;
	x.call.arg = &x;
	e = index_reader_open(&reader, n->index);
	while (!e && x.count == ERASED_AT_ONCE)
		e = erase_next(reader, &x, &after);
	if (!e)
		n->erasures = erasures;
	if (reader)
		index_reader_close(reader);
	return e;
}
