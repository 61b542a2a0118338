/* What a node writes, sealed or not, and what the stores of others make of it. */
#include "node/author.h"

#include "tests/node/index_fixture.h"
#include "tests/protocol/federation.h"

static struct fixture punjab, sindh, kp; /* author, reader, relay */
static struct role_public government;    /* sindh holds it from the start */
static struct topology *topology;
static char *text;

/* A home for a node of that name. */
static void make_home(struct fixture *f, const char *name)
{
	fixture_init(f);
	identity_free(f->identity);
	remove(path_in(f, "node.key"));
	need(identity_create(path_in(f, "node.key"), name, NULL, NULL) == ERR_OK);
	need(identity_open(&f->identity, path_in(f, "node.key"), NULL, NULL) == ERR_OK);
}

static void put_node(struct writing *w, const struct fixture *f, const char *line)
{
	const struct identity_public *p = identity_public(f->identity);
	char sign[65], link[65], seal[65];

	put(w, "    %s\n%s        link = \"%s\"\n", p->name, line, hex_encode(link, p->link, 32));
	put(w, "        sign\n            1 = \"%s\"\n", hex_encode(sign, p->sign, 32));
	put(w, "        seal\n            1 = \"%s\"\n", hex_encode(seal, p->seal, 32));
}

static void make_topology(void)
{
	struct writing w = {0};
	char seal[65];

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2027-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put_node(&w, &kp, "");
	put_node(&w, &punjab, "        reports-to = kp\n");
	put_node(&w, &sindh, "        reports-to = kp\n");
	put(&w, "role\n    government\n        reports-to = kp\n        holders = sindh\n");
	put(&w, "        seal\n            1 = \"%s\"\n", hex_encode(seal, government.seal, 32));
	text = w.at;
	topology = parse_or_bail(text);
}

static void letter_to(struct letter *l, const char *words, enum tlp tlp)
{
	const struct party *self = topology_party(topology, "punjab");
	struct recipients to;
	struct recipients_query q = {
		.topology = topology, .self = self, .words = &words, .word_count = 1, .tlp = tlp};

	need(recipients_resolve(&to, &q, NULL) == ERR_OK);
	need(recipients_letters(&to) == 1 && recipients_letter(l, &to, self, 0));
	recipients_clear(&to);
}

/* A draft whose one indicator has that value; the caller frees the body. */
static struct draft draft_of(const char *value, enum tlp tlp)
{
	struct draft d = {.kind = KIND_POST, .tlp = tlp, .expiry = 500000};
	struct text t;
	uint8_t *body;

	text_init(&t);
	text_format(&t,
		    "{\"envelope\":{},\"bundle\":{\"type\":\"bundle\",\"id\":\"bundle--"
		    "00000000-0000-4000-8000-000000000000\",\"objects\":[{\"type\":\"indicator\","
		    "\"spec_version\":\"2.1\","
		    "\"id\":\"indicator--00000000-0000-4000-8000-000000000001\","
		    "\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:00Z\","
		    "\"pattern\":\"[domain-name:value = '%s']\",\"pattern_type\":\"stix\","
		    "\"valid_from\":\"2026-01-01T00:00:00Z\"}]}}",
		    value);
	need(!t.bad && body_pack(&body, &d.body_length, t.at, t.length) == ERR_OK);
	text_clear(&t);
	d.body = body;
	return d;
}

static struct written said(struct author *a, const char *words, const char *value)
{
	static struct letter l;
	enum tlp tlp = strcmp(words, "all") == 0 ? TLP_GREEN : TLP_AMBER;
	struct draft d = draft_of(value, tlp);
	struct written w;

	letter_to(&l, words, tlp);
	need(author_write(a, topology, &l, &d, 1700000000000, &w) == ERR_OK);
	free((void *)(uintptr_t)d.body);
	return w;
}

static void decode(struct header *h, const struct written *w)
{
	need(header_decode(h, w->bytes, header_peek_length(w->bytes, w->length)) == ERR_OK);
}

static void a_message_is_in_order_and_signed(void)
{
	static const char *const words[] = {"all", "sindh", "government"};
	struct author a;

	author_init(&a, punjab.identity);
	for (size_t i = 0; i < 3; i++) {
		struct written w = said(&a, words[i], "evil.example");
		struct message_view m;
		struct judged j;
		need(message_split(&m, w.bytes, w.length) == ERR_OK);
		judge_own(&j, &(struct chain){.versions = &topology, .count = 1}, &m);
		is_int(j.judgement, JUDGED_AUTHENTIC, "to %s", words[i]);
		ok(message_id_equal(&j.id, &w.id), "its id");
		ok(message_signature_valid(&j.id, m.signature,
					   identity_public(punjab.identity)->sign),
		   "its signature");
		ok(i == 0 || !memmem(w.bytes, w.length, "evil", 4), "its text is nowhere");
		free(w.bytes);
	}
	author_clear(&a);
}

