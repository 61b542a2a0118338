/* Which version may follow which. */
#include "protocol/council.h"
#include "tests/protocol/federation.h"

struct edition {
	const struct topology *after; /* NULL: version 1 */
	unsigned version;             /* 0: the one after `after` */
	unsigned threshold, members;
	const char *signers[6];
	const char *extra_nodes; /* ZPL behind the node national */
	const char *sign;        /* ZPL of national's sign keys; NULL: one */
	const char *network, *previous;
	const char *tail;
};

static void put_previous(struct writing *w, const struct edition *e)
{
	char hex[65];

	put(w, "    network = %s\n",
	    e->network ? e->network : hex_encode(hex, e->after->network.b, NETWORK_ID_BYTES));
	put(w, "    previous = %s\n",
	    e->previous ? e->previous : hex_encode(hex, e->after->hash.b, HASH_BYTES));
}

static struct writing edition_file(const struct edition *e)
{
	struct writing w = {0};
	char key[65];
	size_t n;

	put(&w, "federation\n    name = x\n    expires = 2027-12-31\n    version = %u\n",
	    e->version ? e->version
	    : e->after ? e->after->version + 1
		       : 1);
	if (e->after)
		put_previous(&w, e);
	put_council(&w, e->threshold, e->members);
	put(&w, "node\n    national\n        link = %s\n", key_text(key, "link", "national"));
	put(&w, "        seal\n            1 = %s\n", key_text(key, "seal", "national"));
	if (e->sign)
		put(&w, "%s", e->sign);
	else
		put(&w, "        sign\n            1 = %s\n", key_text(key, "sign", "national"));
	put(&w, "%s%s", e->extra_nodes ? e->extra_nodes : "", e->tail ? e->tail : "");
	n = w.length;
	for (size_t i = 0; i < 6 && e->signers[i]; i++)
		put_signature(&w, e->signers[i], n, "ED");
	return w;
}

static struct topology *first_edition(const struct edition *e)
{
	struct writing w = edition_file(e);
	struct hash hash = hash_of(w.at, council_text_length(w.at, w.length));
	struct topology *t = NULL;

	need(council_open(&t, w.at, w.length, &hash, NULL) == ERR_OK);
	free(w.at);
	return t;
}

static void follow_is(const struct topology *now, const struct edition *e, enum err want,
		      const char *words)
{
	struct writing w = edition_file(e);
	struct topology *t;
	struct report report;
	bool said = !words;

	report_init(&report);
	is_int(council_follow(&t, now, w.at, w.length, &report), want, "%s",
	       words ? words : "follows");
	for (size_t i = 0; words && i < report.count; i++)
		said |= strstr(report.lines[i], words) != NULL;
	ok(said, "in words");
	for (size_t i = 0; i < report.count && !said; i++)
		printf("# %s\n", report.lines[i]);
	ok((want == ERR_OK) == (t != NULL), "a topology exactly when it does");
	topology_free(t);
	report_clear(&report);
	free(w.at);
}

static void the_first_version_is_pinned(void)
{
	struct edition e = {.threshold = 2, .members = 3, .signers = {"member0", "member2"}};
	struct writing w = edition_file(&e);
	struct hash hash = hash_of(w.at, council_text_length(w.at, w.length));
	struct topology *t;
	struct report report;

	report_init(&report);
	is_int(council_open(&t, w.at, w.length, &hash, &report), ERR_OK, "pinned and signed");
	topology_free(t);
	hash.b[31] ^= 1;
	is_int(council_open(&t, w.at, w.length, &hash, &report), ERR_HASH, "another hash");
	ok(!t && strstr(report_first(&report), "was expected"), "in words");
	report_clear(&report);
	free(w.at);
	e.signers[1] = "member0";
	w = edition_file(&e);
	hash = hash_of(w.at, council_text_length(w.at, w.length));
	is_int(council_open(&t, w.at, w.length, &hash, &report), ERR_SIGNATURE, "one member twice");
	ok(!t, "gives nothing");
	report_clear(&report);
	free(w.at);
}

static void the_next_version_needs_both_councils(void)
{
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct topology *t = first_edition(&one);

	two = (struct edition){.after = t, .threshold = 3, .members = 5};
	follow_is(t, &two, ERR_SIGNATURE, "the council of version 1: 0 of its 1 members");
	two.signers[0] = "member0";
	follow_is(t, &two, ERR_SIGNATURE, "the council of version 2: 1 of its 5 members");
	two.signers[1] = "member1";
	two.signers[2] = "member4";
	follow_is(t, &two, ERR_OK, NULL);
	two.signers[0] = "member3";
	follow_is(t, &two, ERR_SIGNATURE, "the council of version 1: 0 of its 1 members");
	topology_free(t);
}

