/* STIX 2.1 bundles and objects, as far as a node must understand them.  SPEC.md 8.
 *
 * The author's bytes are the truth: this module reads them and never rewrites them.  It knows the
 * properties that rules depend on (id, type, modified, revoked, markings, validity, patterns) and
 * carries the rest unread. */
#ifndef PROTOCOL_STIX_H
#define PROTOCOL_STIX_H

#include "protocol/json.h"
#include "protocol/observable.h"

enum {
	OBSERVABLES_PER_OBJECT_MAX = 64,
	TLP_DEFINITIONS_MAX = 64, /* marking-definitions in a bundle that spell out a TLP */
};

/* One object; pointers live as long as its bundle. */
struct stix_object {
	const char *id, *type;
	const char *name;           /* or NULL */
	const char *pattern;        /* or NULL; only where pattern_type is stix */
	uint64_t created, modified; /* ms since 1970; of cyber-observables, which have none, 0 */
	uint64_t valid_from, valid_until; /* ms; 0: none */
	bool revoked;
	bool marked;      /* carries a TLP marking of its own */
	enum tlp tlp;     /* the strictest of its TLP markings; CLEAR when none */
	bool scaffolding; /* see stix_scaffolding() */
	struct slice raw; /* as its author wrote it, from brace to brace */
	const cJSON *json;
};

/* When every CERT's identity object was created, as STIX lets no version of an object change that.
 */
#define IDENTITY_CREATED "2020-01-01T00:00:00.000Z"

struct bundle;

/* Reads one bundle of n bytes: strict JSON, type bundle, 1 to max_objects objects, each with type,
 * id "<type>--<uuid>" and, for domain and relationship objects, spec_version 2.1, created and
 * modified; indicators with a pattern, pattern_type and valid_from before valid_until; TLP 1 and
 * TLP 2 markings, of the object or of a part of it, by id or by a definition in the bundle.  Every
 * problem is named in report as "object 17 (indicator--...): ...".  On ERR_OK the caller frees *b
 * with bundle_free().  The text is borrowed. */
enum err bundle_read(struct bundle **b, const char *text, size_t n, size_t max_objects,
		     struct report *report);
/* The same for a bundle that is part of a text already parsed: json and text are that part.  On
 * ERR_OK the bundle owns root, the whole of the parsed text; otherwise the caller keeps it. */
enum err bundle_read_parsed(struct bundle **b, cJSON *root, const cJSON *json, struct slice text,
			    size_t max_objects, struct report *report);
void bundle_free(struct bundle *b);

const char *bundle_id(const struct bundle *b);
size_t bundle_count(const struct bundle *b);
const struct stix_object *bundle_object(const struct bundle *b, size_t i);
/* The strictest marking of any object; false when none is marked. */
bool bundle_tlp(const struct bundle *b, enum tlp *tlp);

/* What can be looked up in an object: equality comparisons of an indicator's STIX pattern, or the
 * value of a cyber-observable object.  At most max; returns how many. */
size_t stix_observables(const struct stix_object *o, struct observable *out, size_t max);

/* The body JSON of a post: {"envelope":{...},"bundle":...}.  SPEC.md 8.1. */
struct envelope {
	bool block;      /* "use":"block"; absent or "detect": false */
	bool exercise;   /* "exercise":true */
	bool receipt;    /* "receipt":true: everybody who reads it shall say so */
	uint64_t ack_by; /* "ack-by": until when a person shall have noted it, ms; 0: none */
	char as_role[NAME_MAX_BYTES + 1]; /* "as-role", or "" */
};
struct post {
	struct envelope envelope;
	struct bundle *bundle; /* owned */
	struct slice text;     /* of the bundle, as written */
};
/* The text is borrowed.  At most BUNDLE_OBJECTS_MAX objects and BODY_VALUES_MAX values.  On ERR_OK
 * the caller calls post_clear(). */
enum err post_read(struct post *p, const char *json, size_t n, struct report *report);
void post_clear(struct post *p);
/* Appends the body JSON to out: the bundle's bytes are copied unchanged. */
void post_write(struct text *out, const struct envelope *envelope, struct slice bundle);

/* True for the objects that a bundle carries for its own reading and nobody counts:
 * marking-definition, and identity when it is the created_by_ref of others. */
bool stix_scaffolding(const struct stix_object *o);

/* id of the TLP 2.0 marking-definition, and the whole object as the OASIS specification gives it;
 * static. */
const char *tlp_marking_id(enum tlp tlp);
const char *tlp_marking_object(enum tlp tlp);
/* The TLP that a marking's id means, of version 1 or 2. */
bool tlp_of_marking(const char *id, enum tlp *tlp);
/* The TLP that a marking-definition object spells out, whatever its id. */
bool tlp_of_definition(const cJSON *definition, enum tlp *tlp);

/* A version 5 UUID (namespace of this project, BLAKE2b for SHA-1 being no option there) of the
 * text, as 36 characters and a NUL; and a version 4 UUID of 16 random bytes that the caller drew.
 */
void uuid_of_text(char out[37], const char *text);
void uuid_of_random(char out[37], const uint8_t random[16]);
/* 36 characters in the groups of a UUID, hexadecimal in either case. */
bool uuid_valid(const char *text);

#endif
