/* The messages that it takes to reach recipients, and the recipients of a message. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/recipients.h"

enum { OTHERS_MAX = RECIPIENTS_MAX - 1 };

size_t recipients_letters(const struct recipients *r)
{
	/* SPEC 5.7: "More than 255 recipients besides the author take several messages" */
	return r->all ? 1 : (r->count + OTHERS_MAX - 1) / OTHERS_MAX;
}

static int compare(const void *a, const void *b)
{
	const struct addressee *x = a, *y = b;

	return memcmp(x->party.b, y->party.b, sizeof x->party.b);
}

const struct seal_key *seal_book_in_use(const struct seal_book *book, const struct party *p)
{
	return book->in_use ? book->in_use(book->arg, p) : party_seal_key(p);
}

static bool add(struct letter *l, const struct seal_book *book, const struct party *p)
{
	const struct seal_key *key = seal_book_in_use(book, p);

	if (!key)
		return false;
	l->to[l->count++] =
		(struct addressee){.party = p->id, .number = key->number, .key = key->key};
	return true;
}

bool recipients_letter(struct letter *l, const struct recipients *r, const struct party *self,
		       size_t i)
{
	struct party_id ids[RECIPIENTS_MAX];
	size_t first = i * OTHERS_MAX, end = first + OTHERS_MAX;

	assert(i < recipients_letters(r));
	l->count = 0;
	l->direct = r->direct;
	l->audience = audience_all();
	if (r->all)
		return true;
	if (!add(l, &r->book, self))
		return false;
	for (size_t k = first; k < end && k < r->count; k++)
		if (!add(l, &r->book, r->chosen[k].party))
			return false;
	for (size_t k = 0; k < l->count; k++)
		ids[k] = l->to[k].party;
	l->audience = audience_of(&self->id, ids, l->count, r->direct);
	qsort(l->to, l->count, sizeof *l->to, compare);
	return true;
}

static const struct seal_key *key_numbered(const struct party *p, uint16_t number)
{
	for (size_t i = 0; p && i < p->seal_key_count; i++) {
		if (p->seal_keys[i].number == number)
			return &p->seal_keys[i];
	}
	return NULL;
}

bool recipients_letter_again(struct letter *l, const struct topology *t,
			     const struct seal_book *book, const struct topology *then,
			     const struct header *h, struct party_id *missing)
{
	l->audience = h->audience;
	l->direct = h->flags & FLAG_DIRECT;
	l->count = 0;
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct recipient *to = &h->recipients[i];
		const struct party *p = topology_party_by_id(t, &to->party);
		const struct seal_key *key = p ? seal_book_in_use(book, p) : NULL;

		if (i && party_id_equal(&to->party, &h->recipients[i - 1].party))
			continue;
		if (!key && then)
			key = key_numbered(topology_party_by_id(then, &to->party), to->key);
		if (!key) {
			*missing = to->party;
			return false;
		}
		l->to[l->count++] = (struct addressee){to->party, key->number, key->key};
	}
	return true;
}

enum err recipients_of(struct recipients *r, const struct topology *t, const struct header *h)
{
	*r = (struct recipients){.all = h->recipient_count == 0, .direct = h->flags & FLAG_DIRECT};
	if (r->all)
		return ERR_OK;
	r->chosen = calloc(h->recipient_count, sizeof *r->chosen);
	if (!r->chosen)
		return ERR_MEMORY;
	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct recipient *to = &h->recipients[i];
		const struct party *p = topology_party_by_id(t, &to->party);
		/* Two keys of one party stand side by side. */
		if (!p || party_id_equal(&to->party, &h->origin) ||
		    (i && party_id_equal(&to->party, &h->recipients[i - 1].party)))
			continue;
		r->chosen[r->count].party = p;
		strcpy(r->chosen[r->count++].how, "recipient");
	}
	return ERR_OK;
}
