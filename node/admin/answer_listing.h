/* share, and warning lists: which values of its bundles are on one.  SPEC.md 8.11. */
#ifndef NODE_ANSWER_LISTING_H
#define NODE_ANSWER_LISTING_H

#include "node/admin/answer.h"

enum { LISTS_NAMED_MAX = 16 };

/* All zeros before listing_open(), but for force. */
struct listing {
	bool force;                  /* what is listed is shared all the same */
	struct warning_lists *lists; /* or NULL */
	size_t listed;               /* values that are on one */
	const char *names[LISTS_NAMED_MAX];
	size_t count;
};

enum err listing_open(struct listing *l, struct answer *a);
/* Names the values of the indicators that are on a list; others are context. */
enum err listing_look(struct listing *l, struct answer *a, const struct bundle *b);
/* ERR_NOT_ALLOWED, with words, where any was and nobody said force. */
enum err listing_close(const struct listing *l, struct answer *a);
/* Appends which lists were overruled, and how often: the values are in the messages. */
void listing_summary(const struct listing *l, struct text *summary);
void listing_clear(struct listing *l);

#endif
