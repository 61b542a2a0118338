/* Key files and passphrase files on disk.  SPEC.md 10.1.
 *
 * A key file is written whole and synced before its name exists.  It is never overwritten by
 * accident: only a change of keys puts another, which holds everything that is not destroyed on
 * purpose, in its place.
 * Reading refuses a file that anybody else could have read or written. */
#ifndef KEYS_KEYFILE_H
#define KEYS_KEYFILE_H

#include "keys/keyring.h"

enum { PASSPHRASE_MAX_BYTES = 1024 };

/* Creates path with mode 0600, under a passphrase unless that is NULL.  ERR_EXISTS. */
enum err keyfile_write(const char *path, const struct keyring *k, const char *passphrase,
		       struct report *report);

/* Puts another file in the place of the one at path, at once and synced: what is there before and
 * after a crash is whole. */
enum err keyfile_replace(const char *path, const struct keyring *k, const char *passphrase,
			 struct report *report);
/* Removes what a replacement that was interrupted has left beside path. */
void keyfile_sweep(const char *path);

/* Reads path.  ERR_NOT_FOUND, ERR_PERMISSIONS (report names the chmod to run), and what
 * keyring_decode returns.  The caller frees *k with keyring_free(). */
enum err keyfile_read(struct keyring **k, const char *path, const char *passphrase,
		      struct report *report);

/* Whether path needs a passphrase. */
enum err keyfile_peek(const char *path, bool *protected, struct report *report);

/* The first line of a file, in locked memory, freed with passphrase_free(); ERR_PASSPHRASE when it
 * is empty.  The file obeys the rules of a key file, but for a credential that systemd placed: that
 * one may belong to root and show the group bits of its access list. */
enum err passphrase_read(char **passphrase, const char *path, bool credential,
			 struct report *report);
void passphrase_free(char *passphrase);

#endif
