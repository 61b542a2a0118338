/* What a request of export wants of the objects; answer_export.c gives them. */
#ifndef NODE_ADMIN_ANSWER_EXPORT_H
#define NODE_ADMIN_ANSWER_EXPORT_H

#include "node/admin/answer.h"

enum { LABELS_WANTED_MAX = 64 };

/* What is wanted of the objects; NULL, or zeros: whatever. */
struct export_filter {
	const char *type;
	enum observable_type value_type; /* when type names one */
	const struct party *node;
	const struct topology *topology; /* in which group is */
	const struct party_group *group;
	enum tlp tlp_max;
	bool by_use, block;
	const char *labels[LABELS_WANTED_MAX]; /* any of them */
	size_t label_count;
	int min_confidence; /* -1: whatever */
	uint64_t since;     /* ms: what arrived before is too old */
	bool whole;         /* every object, with its bytes, and the scaffolding with it */
	bool brief;         /* every object, whatever is muted: which it is, and no more */
	uint64_t now;       /* ms */
};

/* What points into the request lives as long as that. */
enum err export_filter_read(struct export_filter *f, struct answer *a);

#endif
