/* khabar keys rotate. */
#ifndef NODE_CMD_ROTATE_H
#define NODE_CMD_ROTATE_H

#include "node/cmd/cmd.h"

int keys_rotate(const struct cmd_context *c, int argc, char **argv);

#endif
