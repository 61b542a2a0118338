/* The known answers of tests/data/vectors.txt, which a second encoder wrote. */
#include <sodium.h>

#include "protocol/card.h"
#include "protocol/message.h"
#include "tests/vectors.h"

static unsigned headers, malformed, signatures, proofs, others;

static uint64_t number(const struct vector *v, const char *name)
{
	return strtoull(vector_text(v, name), NULL, 10);
}

static void a_network(const struct vector *v)
{
	struct network_id want;
	size_t n;
	uint8_t *text = vector_bytes(v, "text", &n);
	struct hash hash = hash_of(text, n);

	vector_exact(v, "id", want.b, sizeof want.b);
	ok(memcmp(hash.b, want.b, sizeof want.b) == 0, "line %u: network", v->line);
	free(text);
	others++;
}

static void a_party(const struct vector *v)
{
	struct network_id network;
	struct party_id want, got;

	vector_exact(v, "network", network.b, sizeof network.b);
	vector_exact(v, "id", want.b, sizeof want.b);
	got = party_id_of(&network, vector_text(v, "name"));
	ok(party_id_equal(&got, &want) && name_valid(vector_text(v, "name")), "line %u: party %s",
	   v->line, vector_text(v, "name"));
	others++;
}

static void an_audience(const struct vector *v)
{
	static struct party_id ids[VECTOR_FIELDS_MAX];
	const char *kind = vector_text(v, "kind"), *hex;
	struct audience_id want, got = audience_all();
	struct party_id origin;
	size_t n = 0;

	vector_exact(v, "id", want.b, sizeof want.b);
	if (strcmp(kind, "all") != 0) {
		vector_exact(v, "origin", origin.b, sizeof origin.b);
		while ((hex = vector_nth(v, "recipient", n)) != NULL)
			need(hex_decode(ids[n++].b, PARTY_ID_BYTES, hex));
		got = audience_of(&origin, ids, n, strcmp(kind, "direct") == 0);
	}
	ok(memcmp(got.b, want.b, sizeof want.b) == 0, "line %u: audience %s", v->line, kind);
	others++;
}

static void read_recipients(const struct vector *v, struct header *h)
{
	const char *text;
	char party[2 * PARTY_ID_BYTES + 1], wrap[2 * 80 + 1];
	unsigned key;

	while ((text = vector_nth(v, "recipient", h->recipient_count)) != NULL) {
		struct recipient *r = &h->recipients[h->recipient_count++];
		need(sscanf(text, "%32s %u %160s", party, &key, wrap) == 3);
		need(hex_decode(r->party.b, sizeof r->party.b, party));
		need(hex_decode(r->wrap, sizeof r->wrap, wrap));
		r->key = (uint16_t)key;
	}
}

static void read_header(const struct vector *v, struct header *h)
{
	*h = (struct header){
		.kind = (uint8_t)number(v, "kind"),
		.tlp = (uint8_t)number(v, "tlp"),
		.flags = (uint8_t)number(v, "flags"),
		.priority = (uint8_t)number(v, "priority"),
		.topology = (uint32_t)number(v, "topology"),
		.incarnation = number(v, "incarnation"),
		.sequence = number(v, "sequence"),
		.created = number(v, "created"),
		.expiry = (uint32_t)number(v, "expiry"),
		.body_length = (uint32_t)number(v, "body-length"),
		.sign_key = (uint16_t)number(v, "sign-key"),
	};
	vector_exact(v, "network", h->network.b, sizeof h->network.b);
	vector_exact(v, "origin", h->origin.b, sizeof h->origin.b);
	vector_exact(v, "audience", h->audience.b, sizeof h->audience.b);
	vector_exact(v, "body-hash", h->body_hash.b, sizeof h->body_hash.b);
	vector_exact(v, "ref", h->ref.b, sizeof h->ref.b);
	vector_exact(v, "commitment", h->commitment, sizeof h->commitment);
	read_recipients(v, h);
}

static void a_header(const struct vector *v, const uint8_t public[SIGN_KEY_BYTES])
{
	static struct header h, back;
	static uint8_t out[HEADER_MAX_BYTES], again[HEADER_MAX_BYTES];
	struct message_id want, id;
	uint8_t signature[SIGNATURE_BYTES], *encoded;
	size_t n, written = 0, rewritten = 0;

	read_header(v, &h);
	encoded = vector_bytes(v, "encoded", &n);
	vector_exact(v, "id", want.b, sizeof want.b);
	vector_exact(v, "signature", signature, sizeof signature);
	is_int(header_encode(&h, out, sizeof out, &written), ERR_OK, "line %u: encodes", v->line);
	ok(written == n && memcmp(out, encoded, n) == 0, "to the bytes of the vector");
	is_int(header_decode(&back, encoded, n), ERR_OK, "which decode");
	is_int(header_encode(&back, again, sizeof again, &rewritten), ERR_OK, "and encode");
	ok(rewritten == n && memcmp(again, encoded, n) == 0, "to the same again");
	id = message_id_of(encoded, n);
	ok(message_id_equal(&id, &want), "id");
	ok(message_signature_valid(&id, signature, public), "signature");
	is_str(!header_audience_valid(&h) ? "audience"
	       : header_violation(&h)     ? "yes"
					  : "no",
	       vector_text(v, "violation"), "violation");
	free(encoded);
	headers++;
}

