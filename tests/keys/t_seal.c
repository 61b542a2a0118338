/* Sealing and opening, against an opener that follows SPEC 3.7 with nothing but libsodium. */
#include "keys/seal.h"

#include <sodium.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "protocol/bytes.h"
#include "tests/tap.h"

enum { DATA_MAX = 40000, FORWARD_DATA_MAX = FORWARD_BODY_MAX_BYTES - 20 };

static char folder[] = "/tmp/khabardar-t_seal.XXXXXX";
static char punjab_path[64], sindh_path[64], kp_path[64], role_path[64], newer_path[64];
static struct network_id network = {{1, 2, 3, 4, 5, 6, 7, 8}};
static struct identity *punjab, *sindh, *kp;
static struct role_public government; /* key 7: sindh holds it */

static struct identity *made(const char *path, const char *name)
{
	struct identity *id;

	need(!identity_create(path, name, NULL, NULL));
	need(!identity_open(&id, path, NULL, NULL));
	return id;
}

static void address(struct letter *l, const char *name, uint16_t number, const uint8_t *key)
{
	size_t at = l->count++;
	struct addressee to = {.party = party_id_of(&network, name), .number = number, .key = key};

	for (; at > 0 &&
	       (memcmp(l->to[at - 1].party.b, to.party.b, PARTY_ID_BYTES) > 0 ||
		(party_id_equal(&l->to[at - 1].party, &to.party) && l->to[at - 1].number > number));
	     at--)
		l->to[at] = l->to[at - 1];
	l->to[at] = to;
}

static void address_node(struct letter *l, const struct identity *id)
{
	const struct identity_public *public = identity_public(id);

	address(l, public->name, public->seal_number, public->seal);
}

/* A header as an author leaves it, and the letter, from punjab. */
static struct header *written(struct letter *l)
{
	struct party_id ids[RECIPIENTS_MAX];
	struct header *h = calloc(1, sizeof *h);

	need(h);
	*h = (struct header){.kind = KIND_POST,
			     .tlp = TLP_AMBER,
			     .topology = 3,
			     .network = network,
			     .origin = party_id_of(&network, "punjab"),
			     .incarnation = 9,
			     .sequence = 1,
			     .created = 1735689600000,
			     .expiry = 482136,
			     .sign_key = 1};
	for (size_t i = 0; i < l->count; i++)
		ids[i] = l->to[i].party;
	h->audience = audience_of(&h->origin, ids, l->count, false);
	l->audience = h->audience;
	return h;
}

static struct letter to_sindh(void)
{
	struct letter l = {0};

	address_node(&l, punjab);
	address_node(&l, sindh);
	return l;
}

/* A sealed message of n bytes of data; the caller frees header and body. */
static struct header *sealed(struct letter l, const uint8_t *data, size_t n, uint8_t **body)
{
	struct header *h = written(&l);

	*body = malloc(seal_size(h->kind, n));
	need(*body);
	need(seal_body(h, &l, data, n, *body) == ERR_OK);
	return h;
}

static enum opening opens(const struct identity *id, const struct header *h, const uint8_t *body,
			  const uint8_t *data, size_t n)
{
	size_t length = 1;
	uint8_t *out = malloc(h->body_length + 1U);
	enum opening outcome;

	need(out);
	memset(out, 0xaa, h->body_length + 1U);
	outcome = seal_open(id, h, body, h->body_length, out, &length);
	if (outcome == OPENING_DONE && (length != n || (n && memcmp(out, data, n) != 0)))
		outcome = OPENING_COUNT;
	if (outcome != OPENING_DONE && length != 0)
		outcome = OPENING_COUNT;
	need(out[h->body_length] == 0xaa);
	free(out);
	return outcome;
}

static void fill(uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 7 + 1);
}

static void every_recipient_opens_and_nobody_else(void)
{
	struct letter l = to_sindh();
	uint8_t data[100], *body;
	struct header *h;

	fill(data, sizeof data);
	h = sealed(l, data, sizeof data, &body);
	is_int(h->flags, FLAG_SEALED, "the flag");
	is_int(h->recipient_count, 2, "two recipients");
	ok(!header_violation(h) && header_audience_valid(h), "a header that is in order");
	ok(message_body_matches(h, body, h->body_length), "with the body's hash");
	is_int(opens(punjab, h, body, data, sizeof data), OPENING_DONE, "its origin opens it");
	is_int(opens(sindh, h, body, data, sizeof data), OPENING_DONE, "its recipient");
	is_int(opens(kp, h, body, data, sizeof data), OPENING_NOT_OURS, "nobody else");
	free(body);
	free(h);
}

