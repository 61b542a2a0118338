/* Which card is in force: a function of the cards that are here and of the topology in force. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"
#include "node/directory_parts.h"

/* A look at everything. */
struct following {
	struct directory *d;
	const struct topology *topology;
	const struct party *party; /* the origin that is looked at */
	struct state next;
	struct card_at cards[CARDS_LOOKED_AT];
	struct directory_card card;
};

__attribute__((format(printf, 4, 5))) static void
remark(struct following *f, const struct card_at *at, bool aside, const char *format, ...)
{
	struct remark *r = &f->next.remarks[f->next.remark_count];
	va_list args;

	if (f->next.remark_count == REMARKS_MAX)
		return;
	*r = (struct remark){.origin = at->origin, .id = at->id, .lsn = at->lsn, .aside = aside};
	va_start(args, format);
	vsnprintf(r->why, sizeof r->why, format, args);
	va_end(args);
	f->next.remark_count++;
}

/* SPEC 4.11: "in the version in force its origin has not left and has the sign key, not revoked"
 */
static bool counts(void *arg, uint16_t sign_key)
{
	const struct following *f = arg;
	const struct sign_key *key = party_sign_key(f->party, sign_key);

	return key && !key->revoked;
}

/* ---- reading ---- */

static void keep_card(struct directory_card *out, const struct card_at *at, const struct header *h,
		      const struct card *c)
{
	*out = (struct directory_card){.origin = at->origin,
				       .id = at->id,
				       .lsn = at->lsn,
				       .number = at->number,
				       .sign_key = at->sign_key,
				       .expiry = h->expiry,
				       .endpoint_count = c->endpoint_count,
				       .link_count = c->link_count,
				       .seal_count = c->seal_count};
	for (size_t i = 0; i < c->endpoint_count; i++)
		snprintf(out->endpoints[i], sizeof out->endpoints[i], "%s", c->endpoints[i]);
	for (size_t i = 0; i < c->link_count; i++)
		memcpy(out->links[i], c->links[i].key, LINK_KEY_BYTES);
	memcpy(out->seals, c->seals, c->seal_count * sizeof *c->seals);
}

/* What the message at lsn says; *h is its header. */
static enum err read_message(struct directory *d, uint64_t lsn, struct header *h,
			     struct card **card)
{
	char *json = NULL, why[CONTENT_WHY_BYTES];
	struct log_row row;
	size_t n;
	enum err e = log_read(d->log, lsn, &row);

	*card = NULL;
	if (!e && (row.kind != LOG_MESSAGE || row.length < SIGNATURE_BYTES ||
		   header_decode(h, row.data, row.length - SIGNATURE_BYTES) != ERR_OK))
		e = ERR_DAMAGED;
	if (!e)
		e = content_read(d->identity, d->log, &row, h, &json, &n, why);
	if (!e)
		e = card_read(card, &h->origin, json, n, NULL);
	free(json);
	return e && e != ERR_MEMORY && e != ERR_IO ? ERR_NOT_FOUND : e;
}

/* f->card becomes the card.  ERR_NOT_FOUND: its body has just gone, or is damaged. */
static enum err read_card(struct following *f, const struct card_at *at)
{
	const struct directory_card *known = state_card(&f->d->state, &at->origin);
	struct card *card;
	struct header h;
	enum err e;

	if (known && message_id_equal(&known->id, &at->id)) {
		f->card = *known;
		return ERR_OK;
	}
	e = read_message(f->d, at->lsn, &h, &card);
	if (!e)
		keep_card(&f->card, at, &h, card);
	card_free(card);
	return e;
}

/* ---- judging ---- */

static const struct seal_key *listed_seal(const struct party *p, uint16_t number)
{
	for (size_t i = 0; i < p->seal_key_count; i++)
		if (p->seal_keys[i].number == number)
			return &p->seal_keys[i];
	return NULL;
}

/* SPEC 4.11: "it names a seal key under a number that means another key: in the version in force,
 * or else in the oldest card that counts and has the number" */
