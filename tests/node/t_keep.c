/* The exchange's store: batches that are committed in the background. */
#include "node/store/keep.h"

#include <poll.h>

#include "tests/node/index_fixture.h"

enum { FEW = 3, MANY = 200, WAIT_MS = 300 * 1000 };

static struct fixture home;

struct kept {
	struct pair pair;
	struct keep *keep;
	struct store store;
};

static void open_kept(struct kept *k)
{
	pair_fresh(&k->pair, &home);
	need(keep_open(&k->keep, k->pair.log, k->pair.index) == ERR_OK);
	k->store = keep_store(k->keep);
}

static void close_kept(struct kept *k)
{
	keep_close(k->keep);
	pair_close(&k->pair);
}

/* Messages that differ by their number, from first on. */
struct batch {
	struct sample samples[MANY];
	struct arrival arrivals[MANY];
	uint64_t lsns[MANY];
	size_t count;
};

static void make_batch(struct batch *b, size_t first, size_t n)
{
	*b = (struct batch){.count = n};
	for (size_t i = 0; i < n; i++) {
		struct sample *s = &b->samples[i];
		sample_make(s, first + i, 300);
		b->arrivals[i] =
			(struct arrival){.id = s->id,
					 .message = {.header = s->row,
						     .header_length = s->length - SIGNATURE_BYTES,
						     .body = s->body,
						     .body_length = s->body_length}};
	}
}

static void clear_batch(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		sample_clear(&b->samples[i]);
}

static bool keep_begin(struct kept *k, struct batch *b)
{
	return k->store.keep(k->keep, b->arrivals, b->count, b->lsns) == ERR_OK;
}

static bool all_found(struct kept *k, const struct batch *b, enum err expected)
{
	for (size_t i = 0; i < b->count; i++) {
		uint64_t lsn = 0;
		if (k->store.find(k->keep, &b->arrivals[i].id, &lsn) != expected ||
		    (!expected && lsn != b->lsns[i]))
			return false;
	}
	return true;
}

static bool ascending(const struct batch *b, uint64_t first)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->lsns[i] != first + i)
			return false;
	}
	return true;
}

/* As the loop does: by waiting for the descriptor. */
static void a_batch_is_told_of_when_it_is_durable(void)
{
	static struct batch b;
	struct kept k;
	enum err e = ERR_IO;
	struct pollfd descriptor = {.events = POLLIN};

	open_kept(&k);
	make_batch(&b, 0, MANY);
	descriptor.fd = keep_descriptor(k.keep);
	ok(poll(&descriptor, 1, 0) == 0, "nothing is under way");
	ok(keep_begin(&k, &b), "a batch begins");
	is_int(k.store.head(k.keep), 0, "until it is told of the head stays");
	ok(poll(&descriptor, 1, WAIT_MS) == 1, "its end can be waited for");
	is_int(k.store.head(k.keep), 0, "still");
	is_int(log_head(k.pair.log), MANY, "though it is in the log by then");
	ok(k.store.kept(k.keep, false, &e) && e == ERR_OK, "then it is told of");
	ok(poll(&descriptor, 1, 0) == 0, "once");
	is_int(k.store.head(k.keep), MANY, "the head has moved");
	ok(ascending(&b, 1), "each message has its position");
	ok(all_found(&k, &b, ERR_OK), "and is found");
	clear_batch(&b);
	close_kept(&k);
}

static void what_is_committed_is_read_at_once(void)
{
	struct kept k;
	struct stored stored;
	struct cursor cursor = {.lsn = 3}, read;
	const struct party_id peer = {{9}};

	open_kept(&k);
	is_int(k.store.next(k.keep, 1, &stored), ERR_NOT_FOUND,
	       "nothing was there when it was read");
	is_int(k.store.get_cursor(k.keep, &peer, &read), ERR_NOT_FOUND, "nor a cursor");
	need(k.store.begin(k.keep) == ERR_OK);
	need(k.store.put_cursor(k.keep, &peer, &cursor) == ERR_OK);
	need(k.store.commit(k.keep) == ERR_OK);
	ok(k.store.get_cursor(k.keep, &peer, &read) == ERR_OK && read.lsn == 3,
	   "then there is one");
	close_kept(&k);
}

static void a_small_batch_does_not_wait(void)
{
	static struct batch b;
	struct kept k;
	enum err e = ERR_IO;

	open_kept(&k);
	make_batch(&b, 0, FEW);
	ok(keep_begin(&k, &b) && k.store.kept(k.keep, false, &e) && e == ERR_OK,
	   "it is over at once");
	ok(ascending(&b, 1) && all_found(&k, &b, ERR_OK), "and there");
	clear_batch(&b);
	close_kept(&k);
}

static void what_fails_leaves_nothing(void)
{
	static struct batch b;
	struct kept k;
	enum err e = ERR_OK;

	open_kept(&k);
	make_batch(&b, 0, MANY);
	b.arrivals[MANY - 1].message.header_length = HEADER_MAX_BYTES + 1;
	ok(keep_begin(&k, &b), "a batch whose last message cannot be kept begins");
	ok(k.store.kept(k.keep, true, &e) && e == ERR_LIMIT, "and fails");
	is_int(log_head(k.pair.log), 0, "nothing of it is in the log");
	ok(all_found(&k, &b, ERR_NOT_FOUND), "or found");
	b.arrivals[MANY - 1].message.header_length = b.samples[0].length - SIGNATURE_BYTES;
	ok(keep_begin(&k, &b) && k.store.kept(k.keep, true, &e) && e == ERR_OK && ascending(&b, 1),
	   "put right it is kept whole");
	clear_batch(&b);
	close_kept(&k);
}