static void every_audience_is_counted_by_itself(void)
{
	static const struct {
		const char *words;
		uint64_t sequence;
	} said_to[] = {{"all", 1}, {"sindh", 1}, {"sindh", 2},    {"all", 2},
		       {"up", 1},  {"kp", 2},    {"sindh kp", 1}, {"sindh", 3}};
	static struct header h;
	struct author a;

	author_init(&a, punjab.identity);
	for (size_t i = 0; i < sizeof said_to / sizeof *said_to; i++) {
		struct written w = said(&a, said_to[i].words, "evil.example");
		decode(&h, &w);
		is_int(h.sequence, said_to[i].sequence, "to %s", said_to[i].words);
		free(w.bytes);
	}
	author_clear(&a);
}

static void what_was_not_sent_leaves_no_gap(void)
{
	static struct header h;
	struct author a;
	struct written one, two, three;

	author_init(&a, punjab.identity);
	one = said(&a, "sindh", "one.example");
	two = said(&a, "sindh", "two.example");
	author_unwrite(&a, &two);
	author_unwrite(&a, &one);
	one = said(&a, "sindh", "one.example");
	decode(&h, &one);
	is_int(h.sequence, 1, "the first again");
	two = said(&a, "sindh", "two.example");
	author_unwrite(&a, &one);
	three = said(&a, "sindh", "three.example");
	decode(&h, &three);
	is_int(h.sequence, 3, "a number that others followed is not used twice");
	free(two.bytes);
	free(three.bytes);
	author_clear(&a);
}

static void what_is_too_long_is_refused(void)
{
	static struct letter l;
	static uint8_t body[BODY_MAX_BYTES + 1];
	struct draft d = {.kind = KIND_POST,
			  .tlp = TLP_AMBER,
			  .expiry = 500000,
			  .body = body,
			  .body_length = BODY_MAX_BYTES};
	struct author a;
	struct written w;

	author_init(&a, punjab.identity);
	letter_to(&l, "sindh", TLP_AMBER);
	is_int(author_write(&a, topology, &l, &d, 1, &w), ERR_LIMIT, "sealed, with its length");
	ok(w.bytes == NULL, "nothing is left");
	d.body_length = BODY_MAX_BYTES - 20;
	is_int(author_write(&a, topology, &l, &d, 1, &w), ERR_OK, "the longest");
	free(w.bytes);
	letter_to(&l, "all", TLP_GREEN);
	d.tlp = TLP_GREEN;
	d.body_length = BODY_MAX_BYTES + 1;
	is_int(author_write(&a, topology, &l, &d, 1, &w), ERR_LIMIT, "for everyone");
	d.tlp = TLP_AMBER;
	d.body_length = 10;
	is_int(author_write(&a, topology, &l, &d, 1, &w), ERR_FORMAT, "AMBER for everyone");
	author_clear(&a);
}

/* ---- at others ---- */

static uint64_t arrive(struct pair *p, const uint8_t *bytes, size_t n, const struct message_id *id)
{
	size_t head = header_peek_length(bytes, n) + SIGNATURE_BYTES;
	struct log_row row = {.data = bytes, .length = head, .verdict = VERDICT_ACCEPTED};
	uint64_t lsn = 0;

	need(log_begin(p->log) == ERR_OK);
	need(log_append(p->log, &row, id, bytes + head, n - head, &lsn) == ERR_OK);
	need(log_commit(p->log) == ERR_OK);
	need(index_note(p->index, id, lsn) == ERR_OK);
	return lsn;
}

static bool note(void *arg, const struct object_at *at, enum match_how how)
{
	(void)at, (void)how;
	++*(unsigned *)arg;
	return true;
}

static bool found(struct pair *p, const char *value)
{
	struct observable o;
	const char *why;
	unsigned count = 0;

	need(observable_set(&o, OBSERVABLE_DOMAIN, value, &why) == ERR_OK);
	need(index_match(p->reader, &o, note, &count) == ERR_OK);
	return count > 0;
}