static void a_role_is_opened_by_whoever_holds_its_key(void)
{
	struct letter l = {0};
	uint8_t data[] = "to the government", *body;
	struct header *h;

	address_node(&l, punjab);
	address(&l, "government", government.number, government.seal);
	h = sealed(l, data, sizeof data, &body);
	is_int(opens(sindh, h, body, data, sizeof data), OPENING_DONE, "its holder");
	is_int(opens(kp, h, body, data, sizeof data), OPENING_NOT_OURS, "not another node");
	free(body);
	free(h);
}

static void the_text_is_nowhere_in_what_is_sent(void)
{
	struct letter l = to_sindh();
	uint8_t data[3000], *body;
	struct header *h;

	memset(data, 'A', sizeof data);
	h = sealed(l, data, sizeof data, &body);
	ok(!memmem(body, h->body_length, data, 4), "four bytes of it in a row");
	ok(!memmem(h->recipients, 2 * sizeof *h->recipients, data, 4), "nor in the header");
	free(body);
	free(h);
}

static void sizes_are_coarse(void)
{
	static const struct {
		size_t data, size;
	} sizes[] = {{0, 256},          {1, 256},           {236, 256},     {237, 1024},
		     {1004, 1024},      {1005, 4096},       {4076, 4096},   {4077, 16384},
		     {16364, 16384},    {16365, 32768},     {32748, 32768}, {32749, 65536},
		     {524269, 1048576}, {1048556, 1048576}, {1048557, 0},   {SIZE_MAX - 3, 0},
		     {SIZE_MAX, 0}};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		is_int(seal_size(KIND_POST, sizes[i].data), sizes[i].size, "%zu bytes",
		       sizes[i].data);
	is_int(seal_size(KIND_FORWARD, 1048557), 2097152, "a forward may be longer");
	is_int(seal_size(KIND_FORWARD, FORWARD_DATA_MAX), 2097152, "up to");
	is_int(seal_size(KIND_FORWARD, FORWARD_DATA_MAX + 1), 0, "its limit");
}

static void every_length_comes_back(void)
{
	static const size_t lengths[] = {0,    1,    235,   236,   237,   1003,
					 1004, 1005, 16364, 16365, 32748, 32749};
	static uint8_t data[DATA_MAX];
	struct letter l = to_sindh();

	fill(data, sizeof data);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		uint8_t *body;
		struct header *h = sealed(l, data, lengths[i], &body);
		is_int(opens(sindh, h, body, data, lengths[i]), OPENING_DONE, "%zu bytes",
		       lengths[i]);
		is_int(h->body_length, seal_size(KIND_POST, lengths[i]), "in as many as said");
		free(body);
		free(h);
	}
}

static void the_longest_forward_comes_back(void)
{
	struct letter l = to_sindh();
	struct header *h = written(&l);
	uint8_t *data = malloc(FORWARD_DATA_MAX), *body = malloc(FORWARD_BODY_MAX_BYTES);

	need(data && body);
	fill(data, FORWARD_DATA_MAX);
	h->kind = KIND_FORWARD;
	is_int(seal_body(h, &l, data, FORWARD_DATA_MAX, body), ERR_OK, "2 MiB less 20 bytes");
	is_int(opens(sindh, h, body, data, FORWARD_DATA_MAX), OPENING_DONE, "open");
	h->kind = KIND_POST;
	is_int(seal_body(h, &l, data, BODY_MAX_BYTES - 19, body), ERR_LIMIT, "a post's limit");
	free(data);
	free(body);
	free(h);
}

static struct recipient *recipient_of(struct header *h, const char *name)
{
	struct party_id id = party_id_of(&network, name);

	for (size_t i = 0; i < h->recipient_count; i++)
		if (party_id_equal(&h->recipients[i].party, &id))
			return &h->recipients[i];
	need(false);
	return NULL;
}

