/* Handing a content key on. */
#include "keys/handover.h"

#include <sodium.h>
#include <unistd.h>

#include "keys/seal_parts.h"
#include "tests/tap.h"

enum { LARGEST = BODY_MAX_BYTES };

static char folder[] = "/tmp/khabardar-t_handover.XXXXXX";
static struct network_id network = {{1, 2, 3, 4, 5, 6, 7, 8}};
static struct identity *punjab, *kp, *cerc;

static struct identity *made(const char *name)
{
	struct identity *id;
	char path[96];

	snprintf(path, sizeof path, "%s/%s.key", folder, name);
	need(!identity_create(path, name, NULL, NULL));
	need(!identity_open(&id, path, NULL, NULL));
	unlink(path);
	return id;
}

/* From the first to the second. */
static struct letter letter_of(const struct identity *from, const struct identity *to)
{
	const struct identity *both[] = {from, to};
	struct party_id ids[2], author = party_id_of(&network, identity_public(from)->name);
	struct letter l = {0};

	for (size_t i = 0; i < 2; i++) {
		const struct identity_public *public = identity_public(both[i]);
		l.to[i] = (struct addressee){.party = party_id_of(&network, public->name),
					     .number = public->seal_number,
					     .key = public->seal};
		ids[i] = l.to[i].party;
	}
	if (memcmp(l.to[0].party.b, l.to[1].party.b, PARTY_ID_BYTES) > 0) {
		struct addressee first = l.to[0];
		l.to[0] = l.to[1];
		l.to[1] = first;
	}
	l.count = 2;
	l.audience = audience_of(&author, ids, 2, false);
	return l;
}

static struct header header_of(uint8_t kind, const struct identity *from, const struct letter *l)
{
	return (struct header){.kind = kind,
			       .tlp = TLP_AMBER,
			       .topology = 3,
			       .network = network,
			       .origin = party_id_of(&network, identity_public(from)->name),
			       .audience = l->audience,
			       .incarnation = 9,
			       .sequence = 1,
			       .expiry = 482136,
			       .sign_key = 1};
}

/* A message of punjab to kp, and what kp would hand on of it. */
struct sample {
	struct header header;
	struct text bytes;
	uint8_t *data;
	size_t length;
};

static void sample_make(struct sample *s, size_t n, const char *reason)
{
	struct letter l = letter_of(punjab, kp);
	uint8_t encoded[HEADER_MAX_BYTES], signature[SIGNATURE_BYTES] = {1, 2, 3}, *body;
	struct forward f = {.message = {.header = encoded, .signature = signature},
			    .reason = {reason, strlen(reason)}};

	s->header = header_of(KIND_POST, punjab, &l);
	s->data = malloc(n + 1);
	body = malloc(seal_size(KIND_POST, n));
	need(s->data && body);
	randombytes_buf(s->data, n);
	s->length = n;
	need(seal_body(&s->header, &l, s->data, n, body) == ERR_OK);
	need(header_encode(&s->header, encoded, sizeof encoded, &f.message.header_length) ==
	     ERR_OK);
	f.message.body = body;
	f.message.body_length = s->header.body_length;
	text_init(&s->bytes);
	forward_write(&s->bytes, &f);
	free(body);
}

static void sample_clear(struct sample *s)
{
	text_clear(&s->bytes);
	free(s->data);
}

/* kp hands it to cerc; the caller frees the body. */
static struct header handed(const struct text *bytes, uint8_t **body, enum err want)
{
	static struct letter l;
	struct header h;

	l = letter_of(kp, cerc);
	h = header_of(KIND_FORWARD, kp, &l);
	*body = malloc(handover_size(bytes->length));
	need(*body);
	is_int(handover_seal(kp, &h, &l, (uint8_t *)bytes->at, bytes->length, *body), want,
	       "handed on");
	return h;
}

static enum opening opened(const struct identity *id, const struct header *h, const uint8_t *body,
			   struct handover *x)
{
	const char *why;
	enum opening opening = handover_open(x, id, h, body, h->body_length, &why);

	ok(opening != OPENING_DONE || !why, "%s", why ? why : opening_str(opening));
	return opening;
}

static void the_new_reader_has_the_message_and_its_content(void)
{
	static const size_t sizes[] = {0, 1, 1000, LARGEST - 20};
	static struct handover x;
	static struct sample s;
	uint8_t *body;

	for (size_t i = 0; i < 4; i++) {
		sample_make(&s, sizes[i], "because");
		struct header h = handed(&s.bytes, &body, ERR_OK);
		is_int(opened(cerc, &h, body, &x), OPENING_DONE, "%zu bytes", sizes[i]);
		ok(x.data_length == s.length && memcmp(x.data, s.data, s.length) == 0, "the text");
		ok(x.length == s.bytes.length && memcmp(x.bytes, s.bytes.at, x.length) == 0,
		   "header, signature, body and reason");
		is_int(x.forward.reason.length, 7, "the reason among them");
		ok(message_id_equal(&x.original.ref, &s.header.ref) &&
			   x.original.body_length == s.header.body_length,
		   "the header");
		handover_clear(&x);
		is_int(opened(kp, &h, body, &x), OPENING_DONE, "the forwarder opens it, too");
		handover_clear(&x);
		is_int(opened(punjab, &h, body, &x), OPENING_NOT_OURS, "nobody else");
		free(body);
		sample_clear(&s);
	}
}

