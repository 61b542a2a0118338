/* khabar audit verify: whether the chain of the audit is whole. */
#ifndef NODE_CMD_AUDIT_H
#define NODE_CMD_AUDIT_H

#include "node/cmd/cmd.h"

/* head: "NUMBER:HASH" as another node's `khabar audit heads` has it; or NULL. */
int audit_verify(const struct cmd_context *c, const char *head);

#endif
