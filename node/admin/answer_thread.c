/* What refers to a message: answers, and what its author has said of it since. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWERS_SHOWN = 100, TEXT_SHOWN_BYTES = 400 };

/* What a person would read first: a note's text, else a report's name, else any. */
const char *bundle_words(const struct bundle *b)
{
	const char *name = NULL, *report = NULL;

	for (size_t i = 0; i < bundle_count(b); i++) {
		const struct stix_object *o = bundle_object(b, i);
		const char *content =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o->json, "content"));
		if (strcmp(o->type, "note") == 0 && content)
			return content;
		if (!report && strcmp(o->type, "report") == 0)
			report = o->name;
		if (!name && !o->scaffolding)
			name = o->name;
	}
	return report ? report : name;
}

void words_show(struct text *t, const char *name, const char *words)
{
	char cut[TEXT_SHOWN_BYTES];
	size_t n = words ? strlen(words) : 0;

	if (n < sizeof cut) {
		admin_put_string(t, name, words);
		return;
	}
	n = sizeof cut - 1;
	while (n > 0 && ((unsigned char)words[n] & 0xc0) == 0x80) /* not inside a character */
		n--;
	memcpy(cut, words, n);
	cut[n] = '\0';
	admin_put_string(t, name, cut);
}

/* One of them, where it may be seen; what is RED is only told of. */
static enum err answer_one(struct answer *a, uint64_t lsn, const struct header *target,
			   struct opened *o, size_t *shown)
{
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES];
	struct log_row row;
	enum err e = log_read(a->log, lsn, &row);
	bool red = !e && row.kind == LOG_MESSAGE && row_header(&row, &o->header) &&
		   o->header.tlp == TLP_RED && !answer_hidden(a, &row, &o->header);

	if (!e && !red)
		e = opened_read(o, a, &row);
	if (e)
		return e == ERR_MEMORY ? e : ERR_OK;
	/* SPEC 5.9: "A reseal has its target's id as `ref`" */
	if (o->header.created == target->created &&
	    party_id_equal(&o->header.origin, &target->origin)) {
		if (!red)
			opened_clear(o);
		return ERR_OK;
	}
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_hex(t, "message", row.id.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &o->header.origin));
	admin_put_string(t, "tlp", tlp_str((enum tlp)o->header.tlp));
	admin_put_time(t, "created", o->header.created);
	admin_put_time(t, "arrived", row.arrived);
	words_show(t, "text", red ? NULL : bundle_words(o->post.bundle));
	text_str(t, "}");
	++*shown;
	if (!red)
		opened_clear(o);
	return ERR_OK;
}

enum err answers_show(struct answer *a, const struct message_id *id, const struct header *h)
{
	struct opened *o = calloc(1, sizeof *o);
	uint64_t at = 0, lsn;
	size_t shown = 0;
	enum err e = o ? ERR_OK : ERR_MEMORY;

	admin_put_name(&a->reply, "answers");
	text_str(&a->reply, "[");
	while (!e && shown < ANSWERS_SHOWN) {
		e = index_answers(a->index, id, &at, &lsn);
		if (!e)
			e = answer_one(a, lsn, h, o, &shown);
	}
	text_str(&a->reply, "]");
	free(o);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
