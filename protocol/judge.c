#include "protocol/judge.h"

#include <string.h>

enum err judge_split(struct message_view *m, const uint8_t *bytes, size_t n)
{
	size_t length = header_peek_length(bytes, n);

	if (length >= HEADER_FIXED_BYTES && n == length + SIGNATURE_BYTES) {
		*m = (struct message_view){
			.header = bytes, .header_length = length, .signature = bytes + length};
		return ERR_OK;
	}
	return message_split(m, bytes, n);
}

bool judge_void(const struct topology *t, const struct header *h)
{
	/* SPEC 4.12: "A recall is never void." */
	return h->kind != KIND_RECALL && topology_voids(t, &h->origin, h->sign_key, h->incarnation);
}

const char *judge_passage(const struct passage *p, const struct header *h, enum nak_reason *reason)
{
	/* SPEC 5.4: "A message is in the set of a link if and only if" */
	if (h->topology > p->topology->version || !chain_version(p->chain, h->topology)) {
		*reason = NAK_UNJUDGEABLE;
		return "names a topology version that is not held";
	}
	/* SPEC 5.4: "it is void neither under the session's version nor under the newest that the
	 * node holds" */
	if (judge_void(p->topology, h) || judge_void(chain_newest(p->chain), h)) {
		*reason = NAK_NOT_CARRIED;
		return "is void";
	}
	if (!audience_link_carries(p->topology, p->self, p->peer, h)) {
		*reason = NAK_NOT_CARRIED;
		return "is not carried by this link";
	}
	if (h->expiry < p->floor) {
		*reason = NAK_EXPIRED;
		return "has expired";
	}
	if (h->expiry - p->floor > EXPIRY_SPAN_HOURS) {
		*reason = NAK_TOO_FAR;
		return "expires more than 402 days from now";
	}
	return NULL;
}

bool verdict_holds(enum verdict verdict)
{
	return verdict == VERDICT_HELD || verdict == VERDICT_SUSPENDED;
}

enum verdict judge_standing(const struct topology *t, const struct header *h, const char **why)
{
	const struct party *now = topology_party_by_id(t, &h->origin);
	const struct sign_key *key = now ? party_sign_key(now, h->sign_key) : NULL;

	*why = NULL;
	if (!now || now->left)
		*why = "its origin has left the federation";
	else if (!key || key->revoked)
		*why = "its sign key is revoked";
	else if (h->kind > KIND_ROLE_KEY)
		*why = "its kind is not known to this version";
	return *why ? VERDICT_HELD : VERDICT_ACCEPTED;
}

/* The version in force decides about keys and membership now; what the header names decided who
 * could sign then. */
static void verdict_set(struct judged *j, const struct passage *p, const struct header *h)
{
	j->judgement = JUDGED_AUTHENTIC;
	j->verdict = judge_standing(chain_newest(p->chain), h, &j->why);
	if (j->verdict == VERDICT_ACCEPTED &&
	    suspension_of_key(p->chain->suspension, &h->origin, h->sign_key, p->now)) {
		j->verdict = VERDICT_SUSPENDED;
		j->why = "its origin is suspended";
	}
	/* Held or not, what breaks the rules in the open has no body here. */
	if (header_violation(h)) {
		j->verdict = VERDICT_HEADER_ONLY;
		j->why = header_violation(h);
	}
}

static void refused(struct judged *j, enum nak_reason reason, const char *why)
{
	j->judgement = JUDGED_REFUSED;
	j->reason = reason;
	j->why = why;
}

static void forged(struct judged *j, const char *why)
{
	j->judgement = JUDGED_FORGED;
	j->why = why;
}

static bool same_network(const struct header *h, const struct topology *t)
{
	return memcmp(h->network.b, t->network.b, NETWORK_ID_BYTES) == 0;
}

/* What stands if the signature does, and under which key. */
static void authenticate(struct judging *g, const struct passage *p, const struct header *h,
			 const struct message_view *m)
{
	const struct topology *then = chain_version(p->chain, h->topology);
	const struct party *origin = topology_party_by_id(then, &h->origin);
	const struct sign_key *key;

	if (!origin || origin->kind != PARTY_NODE) {
		forged(&g->judged, "names an origin that was no node of its topology version");
		return;
	}
	key = party_sign_key(origin, h->sign_key);
	if (!key) {
		forged(&g->judged, "names a sign key that its origin never had");
		return;
	}
	memcpy(g->key, key->key, sizeof g->key);
	g->signs = true;
	verdict_set(&g->judged, p, h);
	g->judged.bodyless = !m->body && h->body_length;
}

void judge_begin(struct judging *g, const struct passage *p, const struct message_view *m)
{
	struct header h;
	enum nak_reason reason = 0;
	const char *why;
	enum err e = header_decode(&h, m->header, m->header_length);

	*g = (struct judging){0};
	if (e == ERR_UNSUPPORTED) {
		refused(&g->judged, NAK_UNJUDGEABLE, "is of a version that is not known here");
		return;
	}
	if (e) {
		forged(&g->judged, "is malformed");
		return;
	}
	g->judged.origin = h.origin;
	g->judged.id = message_id_of(m->header, m->header_length);
	g->has_body = m->body;
	g->body_length = h.body_length;
	g->body_hash = h.body_hash;
	why = judge_passage(p, &h, &reason);
	if (!same_network(&h, p->topology))
		forged(&g->judged, "belongs to another federation");
	else if (!header_audience_valid(&h))
		forged(&g->judged, "claims the audience of others");
	else if (why)
		refused(&g->judged, reason, why);
	else
		authenticate(g, p, &h, m);
}

void judge_check(struct judging *g, const struct message_view *m)
{
	if (g->has_body) {
		struct hash hash = hash_of(m->body, m->body_length);
		g->body_good = m->body_length == g->body_length && hash_equal(&hash, &g->body_hash);
		/* The signature costs most and is looked at last. */
		if (!g->body_good)
			return;
	}
	if (g->signs)
		g->signature_good = message_signature_valid(&g->judged.id, m->signature, g->key);
}

void judge_end(struct judged *j, const struct judging *g)
{
	*j = g->judged;
	if (g->has_body && !g->body_good)
		forged(j, "has another body than its header promises");
	else if (g->signs && !g->signature_good)
		forged(j, "is not signed by its origin");
}

void judge_own(struct judged *j, const struct chain *chain, const struct message_view *m)
{
	struct header h;

	*j = (struct judged){0};
	if (header_decode(&h, m->header, m->header_length) != ERR_OK || header_violation(&h) ||
	    !header_audience_valid(&h) || !message_body_matches(&h, m->body, m->body_length)) {
		forged(j, "is malformed");
		return;
	}
	if (judge_void(chain_newest(chain), &h)) {
		refused(j, NAK_NOT_CARRIED, "is void");
		return;
	}
	j->judgement = JUDGED_AUTHENTIC;
	j->verdict = VERDICT_ACCEPTED;
	j->origin = h.origin;
	j->id = message_id_of(m->header, m->header_length);
}
