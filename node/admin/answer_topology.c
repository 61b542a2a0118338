/* topology and accept: the version in force, and the next one. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"

/* From the log: the files in memory belong to the loop's thread. */
enum err answer_topology(struct answer *a)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	uint64_t version = admin_number(&a->request, "version", 1, UINT32_MAX, t ? t->version : 0);
	const uint8_t *file;
	enum err e;
	size_t n;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	if (!t) {
		report_add(&a->report, "this node has not joined a federation yet");
		a->advice = "khabar join FILE, then start khabardar again";
		return ERR_STATE;
	}
	e = log_reader_renew(a->log);
	if (!e)
		e = log_get_topology(a->log, (uint32_t)version, 0, &file, &n);
	if (e == ERR_NOT_FOUND)
		report_add(&a->report, "topology version %lu is not here; %lu is in force",
			   (unsigned long)version, (unsigned long)t->version);
	if (e)
		return e;
	a->frame = malloc(n);
	if (!a->frame)
		return ERR_MEMORY;
	memcpy(a->frame, file, n);
	a->frame_length = n;
	admin_put_number(&a->reply, "version", version);
	suspension_show(&a->reply, versions_suspension(node_versions(a->node)));
	return ERR_OK;
}

static void put_accepted(struct text *t, const char *what, uint64_t number, const struct hash *hash)
{
	admin_put_number(t, what, number);
	admin_put_hex(t, "hash", hash->b, HASH_BYTES);
}

enum err answer_accept(struct answer *a)
{
	const struct slice *file = &a->frames[0];
	const struct topology *t;
	const struct suspension *s;
	bool suspends;
	enum err e;

	a->where = "topology";
	if (!admin_request_done(&a->request) || a->frame_count != 1) {
		report_add(&a->report, "exactly one frame is wanted, the signed topology");
		return ERR_FORMAT;
	}
	suspends = suspension_is(file->at, council_text_length(file->at, file->length));
	e = node_accept(a->node, (const uint8_t *)file->at, file->length, &a->report);
	/* What counts already was heard from a neighbour. */
	if (e && !(suspends && e == ERR_EXISTS))
		return e;
	t = versions_newest(node_versions(a->node));
	s = versions_suspension(node_versions(a->node));
	text_str(&a->summary, "{");
	if (suspends && s) {
		put_accepted(&a->reply, "suspension", s->serial, &s->hash);
		put_accepted(&a->summary, "suspension", s->serial, &s->hash);
	} else {
		put_accepted(&a->reply, "version", t->version, &t->hash);
		put_accepted(&a->summary, "version", t->version, &t->hash);
	}
	text_str(&a->summary, "}");
	return ERR_OK;
}
