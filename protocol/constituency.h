/* Whom a node is there for: networks, domains, AS numbers, claimed in its card within the bounds
 * that the topology sets.  SPEC.md 4.11. */
#ifndef PROTOCOL_CONSTITUENCY_H
#define PROTOCOL_CONSTITUENCY_H

#include "protocol/card.h"
#include "protocol/observable.h"

enum { CLAIM_MAX_BYTES = 256 };

/* Something that may be somebody's. */
struct asset {
	enum { ASSET_NETWORK, ASSET_DOMAIN, ASSET_AS } kind;
	uint8_t address[16]; /* of a network: its address and length */
	unsigned bytes, prefix;
	char domain[CLAIM_MAX_BYTES]; /* A-labels */
	uint32_t as_number;
};

/* Reads an address, a network, a domain, an e-mail address (for its domain), or an AS number
 * written AS64500.  ERR_FORMAT: *why is a static phrase. */
enum err asset_read(struct asset *a, const char *text, const char **why);

/* The claim under which the asset is the node's: the narrowest that holds it and counts, as it is
 * written in the card.  False when there is none.  bounds is the node in the topology. */
bool constituency_holds(const struct card_constituency *c, const struct party *bounds,
			const struct asset *a, char claim[CLAIM_MAX_BYTES]);

#endif