static void a_malformed_header(const struct vector *v)
{
	static const struct {
		const char *word;
		enum err e;
	} errors[] = {{"truncated", ERR_TRUNCATED},
		      {"trailing", ERR_TRAILING},
		      {"format", ERR_FORMAT},
		      {"limit", ERR_LIMIT},
		      {"unsupported", ERR_UNSUPPORTED}};
	static struct header h;
	enum err want = ERR_OK;
	size_t n;
	uint8_t *encoded = vector_bytes(v, "encoded", &n);

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].word, vector_text(v, "error")) == 0)
			want = errors[i].e;
	need(want);
	is_int(header_decode(&h, encoded, n), want, "line %u: refused: %s", v->line,
	       vector_text(v, "why"));
	free(encoded);
	malformed++;
}

static void a_signature(const struct vector *v)
{
	struct message_id id;
	uint8_t public[SIGN_KEY_BYTES], signature[SIGNATURE_BYTES];
	bool valid = strcmp(vector_text(v, "valid"), "yes") == 0;

	vector_exact(v, "public", public, sizeof public);
	vector_exact(v, "id", id.b, sizeof id.b);
	vector_exact(v, "signature", signature, sizeof signature);
	ok(message_signature_valid(&id, signature, public) == valid, "line %u: signature %s",
	   v->line, vector_text(v, "why"));
	signatures++;
}

static void a_sign_key(const struct vector *v, uint8_t first[SIGN_KEY_BYTES])
{
	uint8_t seed[32], public[32], secret[64], want[32];

	vector_exact(v, "seed", seed, sizeof seed);
	vector_exact(v, "public", want, sizeof want);
	crypto_sign_seed_keypair(public, secret, seed);
	ok(memcmp(public, want, sizeof want) == 0, "line %u: sign key", v->line);
	/* SPEC 11: "Headers are signed by the first `sign-key` of the file." */
	if (bytes_zero(first, SIGN_KEY_BYTES))
		memcpy(first, public, SIGN_KEY_BYTES);
	others++;
}

static void a_link_proof(const struct vector *v)
{
	bool valid = strcmp(vector_text(v, "valid"), "yes") == 0;
	struct card_link link;
	struct party_id origin;

	vector_exact(v, "origin", origin.b, sizeof origin.b);
	vector_exact(v, "key", link.key, sizeof link.key);
	vector_exact(v, "point", link.point, sizeof link.point);
	vector_exact(v, "proof", link.proof, sizeof link.proof);
	is_int(card_link_proven(&link, &origin), valid, "line %u: %s", v->line,
	       vector_text(v, "why"));
	proofs++;
}

static void an_x25519_key(const struct vector *v)
{
	uint8_t secret[32], public[32], want[32];

	vector_exact(v, "secret", secret, sizeof secret);
	vector_exact(v, "public", want, sizeof want);
	crypto_scalarmult_base(public, secret);
	ok(memcmp(public, want, sizeof want) == 0, "line %u: X25519 key", v->line);
	others++;
}

static void every_known_answer_is_ours(void)
{
	static struct vector v;
	uint8_t public[SIGN_KEY_BYTES] = {0};

	while (vector_next(&v)) {
		if (strcmp(v.kind, "network") == 0)
			a_network(&v);
		else if (strcmp(v.kind, "party") == 0)
			a_party(&v);
		else if (strcmp(v.kind, "audience") == 0)
			an_audience(&v);
		else if (strcmp(v.kind, "header") == 0)
			a_header(&v, public);
		else if (strcmp(v.kind, "malformed") == 0)
			a_malformed_header(&v);
		else if (strcmp(v.kind, "signature") == 0)
			a_signature(&v);
		else if (strcmp(v.kind, "sign-key") == 0)
			a_sign_key(&v, public);
		else if (strcmp(v.kind, "link-proof") == 0)
			a_link_proof(&v);
		else if (strcmp(v.kind, "x25519-key") == 0)
			an_x25519_key(&v);
		/* tests/keys/t_vectors.c has the others. */
		else if (strcmp(v.kind, "sealed") != 0 && strcmp(v.kind, "forward") != 0)
			is_str(v.kind, "key-file", "line %u: a kind that is known", v.line);
	}
	ok(headers >= 20 && malformed >= 30 && signatures >= 10 && proofs >= 10 && others >= 25,
	   "%u headers, %u malformed, %u signatures, %u proofs, %u others", headers, malformed,
	   signatures, proofs, others);
}

int main(void)
{
	need(sodium_init() >= 0);
	vectors_open("tests/data/vectors.txt");
	RUN(every_known_answer_is_ours);
	vectors_close();
	return tap_done();
}
