/* Cards: what a node says of itself, without the council: where it is dialed, its link and seal
 * keys, whom to ring up, what it is there for.  SPEC.md 4.11.
 *
 * This module reads and writes what a card says, and decides nothing about which of several cards
 * is in force (node/directory.h).  A card that was read keeps every rule that it can be held to by
 * itself. */
#ifndef PROTOCOL_CARD_H
#define PROTOCOL_CARD_H

#include "protocol/json.h"
#include "protocol/topology.h"

enum {
	CARD_ENDPOINTS_MAX = 8,
	CARD_LINKS_MAX = 2,
	CARD_SEALS_MAX = KEYS_MAX,
	CARD_CONTACTS_MAX = 16,
	CARD_TEXT_MAX_BYTES = 200, /* of a contact's line */
	CARD_JSON_MAX_BYTES = 256 << 10,
};

/* A link key, and the proof that whoever wrote the card knows its secret: nobody can name
 * another's. */
struct card_link {
	uint8_t key[LINK_KEY_BYTES];
	uint8_t point[SIGN_KEY_BYTES]; /* the same key as a point of Edwards' curve */
	uint8_t proof[SIGNATURE_BYTES];
};

struct card_seal {
	uint16_t number;
	uint8_t key[SEAL_KEY_BYTES];
};

/* Text for people; NULL where nothing is said. */
struct card_contact {
	char *name, *email, *phone, *hours;
};

/* What it claims to be there for. */
struct card_constituency {
	char **networks, **domains;
	uint32_t *as_numbers;
	size_t network_count, domain_count, as_number_count;
};

struct card {
	uint64_t number; /* from 1; of two cards of a sign key the greater is newer */
	char *endpoints[CARD_ENDPOINTS_MAX];
	size_t endpoint_count;
	struct card_link links[CARD_LINKS_MAX]; /* now; next, while the key is being changed */
	size_t link_count;
	struct card_seal seals[CARD_SEALS_MAX]; /* ascending by number; the last is in use */
	size_t seal_count;
	struct card_contact contacts[CARD_CONTACTS_MAX];
	size_t contact_count;
	struct card_constituency constituency;
};

/* Reads the n bytes of the JSON of a card of that origin.  The first mistake goes into report;
 * ERR_FORMAT, ERR_LIMIT, ERR_MEMORY.  The caller frees *out with card_free(). */
enum err card_read(struct card **out, const struct party_id *origin, const char *json, size_t n,
		   struct report *report);
void card_free(struct card *c);

/* The JSON of a card; text.bad when memory is short. */
void card_write(struct text *out, const struct card *c);

/* What is signed to prove the secret of a link key of that origin. */
enum { CARD_PROOF_TEXT_BYTES = 13 + PARTY_ID_BYTES };
void card_proof_text(uint8_t out[CARD_PROOF_TEXT_BYTES], const struct party_id *origin);
bool card_link_proven(const struct card_link *link, const struct party_id *origin);

/* The key of that number, or NULL. */
const struct card_seal *card_seal_numbered(const struct card *c, uint16_t number);

#endif
