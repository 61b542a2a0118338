/* The outbox: what operators have said and may still take back, in files of the home.
 *
 * A request that is held is kept as it came, boxed under the store key, and made when its time has
 * come.  It is no row of the log: what is cancelled is gone from the disk, and no backup of last
 * month sends it again.  Nothing here knows what a request means.  SPEC.md 9.12. */
#ifndef NODE_OUTBOX_H
#define NODE_OUTBOX_H

#include <sys/types.h>

#include "keys/identity.h"
#include "protocol/json.h"

enum {
	OUTBOX_MAX = 256, /* requests at a time */
	OUTBOX_FRAMES_MAX = 4096,
	OUTBOX_BYTES_MAX = 64 << 20, /* of one, frames included */
	OUTBOX_ID_DIGITS = 32,
	OUTBOX_SENDING_MAX = 16, /* ids that are kept while it is being sent */
	OUTBOX_FAILED_BYTES = 256,
};

struct outbox_item {
	char id[OUTBOX_ID_DIGITS + 1];
	uint64_t made, due; /* wall ms */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	bool wants_approval; /* it is not due before somebody else has approved it, and */
	bool approved;       /* somebody has: */
	uid_t approver;
	/* The first of the messages that were about to be sent when this was written; none: not
	 * tried yet. */
	struct message_id sending[OUTBOX_SENDING_MAX];
	size_t sending_count;
	char failed[OUTBOX_FAILED_BYTES]; /* why it cannot be sent, or "" */
	struct slice request;             /* JSON */
	struct slice shown;               /* JSON: what a dry run of it said */
	const struct slice *frames;
	size_t frame_count;
};

/* Writes it, at once and synced, in the place of what was there under its id. */
enum err outbox_write(const char *home, const struct identity *identity,
		      const struct outbox_item *item, struct report *report);
/* Reads it; what it points to lives as long as *memory, which outbox_forget() frees.
 * ERR_NOT_FOUND, ERR_DAMAGED. */
struct outbox_memory;
enum err outbox_read(const char *home, const struct identity *identity, const char *id,
		     struct outbox_item *item, struct outbox_memory **memory);
void outbox_forget(struct outbox_memory *memory);
enum err outbox_remove(const char *home, const char *id);
/* The ids of all that are there, at most OUTBOX_MAX, ascending; half-written files are removed. */
enum err outbox_list(const char *home, char (*ids)[OUTBOX_ID_DIGITS + 1], size_t *count);

#endif
