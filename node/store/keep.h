/* The exchange's store (protocol/store.h) on the log and the index. */
#ifndef NODE_KEEP_H
#define NODE_KEEP_H

#include "node/store/index.h"
#include "protocol/store.h"

struct keep;

/* log and index are borrowed.  ERR_MEMORY, or what their readers could not be opened for. */
enum err keep_open(struct keep **keep, struct log *log, struct index *index);
void keep_close(struct keep *k);

struct store keep_store(struct keep *k);
/* Readable when what the store's keep() began is over. */
int keep_descriptor(const struct keep *k);
/* Between two turns: lets go of the pages that the readers hold. */
void keep_rest(struct keep *k);

#endif