static void only_the_next_version_of_this_federation_follows(void)
{
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct topology *t = first_edition(&one);
	char both[140], hex[65];

	two = (struct edition){.after = t, .threshold = 1, .members = 1, .signers = {"member0"}};
	follow_is(t, &two, ERR_OK, NULL);
	two.version = 3;
	follow_is(t, &two, ERR_STATE, "3 cannot follow version 1");
	two.version = 0;
	two.network = "0123456789abcdef";
	follow_is(t, &two, ERR_NETWORK, "is another federation");
	two.network = NULL;
	two.previous = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	follow_is(t, &two, ERR_STATE, "previous: does not name");
	snprintf(both, sizeof both, "\"%s %s\"", two.previous, hex_encode(hex, t->hash.b, 32));
	two.previous = both;
	follow_is(t, &two, ERR_OK, NULL);
	two.previous = NULL;
	two.tail = "rubbish !\n";
	follow_is(t, &two, ERR_FORMAT, "\"=\" was expected after \"rubbish\"");
	two.signers[0] = NULL;
	follow_is(t, &two, ERR_SIGNATURE, "0 of its 1 members");
	/* An older version, and the same again. */
	one.signers[0] = "member0";
	follow_is(t, &one, ERR_STATE, "1 cannot follow version 1");
	topology_free(t);
}

static void nobody_vanishes_and_no_key_changes(void)
{
	char keys[6][65], punjab[600], left[700], role[300], sign[6][300];
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct topology *t;
	struct writing w = {0};

	for (unsigned i = 0; i < 6; i++) {
		char name[8];
		snprintf(name, sizeof name, "k%u", i);
		key_text(keys[i], "sign", name);
	}
	put(&w, "    punjab\n        reports-to = national\n");
	put_keys(&w, "punjab");
	snprintf(punjab, sizeof punjab, "%s", w.at);
	snprintf(left, sizeof left, "%s        left = 2026-06-01\n", w.at);
	snprintf(role, sizeof role,
		 "role\n    punjab\n        reports-to = national\n        holders = national\n");
	free(w.at);
	static const char format[] = "        sign\n            1 = \"%s%s\"\n            2 = %s\n";
	snprintf(sign[0], sizeof sign[0], format, keys[1], " revoked", keys[2]);
	snprintf(sign[1], sizeof sign[1], format, keys[1], "", keys[2]);
	snprintf(sign[2], sizeof sign[2], format, keys[3], " revoked", keys[2]);
	snprintf(sign[3], sizeof sign[3], "        sign\n            2 = %s\n", keys[2]);
	one.extra_nodes = punjab;
	one.sign = sign[0];
	t = first_edition(&one);
	two = one;
	two.after = t;
	follow_is(t, &two, ERR_OK, NULL);
	two.extra_nodes = left;
	follow_is(t, &two, ERR_OK, NULL);
	two.extra_nodes = NULL;
	follow_is(t, &two, ERR_STATE, "node punjab: is gone; a node that left stays listed");
	two.tail = role;
	follow_is(t, &two, ERR_STATE, "node punjab: cannot become a role");
	two = one;
	two.after = t;
	two.sign = sign[1];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 was revoked and stays so");
	two.sign = sign[2];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 is another key now");
	two.sign = sign[3];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 is gone");
	topology_free(t);
}

static void what_is_void_stays_void(void)
{
	char key[2][65], sign[2][300], two_void[800], one_void[800];
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct writing w = {0};
	struct topology *t;

	static const char format[] = "        sign\n            1 = \"%s%s\"\n            2 = %s\n";
	key_text(key[0], "sign", "k0");
	key_text(key[1], "sign", "k1");
	snprintf(sign[0], sizeof sign[0], format, key[0], " void", key[1]);
	snprintf(sign[1], sizeof sign[1], format, key[0], " revoked", key[1]);
	put(&w, "    punjab\n        reports-to = national\n");
	put_keys(&w, "punjab");
	snprintf(one_void, sizeof one_void, "%s        void = 0000000000000002\n", w.at);
	snprintf(two_void, sizeof two_void,
		 "%s        void = \"0000000000000003 0000000000000002\"\n", w.at);
	free(w.at);
	one.sign = sign[1];
	one.extra_nodes = one_void;
	t = first_edition(&one);
	two = one;
	two.after = t;
	two.sign = sign[0];
	two.extra_nodes = two_void;
	follow_is(t, &two, ERR_OK, NULL);
	topology_free(t);
	one.sign = sign[0];
	one.extra_nodes = two_void;
	t = first_edition(&one);
	two = one;
	two.after = t;
	two.sign = sign[1];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 was void and stays so");
	two = one;
	two.after = t;
	two.extra_nodes = one_void;
	follow_is(t, &two, ERR_STATE,
		  "node punjab: void: incarnation 0000000000000003 was void and stays so");
	topology_free(t);
}

int main(void)
{
	RUN(the_first_version_is_pinned);
	RUN(the_next_version_needs_both_councils);
	RUN(only_the_next_version_of_this_federation_follows);
	RUN(nobody_vanishes_and_no_key_changes);
	RUN(what_is_void_stays_void);
	return tap_done();
}
