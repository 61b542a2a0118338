/* topology and accept: the version in force, and the next one. */
#include "node/answer.h"

#include <stdlib.h>
#include <string.h>

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
	return ERR_OK;
}

enum err answer_accept(struct answer *a)
{
	const struct topology *t;
	enum err e;

	a->where = "topology";
	if (!admin_request_done(&a->request) || a->frame_count != 1) {
		report_add(&a->report, "exactly one frame is wanted, the signed topology");
		return ERR_FORMAT;
	}
	e = node_accept(a->node, (const uint8_t *)a->frames[0].at, a->frames[0].length, &a->report);
	if (e)
		return e;
	t = versions_newest(node_versions(a->node));
	admin_put_number(&a->reply, "version", t->version);
	admin_put_hex(&a->reply, "hash", t->hash.b, HASH_BYTES);
	text_str(&a->summary, "{");
	admin_put_number(&a->summary, "version", t->version);
	admin_put_hex(&a->summary, "hash", t->hash.b, HASH_BYTES);
	text_str(&a->summary, "}");
	return ERR_OK;
}
