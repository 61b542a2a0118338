/* What a forward hands on: its bytes, and who may hand what to whom. */
#include "protocol/forward.h"

#include "tests/protocol/federation.h"

enum { EXPIRY = 482136 };

static struct topology *now, *then; /* two copies of version 2: ids are of the network */

/* National above kp and punjab, kp above kp-cerc; national holds government, to which punjab
 * reports.  more is appended to each node's entry that it names. */
static char *text_of(unsigned version, const char *name, const char *more)
{
	static const struct {
		const char *name, *above;
	} nodes[] = {{"national", NULL},
		     {"kp", "national"},
		     {"kp-cerc", "kp"},
		     {"punjab", "government"}};
	struct writing w = {0};

	put(&w, "federation\n    name = Test\n    version = %u\n    expires = 2027-12-31\n",
	    version);
	if (version > 1)
		put(&w, "    network = 0102030405060708\n    previous = "
			"0102030405060708010203040506070801020304050607080102030405060708\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		put(&w, "    %s\n", nodes[i].name);
		if (nodes[i].above)
			put(&w, "        reports-to = %s\n", nodes[i].above);
		if (name && strcmp(name, nodes[i].name) == 0)
			put(&w, "%s", more);
		else
			put_keys(&w, nodes[i].name);
	}
	put(&w,
	    "role\n    government\n        reports-to = national\n"
	    "        holders = national\n        seal\n            1 = \"%s\"\n",
	    key_text((char[65]){0}, "seal", "government"));
	return w.at;
}

static struct topology *topology_of(unsigned version, const char *name, const char *more)
{
	char *text = text_of(version, name, more);
	struct topology *t = parse_or_bail(text);

	free(text);
	return t;
}

/* ---- a forward: punjab's message to national and kp, handed by one of them to others ---- */

static const uint8_t body[300] = {7, 8, 9};

struct sample {
	struct header original, header;
	uint8_t encoded[HEADER_MAX_BYTES], signature[SIGNATURE_BYTES];
	struct forward forward;
	struct forward_case c;
};

static struct party_id id_of(const char *name)
{
	return topology_party(now, name)->id;
}

/* Ascending, and the audience with them. */
static void address(struct header *h, const char *const *names)
{
	struct party_id ids[8];
	size_t n = 0;

	h->recipient_count = 0;
	for (; names[n]; n++) {
		struct recipient r = {.party = id_of(names[n]), .key = 1};
		size_t at = h->recipient_count++;
		for (;
		     at > 0 && memcmp(h->recipients[at - 1].party.b, r.party.b, PARTY_ID_BYTES) > 0;
		     at--)
			h->recipients[at] = h->recipients[at - 1];
		h->recipients[at] = r;
		ids[n] = r.party;
	}
	h->audience = audience_of(&h->origin, ids, n, false);
}

static struct header header_of(uint8_t kind, const char *origin, const char *const *to)
{
	struct header h = {.kind = kind,
			   .tlp = TLP_AMBER,
			   .flags = FLAG_SEALED,
			   .topology = 2,
			   .network = now->network,
			   .origin = id_of(origin),
			   .incarnation = 9,
			   .sequence = 1,
			   .expiry = EXPIRY,
			   .body_length = sizeof body,
			   .body_hash = hash_of(body, sizeof body),
			   .commitment = {1},
			   .sign_key = 1};

	address(&h, to);
	return h;
}

/* Signs the original anew with the key of that name, and refers to it. */
static void sign(struct sample *s, const char *name)
{
	uint8_t seed[32], public[32], secret[64], over[SIGNED_BYTES];
	char full[80];
	size_t n;
	struct message_id id;

	need(header_encode(&s->original, s->encoded, sizeof s->encoded, &n) == ERR_OK);
	id = message_id_of(s->encoded, n);
	snprintf(full, sizeof full, "sign %s", name);
	seed_of(seed, full);
	crypto_sign_seed_keypair(public, secret, seed);
	message_signed_bytes(over, &id);
	crypto_sign_detached(s->signature, NULL, over, sizeof over, secret);
	s->header.ref = id;
	s->forward.message.header_length = n;
}

static struct sample *sample_of(const char *forwarder, const char *const *to)
{
	static const char *const first[] = {"punjab", "national", "kp", NULL};
	struct sample *s = calloc(1, sizeof *s);

	need(s);
	s->original = header_of(KIND_POST, "punjab", first);
	s->original.topology = 1;
	s->header = header_of(KIND_FORWARD, forwarder, to);
	s->forward = (struct forward){
		.message = {.header = s->encoded,
			    .signature = s->signature,
			    .body = body,
			    .body_length = sizeof body},
		.reason = {"they are next", 13},
	};
	s->c = (struct forward_case){&s->header, &s->original, &s->forward, then, now};
	sign(s, "punjab");
	return s;
}

