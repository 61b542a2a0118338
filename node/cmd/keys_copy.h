/* khabar keys copy: the keys of a home, sealed under a passphrase, to be kept elsewhere. */
#ifndef NODE_CMD_KEYS_COPY_H
#define NODE_CMD_KEYS_COPY_H

#include "node/cmd/cmd.h"
#include "protocol/error.h"
#include "protocol/types.h"

int keys_copy(const struct cmd_context *c, int argc, char **argv);
/* Over all key files of the home, by name: changes when one does. */
enum err keys_hash(const char *home, struct hash *hash);

#endif
