#include "node/duty/audit_heads.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/audience.h"

/* SPEC 9.2: "A later one with another hash under the number of an earlier one, or with a smaller
 * number, shows that the author's audit was cut or written anew" */
static bool differs(const struct audit_heads *h, const struct beacon_audit *head)
{
	for (size_t i = 0; i < h->count; i++) {
		const struct beacon_audit *known = &h->marks[i].last;
		if (known->number == head->number && !hash_equal(&known->hash, &head->hash))
			return true;
	}
	return false;
}

static struct audit_mark *mark_of(struct audit_heads *h, const struct audit_told *told)
{
	struct audit_mark *m;

	for (size_t i = 0; i < h->count; i++)
		if (h->marks[i].incarnation == told->incarnation)
			return &h->marks[i];
	if (h->count == AUDIT_MARKS_MAX)
		memmove(h->marks, h->marks + 1, --h->count * sizeof *h->marks);
	m = &h->marks[h->count++];
	*m = (struct audit_mark){.incarnation = told->incarnation,
				 .first_sequence = told->sequence,
				 .last_sequence = told->sequence,
				 .first_id = told->id,
				 .first_ref = told->ref,
				 .first_number = told->head.number,
				 .last = told->head};
	return m;
}

static bool fewer(struct audit_heads *h, uint64_t less, uint64_t more)
{
	if (less >= more)
		return false;
	h->less = less;
	h->more = more;
	return true;
}

/* SPEC 9.2: "Of one incarnation the sequence says which is later; of two, that the heartbeat of one
 * refers to that of the other." */
static bool shrinks(struct audit_heads *h, const struct audit_mark *m)
{
	for (size_t i = 0; i < h->count; i++) {
		const struct audit_mark *o = &h->marks[i];
		if (memcmp(&m->first_ref, &o->first_id, MESSAGE_ID_BYTES) == 0 &&
		    fewer(h, m->first_number, o->last.number))
			return true;
		if (memcmp(&o->first_ref, &m->first_id, MESSAGE_ID_BYTES) == 0 &&
		    fewer(h, o->first_number, m->last.number))
			return true;
	}
	return false;
}

static bool mark_see(struct audit_heads *h, struct audit_mark *m, const struct audit_told *told)
{
	bool less = told->sequence > m->last_sequence ? fewer(h, told->head.number, m->last.number)
						      : fewer(h, m->last.number, told->head.number);

	if (told->sequence > m->last_sequence) {
		m->last_sequence = told->sequence;
		m->last = told->head;
	}
	if (told->sequence < m->first_sequence) {
		m->first_sequence = told->sequence;
		m->first_id = told->id;
		m->first_ref = told->ref;
	}
	if (told->head.number < m->first_number)
		m->first_number = told->head.number;
	return less;
}

enum audit_fault audit_heads_see(struct audit_heads *h, const struct audit_told *told)
{
	bool other = differs(h, &told->head);
	struct audit_mark *m = mark_of(h, told);
	bool less = mark_see(h, m, told);

	less = shrinks(h, m) || less;
	return other ? AUDIT_OTHER : less ? AUDIT_FEWER : AUDIT_GOOD;
}

bool audit_told(struct beacon_audit *head, const struct identity *identity, struct log_reader *log,
		const struct log_row *row, const struct header *h)
{
	const struct audience_id all = audience_all();
	struct beacon *beacon;
	char why[CONTENT_WHY_BYTES], *json = NULL;
	size_t n;
	bool told = false;

	if (h->kind != KIND_BEACON || row->verdict != VERDICT_ACCEPTED ||
	    memcmp(h->audience.b, all.b, AUDIENCE_ID_BYTES) != 0)
		return false;
	beacon = malloc(sizeof *beacon);
	if (beacon && content_read(identity, log, row, h, &json, &n, why) == ERR_OK &&
	    beacon_read(beacon, json, n, NULL) == ERR_OK) {
		*head = beacon->audit;
		told = true;
	}
	free(json);
	free(beacon);
	return told;
}
