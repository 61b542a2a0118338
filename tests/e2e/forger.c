/* A member of the federation that has read a message and passes it on as it must not: writes one
 * forward, sealed and signed with the keys of a home, to standard output.
 *
 *     forger HOME HOW ORIGINAL READER
 *
 * ORIGINAL is what `khabar show --raw` wrote of a message that the home can open, or of a forward
 * of it.  The attacker pushes what comes out. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/handover.h"
#include "keys/seal_parts.h"
#include "node/loop.h"
#include "protocol/council.h"

static struct identity *identity;
static struct topology *topology;
static const struct party *self, *reader;

static struct {
	uint8_t *raw; /* what was read */
	struct message_view message;
	struct header header;
	uint8_t key[CONTENT_KEY_BYTES];
} original;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "forger: %s\n", what);
	exit(1);
}

static uint8_t *slurp(const char *path, size_t *n)
{
	FILE *in = fopen(path, "rb");
	uint8_t *bytes = malloc(MESSAGE_MAX_BYTES);

	if (!in || !bytes)
		die(path);
	*n = fread(bytes, 1, MESSAGE_MAX_BYTES, in);
	fclose(in);
	return bytes;
}

static void home_open(const char *home, const char *to)
{
	char path[4096];
	uint8_t *file;
	size_t n;

	snprintf(path, sizeof path, "%s/node.key", home);
	if (identity_open(&identity, path, NULL, NULL))
		die(path);
	snprintf(path, sizeof path, "%s/topology.signed", home);
	file = slurp(path, &n);
	if (topology_parse(&topology, (char *)file, council_text_length((char *)file, n), NULL))
		die(path);
	free(file);
	self = topology_party(topology, identity_public(identity)->name);
	reader = topology_party(topology, to);
	if (!self || !reader)
		die("no such party");
}

/* Of a forward, what is in it; a forward itself stays one where that is what is wanted. */
static void original_read(const char *path, bool nested)
{
	size_t n, length;
	uint8_t *data;

	original.raw = slurp(path, &n);
	if (message_split(&original.message, original.raw, n) ||
	    header_decode(&original.header, original.message.header,
			  original.message.header_length))
		die("no message");
	if (original.header.kind != KIND_FORWARD || nested) {
		if (seal_find_key(original.key, identity, &original.header) != OPENING_DONE)
			die("not sealed to this home");
		return;
	}
	data = malloc(original.message.body_length);
	if (!data || seal_open(identity, &original.header, original.message.body,
			       original.message.body_length, data, &length) != OPENING_DONE)
		die("a forward that cannot be opened");
	memcpy(original.key, data, sizeof original.key);
	memcpy(original.raw, data + sizeof original.key, length - sizeof original.key);
	n = header_peek_length(original.raw, length);
	if (header_decode(&original.header, original.raw, n))
		die("no message in the forward");
	original.message = (struct message_view){.header = original.raw,
						 .header_length = n,
						 .signature = original.raw + n,
						 .body = original.raw + n + SIGNATURE_BYTES,
						 .body_length = original.header.body_length};
	free(data);
}

static struct letter *letter_make(const struct party *from, const struct party *to)
{
	static struct letter l;
	struct chosen chosen = {.party = to};
	struct recipients r = {.chosen = &chosen, .count = 1};

	if (!recipients_letter(&l, &r, from, 0))
		die("no seal key");
	return &l;
}

/* The same words in a message of one's own, as if they were their author's. */
static void author_forge(void)
{
	const struct party *author = topology_party_by_id(topology, &original.header.origin);
	const struct letter *l = letter_make(author, self);
	uint8_t *data = malloc(BODY_MAX_BYTES), *out = original.raw;
	struct header *h = &original.header;
	struct message_id id;
	size_t n, length;

	if (!data || seal_open(identity, h, original.message.body, original.message.body_length,
			       data, &length) != OPENING_DONE)
		die("a message that cannot be opened");
	h->audience = l->audience;
	n = HEADER_FIXED_BYTES + l->count * RECIPIENT_BYTES;
	if (seal_body(h, l, data, length, out + n + SIGNATURE_BYTES) ||
	    header_encode(h, out, n, &n) ||
	    seal_find_key(original.key, identity, h) != OPENING_DONE)
		die("a message that cannot be written");
	id = message_id_of(out, n);
	identity_sign(identity, &id, out + n);
	original.message = (struct message_view){.header = out,
						 .header_length = n,
						 .signature = out + n,
						 .body = out + n + SIGNATURE_BYTES,
						 .body_length = h->body_length};
	free(data);
}

/* key | header | signature | body | reason, with what is wrong in it. */
static struct text data_make(const char *how)
{
	const struct message_view *m = &original.message;
	struct text data;

	text_init(&data);
	text_add(&data, (char *)original.key, sizeof original.key);
	text_add(&data, (const char *)m->header, m->header_length);
	text_add(&data, (const char *)m->signature, SIGNATURE_BYTES);
	text_add(&data, (const char *)m->body, m->body_length);
	if (strcmp(how, "body") == 0)
		data.at[data.length - 1] ^= 1;
	if (strcmp(how, "key") == 0)
		data.at[0] ^= 1;
	if (strcmp(how, "cut") == 0)
		data.length -= 100;
	if (strcmp(how, "reason") == 0)
		text_str(&data, "two\nlines");
	if (data.bad)
		die("no memory");
	return data;
}

static void forward_write_out(const char *how, const struct text *data)
{
	const struct letter *l = letter_make(self, reader);
	struct header h = {
		.kind = KIND_FORWARD,
		.tlp = original.header.tlp,
		.topology = topology->version,
		.network = topology->network,
		.origin = self->id,
		.audience = l->audience,
		.sequence = 1,
		.created = clock_wall(),
		.expiry = original.header.expiry,
		.ref = message_id_of(original.message.header, original.message.header_length),
		.sign_key = identity_public(identity)->sign_number};
	uint8_t encoded[HEADER_MAX_BYTES], signature[SIGNATURE_BYTES], *body;
	struct message_id id;
	size_t n;

	randombytes_buf(&h.incarnation, sizeof h.incarnation);
	if (strcmp(how, "tlp") == 0)
		h.tlp = TLP_GREEN;
	if (strcmp(how, "expiry") == 0)
		h.expiry += 24;
	body = malloc(seal_size(h.kind, data->length));
	if (!body || seal_body(&h, l, (uint8_t *)data->at, data->length, body) ||
	    header_encode(&h, encoded, sizeof encoded, &n))
		die("a forward that cannot be written");
	id = message_id_of(encoded, n);
	identity_sign(identity, &id, signature);
	fwrite(encoded, 1, n, stdout);
	fwrite(signature, 1, sizeof signature, stdout);
	fwrite(body, 1, h.body_length, stdout);
	free(body);
}

int main(int argc, char **argv)
{
	struct text data;

	if (argc != 5 || sodium_init() < 0)
		die("HOME HOW ORIGINAL READER");
	home_open(argv[1], argv[4]);
	original_read(argv[3], strcmp(argv[2], "nested") == 0);
	if (strcmp(argv[2], "author") == 0)
		author_forge();
	data = data_make(argv[2]);
	forward_write_out(argv[2], &data);
	text_clear(&data);
	free(original.raw);
	topology_free(topology);
	identity_free(identity);
	return fflush(stdout) == 0 ? 0 : 1;
}
