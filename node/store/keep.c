#include "node/store/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/committer.h"
#include "node/store/recalls.h"
#include "protocol/bytes.h"

enum { CURSOR_BYTES = STORE_ID_BYTES + HASH_BYTES + 16, CURSOR_KEY_BYTES = 8 + 2 * PARTY_ID_BYTES };

struct noted {
	struct message_id id;
	uint64_t lsn;
};

struct noted_list {
	struct noted *items; /* owned */
	size_t count, size;
};

#define IN_INDEX (UINT64_C(1) << 63)

struct keep {
	struct log *log;
	struct index *index;
	struct committer *committer;
	const struct arrival *batch; /* that the committer has; NULL: none */
	size_t batch_count;
	const uint64_t *batch_lsns;
	uint64_t batch_head; /* of the log when it began */
	struct log_reader *reader;
	struct index_reader *index_reader, *trie_reader;
	struct trie_store trie;
	uint64_t follow; /* what the trie is being brought up to; 0: nothing */
	bool reading, looking,
		tracing; /* the log's, the index's and the trie's reader have a picture */
	struct noted_list appended, recalling; /* in the open transaction; of the latter the refs */
	struct recalls recalls;                /* that are committed */
};

enum err keep_open(struct keep **keep, struct log *log, struct index *index)
{
	struct keep *k = calloc(1, sizeof *k);
	enum err e = k ? ERR_OK : ERR_MEMORY;

	if (!e) {
		recalls_init(&k->recalls);
		k->log = log;
		k->index = index;
		k->committer = committer_start(log);
		e = k->committer ? log_reader_open(&k->reader, log) : ERR_MEMORY;
	}
	if (!e)
		e = index_reader_open(&k->index_reader, index);
	if (!e)
		e = index_reader_open(&k->trie_reader, index);
	if (e) {
		keep_close(k);
		return e;
	}
	keep_rest(k);
	*keep = k;
	return ERR_OK;
}

void keep_close(struct keep *k)
{
	if (!k)
		return;
	committer_stop(k->committer);
	if (k->trie_reader)
		index_reader_close(k->trie_reader);
	if (k->index_reader)
		index_reader_close(k->index_reader);
	if (k->reader)
		log_reader_close(k->reader);
	free(k->appended.items);
	free(k->recalling.items);
	recalls_clear(&k->recalls);
	free(k);
}

void keep_rest(struct keep *k)
{
	log_reader_pause(k->reader);
	index_reader_pause(k->index_reader);
	index_reader_pause(k->trie_reader);
	k->reading = k->looking = k->tracing = false;
}

static enum err picture(struct keep *k)
{
	enum err e;

	if (k->reading)
		return ERR_OK;
	e = log_reader_renew(k->reader);
	k->reading = e == ERR_OK;
	return e;
}

/* What is folded the index knows, in a picture taken from now on. */
static void folded_forget(struct keep *k)
{
	if (k->recalls.count == 0)
		return;
	recalls_forget(&k->recalls, index_followed(k->index));
	index_reader_pause(k->index_reader);
	k->looking = false;
}

static enum err begin(void *self)
{
	struct keep *k = self;

	k->appended.count = k->recalling.count = 0;
	folded_forget(k);
	return log_begin(k->log);
}

/* Makes room for n more. */
static enum err noted_reserve(struct noted_list *l, size_t n)
{
	size_t size = l->size ? l->size : 256;
	struct noted *grown;

	while (size < l->count + n)
		size *= 2;
	if (size == l->size)
		return ERR_OK;
	grown = realloc(l->items, size * sizeof *grown);
	if (!grown)
		return ERR_MEMORY;
	l->items = grown;
	l->size = size;
	return ERR_OK;
}

static enum err noted_add(struct noted_list *l, const struct message_id *id, uint64_t lsn)
{
	enum err e = noted_reserve(l, 1);

	if (!e)
		l->items[l->count++] = (struct noted){*id, lsn};
	return e;
}

static bool is_recall(const struct arrival *a)
{
	return a->message.header[KIND_OFFSET] == KIND_RECALL;
}

static struct message_id ref_of(const struct arrival *a)
{
	struct message_id ref;

	memcpy(ref.b, a->message.header + REF_OFFSET, sizeof ref.b);
	return ref;
}

