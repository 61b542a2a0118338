/* What one node entrusts to another under seal: a message with the key that opens it, and the
 * secrets of a role.  The sender has valid keys and the input says what it seals: the real thing,
 * changed in places.  Nothing is taken but what is whole and fits.
 *
 * The first byte says which; then each three bytes are a place and what is changed there. */
#include <sys/stat.h>
#include <unistd.h>

#include "keys/disclose.h"
#include "keys/handover.h"
#include "keys/keyfile.h"
#include "keys/rolekey.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"

enum { KEYS = 3, PLAIN_MAX = 4096, PLACE_BYTES = 3, HASH_AT = 88, ENTRY_BYTES = 34 };

static char home[] = "/tmp/khabardar-fuzz.XXXXXX";
static struct identity *author, *reader;
static struct topology *topology;
static struct letter letter;
static uint8_t secrets[KEYS][SECRET_BYTES];

static const char *path_of(const char *name)
{
	static char path[sizeof home + 64];

	snprintf(path, sizeof path, "%s/%s", home, name);
	return path;
}

static void leave(void)
{
	static const char *const names[] = {"national", "punjab", "role1", "role2", "role3"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_of(names[i]));
	rmdir(home);
}

static struct identity *make(const char *name)
{
	struct identity *id;

	must(identity_create(path_of(name), name, NULL, NULL) == ERR_OK);
	must(identity_open(&id, path_of(name), NULL, NULL) == ERR_OK);
	return id;
}

static void put_key(struct writing *w, const char *before, const uint8_t *key)
{
	char hex[65];

	put(w, "%s\"%s\"\n", before, hex_encode(hex, key, 32));
}

static void put_node(struct writing *w, const struct identity_public *public, const char *more)
{
	put(w, "    %s\n%s", public->name, more);
	put_key(w, "        link = ", public->link);
	put_key(w, "        sign\n            1 = ", public->sign);
	put_key(w, "        seal\n            1 = ", public->seal);
}

/* Both nodes hold the role gov, and only the author the role cii; the author has the secrets. */
static void make_roles(struct writing *w)
{
	struct role_public made;
	struct keyring *k;
	char file[16], hex[65];

	put(w, "role\n    gov\n        reports-to = national\n        holders = \"national "
	       "punjab\"\n        seal\n");
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(file, sizeof file, "role%u", i + 1);
		must(identity_create_role(path_of(file), "gov", (uint16_t)(i + 1), NULL, &made,
					  NULL) == ERR_OK);
		must(identity_add_role(author, path_of(file), NULL, NULL) == ERR_OK);
		must(keyfile_read(&k, path_of(file), NULL, NULL) == ERR_OK);
		memcpy(secrets[i], k->secrets[0].bytes, SECRET_BYTES);
		keyring_free(k);
		put(w, "            %u", i + 1);
		put_key(w, " = ", made.seal);
		/* The reader makes files of these names. */
		unlink(path_of(file));
	}
	put(w,
	    "    cii\n        reports-to = national\n        holders = national\n"
	    "        seal\n            1 = \"%s\"\n",
	    key_text(hex, "seal", "cii"));
}

static void address(void)
{
	const struct identity *both[] = {author, reader};
	struct party_id ids[2], origin;

	letter.count = 2;
	for (size_t i = 0; i < 2; i++) {
		const struct identity_public *public = identity_public(both[i]);
		ids[i] = party_id_of(&topology->network, public->name);
		letter.to[i] = (struct addressee){ids[i], public->seal_number, public->seal};
	}
	origin = ids[0];
	if (memcmp(ids[0].b, ids[1].b, PARTY_ID_BYTES) > 0) {
		struct addressee first = letter.to[0];
		letter.to[0] = letter.to[1];
		letter.to[1] = first;
	}
	letter.audience = audience_of(&origin, ids, 2, false); /* sorts them */
}

