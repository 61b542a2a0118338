/* The tables range and trie of the index: they follow the log, are purged, and serve
 * reconciliation. */
#include "tests/node/index_fixture.h"
#include "tests/two_ends.h"

static struct fixture home;

enum { MESSAGES = 700 };

/* Message i: three audiences, 200 hours. */
static void message_make(struct sample *s, unsigned i)
{
	struct header *h;
	*s = (struct sample){.body_length = 1, .body = calloc(1, 1)};
	need(s->body);
	h = sample_header(i);
	h->expiry = POOL_HOUR + i % 200;
	if (i % 3) {
		h->flags = FLAG_SEALED;
		h->tlp = TLP_AMBER;
		h->recipient_count = 2;
		h->origin.b[0] = 1;
		h->recipients[0].party.b[0] = 1;
		h->recipients[0].key = 1;
		h->recipients[1].party.b[0] = (uint8_t)(1 + i % 3);
		h->recipients[1].key = 1;
		h->commitment[0] = 1;
		/* One in five lies about its audience. */
		h->audience.b[0] = (uint8_t)(i % 5);
	}
	sample_finish(s, h);
}

static struct trie_key message_key(const struct sample *s)
{
	static struct header h;
	need(header_decode(&h, s->row, s->length - SIGNATURE_BYTES) == ERR_OK);
	return trie_key_of(&h, &s->id);
}

/* Commits messages from..to, each noted; every seventh comes twice. */
static void commit_some(struct pair *p, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct sample s;
		message_make(&s, i);
		commit_sample(p, &s, i % 11 ? VERDICT_ACCEPTED : VERDICT_HELD);
		if (i % 7 == 0)
			commit_sample(p, &s, VERDICT_ACCEPTED);
		sample_clear(&s);
	}
}

/* What the trie of messages from..to should be; lsns are left out of the comparison. */
static void expect(struct memory_trie *m, unsigned from, unsigned to, uint32_t floor)
{
	struct trie_store s = memory_trie_store(m);
	struct trie_change *c = malloc(MESSAGES * sizeof *c);
	size_t n = 0;
	need(c);
	memory_trie_init(m);
	for (unsigned i = from; i < to; i++) {
		struct sample sample;
		message_make(&sample, i);
		c[n] = (struct trie_change){message_key(&sample), false, i + 1, 0};
		n += trie_key_expiry(&c[n].key) >= floor;
		sample_clear(&sample);
	}
	need(trie_fold(&s, c, n) == ERR_OK);
	free(c);
}

static bool same_table(const struct trie_store *a, const struct trie_store *b,
		       enum trie_table table, bool values)
{
	uint8_t first[AUDIENCE_ID_BYTES] = {0};
	struct trie_entry x, y;
	enum err e = a->seek(a->self, table, first, sizeof first, &x);
	enum err f = b->seek(b->self, table, first, sizeof first, &y);
	while (!e && !f) {
		if (x.key_length != y.key_length || memcmp(x.key, y.key, x.key_length) != 0 ||
		    x.value_length != y.value_length ||
		    (values && memcmp(x.value, y.value, x.value_length) != 0))
			return false;
		e = a->next(a->self, table, &x);
		f = b->next(b->self, table, &y);
	}
	return e == ERR_NOT_FOUND && f == ERR_NOT_FOUND;
}

/* Is the index's trie the one of these messages, and sound in itself? */
static bool trie_is(struct pair *p, unsigned from, unsigned to, uint32_t floor)
{
	struct memory_trie m;
	struct trie_store want, got;
	struct trie_place flaw;
	bool same;
	expect(&m, from, to, floor);
	want = memory_trie_store(&m);
	need(index_reader_renew(p->reader) == ERR_OK);
	need(index_trie(p->reader, &got) == ERR_OK);
	same = same_table(&want, &got, TRIE_RANGE, false) &&
	       same_table(&want, &got, TRIE_NODES, true) && trie_check(&got, &flaw) == ERR_OK;
	memory_trie_clear(&m);
	return same;
}

static void purge_all(struct pair *p, uint32_t floor)
{
	bool more = true;
	while (more)
		need(index_purge(p->index, floor, &more) == ERR_OK);
}

