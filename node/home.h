/* A node's home folder: where its files are, and what opens at every start.  SPEC.md 10. */
#ifndef NODE_HOME_H
#define NODE_HOME_H

#include <limits.h>

#include "keys/identity.h"
#include "node/config.h"

#define HOME_DEFAULT "/var/lib/khabardar"

/* HOME/NAME, or false when that is longer than a path may be. */
bool home_path(char out[PATH_MAX], const char *home, const char *name);

/* Reads khabardar.zpl, the passphrase that it names, node.key and every role-*.key.  ERR_FORMAT
 * when the configuration is another node's than the keys; otherwise the errors of config_read,
 * config_passphrase, identity_open and identity_add_role.  On ERR_OK the caller owns both. */
enum err home_open(struct config **config, struct identity **identity, const char *home,
		   struct report *report);

/* What a new key file of this home is written under: the passphrase that khabardar.zpl names, or
 * NULL.  Freed with passphrase_free(). */
enum err home_passphrase(char **passphrase, const char *home, struct report *report);

/* ERR_DAMAGED, in words, where there is an index and not the log that it was made from: an empty
 * log in its place would hide the loss. */
enum err home_log_there(const char *home, struct report *report);

#endif
