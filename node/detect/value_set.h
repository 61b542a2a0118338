/* Very many values, and which of them a value touches: what mutes and warning lists stand on.
 *
 * A text touches itself; an address or a network touches every network that holds it or lies in it;
 * a name, where it was added as one, touches all below it, and every name touches the names above
 * it that were added, since who blocks those blocks it too.  Sixteen bytes a text, whatever its
 * length: what is kept is a keyed hash of it.  Knows no lists and no reasons: a tag says what an
 * entry came from. */
#ifndef NODE_DETECT_VALUE_SET_H
#define NODE_DETECT_VALUE_SET_H

#include "protocol/observable.h"

struct value_set;

/* NULL when memory is short; NULL is accepted by value_set_free(). */
struct value_set *value_set_new(void);
void value_set_free(struct value_set *s);

/* v itself; of a domain also what is above it, and with below all that is below it too. ERR_MEMORY.
 */
enum err value_set_add(struct value_set *s, const struct observable *v, bool below, uint32_t tag);
/* Any other text, such as a digest that is no observable, or with below the label of a top-level
 * domain. */
enum err value_set_add_text(struct value_set *s, const char *text, bool below, uint32_t tag);
/* After the last one was added, and before anything is looked for. */
void value_set_close(struct value_set *s);

/* Calls found with the tag of each entry that v touches, until it returns false; one tag may come
 * several times.  Whose host shall count asks for that too: value_host(). */
void value_set_find(const struct value_set *s, const struct observable *v,
		    bool (*found)(void *arg, uint32_t tag), void *arg);
/* The same of a part of something, such as the host of a URL: only what holds it counts, a network
 * or a name with all below it. */
void value_set_find_holders(const struct value_set *s, const struct observable *v,
			    bool (*found)(void *arg, uint32_t tag), void *arg);

/* The host of an endpoint or of a URL; false when v is neither, or its host is a single label. */
bool value_host(const struct observable *v, struct observable *host);

#endif
