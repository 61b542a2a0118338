/* Receipts in the index: who stated what of which message, in whatever order things came. */
#include "keys/seal.h"
#include "tests/node/index_fixture.h"

static struct fixture home; /* punjab, the origin of what is answered */

struct heard {
	size_t count;
	struct stated all[64];
};

static bool hear(void *arg, const struct stated *s)
{
	struct heard *h = arg;
	need(h->count < 64);
	h->all[h->count++] = *s;
	return true;
}

static struct heard heard_of(struct pair *p, const struct message_id *id)
{
	struct heard h = {0};
	need(index_stated(p->reader, id, NULL, hear, &h) == ERR_OK);
	return h;
}

static void same_when_built_again(struct pair *p)
{
	struct report report;
	report_init(&report);
	is_int(index_check(p->index, &report), ERR_OK, "the check agrees: %s",
	       report.count ? report_first(&report) : "");
	report_clear(&report);
	need(index_rebuild(p->index) == ERR_OK && index_reader_renew(p->reader) == ERR_OK);
	is_int(index_check(p->index, NULL), ERR_OK, "rebuilt, too");
}

/* Seals the body for punjab and the origin. */
static void sample_seal(struct sample *s, struct header *h, const uint8_t *body, size_t n)
{
	static struct letter l;
	const struct identity_public *self = identity_public(home.identity);
	struct party_id punjab = party_id_of(&h->network, "punjab");
	bool first = memcmp(h->origin.b, punjab.b, sizeof punjab.b) < 0;

	l.count = 2;
	l.to[!first] = (struct addressee){h->origin, 1, self->seal};
	l.to[first] = (struct addressee){punjab, 1, self->seal};
	h->audience = l.audience = audience_of(&h->origin, &punjab, 1, false);
	s->body_length = seal_size(h->kind, n);
	s->body = malloc(s->body_length);
	need(s->body && seal_body(h, &l, body, n, s->body) == ERR_OK);
}

/* A receipt of that node with those bytes of JSON. */
static struct sample receipt_raw(unsigned by, const char *json, size_t length, bool sealed)
{
	struct sample s = {0};
	struct header *h = sample_header(fixture_seed++);
	uint8_t *body;
	size_t n;

	need(body_pack(&body, &n, json, length) == ERR_OK);
	h->origin.b[0] = (uint8_t)by;
	h->kind = KIND_RECEIPT;
	if (sealed) {
		sample_seal(&s, h, body, n);
		free(body);
	} else {
		s.body = body;
		s.body_length = n;
	}
	sample_finish(&s, h);
	return s;
}

