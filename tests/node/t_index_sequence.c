/* Places in the index: what an author has given which number, and what it has given twice. */
#include "node/store/index_parts.h"
#include "tests/node/index_fixture.h"

static struct fixture home;

static struct header *header_of(unsigned origin, uint64_t incarnation, uint64_t sequence)
{
	struct header *h = sample_header(fixture_seed++);
	*h = (struct header){.kind = KIND_POST,
			     .tlp = TLP_GREEN,
			     .topology = 1,
			     .origin = {{(uint8_t)origin}},
			     .audience = audience_all(),
			     .incarnation = incarnation,
			     .sequence = sequence,
			     .created = fixture_seed,
			     .expiry = 500000 + (uint32_t)sequence,
			     .sign_key = 1};
	return h;
}

static uint64_t commit(struct pair *p, struct header *h, enum verdict verdict)
{
	struct sample s = {0};
	uint64_t lsn;
	sample_finish(&s, h);
	s.body = calloc(1, 1);
	lsn = commit_sample(p, &s, verdict);
	sample_clear(&s);
	return lsn;
}

static uint64_t say(struct pair *p, unsigned origin, uint64_t incarnation, uint64_t sequence)
{
	return commit(p, header_of(origin, incarnation, sequence), VERDICT_ACCEPTED);
}

static struct stream stream_of(unsigned origin)
{
	return (struct stream){.origin = {{(uint8_t)origin}}, .audience = audience_all()};
}

/* What was found, as "incarnation:sequence " each. */
static bool note_found(void *arg, const struct sequence_at *at)
{
	char one[64];
	snprintf(one, sizeof one, "%llu:%llu ", (unsigned long long)at->place.incarnation,
		 (unsigned long long)at->place.sequence);
	strncat(arg, one, 1000 - strlen(arg));
	return true;
}

static const char *found(struct pair *p, unsigned origin, struct place from, struct place to)
{
	static char text[1024];
	struct stream s = stream_of(origin);
	text[0] = '\0';
	need(index_sequences(p->reader, &s, &from, &to, note_found, text) == ERR_OK);
	return text;
}

static const struct place first = {0, 0}, last = {UINT64_MAX, UINT64_MAX};

static void what_was_said_is_found_in_its_order(void)
{
	struct pair p;
	struct stream s = stream_of(1);
	struct sequence_at at;
	pair_fresh(&p, &home);
	say(&p, 1, 9, 2);
	say(&p, 1, 7, 3);
	say(&p, 2, 7, 4);
	say(&p, 1, 7, 1);
	uint64_t lsn = say(&p, 1, 9, 5);
	fold_all(&p);
	is_str(found(&p, 1, first, last), "7:1 7:3 9:2 9:5 ", "all of one origin");
	is_str(found(&p, 1, (struct place){7, 2}, (struct place){9, 2}), "7:3 9:2 ", "a part");
	is_str(found(&p, 1, (struct place){7, 2}, (struct place){7, 2}), "", "what is not there");
	is_str(found(&p, 3, first, last), "", "of one who said nothing");
	is_int(index_sequence_last(p.reader, &s, 9, &at), ERR_OK, "the last of an incarnation");
	is_int(at.place.sequence, 5, "is the greatest");
	is_int(at.lsn, lsn, "at its place in the log");
	is_int(at.expiry, 500005, "with its expiry");
	is_int(index_sequence_last(p.reader, &s, 7, &at), ERR_OK, "of another");
	is_int(at.place.sequence, 3, "its own");
	is_int(index_sequence_last(p.reader, &s, 8, &at), ERR_NOT_FOUND, "of none");
	is_int(index_check(p.index, NULL), ERR_OK, "the index follows from the log");
	pair_close(&p);
}

