/* What the council signs.  No fuzzer guesses a signature, so it is given the council: the first
 * byte says what the text is for, the second who signs it, the rest is the text, in which @N and
 * @H become network and hash of the version held. */
#include "protocol/chain.h"
#include "protocol/council.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"

enum { MEMBERS = 3, THRESHOLD = 2, TEXT_MAX = 16 << 10 };
/* Bits of the second byte; the lowest three are the members. */
enum { TWICE = 8, OLD_WAY = 16, STRANGER = 32 };

static struct chain chain;

static const struct topology *held(void)
{
	return chain_newest(&chain);
}

static void prepare(void)
{
	struct writing w = {0};
	char key[65];

	if (chain.count)
		return;
	put(&w, "federation\n    name = Fuzz\n    version = 1\n    expires = 2037-12-31\n");
	put_council(&w, THRESHOLD, MEMBERS);
	put(&w, "    suspension = 1\nnode\n    national\n");
	put_keys(&w, "national");
	put(&w, "    punjab\n        reports-to = government\n        void = 00000000000000aa\n");
	put(&w, "        link = %s\n        sign\n", key_text(key, "link", "punjab"));
	put(&w, "            1 = \"%s revoked\"\n", key_text(key, "sign", "old"));
	put(&w, "            2 = %s\n        seal\n", key_text(key, "sign", "punjab"));
	put(&w, "            1 = %s\n", key_text(key, "seal", "punjab"));
	put(&w, "role\n    government\n        reports-to = national\n        holders = "
		"national\n");
	put(&w, "        seal\n            1 = \"%s\"\n", key_text(key, "seal", "government"));
	chain_init(&chain);
	must(chain_add(&chain, parse_or_bail(w.at)) == ERR_OK);
	free(w.at);
}

static void put_bytes(struct writing *w, const void *bytes, size_t n)
{
	while (w->size < w->length + n + 1) {
		w->size = 2 * w->size + n + 1;
		w->at = realloc(w->at, w->size);
		must(w->at);
	}
	memcpy(w->at + w->length, bytes, n);
	w->length += n;
	w->at[w->length] = '\0';
}

static void put_text(struct writing *w, const uint8_t *data, size_t n)
{
	char hex[65];

	put_bytes(w, "", 0);
	for (size_t i = 0; i < n; i++) {
		uint8_t next = data[i] == '@' && i + 1 < n ? data[i + 1] : 0;
		if (next == 'N')
			put(w, "%s", hex_encode(hex, held()->network.b, NETWORK_ID_BYTES));
		else if (next == 'H')
			put(w, "%s", hex_encode(hex, held()->hash.b, HASH_BYTES));
		else
			put_bytes(w, data + i, 1);
		i += next == 'N' || next == 'H';
	}
}

static void sign(struct writing *w, uint8_t who)
{
	size_t n = w->length;
	char member[16];

	for (unsigned i = 0; i < MEMBERS; i++) {
		if (!(who & 1u << i))
			continue;
		snprintf(member, sizeof member, "member%u", i);
		put_signature(w, member, n, i == 1 && who & OLD_WAY ? "Ed" : "ED");
	}
	if (who & TWICE)
		put_signature(w, "member0", n, "ED");
	if (who & STRANGER)
		put_signature(w, "member9", n, "ED");
}

/* SPEC 4.7: a key counts once, a legacy signature and a stranger's not at all. */
static unsigned good_signatures(uint8_t who)
{
	bool first = who & (1 | TWICE), second = who & 2 && !(who & OLD_WAY), third = who & 4;

	return (unsigned)first + second + third;
}

