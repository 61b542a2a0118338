/* Answers to claims.  An answer speaks of a place below that of the claim, or of the same place and
 * then with a kind that comes later in S, O, C or L, W; W is not answered.  So a run ends. */
#include "protocol/reconcile_state.h"

#include <string.h>

bool reconcile_has_budget(const struct reconcile *r)
{
	return r->view.reads < RECONCILE_READS_MAX && r->pushes < RECONCILE_PUSHES_MAX;
}

bool reconcile_has_room(const struct reconcile *r)
{
	if (r->writer.w.used + CLAIM_MAX_BYTES > r->most)
		return false;
	/* One claim can always be asked, so that a full memory does not end the run. */
	return r->part == RECONCILE_ANSWERING || r->writer.w.used == 0 ||
	       r->pending + r->cost <= RECONCILE_PENDING_MAX;
}

bool reconcile_may_go_on(const struct reconcile *r)
{
	return reconcile_has_room(r) && reconcile_has_budget(r);
}

static void push(struct reconcile *r, uint64_t lsn)
{
	r->link->push(r->link->arg, lsn);
	r->pushes++;
	r->result.pushed++;
}

enum err work_push_rest(struct reconcile *r, struct work *w, const struct trie_place *place,
			const struct claim *list, bool *through)
{
	uint64_t lsn;
	enum err e;

	*through = false;
	if (!w->scanning) {
		w->scan = place->first;
		w->scanning = true;
	}
	e = view_seek(&r->view, place, &w->scan, &lsn);
	while (!e) {
		size_t i;
		if (!reconcile_has_budget(r))
			return ERR_OK;
		if (list && list->count && claim_lists(list, view_short_id(&r->view, &w->scan), &i))
			w->seen |= UINT64_C(1) << i;
		else
			push(r, lsn);
		e = view_next(&r->view, place, &w->scan, &lsn);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	w->scanning = false;
	*through = true;
	return ERR_OK;
}

void reconcile_say_nothing(struct reconcile *r, const struct trie_place *place)
{
	claim_write_ids(&r->writer, CLAIM_LIST, place, NULL, 0);
}

/* What is in view below a place, when it is at most LIST_MAX. */
struct listing {
	uint64_t ids[LIST_MAX], lsns[LIST_MAX];
	size_t n;
	bool more; /* there is more than that */
};

static enum err list_place(struct reconcile *r, const struct trie_place *place, struct listing *l)
{
	struct trie_key key = place->first;
	uint64_t lsn;
	enum err e = view_seek(&r->view, place, &key, &lsn);

	l->n = 0;
	l->more = false;
	for (; !e; e = view_next(&r->view, place, &key, &lsn)) {
		l->more = l->n == LIST_MAX;
		if (l->more)
			return ERR_OK;
		l->ids[l->n] = view_short_id(&r->view, &key);
		l->lsns[l->n++] = lsn;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err say_children(struct reconcile *r, const struct trie_place *place)
{
	struct view_child children[ROOT_CHILDREN_MAX];
	struct claim_entry entries[ROOT_CHILDREN_MAX];
	size_t n;
	enum err e = view_children(&r->view, place, children, &n);

	if (e || n == 0)
		return e ? e : ERR_DAMAGED;
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct claim_entry){children[i].number,
						  view_fingerprint(&r->view, &children[i].sum)};
	claim_write_children(&r->writer, place, entries, n);
	r->cost += n * CLAIM_MAX_BYTES;
	return ERR_OK;
}

/* SPEC 7.7.5: "An end says of a place C when more than 64 messages are in view there, else S or
 * L."  A sum is short, and names what is different when that is one message. */
enum err reconcile_say_place(struct reconcile *r, const struct trie_place *place, uint64_t count)
{
	struct listing l;
	enum err e;

	if (count > LIST_MAX)
		return say_children(r, place);
	e = list_place(r, place, &l);
	if (e || l.more)
		return e ? e : ERR_DAMAGED;
	if (l.n >= SUM_LEAST)
		claim_write_sum(&r->writer, place, l.ids, l.n);
	else
		claim_write_ids(&r->writer, CLAIM_LIST, place, l.ids, l.n);
	r->cost += CLAIM_MAX_BYTES;
	return ERR_OK;
}

/* SPEC 7.7.5: "S: when the receiver has one message more, or two, and their short ids are what its
 * sum is over the sender's, push them; when the sender has one more, answer with O; else with C or
 * L." */
static enum err answer_sum(struct reconcile *r, const struct claim *c)
{
	struct listing l;
	uint64_t over = 0 - c->sum;
	enum err e = list_place(r, &c->place, &l);

	if (e || l.more)
		return e ? e : say_children(r, &c->place);
	for (size_t i = 0; i < l.n; i++)
		over += l.ids[i];
	if (l.n == c->count && over == 0)
		return ERR_OK;
	if (l.n + 1 == c->count) {
		claim_write_one(&r->writer, &c->place, 0 - over);
		r->cost += CLAIM_MAX_BYTES;
		r->result.wanted++;
		return ERR_OK;
	}
	for (size_t i = 0; l.n == c->count + 1 && i < l.n; i++) {
		if (l.ids[i] == over) {
			push(r, l.lsns[i]);
			return ERR_OK;
		}
	}
	for (size_t i = 0; l.n == c->count + 2 && i < l.n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (l.ids[i] + l.ids[k] == over) {
				push(r, l.lsns[i]);
				push(r, l.lsns[k]);
				return ERR_OK;
			}
		}
	}
	claim_write_ids(&r->writer, CLAIM_LIST, &c->place, l.ids, l.n);
	r->cost += CLAIM_MAX_BYTES;
	return ERR_OK;
}

/* SPEC 7.7.5: "L: push what is in view there and not listed, and answer with W for the listed ids
 * that are not." */
static enum err answer_list(struct reconcile *r, struct work *w, bool *through)
{
	const struct claim *c = &w->claim;
	uint64_t wanted[LIST_MAX];
	size_t n = 0;
	enum err e = work_push_rest(r, w, &c->place, c, through);

	if (e || !*through)
		return e;
	for (size_t i = 0; i < c->count; i++) {
		if (!(w->seen >> i & 1))
			wanted[n++] = claim_number(c, i);
	}
	if (n)
		claim_write_ids(&r->writer, CLAIM_WANT, &c->place, wanted, n);
	r->result.wanted += n;
	return ERR_OK;
}

/* SPEC 7.7.5: "W: push those of the ids that are in view there; an end need not look further than
 * 1,024 keys." */
static enum err answer_want(struct reconcile *r, const struct claim *c)
{
	struct trie_key key = c->place.first;
	uint64_t lsn;
	enum err e = view_seek(&r->view, &c->place, &key, &lsn);

	for (size_t left = WANT_READS_MAX; !e && left > 0; left--) {
		size_t i;
		if (claim_lists(c, view_short_id(&r->view, &key), &i))
			push(r, lsn);
		e = view_next(&r->view, &c->place, &key, &lsn);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* SPEC 7.7.5: "O: push the one with that short id; when there is none, answer with C or L." */
static enum err answer_one(struct reconcile *r, const struct claim *c)
{
	struct listing l;
	enum err e = list_place(r, &c->place, &l);

	for (size_t i = 0; !e && i < l.n; i++) {
		if (l.ids[i] == c->sum) {
			push(r, l.lsns[i]);
			return ERR_OK;
		}
	}
	if (e)
		return e;
	if (l.more)
		return say_children(r, &c->place);
	claim_write_ids(&r->writer, CLAIM_LIST, &c->place, l.ids, l.n);
	r->cost += CLAIM_MAX_BYTES;
	return ERR_OK;
}

/* One child: theirs, ours or both; NULL: there is none. */
static enum err answer_child(struct reconcile *r, struct work *w, const struct trie_place *place,
			     const struct claim_entry *theirs, const struct view_child *ours,
			     bool *through)
{
	*through = true;
	if (!ours) {
		reconcile_say_nothing(r, place);
		return ERR_OK;
	}
	if (!theirs)
		return work_push_rest(r, w, place, NULL, through);
	if (theirs->fingerprint == view_fingerprint(&r->view, &ours->sum))
		return ERR_OK;
	return reconcile_say_place(r, place, ours->sum.count);
}

/* SPEC 7.7.5: "C: for a child that only the sender has, answer with an empty L; push a child that
 * only the receiver has; answer nothing for one with the same fingerprint; of any other say C, S or
 * L." */
static enum err answer_children(struct reconcile *r, struct work *w, bool *through)
{
	struct view_child ours[ROOT_CHILDREN_MAX];
	struct claim_entry theirs[ROOT_CHILDREN_MAX];
	size_t n, m = claim_children(&w->claim, theirs), i = 0, k = 0;
	enum err e = view_children(&r->view, &w->claim.place, ours, &n);

	while (!e && (i < n || k < m)) {
		bool is_ours = i < n && (k == m || ours[i].number <= theirs[k].number);
		bool is_theirs = k < m && (i == n || theirs[k].number <= ours[i].number);
		uint32_t number = is_ours ? ours[i].number : theirs[k].number;
		struct trie_place place = trie_child(&w->claim.place, number);
		if (number >= w->item) {
			bool done;
			*through = false;
			if (!reconcile_may_go_on(r))
				return ERR_OK;
			e = answer_child(r, w, &place, is_theirs ? &theirs[k] : NULL,
					 is_ours ? &ours[i] : NULL, &done);
			if (e || !done)
				return e;
			w->item = number + 1;
		}
		i += is_ours;
		k += is_theirs;
	}
	*through = true;
	return e;
}

/* SPEC 7.7.5: "A claim of an audience that the receiver has and the link does not carry is passed
 * over." */
static enum err is_foreign(struct reconcile *r, const struct trie_place *place, bool *foreign)
{
	struct audience_id id = trie_key_audience(&place->first);
	enum err e = ERR_OK;

	if (!r->judged_any || memcmp(r->judged.b, id.b, sizeof id.b) != 0) {
		e = view_foreign(&r->view, &id, &r->judged_foreign);
		r->judged = id;
		r->judged_any = !e;
	}
	*foreign = r->judged_foreign;
	return e;
}

static enum err answer_claim(struct reconcile *r, struct work *w, bool *through)
{
	*through = true;
	switch (w->claim.kind) {
	case CLAIM_LIST:
		return answer_list(r, w, through);
	case CLAIM_CHILDREN:
		return answer_children(r, w, through);
	case CLAIM_SUM:
		return answer_sum(r, &w->claim);
	case CLAIM_ONE:
		return answer_one(r, &w->claim);
	case CLAIM_WANT:
		return answer_want(r, &w->claim);
	case CLAIM_AUDIENCES:
		return work_answer_audiences(r, w, through);
	case CLAIM_BUCKETS:
		return work_answer_buckets(r, w, through);
	case CLAIM_AUDIENCE:
	case CLAIM_FLOOR:
		break;
	}
	return ERR_OK;
}

static enum err open_claim(struct reconcile *r, struct work *w)
{
	bool foreign = false;
	enum err e = ERR_OK;

	w->scanning = false;
	w->audiences_end = false;
	w->item = 0;
	w->seen = 0;
	w->audience = w->claim.from;
	if (claim_has_place(w->claim.kind))
		e = is_foreign(r, &w->claim.place, &foreign);
	w->open = !e && !foreign;
	return e;
}

enum err work_answer(struct reconcile *r, struct work *w, bool *through)
{
	*through = false;
	while (reconcile_may_go_on(r)) {
		enum err e = ERR_OK;
		bool done = true;
		if (!w->open) {
			if (!claims_next(&w->claims, &w->claim)) {
				*through = true;
				return ERR_OK;
			}
			e = open_claim(r, w);
		}
		if (!e && w->open)
			e = answer_claim(r, w, &done);
		if (e)
			return e;
		w->open = !done;
	}
	return ERR_OK;
}