/* ---- the second opener: SPEC 3.7 from its text ---- */

/* The body key and h. */
static void second_key(const struct header *h, const uint8_t k[32], uint8_t key[32], uint8_t h1[32])
{
	static uint8_t bytes[HEADER_MAX_BYTES];
	uint8_t text[12 + HEADER_MAX_BYTES], label[13 + 32];
	size_t n;

	need(header_encode(h, bytes, sizeof bytes, &n) == ERR_OK);
	memset(bytes + 88, 0, 32);
	memcpy(text, "khabar-aad-1", 12);
	memcpy(text + 12, bytes, n);
	crypto_generichash(h1, 32, text, 12 + n, NULL, 0);
	memcpy(label, "khabar-body-1", 13);
	memcpy(label + 13, h1, 32);
	crypto_generichash(key, 32, label, sizeof label, k, 32);
}

/* A content key of our own choice, wrapped for sindh, so that a test can do what no author does. */
struct forged {
	struct header *h;
	uint8_t k[32];
	uint8_t body[1024];
	size_t length;
};

static void commit_to(struct header *h, const uint8_t k[32])
{
	crypto_generichash(h->commitment, 32, (const uint8_t *)"khabar-commit-1", 15, k, 32);
}

/* The text of n bytes, as it is, becomes the body. */
static void forge(struct forged *f, const uint8_t *text, size_t n)
{
	struct letter l = to_sindh();
	uint8_t key[32], h1[32], zero[24] = {0};

	f->h = written(&l);
	f->h->flags |= FLAG_SEALED;
	f->h->recipient_count = 2;
	memset(f->k, 0x5a, sizeof f->k);
	commit_to(f->h, f->k);
	for (size_t i = 0; i < 2; i++) {
		f->h->recipients[i].party = l.to[i].party;
		f->h->recipients[i].key = l.to[i].number;
		need(!crypto_box_seal(f->h->recipients[i].wrap, f->k, 32, l.to[i].key));
	}
	f->length = n + 16;
	f->h->body_length = (uint32_t)f->length;
	second_key(f->h, f->k, key, h1);
	crypto_aead_xchacha20poly1305_ietf_encrypt(f->body, NULL, text, n, h1, 32, NULL, zero, key);
}

static enum opening opened(const struct forged *f)
{
	uint8_t out[sizeof f->body];
	size_t n;

	return seal_open(sindh, f->h, f->body, f->length, out, &n);
}

static enum opening forged_text(const uint8_t *text, size_t n)
{
	struct forged f;
	enum opening outcome;

	forge(&f, text, n);
	outcome = opened(&f);
	free(f.h);
	return outcome;
}

static void what_the_second_implementation_seals_opens(void)
{
	uint8_t text[240] = {0, 0, 0, 5, 'k', 'h', 'a', 'b', 'a'};

	is_int(forged_text(text, 240), OPENING_DONE, "five bytes in 256");
	text[3] = 224;
	is_int(forged_text(text, 240), OPENING_DONE, "224 bytes, most of them zeros");
	memset(text + 4, 1, 236);
	text[3] = 236;
	is_int(forged_text(text, 240), OPENING_DONE, "as many as fit");
}

static void a_text_that_is_not_the_one_encoding_is_refused(void)
{
	uint8_t text[1008] = {0, 0, 0, 5, 'k', 'h', 'a', 'b', 'a'};

	text[239] = 1;
	is_int(forged_text(text, 240), OPENING_BODY_BAD, "the last byte is not zero");
	text[239] = 0;
	text[9] = 1;
	is_int(forged_text(text, 240), OPENING_BODY_BAD, "the first behind the data is not");
	text[9] = 0;
	text[3] = 237;
	is_int(forged_text(text, 240), OPENING_BODY_BAD, "a length beyond the text");
	memset(text, 0xff, 4);
	is_int(forged_text(text, 240), OPENING_BODY_BAD, "the greatest length");
	memcpy(text, "\0\0\0\5", 4);
	is_int(forged_text(text, 1008), OPENING_BODY_BAD, "in more than it needs");
	is_int(forged_text(text, 284), OPENING_BODY_BAD, "300 bytes, which is no size");
	is_int(forged_text(text, 4), OPENING_BODY_BAD, "20 bytes");
	is_int(forged_text(text, 0), OPENING_BODY_BAD, "a tag alone");
}

