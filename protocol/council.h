/* The council's signatures: which topology may follow which.  SPEC.md 4.7 to 4.9.
 *
 * Signatures are stock minisign's, algorithm "ED", global signature checked.  A signed topology is
 * one file: the text, then the four lines of each signature.  Nothing of a text is parsed before
 * its signatures are known to be good, except by council_open, where the operator vouches for the
 * hash. */
#ifndef PROTOCOL_COUNCIL_H
#define PROTOCOL_COUNCIL_H

#include "protocol/topology.h"

/* Where the signatures begin in a signed file: the offset of the first line "untrusted comment: ",
 * or n. */
size_t council_text_length(const char *file, size_t n);

/* Reads a minisign public key (base64 of "Ed" | key id 8 | key 32) into id and key. */
bool council_read_key(const char *base64, uint8_t key_id[8], uint8_t key[SIGN_KEY_BYTES]);

/* What a signed file may hold at most: more signatures are not looked at. */
enum { SIGNATURES_MAX = 64 };

/* How many distinct public keys of the council have a good signature over the text in this file.
 * Every bad or unknown signature is named in report; none of them spoils the others. */
unsigned council_count(const struct council *c, const char *file, size_t n, struct report *report);

/* ERR_OK when as many of the council signed this file as must; else ERR_SIGNATURE, with words that
 * name the version. */
enum err council_check(const struct council *c, const char *file, size_t n, uint32_t version,
		       struct report *report);

/* The first version a node holds: its text must have the pinned hash, and its own council's
 * signatures.  On ERR_OK the caller owns *t. */
enum err council_open(struct topology **t, const char *file, size_t n, const struct hash *pinned,
		      struct report *report);

/* The version after `now`: exactly now->version + 1, `previous` names now's hash, signed by now's
 * council over the raw bytes, then parsed, then signed by its own council; same network; no party
 * or key number of now has changed its meaning or vanished.  ERR_SIGNATURE, ERR_STATE (not the next
 * version, or one that breaks with now; with words), ERR_NETWORK, ERR_FORMAT.  Caller owns *t. */
enum err council_follow(struct topology **t, const struct topology *now, const char *file, size_t n,
			struct report *report);

/* The version before `oldest`, for one who joined at that one: its text has a hash that `oldest`
 * lists as `previous`, so the council has vouched for it, whoever brings it.  ERR_HASH, ERR_FORMAT,
 * ERR_NETWORK, ERR_STATE (its number is not one less).  Caller owns *t. */
enum err council_precede(struct topology **t, const struct topology *oldest, const char *file,
			 size_t n, struct report *report);

/* Twelve words for the telephone, of a list of 2^11 (BIP-39's English words are not shipped: ours
 * are made from syllables): 128 bits of the hash and 4 of checksum.  SPEC.md 4.8. */
enum { WORDS_BYTES = 12 * 5, WORDS_HASH_BYTES = 16 };
void council_words(char *out, size_t size, const struct hash *h);

/* The other way: the first 16 bytes of the hash that the words were made of, in any case, with
 * spaces, commas or hyphens between them.  ERR_FORMAT, with the word that is not one in report;
 * ERR_HASH when the checksum does not agree. */
enum err council_words_read(uint8_t out[WORDS_HASH_BYTES], const char *words,
			    struct report *report);

#endif
