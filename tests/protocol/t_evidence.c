#include "protocol/evidence.h"

#include "tests/protocol/federation.h"

static struct topology *federation;

static struct header header_of(const char *node, uint64_t sequence, uint64_t created)
{
	return (struct header){.kind = KIND_POST,
			       .tlp = TLP_GREEN,
			       .topology = 1,
			       .network = federation->network,
			       .origin = party_id_of(&federation->network, node),
			       .audience = audience_all(),
			       .incarnation = 7,
			       .sequence = sequence,
			       .created = created,
			       .expiry = 490000,
			       .sign_key = 1};
}

/* Signed by whoever's key it is. */
static void part_make(struct evidence_part *p, const struct header *h, const char *signer)
{
	uint8_t seed[32], public[32], secret[64], text[SIGNED_BYTES];
	char full[80];
	struct message_id id;

	need(header_encode(h, p->header, sizeof p->header, &p->length) == ERR_OK);
	snprintf(full, sizeof full, "sign %s", signer);
	seed_of(seed, full);
	crypto_sign_seed_keypair(public, secret, seed);
	id = message_id_of(p->header, p->length);
	message_signed_bytes(text, &id);
	crypto_sign_detached(p->signature, NULL, text, sizeof text, secret);
}

static void pair_make(struct evidence *e, const struct header *a, const struct header *b)
{
	part_make(&e->parts[0], a, "n1");
	part_make(&e->parts[1], b, "n1");
}

static enum err check(const struct evidence *e)
{
	struct message_id ids[2];
	struct header h;

	return evidence_check(e, federation, &h, ids, NULL);
}

static struct evidence *sample(void)
{
	struct evidence *e = calloc(1, sizeof *e);
	struct header a = header_of("n1", 5, 1), b = header_of("n1", 5, 2);

	need(e);
	pair_make(e, &a, &b);
	return e;
}

static void two_messages_in_one_place_are_evidence(void)
{
	struct evidence *e = sample();
	struct message_id ids[2];
	struct header h;

	is_int(evidence_check(e, federation, &h, ids, NULL), ERR_OK, "it holds");
	is_int(h.sequence, 5, "the place is told");
	ok(!message_id_equal(&ids[0], &ids[1]), "and both messages are");
	free(e);
}

static void what_is_in_a_file_is_what_was_written(void)
{
	struct evidence *e = sample(), *back = calloc(1, sizeof *back);
	size_t refusals = 0;
	struct text t;

	need(back);
	text_init(&t);
	evidence_write(&t, e, "n1");
	need(!t.bad);
	ok(evidence_likely(t.at, t.length), "it looks like evidence");
	ok(!evidence_likely("KBR1", 4), "a message does not");
	is_int(evidence_read(back, t.at, t.length, NULL), ERR_OK, "it is read");
	is_int(check(back), ERR_OK, "and holds");
	for (size_t n = 0; n < t.length; n++)
		refusals += evidence_read(back, t.at, n, NULL) != ERR_OK;
	is_int(refusals, t.length, "every prefix is refused");
	text_clear(&t);
	free(back);
	free(e);
}

/* Whatever bit of either header or signature is flipped, it is evidence of nothing. */
static void a_flipped_bit_proves_nothing(void)
{
	struct evidence *e = sample();
	size_t accepted = 0;

	for (size_t part = 0; part < 2; part++) {
		struct evidence_part *p = &e->parts[part];
		for (size_t bit = 0; bit < 8 * p->length; bit++) {
			p->header[bit / 8] ^= (uint8_t)(1u << bit % 8);
			accepted += check(e) == ERR_OK;
			p->header[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t bit = 0; bit < 8 * SIGNATURE_BYTES; bit++) {
			p->signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
			accepted += check(e) == ERR_OK;
			p->signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	is_int(accepted, 0, "every bit");
	is_int(check(e), ERR_OK, "as it was it is");
	free(e);
}

static void honest_messages_prove_nothing(void)
{
	struct evidence *e = sample();
	struct header a = header_of("n1", 5, 1), b = a;

	b.sequence = 6;
	pair_make(e, &a, &b);
	is_int(check(e), ERR_FORMAT, "one after the other");
	b = a;
	b.incarnation = 8;
	pair_make(e, &a, &b);
	is_int(check(e), ERR_FORMAT, "after a restart");
	pair_make(e, &a, &a);
	is_int(check(e), ERR_FORMAT, "the same message twice");
	b = header_of("n2", 5, 2);
	part_make(&e->parts[1], &b, "n2");
	is_int(check(e), ERR_FORMAT, "of two nodes");
	free(e);
}

static void nobody_can_make_evidence_against_another(void)
{
	struct evidence *e = sample();
	struct header a = header_of("n1", 5, 1), b = header_of("n1", 5, 2);

	part_make(&e->parts[1], &b, "n2");
	is_int(check(e), ERR_SIGNATURE, "signed by another");
	b.sign_key = 2;
	part_make(&e->parts[1], &b, "n1");
	is_int(check(e), ERR_UNKNOWN_PARTY, "under a number that it has not");
	b = header_of("stranger", 5, 2);
	a = header_of("stranger", 5, 1);
	pair_make(e, &a, &b);
	is_int(check(e), ERR_UNKNOWN_PARTY, "of nobody");
	b = header_of("n1", 5, 2);
	b.audience.b[0] ^= 1;
	part_make(&e->parts[1], &b, "n1");
	part_make(&e->parts[0], &a, "n1");
	ok(check(e) != ERR_OK, "of another audience than its own");
	b = header_of("n1", 5, 2);
	b.network.b[0] ^= 1;
	a = b;
	a.created = 1;
	pair_make(e, &a, &b);
	is_int(check(e), ERR_NETWORK, "of another federation");
	free(e);
}

static void what_is_no_file_of_evidence_is_refused(void)
{
	static const char *const refused[] = {
		"{}",
		"[]",
		"{\"evidence\":\"another\",\"messages\":[]}",
		"{\"evidence\":\"sequence-used-twice\"}",
		"{\"evidence\":\"sequence-used-twice\",\"messages\":[{},{}]}",
		("{\"evidence\":\"sequence-used-twice\",\"messages\":[{\"header\":\"00\","
		 "\"signature\":\"00\"},{\"header\":\"00\",\"signature\":\"00\"}]}"),
	};
	struct evidence *e = sample();

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		ok(evidence_read(e, refused[i], strlen(refused[i]), NULL) != ERR_OK, "%s",
		   refused[i]);
	free(e);
}

int main(void)
{
	char *text = random_federation(1, 4, 0, 0);

	need(sodium_init() >= 0);
	federation = parse_or_bail(text);
	RUN(two_messages_in_one_place_are_evidence);
	RUN(what_is_in_a_file_is_what_was_written);
	RUN(a_flipped_bit_proves_nothing);
	RUN(honest_messages_prove_nothing);
	RUN(nobody_can_make_evidence_against_another);
	RUN(what_is_no_file_of_evidence_is_refused);
	topology_free(federation);
	free(text);
	return tap_done();
}