static struct sample *good(void)
{
	static const char *const to[] = {"kp", "kp-cerc", NULL};

	return sample_of("kp", to);
}

static bool judged(const struct sample *s, char why[FORWARD_WHY_BYTES])
{
	why[0] = '\0';
	return forward_well_made(&s->c, why) && forward_allowed(&s->c, why);
}

/* It is refused with words like these; frees it. */
static void refused(struct sample *s, const char *words)
{
	char why[FORWARD_WHY_BYTES];

	ok(!judged(s, why) && strstr(why, words), "%s", words);
	if (!strstr(why, words))
		printf("# got \"%s\"\n", why);
	free(s);
}

static void accepted(struct sample *s, const char *what)
{
	char why[FORWARD_WHY_BYTES];

	ok(judged(s, why), "%s", what);
	if (why[0])
		printf("# %s\n", why);
	free(s);
}

/* ---- rules ---- */

static void amber_goes_down_and_no_further(void)
{
	static const char *const down[] = {"kp", "kp-cerc", NULL};
	static const char *const up[] = {"kp", "national", NULL};
	static const char *const both[] = {"kp", "kp-cerc", "national", NULL};
	static const char *const beside[] = {"kp", "government", NULL};
	static const char *const role[] = {"national", "punjab", NULL};
	static const char *const far[] = {"national", "kp-cerc", NULL};

	accepted(sample_of("kp", down), "to who is below");
	accepted(sample_of("national", far), "and further below");
	accepted(sample_of("national", role), "or below a role that it holds");
	refused(sample_of("kp", up), "national is not");
	refused(sample_of("kp", both), "TLP:amber goes on only to parties below kp");
	refused(sample_of("kp", beside), "government is not");
}

static void clear_and_green_go_to_any_party(void)
{
	static const char *const up[] = {"kp", "national", "kp-cerc", "government", NULL};

	for (uint8_t tlp = TLP_CLEAR; tlp <= TLP_GREEN; tlp++) {
		struct sample *s = sample_of("kp", up);
		s->original.tlp = s->header.tlp = tlp;
		sign(s, "punjab");
		accepted(s, tlp_str((enum tlp)tlp));
	}
}

static void what_is_stricter_or_marked_goes_nowhere(void)
{
	static const char *const words[] = {"AMBER+STRICT, which is never", "RED, which is never"};
	struct sample *s;

	for (uint8_t tlp = TLP_AMBER_STRICT; tlp <= TLP_RED; tlp++) {
		s = good();
		s->original.tlp = s->header.tlp = tlp;
		sign(s, "punjab");
		refused(s, words[tlp - TLP_AMBER_STRICT]);
	}
	s = good();
	s->original.flags |= FLAG_NO_FORWARD;
	sign(s, "punjab");
	refused(s, "marked no-forward");
	s = good();
	s->original.flags |= FLAG_DIRECT;
	address(&s->original, (const char *const[]){"punjab", "kp", NULL});
	s->original.audience =
		audience_of(&s->original.origin, (struct party_id[]){id_of("kp")}, 1, true);
	sign(s, "punjab");
	accepted(s, "that it came directly does not matter");
}

static void only_posts_are_handed_on(void)
{
	for (unsigned kind = 1; kind < 256; kind += kind < 9 ? 1 : 61) {
		struct sample *s = good();
		s->original.kind = (uint8_t)kind;
		sign(s, "punjab");
		if (kind == KIND_POST)
			accepted(s, "a post");
		else
			refused(s, kind == KIND_FORWARD ? "a forward itself" : "no post");
	}
}

static void tlp_and_expiry_are_the_originals(void)
{
	struct sample *s;

	for (uint8_t tlp = 0; tlp < TLP_COUNT; tlp++) {
		if (tlp == TLP_AMBER)
			continue;
		s = good();
		s->header.tlp = tlp;
		refused(s, "TLP and the expiry");
	}
	for (int by = -1; by <= 1; by += 2) {
		s = good();
		s->header.expiry = (uint32_t)(EXPIRY + by);
		refused(s, "TLP and the expiry");
	}
}

/* Relays see it, so nothing may depend on it. */
static void what_it_refers_to_decides_nothing(void)
{
	struct sample *s = good();

	s->header.ref.b[31] ^= 1;
	accepted(s, "another message");
	s = good();
	memset(&s->header.ref, 0, sizeof s->header.ref);
	accepted(s, "none");
}