static void what_we_seal_the_second_implementation_opens(void)
{
	struct letter l = to_sindh();
	uint8_t public[32], secret[32], seed[32] = {7}, zero[24] = {0};
	uint8_t data[300], *body, k[32], commitment[32], key[32], h1[32], text[1008];
	struct header *h;

	fill(data, sizeof data);
	crypto_box_seed_keypair(public, secret, seed);
	address(&l, "second", 1, public);
	h = sealed(l, data, sizeof data, &body);
	is_int(crypto_box_seal_open(k, recipient_of(h, "second")->wrap, 80, public, secret), 0,
	       "the content key");
	memcpy(commitment, h->commitment, 32);
	commit_to(h, k);
	ok(memcmp(commitment, h->commitment, 32) == 0, "its commitment");
	second_key(h, k, key, h1);
	is_int(h->body_length, sizeof text + 16, "a kilobyte");
	is_int(crypto_aead_xchacha20poly1305_ietf_decrypt(text, NULL, NULL, body, h->body_length,
							  h1, 32, zero, key),
	       0, "the body");
	ok(get_u32(text) == sizeof data && memcmp(text + 4, data, sizeof data) == 0, "the data");
	ok(bytes_zero(text + 4 + sizeof data, sizeof text - 4 - sizeof data), "zeros");
	free(body);
	free(h);
}

/* ---- damage ---- */

