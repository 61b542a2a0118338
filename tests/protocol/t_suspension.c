/* Who is suspended, from when, until when, and who says so. */
#include "protocol/chain.h"
#include "protocol/council.h"
#include "tests/protocol/federation.h"

enum { HOUR_MS = 3600 * 1000 };
#define FROM UINT64_C(1795312800000) /* 2026-11-22T02:00:00Z */

static struct topology *one;
static struct chain chain;

/* A statement, as a council would write it. */
struct statement {
	const char *serial, *from, *until, *nodes, *extra;
	const struct topology *under; /* NULL: one */
	const char *network;
	const char *signers[6];
};

static const struct statement usual = {.serial = "1",
				       .from = "2026-11-22T02:00:00Z",
				       .until = "2026-11-22T04:00:00Z",
				       .nodes = "node\n    punjab\n        because = stolen\n",
				       .signers = {"member0", "member2"}};

static struct writing statement_file(const struct statement *s)
{
	const struct topology *t = s->under ? s->under : one;
	struct writing w = {0};
	char hex[2 * HASH_BYTES + 1], network[2 * NETWORK_ID_BYTES + 1];
	size_t n;

	hex_encode(network, t->network.b, NETWORK_ID_BYTES);
	put(&w, "suspension\n    network = %s\n", s->network ? s->network : network);
	put(&w, "    topology = %s\n", hex_encode(hex, t->hash.b, HASH_BYTES));
	put(&w, "    serial = %s\n    from = \"%s\"\n    until = \"%s\"\n", s->serial, s->from,
	    s->until);
	put(&w, "%s%s", s->nodes ? s->nodes : "", s->extra ? s->extra : "");
	n = w.length;
	for (size_t i = 0; i < 6 && s->signers[i]; i++)
		put_signature(&w, s->signers[i], n, "ED");
	return w;
}

/* Taken after held; the caller frees what it gets. */
static struct suspension *take_is(const struct statement *s, const struct suspension *held,
				  enum err want, const char *words)
{
	struct writing w = statement_file(s);
	struct suspension *got;
	struct report report;
	bool said = !words;

	report_init(&report);
	is_int(suspension_take(&got, &chain, held, w.at, w.length, &report), want, "%s",
	       words ? words : "taken");
	for (size_t i = 0; words && i < report.count; i++)
		said |= strstr(report.lines[i], words) != NULL;
	ok(said, "in words");
	for (size_t i = 0; i < report.count && !said; i++)
		printf("# %s\n", report.lines[i]);
	ok((want == ERR_OK) == (got != NULL), "a suspension exactly when it is");
	report_clear(&report);
	free(w.at);
	return got;
}

static struct topology *topology_of(unsigned version, unsigned suspension, const char *first)
{
	struct writing w = {0};
	char hex[2 * HASH_BYTES + 1], key[64];
	struct topology *t;

	put(&w, "federation\n    name = x\n    expires = 2027-12-31\n    version = %u\n", version);
	if (version > 1) {
		put(&w, "    network = %s\n", hex_encode(hex, one->network.b, NETWORK_ID_BYTES));
		put(&w, "    previous = %s\n", hex_encode(hex, one->hash.b, HASH_BYTES));
	}
	put(&w, "council\n    threshold = 3\n    suspension = %u\n    members\n", suspension);
	for (unsigned i = 0; i < 3; i++) {
		char name[32];
		snprintf(name, sizeof name, i ? "member%u" : first, i);
		put(&w, "        %s = \"%s\"\n", name, council_key_text(key, name));
	}
	put(&w, "node\n    national\n");
	put_keys(&w, "national");
	put(&w, "    punjab\n        reports-to = national\n");
	put_keys(&w, "punjab");
	need(topology_parse(&t, w.at, w.length, NULL) == ERR_OK);
	free(w.at);
	return t;
}

