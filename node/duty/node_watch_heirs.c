/* Two starts of one author that began with the same state. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/duty/watch.h"

enum {
	LOOKED_BACK = 256, /* beacons for everyone */
	STARTS_MAX = 64,   /* heartbeats among them */
	DAY_MS = 24 * 3600 * 1000,
};

/* A heartbeat. */
struct start {
	uint64_t incarnation, arrived;
	struct message_id ref;
};

/* SPEC 5.11: "No other beacon has a ref."  The heartbeat of a new store has none either, and is
 * known by being the first that is said. */
static bool is_heartbeat(const struct header *h)
{
	return !bytes_zero(h->ref.b, MESSAGE_ID_BYTES) || h->sequence == 1;
}

void heirs_alarm(struct look *l, struct watched *w, uint64_t a, uint64_t b, uint64_t at)
{
	char name[2 * PARTY_ID_BYTES + 1];

	/* A clock that was far ahead when it came must not keep it for years. */
	if (at > l->wall)
		at = l->wall;
	if (at + DAY_MS <= l->wall || at + DAY_MS < w->until)
		return;
	w->until = at + DAY_MS;
	snprintf(w->text, sizeof w->text,
		 "%s%s has begun twice with the same state (starts %016" PRIx64 " and %016" PRIx64
		 "): it was restored from a backup or an older disk, or runs twice",
		 party_id_equal(&w->id, &l->self) ? "this node, " : "", look_name(l, &w->id, name),
		 a < b ? a : b, a < b ? b : a);
}

/* Two with one ref: the pair of which the newer came last. */
static void compare(struct look *l, struct watched *w, const struct start *starts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++) {
			const struct start *a = &starts[i], *b = &starts[k];
			if (a->incarnation != b->incarnation && message_id_equal(&a->ref, &b->ref))
				heirs_alarm(l, w, a->incarnation, b->incarnation,
					    a->arrived > b->arrived ? a->arrived : b->arrived);
		}
	}
}

enum err heirs_look(struct look *l, struct watched *w)
{
	const struct stream s = {w->id, audience_all()};
	struct start starts[STARTS_MAX];
	uint64_t before = UINT64_MAX;
	struct log_row row;
	size_t count = 0;
	enum err e = ERR_OK;

	for (int i = 0; i < LOOKED_BACK && count < STARTS_MAX; i++) {
		e = index_beacon(l->index, &s, before, &before);
		if (e)
			break;
		if (!look_header(l, before, &row, &l->header))
			continue;
		if (i == 0) {
			w->incarnation = l->header.incarnation;
			w->known = true;
		}
		if (is_heartbeat(&l->header))
			starts[count++] =
				(struct start){l->header.incarnation, row.arrived, l->header.ref};
	}
	compare(l, w, starts, count);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