static void a_number_used_twice_is_found_however_batches_are_cut(void)
{
	struct reuse_at at = {0};
	struct pair p;
	pair_fresh(&p, &home);
	say(&p, 1, 7, 1);
	uint64_t one = say(&p, 2, 7, 1);
	fold_all(&p);
	is_int(index_reuse(p.reader, &at), ERR_NOT_FOUND, "none as long as all are honest");
	uint64_t two = say(&p, 2, 7, 1);
	fold_all(&p);
	uint64_t three = say(&p, 2, 7, 1), four = say(&p, 1, 8, 5), five = say(&p, 1, 8, 5);
	fold_all(&p);
	is_int(index_reuse(p.reader, &at), ERR_OK, "over two batches");
	is_int(at.lsn, two, "the second");
	is_int(at.before, one, "and the first");
	at.lsn++;
	is_int(index_reuse(p.reader, &at), ERR_OK, "a third time");
	is_int(at.lsn, three, "the third");
	is_int(at.before, two, "and the one before it");
	at.lsn++;
	is_int(index_reuse(p.reader, &at), ERR_OK, "in one batch");
	is_int(at.lsn, five, "the second");
	is_int(at.before, four, "and the first");
	at.lsn++;
	is_int(index_reuse(p.reader, &at), ERR_NOT_FOUND, "that is all");
	is_int(index_check(p.index, NULL), ERR_OK, "folded at once it is the same");
	is_int(index_rebuild(p.index), ERR_OK, "and rebuilt");
	is_int(index_check(p.index, NULL), ERR_OK, "too");
	pair_close(&p);
}

static void take_out(struct pair *p, const struct header *h, uint64_t lsn)
{
	MDB_txn *txn;
	need(mdb_txn_begin(p->index->env.store.env, NULL, 0, &txn) == 0);
	need(sequence_remove(txn, &p->index->env.tables, h, lsn) == 0);
	need(mdb_txn_commit(txn) == 0);
	need(index_reader_renew(p->reader) == ERR_OK);
}

/* As it would be had the message never come. */
static void what_is_taken_out_leaves_no_trace(void)
{
	struct reuse_at at = {0};
	struct header place = *header_of(1, 7, 1), h = *header_of(1, 7, 2);
	struct stream s = stream_of(1);
	uint64_t lsns[3], beacon;
	struct pair p;
	pair_fresh(&p, &home);
	for (size_t i = 0; i < 3; i++)
		lsns[i] = say(&p, 1, 7, 1);
	h.kind = KIND_BEACON;
	beacon = commit(&p, &h, VERDICT_ACCEPTED);
	fold_all(&p);
	take_out(&p, &place, lsns[0]);
	is_str(found(&p, 1, first, last), "7:1 7:1 7:2 ", "the first of three went");
	is_int(index_reuse(p.reader, &at), ERR_OK, "two are still one too many");
	is_int(at.lsn, lsns[2], "the third");
	is_int(at.before, lsns[1], "after the second");
	take_out(&p, &place, lsns[2]);
	at.lsn = 0;
	is_int(index_reuse(p.reader, &at), ERR_NOT_FOUND, "one alone is not");
	take_out(&p, &h, beacon);
	is_int(index_beacon(p.reader, &s, UINT64_MAX, &beacon), ERR_NOT_FOUND, "nor a beacon");
	is_str(found(&p, 1, first, last), "7:1 ", "and what is left is there");
	pair_close(&p);
}

/* Whoever uses one number for everything makes nobody look through all of it for each that goes. */
static void what_is_left_is_what_would_be_there_without_the_rest(void)
{
	enum { USES = 60 };
	struct header place = *header_of(1, 7, 1);
	static const size_t strides[] = {1, USES - 1, 7, 31};
	uint64_t lsns[USES];

	for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
		struct pair p;
		bool gone[USES] = {false}, good = true;
		pair_fresh(&p, &home);
		for (size_t k = 0; k < USES; k++)
			lsns[k] = say(&p, 1, 7, 1);
		fold_all(&p);
		for (size_t taken = 0, k = 0; taken < USES / 2;
		     taken++, k = (k + strides[i]) % USES) {
			take_out(&p, &place, lsns[k]);
			gone[k] = true;
		}
		struct reuse_at at = {0};
		uint64_t before = 0;
		for (size_t k = 0; k < USES; k++) {
			if (gone[k])
				continue;
			if (before) {
				good &= index_reuse(p.reader, &at) == ERR_OK && at.lsn == lsns[k] &&
					at.before == before;
				at.lsn++;
			}
			before = lsns[k];
		}
		ok(good && index_reuse(p.reader, &at) == ERR_NOT_FOUND, "every %zuth of %d gone",
		   strides[i], USES);
		pair_close(&p);
	}
}