static uint64_t held_count(struct pair *p)
{
	struct index_counts counts;

	need(index_count(p->reader, &counts) == ERR_OK);
	return counts.held;
}

static void readers_index_it_and_relays_do_not(void)
{
	struct author a;
	struct written w, all;
	struct pair p;

	author_init(&a, punjab.identity);
	w = said(&a, "sindh", "evil.example");
	all = said(&a, "all", "open.example");
	pair_fresh(&p, &sindh);
	arrive(&p, w.bytes, w.length, &w.id);
	fold_all(&p);
	ok(found(&p, "evil.example"), "its reader finds it");
	is_int(index_check(p.index, NULL), ERR_OK, "and its index is what the log says");
	pair_close(&p);
	pair_fresh(&p, &kp);
	arrive(&p, w.bytes, w.length, &w.id);
	arrive(&p, all.bytes, all.length, &all.id);
	fold_all(&p);
	ok(!found(&p, "evil.example"), "a relay does not");
	ok(found(&p, "open.example"), "but what is for all");
	is_int(held_count(&p), 0, "nor does it hold anything");
	pair_close(&p);
	pair_fresh(&p, &punjab);
	arrive(&p, w.bytes, w.length, &w.id);
	fold_all(&p);
	ok(found(&p, "evil.example"), "its author finds it, too");
	pair_close(&p);
	free(w.bytes);
	free(all.bytes);
	author_clear(&a);
}

/* An author who seals garbage to one of its readers is shown to that reader. */
static void what_should_open_and_does_not_is_held(void)
{
	static const uint8_t garbage[80] = {1};
	struct author a;
	struct written w;
	struct pair p;
	char why[256];
	uint64_t lsn;

	author_init(&a, punjab.identity);
	w = said(&a, "sindh", "evil.example");
	for (size_t i = 0; i < 2; i++)
		memcpy(w.bytes + HEADER_FIXED_BYTES + i * RECIPIENT_BYTES + 18, garbage, 80);
	w.id = message_id_of(w.bytes, header_peek_length(w.bytes, w.length));
	pair_fresh(&p, &sindh);
	lsn = arrive(&p, w.bytes, w.length, &w.id);
	fold_all(&p);
	ok(!found(&p, "evil.example"), "it is not found");
	is_int(held_count(&p), 1, "it is held");
	is_str(index_held(p.reader, lsn, why, sizeof why),
	       "what its author sealed to this node is not its content key", "in words");
	pair_close(&p);
	free(w.bytes);
	author_clear(&a);
}

static void a_key_that_comes_later_opens_what_came_before(void)
{
	struct author a;
	struct written w;
	struct pair p;

	author_init(&a, punjab.identity);
	w = said(&a, "government", "evil.example");
	pair_fresh(&p, &kp);
	arrive(&p, w.bytes, w.length, &w.id);
	fold_all(&p);
	ok(!found(&p, "evil.example"), "not without the role's key");
	pair_reopen(&p, &kp);
	fold_all(&p);
	ok(!found(&p, "evil.example"), "nor after a restart");
	need(identity_add_role(kp.identity, path_in(&sindh, "role-government-1.key"), NULL, NULL) ==
	     ERR_OK);
	pair_reopen(&p, &kp);
	fold_all(&p);
	ok(found(&p, "evil.example"), "the index is made anew with the key");
	is_int(index_check(p.index, NULL), ERR_OK, "and is what the log says");
	pair_close(&p);
	free(w.bytes);
	author_clear(&a);
}

int main(void)
{
	make_home(&punjab, "punjab");
	make_home(&sindh, "sindh");
	make_home(&kp, "kp");
	need(identity_create_role(path_in(&sindh, "role-government-1.key"), "government", 1, NULL,
				  &government, NULL) == ERR_OK);
	need(identity_add_role(sindh.identity, path_in(&sindh, "role-government-1.key"), NULL,
			       NULL) == ERR_OK);
	make_topology();
	RUN(a_message_is_in_order_and_signed);
	RUN(every_audience_is_counted_by_itself);
	RUN(what_was_not_sent_leaves_no_gap);
	RUN(what_is_too_long_is_refused);
	RUN(readers_index_it_and_relays_do_not);
	RUN(what_should_open_and_does_not_is_held);
	RUN(a_key_that_comes_later_opens_what_came_before);
	topology_free(topology);
	free(text);
	fixture_clear(&punjab);
	fixture_clear(&sindh);
	fixture_clear(&kp);
	return tap_done();
}
