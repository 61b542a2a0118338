/* What the next version may change, and what is for ever. */
#include <string.h>

#include "protocol/council.h"

static bool hash_listed(const struct topology *t, const struct hash *h)
{
	for (size_t i = 0; i < t->previous_count; i++)
		if (hash_equal(&t->previous[i], h))
			return true;
	return false;
}

static const struct seal_key *find_seal_key(const struct party *p, uint16_t number)
{
	for (size_t i = 0; i < p->seal_key_count; i++)
		if (p->seal_keys[i].number == number)
			return &p->seal_keys[i];
	return NULL;
}

static bool keys_continue(const struct party *old, const struct party *new, struct report *report)
{
	const char *kind = old->kind == PARTY_NODE ? "node" : "role";
	bool good = true;

	for (size_t i = 0; i < old->sign_key_count; i++) {
		const struct sign_key *was = &old->sign_keys[i],
				      *is = party_sign_key(new, was->number);
		const char *why = NULL;
		/* SPEC 4.9: "A key number of the version before stands there again, with the same
		 * key." */
		if (!is)
			why = "is gone; a key stays listed, as revoked";
		else if (memcmp(was->key, is->key, SIGN_KEY_BYTES) != 0)
			why = "is another key now; a new key has a new number";
		/* SPEC 4.9: "A revoked sign key stays revoked." */
		else if (was->revoked && !is->revoked)
			why = "was revoked and stays so";
		/* SPEC 4.12: "What is void stays void." */
		else if (was->is_void && !is->is_void)
			why = "was void and stays so";
		if (why) {
			report_add(report, "%s %s: sign: key %u %s", kind, old->name, was->number,
				   why);
			good = false;
		}
	}
	for (size_t i = 0; i < old->seal_key_count; i++) {
		const struct seal_key *was = &old->seal_keys[i],
				      *is = find_seal_key(new, was->number);
		const char *why = NULL;
		if (!is)
			why = "is gone; a key stays listed, as revoked";
		else if (memcmp(was->key, is->key, SEAL_KEY_BYTES) != 0)
			why = "is another key now; a new key has a new number";
		if (why) {
			report_add(report, "%s %s: seal: key %u %s", kind, old->name, was->number,
				   why);
			good = false;
		}
	}
	return good;
}

static bool voids_continue(const struct party *old, const struct party *new, struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < old->void_count; i++) {
		bool found = false;
		for (size_t k = 0; k < new->void_count; k++)
			found |= new->voids[k] == old->voids[i];
		if (!found) {
			report_add(report,
				   "node %s: void: incarnation %016llx was void and stays so",
				   old->name, (unsigned long long)old->voids[i]);
			good = false;
		}
	}
	return good;
}

static bool parties_continue(const struct topology *now, const struct topology *next,
			     struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < now->party_count; i++) {
		const struct party *old = &now->parties[i], *new = topology_party(next, old->name);
		const char *kind = old->kind == PARTY_NODE ? "node" : "role";
		/* SPEC 4.9: "Every party of the version before is a party again, of the same kind."
		 */
		if (!new) {
			report_add(report, "%s %s: is gone; %s", kind, old->name,
				   old->kind == PARTY_NODE
					   ? "a node that left stays listed, with left = \"<date>\""
					   : "a role stays listed");
			good = false;
		} else if (new->kind != old->kind) {
			report_add(report, "%s %s: cannot become a %s", kind, old->name,
				   new->kind == PARTY_NODE ? "node" : "role");
			good = false;
		} else {
			good &= keys_continue(old, new, report);
			good &= voids_continue(old, new, report);
		}
	}
	return good;
}

/* Is the parsed version, signed by both councils, one that may follow now? */
static enum err continues(const struct topology *now, const struct topology *next,
			  struct report *report)
{
	if (memcmp(now->network.b, next->network.b, NETWORK_ID_BYTES) != 0) {
		char got[2 * NETWORK_ID_BYTES + 1], want[2 * NETWORK_ID_BYTES + 1];
		report_add(report, "federation: network: %s is another federation; ours is %s",
			   hex_encode(got, next->network.b, NETWORK_ID_BYTES),
			   hex_encode(want, now->network.b, NETWORK_ID_BYTES));
		return ERR_NETWORK;
	}
	/* SPEC 4.9: "After version N comes exactly version N + 1." */
	if (next->version == 0 || next->version - 1 != now->version) {
		report_add(report, "federation: version: %lu cannot follow version %lu",
			   (unsigned long)next->version, (unsigned long)now->version);
		return ERR_STATE;
	}
	if (!hash_listed(next, &now->hash)) {
		char want[2 * HASH_BYTES + 1];
		report_add(report,
			   "federation: previous: does not name the version %lu held here, %s",
			   (unsigned long)now->version, hex_encode(want, now->hash.b, HASH_BYTES));
		return ERR_STATE;
	}
	return parties_continue(now, next, report) ? ERR_OK : ERR_STATE;
}

enum err council_follow(struct topology **out, const struct topology *now, const char *file,
			size_t n, struct report *report)
{
	size_t length = council_text_length(file, n);
	struct topology *next;
	enum err e;

	*out = NULL;
	/* SPEC 4.9: "The council of version N is verified over the raw bytes before anything of
	 * them is parsed." */
	e = council_check(&now->council, file, n, now->version, report);
	if (e)
		return e;
	e = topology_parse(&next, file, length, report);
	if (e)
		return e;
	e = continues(now, next, report);
	if (e == ERR_OK)
		e = council_check(&next->council, file, n, next->version, report);
	if (e)
		topology_free(next);
	else
		*out = next;
	return e;
}

static bool same_network(const struct topology *a, const struct topology *b)
{
	return memcmp(a->network.b, b->network.b, NETWORK_ID_BYTES) == 0;
}

enum err council_precede(struct topology **out, const struct topology *oldest, const char *file,
			 size_t n, struct report *report)
{
	size_t length = council_text_length(file, n);
	struct hash hash = hash_of(file, length);
	struct topology *t;
	enum err e;

	*out = NULL;
	/* SPEC 4.9: "its text has a hash that the oldest version held lists as `previous`" */
	if (!hash_listed(oldest, &hash)) {
		report_add(report, "version %lu does not name it as the one before",
			   (unsigned long)oldest->version);
		return ERR_HASH;
	}
	e = topology_parse(&t, file, length, report);
	if (e)
		return e;
	if (t->version + 1 != oldest->version || !same_network(t, oldest)) {
		report_add(report, "federation: version: %lu cannot come before version %lu",
			   (unsigned long)t->version, (unsigned long)oldest->version);
		topology_free(t);
		return ERR_STATE;
	}
	*out = t;
	return ERR_OK;
}