static enum err check_seals(struct following *f, const struct card_at *at, bool *aside)
{
	for (size_t i = 0; i < f->card.seal_count && !*aside; i++) {
		const struct card_seal *seal = &f->card.seals[i];
		const struct seal_key *listed = listed_seal(f->party, seal->number);
		uint8_t key[SEAL_KEY_BYTES];
		enum err e = ERR_OK;
		if (listed)
			memcpy(key, listed->key, sizeof key);
		else
			e = index_card_seal(f->d->reader, &at->origin, seal->number, counts, f,
					    key);
		if (e)
			return e;
		*aside = memcmp(key, seal->key, sizeof key) != 0;
		if (*aside)
			remark(f, at, true,
			       "names another key than before under seal key number %u",
			       seal->number);
	}
	return ERR_OK;
}

/* SPEC 4.11: "it names a link key that the version in force lists for another node" */
static void check_links(struct following *f, const struct card_at *at, bool *aside)
{
	const struct topology *t = f->topology;

	for (size_t i = 0; i < t->party_count && !*aside; i++) {
		const struct party *p = &t->parties[i];
		if (p == f->party || p->kind != PARTY_NODE)
			continue;
		for (size_t k = 0; k < f->card.link_count; k++)
			*aside |= memcmp(f->card.links[k], p->link_key, LINK_KEY_BYTES) == 0;
		if (*aside)
			remark(f, at, true, "names the link key of %s", p->name);
	}
}

static enum err judge_card(struct following *f, const struct card_at *at, bool *in_force)
{
	bool aside = false;
	enum err e = read_card(f, at);

	*in_force = false;
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = check_seals(f, at, &aside);
	if (!e && !aside)
		check_links(f, at, &aside);
	*in_force = !e && !aside;
	return e;
}

/* SPEC 4.11: "Of two cards with one number of one sign key the greater id is newer everywhere" */
static void check_twins(struct following *f, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct card_at *newer = &f->cards[i - 1], *older = &f->cards[i];
		if (newer->sign_key == older->sign_key && newer->number == older->number &&
		    memcmp(newer->body, older->body, sizeof newer->body) != 0)
			remark(f, older, false,
			       "and another one have the number %llu: the node runs twice, or was "
			       "restored",
			       (unsigned long long)older->number);
	}
}

static enum err add_in_force(struct following *f)
{
	struct state *s = &f->next;

	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 16;
		struct directory_card *cards = realloc(s->cards, room * sizeof *cards);
		if (!cards)
			return ERR_MEMORY;
		s->cards = cards;
		s->room = room;
	}
	s->cards[s->count++] = f->card;
	return ERR_OK;
}

static enum err look_at(struct following *f, const struct party_id *origin)
{
	size_t n, kept = 0;
	bool found = false;
	enum err e;

	f->party = topology_party_by_id(f->topology, origin);
	if (!f->party || f->party->kind != PARTY_NODE || f->party->left)
		return ERR_OK;
	e = index_cards(f->d->reader, origin, f->cards, CARDS_LOOKED_AT, &n);
	for (size_t i = 0; i < n; i++)
		if (counts(f, f->cards[i].sign_key))
			f->cards[kept++] = f->cards[i];
	check_twins(f, kept);
	for (size_t i = 0; i < kept && !e && !found; i++)
		e = judge_card(f, &f->cards[i], &found);
	return !e && found ? add_in_force(f) : e;
}

/* ---- following ---- */

static enum err look_at_all(struct following *f)
{
	struct party_id origin, *after = NULL;
	enum err e = ERR_OK;