static void check_party(const struct party *old, const struct party *new)
{
	must(new &&new->kind == old->kind);
	for (size_t i = 0; i < old->sign_key_count; i++) {
		const struct sign_key *was = &old->sign_keys[i],
				      *is = party_sign_key(new, was->number);
		must(is && memcmp(is->key, was->key, SIGN_KEY_BYTES) == 0);
		must(is->revoked || !was->revoked);
	}
	for (size_t i = 0; i < old->void_count; i++) {
		bool there = false;
		for (size_t k = 0; k < new->void_count; k++)
			there |= new->voids[k] == old->voids[i];
		must(there);
	}
}

static void follow(const struct writing *file, unsigned good, struct report *report)
{
	const struct topology *now = held();
	struct topology *next;
	enum err e = council_follow(&next, now, file->at, file->length, report);

	must((e == ERR_OK) == (next != NULL) && (e == ERR_OK || report->total > 0));
	must(e != ERR_OK || good >= THRESHOLD);
	if (!next)
		return;
	must(good >= next->council.threshold);
	must(next->version == 2 && memcmp(&next->network, &now->network, sizeof now->network) == 0);
	for (size_t i = 0; i < now->party_count; i++)
		check_party(&now->parties[i], topology_party(next, now->parties[i].name));
	topology_free(next);
}

static void suspend(const struct writing *file, unsigned good, struct report *report)
{
	struct suspension *first, *again;
	enum err e;

	must(council_count(&held()->council, file->at, file->length, NULL) == good);
	e = suspension_take(&first, &chain, NULL, file->at, file->length, report);

	must((e == ERR_OK) == (first != NULL));
	must(e != ERR_OK || good >= held()->council.suspension);
	if (!first)
		return;
	for (size_t i = 0; i < first->count; i++) {
		const struct suspended *s = &first->list[i];
		must(topology_party(held(), s->name));
		must(suspension_of_node(first, &s->id, first->from) == (s->key_count == 0));
		must(s->key_count == 0 ||
		     suspension_of_key(first, &s->id, s->keys[0], first->from));
		must(!suspension_of_node(first, &s->id, first->until));
	}
	must(suspension_take(&again, &chain, first, file->at, file->length, NULL) == ERR_EXISTS);
	must(!again);
	suspension_free(first);
}

/* A version 2 that names the text as the one before. */
static void precede(const struct writing *file, struct report *report)
{
	struct hash hash = hash_of(file->at, council_text_length(file->at, file->length));
	struct topology *oldest, *before;
	struct writing w = {0};
	char network[2 * NETWORK_ID_BYTES + 1], previous[65];

	put(&w,
	    "federation\n    name = Fuzz\n    version = 2\n    expires = 2037-12-31\n"
	    "    network = %s\n    previous = %s\n",
	    hex_encode(network, hash.b, NETWORK_ID_BYTES),
	    hex_encode(previous, hash.b, HASH_BYTES));
	put_council(&w, THRESHOLD, MEMBERS);
	put(&w, "node\n    national\n");
	put_keys(&w, "national");
	oldest = parse_or_bail(w.at);
	if (council_precede(&before, oldest, file->at, file->length, report) == ERR_OK) {
		must(before->version == 1 && hash_equal(&before->hash, &hash));
		topology_free(before);
	}
	if (council_open(&before, file->at, file->length, &hash, report) == ERR_OK)
		topology_free(before);
	topology_free(oldest);
	free(w.at);
}

unsigned fuzz_cost(void)
{
	return 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct writing file = {0};
	struct report report;
	unsigned good;
	size_t length;

	if (n < 2 || n > TEXT_MAX)
		return 0;
	prepare();
	report_init(&report);
	put_text(&file, data + 2, n - 2);
	length = file.length;
	sign(&file, data[1]);
	good = good_signatures(data[1]);
	/* A text with signatures of its own has other ones. */
	if (council_text_length(file.at, file.length) == length) {
		if (data[0] % 3 == 0)
			follow(&file, good, &report);
		else if (data[0] % 3 == 1)
			suspend(&file, good, &report);
	}
	if (data[0] % 3 == 2)
		precede(&file, &report);
	report_clear(&report);
	free(file.at);
	return 0;
}
