/* What was used twice is kept as a fact, together with how far the log was looked through: both
 * messages may expire, and what they prove does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/evidence_book.h"
#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/bytes.h"

enum {
	ENTRY_BYTES = 8 + PARTY_ID_BYTES + 8,
	VALUE_MAX_BYTES = 8 + EVIDENCE_MAX * ENTRY_BYTES,
	FACT_MAX_BYTES = 4 + 2 * (HEADER_MAX_BYTES + SIGNATURE_BYTES),
	AT_ONCE = 256,
};

/* SPEC 5.12: "It names the origin to its operator for 30 days." */
#define NAMED_MS (UINT64_C(30) * 24 * 3600 * 1000)

static const char value_name[] = "evidence";

struct evidence_book *evidence_book_new(void)
{
	return calloc(1, sizeof(struct evidence_book));
}

void evidence_book_free(struct evidence_book *b)
{
	free(b);
}

static enum err value_read(struct evidence_book *b, const uint8_t *value, size_t n)
{
	struct reader r;

	if (n < 8 || (n - 8) % ENTRY_BYTES != 0)
		return ERR_DAMAGED;
	reader_init(&r, value, n);
	b->done = read_u64(&r);
	b->count = (n - 8) / ENTRY_BYTES;
	for (size_t i = 0; i < b->count; i++) {
		b->entries[i].lsn = read_u64(&r);
		read_bytes(&r, b->entries[i].origin.b, PARTY_ID_BYTES);
		b->entries[i].at = read_u64(&r);
	}
	return ERR_OK;
}

static size_t value_write(const struct evidence_book *b, uint8_t *value)
{
	struct writer w;

	writer_init(&w, value, VALUE_MAX_BYTES);
	write_u64(&w, b->done);
	for (size_t i = 0; i < b->count; i++) {
		write_u64(&w, b->entries[i].lsn);
		write_bytes(&w, b->entries[i].origin.b, PARTY_ID_BYTES);
		write_u64(&w, b->entries[i].at);
	}
	return w.used;
}

static bool is_evidence(const struct log_row *row)
{
	return row->kind == LOG_FACT && row->fact == FACT_EVIDENCE &&
	       row->length > 4 + ORIGIN_OFFSET + PARTY_ID_BYTES;
}

/* Up to where the log was looked through when the last was found: to its second message. */
static enum err done_find(struct evidence_book *b, struct log_reader *log)
{
	struct evidence evidence;
	struct message_id id;
	struct log_row row;
	uint64_t lsn = b->count ? b->entries[b->count - 1].lsn : 0;
	enum err e = lsn ? evidence_book_open(&evidence, log, &b->entries[b->count - 1]) : ERR_OK;

	b->done = lsn;
	if (e || !lsn)
		return e == ERR_DAMAGED ? ERR_OK : e;
	id = message_id_of(evidence.parts[1].header, evidence.parts[1].length);
	while (!e && --lsn > 0) {
		e = log_read(log, lsn, &row);
		if (!e && row.kind == LOG_MESSAGE && message_id_equal(&row.id, &id)) {
			b->done = lsn;
			break;
		}
		if (e == ERR_DAMAGED || e == ERR_NOT_FOUND)
			e = ERR_OK;
	}
	return e;
}

/* The facts tell all of it, for whoever looks for them. */
static enum err book_find(struct evidence_book *b, struct log_reader *log)
{
	struct log_row row = {0};
	uint64_t at = 0;
	enum err e = ERR_OK;

	while (!e && b->count < EVIDENCE_MAX) {
		e = log_read_from(log, at + 1, &row);
		if (row.lsn <= at)
			break;
		at = row.lsn;
		if (!e && is_evidence(&row)) {
			struct evidence_entry *entry = &b->entries[b->count++];
			*entry = (struct evidence_entry){.lsn = row.lsn, .at = row.arrived};
			memcpy(entry->origin.b, row.data + 4 + ORIGIN_OFFSET, PARTY_ID_BYTES);
		}
		if (e == ERR_DAMAGED)
			e = ERR_OK;
	}
	return e && e != ERR_NOT_FOUND ? e : done_find(b, log);
}

enum err evidence_book_read(struct evidence_book *b, struct log_reader *log)
{
	uint8_t *value = malloc(VALUE_MAX_BYTES);
	size_t n;
	enum err e = value ? log_get(log, value_name, value, VALUE_MAX_BYTES, &n) : ERR_MEMORY;

	*b = (struct evidence_book){0};
	if (!e)
		e = value_read(b, value, n);
	if (e == ERR_DAMAGED || e == ERR_LIMIT)
		e = book_find(b, log);
	free(value);
	b->loaded = !e || e == ERR_NOT_FOUND;
	return b->loaded ? ERR_OK : e;
}

static bool part_read(struct evidence_part *p, const uint8_t *at, size_t n)
{
	if (n < SIGNATURE_BYTES || n - SIGNATURE_BYTES > sizeof p->header)
		return false;
	p->length = n - SIGNATURE_BYTES;
	memcpy(p->header, at, p->length);
	memcpy(p->signature, at + p->length, SIGNATURE_BYTES);
	return true;
}

enum err evidence_book_open(struct evidence *e, struct log_reader *log,
			    const struct evidence_entry *entry)
{
	struct log_row row;
	size_t first;
	enum err err = log_read(log, entry->lsn, &row);

	if (err)
		return err;
	if (row.kind != LOG_FACT || row.fact != FACT_EVIDENCE || row.length < 4)
		return ERR_DAMAGED;
	first = get_u32(row.data);
	if (first > row.length - 4 || !part_read(&e->parts[0], row.data + 4, first) ||
	    !part_read(&e->parts[1], row.data + 4 + first, row.length - 4 - first))
		return ERR_DAMAGED;
	return ERR_OK;
}