static void enough_members_suspend(void)
{
	struct statement s = usual;
	struct suspension *got = take_is(&s, NULL, ERR_OK, NULL);

	ok(got->serial == 1 && got->from == FROM && got->until == FROM + 2 * HOUR_MS, "as said");
	ok(got->count == 1 && strcmp(got->list[0].because, "stolen") == 0, "whom and why");
	suspension_free(got);
	s.signers[1] = NULL;
	take_is(&s, NULL, ERR_SIGNATURE, "1 of its 3 members signed this suspension; 2 must");
	s.signers[1] = "member0";
	take_is(&s, NULL, ERR_SIGNATURE, "1 of its 3 members");
	s.signers[1] = "stranger";
	take_is(&s, NULL, ERR_SIGNATURE, "1 of its 3 members");
}

static void the_greatest_serial_counts_alone(void)
{
	struct statement s = usual;
	struct suspension *first, *second;

	s.serial = "7";
	first = take_is(&s, NULL, ERR_OK, NULL);
	take_is(&s, first, ERR_EXISTS, NULL);
	s.until = "2026-11-22T05:00:00Z";
	take_is(&s, first, ERR_NOT_ALLOWED, "two different suspensions of serial 7");
	s.serial = "6";
	take_is(&s, first, ERR_STATE, "6 is not above 7");
	s.serial = "8";
	s.nodes = NULL;
	second = take_is(&s, first, ERR_OK, NULL);
	ok(!suspension_of_node(second, &one->parties[1].id, FROM), "and may lift everything");
	suspension_free(second);
	suspension_free(first);
}

static void it_belongs_to_a_version_and_to_its_council(void)
{
	struct statement s = usual;
	struct topology *two = topology_of(2, 1, "other%u");
	struct suspension *got;

	s.under = two;
	take_is(&s, NULL, ERR_UNJUDGEABLE, "of no version that is held here");
	need(chain_add(&chain, two) == ERR_OK);
	s.signers[0] = "other0";
	s.signers[1] = NULL;
	got = take_is(&s, NULL, ERR_OK, NULL);
	suspension_free(got);
	/* One of the version before, by those who are in the council still. */
	s.under = one;
	s.signers[0] = "member2";
	got = take_is(&s, NULL, ERR_OK, NULL);
	suspension_free(got);
	s.signers[0] = "member0";
	take_is(&s, NULL, ERR_SIGNATURE, "0 of its 3 members");
	s.network = "0011223344556677";
	s.signers[0] = "member2";
	take_is(&s, NULL, ERR_NETWORK, "another federation");
	chain.count--;
	topology_free(two);
}

