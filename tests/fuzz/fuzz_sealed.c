/* Sealed bodies from a member with valid keys.  The first byte says which kind; what follows is
 * what was encrypted, which an attacker chooses freely, or where the finished message is damaged.
 */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "keys/disclose.h"
#include "keys/handover.h"
#include "keys/rolekey.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"

enum { PLAIN_MAX = 70000, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };

static struct identity *author, *reader;
static struct topology *topology;
static struct letter letter;
static uint8_t sealed[FORWARD_BODY_MAX_BYTES], opened[FORWARD_BODY_MAX_BYTES];

static struct identity *make(const char *name)
{
	struct identity *id;
	char path[] = "/tmp/khabardar-fuzz.XXXXXX", file[sizeof path + 8];

	must(mkdtemp(path));
	snprintf(file, sizeof file, "%s/key", path);
	must(identity_create(file, name, NULL, NULL) == ERR_OK);
	must(identity_open(&id, file, NULL, NULL) == ERR_OK);
	unlink(file);
	rmdir(path);
	return id;
}

static void address(size_t at, const struct identity *id)
{
	const struct identity_public *public = identity_public(id);

	letter.to[at] = (struct addressee){.party = party_id_of(&topology->network, public->name),
					   .number = public->seal_number,
					   .key = public->seal};
}

static void prepare(void)
{
	static char text[16 << 10];
	struct party_id ids[2];
	FILE *f;

	if (author)
		return;
	f = fopen("tests/protocol/topology/base.zpl", "r");
	must(f && topology_parse(&topology, text, fread(text, 1, sizeof text, f), NULL) == ERR_OK);
	fclose(f);
	author = make("national");
	reader = make("punjab");
	address(0, author);
	address(1, reader);
	if (memcmp(letter.to[0].party.b, letter.to[1].party.b, PARTY_ID_BYTES) > 0) {
		address(0, reader);
		address(1, author);
	}
	letter.count = 2;
	for (size_t i = 0; i < 2; i++)
		ids[i] = letter.to[i].party;
	letter.audience =
		audience_of(&ids[memcmp(ids[0].b, party_id_of(&topology->network, "national").b,
					PARTY_ID_BYTES) != 0],
			    ids, 2, false);
}

static struct header header_of(uint8_t kind)
{
	return (struct header){.kind = kind,
			       .tlp = TLP_AMBER,
			       .topology = topology->version,
			       .network = topology->network,
			       .origin = party_id_of(&topology->network, "national"),
			       .audience = letter.audience,
			       .incarnation = 9,
			       .sequence = 1,
			       .expiry = 482136,
			       .sign_key = 1};
}

/* Is the text, of so many bytes, one that may be in a body of that size? */
static bool well_made(const uint8_t *text, size_t size)
{
	size_t said =
		(size_t)text[0] << 24 | (size_t)text[1] << 16 | (size_t)text[2] << 8 | text[3];
	size_t wanted = 4 + said + TAG;

	if (wanted > size || (size > 256 && wanted <= size / 4))
		return false;
	for (size_t i = 4 + said; i < size - TAG; i++)
		if (text[i])
			return false;
	return true;
}

/* SPEC.md 3.7 once more, so that the text is the fuzzer's to its last byte. */
static void encrypt(struct header *h, const uint8_t key[32], const uint8_t *text)
{
	static const uint8_t nonce[24], zero[32];
	static uint8_t encoded[HEADER_MAX_BYTES];
	uint8_t bound[32], body_key[32];
	crypto_generichash_state state;
	size_t length;

	crypto_generichash(h->commitment, 32, (const uint8_t *)"khabar-commit-1", 15, key, 32);
	must(header_encode(h, encoded, sizeof encoded, &length) == ERR_OK);
	memcpy(encoded + 88, zero, sizeof zero);
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)"khabar-aad-1", 12);
	crypto_generichash_update(&state, encoded, length);
	crypto_generichash_final(&state, bound, 32);
	crypto_generichash_init(&state, key, 32, 32);
	crypto_generichash_update(&state, (const uint8_t *)"khabar-body-1", 13);
	crypto_generichash_update(&state, bound, 32);
	crypto_generichash_final(&state, body_key, 32);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, text, h->body_length - TAG, bound,
						   32, NULL, nonce, body_key);
}

