/* The topology: who is in the federation, who reports to whom, under which keys.  SPEC.md 4.
 *
 * This module turns one ZPL text into an immutable struct, or into a complete list of what is wrong
 * with it.  It does not verify the council's signatures (council.h) and keeps no history (node/).
 * The text is the truth; its BLAKE2b-256 is the version's hash. */
#ifndef PROTOCOL_TOPOLOGY_H
#define PROTOCOL_TOPOLOGY_H

#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

enum {
	PARTIES_MAX = 4096,
	PARENTS_MAX = 8,
	HOLDERS_MAX = 8,
	KEYS_MAX = 64,
	VOIDS_MAX = 64, /* incarnations of one node */
	COUNCIL_MAX = 32,
	PREVIOUS_MAX = 4,
	LINKS_MAX = 8192,
	GROUPS_MAX = 1024,
	BOUNDS_MAX = 256, /* networks, domains or AS numbers of one party */
	TITLE_MAX_BYTES = 200,
	ENDPOINT_MAX_BYTES = 280,
	EXPIRY_DAYS_MAX = 400, /* of policy: two days less than a link carries */
};

enum party_kind { PARTY_NODE, PARTY_ROLE };

struct sign_key {
	uint16_t number; /* for ever this key */
	uint8_t key[SIGN_KEY_BYTES];
	bool revoked; /* also when it is void */
	bool is_void; /* nothing that it ever signed is in any set */
};

struct seal_key {
	uint16_t number;
	uint8_t key[SEAL_KEY_BYTES];
	bool retired; /* decrypts only; nothing new is sealed to it */
};

struct party {
	char name[NAME_MAX_BYTES + 1];
	char *title; /* UTF-8; never NULL */
	struct party_id id;
	enum party_kind kind;
	bool left;
	uint32_t left_on;            /* hours since 1970; 0 when it has not left */
	size_t parents[PARENTS_MAX]; /* index of each party that it reports to */
	size_t parent_count;
	size_t holders[HOLDERS_MAX]; /* role: index of each holding node; the first acts */
	size_t holder_count;
	size_t *roles; /* node: index of each role that it holds */
	size_t role_count;
	char *endpoint;                   /* node: "tcp://host:port", or NULL: it only dials */
	uint8_t link_key[LINK_KEY_BYTES]; /* node: its first CURVE key */
	struct sign_key *sign_keys;
	size_t sign_key_count;
	struct seal_key
		*seal_keys; /* ascending by number; the last that is not retired is in use */
	size_t seal_key_count;
	uint64_t *voids; /* node: its incarnations that are void, ascending */
	size_t void_count;
	uint64_t quota_bytes; /* carried at once for this origin; 0: no bound of its own */
	uint32_t emergencies; /* priority 3 messages an hour; more count as priority 1 */
	char **networks,
		**domains; /* role or node: outer bounds of its constituency; CIDR, domain names */
	size_t network_count, domain_count;
	uint32_t *as_numbers;
	size_t as_number_count;
};

struct bilateral {
	size_t a, b; /* index of two nodes, a < b */
};

/* Not "group": that is the C library's. */
struct party_group {
	char name[NAME_MAX_BYTES + 1];
	size_t *members; /* index of parties, ascending, distinct, at least one */
	size_t member_count;
};

struct council_member {
	char name[NAME_MAX_BYTES + 1];
	uint8_t key_id[8]; /* minisign's */
	uint8_t key[SIGN_KEY_BYTES];
};

struct council {
	unsigned threshold;  /* k of n for a version */
	unsigned suspension; /* k of n for a suspension */
	struct council_member members[COUNCIL_MAX];
	size_t member_count;
};

struct policy {
	uint32_t expiry_days[TLP_COUNT]; /* default and ceiling of a message's life */
	uint32_t early_warning_hours, notification_hours, final_days; /* incident stages */
	bool author_sealed; /* sealed messages may be authored */
};

struct topology {
	char *text; /* exactly as signed, text_length bytes, NUL after them */
	size_t text_length;
	struct hash hash; /* BLAKE2b-256 of text */
	uint32_t version;
	struct network_id network;
	char *name; /* of the federation */
	struct hash previous[PREVIOUS_MAX];
	size_t previous_count; /* 0 only in version 1 */
	uint64_t expires;      /* ms since 1970 */
	struct council council;
	struct policy policy;
	struct party *parties; /* nodes and roles in the order of the text */
	size_t party_count;
	struct bilateral *links; /* ascending */
	size_t link_count;
	struct party_group *groups;
	size_t group_count;
	size_t root; /* index of the one party that reports to nobody and has not left */

	/* Derived, so that questions are cheap. */
	size_t *by_name, *by_id; /* indexes of the parties, sorted */
	uint64_t *above; /* party_count rows of above_words: bit y of row x: y is x or above x */
	size_t above_words;
};

/* Reads n bytes of ZPL.  Every problem goes into report as "node punjab: reports-to: ..." ;
 * ERR_FORMAT when there is any.  On ERR_OK the caller owns *t and frees it with topology_free(). */
enum err topology_parse(struct topology **t, const char *text, size_t n, struct report *report);
void topology_free(struct topology *t);

/* The party with that name or id, or NULL; lives as long as t. */
const struct party *topology_party(const struct topology *t, const char *name);
const struct party *topology_party_by_id(const struct topology *t, const struct party_id *id);
size_t topology_index(const struct topology *t, const struct party *p);
const struct party_group *topology_group(const struct topology *t, const char *name);

/* A sign key of a party by its number, or NULL.  Revoked keys are returned too: look at `revoked`.
 */
const struct sign_key *party_sign_key(const struct party *p, uint16_t number);
/* The seal key that new messages use, or NULL when none is published. */
const struct seal_key *party_seal_key(const struct party *p);

/* True when one of its sign keys is not revoked.  SPEC.md 4.6. */
bool party_can_sign(const struct party *p);

/* True when what this origin signed with that key in that incarnation is void.  SPEC.md 4.12. */
bool topology_voids(const struct topology *t, const struct party_id *origin, uint16_t sign_key,
		    uint64_t incarnation);
/* True when anything is. */
bool topology_has_voids(const struct topology *t);

/* True when y is x or stands above x on its reporting lines. */
bool topology_above(const struct topology *t, size_t x, size_t y);

/* Whether node a and node b have a link: one of them, or a role that it holds, reports to the other
 * or to a role that the other holds; or a bilateral line joins them.  Parties that left, or
 * whose sign keys are all revoked, have none.  SPEC.md 4.6. */
enum link_kind {
	LINK_NONE,
	LINK_REPORTING,
	LINK_BILATERAL,
	LINK_FORMER, /* of an older version only (chain_former); never returned here */
};
enum link_kind topology_link(const struct topology *t, const struct party *a,
			     const struct party *b);

/* True when a dials b (SPEC.md 4.6): b is above a, or they are bilateral and b sorts after a; the
 * other way round when b has no endpoint.  Of two linked nodes exactly one dials, as long as one of
 * them has an endpoint. */
bool topology_dials(const struct topology *t, const struct party *a, const struct party *b);

#endif