/* Cursors, facts and topologies are written by the loop's thread meanwhile. */
static void who_writes_meanwhile_waits(void)
{
	static struct batch b[10];
	struct kept k;
	struct party_id peer = {{5}};
	struct cursor cursor = {.lsn = 7, .since = 5}, read;
	unsigned wrong = 0;
	enum err e;

	open_kept(&k);
	for (size_t i = 0; i < 10; i++) {
		uint64_t lsn;
		make_batch(&b[i], i * MANY, MANY);
		need(keep_begin(&k, &b[i]));
		wrong += k.store.begin(k.keep) != ERR_OK;
		wrong += k.store.put_cursor(k.keep, &peer, &cursor) != ERR_OK;
		wrong += k.store.commit(k.keep) != ERR_OK;
		need(log_begin(k.pair.log) == ERR_OK);
		wrong += log_append_fact(k.pair.log, FACT_AUDIT, 1, "x", 1, &lsn) != ERR_OK;
		wrong += log_commit(k.pair.log) != ERR_OK;
		wrong += k.store.head(k.keep) > i * (MANY + 1);
		wrong += !k.store.kept(k.keep, true, &e) || e != ERR_OK;
		wrong += k.store.head(k.keep) != (i + 1) * (MANY + 1);
	}
	is_int(wrong, 0, "everybody's transaction is whole");
	for (size_t i = 0; i < 10; i++) {
		wrong += !all_found(&k, &b[i], ERR_OK);
		clear_batch(&b[i]);
	}
	is_int(wrong, 0, "every message is there");
	ok(k.store.get_cursor(k.keep, &peer, &read) == ERR_OK && read.lsn == 7 && read.since == 5,
	   "and the cursor");
	close_kept(&k);
}

/* A recall that the index has not folded yet takes back what comes behind it. */
static void a_recall_counts_as_soon_as_it_is_told_of(void)
{
	static struct batch b;
	struct kept k;
	struct message_id target = {{9}};
	uint64_t at = 0, lsn;
	enum err e;

	open_kept(&k);
	make_batch(&b, 0, MANY);
	b.samples[7].row[KIND_OFFSET] = KIND_RECALL;
	memcpy(b.samples[7].row + REF_OFFSET, target.b, sizeof target.b);
	ok(k.store.refs(k.keep, &target, &at, &lsn) == ERR_NOT_FOUND, "it is not there");
	need(keep_begin(&k, &b) && k.store.kept(k.keep, true, &e) && e == ERR_OK);
	at = 0;
	ok(k.store.refs(k.keep, &target, &at, &lsn) == ERR_OK && lsn == 8, "now it is");
	clear_batch(&b);
	close_kept(&k);
}

static size_t refs_of(struct kept *k, const struct message_id *target)
{
	uint64_t at = 0, lsn;
	size_t n = 0;

	while (n < MANY && k->store.refs(k->keep, target, &at, &lsn) == ERR_OK)
		n++;
	return n;
}

/* Or a flood of them, with which the index is never done, would be remembered for ever. */
static void what_the_index_knows_is_not_remembered_beside_it(void)
{
	static struct batch b[3];
	struct kept k;
	struct message_id target = {{9}};
	bool more = true;
	enum err e;

	open_kept(&k);
	for (size_t i = 0; i < 3; i++) {
		make_batch(&b[i], i * MANY, MANY);
		b[i].samples[7].row[KIND_OFFSET] = KIND_RECALL;
		memcpy(b[i].samples[7].row + REF_OFFSET, target.b, sizeof target.b);
		need(keep_begin(&k, &b[i]) && k.store.kept(k.keep, true, &e) && e == ERR_OK);
		is_int(refs_of(&k, &target), i + 1, "each recall is there once");
		while (i == 0 && more)
			need(index_fold(k.pair.index, &more) == ERR_OK);
	}
	for (size_t i = 0; i < 3; i++)
		clear_batch(&b[i]);
	close_kept(&k);
}

static void closing_waits_for_what_is_under_way(void)
{
	static struct batch b;
	struct kept k;

	open_kept(&k);
	make_batch(&b, 0, MANY);
	need(keep_begin(&k, &b));
	keep_close(k.keep);
	is_int(log_head(k.pair.log), MANY, "the batch is in the log");
	clear_batch(&b);
	pair_close(&k.pair);
}

int main(void)
{
	fixture_init(&home);
	RUN(a_batch_is_told_of_when_it_is_durable);
	RUN(what_is_committed_is_read_at_once);
	RUN(a_small_batch_does_not_wait);
	RUN(what_fails_leaves_nothing);
	RUN(who_writes_meanwhile_waits);
	RUN(a_recall_counts_as_soon_as_it_is_told_of);
	RUN(what_the_index_knows_is_not_remembered_beside_it);
	RUN(closing_waits_for_what_is_under_way);
	fixture_clear(&home);
	return tap_done();
}
