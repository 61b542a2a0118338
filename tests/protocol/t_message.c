#include <sodium.h>

#include "protocol/message.h"
#include "tests/tap.h"

static struct header plain(void)
{
	struct header h = {.kind = KIND_POST,
			   .tlp = TLP_GREEN,
			   .priority = 1,
			   .topology = 4,
			   .audience = audience_all(),
			   .incarnation = 77,
			   .sequence = 1,
			   .created = 1700000000000,
			   .expiry = 480000,
			   .body_length = 4,
			   .body_hash = hash_of("body", 4),
			   .sign_key = 1};

	memset(h.network.b, 1, sizeof h.network.b);
	memset(h.origin.b, 2, sizeof h.origin.b);
	return h;
}

static struct header sealed(unsigned n)
{
	struct header h = plain();
	struct party_id ids[RECIPIENTS_MAX];

	h.flags = FLAG_SEALED;
	h.tlp = TLP_AMBER;
	memset(h.commitment, 5, sizeof h.commitment);
	h.recipient_count = (uint16_t)n;
	for (unsigned i = 0; i < n; i++) {
		memset(&h.recipients[i], 2, sizeof h.recipients[i]);
		h.recipients[i].party.b[1] = (uint8_t)(2 + i);
		h.recipients[i].key = 1;
	}
	/* The origin, 02 02 02 ..., is the first recipient. */
	for (unsigned i = 0; i < n; i++) {
		h.recipients[i].party.b[0] = (uint8_t)(2 + (i + 2) / 256);
		ids[i] = h.recipients[i].party;
	}
	h.audience = audience_of(&h.origin, ids, n, false);
	return h;
}

static bool same(const struct header *a, const struct header *b)
{
	uint8_t x[HEADER_MAX_BYTES], y[HEADER_MAX_BYTES];
	size_t n = 0, m = 0;

	return header_encode(a, x, sizeof x, &n) == ERR_OK &&
	       header_encode(b, y, sizeof y, &m) == ERR_OK && n == m && memcmp(x, y, n) == 0;
}

static void headers_come_back(void)
{
	static const unsigned counts[] = {0, 2, 3, 256};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct header h = counts[i] ? sealed(counts[i]) : plain(), back;
		uint8_t out[HEADER_MAX_BYTES];
		size_t n = 0;

		ok(header_encode(&h, out, sizeof out, &n) == ERR_OK && n == 188 + 98 * counts[i],
		   "%u recipients encode", counts[i]);
		is_int(header_peek_length(out, 12), n, "the length shows in twelve bytes");
		ok(header_decode(&back, out, n) == ERR_OK && same(&h, &back),
		   "and decode to the same");
		is_int(header_encode(&h, out, n - 1, &n), ERR_LIMIT,
		       "a byte too little is refused");
		ok(header_violation(&h) == NULL && header_audience_valid(&h),
		   "nothing is wrong with it");
	}
}

static void no_shorter_or_longer_header_is_read(void)
{
	struct header h = sealed(3), back;
	uint8_t out[HEADER_MAX_BYTES + 1] = {0};
	size_t n = 0, accepted = 0;

	need(header_encode(&h, out, sizeof out, &n) == ERR_OK);
	for (size_t cut = 0; cut < n; cut++)
		accepted += header_decode(&back, out, cut) == ERR_OK;
	is_int(accepted, 0, "truncated at every byte: refused");
	is_int(header_decode(&back, out, n + 1), ERR_TRAILING, "one byte more: refused");
}

/* Every bit flipped: refused, or a header that encodes to exactly those bytes and has another id.
 */
static void every_flipped_bit_is_refused_or_another_message(void)
{
	struct header h = sealed(3), back;
	uint8_t out[HEADER_MAX_BYTES], again[HEADER_MAX_BYTES];
	size_t n = 0, m = 0, wrong = 0, refused = 0;
	struct message_id id, other;

	need(header_encode(&h, out, sizeof out, &n) == ERR_OK);
	id = message_id_of(out, n);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (header_decode(&back, out, n) != ERR_OK) {
			refused++;
		} else {
			other = message_id_of(out, n);
			if (header_encode(&back, again, sizeof again, &m) != ERR_OK || m != n ||
			    memcmp(out, again, n) != 0 || message_id_equal(&id, &other))
				wrong++;
		}
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int(wrong, 0, "one encoding for each header");
	ok(refused > 100, "%zu flips refused", refused);
}

