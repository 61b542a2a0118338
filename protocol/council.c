#include "protocol/council.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
	KEY_ID_BYTES = 8,
	PUBLIC_BYTES = 2 + KEY_ID_BYTES + SIGN_KEY_BYTES,
	BLOCK_BYTES = 2 + KEY_ID_BYTES + SIGNATURE_BYTES,
	PREHASH_BYTES = 64,
	BASE64_MAX_BYTES = 101, /* of BLOCK_BYTES, with NUL */
	COMMENT_MAX_BYTES = 8192,
};

static const char untrusted[] = "untrusted comment: ", trusted[] = "trusted comment: ";

/* The four lines of one signature. */
struct signature {
	uint8_t algorithm[2];
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t over_text[SIGNATURE_BYTES];
	uint8_t over_comment[SIGNATURE_BYTES];
	const char *comment; /* of comment_length bytes, in the file */
	size_t comment_length;
};

/* What is left to read of a file, line by line. */
struct lines {
	const char *at;
	size_t left;
};

static bool next_line(struct lines *in, const char **line, size_t *n)
{
	const char *end;

	if (in->left == 0)
		return false;
	end = memchr(in->at, '\n', in->left);
	*line = in->at;
	*n = end ? (size_t)(end - in->at) : in->left;
	in->at += *n + (end ? 1 : 0);
	in->left -= *n + (end ? 1 : 0);
	return true;
}

static bool starts_with(const char *line, size_t n, const char *start)
{
	return n >= strlen(start) && memcmp(line, start, strlen(start)) == 0;
}

