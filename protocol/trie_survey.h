/* Computes nodes from the range: to build them, and to compare them.  Of trie*.c only. */
#ifndef PROTOCOL_TRIE_SURVEY_H
#define PROTOCOL_TRIE_SURVEY_H

#include "protocol/trie.h"

/* Puts every node below a place, not its own; there must be none. */
enum err trie_build_below(const struct trie_store *s, const struct trie_place *place);
enum err trie_put(const struct trie_store *s, const struct trie_place *place,
		  const struct aggregate *a);

#endif