	f->next.remarks = calloc(REMARKS_MAX, sizeof *f->next.remarks);
	if (!f->next.remarks)
		return ERR_MEMORY;
	while (!e && (e = index_card_origin(f->d->reader, after, &origin)) == ERR_OK) {
		after = &origin;
		e = look_at(f, &origin);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool same_cards(const struct state *a, const struct state *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = message_id_equal(&a->cards[i].id, &b->cards[i].id);
	return same;
}

static bool was_told(const struct state *s, const struct remark *r)
{
	for (size_t i = 0; i < s->remark_count; i++)
		if (s->remarks[i].lsn == r->lsn && strcmp(s->remarks[i].why, r->why) == 0)
			return s->remarks[i].told;
	return false;
}

static void put_in_force(struct directory *d, struct state *next)
{
	struct state before;

	pthread_mutex_lock(&d->lock);
	before = d->state;
	for (size_t i = 0; i < next->remark_count; i++)
		next->remarks[i].told = was_told(&before, &next->remarks[i]);
	d->state = *next;
	d->changes += !same_cards(&before, next);
	pthread_mutex_unlock(&d->lock);
	free(before.cards);
	free(before.remarks);
}

static enum err follow(struct directory *d, const struct topology *t)
{
	struct following *f = calloc(1, sizeof *f);
	uint64_t rebuilds = index_rebuilds(d->index);
	enum err e;

	if (!f)
		return ERR_MEMORY;
	f->d = d;
	f->topology = t;
	e = index_reader_renew(d->reader);
	if (!e)
		e = log_reader_renew(d->log);
	if (!e)
		e = look_at_all(f);
	index_reader_pause(d->reader);
	log_reader_pause(d->log);
	/* Half of an index would take back cards that are in force. */
	if (!e && (rebuilds % 2 || rebuilds != index_rebuilds(d->index)))
		e = ERR_BUSY;
	if (!e) {
		put_in_force(d, &f->next);
	} else {
		free(f->next.cards);
		free(f->next.remarks);
	}
	free(f);
	return e;
}

enum err directory_follow(struct directory *d, const struct topology *t)
{
	uint64_t cards;
	enum err e = ERR_OK;

	pthread_mutex_lock(&d->following);
	/* Before the reader is renewed: what comes in between is looked at again. */
	cards = index_cards_changed(d->index);
	if (t && (cards != d->cards || t != d->then)) {
		e = follow(d, t);
		if (!e) {
			d->cards = cards;
			d->then = t;
		}
	}
	pthread_mutex_unlock(&d->following);
	return e;
}

/* ---- answers that need more than what is in memory ---- */

enum err directory_read(struct directory *d, const struct directory_card *at, struct card **out)
{
	struct header *h = malloc(sizeof *h);
	enum err e = h ? ERR_OK : ERR_MEMORY;

	*out = NULL;
	pthread_mutex_lock(&d->following);
	if (!e)
		e = log_reader_renew(d->log);
	if (!e)
		e = read_message(d, at->lsn, h, out);
	log_reader_pause(d->log);
	pthread_mutex_unlock(&d->following);
	free(h);
	return e;
}

uint64_t directory_newest_number(struct directory *d, const struct party_id *origin)
{
	struct card_at newest = {0};
	size_t n = 0;

	pthread_mutex_lock(&d->following);
	if (index_reader_renew(d->reader) != ERR_OK ||
	    index_cards(d->reader, origin, &newest, 1, &n) != ERR_OK)
		n = 0;
	index_reader_pause(d->reader);
	pthread_mutex_unlock(&d->following);
	return n ? newest.number : 0;
}

bool directory_seal_taken(struct directory *d, const struct party *p, const struct card_seal *seal)
{
	struct following f = {.d = d, .party = p};
	const struct seal_key *listed = listed_seal(p, seal->number);
	uint8_t key[SEAL_KEY_BYTES];
	bool found = listed != NULL;

	if (listed)
		memcpy(key, listed->key, sizeof key);
	pthread_mutex_lock(&d->following);
	if (!listed && index_reader_renew(d->reader) == ERR_OK)
		found = index_card_seal(d->reader, &p->id, seal->number, counts, &f, key) == ERR_OK;
	index_reader_pause(d->reader);
	pthread_mutex_unlock(&d->following);
	return found && memcmp(key, seal->key, sizeof key) != 0;
}
