#include "node/duty/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"
#include "protocol/body.h"

enum {
	STATEMENT_BYTES = 160, /* about what one takes as JSON, and */
	NAME_BYTES = NAME_MAX_BYTES + 3,
	TEXT_BYTES_MAX = 800000, /* so that even what does not shrink fits a body */
};

static void item_clear(struct gathered *g)
{
	free((void *)(uintptr_t)g->statement.to);
	free((void *)(uintptr_t)g->statement.because);
	g->statement.to = NULL;
	g->statement.because = NULL;
}

enum err receipts_add(struct receipts *r, const struct header *h, const struct statement *s)
{
	struct gathered g = {h->origin, h->flags & FLAG_DIRECT, h->expiry, *s};

	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 64;
		struct gathered *items = realloc(r->items, room * sizeof *items);
		if (!items) {
			item_clear(&g);
			return ERR_MEMORY;
		}
		r->items = items;
		r->room = room;
	}
	r->items[r->count++] = g;
	return ERR_OK;
}

void receipts_clear(struct receipts *r)
{
	for (size_t i = 0; i < r->count; i++)
		item_clear(&r->items[i]);
	free(r->items);
	*r = (struct receipts){0};
}

/* ---- sorting: what goes into one receipt stands together ---- */

static int compare_reader(const struct gathered *a, const struct gathered *b)
{
	int c = memcmp(a->origin.b, b->origin.b, PARTY_ID_BYTES);

	return c ? c : (int)a->direct - (int)b->direct;
}

static int compare(const void *x, const void *y)
{
	const struct gathered *a = x, *b = y;
	int c = compare_reader(a, b);

	if (!c)
		c = memcmp(a->statement.message.b, b->statement.message.b, MESSAGE_ID_BYTES);
	if (!c)
		c = (int)a->statement.state - (int)b->statement.state;
	/* Only forwards add up. */
	if (!c && a->statement.state == RECEIPT_FORWARDED)
		c = (a->statement.at > b->statement.at) - (a->statement.at < b->statement.at);
	return c;
}

static void sort_once(struct receipts *r)
{
	size_t kept = 0;

	if (r->count)
		qsort(r->items, r->count, sizeof *r->items, compare);
	for (size_t i = 0; i < r->count; i++) {
		if (kept && compare(&r->items[i], &r->items[kept - 1]) == 0)
			item_clear(&r->items[i]);
		else
			r->items[kept++] = r->items[i];
	}
	r->count = kept;
}

/* ---- sending ---- */

/* How many of the n statements, of which there is one, go into the first receipt: one or more. */
static size_t chunk_of(const struct gathered *items, size_t n)
{
	size_t bytes = 0, i = 0;

	do {
		const struct statement *s = &items[i].statement;
		bytes += STATEMENT_BYTES + s->to_count * NAME_BYTES;
		bytes += s->because ? 2 * strlen(s->because) : 0;
		if (i && bytes > TEXT_BYTES_MAX)
			break;
		i++;
	} while (i < n && i < STATEMENTS_MAX && compare_reader(&items[i], items) == 0);
	return i;
}

static enum err body_make(uint8_t **body, size_t *length, const struct gathered *items, size_t n)
{
	struct statement *all = calloc(n, sizeof *all);
	struct text t;
	enum err e;

	if (!all)
		return ERR_MEMORY;
	text_init(&t);
	for (size_t i = 0; i < n; i++)
		all[i] = items[i].statement;
	receipt_write(&t, all, n);
	e = t.bad ? ERR_MEMORY : body_pack(body, length, t.at, t.length);
	text_clear(&t);
	free(all);
	return e;
}

static enum err chunk_publish(struct receipts *r, const struct gathered *items, size_t n,
			      struct node *node, struct report *report)
{
	const struct topology *t = versions_newest(node_versions(node));
	struct chosen origin = {.party = topology_party_by_id(t, &items->origin)};
	struct recipients to = {.direct = items->direct, .chosen = &origin, .count = 1};
	struct draft draft = {.kind = KIND_RECEIPT, .tlp = TLP_AMBER};
	uint8_t *body = NULL;
	enum err e;

	/* SPEC 5.9: "A receipt is sealed to the key in use of the origin; where it has none, or has
	 * left, there is no receipt." */
	if (!origin.party || origin.party->left ||
	    !directory_seal_key(node_directory(node), origin.party))
		return ERR_OK;
	/* SPEC 5.9: "A receipt expires no earlier than the messages that it answers." */
	for (size_t i = 0; i < n; i++)
		if (items[i].expiry > draft.expiry)
			draft.expiry = items[i].expiry;
	e = body_make(&body, &draft.body_length, items, n);
	draft.body = body;
	if (!e)
		e = node_publish(node, t, &to, &draft, 1, &r->last, report);
	r->sent += e == ERR_OK;
	free(body);
	return e;
}

enum err receipts_publish(struct receipts *r, struct node *node, struct report *report)
{
	enum err e = ERR_OK;

	sort_once(r);
	for (size_t i = 0, n; !e && i < r->count; i += n) {
		n = chunk_of(&r->items[i], r->count - i);
		e = chunk_publish(r, &r->items[i], n, node, report);
	}
	for (size_t i = 0; i < r->count; i++)
		item_clear(&r->items[i]);
	r->count = 0;
	return e;
}

/* ---- what was said before ---- */

static bool hear(void *arg, const struct stated *s)
{
	receipt_fold_add(arg, s->state, s->at, s->reason);
	return true;
}

enum err receipts_own(struct index_reader *index, const struct party_id *self,
		      const struct message_id *id, struct receipt_fold *out)
{
	*out = (struct receipt_fold){0};
	return index_stated(index, id, self, hear, out);
}

enum err receipts_reseal(struct index_reader *index, struct log_reader *log,
			 const struct message_id *target, const struct header *header, uint64_t *at,
			 struct message_id *id)
{
	struct header *other = malloc(sizeof *other);
	struct log_row row;
	bool found = false;
	uint64_t lsn;
	enum err e = other ? ERR_OK : ERR_MEMORY;

	while (!e && !found) {
		e = index_answers(index, target, at, &lsn);
		found = !e && log_read(log, lsn, &row) == ERR_OK && row_accepted(&row, other) &&
			is_reseal(other, header, target);
	}
	if (found)
		*id = row.id;
	free(other);
	return e;
}
