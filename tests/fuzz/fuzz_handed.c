/* Handing on: the input draws a message, who hands it on to whom, and under which version of the
 * topology.  Whatever is allowed was written by whom it says, to whoever hands it on, and goes
 * where its TLP lets it go. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/forward.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"

/* n3 is below n1; n4 has left in the second version, in which n2's key is revoked and the
 * incarnation 9 of n1 is void. */
enum { NODES = 6, STRANGER = 5, VERSIONS = 2, VOID = 9 };

static struct topology *versions[VERSIONS];
static struct party_id ids[NODES];
static uint8_t secrets[NODES][64];

static void put_node(struct writing *w, unsigned i, unsigned version)
{
	char name[8], key[65];

	snprintf(name, sizeof name, "n%u", i);
	put(w, "    %s\n%s", name,
	    i == 0   ? ""
	    : i == 3 ? "        reports-to = n1\n"
		     : "        reports-to = n0\n");
	if (i == 4 && version == 2)
		put(w, "        left = 2026-01-01\n");
	put(w, "        link = \"%s\"\n", key_text(key, "link", name));
	put(w, "        sign\n            1 = \"%s%s\"\n", key_text(key, "sign", name),
	    i == 2 && version == 2 ? " revoked" : "");
	if (i == 2 && version == 2)
		put(w, "            2 = \"%s\"\n", key_text(key, "sign", "another"));
	put(w, "        seal\n            1 = \"%s\"\n", key_text(key, "seal", name));
	if (i == 1 && version == 2)
		put(w, "        void = \"%016x\"\n", VOID);
}

static struct topology *version_make(unsigned version)
{
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = Fuzz\n    version = %u\n    expires = 2040-01-01\n",
	    version);
	if (version > 1) {
		char network[2 * NETWORK_ID_BYTES + 1], hash[65];
		put(&w, "    network = %s\n    previous = \"%s\"\n",
		    hex_encode(network, versions[0]->network.b, NETWORK_ID_BYTES),
		    hex_encode(hash, versions[0]->hash.b, HASH_BYTES));
	}
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = 0; i < STRANGER; i++)
		put_node(&w, i, version);
	t = parse_or_bail(w.at);
	free(w.at);
	return t;
}

