/* The audit: how the loop's thread appends its rows, and what is remembered of those of others.
 *
 * The log is looked through for beacons.  What an author has told is kept first, then how far the
 * log was looked through: what is looked at twice changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/audit_chain.h"
#include "node/duty/audit_heads.h"
#include "node/duty/audit_own.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "protocol/bytes.h"

enum {
	ROWS_AT_ONCE = 20000,
	SAVED_EVERY = 20000,
	MARK_BYTES = 8 + 8 + 8 + 2 * MESSAGE_ID_BYTES + 8 + 8 + HASH_BYTES,
	VALUE_HEAD_BYTES = PARTY_ID_BYTES + 1 + 8 + 8 + 8,
	VALUE_MAX_BYTES = VALUE_HEAD_BYTES + AUDIT_MARKS_MAX * MARK_BYTES,
	KEY_BYTES = sizeof "audit-of/" + 2 * PARTY_ID_BYTES,
};

/* SPEC 9.2: "That is named in `warnings` of `status` for 30 days" */
#define NAMED_MS (UINT64_C(30) * 24 * 3600 * 1000)

static const char value_name[] = "audits", prefix[] = "audit-of/";

struct audit_book {
	bool loaded;
	uint64_t done, saved; /* positions: looked through; remembered as such */
	struct audit_own own; /* what came back to this node and is being looked for */
	size_t count, room;
	struct audit_entry {
		bool changed;
		struct audit_heads heads;
	} * entries; /* owned */
};

enum err node_audit_append(struct node *n, uint64_t now, const char *json, size_t length)
{
	struct log_reader *log = NULL;
	enum err e = ERR_OK;

	if (!n->audit_known) {
		e = log_reader_open(&log, n->log);
		if (!e)
			e = audit_head_read(&n->audit, log);
		if (log)
			log_reader_close(log);
	}
	n->audit_known = !e;
	return e ? e : audit_append(n->log, &n->audit, now, json, length);
}

struct audit_book *audit_book_new(void)
{
	return calloc(1, sizeof(struct audit_book));
}

void audit_book_free(struct audit_book *b)
{
	if (b)
		free(b->entries);
	free(b);
}

/* ---- what is remembered ---- */

static size_t heads_write(const struct audit_heads *h, uint8_t value[VALUE_MAX_BYTES])
{
	struct writer w;

	writer_init(&w, value, VALUE_MAX_BYTES);
	write_bytes(&w, h->origin.b, PARTY_ID_BYTES);
	write_u8(&w, (uint8_t)h->fault);
	write_u64(&w, h->fault_at);
	write_u64(&w, h->less);
	write_u64(&w, h->more);
	for (size_t i = 0; i < h->count; i++) {
		const struct audit_mark *m = &h->marks[i];
		write_u64(&w, m->incarnation);
		write_u64(&w, m->first_sequence);
		write_u64(&w, m->last_sequence);
		write_bytes(&w, m->first_id.b, MESSAGE_ID_BYTES);
		write_bytes(&w, m->first_ref.b, MESSAGE_ID_BYTES);
		write_u64(&w, m->first_number);
		write_u64(&w, m->last.number);
		write_bytes(&w, m->last.hash.b, HASH_BYTES);
	}
	return w.used;
}

static bool heads_read(struct audit_heads *h, const void *value, size_t n)
{
	struct reader r;
	uint8_t fault;

	*h = (struct audit_heads){0};
	if (n < VALUE_HEAD_BYTES || n > VALUE_MAX_BYTES || (n - VALUE_HEAD_BYTES) % MARK_BYTES != 0)
		return false;
	reader_init(&r, value, n);
	read_bytes(&r, h->origin.b, PARTY_ID_BYTES);
	fault = read_u8(&r);
	h->fault = fault <= AUDIT_OTHER ? (enum audit_fault)fault : AUDIT_GOOD;
	h->fault_at = read_u64(&r);
	h->less = read_u64(&r);
	h->more = read_u64(&r);
	h->count = (n - VALUE_HEAD_BYTES) / MARK_BYTES;
	for (size_t i = 0; i < h->count; i++) {
		struct audit_mark *m = &h->marks[i];
		m->incarnation = read_u64(&r);
		m->first_sequence = read_u64(&r);
		m->last_sequence = read_u64(&r);
		read_bytes(&r, m->first_id.b, MESSAGE_ID_BYTES);
		read_bytes(&r, m->first_ref.b, MESSAGE_ID_BYTES);
		m->first_number = read_u64(&r);
		m->last.number = read_u64(&r);
		read_bytes(&r, m->last.hash.b, HASH_BYTES);
	}
	return true;
}