/* What is durable must not be forgotten for want of memory: first there is room for it. */
static enum err recall_append(struct keep *k, const struct arrival *a, uint64_t lsn)
{
	struct message_id ref = ref_of(a);
	enum err e = recalls_reserve(&k->recalls, k->recalling.count + 1);

	return e ? e : noted_add(&k->recalling, &ref, lsn);
}

static enum err append(void *self, const struct arrival *a, uint64_t *lsn)
{
	struct keep *k = self;
	enum err e = committer_append(k->log, a, lsn);

	if (!e)
		e = noted_add(&k->appended, &a->id, *lsn);
	if (!e && is_recall(a))
		e = recall_append(k, a, *lsn);
	return e;
}

static void cursor_key(char out[CURSOR_KEY_BYTES], const struct party_id *peer)
{
	memcpy(out, "cursor/", 7);
	hex_encode(out + 7, peer->b, sizeof peer->b);
}

static enum err put_cursor(void *self, const struct party_id *peer, const struct cursor *c)
{
	struct keep *k = self;
	char key[CURSOR_KEY_BYTES];
	uint8_t value[CURSOR_BYTES];
	struct writer w;

	writer_init(&w, value, sizeof value);
	write_bytes(&w, c->peer_store.b, STORE_ID_BYTES);
	write_bytes(&w, c->topology.b, HASH_BYTES);
	write_u64(&w, c->lsn);
	write_u64(&w, c->since);
	cursor_key(key, peer);
	return log_put(k->log, key, value, w.used);
}

static enum err get_cursor(void *self, const struct party_id *peer, struct cursor *c)
{
	struct keep *k = self;
	char key[CURSOR_KEY_BYTES];
	uint8_t value[CURSOR_BYTES];
	struct reader r;
	size_t n;
	enum err e = picture(k);

	cursor_key(key, peer);
	if (!e)
		e = log_get(k->reader, key, value, sizeof value, &n);
	if (e)
		return e;
	reader_init(&r, value, n);
	read_bytes(&r, c->peer_store.b, STORE_ID_BYTES);
	read_bytes(&r, c->topology.b, HASH_BYTES);
	c->lsn = read_u64(&r);
	c->since = read_u64(&r);
	return reader_done(&r) ? ERR_OK : ERR_DAMAGED;
}

static enum err put_floor(void *self, uint32_t hours)
{
	struct keep *k = self;
	uint8_t value[4];

	put_u32(value, hours);
	return log_put(k->log, "floor", value, sizeof value);
}

static enum err get_floor(void *self, uint32_t *hours)
{
	struct keep *k = self;
	uint8_t value[4];
	size_t n;
	enum err e = picture(k);

	if (!e)
		e = log_get(k->reader, "floor", value, sizeof value, &n);
	if (e)
		return e;
	*hours = get_u32(value);
	return n == sizeof value ? ERR_OK : ERR_DAMAGED;
}

/* The tail has room for a batch whenever busy() said no; should it not, a fold makes room. */
static void note(struct keep *k, const struct noted *n)
{
	bool more = true;

	while (index_note(k->index, &n->id, n->lsn) == ERR_FULL && more) {
		if (index_fold(k->index, &more) != ERR_OK)
			break;
	}
}

static enum err commit(void *self)
{
	struct keep *k = self;
	enum err e = log_commit(k->log);

	keep_rest(k);
	if (e)
		return e;
	for (size_t i = 0; i < k->recalling.count; i++)
		recalls_add(&k->recalls, &k->recalling.items[i].id, k->recalling.items[i].lsn);
	for (size_t i = 0; i < k->appended.count; i++)
		note(k, &k->appended.items[i]);
	return ERR_OK;
}

static enum err keep(void *self, const struct arrival *arrivals, size_t n, uint64_t *lsns)
{
	struct keep *k = self;
	size_t recalls = 0;
	enum err e;

	folded_forget(k);
	for (size_t i = 0; i < n; i++)
		recalls += is_recall(&arrivals[i]);
	e = recalls_reserve(&k->recalls, recalls);
	if (e)
		return e;
	k->batch = arrivals;
	k->batch_count = n;
	k->batch_lsns = lsns;
	k->batch_head = log_head(k->log);
	committer_begin(k->committer, arrivals, n, lsns);
	return ERR_OK;
}

