/* Sealing again what a reader cannot open, since it is sealed to a key that the reader has not any
 * more; and recalling that too when it was recalled.
 *
 * Nothing is remembered: after a start, and whenever other keys are in use, the whole log is looked
 * through, and what was done is found in the index.  That goes on to the end before it begins anew,
 * and rests ten times as long as it took: whoever says every second where it lives costs little,
 * and keeps nobody from having a message sealed again. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "keys/handover.h"
#include "node/store/content.h"
#include "node/node_parts.h"
#include "node/duty/receipts.h"
#include "protocol/body.h"

enum {
	AT_ONCE_MS = 50,
	WAITS_MS = 10 * 1000,
	DUE_AT_ONCE = STATEMENTS_MAX,
	DRAFTS_AT_ONCE = 16,
	REST = 10
};

/* A message of ours that is to be sealed again to a party, or a reseal that is to be recalled. */
struct due {
	struct party_id party;
	bool recall, direct;
	uint64_t lsn;
};

struct resealing {
	struct node *node;
	const struct topology *topology;
	const struct party *self;
	uint32_t floor;
	struct log_reader *log;
	struct index_reader *index;
	struct due *due; /* owned */
	size_t due_count, due_room;
	struct header header, target, other;
	struct letter letter;
};

static enum err due_add(struct resealing *x, const struct due *d)
{
	if (x->due_count == x->due_room) {
		size_t room = x->due_room ? 2 * x->due_room : 64;
		struct due *more = realloc(x->due, room * sizeof *more);
		if (!more)
			return ERR_MEMORY;
		x->due = more;
		x->due_room = room;
	}
	x->due[x->due_count++] = *d;
	return ERR_OK;
}

/* Reads a message of ours that is accepted, with its header into h; ERR_NOT_FOUND: none is here. */
static enum err own_read(struct resealing *x, uint64_t lsn, struct log_row *row, struct header *h)
{
	enum err e = log_read(x->log, lsn, row);

	if (e)
		return e == ERR_DAMAGED ? ERR_NOT_FOUND : e;
	if (!row_accepted(row, h) || !party_id_equal(&h->origin, &x->self->id) ||
	    !(h->flags & FLAG_SEALED) || (h->kind != KIND_POST && h->kind != KIND_FORWARD))
		return ERR_NOT_FOUND;
	return ERR_OK;
}

static enum err own_find(struct resealing *x, const struct message_id *id, struct log_row *row,
			 struct header *h)
{
	uint64_t lsn;
	enum err e = index_find(x->index, id, &lsn);

	return e ? e : own_read(x, lsn, row, h);
}

static bool recalled(struct resealing *x, const struct header *h, const struct message_id *id)
{
	uint64_t lsn;

	return index_recall(x->index, x->log, h, id, &x->other, &lsn) != ERR_NOT_FOUND;
}

/* The greatest number of a key of that party to which the message is sealed; 0: to none. */
static uint16_t sealed_to(const struct header *h, const struct party_id *party)
{
	uint16_t number = 0;

	for (size_t i = 0; i < h->recipient_count; i++)
		if (party_id_equal(&h->recipients[i].party, party) && h->recipients[i].key > number)
			number = h->recipients[i].key;
	return number;
}

/* ---- what is to be sealed again ---- */

