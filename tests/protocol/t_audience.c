/* Readers and carriers, against an oracle that follows SPEC 5.3 word by word. */
#include "protocol/audience.h"
#include "tests/protocol/federation.h"

/* ---- the oracle: sets of bools, no cleverness ---- */

enum { ORACLE_MAX = WIRED_MAX };

static void oracle_above(const struct topology *t, size_t x, bool set[ORACLE_MAX])
{
	set[x] = true;
	for (size_t i = 0; i < t->parties[x].parent_count; i++)
		oracle_above(t, t->parties[x].parents[i], set);
}

static bool oracle_holds(const struct topology *t, size_t node, size_t x)
{
	if (node == x)
		return true;
	for (size_t i = 0; i < t->parties[x].holder_count; i++)
		if (t->parties[x].holders[i] == node)
			return true;
	return false;
}

static bool oracle_on_the_way(const struct topology *t, size_t o, size_t r, size_t node)
{
	bool of_o[ORACLE_MAX] = {false}, of_r[ORACLE_MAX] = {false}, lowest[ORACLE_MAX] = {false};

	oracle_above(t, o, of_o);
	oracle_above(t, r, of_r);
	for (size_t x = 0; x < t->party_count; x++) {
		lowest[x] = of_o[x] && of_r[x];
		for (size_t y = 0; y < t->party_count && lowest[x]; y++) {
			bool of_y[ORACLE_MAX] = {false};
			if (y == x || !of_o[y] || !of_r[y])
				continue;
			oracle_above(t, y, of_y);
			if (of_y[x])
				lowest[x] = false;
		}
	}
	for (size_t x = 0; x < t->party_count; x++) {
		bool of_x[ORACLE_MAX] = {false};
		if (!(of_o[x] || of_r[x]) || !oracle_holds(t, node, x))
			continue;
		oracle_above(t, x, of_x);
		for (size_t l = 0; l < t->party_count; l++)
			if (lowest[l] && of_x[l])
				return true;
	}
	return false;
}

static bool oracle_carries(const struct topology *t, size_t node, size_t origin,
			   const size_t *recipients, size_t n, bool direct)
{
	if (t->parties[node].kind != PARTY_NODE || t->parties[node].left)
		return false;
	if (n == 0 || node == origin)
		return true;
	for (size_t i = 0; i < n; i++)
		if (oracle_holds(t, node, recipients[i]) ||
		    (!direct && oracle_on_the_way(t, origin, recipients[i], node)))
			return true;
	return false;
}

/* ---- headers ---- */

static struct header *header_of(const struct topology *t, size_t origin, const size_t *recipients,
				size_t n, bool direct)
{
	struct header *h = calloc(1, sizeof *h);

	need(h);
	h->kind = KIND_POST;
	h->flags = (uint8_t)((n ? FLAG_SEALED : 0) | (direct ? FLAG_DIRECT : 0));
	h->network = t->network;
	h->origin = t->parties[origin].id;
	h->recipient_count = (uint16_t)n;
	for (size_t i = 0; i < n; i++) {
		h->recipients[i].party = t->parties[recipients[i]].id;
		h->recipients[i].key = 1;
	}
	return h;
}

static void carriers_are_those_of_the_oracle(void)
{
	unsigned wrong = 0, asked = 0, carried = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		uint64_t dice = seed;
		char *text = random_federation(seed, 1 + seed % 20, seed % 8, seed % 5);
		struct topology *t = parse_or_bail(text);
		for (unsigned round = 0; round < 25; round++) {
			size_t list[4], n = below(&dice, 5), origin;
			bool direct = n > 0 && below(&dice, 5) == 0;
			struct header *h;
			do
				origin = below(&dice, t->party_count);
			while (t->parties[origin].kind != PARTY_NODE);
			for (size_t i = 0; i < n; i++)
				list[i] = below(&dice, t->party_count);
			h = header_of(t, origin, list, n, direct);
			for (size_t x = 0; x < t->party_count; x++, asked++) {
				bool want = oracle_carries(t, x, origin, list, n, direct);
				wrong += audience_carries(t, &t->parties[x], h) != want;
				carried += want;
			}
			free(h);
		}
		topology_free(t);
		free(text);
	}
	ok(carried > asked / 10 && carried < asked * 9 / 10, "%u of %u carry", carried, asked);
	is_int(wrong, 0, "and each where the oracle says so");
}

/* Everybody who reads it can be reached from the origin over links that carry it: the union of ways
 * hangs together.  (Left nodes and missing endpoints aside.) */
static void carriers_hang_together(void)
{
	unsigned apart = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		uint64_t dice = seed;
		char *text = random_federation(seed, 2 + seed % 14, seed % 6, 0);
		struct topology *t = parse_or_bail(text);
		for (unsigned round = 0; round < 20; round++) {
			bool reached[ORACLE_MAX] = {false}, grew = true;
			size_t origin, r = below(&dice, t->party_count);
			struct header *h;
			do
				origin = below(&dice, t->party_count);
			while (t->parties[origin].kind != PARTY_NODE || t->parties[origin].left);
			h = header_of(t, origin, &r, 1, false);
			for (reached[origin] = true; grew;) {
				grew = false;
				for (size_t a = 0; a < t->party_count; a++)
					for (size_t b = 0; b < t->party_count; b++)
						if (reached[a] && !reached[b] &&
						    audience_link_carries(t, &t->parties[a],
									  &t->parties[b], h))
							grew = reached[b] = true;
			}
			for (size_t x = 0; x < t->party_count; x++)
				apart += !reached[x] && audience_carries(t, &t->parties[x], h);
			free(h);
		}
		topology_free(t);
		free(text);
	}
	is_int(apart, 0, "every carrier is reached over carriers");
}