/* Exactly size bytes in padded base64, in n characters. */
static bool read_base64(uint8_t *out, size_t size, const char *text, size_t n)
{
	size_t length;
	const char *end;

	/* libsodium 1.0.18 takes the bytes 0xab and 0xaf for "+" and "/". */
	for (size_t i = 0; i < n; i++)
		if (text[i] & 0x80)
			return false;
	return sodium_base642bin(out, size, text, n, NULL, &length, &end,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       length == size && end == text + n;
}

size_t council_text_length(const char *file, size_t n)
{
	struct lines in = {file, n};
	const char *line;
	size_t length;

	while (next_line(&in, &line, &length))
		if (starts_with(line, length, untrusted))
			return (size_t)(line - file);
	return n;
}

bool council_read_key(const char *base64, uint8_t key_id[8], uint8_t key[SIGN_KEY_BYTES])
{
	uint8_t bytes[PUBLIC_BYTES];

	if (!read_base64(bytes, sizeof bytes, base64, strlen(base64)) || bytes[0] != 'E' ||
	    bytes[1] != 'd')
		return false;
	memcpy(key_id, bytes + 2, KEY_ID_BYTES);
	memcpy(key, bytes + 2 + KEY_ID_BYTES, SIGN_KEY_BYTES);
	return crypto_core_ed25519_is_valid_point(key) == 1;
}

/* Reads the next four lines; false, with the reason, when they are not a signature. */
static bool read_signature(struct lines *in, struct signature *s, const char **why)
{
	uint8_t block[BLOCK_BYTES];
	const char *line;
	size_t n;

	*why = "its first line does not start with \"untrusted comment: \"";
	if (!next_line(in, &line, &n) || !starts_with(line, n, untrusted))
		return false;
	*why = "its second line is not a minisign signature";
	if (!next_line(in, &line, &n) || !read_base64(block, sizeof block, line, n))
		return false;
	*why = "its third line does not start with \"trusted comment: \"";
	if (!next_line(in, &line, &n) || !starts_with(line, n, trusted))
		return false;
	s->comment = line + strlen(trusted);
	s->comment_length = n - strlen(trusted);
	/* SPEC 4.7: "A signature with a trusted comment of more than 8,192 bytes counts nothing."
	 */
	if (s->comment_length > COMMENT_MAX_BYTES) {
		*why = "its trusted comment has more than 8192 bytes";
		return false;
	}
	*why = "its fourth line is not a minisign signature";
	if (!next_line(in, &line, &n) ||
	    !read_base64(s->over_comment, sizeof s->over_comment, line, n))
		return false;
	memcpy(s->algorithm, block, 2);
	memcpy(s->key_id, block + 2, KEY_ID_BYTES);
	memcpy(s->over_text, block + 2 + KEY_ID_BYTES, SIGNATURE_BYTES);
	return true;
}

/* One bad signature must not spoil the next: goes on at the next line that may start one. */
static void skip_to_signature(struct lines *in)
{
	const char *line;
	size_t n;

	next_line(in, &line, &n);
	n = council_text_length(in->at, in->left);
	in->at += n;
	in->left -= n;
}

static bool verifies(const struct signature *s, const uint8_t prehash[PREHASH_BYTES],
		     const uint8_t key[SIGN_KEY_BYTES], uint8_t *buffer)
{
	/* SPEC 4.7: "The global signature is Ed25519 over the 64 bytes of the first signature and
	 * the trusted comment." */
	memcpy(buffer, s->over_text, SIGNATURE_BYTES);
	memcpy(buffer + SIGNATURE_BYTES, s->comment, s->comment_length);
	return crypto_sign_verify_detached(s->over_text, prehash, PREHASH_BYTES, key) == 0 &&
	       crypto_sign_verify_detached(s->over_comment, buffer,
					   SIGNATURE_BYTES + s->comment_length, key) == 0;
}

/* minisign prints key ids as one little-endian number. */
static char *key_id_text(char out[2 * KEY_ID_BYTES + 1], const uint8_t key_id[KEY_ID_BYTES])
{
	for (size_t i = 0; i < KEY_ID_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02X", key_id[KEY_ID_BYTES - 1 - i]);
	return out;
}

/* The member whose signature this is, or NULL with the reason in report. */
static const struct council_member *find_signer(const struct council *c, const struct signature *s,
						const uint8_t prehash[PREHASH_BYTES],
						unsigned number, struct report *report)
{
	uint8_t buffer[SIGNATURE_BYTES + COMMENT_MAX_BYTES];
	const struct council_member *signer = NULL, *named = NULL;
	char id[2 * KEY_ID_BYTES + 1];

	for (size_t i = 0; i < c->member_count && !signer; i++) {
		if (memcmp(c->members[i].key_id, s->key_id, KEY_ID_BYTES) != 0)
			continue;
		named = &c->members[i];
		/* SPEC 4.7: "Only the algorithm ED is accepted." */
		if (memcmp(s->algorithm, "ED", 2) == 0 && verifies(s, prehash, named->key, buffer))
			signer = named;
	}
	if (signer)
		return signer;
	key_id_text(id, s->key_id);
	if (!named)
		report_add(report, "signature %u: key %s is nobody's in the council", number, id);
	else if (memcmp(s->algorithm, "Ed", 2) == 0)
		report_add(report,
			   "signature %u: that of %s is of minisign's old kind (Ed): sign again "
			   "without -l",
			   number, named->name);
	else if (memcmp(s->algorithm, "ED", 2) != 0)
		report_add(report, "signature %u: that of %s is of a kind unknown here", number,
			   named->name);
	else
		report_add(report,
			   "signature %u: that of %s does not verify: not of this text, or altered",
			   number, named->name);
	return NULL;
}

/* Marks the member in signed_by, and with it everyone who has the same key; false when it was. */
static bool mark_signer(const struct council *c, const struct council_member *signer,
			bool signed_by[COUNCIL_MAX])
{
	bool news = !signed_by[signer - c->members];

	/* SPEC 4.7: "Thresholds count distinct public keys." */
	for (size_t i = 0; i < c->member_count; i++)
		if (memcmp(c->members[i].key, signer->key, SIGN_KEY_BYTES) == 0)
			signed_by[i] = true;
	return news;
}

unsigned council_count(const struct council *c, const char *file, size_t n, struct report *report)
{
	size_t length = council_text_length(file, n);
	struct lines in = {file + length, n - length};
	bool signed_by[COUNCIL_MAX] = {false};
	uint8_t prehash[PREHASH_BYTES];
	unsigned count = 0;

	crypto_generichash(prehash, sizeof prehash, (const uint8_t *)file, length, NULL, 0);
	for (unsigned number = 1; in.left > 0; number++) {
		struct signature s;
		const struct council_member *signer;
		const struct lines start = in;
		const char *why;
		/* SPEC 4.7: "A file has at most 64 signatures; what follows them is not looked at."
		 */
		if (number > SIGNATURES_MAX) {
			report_add(report, "more than %d signatures: the others are not looked at",
				   SIGNATURES_MAX);
			break;
		}
		if (!read_signature(&in, &s, &why)) {
			report_add(report, "signature %u: %s", number, why);
			in = start;
			skip_to_signature(&in);
			continue;
		}
		signer = find_signer(c, &s, prehash, number, report);
		if (!signer)
			continue;
		if (mark_signer(c, signer, signed_by))
			count++;
		else
			report_add(report, "signature %u: %s has signed already; it counts once",
				   number, signer->name);
	}
	return count;
}

enum err council_check(const struct council *c, const char *file, size_t n, uint32_t version,
		       struct report *report)
{
	unsigned count = council_count(c, file, n, report);

	if (c->threshold > 0 && count >= c->threshold)
		return ERR_OK;
	report_add(report, "the council of version %lu: %u of its %zu members signed this; %u must",
		   (unsigned long)version, count, c->member_count, c->threshold);
	return ERR_SIGNATURE;
}

enum err council_open(struct topology **out, const char *file, size_t n, const struct hash *pinned,
		      struct report *report)
{
	size_t length = council_text_length(file, n);
	struct hash hash = hash_of(file, length);
	struct topology *t;
	enum err e;

	*out = NULL;
	if (!hash_equal(&hash, pinned)) {
		char got[2 * HASH_BYTES + 1], want[2 * HASH_BYTES + 1];
		report_add(report, "the topology has the hash %s; %s was expected",
			   hex_encode(got, hash.b, HASH_BYTES),
			   hex_encode(want, pinned->b, HASH_BYTES));
		return ERR_HASH;
	}
	e = topology_parse(&t, file, length, report);
	if (e)
		return e;
	e = council_check(&t->council, file, n, t->version, report);
	if (e)
		topology_free(t);
	else
		*out = t;
	return e;
}