/* ---- the duty ---- */

/* One fact, and the book with it, in one commit. */
struct keep_call {
	struct desk_call call;
	struct node *node;
	const uint8_t *fact;
	size_t length;
	struct evidence_book *book;
	uint8_t value[VALUE_MAX_BYTES];
	enum err e;
};

static enum err keep_in(struct log *log, struct keep_call *k)
{
	struct evidence_entry *entry = &k->book->entries[k->book->count - 1];
	enum err e = log_begin(log);

	if (e)
		return e;
	e = log_append_fact(log, FACT_EVIDENCE, entry->at, k->fact, k->length, &entry->lsn);
	if (!e)
		e = log_put(log, value_name, k->value, value_write(k->book, k->value));
	if (!e)
		return log_commit(log);
	log_abort(log);
	return e;
}

static void keep_run(struct desk_call *call)
{
	struct keep_call *k = call->arg;

	k->e = keep_in(k->node->log, k);
	keep_rest(k->node->keep);
	desk_done(k->node->desk, call);
}

static enum err keep_fact(struct node *n, const uint8_t *fact, size_t length)
{
	struct keep_call *k = calloc(1, sizeof *k);
	enum err e;

	if (!k)
		return ERR_MEMORY;
	*k = (struct keep_call){.call = {.run = keep_run, .arg = k},
				.node = n,
				.fact = fact,
				.length = length,
				.book = n->evidence,
				.e = ERR_STATE};
	desk_call(n->desk, &k->call);
	e = k->e;
	free(k);
	return e;
}

static bool wanted(const struct evidence_book *b, const struct party_id *origin)
{
	size_t of_origin = 0;

	for (size_t i = 0; i < b->count; i++)
		of_origin += party_id_equal(&b->entries[i].origin, origin);
	return b->count < EVIDENCE_MAX && of_origin < EVIDENCE_OF_ORIGIN_MAX;
}

/* Copies header and signature behind what is in the fact; false when they are not there. */
static bool fact_add(struct log_reader *log, uint64_t lsn, uint8_t *fact, size_t *length)
{
	struct log_row row;

	if (log_read(log, lsn, &row) || row.kind != LOG_MESSAGE ||
	    row.length > HEADER_MAX_BYTES + SIGNATURE_BYTES || row.length < HEADER_FIXED_BYTES)
		return false;
	memcpy(fact + *length, row.data, row.length);
	*length += row.length;
	return true;
}

static enum err keep_one(struct node *n, struct log_reader *log, const struct reuse_at *at)
{
	struct evidence_book *b = n->evidence;
	uint64_t done = b->done;
	uint8_t *fact = malloc(FACT_MAX_BYTES);
	struct party_id origin;
	size_t length = 4;
	enum err e = ERR_OK;

	if (!fact)
		return ERR_MEMORY;
	b->done = at->lsn;
	if (fact_add(log, at->before, fact, &length)) {
		put_u32(fact, (uint32_t)length - 4);
		memcpy(origin.b, fact + 4 + ORIGIN_OFFSET, sizeof origin.b);
		if (fact_add(log, at->lsn, fact, &length) && wanted(b, &origin)) {
			b->entries[b->count++] =
				(struct evidence_entry){.origin = origin, .at = clock_wall()};
			e = keep_fact(n, fact, length);
		}
	}
	if (e) {
		b->count--;
		b->done = done;
	}
	free(fact);
	return e;
}

static enum err run(struct node *n, struct log_reader *log, struct index_reader *index)
{
	struct evidence_book *b = n->evidence;
	struct reuse_at at;
	enum err e = b->loaded ? ERR_OK : evidence_book_read(b, log);

	for (int i = 0; i < AT_ONCE && !e; i++) {
		at.lsn = b->done + 1;
		e = index_reuse(index, &at);
		if (!e)
			e = keep_one(n, log, &at);
	}
	/* One that is being closed finds it again. */
	return e == ERR_NOT_FOUND || e == ERR_STATE ? ERR_OK : e;
}

enum err duty_evidence(struct node *n, uint64_t now, uint64_t *next)
{
	struct index_reader *index = NULL;
	struct log_reader *log = NULL;
	uint64_t before = n->evidence->done;
	enum err e = views_open(n, &index, &log);

	if (!e)
		e = run(n, log, index);
	views_close(index, log);
	/* There may be more than was looked at. */
	if (n->evidence->done != before)
		*next = now;
	return e;
}

size_t evidence_alarms(struct node *n, const struct topology *t, char (*out)[ALARM_BYTES],
		       size_t max)
{
	const struct evidence_book *b = n->evidence;
	uint64_t wall = clock_wall();
	size_t count = 0;

	for (size_t i = 0; i < b->count && count < max; i++) {
		const struct evidence_entry *entry = &b->entries[i];
		const struct party *p = topology_party_by_id(t, &entry->origin);
		bool newest = p && !p->left && entry->at + NAMED_MS > wall;
		for (size_t k = i + 1; k < b->count && newest; k++)
			newest = !party_id_equal(&b->entries[k].origin, &entry->origin);
		if (newest)
			snprintf(out[count++], ALARM_BYTES,
				 "%s has given one number to two messages, which no honest node "
				 "does: khabar evidence list",
				 p->name);
	}
	return count;
}
