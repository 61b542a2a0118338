/* Answers to the claims that speak of audiences: A and B. */
#include "protocol/reconcile_state.h"

#include <string.h>

/* The first audience of ours from w->audience on up to the one given; false when there is none. */
static enum err next_audience(struct reconcile *r, const struct work *w,
			      const struct audience_id *to, struct view_audience *out, bool *found)
{
	enum err e = w->audiences_end ? ERR_NOT_FOUND : view_audience(&r->view, &w->audience, out);

	*found = !e && memcmp(out->id.b, to->b, sizeof to->b) <= 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void after_audience(struct work *w, const struct audience_id *id)
{
	w->audience = *id;
	w->audiences_end = !trie_audience_next(&w->audience);
}

/* The first of both ends' audiences that is not yet dealt with; *more false: there is none. */
static enum err answer_audience(struct reconcile *r, struct work *w, bool *more)
{
	const struct claim *c = &w->claim;
	struct view_audience ours;
	struct audience_id theirs = {{0}};
	struct trie_place place;
	uint64_t fingerprint = 0;
	bool is_ours, is_theirs = w->item < c->count, through = true;
	enum err e = next_audience(r, w, &c->to, &ours, &is_ours);
	int order;

	*more = is_ours || is_theirs;
	if (e || !*more)
		return e;
	if (is_theirs)
		claim_audience(c, w->item, &theirs, &fingerprint);
	order = !is_ours ? 1 : !is_theirs ? -1 : memcmp(ours.id.b, theirs.b, sizeof theirs.b);
	is_ours = order <= 0;
	is_theirs = is_theirs && order >= 0;
	place = trie_root(is_ours ? &ours.id : &theirs);
	if (!is_ours || (is_theirs && ours.carried && ours.sum.count == 0))
		reconcile_say_nothing(r, &place);
	else if (!is_theirs && ours.carried && ours.sum.count)
		e = work_push_rest(r, w, &place, NULL, &through);
	else if (is_theirs && ours.carried && fingerprint != view_fingerprint(&r->view, &ours.sum))
		e = reconcile_say_place(r, &place, ours.sum.count);
	if (e || !through)
		return e;
	w->item += is_theirs;
	if (is_ours)
		after_audience(w, &ours.id);
	return ERR_OK;
}

/* SPEC 7.7.5: "A: as C, with the roots of the audiences for children; an end that has none between
 * the two answers with an empty A of the same two." */
enum err work_answer_audiences(struct reconcile *r, struct work *w, bool *through)
{
	const struct claim *c = &w->claim;
	bool more = true;
	enum err e = ERR_OK;

	if (w->item == 0 && c->count && !w->scanning &&
	    memcmp(w->audience.b, c->from.b, sizeof c->from.b) == 0) {
		struct view_audience first;
		bool any;
		e = next_audience(r, w, &c->to, &first, &any);
		if (e)
			return e;
		if (!any) {
			claim_open_audiences(&r->writer, &c->from);
			claim_close_audiences(&r->writer, &c->to);
			*through = true;
			return ERR_OK;
		}
	}
	*through = false;
	while (!e && more) {
		if (!reconcile_may_go_on(r))
			return ERR_OK;
		e = answer_audience(r, w, &more);
	}
	*through = !e;
	return e;
}

static bool bucket_equal(const struct reconcile *r, const struct work *w, unsigned bucket)
{
	return claim_number(&w->claim, bucket) ==
	       view_fingerprint(&r->view, &r->tally.buckets[bucket]);
}

/* Lists our audiences from w->audience to the end of the run of buckets that ends with last, as far
 * as there is room. */
static enum err say_audiences(struct reconcile *r, struct work *w, unsigned last)
{
	struct audience_id end;
	struct view_audience ours;
	bool found = true;
	enum err e = ERR_OK;

	memset(end.b, 0xff, sizeof end.b);
	end.b[0] = (uint8_t)last;
	claim_open_audiences(&r->writer, &w->audience);
	while (!e) {
		e = next_audience(r, w, &end, &ours, &found);
		if (e || !found)
			break;
		if (ours.carried && ours.sum.count) {
			claim_add_audience(&r->writer, &ours.id,
					   view_fingerprint(&r->view, &ours.sum));
			r->cost += CLAIM_MAX_BYTES;
		}
		after_audience(w, &ours.id);
		if (!reconcile_may_go_on(r))
			break;
	}
	if (!found)
		after_audience(w, &end);
	claim_close_audiences(&r->writer, found ? &ours.id : &end);
	return e;
}

/* SPEC 7.7.5: "B: for every run of buckets with other fingerprints, answer with A from the first
 * audience of the run to the last one that it could have." */
enum err work_answer_buckets(struct reconcile *r, struct work *w, bool *through)
{
	enum err e = ERR_OK;

	*through = false;
	while (!e && !w->audiences_end) {
		unsigned bucket = w->audience.b[0], last;
		if (!reconcile_may_go_on(r))
			return ERR_OK;
		if (bucket_equal(r, w, bucket)) {
			memset(w->audience.b + 1, 0xff, sizeof w->audience.b - 1);
			after_audience(w, &w->audience);
			continue;
		}
		for (last = bucket; last + 1 < BUCKETS && !bucket_equal(r, w, last + 1);)
			last++;
		e = say_audiences(r, w, last);
	}
	*through = !e;
	return e;
}