/* SPEC 5.9: "it sends a reseal, once for a message, a party and a number" */
static enum err resealed(struct resealing *x, const struct message_id *id,
			 const struct party_id *party, uint16_t number, bool *yes)
{
	struct log_row row;
	uint64_t at = 0, lsn;
	enum err e = ERR_OK;

	*yes = false;
	while (!*yes && (e = index_answers(x->index, id, &at, &lsn)) == ERR_OK) {
		e = own_read(x, lsn, &row, &x->other);
		if (e && e != ERR_NOT_FOUND)
			return e;
		*yes = !e && is_reseal(&x->other, &x->target, id) &&
		       sealed_to(&x->other, party) >= number;
	}
	return *yes || e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The reader states that the key to which this party's share is sealed is gone. */
static enum err consider_party(struct resealing *x, const struct log_row *row,
			       const struct party *reader, const struct party *party)
{
	const struct seal_key *key = directory_seal_key(x->node->directory, party);
	const struct due d = {
		.party = party->id, .direct = x->target.flags & FLAG_DIRECT, .lsn = row->lsn};
	bool is = party == reader, done;
	enum err e;

	for (size_t i = 0; i < reader->role_count; i++)
		is = is || &x->topology->parties[reader->roles[i]] == party;
	if (!is || !key || key->number <= sealed_to(&x->target, &party->id))
		return ERR_OK;
	e = resealed(x, &row->id, &party->id, key->number, &done);
	return e || done ? e : due_add(x, &d);
}

/* The message that has been stated of, in x->target; of a reseal that which it says again. */
static enum err target_find(struct resealing *x, const struct message_id *id, struct log_row *row)
{
	struct log_row before;
	enum err e = own_find(x, id, row, &x->target);

	if (!e && !bytes_zero(x->target.ref.b, MESSAGE_ID_BYTES) &&
	    own_find(x, &x->target.ref, &before, &x->other) == ERR_OK &&
	    is_reseal(&x->target, &x->other, &before.id)) {
		x->target = x->other;
		*row = before;
	}
	return e;
}

static enum err consider(struct resealing *x, const struct message_id *id,
			 const struct party *reader)
{
	struct log_row row;
	enum err e = target_find(x, id, &row);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	/* SPEC 5.9: "not when the message is recalled, below the floor, or without its body" */
	if (!row.has_body || x->target.expiry < x->floor || recalled(x, &x->target, &row.id))
		return ERR_OK;
	for (size_t i = 0; !e && i < x->target.recipient_count; i++) {
		const struct recipient *r = &x->target.recipients[i];
		const struct party *p = topology_party_by_id(x->topology, &r->party);
		if (p && p != x->self)
			e = consider_party(x, &row, reader, p);
	}
	return e;
}

static enum err consider_receipt(struct resealing *x, const struct log_row *row)
{
	const struct party *reader = topology_party_by_id(x->topology, &x->header.origin);
	char *json, why[CONTENT_WHY_BYTES];
	struct receipt r;
	size_t n;
	enum err e;

	if (!reader || reader->left || reader == x->self || !(x->header.flags & FLAG_SEALED))
		return ERR_OK;
	e = content_read(node_identity(x->node), x->log, row, &x->header, &json, &n, why);
	if (e)
		return e == ERR_NOT_FOUND || e == ERR_FORMAT ? ERR_OK : e;
	e = receipt_read(&r, json, n, NULL);
	if (!e) {
		for (size_t i = 0; !e && i < r.count; i++)
			if (r.items[i].state == RECEIPT_CANNOT_OPEN &&
			    r.items[i].reason == REASON_GONE)
				e = consider(x, &r.items[i].message, reader);
		receipt_clear(&r);
	} else if (e != ERR_MEMORY) {
		e = ERR_OK;
	}
	free(json);
	return e;
}

/* ---- what is to be recalled ---- */

/* The message in x->header at row is a reseal of ours: is what it says again recalled, and it not?
 */
static enum err consider_reseal(struct resealing *x, const struct log_row *row)
{
	struct due d = {.recall = true, .direct = x->header.flags & FLAG_DIRECT, .lsn = row->lsn};
	struct log_row target;
	enum err e = own_find(x, &x->header.ref, &target, &x->target);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (!is_reseal(&x->header, &x->target, &target.id) ||
	    !recalled(x, &x->target, &target.id) || recalled(x, &x->header, &row->id))
		return ERR_OK;
	for (size_t i = 0; i < x->header.recipient_count; i++)
		if (!party_id_equal(&x->header.recipients[i].party, &x->self->id))
			d.party = x->header.recipients[i].party;
	return due_add(x, &d);
}

/* SPEC 5.9: "When the target is recalled, its author recalls the reseal too." */
static enum err consider_recall(struct resealing *x)
{
	struct message_id id = x->header.ref;
	uint64_t at = 0, lsn;
	struct log_row row;
	enum err e;

	while ((e = index_answers(x->index, &id, &at, &lsn)) == ERR_OK) {
		e = own_read(x, lsn, &row, &x->header);
		if (!e)
			e = consider_reseal(x, &row);
		if (e && e != ERR_NOT_FOUND)
			return e;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err consider_row(struct resealing *x, const struct log_row *row)
{
	bool own;

	if (!row_accepted(row, &x->header))
		return ERR_OK;
	own = party_id_equal(&x->header.origin, &x->self->id);
	switch ((enum message_kind)x->header.kind) {
	case KIND_RECEIPT:
		return own ? ERR_OK : consider_receipt(x, row);
	case KIND_RECALL:
		return own ? consider_recall(x) : ERR_OK;
	case KIND_POST:
	case KIND_FORWARD:
		if (own && !bytes_zero(x->header.ref.b, MESSAGE_ID_BYTES))
			return consider_reseal(x, row);
		break;
	case KIND_BEACON:
	case KIND_CARD:
	case KIND_ROLE_KEY:
		break;
	}
	return ERR_OK;
}

/* ---- doing it ---- */

static int compare_letter(const struct due *a, const struct due *b)
{
	int c = memcmp(a->party.b, b->party.b, PARTY_ID_BYTES);

	if (!c)
		c = (int)a->direct - (int)b->direct;
	return c ? c : (int)a->recall - (int)b->recall;
}

static int compare(const void *x, const void *y)
{
	const struct due *a = x, *b = y;
	int c = compare_letter(a, b);

	return c ? c : (a->lsn > b->lsn) - (a->lsn < b->lsn);
}

static void due_sort(struct resealing *x)
{
	size_t kept = 0;

	if (x->due_count)
		qsort(x->due, x->due_count, sizeof *x->due, compare);
	for (size_t i = 0; i < x->due_count; i++)
		if (i == 0 || compare(&x->due[i], &x->due[kept - 1]) != 0)
			x->due[kept++] = x->due[i];
	x->due_count = kept;
}

/* What the message says, before it is sealed; the caller frees it. */
static enum err data_of(struct resealing *x, const struct log_row *row, const struct header *h,
			uint8_t **data, size_t *n)
{
	size_t length;
	uint8_t *body;
	enum err e = log_read_body(x->log, row, &body, &length);

	*data = NULL;
	if (e)
		return e;
	*data = malloc(length + 1);
	if (!*data)
		e = ERR_MEMORY;
	/* What a forward hands on includes a content key, which is sealed with it again. */
	else if ((h->kind == KIND_FORWARD ? handover_take : seal_open)(
			 node_identity(x->node), h, body, length, *data, n) != OPENING_DONE)
		e = ERR_FORMAT;
	free(body);
	return e;
}

/* SPEC 5.9: "A reseal has its target's id as `ref`, and its target's kind, TLP, flags, priority,
 * origin, `created` and expiry" */
static enum err draft_make(struct resealing *x, const struct due *d, struct draft *out)
{
	static const char json[] = "{\"because\":\"leaked\"}";
	const struct header *h = &x->target;
	struct log_row row;
	uint8_t *data = NULL;
	enum err e = own_read(x, d->lsn, &row, &x->target);

	*out = (struct draft){0};
	if (e)
		return e;
	*out = (struct draft){.kind = d->recall ? KIND_RECALL : (enum message_kind)h->kind,
			      .tlp = (enum tlp)h->tlp,
			      .priority = d->recall ? PRIORITY_HIGH : h->priority,
			      .no_forward = h->flags & FLAG_NO_FORWARD,
			      .expiry = h->expiry,
			      .created = d->recall ? 0 : h->created,
			      .ref = row.id};
	if (d->recall)
		e = body_pack(&data, &out->body_length, json, sizeof json - 1);
	else
		e = data_of(x, &row, h, &data, &out->body_length);
	out->body = data;
	return e;
}

/* The drafts of n of one letter, in one commit.  What cannot be read is left out. */
static enum err due_publish(struct resealing *x, const struct due *due, size_t n)
{
	struct chosen chosen = {.party = topology_party_by_id(x->topology, &due->party)};
	struct recipients to = {.direct = due->direct,
				.chosen = &chosen,
				.count = 1,
				.book = directory_book(x->node->directory)};
	struct draft drafts[DRAFTS_AT_ONCE] = {0};
	struct message_id ids[DRAFTS_AT_ONCE];
	size_t count = 0;
	enum err e = ERR_OK;

	if (!chosen.party || !recipients_letter(&x->letter, &to, x->self, 0))
		return ERR_OK;
	for (size_t i = 0; i < n && e != ERR_MEMORY; i++) {
		e = draft_make(x, &due[i], &drafts[count]);
		if (e)
			free((void *)(uintptr_t)drafts[count].body);
		else
			count++;
	}
	if (e != ERR_MEMORY)
		e = count ? node_publish_letter(x->node, x->topology, &x->letter, drafts, count,
						ids, NULL)
			  : ERR_OK;
	for (size_t i = 0; i < count; i++) {
		sodium_memzero((void *)(uintptr_t)drafts[i].body, drafts[i].body_length);
		free((void *)(uintptr_t)drafts[i].body);
	}
	return e;
}

static enum err all_publish(struct resealing *x)
{
	enum err e = ERR_OK;

	due_sort(x);
	for (size_t i = 0, n; !e && i < x->due_count; i += n) {
		n = 1;
		while (i + n < x->due_count && n < DRAFTS_AT_ONCE &&
		       compare_letter(&x->due[i], &x->due[i + n]) == 0)
			n++;
		e = due_publish(x, &x->due[i], n);
	}
	/* Who may not speak seals nothing; one that is being closed does when it is started. */
	return e == ERR_STATE || e == ERR_NOT_ALLOWED ? ERR_OK : e;
}

static enum err look_through(struct resealing *x, uint64_t until, uint64_t *done)
{
	uint64_t started = clock_monotonic();
	struct log_row row;
	enum err e = ERR_OK;

	while (!e && *done < until && x->due_count < DUE_AT_ONCE &&
	       clock_monotonic() - started < AT_ONCE_MS) {
		e = log_read_from(x->log, *done + 1, &row);
		if (!e)
			e = consider_row(x, &row);
		else if (e == ERR_DAMAGED && row.lsn > *done)
			e = ERR_OK;
		if (!e)
			*done = row.lsn;
	}
	return e;
}

static enum err reseal_some(struct resealing *x, uint64_t now, uint64_t *next)
{
	struct reseal_mark *m = &x->node->reseal;
	uint64_t until = 0, done = m->done;
	enum err e = index_folded(x->index, &until);

	if (!e)
		e = look_through(x, until, &done);
	if (!e)
		e = all_publish(x);
	if (e)
		return e;
	m->done = done;
	if (done < until) {
		*next = now;
	} else if (m->passing) {
		m->passing = false;
		m->rested = now + REST * (now - m->began);
		/* Keys may have changed meanwhile. */
		*next = *next < m->rested ? *next : m->rested;
	}
	return ERR_OK;
}

/* Other keys may be in use: from the beginning, when it is time. */
static void pass_begin(struct node *n, const struct topology *t, uint64_t now, uint64_t *next)
{
	struct reseal_mark *m = &n->reseal;
	uint64_t cards = directory_changes(n->directory);

	if (m->passing || (m->version == t->version && m->cards == cards))
		return;
	if (now < m->rested) {
		*next = *next < m->rested ? *next : m->rested;
		return;
	}
	*m = (struct reseal_mark){
		.version = t->version, .cards = cards, .passing = true, .began = now};
}

enum err duty_reseal(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t = versions_newest(n->versions);
	const struct party *self = t ? topology_party(t, n->config->node) : NULL;
	struct resealing *x;
	uint64_t waiting;
	enum err e;

	if (!self || self->left || !t->policy.author_sealed)
		return ERR_OK;
	pass_begin(n, t, now, next);
	if (n->reseal.done >= log_head(n->log))
		return ERR_OK;
	/* What was sealed again since the backup was made comes back first. */
	if (node_waits(n, &waiting)) {
		*next = *next < now + WAITS_MS ? *next : now + WAITS_MS;
		return ERR_OK;
	}
	x = calloc(1, sizeof *x);
	if (!x)
		return ERR_MEMORY;
	x->node = n;
	x->topology = t;
	x->self = self;
	x->floor = status_floor(n);
	e = views_open(n, &x->index, &x->log);
	if (!e)
		e = reseal_some(x, now, next);
	views_close(x->index, x->log);
	free(x->due);
	free(x);
	return e;
}
