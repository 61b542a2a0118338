/* Which card is in force: whatever the order in which cards come. */
#include "node/directory.h"
#include "tests/node/index_fixture.h"
#include "tests/protocol/federation.h"

static struct fixture home;
static struct topology *usual, *revoked; /* sign key 1 of kp is revoked in the second */
static struct party_id kp, sindh;

static void put_node(struct writing *w, const char *name, const char *more)
{
	char key[65], second[40];
	snprintf(second, sizeof second, "%s again", name);
	put(w, "    %s\n%s", name, more);
	put(w, "        endpoint = \"tcp://%s.example:5670\"\n", name);
	put(w, "        link = \"%s\"\n        sign\n", key_text(key, "link", name));
	put(w, "            1 = \"%s\"\n", key_text(key, "sign", name));
	put(w, "            2 = \"%s\"\n        seal\n", key_text(key, "sign", second));
	put(w, "            1 = \"%s\"\n", key_text(key, "seal", name));
}

static struct topology *federation(void)
{
	struct writing w = {0};
	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2099-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put_node(&w, "national", "");
	put_node(&w, "kp", "        reports-to = national\n");
	put_node(&w, "sindh", "        reports-to = national\n");
	struct topology *t = parse_or_bail(w.at);
	free(w.at);
	return t;
}

/* ---- cards ---- */

struct says {
	const struct party_id *origin;
	uint16_t sign_key;
	uint64_t number;
	unsigned link;     /* which key; 0: the first */
	uint16_t seals[4]; /* numbers, and */
	unsigned keys[4];  /* which keys, 0 for those of the topology */
	const char *endpoint;
	unsigned seed; /* of the message */
};

static void link_make(struct card_link *link, const struct party_id *origin, unsigned which)
{
	uint8_t seed[32] = {(uint8_t)which, 77}, secret[64], text[CARD_PROOF_TEXT_BYTES];
	crypto_sign_seed_keypair(link->point, secret, seed);
	need(crypto_sign_ed25519_pk_to_curve25519(link->key, link->point) == 0);
	card_proof_text(text, origin);
	crypto_sign_detached(link->proof, NULL, text, sizeof text, secret);
}

static void seal_make(struct card_seal *seal, const struct party_id *origin, uint16_t number,
		      unsigned which)
{
	const struct party *p = topology_party_by_id(usual, origin);
	uint8_t secret[32] = {0, (uint8_t)which, 9};
	seal->number = number;
	if (which)
		crypto_scalarmult_base(seal->key, secret);
	else
		memcpy(seal->key, p->seal_keys[0].key, SEAL_KEY_BYTES);
}

static struct sample card_sample(const struct says *says)
{
	struct card *c = calloc(1, sizeof *c);
	struct header *h = sample_header(fixture_seed++);
	struct sample s = {0};
	struct text json;
	need(c);
	c->number = says->number;
	c->endpoints[0] = strdup(says->endpoint ? says->endpoint : "tcp://card.example:1");
	c->endpoint_count = 1;
	link_make(&c->links[c->link_count++], says->origin, says->link + 1);
	/* Who says nothing else has the key that the topology lists. */
	if (!says->seals[0])
		seal_make(&c->seals[c->seal_count++], says->origin, 1, 0);
	for (size_t i = 0; i < 4 && says->seals[i]; i++)
		seal_make(&c->seals[c->seal_count++], says->origin, says->seals[i], says->keys[i]);
	text_init(&json);
	card_write(&json, c);
	need(!json.bad && !body_pack(&s.body, &s.body_length, json.at, json.length));
	text_clear(&json);
	card_free(c);
	h->kind = KIND_CARD;
	h->origin = *says->origin;
	h->sign_key = says->sign_key ? says->sign_key : 1;
	h->sequence = says->seed + 1;
	sample_finish(&s, h);
	return s;
}

struct world {
	struct pair p;
	struct directory *d;
};

static void world_open(struct world *w)
{
	pair_fresh(&w->p, &home);
	need(!directory_open(&w->d, w->p.index, w->p.log, home.identity));
}

