/* Who changed what through the admin socket: facts in the log.  SPEC.md 9.2. */
#ifndef NODE_AUDIT_H
#define NODE_AUDIT_H

#include "node/node.h"
#include "node/admin/rights.h"
#include "protocol/json.h"

enum { AUDIT_SUMMARY_MAX_BYTES = 64 << 10 };

/* Keeps that the caller did what name says; summary is a JSON object, or "" for none. */
enum err audit_write(struct node *node, const struct caller *caller, const char *name,
		     const char *summary);

/* Appends the row, a FACT_AUDIT, as one JSON object to t; one that cannot be read says so. */
void audit_show(struct text *t, const struct log_row *row);

#endif