/* The first byte chooses the size; zeros follow what there is. */
static void any_plaintext(const uint8_t *data, size_t n)
{
	static uint8_t text[16 << 10];
	uint8_t key[32] = {7};
	struct header h = header_of(KIND_POST);
	size_t size = (size_t)256 << 2 * (n ? data[0] % 4 : 0), length = 0, given = n ? n - 1 : 0;

	memset(text, 0, sizeof text);
	if (given)
		memcpy(text, data + 1, given < size - TAG ? given : size - TAG);
	h.flags = FLAG_SEALED;
	h.body_length = (uint32_t)size;
	h.recipient_count = 2;
	for (size_t i = 0; i < 2; i++) {
		h.recipients[i].party = letter.to[i].party;
		h.recipients[i].key = letter.to[i].number;
	}
	encrypt(&h, key, text);
	must(disclosed_open(&h, key, sealed, size, opened, &length) == well_made(text, size));
	must(!well_made(text, size) || memcmp(opened, text + 4, length) == 0);
	key[0]++;
	must(!disclosed_open(&h, key, sealed, size, opened, &length));
}

static size_t seal(struct header *h, const uint8_t *data, size_t n)
{
	size_t size = seal_size(h->kind, n);

	must(size && seal_body(h, &letter, data, n, sealed) == ERR_OK);
	return size;
}

static void any_forward(const uint8_t *data, size_t n)
{
	struct header h = header_of(KIND_FORWARD);
	size_t size = seal(&h, data, n);
	struct handover x = {0};
	const char *why = NULL;
	enum opening opening = handover_open(&x, reader, &h, sealed, size, &why);

	/* No content key of ours is in it, so what it holds cannot be opened. */
	must(opening == OPENING_BODY_BAD && why);
	handover_clear(&x);
}

static bool no_path(void *arg, char *out, size_t size, const char *role, uint16_t number)
{
	(void)arg;
	(void)out;
	(void)size;
	(void)role;
	(void)number;
	return false;
}

static void any_role_key(const uint8_t *data, size_t n)
{
	struct header h = header_of(KIND_ROLE_KEY);
	size_t size = seal(&h, data, n), taken;
	struct rolekey r = {0};

	/* Nobody guesses a secret of the topology's keys. */
	must(rolekey_take(reader, &h, sealed, size, topology, topology_party(topology, "punjab"),
			  NULL, no_path, NULL, &r, &taken, NULL) != ERR_OK);
	must(taken == 0);
}

/* Each three bytes: where, and what is changed there. */
static void any_damage(const uint8_t *data, size_t n)
{
	static const uint8_t text[] = "what was said";
	static uint8_t encoded[HEADER_MAX_BYTES], damaged[HEADER_MAX_BYTES];
	struct header h = header_of(KIND_POST);
	size_t size = seal(&h, text, sizeof text), header_length, length;
	enum opening opening;
	bool same;

	must(header_encode(&h, encoded, sizeof encoded, &header_length) == ERR_OK);
	memcpy(damaged, encoded, header_length);
	memcpy(opened, sealed, size);
	for (size_t i = 0; i + 3 <= n; i += 3) {
		size_t at = ((size_t)data[i] << 8 | data[i + 1]) % (header_length + size);
		if (at < header_length)
			damaged[at] ^= data[i + 2];
		else
			sealed[at - header_length] ^= data[i + 2];
	}
	same = memcmp(opened, sealed, size) == 0;
	/* The hash of the body is compared before, by whoever judges. */
	memcpy(damaged + 88, encoded + 88, 32);
	same = same && memcmp(encoded, damaged, header_length) == 0;
	if (header_decode(&h, damaged, header_length) != ERR_OK)
		return;
	opening = seal_open(reader, &h, sealed, size, opened, &length);
	must((opening == OPENING_DONE) == same);
	must(!same || (length == sizeof text && memcmp(opened, text, length) == 0));
	must(seal_probe(reader, &h) != OPENING_DONE || opening == OPENING_DONE ||
	     opening == OPENING_BODY_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const kinds[])(const uint8_t *, size_t) = {any_plaintext, any_forward,
								 any_role_key, any_damage};

	if (n == 0 || n > PLAIN_MAX)
		return 0;
	prepare();
	kinds[data[0] % 4](data + 1, n - 1);
	return 0;
}