static void the_trie_follows_the_log(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	ok(trie_is(&p, 0, 0, 0), "empty");
	commit_some(&p, 0, 300);
	fold_all(&p);
	ok(trie_is(&p, 0, 300, 0), "after a fold");
	commit_some(&p, 300, MESSAGES);
	ok(trie_is(&p, 0, 300, 0), "what is in the tail is not in it");
	is_int(index_follow(p.index, log_head(p.log)), ERR_OK, "headers alone are folded");
	ok(trie_is(&p, 0, MESSAGES, 0), "and then everything is");
	ok(index_unfolded(p.index) > 0, "content waits");
	is_int(index_check(p.index, NULL), ERR_OK, "as one folded afresh");
	need(index_rebuild(p.index) == ERR_OK);
	ok(trie_is(&p, 0, MESSAGES, 0), "as one that was rebuilt");
	pair_reopen(&p, &home);
	ok(trie_is(&p, 0, MESSAGES, 0), "as one that was opened again");
	pair_close(&p);
}

static void a_position_leads_to_a_message_of_the_audience(void)
{
	struct pair p;
	struct trie_store s;
	struct trie_entry entry;
	uint8_t first[AUDIENCE_ID_BYTES] = {0};
	struct log_reader *reader;
	bool right = true;
	unsigned n = 0;
	pair_open(&p, &home);
	need(log_reader_open(&reader, p.log) == ERR_OK);
	need(index_trie(p.reader, &s) == ERR_OK);
	enum err e = s.seek(s.self, TRIE_RANGE, first, sizeof first, &entry);
	for (; !e; e = s.next(s.self, TRIE_RANGE, &entry), n++) {
		struct trie_key key, again;
		static struct header h;
		struct log_row row;
		uint64_t lsn;
		need(trie_read_key(&entry, &key, &lsn) == ERR_OK);
		need(log_read(reader, lsn, &row) == ERR_OK);
		need(header_decode(&h, row.data, row.length - SIGNATURE_BYTES) == ERR_OK);
		again = trie_key_of(&h, &row.id);
		right &= trie_key_compare(&key, &again) == 0;
	}
	ok(right && n == MESSAGES, "each of %u", n);
	log_reader_close(reader);
	pair_close(&p);
}

static void what_is_purged_stays_so(void)
{
	struct pair p;
	uint32_t floor = POOL_HOUR + 50;
	pair_fresh(&p, &home);
	commit_some(&p, 0, 600);
	fold_all(&p);
	purge_all(&p, floor);
	ok(trie_is(&p, 0, 600, floor), "gone from range and trie");
	commit_some(&p, 600, MESSAGES);
	fold_all(&p);
	ok(trie_is(&p, 0, MESSAGES, floor), "what comes late and has expired is not taken up");
	is_int(index_check(p.index, NULL), ERR_OK, "as one folded afresh");
	need(index_rebuild(p.index) == ERR_OK);
	ok(trie_is(&p, 0, MESSAGES, floor), "as one that was rebuilt");
	purge_all(&p, floor - 20);
	ok(trie_is(&p, 0, MESSAGES, floor), "the floor never falls");
	pair_reopen(&p, &home);
	purge_all(&p, POOL_HOUR + 1000);
	ok(trie_is(&p, 0, 0, 0), "nothing is left above everything");
	pair_close(&p);
}

static void an_index_reconciles(void)
{
	struct pair p;
	struct memory_trie m;
	struct trie_store theirs, ours;
	struct two_ends t = {0};
	bool right = true;
	pair_fresh(&p, &home);
	commit_some(&p, 0, 500);
	need(index_follow(p.index, log_head(p.log)) == ERR_OK);
	need(index_reader_renew(p.reader) == ERR_OK);
	need(index_trie(p.reader, &ours) == ERR_OK);
	expect(&m, 200, MESSAGES, 0);
	theirs = memory_trie_store(&m);
	/* Twice as many positions: every seventh message has two. */
	end_init(&t.asking, RECONCILE_ASKING, &ours, (size_t)2 * MESSAGES, POOL_HOUR);
	end_init(&t.answering, RECONCILE_ANSWERING, &theirs, (size_t)2 * MESSAGES, POOL_HOUR);
	ok(two_ends_run(&t), "with one in memory");
	is_int(t.asking.pushes, 200, "the index pushes what is missing there");
	is_int(t.answering.pushes, 200, "and is given what is missing here");
	for (unsigned i = 500; i < MESSAGES; i++)
		right &= t.answering.pushed[i] == 1;
	ok(right, "those, once each");
	end_clear(&t.asking);
	end_clear(&t.answering);
	memory_trie_clear(&m);
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(the_trie_follows_the_log);
	RUN(a_position_leads_to_a_message_of_the_audience);
	RUN(what_is_purged_stays_so);
	RUN(an_index_reconciles);
	fixture_clear(&home);
	return tap_done();
}