struct each {
	bool (*found)(void *arg, const struct audit_heads *heads);
	void *arg;
};

static bool each_value(void *arg, const char *key, const void *value, size_t n)
{
	struct each *each = arg;
	struct audit_heads heads;

	(void)key;
	return !heads_read(&heads, value, n) || each->found(each->arg, &heads);
}

enum err audit_heads_each(struct log_reader *log,
			  bool (*found)(void *arg, const struct audit_heads *heads), void *arg)
{
	struct each each = {found, arg};

	return log_values(log, prefix, each_value, &each);
}

static struct audit_entry *entry_new(struct audit_book *b)
{
	size_t room = b->room ? 2 * b->room : 16;
	struct audit_entry *grown;

	if (b->count == b->room) {
		grown = realloc(b->entries, room * sizeof *grown);
		if (!grown)
			return NULL;
		b->entries = grown;
		b->room = room;
	}
	b->entries[b->count] = (struct audit_entry){0};
	return &b->entries[b->count++];
}

static bool load_one(void *arg, const struct audit_heads *heads)
{
	struct audit_entry *entry = entry_new(arg);

	if (entry)
		entry->heads = *heads;
	return entry != NULL;
}

static enum err load(struct audit_book *b, struct log_reader *log)
{
	uint8_t value[8];
	size_t n;
	enum err e = audit_heads_each(log, load_one, b);

	/* What was told by whom is in the log: it is looked through again. */
	if (e == ERR_DAMAGED)
		e = ERR_NOT_FOUND;
	else if (!e)
		e = remembered_get(log, value_name, value, sizeof value, &n);
	if (!e && n == sizeof value)
		b->done = b->saved = get_u64(value);
	b->loaded = !e || e == ERR_NOT_FOUND;
	return b->loaded ? ERR_OK : e;
}

static enum err save(struct node *n, struct audit_book *b)
{
	uint8_t value[VALUE_MAX_BYTES], done[8];
	char key[KEY_BYTES], hex[2 * PARTY_ID_BYTES + 1];
	bool changed = b->done - b->saved >= SAVED_EVERY;
	enum err e = ERR_OK;

	for (size_t i = 0; i < b->count && !e; i++) {
		struct audit_entry *entry = &b->entries[i];
		if (!entry->changed)
			continue;
		snprintf(key, sizeof key, "%s%s", prefix,
			 hex_encode(hex, entry->heads.origin.b, PARTY_ID_BYTES));
		e = node_keep(n, key, value, heads_write(&entry->heads, value), 0, NULL, 0);
		entry->changed = e != ERR_OK;
		changed = true;
	}
	if (e || !changed)
		return e;
	put_u64(done, b->done);
	e = node_keep(n, value_name, done, sizeof done, 0, NULL, 0);
	if (!e)
		b->saved = b->done;
	return e;
}

/* ---- the duty ---- */

static struct audit_entry *entry_of(struct audit_book *b, const struct party_id *origin)
{
	struct audit_entry *entry;

	for (size_t i = 0; i < b->count; i++)
		if (party_id_equal(&b->entries[i].heads.origin, origin))
			return &b->entries[i];
	entry = entry_new(b);
	if (entry)
		entry->heads.origin = *origin;
	return entry;
}

static enum err follow_row(struct node *n, struct log_reader *log, const struct log_row *row)
{
	struct audit_told told;
	struct audit_entry *entry;
	enum audit_fault fault;
	struct header h;