static void prepare(void)
{
	struct writing w = {0};

	if (author)
		return;
	must(mkdtemp(home) && atexit(leave) == 0);
	author = make("national");
	reader = make("punjab");
	put(&w, "federation\n    name = Fuzz\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put_node(&w, identity_public(author), "");
	put_node(&w, identity_public(reader), "        reports-to = national\n");
	make_roles(&w);
	topology = parse_or_bail(w.at);
	free(w.at);
	address();
}

static struct header header_of(uint8_t kind)
{
	return (struct header){.kind = kind,
			       .tlp = TLP_AMBER,
			       .topology = 1,
			       .network = topology->network,
			       .origin = party_id_of(&topology->network, "national"),
			       .audience = letter.audience,
			       .incarnation = 9,
			       .sequence = 1,
			       .expiry = 500000,
			       .sign_key = 1};
}

static size_t change(uint8_t *plain, size_t n, const uint8_t *data, size_t length)
{
	for (; length >= PLACE_BYTES; data += PLACE_BYTES, length -= PLACE_BYTES) {
		size_t at = ((size_t)data[0] << 8 | data[1]) % (n + 64);
		if (at < n)
			plain[at] ^= data[2];
		else if (data[2] < n)
			n = data[2] & 1 ? n - data[2] : n; /* cut */
	}
	return n;
}

/* ---- a message and its key ---- */

static const uint8_t text[] = "what was said";

/* key | header | signature | body | reason, as SPEC 5.10 has it. */
static size_t original_make(uint8_t *plain, size_t *header_length, size_t *body_length)
{
	static uint8_t sealed[1024];
	struct header h = header_of(KIND_POST);
	struct message_id id;
	size_t at = DISCLOSED_KEY_BYTES;

	*body_length = seal_size(KIND_POST, sizeof text);
	must(seal_body(&h, &letter, text, sizeof text, sealed) == ERR_OK);
	must(disclose_key(author, &h, plain) == OPENING_DONE);
	must(header_encode(&h, plain + at, HEADER_MAX_BYTES, header_length) == ERR_OK);
	id = message_id_of(plain + at, *header_length);
	identity_sign(author, &id, plain + at + *header_length);
	at += *header_length + SIGNATURE_BYTES;
	memcpy(plain + at, sealed, *body_length);
	memcpy(plain + at + *body_length, "why", 3);
	return at + *body_length + 3;
}

static void open_handed(const struct header *h, const uint8_t *body, size_t n, bool same,
			const uint8_t *plain)
{
	static uint8_t taken[FORWARD_BODY_MAX_BYTES];
	struct handover x = {0};
	const char *why;
	size_t length;
	enum opening opening = handover_open(&x, reader, h, body, n, &why);

	must(!same || opening == OPENING_DONE);
	must((opening == OPENING_DONE) == !why);
	if (opening != OPENING_DONE)
		return;
	must(handover_take(reader, h, body, n, taken, &length) == OPENING_DONE);
	must(length == x.length && memcmp(taken, x.bytes, length) == 0);
	must(memcmp(x.bytes, plain + DISCLOSED_KEY_BYTES, length) == 0);
	/* One that is not sealed is nothing to hand on; that is said elsewhere. */
	if (x.original.flags & FLAG_SEALED)
		must(x.data_length == sizeof text && memcmp(x.data, text, sizeof text) == 0);
	handover_clear(&x);
}

static void hand_on(const uint8_t *data, size_t n)
{
	static uint8_t plain[PLAIN_MAX], before[PLAIN_MAX], sealed[2 * PLAIN_MAX];
	struct header h = header_of(KIND_FORWARD);
	size_t header_length, body_length, length, whole;
	bool same;

	whole = original_make(plain, &header_length, &body_length);
	memcpy(before, plain, whole);
	length = change(plain, whole, data, n);
	same = length == whole && memcmp(plain, before, whole) == 0;
	must(seal_body(&h, &letter, plain, length, sealed) == ERR_OK);
	open_handed(&h, sealed, seal_size(KIND_FORWARD, length), same, plain);
	/* Whoever hands on by the rules takes the key from what it got itself. */
	h = header_of(KIND_FORWARD);
	if (length > DISCLOSED_KEY_BYTES &&
	    handover_seal(reader, &h, &letter, plain + DISCLOSED_KEY_BYTES,
			  length - DISCLOSED_KEY_BYTES, sealed) == ERR_OK)
		open_handed(&h, sealed, handover_size(length - DISCLOSED_KEY_BYTES), same, plain);
}

/* ---- the secrets of a role ---- */

static bool role_path(void *arg, char *out, size_t size, const char *role, uint16_t number)
{
	must(arg == NULL && strcmp(role, "gov") == 0);
	snprintf(out, size, "%s/role%u", home, number);
	return true;
}

/* Is it what SPEC 4.13 asks for, of the keys above? */
static bool well_made(const uint8_t *plain, size_t n, size_t *count)
{
	struct party_id gov = party_id_of(&topology->network, "gov");
	unsigned last = 0;

	*count = n > PARTY_ID_BYTES ? plain[PARTY_ID_BYTES] : 0;
	if (*count == 0 || n != PARTY_ID_BYTES + 1 + *count * ENTRY_BYTES ||
	    memcmp(plain, gov.b, PARTY_ID_BYTES) != 0)
		return false;
	for (size_t i = 0; i < *count; i++) {
		const uint8_t *entry = plain + PARTY_ID_BYTES + 1 + i * ENTRY_BYTES;
		unsigned number = (unsigned)entry[0] << 8 | entry[1];
		uint8_t public[32], wanted[32];
		if (number <= last || number > KEYS)
			return false;
		/* Some bits of such a secret say nothing. */
		crypto_scalarmult_base(public, entry + 2);
		crypto_scalarmult_base(wanted, secrets[number - 1]);
		if (memcmp(public, wanted, sizeof public) != 0)
			return false;
		last = number;
	}
	return true;
}

static void take(const struct header *h, const uint8_t *sealed, size_t n, bool well, size_t count)
{
	struct rolekey r = {0};
	struct identity *id;
	size_t taken;
	char file[16];
	enum err e;

	must(identity_open(&id, path_of("punjab"), NULL, NULL) == ERR_OK);
	e = rolekey_take(id, h, sealed, n, topology, topology_party(topology, "punjab"), NULL,
			 role_path, NULL, &r, &taken, NULL);
	must((e == ERR_OK) == well);
	must(taken == (well ? count : 0) && identity_role_count(id) == taken);
	if (well) {
		must(rolekey_take(id, h, sealed, n, topology, topology_party(topology, "punjab"),
				  NULL, role_path, NULL, &r, &taken, NULL) == ERR_OK);
		must(r.count == count && taken == 0);
		rolekey_held(&r, id, topology_party(topology, "gov"));
		must(r.count == count);
	}
	identity_free(id);
	for (unsigned i = 1; i <= KEYS; i++) {
		snprintf(file, sizeof file, "role%u", i);
		unlink(path_of(file));
	}
}

static void entrust(const uint8_t *data, size_t n)
{
	static uint8_t sealed[PLAIN_MAX];
	uint8_t plain[PARTY_ID_BYTES + 1 + KEYS * ENTRY_BYTES], *at = plain;
	struct header h = header_of(KIND_ROLE_KEY);
	struct party_id gov = party_id_of(&topology->network, "gov");
	size_t count = n ? 1 + data[0] % KEYS : 1, length;
	bool well;

	memcpy(at, gov.b, PARTY_ID_BYTES);
	at[PARTY_ID_BYTES] = (uint8_t)count;
	at += PARTY_ID_BYTES + 1;
	for (size_t i = 0; i < count; i++, at += ENTRY_BYTES) {
		at[0] = 0;
		at[1] = (uint8_t)(i + 1);
		memcpy(at + 2, secrets[i], SECRET_BYTES);
	}
	length = change(plain, (size_t)(at - plain), data + (n > 0), n - (n > 0));
	well = well_made(plain, length, &count);
	must(seal_body(&h, &letter, plain, length, sealed) == ERR_OK);
	take(&h, sealed, seal_size(KIND_ROLE_KEY, length), well, count);
}

/* By its own rules the author seals what it holds. */
static void entrust_all(const uint8_t *data, size_t n)
{
	static uint8_t sealed[PLAIN_MAX];
	const struct party *role = topology_party(topology, n && data[0] & 1 ? "cii" : "gov");
	struct header h = header_of(KIND_ROLE_KEY);
	struct rolekey r;

	rolekey_held(&r, author, role);
	if (r.count == 0)
		return;
	must(role == topology_party(topology, "gov") && r.count == KEYS);
	must(rolekey_seal(author, &h, &letter, &r, sealed) == ERR_OK);
	take(&h, sealed, rolekey_size(r.count), true, r.count);
	r.numbers[0] = KEYS + 1;
	must(rolekey_seal(author, &h, &letter, &r, sealed) == ERR_NOT_FOUND);
}

unsigned fuzz_cost(void)
{
	return 40;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const kinds[])(const uint8_t *, size_t) = {hand_on, entrust, entrust_all};

	if (n == 0)
		return 0;
	prepare();
	kinds[data[0] % 3](data + 1, n - 1);
	return 0;
}