static bool kept(void *self, bool wait, enum err *e)
{
	struct keep *k = self;
	const struct arrival *batch = k->batch;

	if (!committer_over(k->committer, wait, e))
		return false;
	k->batch = NULL;
	keep_rest(k);
	for (size_t i = 0; i < k->batch_count && !*e; i++) {
		struct message_id ref = ref_of(&batch[i]);
		note(k, &(struct noted){batch[i].id, k->batch_lsns[i]});
		if (is_recall(&batch[i]))
			recalls_add(&k->recalls, &ref, k->batch_lsns[i]);
	}
	return true;
}

int keep_descriptor(const struct keep *k)
{
	return committer_descriptor(k->committer);
}

static void forget(void *self)
{
	log_abort(((struct keep *)self)->log);
}

static struct store_id id_of(void *self)
{
	return log_store_id(((struct keep *)self)->log);
}

static uint64_t head(void *self)
{
	const struct keep *k = self;

	return k->batch ? k->batch_head : log_head(k->log);
}

static enum err find(void *self, const struct message_id *id, uint64_t *lsn)
{
	struct keep *k = self;
	enum err e = k->looking ? ERR_OK : index_reader_renew(k->index_reader);

	if (e)
		return e;
	k->looking = true;
	return index_find(k->index_reader, id, lsn);
}

static enum err next(void *self, uint64_t lsn, struct stored *out)
{
	struct keep *k = self;
	struct log_row row = {0};
	enum err e = picture(k);

	do {
		if (!e)
			e = log_read_from(k->reader, lsn, &row);
		/* Without a position there is no reading on behind it. */
		if (e == ERR_DAMAGED && row.lsn < lsn)
			return ERR_IO;
		out->lsn = row.lsn;
		if (e)
			return e;
		lsn = row.lsn + 1;
	} while (row.kind != LOG_MESSAGE);
	*out = (struct stored){.lsn = row.lsn,
			       .id = row.id,
			       .from = row.from,
			       .verdict = row.verdict,
			       .has_body = row.has_body,
			       .header = row.data,
			       .header_length = row.length - SIGNATURE_BYTES};
	return ERR_OK;
}

/* First the recalls that the index may not know, then the index: its positions are told from their
 * places by the highest bit. */
static enum err refs(void *self, const struct message_id *id, uint64_t *at, uint64_t *lsn)
{
	struct keep *k = self;
	enum err e = k->looking ? ERR_OK : index_reader_renew(k->index_reader);
	uint32_t place = (uint32_t)*at;
	uint64_t position;

	if (e)
		return e;
	k->looking = true;
	if (!(*at & IN_INDEX) && recalls_next(&k->recalls, id, &place, lsn)) {
		*at = place;
		return ERR_OK;
	}
	position = *at & IN_INDEX ? *at & ~IN_INDEX : 0;
	e = index_answers(k->index_reader, id, &position, lsn);
	*at = position | IN_INDEX;
	return e;
}

static enum err body(void *self, const struct stored *message, uint8_t *out, size_t n)
{
	struct keep *k = self;
	const struct log_row row = {.lsn = message->lsn, .id = message->id};
	enum err e = picture(k);

	return e ? e : log_read_body_to(k->reader, &row, out, n);
}

static const struct trie_store *trie(void *self)
{
	struct keep *k = self;

	if (!k->tracing)
		k->tracing = index_reader_renew(k->trie_reader) == ERR_OK &&
			     index_trie(k->trie_reader, &k->trie) == ERR_OK;
	return k->tracing ? &k->trie : NULL;
}

static enum err catch_up(void *self)
{
	struct keep *k = self;

	enum err e;

	index_reader_pause(k->trie_reader);
	k->tracing = false;
	/* While somebody else folds the target stays, or steady traffic would carry it on for ever.
	 */
	if (!k->follow)
		k->follow = log_head(k->log);
	e = index_follow(k->index, k->follow);
	if (!e)
		k->follow = 0;
	return e;
}

static bool busy(void *self)
{
	return index_tail_full(((struct keep *)self)->index);
}

struct store keep_store(struct keep *k)
{
	return (struct store){.self = k,
			      .begin = begin,
			      .append = append,
			      .put_cursor = put_cursor,
			      .put_floor = put_floor,
			      .commit = commit,
			      .abort = forget,
			      .keep = keep,
			      .kept = kept,
			      .id = id_of,
			      .head = head,
			      .find = find,
			      .next = next,
			      .refs = refs,
			      .body = body,
			      .get_cursor = get_cursor,
			      .get_floor = get_floor,
			      .trie = trie,
			      .catch_up = catch_up,
			      .busy = busy};
}