static void prepare(void)
{
	if (versions[0])
		return;
	for (unsigned i = 0; i < VERSIONS; i++)
		versions[i] = version_make(i + 1);
	for (unsigned i = 0; i < NODES; i++) {
		char name[8], salted[16];
		uint8_t seed[32], public[32];
		snprintf(name, sizeof name, "n%u", i);
		snprintf(salted, sizeof salted, "sign %s", name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(public, secrets[i], seed);
		ids[i] = party_id_of(&versions[0]->network, name);
	}
}

/* The origin and some others, ascending, each bit of whom one of them. */
static void address(struct header *h, uint8_t whom)
{
	struct party_id to[NODES];
	size_t n = 0;

	for (size_t i = 0; i < NODES; i++) {
		size_t at = n;
		if (!(whom >> i & 1) && !party_id_equal(&ids[i], &h->origin))
			continue;
		for (; at > 0 && memcmp(to[at - 1].b, ids[i].b, PARTY_ID_BYTES) > 0; at--)
			to[at] = to[at - 1];
		to[at] = ids[i];
		n++;
	}
	for (size_t i = 0; i < n; i++)
		h->recipients[i] = (struct recipient){.party = to[i], .key = 1};
	h->recipient_count = (uint16_t)n;
	h->audience = audience_of(&h->origin, to, n, h->flags & FLAG_DIRECT);
}

static void draw(struct header *h, struct reader *r)
{
	uint8_t what = read_u8(r), odd = read_u8(r);

	*h = (struct header){.kind = KIND_POST,
			     .tlp = what >> 4 & 3,
			     .flags = FLAG_SEALED,
			     .topology = what & 0x80 ? 2 : 1,
			     .network = versions[0]->network,
			     .origin = ids[what % 8 % NODES],
			     .audience = audience_all(),
			     .incarnation = what & 8 ? VOID : 1,
			     .sequence = 1,
			     .expiry = 500000,
			     .sign_key = 1};
	/* One thing in most is not as it should be, or none. */
	h->kind = odd == 1 ? KIND_FORWARD : odd == 2 ? KIND_RECEIPT : h->kind;
	h->flags = odd == 4 ? FLAG_SEALED | FLAG_NO_FORWARD : h->flags;
	h->tlp = odd == 5 ? TLP_RED : h->tlp;
	h->expiry += odd == 6;
	h->network.b[0] ^= odd == 7;
	h->sign_key = odd == 8 ? 2 : h->sign_key;
	address(h, read_u8(r));
	h->audience.b[0] ^= odd == 9;
	h->commitment[0] = 1;
	if (odd == 3) {
		h->flags = h->commitment[0] = 0;
		h->recipient_count = 0;
	}
}

/* header | signature | body */
static size_t message_make(uint8_t *out, struct header *h, unsigned signer, uint8_t body)
{
	uint8_t bytes[SIGNED_BYTES], content[2] = {1, body};
	struct message_id id;
	size_t length;

	h->body_length = sizeof content;
	h->body_hash = hash_of(content, sizeof content);
	must(header_encode(h, out, HEADER_MAX_BYTES, &length) == ERR_OK);
	id = message_id_of(out, length);
	message_signed_bytes(bytes, &id);
	crypto_sign_detached(out + length, NULL, bytes, sizeof bytes, secrets[signer]);
	memcpy(out + length + SIGNATURE_BYTES, content, sizeof content);
	return length + SIGNATURE_BYTES + sizeof content;
}

static size_t index_of(const struct party_id *id)
{
	size_t i = 0;

	while (i < NODES && !party_id_equal(id, &ids[i]))
		i++;
	must(i < NODES);
	return i;
}

/* What SPEC 5.10 says, of the parties above. */
static void check_allowed(const struct forward_case *c, unsigned signer)
{
	const struct header *h = c->header, *o = c->original;
	size_t author = index_of(&o->origin), forwarder = index_of(&h->origin);
	bool read = false, second = c->now == versions[1];

	must(author != forwarder && author != STRANGER && forwarder != STRANGER);
	must(signer == author && o->sign_key == 1 && o->tlp <= TLP_AMBER);
	must(!second || (author != 4 && author != 2 && (author != 1 || o->incarnation != VOID)));
	for (size_t i = 0; i < o->recipient_count; i++)
		read |= party_id_equal(&o->recipients[i].party, &h->origin);
	must(read);
	for (size_t i = 0; i < h->recipient_count; i++) {
		size_t to = index_of(&h->recipients[i].party);
		must(to != STRANGER);
		must(o->tlp < TLP_AMBER || to == forwarder || forwarder == 0 ||
		     (forwarder == 1 && to == 3));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t message[HEADER_MAX_BYTES + SIGNATURE_BYTES + 2];
	static struct header original, read_back, h;
	struct forward f = {.reason = {"for your eyes", 13}};
	struct forward_case c = {.header = &h, .original = &read_back, .forward = &f};
	char why[FORWARD_WHY_BYTES];
	struct reader r;
	struct text t;
	unsigned signer;
	uint8_t how;

	prepare();
	reader_init(&r, data, n);
	draw(&original, &r);
	draw(&h, &r);
	how = read_u8(&r);
	signer = how & 0x80 ? how % NODES : (unsigned)index_of(&original.origin);
	n = message_make(message, &original, signer, how);
	must(message_split(&f.message, message, n) == ERR_OK);
	text_init(&t);
	forward_write(&t, &f);
	if (how & 0x40 && t.length)
		t.at[read_u16(&r) % t.length] ^= (char)read_u8(&r);
	if (forward_read(&f, &read_back, (const uint8_t *)t.at, t.length) == ERR_OK) {
		c.then = versions[read_back.topology == 2];
		c.now = versions[h.topology == 2];
		if (forward_well_made(&c, why) && read_back.topology <= VERSIONS &&
		    forward_allowed(&c, why))
			check_allowed(&c, signer);
	}
	text_clear(&t);
	return 0;
}