static uint64_t answer(struct pair *p, unsigned by, const struct statement *all, size_t n)
{
	struct sample s;
	struct text t;
	uint64_t lsn;

	text_init(&t);
	receipt_write(&t, all, n);
	need(!t.bad);
	s = receipt_raw(by, t.at, t.length, true);
	lsn = commit_sample(p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	text_clear(&t);
	return lsn;
}

static struct message_id id_of(uint8_t first)
{
	return (struct message_id){{first}};
}

static void statements_are_found_by_message_whoever_made_them(void)
{
	struct pair p;
	struct message_id one = id_of(1), two = id_of(2), three = id_of(3);
	struct statement all[] = {{one, RECEIPT_OPENED, 500, 0, NULL, 0, NULL},
				  {two, RECEIPT_CANNOT_OPEN, 600, REASON_GONE, NULL, 0, NULL},
				  {one, RECEIPT_ACKNOWLEDGED, 700, 0, NULL, 0, NULL}};
	struct heard h;
	uint64_t first, second;

	pair_fresh(&p, &home);
	first = answer(&p, 5, all, 3);
	second = answer(&p, 6, all, 1);
	fold_all(&p);
	h = heard_of(&p, &one);
	is_int(h.count, 3, "three statements about the first");
	ok(h.all[0].by.b[0] == 5 && h.all[0].state == RECEIPT_OPENED && h.all[0].at == 500 &&
		   h.all[0].lsn == first && h.all[0].number == 0,
	   "opened, by the one");
	ok(h.all[1].by.b[0] == 5 && h.all[1].state == RECEIPT_ACKNOWLEDGED && h.all[1].number == 2,
	   "acknowledged by it");
	ok(h.all[2].by.b[0] == 6 && h.all[2].lsn == second, "opened, by the other");
	struct heard alone = {0};
	need(index_stated(p.reader, &one, &h.all[2].by, hear, &alone) == ERR_OK);
	ok(alone.count == 1 && alone.all[0].lsn == second, "those of one node by themselves");
	h = heard_of(&p, &two);
	ok(h.count == 1 && h.all[0].reason == REASON_GONE, "with its reason");
	is_int(heard_of(&p, &three).count, 0, "nothing about others");
	same_when_built_again(&p);
	is_int(heard_of(&p, &one).count, 3, "and still knows them");
	pair_close(&p);
}

static void what_is_no_receipt_is_held(void)
{
	static const char bad[] = "{\"receipts\":[{\"message\":\"00\"}]}";
	struct message_id one = id_of(1);
	struct statement s = {one, RECEIPT_OPENED, 500, 0, NULL, 0, NULL};
	struct sample sample;
	struct pair p;
	struct text t;
	char why[256];
	uint64_t lsn;

	pair_fresh(&p, &home);
	sample = receipt_raw(5, bad, sizeof bad - 1, true);
	lsn = commit_sample(&p, &sample, VERDICT_ACCEPTED);
	sample_clear(&sample);
	fold_all(&p);
	ok(index_held(p.reader, lsn, why, sizeof why) && strstr(why, "statement 1"), "held: %s",
	   why);
	text_init(&t);
	receipt_write(&t, &s, 1);
	sample = receipt_raw(5, t.at, t.length, false);
	lsn = commit_sample(&p, &sample, VERDICT_ACCEPTED);
	sample_clear(&sample);
	fold_all(&p);
	ok(index_held(p.reader, lsn, why, sizeof why) && strstr(why, "not sealed"), "held: %s",
	   why);
	sample = receipt_raw(5, t.at, t.length, true);
	lsn = commit_sample(&p, &sample, VERDICT_HELD);
	sample_clear(&sample);
	fold_all(&p);
	is_int(heard_of(&p, &one).count, 0, "and none of them states anything");
	same_when_built_again(&p);
	text_clear(&t);
	pair_close(&p);
}

static void a_recalled_receipt_leaves_no_trace(void)
{
	static const char json[] = "{\"because\":\"wrong\"}";
	struct message_id one = id_of(1);
	struct statement s = {one, RECEIPT_OPENED, 500, 0, NULL, 0, NULL};
	struct sample receipt, recall = {0};
	struct header h;
	struct pair p;
	struct text t;

	pair_fresh(&p, &home);
	text_init(&t);
	receipt_write(&t, &s, 1);
	receipt = receipt_raw(5, t.at, t.length, true);
	text_clear(&t);
	commit_sample(&p, &receipt, VERDICT_ACCEPTED);
	fold_all(&p);
	is_int(heard_of(&p, &one).count, 1, "stated");
	need(header_decode(&h, receipt.row, receipt.length - SIGNATURE_BYTES) == ERR_OK);
	h.kind = KIND_RECALL;
	h.ref = receipt.id;
	need(body_pack(&recall.body, &recall.body_length, json, sizeof json - 1) == ERR_OK);
	sample_finish(&recall, &h);
	commit_sample(&p, &recall, VERDICT_ACCEPTED);
	fold_all(&p);
	is_int(heard_of(&p, &one).count, 0, "and taken back");
	same_when_built_again(&p);
	sample_clear(&receipt);
	sample_clear(&recall);
	pair_close(&p);
}

static void a_post_that_asks_is_known_to_ask(void)
{
	static const char *const envelopes[] = {"{\"receipt\":true}", "{\"receipt\":false}", "{}"};
	struct pair p;
	struct sample s;
	struct header h;

	pair_fresh(&p, &home);
	for (size_t i = 0; i < 3; i++) {
		post_make(&s, fixture_seed++, 1, envelopes[i],
			  indicator(1, 1, "[domain-name:value = 'evil.example']", ""));
		commit_sample(&p, &s, VERDICT_ACCEPTED);
		fold_all(&p);
		need(header_decode(&h, s.row, s.length - SIGNATURE_BYTES) == ERR_OK);
		is_int(index_asks(p.reader, &s.id, &h.origin), i == 0, "%s", envelopes[i]);
		is_int(heard_of(&p, &s.id).count, 0, "which is no statement");
		h.origin.b[0]++;
		ok(!index_asks(p.reader, &s.id, &h.origin), "nobody asks for another");
		sample_clear(&s);
	}
	same_when_built_again(&p);
	pair_close(&p);
}

static void how_far_content_is_folded_is_told(void)
{
	struct pair p;
	uint64_t lsn;

	pair_fresh(&p, &home);
	need(index_folded(p.reader, &lsn) == ERR_OK);
	is_int(lsn, 0, "nothing yet");
	plain(&p, 1);
	plain(&p, 2);
	fold_all(&p);
	need(index_folded(p.reader, &lsn) == ERR_OK);
	is_int(lsn, 2, "both");
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(statements_are_found_by_message_whoever_made_them);
	RUN(what_is_no_receipt_is_held);
	RUN(a_recalled_receipt_leaves_no_trace);
	RUN(a_post_that_asks_is_known_to_ask);
	RUN(how_far_content_is_folded_is_told);
	fixture_clear(&home);
	return tap_done();
}
