/* What the files of the directory share; nobody else includes it. */
#ifndef NODE_DIRECTORY_PARTS_H
#define NODE_DIRECTORY_PARTS_H

#include <pthread.h>

#include "node/directory.h"

enum { REMARKS_MAX = 256, CARDS_LOOKED_AT = 64 };

/* What is known: of one state of the index, under one version of the topology. */
struct state {
	struct directory_card *cards; /* owned; ascending by origin */
	size_t count, room;
	struct remark *remarks; /* owned */
	size_t remark_count;
};

/* A seal key that somebody was told to seal to. */
struct interned {
	struct party_id party;
	struct seal_key key;
	struct interned *next;
};

struct directory {
	struct index *index;
	const struct identity *identity;

	pthread_mutex_t following; /* one follows; of what follows */
	struct index_reader *reader;
	struct log_reader *log;
	uint64_t cards;              /* index_cards_changed() then */
	const struct topology *then; /* the version in force then */

	pthread_mutex_t lock; /* of what follows */
	struct state state;
	struct interned *interned;
	uint64_t changes;
};

const struct directory_card *state_card(const struct state *s, const struct party_id *origin);

#endif
