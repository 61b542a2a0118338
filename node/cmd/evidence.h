/* Evidence that lies in a file.  SPEC.md 5.12. */
#ifndef NODE_CMD_EVIDENCE_H
#define NODE_CMD_EVIDENCE_H

#include "node/cmd/cmd.h"
#include "protocol/evidence.h"

/* khabar verify of n bytes that look like evidence: against the topology of the node, or, where
 * none runs, against the one in its home. */
int evidence_verify(const struct cmd_context *c, const char *what, const char *text, size_t n);

#endif