static void both_are_sealed(void)
{
	struct sample *s = good();

	s->header.flags = 0;
	refused(s, "not sealed");
	s = good();
	s->original.flags = 0;
	s->original.recipient_count = 0;
	memset(s->original.commitment, 0, sizeof s->original.commitment);
	s->original.audience = audience_all();
	s->original.tlp = s->header.tlp = TLP_GREEN;
	sign(s, "punjab");
	refused(s, "for everyone");
}

static void the_original_is_a_proper_message_of_its_author(void)
{
	struct sample *s = good();

	s->forward.message.body_length--;
	refused(s, "another body");
	s = good();
	s->signature[5] ^= 1;
	refused(s, "not signed by its author");
	s = good();
	sign(s, "kp");
	refused(s, "not signed by its author");
	s = good();
	s->original.sign_key = 2;
	sign(s, "punjab");
	refused(s, "not signed by its author");
	s = good();
	s->original.origin = party_id_of(&now->network, "nobody");
	address(&s->original, (const char *const[]){"national", "kp", NULL});
	s->original.recipients[0].party = s->original.origin;
	refused((sign(s, "punjab"), s), "no proper message");
	s = good();
	s->original.audience.b[0] ^= 1;
	sign(s, "punjab");
	refused(s, "no proper message");
	s = good();
	s->original.network.b[0] ^= 1;
	sign(s, "punjab");
	refused(s, "another federation");
	s = good();
	s->original.topology = 3;
	sign(s, "punjab");
	refused(s, "later topology version");
}

static void who_was_not_sent_it_cannot_hand_it_on(void)
{
	static const char *const to[] = {"kp-cerc", "kp", NULL};
	struct sample *s = sample_of("kp-cerc", to);

	s->original.tlp = s->header.tlp = TLP_GREEN;
	sign(s, "punjab");
	refused(s, "kp-cerc hands on what was not sent to it");
	s = sample_of("punjab", (const char *const[]){"punjab", "kp-cerc", NULL});
	s->original.tlp = s->header.tlp = TLP_GREEN;
	sign(s, "punjab");
	refused(s, "punjab hands on what was not sent to it");
}

static void who_holds_a_role_hands_on_what_was_for_it(void)
{
	struct sample *s = sample_of("national", (const char *const[]){"national", "kp", NULL});

	address(&s->original, (const char *const[]){"punjab", "government", NULL});
	sign(s, "punjab");
	accepted(s, "national holds government");
	s = good();
	address(&s->original, (const char *const[]){"punjab", "government", NULL});
	sign(s, "punjab");
	refused(s, "kp hands on what was not sent to it");
}

static void a_reader_that_nobody_knows_is_refused(void)
{
	struct sample *s = good();

	s->header.recipients[0].party = party_id_of(&now->network, "nobody");
	s->header.recipients[1].party = id_of("kp");
	refused(s, "a party that nobody knows");
}

/* What the version of the forward says of the author counts, too. */
static void an_author_that_is_gone_is_not_handed_on(void)
{
	char more[400], key[65];
	struct topology *t;
	struct sample *s;
	static const char *const words[] = {"was revoked", "void", "void", "had left"};

	for (size_t i = 0; i < 4; i++) {
		snprintf(more, sizeof more,
			 "%s%s        link = \"%s\"\n        sign\n            1 = \"%s%s\"\n",
			 i == 3 ? "        left = 2026-01-01\n" : "",
			 i == 2 ? "        void = 0000000000000009\n" : "",
			 key_text((char[65]){0}, "link", "punjab"), key_text(key, "sign", "punjab"),
			 i == 0   ? " revoked"
			 : i == 1 ? " void"
				  : "");
		snprintf(more + strlen(more), sizeof more - strlen(more),
			 "        seal\n            1 = \"%s\"\n",
			 key_text((char[65]){0}, "seal", "punjab"));
		t = topology_of(2, "punjab", more);
		s = good();
		s->c.now = t;
		if (i == 1)
			refused(s, "was revoked");
		else
			refused(s, words[i]);
		topology_free(t);
	}
}

/* ---- bytes ---- */

static struct text bytes_of(const struct sample *s)
{
	struct text t;

	text_init(&t);
	forward_write(&t, &s->forward);
	need(!t.bad);
	return t;
}