static void mistakes_are_named(void)
{
	static const struct {
		const char *serial, *from, *until, *nodes, *extra, *words;
	} cases[] = {
		{.serial = "0", .words = "suspension: serial: \"0\""},
		{.serial = "4294967296", .words = "suspension: serial: \"4294967296\""},
		{.from = "2026-11-22 02:00:00Z", .words = "suspension: from: \"2026-11-22 02"},
		{.until = "2026-11-22T02:00:00Z", .words = "until: ends before it begins"},
		{.until = "2026-12-06T02:00:00.001Z", .words = "until: more than 14 days after"},
		{.nodes = "node\n    sindh\n", .words = "node sindh: is no node of topology ver"},
		{.nodes = "node\n    punjab\n        sign = \"1 2\"\n",
		 .words = "node punjab: sign: it has no sign key 2"},
		{.nodes = "node\n    punjab\n        sign = \" \"\n", .words = "names no key"},
		{.nodes = "node\n    punjab\n        sign = 0\n", .words = "\"0\": the number"},
		{.nodes = "node\n    punjab = x\n", .words = "the name of a node is wanted"},
		{.nodes = "node\n    Punjab\n", .words = "the name of a node is wanted"},
		{.nodes = "node\n    punjab\n    punjab\n", .words = "punjab"},
		{.extra = "role\n", .words = "role: unknown key"},
		{.extra = "federation\n    version = 2\n", .words = "federation: unknown key"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct statement s = usual;
		s.serial = cases[i].serial ? cases[i].serial : s.serial;
		s.from = cases[i].from ? cases[i].from : s.from;
		s.until = cases[i].until ? cases[i].until : s.until;
		s.nodes = cases[i].nodes ? cases[i].nodes : s.nodes;
		s.extra = cases[i].extra;
		take_is(&s, NULL, ERR_FORMAT, cases[i].words);
	}
	struct statement s = usual;
	s.until = "2026-12-06T02:00:00Z";
	suspension_free(take_is(&s, NULL, ERR_OK, NULL));
}

static void it_begins_and_ends_in_its_time(void)
{
	struct suspension *s = take_is(&usual, NULL, ERR_OK, NULL);
	const struct party_id *punjab = &topology_party(one, "punjab")->id,
			      *national = &topology_party(one, "national")->id;

	ok(!suspension_of_node(s, punjab, FROM - 1), "not before");
	ok(suspension_of_node(s, punjab, FROM) && suspension_of_key(s, punjab, 1, FROM), "from");
	ok(suspension_of_node(s, punjab, FROM + 2 * HOUR_MS - 1), "until");
	ok(!suspension_of_node(s, punjab, FROM + 2 * HOUR_MS), "not after");
	ok(!suspension_of_node(s, national, FROM) && !suspension_of_node(NULL, punjab, FROM),
	   "nobody else");
	ok(suspension_next(s, 0) == FROM && suspension_next(s, FROM) == FROM + 2 * HOUR_MS &&
		   suspension_next(s, FROM + 2 * HOUR_MS) == UINT64_MAX,
	   "when something changes");
	suspension_free(s);
}

static void a_key_alone_can_be_suspended(void)
{
	struct statement s = usual;
	const struct party_id *punjab = &topology_party(one, "punjab")->id;
	struct suspension *got;

	s.nodes = "node\n    punjab\n        sign = 1\n";
	got = take_is(&s, NULL, ERR_OK, NULL);
	ok(suspension_of_key(got, punjab, 1, FROM), "what it signs");
	ok(!suspension_of_key(got, punjab, 2, FROM), "not what another does");
	ok(!suspension_of_node(got, punjab, FROM), "nor the node");
	suspension_free(got);
}

static void a_statement_is_no_topology_and_the_other_way_round(void)
{
	struct writing w = statement_file(&usual);
	struct topology *t;
	struct suspension *s;

	ok(suspension_is(w.at, w.length) && !suspension_is(one->text, one->text_length), "told");
	is_int(topology_parse(&t, w.at, w.length, NULL), ERR_FORMAT, "not a topology");
	is_int(suspension_parse(&s, one->text, one->text_length, NULL), ERR_FORMAT,
	       "not a suspension");
	free(w.at);
}

static void every_cut_and_every_flip_is_refused(void)
{
	struct writing w = statement_file(&usual);
	size_t length = council_text_length(w.at, w.length), taken = 0;
	struct suspension *s;

	for (size_t n = 0; n < w.length - 1; n++)
		taken += suspension_take(&s, &chain, NULL, w.at, n, NULL) == ERR_OK;
	is_int(taken, 0, "cut anywhere");
	for (size_t bit = 0; bit < 8 * length; bit++) {
		w.at[bit / 8] ^= (char)(1 << bit % 8);
		taken += suspension_take(&s, &chain, NULL, w.at, w.length, NULL) == ERR_OK;
		w.at[bit / 8] ^= (char)(1 << bit % 8);
	}
	is_int(taken, 0, "flipped anywhere");
	free(w.at);
}

int main(void)
{
	need(sodium_init() >= 0);
	one = topology_of(1, 2, "member%u");
	chain_init(&chain);
	need(chain_add(&chain, one) == ERR_OK);
	RUN(enough_members_suspend);
	RUN(the_greatest_serial_counts_alone);
	RUN(it_belongs_to_a_version_and_to_its_council);
	RUN(mistakes_are_named);
	RUN(it_begins_and_ends_in_its_time);
	RUN(a_key_alone_can_be_suspended);
	RUN(a_statement_is_no_topology_and_the_other_way_round);
	RUN(every_cut_and_every_flip_is_refused);
	chain_clear(&chain);
	return tap_done();
}