static void values_outside_their_range_are_refused(void)
{
	uint8_t out[HEADER_MAX_BYTES];
	size_t n;

#define REFUSED(what, change, want) \
	do { \
		struct header h = sealed(2); \
		change; \
		is_int(header_encode(&h, out, sizeof out, &n), want, what); \
	} while (0)
	REFUSED("kind 0", h.kind = 0, ERR_FORMAT);
	REFUSED("TLP 5", h.tlp = 5, ERR_FORMAT);
	REFUSED("flag 8", h.flags |= 8, ERR_FORMAT);
	REFUSED("priority 4", h.priority = 4, ERR_FORMAT);
	REFUSED("topology 0", h.topology = 0, ERR_FORMAT);
	REFUSED("sequence 0", h.sequence = 0, ERR_FORMAT);
	REFUSED("expiry 0", h.expiry = 0, ERR_FORMAT);
	REFUSED("sign key 0", h.sign_key = 0, ERR_FORMAT);
	REFUSED("recipients without the flag", h.flags = 0, ERR_FORMAT);
	REFUSED("no commitment", memset(h.commitment, 0, 32), ERR_FORMAT);
	REFUSED("recipients out of order", h.recipients[0].party.b[0] = 99, ERR_FORMAT);
	REFUSED("a recipient twice", h.recipients[1] = h.recipients[0], ERR_FORMAT);
	REFUSED("recipient key 0", h.recipients[1].key = 0, ERR_FORMAT);
	REFUSED("body over 1 MiB", h.body_length = BODY_MAX_BYTES + 1, ERR_LIMIT);
	REFUSED("a forward may have it",
		(h.kind = KIND_FORWARD, h.body_length = BODY_MAX_BYTES + 1), ERR_OK);
	REFUSED("but not over 2 MiB",
		(h.kind = KIND_FORWARD, h.body_length = FORWARD_BODY_MAX_BYTES + 1), ERR_LIMIT);
	REFUSED("an unknown kind is well-formed", h.kind = 200, ERR_OK);
	REFUSED("two keys of one party are well-formed",
		(h.recipients[1] = h.recipients[0], h.recipients[1].key = 2), ERR_OK);
#undef REFUSED
}

static void a_header_alone_shows_what_is_wrong(void)
{
	struct header h = plain();

	h.tlp = TLP_AMBER;
	ok(header_violation(&h), "AMBER unsealed");
	h = plain();
	h.audience.b[0] ^= 1;
	ok(!header_audience_valid(&h), "unsealed, but not for all");
	h = sealed(3);
	h.origin.b[15] ^= 1;
	ok(header_violation(&h), "sealed, but not to the origin");
	h = sealed(1);
	ok(header_violation(&h), "sealed to the origin alone");
	h = sealed(3);
	h.flags |= FLAG_DIRECT;
	ok(!header_audience_valid(&h), "direct with the audience of an ordinary one");
}

static void audience_does_not_depend_on_order_or_repetition(void)
{
	struct party_id origin = {{1}}, a[] = {{{3}}, {{2}}, {{3}}, {{1}}}, b[] = {{{2}}, {{3}}},
			c[] = {{{2}}};
	struct audience_id x = audience_of(&origin, a, 4, false),
			   y = audience_of(&origin, b, 2, false),
			   z = audience_of(&origin, c, 1, false);

	ok(memcmp(&x, &y, sizeof x) == 0, "the same parties, the same audience");
	ok(memcmp(&x, &z, sizeof x) != 0, "others, another");
}

static void signatures_bind_the_header(void)
{
	uint8_t pk[32], sk[64], seed[32] = {7}, text[SIGNED_BYTES], sig[64], out[HEADER_MAX_BYTES];
	struct header h = plain();
	struct message_id id;
	size_t n, accepted = 0;

	need(header_encode(&h, out, sizeof out, &n) == ERR_OK);
	id = message_id_of(out, n);
	crypto_sign_seed_keypair(pk, sk, seed);
	message_signed_bytes(text, &id);
	crypto_sign_detached(sig, NULL, text, sizeof text, sk);
	ok(message_signature_valid(&id, sig, pk), "valid");
	for (size_t bit = 0; bit < 512; bit++) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		accepted += message_signature_valid(&id, sig, pk);
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int(accepted, 0, "no flipped bit of it is");
	id.b[31] ^= 1;
	ok(!message_signature_valid(&id, sig, pk), "nor for another id");
}

static void whole_messages_split_exactly(void)
{
	struct header h = plain(), back;
	uint8_t out[HEADER_MAX_BYTES];
	struct message_view v;
	size_t n = 0, accepted = 0;

	need(header_encode(&h, out, sizeof out, &n) == ERR_OK);
	memset(out + n, 3, 64);
	memcpy(out + n + 64, "body!", 5);
	ok(message_split(&v, out, n + 68) == ERR_OK && v.header_length == n && v.body_length == 4 &&
		   v.body == out + n + 64,
	   "header, signature, body");
	ok(header_decode(&back, v.header, v.header_length) == ERR_OK &&
		   message_body_matches(&back, v.body, v.body_length) &&
		   !message_body_matches(&back, (const uint8_t *)"bodx", 4),
	   "the header binds the body");
	for (size_t cut = 0; cut < n + 68; cut++)
		accepted += message_split(&v, out, cut) == ERR_OK;
	is_int(accepted, 0, "truncated anywhere: refused");
	is_int(message_split(&v, out, n + 69), ERR_TRAILING, "one byte more: refused");
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(headers_come_back);
	RUN(no_shorter_or_longer_header_is_read);
	RUN(every_flipped_bit_is_refused_or_another_message);
	RUN(values_outside_their_range_are_refused);
	RUN(a_header_alone_shows_what_is_wrong);
	RUN(audience_does_not_depend_on_order_or_repetition);
	RUN(signatures_bind_the_header);
	RUN(whole_messages_split_exactly);
	return tap_done();
}