static void what_is_written_is_read(void)
{
	struct sample *s = good();
	struct text t = bytes_of(s);
	static struct header original;
	struct forward f;

	is_int(t.length, header_size(&s->original) + SIGNATURE_BYTES + sizeof body + 13,
	       "nothing between");
	is_int(forward_read(&f, &original, (uint8_t *)t.at, t.length), ERR_OK, "it is read");
	ok(f.message.header_length == header_size(&s->original) &&
		   memcmp(f.message.header, s->encoded, f.message.header_length) == 0,
	   "the header");
	ok(memcmp(f.message.signature, s->signature, SIGNATURE_BYTES) == 0, "the signature");
	ok(f.message.body_length == sizeof body && memcmp(f.message.body, body, sizeof body) == 0,
	   "the body");
	ok(f.reason.length == 13 && memcmp(f.reason.at, "they are next", 13) == 0, "the reason");
	is_int(forward_read(&f, &original, (uint8_t *)t.at, t.length - 13), ERR_OK,
	       "without a reason");
	is_int(f.reason.length, 0, "there is none");
	text_clear(&t);
	free(s);
}

/* Copied to where it ends, so that one byte too far is seen. */
static enum err read_exactly(const char *at, size_t n)
{
	static struct header original;
	struct forward f;
	uint8_t *copy = malloc(n + !n);
	enum err e;

	need(copy);
	memcpy(copy, at, n);
	e = forward_read(&f, &original, copy, n);
	free(copy);
	return e;
}

static void every_cut_before_the_reason_is_seen(void)
{
	struct sample *s = good();
	struct text t = bytes_of(s);
	bool all = true;

	for (size_t n = 0; n < t.length - 13; n++)
		all = all && read_exactly(t.at, n) == ERR_TRUNCATED;
	ok(all, "each is ERR_TRUNCATED");
	text_clear(&t);
	free(s);
}

static void every_flipped_bit_is_refused_or_another_message(void)
{
	struct sample *s = good();
	struct text t = bytes_of(s);
	size_t taken = 0, bits = 8 * (t.length - 13);
	char why[FORWARD_WHY_BYTES];

	for (size_t i = 0; i < bits; i++) {
		t.at[i / 8] ^= (char)(1 << i % 8);
		if (forward_read(&s->forward, &s->original, (uint8_t *)t.at, t.length) == ERR_OK)
			taken += judged(s, why);
		t.at[i / 8] ^= (char)(1 << i % 8);
	}
	is_int(taken, 0, "none of %zu is accepted", bits);
	text_clear(&t);
	free(s);
}

static void a_reason_is_a_line_of_text(void)
{
	static char longest[REASON_MAX_BYTES + 2];
	struct sample *s = good();
	struct text t;

	memset(longest, 'x', REASON_MAX_BYTES + 1);
	ok(reason_valid(longest, REASON_MAX_BYTES), "the longest");
	ok(!reason_valid(longest, REASON_MAX_BYTES + 1), "one byte more");
	ok(reason_valid("", 0), "none at all");
	ok(reason_valid("خبردار: \"quoted\"", strlen("خبردار: \"quoted\"")), "in any script");
	ok(!reason_valid("two\nlines", 9) && !reason_valid("a\0b", 3) && !reason_valid("\x7f", 1),
	   "no control characters");
	ok(!reason_valid("\xc0\xaf", 2) && !reason_valid("\xd8", 1), "nothing but UTF-8");
	s->forward.reason = (struct slice){longest, REASON_MAX_BYTES + 1};
	t = bytes_of(s);
	is_int(read_exactly(t.at, t.length), ERR_LIMIT, "what follows is too long for one");
	is_int(read_exactly(t.at, t.length - 1), ERR_OK, "or not");
	t.at[t.length - 2] = '\n';
	is_int(read_exactly(t.at, t.length - 1), ERR_FORMAT, "or none");
	text_clear(&t);
	free(s);
}

int main(void)
{
	need(sodium_init() >= 0);
	then = topology_of(2, NULL, NULL);
	now = topology_of(2, NULL, NULL);
	RUN(amber_goes_down_and_no_further);
	RUN(clear_and_green_go_to_any_party);
	RUN(what_is_stricter_or_marked_goes_nowhere);
	RUN(only_posts_are_handed_on);
	RUN(tlp_and_expiry_are_the_originals);
	RUN(what_it_refers_to_decides_nothing);
	RUN(both_are_sealed);
	RUN(the_original_is_a_proper_message_of_its_author);
	RUN(who_was_not_sent_it_cannot_hand_it_on);
	RUN(who_holds_a_role_hands_on_what_was_for_it);
	RUN(a_reader_that_nobody_knows_is_refused);
	RUN(an_author_that_is_gone_is_not_handed_on);
	RUN(what_is_written_is_read);
	RUN(every_cut_before_the_reason_is_seen);
	RUN(every_flipped_bit_is_refused_or_another_message);
	RUN(a_reason_is_a_line_of_text);
	topology_free(then);
	topology_free(now);
	return tap_done();
}
