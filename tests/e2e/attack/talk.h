/* A member of the federation with a valid key and no manners: what it says and hears.
 *
 * One conversation a process, over the sockets and in the frames of the product.  Whoever cannot go
 * on ends the process, and says why. */
#ifndef KHABARDAR_ATTACK_TALK_H
#define KHABARDAR_ATTACK_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys/identity.h"
#include "node/link/link.h"
#include "node/loop.h"
#include "protocol/body.h"
#include "protocol/frame.h"
#include "protocol/message.h"
#include "protocol/topology.h"

enum { WAIT_MS = 120000, HOUR_MS = 3600 * 1000 };

struct attacker {
	struct identity *identity;
	struct topology *topology;
	const struct party *self, *peer;
	struct link *link;
	bool up, down, greeted, open;
	bool mute; /* does not read */
	uint32_t sent;
	uint64_t number, sequence, incarnation;
	uint8_t nonce[NONCE_BYTES];
	uint64_t out_bytes;                     /* pushed */
	uint64_t credit_bytes, credit_messages; /* granted */
	uint64_t acked, answered, have, nak, pushed_to_us, lasts;
	bool polite; /* answers what it is pushed */
	uint64_t owed[1024];
	size_t owed_count;          /* answers: of what has several pieces, that it is here */
	uint64_t taken, said_taken; /* the last of what has one, and what of it was answered */
	struct message_id ref;      /* of what it writes */
	char error[ERROR_TEXT_MAX_BYTES + 1];
	char **files; /* messages as khabar show --raw writes them */
};

extern struct attacker me;

_Noreturn void die(const char *what);
/* What a file has; the caller frees it. */
char *slurp(const char *folder, const char *name, size_t *n);
/* Reads the home of a node, and dials the peer, or waits for it, as the topology has it. */
void set_out(const char *home, const char *peer);
void dial(void);
/* From here on it does what it is here for: whoever waits for that finds the file $BEGINS. */
void tell_begun(void);

/* One turn of at most ms. */
void turn(int ms);
/* A turn, and a word for all that was pushed meanwhile, as a node says it. */
void attend(void);
bool wait_for(const bool *what);
void idle(uint64_t ms);
/* Waits for the answers to all that it has pushed. */
bool answered(void);

bool say_bytes(const void *bytes, size_t n);
bool say(struct frame *f);
bool say_hello(const struct party *as, uint32_t newer);
bool say_open(void);
bool say_answer(enum frame_type type, uint64_t number);
bool say_credit(uint64_t bytes, uint64_t messages);
bool say_claims(enum frame_type type, const void *payload, size_t n);
/* Greets and opens, as anybody does. */
void meet(void);

struct message {
	uint8_t *bytes;
	size_t head, length;
};

/* Signed by this key, whoever origin is; the caller frees its bytes. */
struct message write_message(const struct party *origin, const void *body, size_t n,
			     enum message_kind kind);
/* At most so many bytes of it: fewer than all leave it incomplete. */
bool push_part(const struct message *m, uint64_t number, size_t most);
/* Within its credit. */
bool push(const struct message *m);
bool push_body(const void *body, size_t n);
bool push_compressed(const char *plain, size_t n);

#endif