static void every_bit_of_the_body_counts(void)
{
	struct letter l = to_sindh();
	uint8_t data[10], *body;
	unsigned wrong = 0;
	struct header *h;

	fill(data, sizeof data);
	h = sealed(l, data, sizeof data, &body);
	for (size_t i = 0; i < 8U * h->body_length; i++) {
		body[i / 8] ^= (uint8_t)(1U << i % 8);
		wrong += opens(sindh, h, body, data, sizeof data) != OPENING_BODY_BAD;
		body[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	is_int(wrong, 0, "each bit flipped");
	for (size_t n = 0; n < h->body_length; n++) {
		uint8_t out[256];
		size_t length;
		wrong += seal_open(sindh, h, body, n, out, &length) != OPENING_BODY_BAD;
	}
	is_int(wrong, 0, "cut at each byte");
	free(body);
	free(h);
}

/* Whatever in the header is changed after sealing, and still is a header of ours, opens nothing. */
static void every_bit_of_the_header_counts(void)
{
	static uint8_t bytes[HEADER_MAX_BYTES];
	static struct header changed;
	struct letter l = to_sindh();
	uint8_t data[10], *body;
	unsigned opened_still = 0, tried = 0;
	size_t n;
	struct header *h;

	fill(data, sizeof data);
	h = sealed(l, data, sizeof data, &body);
	need(header_encode(h, bytes, sizeof bytes, &n) == ERR_OK);
	for (size_t i = 0; i < 8 * n; i++) {
		uint8_t out[256];
		size_t length;
		if (i / 8 >= 88 && i / 8 < 120) /* the hash of the body is not bound */
			continue;
		bytes[i / 8] ^= (uint8_t)(1U << i % 8);
		if (header_decode(&changed, bytes, n) == ERR_OK) {
			tried++;
			opened_still +=
				seal_open(sindh, &changed, body, 256, out, &length) == OPENING_DONE;
		}
		bytes[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	ok(tried > 2000, "%u headers tried", tried);
	is_int(opened_still, 0, "none opens");
	free(body);
	free(h);
}

static void a_bad_wrap_is_told_from_a_key_that_is_gone(void)
{
	struct letter l = to_sindh();
	uint8_t data[10], *body, other[32] = {9};
	struct recipient *r;
	struct header *h;

	fill(data, sizeof data);
	h = sealed(l, data, sizeof data, &body);
	r = recipient_of(h, "sindh");
	r->wrap[40] ^= 1;
	is_int(opens(sindh, h, body, data, 10), OPENING_WRAP_BAD, "garbage");
	is_int(opens(kp, h, body, data, 10), OPENING_NOT_OURS, "not for us, so nothing to say");
	need(!crypto_box_seal(r->wrap, other, 32, identity_public(sindh)->seal));
	is_int(opens(sindh, h, body, data, 10), OPENING_WRAP_BAD, "another content key");
	memset(r->wrap, 0, sizeof r->wrap);
	is_int(opens(sindh, h, body, data, 10), OPENING_WRAP_BAD, "a key of small order");
	r->key = 2;
	is_int(opens(sindh, h, body, data, 10), OPENING_KEY_GONE, "a number that is not held");
	free(body);
	free(h);
}

static void one_good_wrap_of_several_is_enough(void)
{
	struct letter l = to_sindh();
	uint8_t data[10], *body;
	struct header *h;

	fill(data, sizeof data);
	address(&l, "sindh", 2, government.seal);
	address(&l, "government", government.number, government.seal);
	h = sealed(l, data, sizeof data, &body);
	is_int(opens(sindh, h, body, data, 10), OPENING_DONE, "one key is not held, two fit");
	recipient_of(h, "government")->wrap[0] ^= 1;
	recipient_of(h, "sindh")->wrap[0] ^= 1;
	is_int(opens(sindh, h, body, data, 10), OPENING_KEY_GONE,
	       "none fits: what sealing again would mend counts");
	free(body);
	free(h);
}

/* The header is bound: a wrap that is damaged for one is damaged for all, who then open nothing. */
static void no_two_recipients_are_shown_two_texts(void)
{
	struct letter l = to_sindh();
	uint8_t data[10], *body;
	struct header *h;

	fill(data, sizeof data);
	h = sealed(l, data, sizeof data, &body);
	recipient_of(h, "sindh")->wrap[0] ^= 1;
	is_int(opens(punjab, h, body, data, 10), OPENING_BODY_BAD, "the origin notices");
	free(body);
	free(h);
}

/* A node that had seal key 1 and has key 2 now, as after a rotation. */
static struct identity *rotated(uint8_t first[32])
{
	struct keyring *k = keyring_new();
	struct identity *id;

	need(k);
	k->holder = HOLDER_NODE;
	strcpy(k->name, "newer");
	keyring_draw(k, SECRET_SIGN, 1);
	keyring_draw(k, SECRET_LINK, 1);
	keyring_draw(k, SECRET_SEAL, 1);
	crypto_scalarmult_base(first, k->secrets[2].bytes);
	keyring_draw(k, SECRET_SEAL, 3);
	keyring_draw(k, SECRET_STORE, 1);
	keyring_draw(k, SECRET_INDEX, 1);
	need(!keyfile_write(newer_path, k, NULL, NULL));
	keyring_free(k);
	need(!identity_open(&id, newer_path, NULL, NULL));
	return id;
}

static void old_seal_keys_still_open(void)
{
	uint8_t data[10], *body, first[32];
	struct identity *id = rotated(first);
	const uint8_t *keys[] = {first, first, identity_public(id)->seal};

	fill(data, sizeof data);
	is_int(identity_public(id)->seal_number, 3, "the greatest number is in use");
	for (uint16_t number = 1; number <= 3; number++) {
		struct letter l = {0};
		struct header *h;
		address_node(&l, punjab);
		address(&l, "newer", number, keys[number - 1]);
		h = sealed(l, data, sizeof data, &body);
		is_int(opens(id, h, body, data, 10), number == 2 ? OPENING_KEY_GONE : OPENING_DONE,
		       "key %u", number);
		free(body);
		free(h);
	}
	identity_free(id);
}

static void two_seals_of_one_text_share_nothing(void)
{
	struct letter l = to_sindh();
	uint8_t data[10], *one, *two;
	struct header *a, *b;

	fill(data, sizeof data);
	a = sealed(l, data, sizeof data, &one);
	b = sealed(l, data, sizeof data, &two);
	ok(memcmp(a->commitment, b->commitment, 32) != 0, "content keys");
	ok(memcmp(one, two, 256) != 0, "bodies");
	ok(memcmp(a->recipients[0].wrap, b->recipients[0].wrap, 80) != 0, "wraps");
	ok(memcmp(a->recipients[0].wrap, a->recipients[1].wrap, 80) != 0, "of one message too");
	free(one);
	free(two);
	free(a);
	free(b);
}

static void letters_that_break_the_rules_are_refused(void)
{
	static const uint8_t small_order[32] = {0};
	struct letter l = to_sindh(), own = {0}, others = {0}, wrong = to_sindh();
	uint8_t data[10] = {0}, body[256];
	struct header *h = written(&l);

	h->audience = audience_all();
	is_int(seal_body(h, &l, data, 10, body), ERR_FORMAT, "the audience of others");
	free(h);
	address_node(&own, punjab);
	h = written(&own);
	is_int(seal_body(h, &own, data, 10, body), ERR_FORMAT, "to oneself alone");
	free(h);
	address_node(&others, sindh);
	h = written(&others);
	is_int(seal_body(h, &others, data, 10, body), ERR_FORMAT, "not to oneself");
	free(h);
	wrong.to[0] = l.to[1];
	wrong.to[1] = l.to[0];
	h = written(&wrong);
	is_int(seal_body(h, &wrong, data, 10, body), ERR_FORMAT, "out of order");
	free(h);
	address(&l, "weak", 1, small_order);
	h = written(&l);
	is_int(seal_body(h, &l, data, 10, body), ERR_FORMAT, "to a key of small order");
	free(h);
}

static void the_longest_list_of_recipients_works(void)
{
	static struct letter l;
	uint8_t data[10], *body;
	struct header *h;
	char name[16];

	l = to_sindh();
	for (unsigned i = 0; l.count < RECIPIENTS_MAX; i++) {
		snprintf(name, sizeof name, "n%u", i);
		address(&l, name, 1, identity_public(kp)->seal);
	}
	fill(data, sizeof data);
	h = sealed(l, data, sizeof data, &body);
	is_int(h->recipient_count, 256, "256 recipients");
	is_int(opens(sindh, h, body, data, 10), OPENING_DONE, "open");
	free(body);
	free(h);
}

static void every_outcome_has_its_words(void)
{
	for (int i = 0; i < OPENING_COUNT; i++)
		for (int k = 0; k < i; k++)
			need(strcmp(opening_str((enum opening)i), opening_str((enum opening)k)));
	is_str(opening_str(OPENING_COUNT), "unknown", "all differ");
}

static void begin(void)
{
	static const char *const names[] = {"punjab", "sindh", "kp", "role", "newer"};
	char *const paths[] = {punjab_path, sindh_path, kp_path, role_path, newer_path};

	need(sodium_init() >= 0 && mkdtemp(folder));
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		snprintf(paths[i], sizeof punjab_path, "%s/%s.key", folder, names[i]);
	punjab = made(punjab_path, "punjab");
	sindh = made(sindh_path, "sindh");
	kp = made(kp_path, "kp");
	need(!identity_create_role(role_path, "government", 7, NULL, &government, NULL));
	need(!identity_add_role(sindh, role_path, NULL, NULL));
}

static void end(void)
{
	identity_free(punjab);
	identity_free(sindh);
	identity_free(kp);
	unlink(punjab_path);
	unlink(sindh_path);
	unlink(kp_path);
	unlink(role_path);
	unlink(newer_path);
	rmdir(folder);
}

int main(void)
{
	begin();
	RUN(every_recipient_opens_and_nobody_else);
	RUN(a_role_is_opened_by_whoever_holds_its_key);
	RUN(the_text_is_nowhere_in_what_is_sent);
	RUN(sizes_are_coarse);
	RUN(every_length_comes_back);
	RUN(the_longest_forward_comes_back);
	RUN(what_the_second_implementation_seals_opens);
	RUN(a_text_that_is_not_the_one_encoding_is_refused);
	RUN(what_we_seal_the_second_implementation_opens);
	RUN(every_bit_of_the_body_counts);
	RUN(every_bit_of_the_header_counts);
	RUN(a_bad_wrap_is_told_from_a_key_that_is_gone);
	RUN(one_good_wrap_of_several_is_enough);
	RUN(no_two_recipients_are_shown_two_texts);
	RUN(old_seal_keys_still_open);
	RUN(two_seals_of_one_text_share_nothing);
	RUN(letters_that_break_the_rules_are_refused);
	RUN(the_longest_list_of_recipients_works);
	RUN(every_outcome_has_its_words);
	end();
	return tap_done();
}
