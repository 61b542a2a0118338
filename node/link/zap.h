/* ZAP (RFC 27): who may finish a handshake, decided from memory.  SPEC.md 7.1.
 *
 * A list of the link keys that are welcome, and how often each came lately.  Nothing is kept about
 * keys that are not on it, so strangers cost no memory.  Not thread-safe: link_gate.c has the
 * mutex. */
#ifndef NODE_ZAP_H
#define NODE_ZAP_H

#include "protocol/error.h"
#include "protocol/types.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

/* A node that a bad night restarts again and again must get back in; only its newest connection
 * lives, so this bounds what handshakes cost (about 1 ms each), not how many connections there are.
 */
enum { ZAP_HANDSHAKES_MAX = 20, ZAP_MINUTE_MS = 60 * 1000 };

enum zap_verdict { ZAP_WELCOME, ZAP_STRANGER, ZAP_TOO_OFTEN };

struct zap_guest {
	uint8_t key[LINK_KEY_BYTES];
	uint64_t came[ZAP_HANDSHAKES_MAX]; /* ms; a ring, the oldest at `next` */
	unsigned next, known;              /* known: how many entries of came count */
};

struct zap_list {
	struct zap_guest *guests; /* owned */
	size_t count;
};

void zap_list_clear(struct zap_list *list);
/* Replaces the keys; one that stays keeps its history.  ERR_MEMORY leaves the list as it was. */
enum err zap_list_set(struct zap_list *list, const uint8_t (*keys)[LINK_KEY_BYTES], size_t n);

/* May this key finish a handshake at now (ms, monotonic)?  A welcome counts against its minute, a
 * refusal does not. */
enum zap_verdict zap_judge(struct zap_list *list, const uint8_t key[LINK_KEY_BYTES], uint64_t now);

/* Takes one request from the REP socket without waiting and answers it: User-Id is the key in
 * hexadecimal.  False when there is none; *verdict is what was answered. */
bool zap_serve(void *socket, struct zap_list *list, uint64_t now, enum zap_verdict *verdict);

#endif
