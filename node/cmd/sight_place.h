/* Where khabar sight --from has stopped in a file, and what it still has to tell.
 *
 * The file is known by its inode and by how it begins, since logs are renamed and inodes used
 * again. */
#ifndef NODE_CMD_SIGHT_PLACE_H
#define NODE_CMD_SIGHT_PLACE_H

#include <limits.h>
#include <sys/stat.h>

#include "node/format/sensor.h"
#include "protocol/report.h"

enum { PLACE_HEAD_BYTES = 256 };

struct place {
	char state[PATH_MAX]; /* the file in which this stands; empty: it is not kept */
	bool known;           /* there is one: what follows is of the file as it was */
	uint64_t device, inode, offset;
	size_t head_length;
	char head[PLACE_HEAD_BYTES]; /* its first bytes */
	enum sensor_format format;
	cJSON *pending; /* owned: elements of "seen" that were counted and not told yet; or NULL */
};

/* Reads what is kept for the log at path and the node of home.  ERR_IO, with words. */
enum err place_read(struct place *p, const char *home, const char *path, struct report *report);
enum err place_write(const struct place *p, const char *path, struct report *report);
void place_clear(struct place *p);

/* Is the file at path that one? */
bool place_is(const struct place *p, const char *path, const struct stat *st);
/* Or what it was renamed or copied to? */
bool place_was(const struct place *p, const char *path, const struct stat *st);
/* It is read up to there. */
void place_set(struct place *p, const char *path, const struct stat *st, uint64_t offset);

/* A file from a place in it to its end. */
struct part {
	char *path; /* owned */
	struct stat st;
	uint64_t from;
	bool final; /* nothing comes behind its last line */
};
enum { ROTATED_MAX = 256 };
/* What the log at path was renamed to, the oldest first; returns how many.  The caller frees their
 * paths. */
size_t place_rotated(const char *path, struct part parts[ROTATED_MAX]);

#endif
