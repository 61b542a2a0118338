/* Requests and replies of the admin socket.  SPEC.md 9.
 *
 * A request is one JSON object, then any number of binary frames (bundles).  A reply is one JSON
 * object:
 * {"ok":true,...} or {"ok":false,"error":{"what":..,"where":..,"why":..,"do":..}}.  What is long
 * comes in pages: "lines":[...], and "next": a cursor to send back as "after" with the same
 * request.  Neither side keeps state between pages, so a client that goes away costs nothing and
 * one thread answers all. */
#ifndef PROTOCOL_ADMIN_H
#define PROTOCOL_ADMIN_H

#include "protocol/json.h"

enum { ADMIN_REQUEST_MAX_BYTES = 1 << 20, ADMIN_BUNDLES_MAX = 4096, ADMIN_PAGE_LINES = 1000 };

#endif
