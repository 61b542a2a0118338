/* From ZPL items to the struct, in three steps that topology_parse calls: values, references,
 * rules.  Private to the topology; every step goes on after a mistake, so that all are named. */
#ifndef PROTOCOL_TOPOLOGY_READ_H
#define PROTOCOL_TOPOLOGY_READ_H

#include "protocol/topology.h"
#include "protocol/zpl.h"

struct reading {
	struct topology *t;
	const struct zpl *z;
	struct report *report;
	const struct zpl_item **items; /* of each party, in the order of t->parties */
	size_t problems;
	bool memory; /* an allocation failed: the result is worth nothing */
};

/* One key that a section may have: a value, or a section of its own. */
struct rule {
	const char *name;
	void (*read)(struct reading *r, const struct zpl_item *item, void *target);
	bool section;
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is wrong with an item, said with its path. */
void reading_wrong(struct reading *r, const struct zpl_item *item, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A key that is not there though it must be. */
void reading_missing(struct reading *r, const struct zpl_item *section, const char *key,
		     const char *hint);
/* calloc that remembers a failure. */
void *reading_alloc(struct reading *r, size_t n, size_t size);

/* Reads the items from first on by the rules.  A rule without reader is for a later step. */
void reading_items(struct reading *r, const struct zpl_item *first, const struct rule *rules,
		   size_t n, void *target);
/* A value of 1 to most bytes; replaces *out. */
void reading_text(struct reading *r, const struct zpl_item *item, char **out, size_t most);
/* 0 after a complaint. */
uint64_t reading_number(struct reading *r, const struct zpl_item *item, uint64_t least,
			uint64_t most);
/* Days since 1970. */
uint32_t reading_date(struct reading *r, const struct zpl_item *item);

/* Federation, council, policy; then topology_read_parties: parties with their names, then every
 * value that needs no other party. */
void topology_read(struct reading *r);
void topology_read_parties(struct reading *r);
/* Sorts by_name, without which no party is found. */
void topology_sort_names(struct reading *r);
/* Reporting lines, holders, groups, bilateral links. */
void topology_refer(struct reading *r);
/* What no single line shows: circles, the root, keys used twice. */
void topology_check(struct reading *r);
/* Network, ids, roles held, who is above whom.  Only for a text without problems. */
void topology_derive(struct reading *r);

#endif