static void world_close(struct world *w)
{
	directory_close(w->d);
	pair_close(&w->p);
}

static uint64_t say_card(struct world *w, const struct says *says)
{
	struct sample s = card_sample(says);
	uint64_t lsn = commit_sample(&w->p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	return lsn;
}

static void follow(struct world *w, const struct topology *t)
{
	fold_all(&w->p);
	need(!directory_follow(w->d, t));
}

/* The number of the card in force, 0 when there is none. */
static uint64_t in_force(struct world *w, const struct party_id *origin)
{
	struct directory_card at;
	return directory_card(w->d, origin, &at) ? at.number : 0;
}

static size_t remarks(struct world *w, const char *words)
{
	struct remark r;
	size_t n = 0;
	while (directory_tell(w->d, &r)) {
		if (!strstr(r.why, words))
			printf("# %s\n", r.why);
		n += strstr(r.why, words) != NULL;
	}
	return n;
}

#define SAYS(...) (&(struct says){__VA_ARGS__})

/* ---- tests ---- */

static void without_a_card_the_topology_speaks(void)
{
	struct world w;
	struct directory_card card;
	struct link_peer ways = {0};
	const struct party *p = topology_party(usual, "kp");
	world_open(&w);
	follow(&w, usual);
	is_int(in_force(&w, &kp), 0, "no card");
	directory_ways(w.d, p, &card, &ways);
	is_int(ways.endpoint_count, 1, "one endpoint");
	is_str(ways.endpoints[0], "tcp://kp.example:5670", "the topology's");
	ok(ways.key_count == 1 && memcmp(ways.keys[0], p->link_key, 32) == 0, "and its key");
	ok(directory_seal_key(w.d, p) == party_seal_key(p), "and its seal key");
	is_int(directory_greatest_seal(w.d, p), 1, "with its number");
	follow(&w, NULL);
	is_int(in_force(&w, &kp), 0, "nor is there one without a topology");
	world_close(&w);
}

static void a_card_says_where_and_under_which_keys(void)
{
	struct world w;
	struct directory_card card;
	struct link_peer ways = {0};
	const struct party *p = topology_party(usual, "kp");
	struct card *c = NULL;
	uint64_t changes;
	world_open(&w);
	follow(&w, usual);
	changes = directory_changes(w.d);
	say_card(&w, SAYS(.origin = &kp, .number = 3, .seals = {1, 4}, .keys = {0, 5}));
	follow(&w, usual);
	ok(directory_changes(w.d) != changes, "others learn that something has changed");
	directory_ways(w.d, p, &card, &ways);
	is_int(ways.endpoint_count, 2, "two endpoints");
	is_str(ways.endpoints[0], "tcp://card.example:1", "the card's first");
	is_str(ways.endpoints[1], "tcp://kp.example:5670", "then the topology's");
	ok(ways.key_count == 1 && memcmp(ways.keys[0], p->link_key, 32) != 0,
	   "the card's key takes the place of the topology's");
	is_int(directory_seal_key(w.d, p)->number, 4, "the greatest seal key is in use");
	is_int(directory_greatest_seal(w.d, p), 4, "and known as the greatest");
	ok(directory_card(w.d, &kp, &card) && !directory_read(w.d, &card, &c) && c->number == 3,
	   "all that it says can be read");
	card_free(c);
	ok(directory_seal_key(w.d, topology_party(usual, "sindh"))->number == 1,
	   "it says nothing of others");
	changes = directory_changes(w.d);
	say_card(&w, SAYS(.origin = &kp, .number = 4, .endpoint = "tcp://kp.example:5670"));
	follow(&w, usual);
	ok(directory_changes(w.d) != changes, "the next one changes it again");
	directory_ways(w.d, p, &card, &ways);
	is_int(ways.endpoint_count, 1, "an endpoint that both name is tried once");
	changes = directory_changes(w.d);
	post(&w.p, 3, "{}", indicator(1, 1, "[domain-name:value = 'a.example']", ""));
	follow(&w, usual);
	is_int(directory_changes(w.d), changes, "a post changes nothing");
	world_close(&w);
}

/* All orders in which four cards can come, and where a fold may end. */
static void the_order_in_which_they_come_is_nothing(void)
{
	const struct says cards[] = {
		{.origin = &kp, .number = 9, .seals = {1}},
		{.origin = &kp, .number = 2, .seals = {1, 2}, .keys = {0, 5}},
		/* names another key under number 2 than card 2, which is older */
		{.origin = &kp, .number = 10, .seals = {1, 2}, .keys = {0, 6}},
		{.origin = &kp, .number = 1, .sign_key = 2, .seals = {1, 3}, .keys = {0, 7}},
	};
	size_t wrong = 0, orders = 0;
	for (unsigned code = 0; code < 256; code++) {
		unsigned order[4], seen = 0;
		for (unsigned i = 0; i < 4; i++)
			seen |= 1U << (order[i] = code >> 2 * i & 3);
		if (seen != 15)
			continue;
		struct world w;
		world_open(&w);
		for (unsigned i = 0; i < 4; i++) {
			say_card(&w, &cards[order[i]]);
			if (orders % 2)
				follow(&w, usual);
		}
		follow(&w, usual);
		/* The one of sign key 2 is the newest of all. */
		wrong += in_force(&w, &kp) != 1;
		follow(&w, revoked);
		wrong += in_force(&w, &kp) != 1;
		wrong += index_check(w.p.index, NULL) != ERR_OK;
		world_close(&w);
		orders++;
	}
	is_int(orders, 24, "all orders");
	is_int(wrong, 0, "come to the same");
}

static void a_number_that_means_another_key_sets_a_card_aside(void)
{
	struct world w;
	struct remark r;
	uint64_t lsn;
	world_open(&w);
	say_card(&w, SAYS(.origin = &kp, .number = 1, .seals = {1, 2}, .keys = {0, 5}));
	lsn = say_card(&w, SAYS(.origin = &kp, .number = 2, .seals = {1, 2}, .keys = {0, 6}));
	follow(&w, usual);
	is_int(in_force(&w, &kp), 1, "the newest that is not set aside is in force");
	is_int(remarks(&w, "another key than before under seal key number 2"), 1, "it is told");
	is_int(remarks(&w, ""), 0, "once");
	ok(directory_remark(w.d, lsn, &r) && r.aside, "and known of the message");
	say_card(&w, SAYS(.origin = &kp, .number = 3, .seals = {1}, .keys = {6}));
	follow(&w, usual);
	is_int(in_force(&w, &kp), 1, "nor does one count that contradicts the topology");
	is_int(remarks(&w, "under seal key number 1"), 1, "that is told, and nothing again");
	say_card(&w, SAYS(.origin = &kp, .number = 4, .seals = {2}, .keys = {5}));
	follow(&w, usual);
	is_int(in_force(&w, &kp), 4, "numbers that are left out are no contradiction");
	/* An older one that names the number turns up late. */
	say_card(&w, SAYS(.origin = &sindh, .number = 5, .seals = {7}, .keys = {5}));
	follow(&w, usual);
	is_int(in_force(&w, &sindh), 5, "another node's numbers are its own");
	say_card(&w, SAYS(.origin = &sindh, .number = 4, .seals = {7}, .keys = {6}));
	follow(&w, usual);
	is_int(in_force(&w, &sindh), 4, "the oldest that names a number says what it means");
	world_close(&w);
}

static void cards_of_a_revoked_key_do_not_count(void)
{
	struct world w;
	world_open(&w);
	say_card(&w, SAYS(.origin = &kp, .number = 7, .seals = {1, 2}, .keys = {0, 5}));
	say_card(&w, SAYS(.origin = &kp, .number = 3, .sign_key = 2, .seals = {2}, .keys = {6}));
	follow(&w, usual);
	is_int(in_force(&w, &kp), 7, "a thief's older card sets the newer one aside");
	follow(&w, revoked);
	is_int(in_force(&w, &kp), 3, "until its key is revoked");
	follow(&w, usual);
	is_int(in_force(&w, &kp), 7, "it depends on the topology in force alone");
	say_card(&w, SAYS(.origin = &kp, .number = 9, .sign_key = 3));
	follow(&w, usual);
	is_int(in_force(&w, &kp), 7, "a key that the topology does not list signs no card");
	world_close(&w);
}

static void of_two_with_one_number_the_greater_id_is_newer(void)
{
	struct world w;
	struct directory_card at;
	struct message_id first, greater;
	struct sample a = card_sample(SAYS(.origin = &kp, .number = 5));
	struct sample b = card_sample(SAYS(.origin = &kp, .number = 5, .endpoint = "tcp://b:2"));
	greater = memcmp(a.id.b, b.id.b, 32) > 0 ? a.id : b.id;
	for (int order = 0; order < 2; order++) {
		world_open(&w);
		first = order ? b.id : a.id;
		commit_sample(&w.p, order ? &b : &a, VERDICT_ACCEPTED);
		follow(&w, usual);
		ok(directory_card(w.d, &kp, &at) && message_id_equal(&at.id, &first), "alone");
		commit_sample(&w.p, order ? &a : &b, VERDICT_ACCEPTED);
		follow(&w, usual);
		ok(directory_card(w.d, &kp, &at) && message_id_equal(&at.id, &greater),
		   "the greater id");
		is_int(remarks(&w, "have the number 5: the node runs twice, or was restored"), 1,
		       "and an alarm");
		world_close(&w);
	}
	sample_clear(&a);
	sample_clear(&b);
	world_open(&w);
	say_card(&w, SAYS(.origin = &kp, .number = 5, .seed = 1));
	say_card(&w, SAYS(.origin = &kp, .number = 5, .seed = 2));
	follow(&w, usual);
	is_int(remarks(&w, ""), 0, "two that say the same are no alarm");
	world_close(&w);
}

static void another_nodes_link_key_is_refused(void)
{
	struct world w;
	struct card_link key;
	struct topology *t = federation();
	struct party *national = &t->parties[0];
	link_make(&key, &kp, 9);
	memcpy(national->link_key, key.key, LINK_KEY_BYTES);
	world_open(&w);
	say_card(&w, SAYS(.origin = &kp, .number = 1));
	say_card(&w, SAYS(.origin = &kp, .number = 2, .link = 8));
	follow(&w, t);
	is_int(in_force(&w, &kp), 1, "one that the topology lists");
	is_int(remarks(&w, "names the link key of national"), 1, "is told");
	world_close(&w);
	topology_free(t);
}

static void what_is_malformed_or_recalled_is_no_card(void)
{
	struct world w;
	struct sample s = {0};
	struct header *h;
	char why[256];
	uint64_t lsn;
	const char *json = "{\"number\":99,\"link\":[],\"seal\":[]}";
	world_open(&w);
	say_card(&w, SAYS(.origin = &kp, .number = 1));
	need(!body_pack(&s.body, &s.body_length, json, strlen(json)));
	h = sample_header(fixture_seed++);
	h->kind = KIND_CARD;
	h->origin = kp;
	sample_finish(&s, h);
	lsn = commit_sample(&w.p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	follow(&w, usual);
	is_int(in_force(&w, &kp), 1, "the other stays in force");
	ok(index_held(w.p.reader, lsn, why, sizeof why), "it is held: %s", why);
	s = card_sample(SAYS(.origin = &kp, .number = 2));
	commit_sample(&w.p, &s, VERDICT_ACCEPTED);
	follow(&w, usual);
	is_int(in_force(&w, &kp), 2, "a new one");
	struct sample recall = {.body = calloc(1, 1)};
	h = sample_header(fixture_seed++);
	h->kind = KIND_RECALL;
	h->origin = kp;
	h->ref = s.id;
	sample_finish(&recall, h);
	commit_sample(&w.p, &recall, VERDICT_ACCEPTED);
	follow(&w, usual);
	is_int(in_force(&w, &kp), 1, "recalled, the one before is in force again");
	is_int(index_check(w.p.index, NULL), ERR_OK, "and the index is what its log says");
	sample_clear(&recall);
	sample_clear(&s);
	s = card_sample(SAYS(.origin = &kp, .number = 9));
	commit_sample(&w.p, &s, VERDICT_HELD);
	sample_clear(&s);
	follow(&w, usual);
	is_int(in_force(&w, &kp), 1, "one that is held is none");
	world_close(&w);
}

static void many_cards_cost_little(void)
{
	struct world w;
	world_open(&w);
	say_card(&w, SAYS(.origin = &sindh, .number = 1));
	say_card(&w, SAYS(.origin = &kp, .number = 1, .seals = {1, 2}, .keys = {0, 5}));
	for (uint64_t i = 2; i < 66; i++)
		say_card(&w, SAYS(.origin = &kp, .number = i, .seals = {1, 2}, .keys = {0, 6}));
	follow(&w, usual);
	is_int(in_force(&w, &kp), 0, "of an origin only the newest 64 are looked at");
	is_int(in_force(&w, &sindh), 1, "the others are none the worse");
	ok(remarks(&w, "names another key") <= 256, "and what is told is bounded");
	world_close(&w);
}

static void letters_are_sealed_to_the_newest_key(void)
{
	struct world w;
	struct recipients to;
	static struct letter l;
	const struct party *self = topology_party(usual, "national");
	const char *words = "kp sindh";
	struct recipients_query q = {.topology = usual,
				     .self = self,
				     .words = &words,
				     .word_count = 1,
				     .tlp = TLP_AMBER};
	const struct seal_key *key;
	world_open(&w);
	say_card(&w, SAYS(.origin = &kp, .number = 1, .seals = {1, 2}, .keys = {0, 5}));
	follow(&w, usual);
	q.book = directory_book(w.d);
	need(!recipients_resolve(&to, &q, NULL) && recipients_letter(&l, &to, self, 0));
	for (size_t i = 0; i < l.count; i++)
		is_int(l.to[i].number, party_id_equal(&l.to[i].party, &kp) ? 2 : 1, "its number");
	to.book = (struct seal_book){0};
	need(recipients_letter(&l, &to, self, 0));
	directory_renew(w.d, usual, &l);
	for (size_t i = 0; i < l.count; i++)
		is_int(l.to[i].number, party_id_equal(&l.to[i].party, &kp) ? 2 : 1, "renewed");
	recipients_clear(&to);
	key = directory_seal_key(w.d, topology_party(usual, "kp"));
	say_card(&w, SAYS(.origin = &kp, .number = 2, .seals = {1, 2, 3}, .keys = {0, 5, 6}));
	follow(&w, usual);
	ok(key->number == 2, "a key that was given stays readable");
	is_int(directory_seal_key(w.d, topology_party(usual, "kp"))->number, 3, "the next is 3");
	struct topology *t = federation();
	t->parties[1].seal_keys[0].retired = true;
	is_int(directory_seal_key(w.d, topology_party(t, "kp"))->number, 3,
	       "also when the topology revokes the first");
	ok(!directory_seal_key(w.d, topology_party(usual, "sindh"))->retired, "others as listed");
	topology_free(t);
	world_close(&w);
}

int main(void)
{
	fixture_init(&home);
	usual = federation();
	revoked = federation();
	revoked->parties[1].sign_keys[0].revoked = true;
	kp = topology_party(usual, "kp")->id;
	sindh = topology_party(usual, "sindh")->id;
	RUN(without_a_card_the_topology_speaks);
	RUN(a_card_says_where_and_under_which_keys);
	RUN(the_order_in_which_they_come_is_nothing);
	RUN(a_number_that_means_another_key_sets_a_card_aside);
	RUN(cards_of_a_revoked_key_do_not_count);
	RUN(of_two_with_one_number_the_greater_id_is_newer);
	RUN(another_nodes_link_key_is_refused);
	RUN(what_is_malformed_or_recalled_is_no_card);
	RUN(many_cards_cost_little);
	RUN(letters_are_sealed_to_the_newest_key);
	topology_free(usual);
	topology_free(revoked);
	fixture_clear(&home);
	return tap_done();
}