static void the_same_message_again_is_no_reuse(void)
{
	struct reuse_at at = {0};
	struct pair p;
	pair_fresh(&p, &home);
	struct header *h = header_of(1, 7, 1);
	commit(&p, h, VERDICT_ACCEPTED);
	commit(&p, h, VERDICT_ACCEPTED);
	fold_all(&p);
	commit(&p, h, VERDICT_ACCEPTED);
	fold_all(&p);
	is_int(index_reuse(p.reader, &at), ERR_NOT_FOUND, "whatever the log holds twice");
	is_str(found(&p, 1, first, last), "7:1 ", "it has one place");
	pair_close(&p);
}

static void beacons_are_found_by_their_stream(void)
{
	struct stream s = stream_of(1), next = {0};
	struct header *h = header_of(1, 7, 1);
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	say(&p, 1, 7, 9);
	h->kind = KIND_BEACON;
	uint64_t one = commit(&p, h, VERDICT_ACCEPTED);
	h->sequence = 2;
	uint64_t two = commit(&p, h, VERDICT_ACCEPTED);
	h->sequence = 3;
	commit(&p, h, VERDICT_HELD);
	h->origin.b[0] = 3;
	commit(&p, h, VERDICT_ACCEPTED);
	fold_all(&p);
	is_int(index_beacon(p.reader, &s, UINT64_MAX, &lsn), ERR_OK, "the newest");
	is_int(lsn, two, "that is accepted");
	is_int(index_beacon(p.reader, &s, lsn, &lsn), ERR_OK, "the one before");
	is_int(lsn, one, "is that");
	is_int(index_beacon(p.reader, &s, lsn, &lsn), ERR_NOT_FOUND, "and before it none");
	s.audience.b[0] ^= 1;
	is_int(index_beacon(p.reader, &s, UINT64_MAX, &lsn), ERR_NOT_FOUND, "nor to others");
	is_int(index_beacon_stream(p.reader, &next), ERR_OK, "streams are found one by one");
	is_int(next.origin.b[0], 1, "the first");
	is_int(index_beacon_stream(p.reader, &next), ERR_OK, "one by one");
	is_int(next.origin.b[0], 3, "the second");
	is_int(index_beacon_stream(p.reader, &next), ERR_NOT_FOUND, "to the end");
	is_int(index_check(p.index, NULL), ERR_OK, "the index follows from the log");
	pair_close(&p);
}

static void what_nodes_say_by_themselves_is_not_counted(void)
{
	static const uint8_t kinds[] = {KIND_RECEIPT, KIND_BEACON, KIND_CARD, KIND_ROLE_KEY};
	struct index_counts counts;
	struct pair p;
	pair_fresh(&p, &home);
	for (size_t i = 0; i < sizeof kinds; i++) {
		struct header *h = header_of(1, 7, i + 1);
		h->kind = kinds[i];
		commit(&p, h, VERDICT_ACCEPTED);
	}
	struct header *h = header_of(1, 7, 50);
	h->kind = 200;
	commit(&p, h, VERDICT_HELD);
	say(&p, 1, 7, 51);
	fold_all(&p);
	need(index_count(p.reader, &counts) == ERR_OK);
	is_int(counts.messages, 2, "what people say is, and what nobody knows yet");
	pair_close(&p);
}

static const char *held(struct pair *p, const char *json)
{
	static char why[256];
	struct header *h = header_of(1, 7, fixture_seed);
	struct sample s = {0};
	need(body_pack(&s.body, &s.body_length, json, strlen(json)) == ERR_OK);
	h->kind = KIND_BEACON;
	sample_finish(&s, h);
	uint64_t lsn = commit_sample(p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	fold_all(p);
	return index_held(p->reader, lsn, why, sizeof why);
}

static void a_beacon_that_says_nothing_is_held(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	ok(!held(&p, "{\"incarnations\":[]}"), "one that is right is not");
	is_str(held(&p, "{\"incarnations\":7}"), "a beacon without \"incarnations\"",
	       "one that is not is, in words");
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_was_said_is_found_in_its_order);
	RUN(a_number_used_twice_is_found_however_batches_are_cut);
	RUN(what_is_taken_out_leaves_no_trace);
	RUN(what_is_left_is_what_would_be_there_without_the_rest);
	RUN(the_same_message_again_is_no_reuse);
	RUN(beacons_are_found_by_their_stream);
	RUN(what_nodes_say_by_themselves_is_not_counted);
	RUN(a_beacon_that_says_nothing_is_held);
	fixture_clear(&home);
	return tap_done();
}
