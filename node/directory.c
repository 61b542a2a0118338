#include "node/directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/directory_parts.h"

enum err directory_open(struct directory **out, struct index *index, struct log *log,
			const struct identity *identity)
{
	struct directory *d = calloc(1, sizeof *d);
	enum err e;

	*out = NULL;
	if (!d)
		return ERR_MEMORY;
	d->index = index;
	d->identity = identity;
	pthread_mutex_init(&d->following, NULL);
	pthread_mutex_init(&d->lock, NULL);
	e = index_reader_open(&d->reader, index);
	if (!e)
		e = log_reader_open(&d->log, log);
	if (e) {
		directory_close(d);
		return e;
	}
	*out = d;
	return ERR_OK;
}

static void interned_free(struct interned *i)
{
	while (i) {
		struct interned *next = i->next;
		free(i);
		i = next;
	}
}

void directory_close(struct directory *d)
{
	if (!d)
		return;
	if (d->reader)
		index_reader_close(d->reader);
	if (d->log)
		log_reader_close(d->log);
	free(d->state.cards);
	free(d->state.remarks);
	interned_free(d->interned);
	pthread_mutex_destroy(&d->following);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

uint64_t directory_changes(struct directory *d)
{
	uint64_t changes;

	pthread_mutex_lock(&d->lock);
	changes = d->changes;
	pthread_mutex_unlock(&d->lock);
	return changes;
}

const struct directory_card *state_card(const struct state *s, const struct party_id *origin)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = memcmp(s->cards[middle].origin.b, origin->b, sizeof origin->b);
		if (c == 0)
			return &s->cards[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool directory_card(struct directory *d, const struct party_id *origin, struct directory_card *out)
{
	const struct directory_card *found;

	pthread_mutex_lock(&d->lock);
	found = state_card(&d->state, origin);
	if (found)
		*out = *found;
	pthread_mutex_unlock(&d->lock);
	return found != NULL;
}

void directory_ways(struct directory *d, const struct party *p, struct directory_card *card,
		    struct link_peer *out)
{
	bool has = directory_card(d, &p->id, card), listed = false;

	out->endpoint_count = out->key_count = 0;
	/* SPEC 4.11: "a dialer tries the endpoints of the card in their order, and then that of the
	 * topology; at each it expects the next link key first, then the one in use" */
	for (size_t i = 0; has && i < card->endpoint_count; i++) {
		out->endpoints[out->endpoint_count++] = card->endpoints[i];
		listed |= p->endpoint && strcmp(card->endpoints[i], p->endpoint) == 0;
	}
	if (p->endpoint && !listed)
		out->endpoints[out->endpoint_count++] = p->endpoint;
	for (size_t i = has ? card->link_count : 0; i-- > 0;)
		memcpy(out->keys[out->key_count++], card->links[i], LINK_KEY_BYTES);
	if (!has)
		memcpy(out->keys[out->key_count++], p->link_key, LINK_KEY_BYTES);
}

uint16_t directory_greatest_seal(struct directory *d, const struct party *p)
{
	uint16_t greatest = 0, listed = 0;

	if (p->seal_key_count)
		listed = p->seal_keys[p->seal_key_count - 1].number;
	pthread_mutex_lock(&d->following);
	if (index_reader_renew(d->reader) == ERR_OK &&
	    index_card_greatest_seal(d->reader, &p->id, &greatest) != ERR_OK)
		greatest = 0;
	index_reader_pause(d->reader);
	pthread_mutex_unlock(&d->following);
	return greatest > listed ? greatest : listed;
}

/* ---- seal keys ---- */

static const struct seal_key *numbered(const struct party *p, uint16_t number)
{
	for (size_t i = 0; i < p->seal_key_count; i++)
		if (p->seal_keys[i].number == number)
			return &p->seal_keys[i];
	return NULL;
}

/* SPEC 4.11: "The one in use is the one with the greatest number that the topology does not
 * revoke." */
static const struct card_seal *newest_of_card(const struct directory_card *c, const struct party *p)
{
	for (size_t i = c->seal_count; i-- > 0;) {
		const struct seal_key *listed = numbered(p, c->seals[i].number);
		if (!listed || !listed->retired)
			return &c->seals[i];
	}
	return NULL;
}

/* A key lives as long as whoever seals to it may need it.  A number never means another key, so
 * there are as many as were ever used. */
static const struct seal_key *intern(struct directory *d, const struct party_id *party,
				     const struct card_seal *seal)
{
	struct interned *i = d->interned;

	while (i && (!party_id_equal(&i->party, party) || i->key.number != seal->number ||
		     memcmp(i->key.key, seal->key, SEAL_KEY_BYTES) != 0))
		i = i->next;
	if (i)
		return &i->key;
	i = calloc(1, sizeof *i);
	if (!i)
		return NULL;
	i->party = *party;
	i->key.number = seal->number;
	memcpy(i->key.key, seal->key, SEAL_KEY_BYTES);
	i->next = d->interned;
	d->interned = i;
	return &i->key;
}

const struct seal_key *directory_seal_key(struct directory *d, const struct party *p)
{
	const struct seal_key *key = party_seal_key(p);
	const struct directory_card *card;
	const struct card_seal *newest;

	pthread_mutex_lock(&d->lock);
	card = p->kind == PARTY_NODE ? state_card(&d->state, &p->id) : NULL;
	newest = card ? newest_of_card(card, p) : NULL;
	if (newest && (!key || newest->number > key->number))
		key = intern(d, &p->id, newest);
	pthread_mutex_unlock(&d->lock);
	return key;
}

static const struct seal_key *in_use(void *arg, const struct party *p)
{
	return directory_seal_key(arg, p);
}

struct seal_book directory_book(struct directory *d)
{
	return (struct seal_book){.in_use = in_use, .arg = d};
}

void directory_renew(struct directory *d, const struct topology *t, struct letter *letter)
{
	for (size_t i = 0; i < letter->count; i++) {
		struct addressee *to = &letter->to[i];
		const struct party *p = topology_party_by_id(t, &to->party);
		const struct seal_key *key = p ? directory_seal_key(d, p) : NULL;
		if (key && key->number > to->number) {
			to->number = key->number;
			to->key = key->key;
		}
	}
}

/* ---- remarks ---- */

bool directory_remark(struct directory *d, uint64_t lsn, struct remark *out)
{
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < d->state.remark_count && !found; i++) {
		found = d->state.remarks[i].lsn == lsn;
		if (found)
			*out = d->state.remarks[i];
	}
	pthread_mutex_unlock(&d->lock);
	return found;
}

bool directory_tell(struct directory *d, struct remark *out)
{
	size_t i = 0;
	bool more;

	pthread_mutex_lock(&d->lock);
	while (i < d->state.remark_count && d->state.remarks[i].told)
		i++;
	more = i < d->state.remark_count;
	if (more) {
		d->state.remarks[i].told = true;
		*out = d->state.remarks[i];
	}
	pthread_mutex_unlock(&d->lock);
	return more;
}
