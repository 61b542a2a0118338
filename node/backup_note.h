/* What a home remembers of its backups: when the last one was made, and the last copy of its keys.
 * Whether one could be gone back to is known once it was read.  The file backup.json beside the
 * log.  SPEC.md 6.4. */
#ifndef NODE_BACKUP_NOTE_H
#define NODE_BACKUP_NOTE_H

#include <limits.h>

#include "protocol/error.h"
#include "protocol/types.h"

struct backup_note {
	uint64_t made; /* wall ms; 0: never */
	char dir[PATH_MAX];
	uint64_t checked; /* wall ms: when one was last read, whole and of this node; 0: never */
	uint64_t keys;    /* wall ms: when the keys were copied; 0: never */
	char keys_dir[PATH_MAX];
	struct hash keys_hash; /* of the key file that was copied */
};

/* ERR_NOT_FOUND where there is none, or it cannot be read. */
enum err backup_note_read(const char *home, struct backup_note *note);
/* At once and synced. */
enum err backup_note_write(const char *home, const struct backup_note *note);
/* A backup was made there at that time. */
enum err backup_note_made(const char *home, const char *dir, uint64_t made);
/* One was read, and could be gone back to. */
enum err backup_note_checked(const char *home, uint64_t checked);

#endif