static void the_largest_that_there_is_can_be_handed_on(void)
{
	ok(handover_size(HEADER_MAX_BYTES + SIGNATURE_BYTES + BODY_MAX_BYTES + REASON_MAX_BYTES) ==
		   FORWARD_BODY_MAX_BYTES,
	   "256 recipients, 1 MiB, the longest reason");
	is_int(handover_size(FORWARD_BODY_MAX_BYTES - 20 - 32), FORWARD_BODY_MAX_BYTES, "the last");
	is_int(handover_size(FORWARD_BODY_MAX_BYTES - 20 - 31), 0, "one more is too much");
	is_int(handover_size(SIZE_MAX), 0, "nothing overflows");
}

static void who_cannot_open_it_cannot_hand_it_on(void)
{
	static struct sample s;
	static struct letter l;
	struct header h;
	uint8_t *body;

	sample_make(&s, 100, "");
	l = letter_of(cerc, punjab);
	h = header_of(KIND_FORWARD, cerc, &l);
	body = malloc(handover_size(s.bytes.length));
	need(body);
	is_int(handover_seal(cerc, &h, &l, (uint8_t *)s.bytes.at, s.bytes.length, body),
	       ERR_NOT_ALLOWED, "not sealed to it");
	is_int(handover_seal(kp, &h, &l, (uint8_t *)s.bytes.at, 100, body), ERR_TRUNCATED,
	       "nor is half a message");
	free(body);
	sample_clear(&s);
}

static void the_content_key_stays_inside(void)
{
	static struct handover x;
	static struct sample s;
	uint8_t key[CONTENT_KEY_BYTES], *body;
	struct header h;

	sample_make(&s, 5000, "because");
	need(seal_find_key(key, kp, &s.header) == OPENING_DONE);
	h = handed(&s.bytes, &body, ERR_OK);
	ok(!memmem(body, h.body_length, key, sizeof key), "it is not in the forward in clear");
	need(opened(cerc, &h, body, &x) == OPENING_DONE);
	ok(!memmem(x.bytes, x.length, key, sizeof key), "nor in what comes out");
	ok(!memmem(x.bytes + x.length, CONTENT_KEY_BYTES, key, sizeof key), "nor behind it");
	handover_clear(&x);
	free(body);
	sample_clear(&s);
}

/* A forward whose data somebody made by hand. */
static const char *why_not(const void *data, size_t n)
{
	static struct letter l;
	static struct handover x;
	const char *why = "opened";
	uint8_t *body = malloc(seal_size(KIND_FORWARD, n));
	struct header h;
	enum opening opening;

	l = letter_of(kp, cerc);
	h = header_of(KIND_FORWARD, kp, &l);
	need(body && seal_body(&h, &l, data, n, body) == ERR_OK);
	opening = handover_open(&x, cerc, &h, body, h.body_length, &why);
	need((opening == OPENING_DONE) == !why);
	need(opening == OPENING_DONE || opening == OPENING_BODY_BAD);
	handover_clear(&x);
	free(body);
	return why ? why : "opened";
}

static void what_was_tampered_with_does_not_open(void)
{
	static struct sample s;
	uint8_t data[4096], key[CONTENT_KEY_BYTES];
	size_t n, taken = 0;

	sample_make(&s, 100, "");
	need(seal_find_key(key, kp, &s.header) == OPENING_DONE);
	memcpy(data, key, sizeof key);
	memcpy(data + sizeof key, s.bytes.at, s.bytes.length);
	n = sizeof key + s.bytes.length;
	is_str(why_not(data, n), "opened", "as it should be");
	is_str(why_not(data, 0), "what it hands on is no whole message", "nothing");
	for (size_t i = 0; i < n; i++)
		taken += strcmp(why_not(data, i), "opened") == 0;
	is_int(taken, 0, "no cut of it opens");
	for (size_t i = 0; i < 8 * sizeof key; i++) {
		data[i / 8] ^= (uint8_t)(1 << i % 8);
		taken += strcmp(why_not(data, n),
				"the key that it hands on is not that of its message") != 0;
		data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	is_int(taken, 0, "with no other key");
	for (size_t i = 8 * (n - 256); i < 8 * n; i += 3) {
		data[i / 8] ^= (uint8_t)(1 << i % 8);
		taken += strcmp(why_not(data, n),
				"what it hands on is not sealed as it should be") != 0;
		data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	is_int(taken, 0, "nor with another body");
	sample_clear(&s);
}

int main(void)
{
	need(sodium_init() >= 0 && mkdtemp(folder));
	punjab = made("punjab");
	kp = made("kp");
	cerc = made("kp-cerc");
	rmdir(folder);
	RUN(the_new_reader_has_the_message_and_its_content);
	RUN(the_largest_that_there_is_can_be_handed_on);
	RUN(who_cannot_open_it_cannot_hand_it_on);
	RUN(the_content_key_stays_inside);
	RUN(what_was_tampered_with_does_not_open);
	identity_free(punjab);
	identity_free(kp);
	identity_free(cerc);
	return tap_done();
}