	if (row->kind != LOG_MESSAGE || row->length < HEADER_FIXED_BYTES + SIGNATURE_BYTES ||
	    row->data[KIND_OFFSET] != KIND_BEACON ||
	    header_decode(&h, row->data, row->length - SIGNATURE_BYTES) != ERR_OK ||
	    !audit_told(&told.head, n->identity, log, row, &h))
		return ERR_OK;
	told.incarnation = h.incarnation;
	told.sequence = h.sequence;
	told.id = row->id;
	told.ref = h.ref;
	entry = entry_of(n->audits, &h.origin);
	if (!entry)
		return ERR_MEMORY;
	fault = audit_heads_see(&entry->heads, &told);
	if (fault != AUDIT_GOOD) {
		entry->heads.fault = fault;
		entry->heads.fault_at = clock_wall();
	}
	entry->changed = true;
	/* SPEC 9.2: "A node looks in its own audit for what others hand back to it of its own." */
	if (party_id_equal(&h.origin, &n->self) && !party_id_equal(&row->from, &n->self) &&
	    told.head.number)
		audit_own_add(&n->audits->own, &told.head);
	return ERR_OK;
}

/* Goes on with what came back; at the end of the log it is known whether something is missing. */
static enum err own_look(struct node *n, struct log_reader *log, uint64_t now, uint64_t *next)
{
	struct audit_book *b = n->audits;
	struct audit_entry *entry;
	struct beacon_audit last;
	enum audit_fault fault;
	uint64_t more;
	enum err e = audit_own_look(&b->own, log, ROWS_AT_ONCE);

	if (!e)
		*next = now;
	if (e != ERR_NOT_FOUND)
		return e;
	e = audit_head_read(&last, log);
	entry = e ? NULL : entry_of(b, &n->self);
	if (!entry)
		return e ? e : ERR_MEMORY;
	fault = audit_own_fault(&b->own, last.number, &more);
	if (fault != AUDIT_GOOD) {
		entry->heads.fault = fault;
		entry->heads.fault_at = clock_wall();
		entry->heads.less = last.number;
		entry->heads.more = more;
		entry->changed = true;
	}
	b->own = (struct audit_own){0};
	return ERR_OK;
}

enum err duty_audits(struct node *n, uint64_t now, uint64_t *next)
{
	struct audit_book *b = n->audits;
	struct log_reader *log = NULL;
	uint64_t before = b->done;
	enum err e = log_reader_open(&log, n->log);

	if (!e && !b->loaded)
		e = load(b, log);
	for (int i = 0; i < ROWS_AT_ONCE && !e; i++) {
		struct log_row row = {0};
		e = log_read_from(log, b->done + 1, &row);
		if (e == ERR_DAMAGED && row.lsn > b->done)
			e = ERR_OK;
		else if (!e)
			e = follow_row(n, log, &row);
		if (!e)
			b->done = row.lsn;
	}
	if (e == ERR_OK && b->done > before)
		*next = now;
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	if (!e && b->own.count)
		e = own_look(n, log, now, next);
	log_reader_close(log);
	/* What is being looked for is looked for again after a crash. */
	if (e || b->own.count)
		return e;
	e = save(n, b);
	/* One that is being closed finds it again. */
	return e == ERR_STATE ? ERR_OK : e;
}

size_t audit_alarms(struct node *n, const struct topology *t, char (*out)[ALARM_BYTES], size_t max)
{
	const struct audit_book *b = n->audits;
	uint64_t wall = clock_wall();
	size_t count = 0;

	for (size_t i = 0; i < b->count && count < max; i++) {
		const struct audit_heads *h = &b->entries[i].heads;
		const struct party *p = topology_party_by_id(t, &h->origin);
		if (!p || p->left || h->fault == AUDIT_GOOD || h->fault_at + NAMED_MS <= wall)
			continue;
		if (party_id_equal(&h->origin, &n->self))
			snprintf(out[count++], ALARM_BYTES,
				 "this node's audit is not what it has told others of it: an older "
				 "copy was restored, or it was cut: khabar audit verify");
		else if (h->fault == AUDIT_FEWER)
			snprintf(out[count++], ALARM_BYTES,
				 "the audit of %s has fewer rows (%llu) than it had (%llu): an "
				 "older copy was restored, or it was cut: khabar audit heads",
				 p->name, (unsigned long long)h->less, (unsigned long long)h->more);
		else
			snprintf(out[count++], ALARM_BYTES,
				 "%s has told two things of one row of its audit: an older copy "
				 "was restored, or it was written anew: khabar audit heads",
				 p->name);
	}
	return count;
}
