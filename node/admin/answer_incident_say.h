/* An event of an incident on its way out; only the files of incident-say include it. */
#ifndef NODE_ANSWER_INCIDENT_SAY_H
#define NODE_ANSWER_INCIDENT_SAY_H

#include "node/admin/answer_incident.h"

struct saying {
	struct answer *a;
	struct addressed who;
	struct incident_case c; /* as it stands; of open: empty */
	struct incident_event event;
	struct chain chain;
	cJSON *words; /* owned: what the action wants said */
	cJSON *after; /* owned: the state that follows */
	struct recipients to;
	char uuid[37];
	uint64_t now;
	uint32_t year, number; /* that open gives */
};

/* Says why not; ERR_NOT_ALLOWED. */
enum err saying_refuse(const struct saying *s, const char *where, const char *why);
/* The name of who speaks: this node, or a role of its. */
const char *saying_actor(const struct saying *s);
/* The party of that name in the version in force, or NULL. */
const struct party *saying_party(const struct saying *s, const char *name);
bool saying_names(const cJSON *names, const char *name);
/* Copies a member of the request as it is; its rules are those of the event. */
enum err saying_take(struct saying *s, cJSON *to, const char *name);
/* "to" as names, which the caller owns. */
enum err saying_parties(struct saying *s, cJSON **names);

/* Makes the state that the request to open an incident asks for. */
enum err saying_open(struct saying *s);
/* Remembers the number that was given, before anything is said under it. */
enum err saying_number_keep(struct saying *s);

#endif
