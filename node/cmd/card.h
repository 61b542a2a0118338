/* Cards: a node's or a role's entry of the topology, in the form that the council's secretary fills
 * in.  SPEC.md 10.3. */
#ifndef NODE_CMD_CARD_H
#define NODE_CMD_CARD_H

#include "keys/identity.h"

enum { CARD_MAX_BYTES = 2048 };

/* Both write a text of ZPL and return its length. endpoint may be NULL. */
size_t card_of_node(char out[CARD_MAX_BYTES], const struct identity_public *node,
		    const char *endpoint);
size_t card_of_role(char out[CARD_MAX_BYTES], const struct role_public *role);

/* Writes a text file that must not exist, synced.  ERR_EXISTS, ERR_IO. */
enum err text_file_create(const char *path, const char *text, struct report *report);

#endif