/* ---- the examples of SPEC 5.3 ---- */

static char *example(const char *government_holders)
{
	static const char *const nodes[][2] = {
		{"national", ""},         {"punjab", "government"},  {"sindh", "government"},
		{"kp", "government"},     {"kp-cerc", "kp"},         {"telecom", "cii"},
		{"defense", "cii"},       {"community", "national"}, {"fbr", "government cii"},
		{"gov-cert", "national"},
	};
	struct writing w = {0};

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2027-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		put(&w, "    %s\n", nodes[i][0]);
		if (nodes[i][1][0])
			put(&w, "        reports-to = \"%s\"\n", nodes[i][1]);
		put_keys(&w, nodes[i][0]);
	}
	put(&w, "role\n    government\n        reports-to = national\n        holders = \"%s\"\n",
	    government_holders);
	put(&w, "    cii\n        reports-to = national\n        holders = national\n");
	put(&w, "link\n    t = \"telecom defense\"\n");
	return w.at;
}

/* The carriers' names in the order of the text, or the readers'. */
static const char *names(const struct topology *t, const char *origin, const char *to, bool direct,
			 bool (*question)(const struct topology *, const struct party *,
					  const struct header *))
{
	static char out[400];
	const struct party *r = topology_party(t, to);
	size_t index = r ? topology_index(t, r) : 0;
	struct header *h = header_of(t, topology_index(t, topology_party(t, origin)), &index,
				     r ? 1 : 0, direct);

	out[0] = '\0';
	for (size_t i = 0; i < t->party_count; i++)
		if (question(t, &t->parties[i], h))
			sprintf(out + strlen(out), "%s%s", out[0] ? " " : "", t->parties[i].name);
	free(h);
	return out;
}

static void the_worked_examples_hold(void)
{
	static const struct {
		const char *origin, *to, *carriers;
		bool direct;
	} cases[] = {
		{"punjab", "all",
		 "national punjab sindh kp kp-cerc telecom defense community fbr gov-cert", false},
		{"punjab", "sindh", "national punjab sindh", false},
		{"punjab", "telecom", "national punjab telecom", false},
		{"kp-cerc", "kp", "kp kp-cerc", false},
		{"kp-cerc", "community", "national kp kp-cerc community", false},
		{"telecom", "defense", "national telecom defense", false},
		{"telecom", "defense", "telecom defense", true},
		{"fbr", "punjab", "national punjab fbr", false},
		{"fbr", "national", "national fbr", false},
		{"national", "kp-cerc", "national kp kp-cerc", false},
		{"punjab", "cii", "national punjab", false},
	};
	char *text = example("national");
	struct topology *t = parse_or_bail(text);
	struct header *h;
	size_t defense;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_str(names(t, cases[i].origin, cases[i].to, cases[i].direct, audience_carries),
		       cases[i].carriers, "%s to %s%s", cases[i].origin, cases[i].to,
		       cases[i].direct ? ", direct" : "");
	is_str(names(t, "punjab", "cii", false, audience_reads), "national",
	       "a role's holder reads");
	is_str(names(t, "punjab", "sindh", false, audience_reads), "sindh", "a recipient reads");
	defense = topology_index(t, topology_party(t, "defense"));
	h = header_of(t, topology_index(t, topology_party(t, "telecom")), &defense, 1, false);
	ok(audience_link_carries(t, topology_party(t, "telecom"), topology_party(t, "defense"), h),
	   "the bilateral link carries it");
	ok(!audience_link_carries(t, topology_party(t, "national"), topology_party(t, "punjab"), h),
	   "a link to somebody else does not");
	free(h);
	topology_free(t);
	free(text);
}

static void children_follow_a_role_to_its_new_holder(void)
{
	char *text = example("gov-cert");
	struct topology *t = parse_or_bail(text);

	is_str(names(t, "punjab", "sindh", false, audience_carries), "punjab sindh gov-cert",
	       "national is not on the way any more");
	is_str(names(t, "punjab", "telecom", false, audience_carries),
	       "national punjab telecom gov-cert", "up and down again");
	topology_free(t);
	free(text);
	text = example("national gov-cert");
	t = parse_or_bail(text);
	is_str(names(t, "punjab", "sindh", false, audience_carries),
	       "national punjab sindh gov-cert", "every holder carries");
	topology_free(t);
	free(text);
}

static void strangers_add_no_carrier(void)
{
	char *text = example("national");
	struct topology *t = parse_or_bail(text);
	size_t sindh = topology_index(t, topology_party(t, "sindh"));
	struct header *h = header_of(t, sindh, &sindh, 1, false);
	unsigned carry = 0;

	memset(&h->recipients[0].party, 0xee, sizeof h->recipients[0].party);
	for (size_t i = 0; i < t->party_count; i++)
		carry += audience_carries(t, &t->parties[i], h);
	is_int(carry, 1, "an unknown recipient: the origin alone");
	h->recipients[0].party = t->parties[sindh].id;
	memset(&h->origin, 0xee, sizeof h->origin);
	carry = 0;
	for (size_t i = 0; i < t->party_count; i++)
		carry += audience_carries(t, &t->parties[i], h);
	is_int(carry, 1, "an unknown origin: the recipient alone");
	free(h);
	topology_free(t);
	free(text);
}

int main(void)
{
	RUN(carriers_are_those_of_the_oracle);
	RUN(carriers_hang_together);
	RUN(the_worked_examples_hold);
	RUN(children_follow_a_role_to_its_new_holder);
	RUN(strangers_add_no_carrier);
	return tap_done();
}
