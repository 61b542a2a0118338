/* The directory: of every node the card in force, or the topology's word where it has none.
 * SPEC.md 4.11.
 *
 * It follows the index and the version in force, and owns nothing that those could not make again.
 * Threads: any, for all of it.  No clock. */
#ifndef NODE_DIRECTORY_H
#define NODE_DIRECTORY_H

#include "node/store/index.h"
#include "node/link/link.h"
#include "protocol/card.h"
#include "protocol/recipients.h"

struct directory;

enum { REMARK_BYTES = 160 };

/* A card in force, as far as others need it all the time; the rest of it is in the log. */
struct directory_card {
	struct party_id origin;
	struct message_id id;
	uint64_t lsn, number;
	uint16_t sign_key;
	uint32_t expiry; /* hours */
	char endpoints[CARD_ENDPOINTS_MAX][ENDPOINT_MAX_BYTES + 1];
	size_t endpoint_count;
	uint8_t links[CARD_LINKS_MAX][LINK_KEY_BYTES]; /* now; next */
	size_t link_count;
	struct card_seal seals[CARD_SEALS_MAX];
	size_t seal_count;
};

/* Something an operator must know of a card. */
struct remark {
	struct party_id origin;
	struct message_id id;
	uint64_t lsn;
	bool aside; /* it is set aside */
	bool told;
	char why[REMARK_BYTES]; /* a sentence about it, without its subject */
};

/* What is borrowed lives longer. */
enum err directory_open(struct directory **d, struct index *index, struct log *log,
			const struct identity *identity);
void directory_close(struct directory *d);

/* Brings it up to what is folded, under the version in force, which lives as long; cheap when
 * nothing has changed.  NULL: none is in force yet.  ERR_BUSY: the index is being built again. */
enum err directory_follow(struct directory *d, const struct topology *t);
/* Changes when what follows may be answered in another way. */
uint64_t directory_changes(struct directory *d);

/* The card in force of that node; false when there is none. */
bool directory_card(struct directory *d, const struct party_id *origin, struct directory_card *out);
/* Fills in where the node is dialed and which keys it has: endpoints are borrowed from card, which
 * the caller keeps, and from p. */
void directory_ways(struct directory *d, const struct party *p, struct directory_card *card,
		    struct link_peer *out);
/* Reads all that a card says; the caller frees *out with card_free().  ERR_NOT_FOUND: its body has
 * gone. */
enum err directory_read(struct directory *d, const struct directory_card *at, struct card **out);
/* The number of the newest card of that origin, whether it counts or not; 0 when there is none. */
uint64_t directory_newest_number(struct directory *d, const struct party_id *origin);
/* True when the number of a seal key of that node means another key already. */
bool directory_seal_taken(struct directory *d, const struct party *p, const struct card_seal *seal);
/* The greatest number of a seal key that topology or any card names for the node. */
uint16_t directory_greatest_seal(struct directory *d, const struct party *p);
/* The seal key that the party is sealed to, of card or topology; NULL when there is none.  It lives
 * as long as directory and topology. */
const struct seal_key *directory_seal_key(struct directory *d, const struct party *p);
/* The same for recipients.h. */
struct seal_book directory_book(struct directory *d);
/* Puts newer keys in the place of those that the letter was made with, under t. */
void directory_renew(struct directory *d, const struct topology *t, struct letter *letter);

/* The remark about the message at lsn; false when there is none. */
bool directory_remark(struct directory *d, uint64_t lsn, struct remark *out);
/* Remarks that were not told before, one by one; false when there is no more. */
bool directory_tell(struct directory *d, struct remark *out);

#endif
