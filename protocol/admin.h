/* Requests and replies of the admin socket.  SPEC.md 9.
 *
 * A request is one JSON object, then any number of binary frames (bundles).  A reply is one JSON
 * object, then at most one binary frame:
 * {"ok":true,...} or {"ok":false,"error":{"what":..,"where":..,"why":..,"do":..}}.  What is long
 * comes in pages: "lines":[...], and "next": a cursor to send back as "after" with the same
 * request.  Neither side keeps state between pages, so a client that goes away costs nothing and
 * one thread answers all. */
#ifndef PROTOCOL_ADMIN_H
#define PROTOCOL_ADMIN_H

#include "protocol/json.h"

enum {
	ADMIN_REQUEST_MAX_BYTES = 1 << 20,
	ADMIN_REQUEST_VALUES_MAX = 64 << 10,
	ADMIN_FRAME_MAX_BYTES = BODY_PLAIN_MAX_BYTES,
	ADMIN_FRAMES_MAX_BYTES = 256 << 20, /* of one request, all together */
	ADMIN_BUNDLES_MAX = 4096,
	ADMIN_PAGE_LINES = 1000, /* after which a page ends as soon as it can */
	ADMIN_VALUES_MAX = 1000, /* of one check */
	ADMIN_SIFT_MAX_BYTES = 4 << 20,
	ADMIN_MEMBERS_MAX = 32,
};

/* A request being read, member by member.  Sticky: what is not as it should be is named in report
 * and sets bad; the caller looks once, at the end.  Borrows the object; strings live as long as
 * that. */
struct admin_request {
	const cJSON *json;
	struct report *report;
	bool bad;
	size_t taken_count;
	const cJSON *taken[ADMIN_MEMBERS_MAX];
};

/* Reads the n bytes of a request: strict JSON, an object, with a string "do".  The caller frees
 * *json with cJSON_Delete(). */
enum err admin_parse(cJSON **json, const char *text, size_t n, struct report *report);
/* What the request asks for. */
const char *admin_do(const cJSON *json);

void admin_request_init(struct admin_request *r, const cJSON *json, struct report *report);
/* The member of that name, or NULL, false, absent or 0 when there is none. */
const char *admin_string(struct admin_request *r, const char *name);
/* As it is, for whoever reads it by itself. */
const cJSON *admin_member(struct admin_request *r, const char *name);
bool admin_flag(struct admin_request *r, const char *name);
uint64_t admin_number(struct admin_request *r, const char *name, uint64_t min, uint64_t max,
		      uint64_t absent);
/* An array of at most max strings; returns how many. */
size_t admin_strings(struct admin_request *r, const char *name, const char **out, size_t max);
/* True when all was well and no member is left that nobody asked for. */
bool admin_request_done(struct admin_request *r);

/* Append a member to the object (or an element to the array, with name NULL) that t ends in, with
 * a comma where one is needed.  NULL is null, a time of 0 too. */
void admin_put_name(struct text *t, const char *name);
void admin_put_string(struct text *t, const char *name, const char *value);
void admin_put_number(struct text *t, const char *name, uint64_t value);
void admin_put_signed(struct text *t, const char *name, int64_t value);
void admin_put_bool(struct text *t, const char *name, bool value);
void admin_put_time(struct text *t, const char *name, uint64_t ms);
void admin_put_hex(struct text *t, const char *name, const void *bytes, size_t n);

/* The reply that refuses: what was asked, where it went wrong (or NULL), why (the report's first
 * line, else the error's own phrase; all lines follow as "lines"), and what to do (or NULL). */
void admin_refuse(struct text *reply, const char *what, const char *where, enum err why,
		  const struct report *report, const char *advice);

#endif
