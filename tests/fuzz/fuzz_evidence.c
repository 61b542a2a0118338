/* Two headers that have to do with each other: the input draws them, who signs them, and what is
 * changed afterwards.  Whatever is proven against a node is proven by two messages that it has
 * signed; what takes back, or says again, is its author's. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/evidence.h"
#include "protocol/recall.h"
#include "protocol/receipt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"

enum { NODES = 3, STRANGER = NODES };

/* How one of the two came about. */
struct drawn {
	struct header header;
	bool genuine; /* signed by its origin with a key that the topology has, and not changed */
};

static struct topology *topology;
static struct party_id ids[NODES + 1];
static uint8_t secrets[NODES + 1][64];

static void prepare(void)
{
	struct writing w = {0};

	if (topology)
		return;
	put(&w, "federation\n    name = Fuzz\n    version = 1\n    expires = 2040-01-01\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = 0; i <= NODES; i++) {
		char name[8], salted[16];
		uint8_t seed[32], public[32];
		snprintf(name, sizeof name, "n%u", i);
		snprintf(salted, sizeof salted, "sign %s", name);
		seed_of(seed, salted);
		crypto_sign_seed_keypair(public, secrets[i], seed);
		if (i == STRANGER)
			continue;
		put(&w, "    %s\n%s", name, i ? "        reports-to = n0\n" : "");
		put_keys(&w, name);
	}
	topology = parse_or_bail(w.at);
	free(w.at);
	for (unsigned i = 0; i <= NODES; i++) {
		char name[8];
		snprintf(name, sizeof name, "n%u", i);
		ids[i] = party_id_of(&topology->network, name);
	}
}

/* Mostly the same place, so that little has to be guessed. */
static void draw(struct header *h, struct reader *r)
{
	uint8_t what = read_u8(r), more = read_u8(r);

	*h = (struct header){.kind = more & 1 ? KIND_RECALL : KIND_POST,
			     .tlp = more & 2 ? TLP_AMBER : TLP_GREEN,
			     .priority = more >> 6,
			     .topology = 1,
			     .network = topology->network,
			     .origin = ids[what % (NODES + 1)],
			     .audience = audience_all(),
			     .incarnation = what & 4 ? 2 : 1,
			     .sequence = what & 8 ? 2 : 1,
			     .created = read_u8(r),
			     .expiry = 500000 + (more >> 2 & 1),
			     .sign_key = what & 16 ? 2 : 1};
	if (what & 32) {
		h->flags = FLAG_SEALED;
		h->commitment[0] = 1;
		h->audience = audience_of(&h->origin, &ids[0], 1, false);
		h->recipient_count = 1;
		h->recipients[0] = (struct recipient){.party = ids[0], .key = 1};
	}
	if (what & 32 && more & 8) {
		size_t own = memcmp(ids[0].b, ids[1].b, PARTY_ID_BYTES) < 0;
		h->recipients[h->recipient_count++] = h->recipients[0];
		h->recipients[own].party = ids[1];
	}
	if (what & 64)
		h->audience.b[0] ^= 1;
	if (what & 128)
		h->network.b[0] ^= 1;
}

static void make(struct drawn *d, struct evidence_part *part, struct reader *r)
{
	uint8_t signer, where, change, bytes[SIGNED_BYTES];
	struct message_id id;
	size_t i = 0;

	draw(&d->header, r);
	signer = read_u8(r);
	where = read_u8(r);
	change = read_u8(r);
	must(header_encode(&d->header, part->header, sizeof part->header, &part->length) == ERR_OK);
	while (i < STRANGER && !party_id_equal(&d->header.origin, &ids[i]))
		i++;
	signer = signer < 128 ? (uint8_t)i : signer % (NODES + 1);
	id = message_id_of(part->header, part->length);
	message_signed_bytes(bytes, &id);
	crypto_sign_detached(part->signature, NULL, bytes, sizeof bytes, secrets[signer]);
	d->genuine = signer == i && i < NODES && d->header.sign_key == 1 && change == 0 &&
		     header_audience_valid(&d->header) &&
		     memcmp(d->header.network.b, topology->network.b, NETWORK_ID_BYTES) == 0;
	if (where & 1)
		part->header[where / 2 % part->length] ^= change;
	else
		part->signature[where / 2 % SIGNATURE_BYTES] ^= change;
}

static bool same_place(const struct header *a, const struct header *b)
{
	return party_id_equal(&a->origin, &b->origin) && a->incarnation == b->incarnation &&
	       a->sequence == b->sequence &&
	       memcmp(a->audience.b, b->audience.b, AUDIENCE_ID_BYTES) == 0;
}

/* The second, as if it answered the first. */
static void relate(const struct header *first, struct header *second)
{
	struct message_id id = {{7}};

	must(!recall_applies(second, first, &id) && !is_reseal(second, first, &id));
	second->ref = id;
	must(recall_applies(second, first, &id) ==
	     (second->kind == KIND_RECALL && first->kind == KIND_POST &&
	      party_id_equal(&first->origin, &second->origin) &&
	      memcmp(first->audience.b, second->audience.b, AUDIENCE_ID_BYTES) == 0 &&
	      second->expiry >= first->expiry));
	if (is_reseal(second, first, &id))
		must(party_id_equal(&first->origin, &second->origin) && first->tlp == second->tlp &&
		     first->expiry == second->expiry && second->recipient_count == 2 &&
		     first->recipient_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct drawn a, b;
	static struct evidence e, again;
	static struct header h;
	struct message_id which[2];
	struct report report;
	struct reader r;
	struct text t;
	bool differ;

	prepare();
	reader_init(&r, data, n);
	make(&a, &e.parts[0], &r);
	make(&b, &e.parts[1], &r);
	text_init(&t);
	evidence_write(&t, &e, "n1");
	must(!t.bad && t.length <= EVIDENCE_TEXT_MAX_BYTES && evidence_likely(t.at, t.length));
	must(evidence_read(&again, t.at, t.length, NULL) == ERR_OK);
	text_clear(&t);
	differ = e.parts[0].length != e.parts[1].length ||
		 memcmp(e.parts[0].header, e.parts[1].header, e.parts[0].length) != 0;
	report_init(&report);
	must((evidence_check(&again, topology, &h, which, &report) == ERR_OK) ==
	     (a.genuine && b.genuine && differ && same_place(&a.header, &b.header)));
	report_clear(&report);
	relate(&a.header, &b.header);
	return 0;
}
