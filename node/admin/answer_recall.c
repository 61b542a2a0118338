/* What is said of a message that was taken back: by whom, when, why. */
#include "node/admin/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"

enum { REASON_MAX_BYTES = 256 };

/* A recall as it is shown; without a reason where it cannot be read here. */
struct recalled {
	struct message_id id;
	struct header header;
	char because[REASON_MAX_BYTES + 1], words[REASON_MAX_BYTES + 1];
};

bool answer_recalled(struct answer *a, const struct message_id *id, const struct header *h)
{
	struct header recall;
	uint64_t lsn;

	/* When nobody can tell, nothing is shown. */
	return index_recall(a->index, a->log, h, id, &recall, &lsn) != ERR_NOT_FOUND;
}

static void take_string(char out[REASON_MAX_BYTES + 1], const cJSON *json, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	if (s && strlen(s) <= REASON_MAX_BYTES)
		strcpy(out, s);
}

static void reason_read(struct recalled *r, struct answer *a, const struct log_row *row)
{
	char why[CONTENT_WHY_BYTES], *text;
	cJSON *json = NULL;
	size_t n;

	if (!answer_may_open(a, &r->header) ||
	    content_read(node_identity(a->node), a->log, row, &r->header, &text, &n, why))
		return;
	if (json_parse_bounded(&json, text, n, BODY_VALUES_MAX, NULL) == ERR_OK) {
		take_string(r->because, json, "because");
		take_string(r->words, json, "words");
	}
	cJSON_Delete(json);
	free(text);
}

static enum err recalled_read(struct recalled *r, struct answer *a, const struct message_id *id,
			      const struct header *target)
{
	struct log_row row;
	uint64_t lsn;
	enum err e = index_recall(a->index, a->log, target, id, &r->header, &lsn);

	if (!e)
		e = log_read(a->log, lsn, &row);
	if (e)
		return e;
	r->id = row.id;
	reason_read(r, a, &row);
	return ERR_OK;
}

static void sentence(char out[RECALL_TEXT_BYTES], const struct answer *a, const struct recalled *r)
{
	char name[PARTY_TEXT_BYTES], time[TIME_BYTES];
	int n = snprintf(out, RECALL_TEXT_BYTES, "recalled by %s at %s",
			 answer_party(a, name, &r->header.origin),
			 time_format(time, r->header.created));

	if (strcmp(r->because, "leaked") == 0)
		n += snprintf(out + n, RECALL_TEXT_BYTES - (size_t)n,
			      ", because it should not have been sent");
	else if (r->because[0])
		n += snprintf(out + n, RECALL_TEXT_BYTES - (size_t)n, ", because %s", r->because);
	if (r->words[0])
		snprintf(out + n, RECALL_TEXT_BYTES - (size_t)n, ": %s", r->words);
}

enum err recall_show(struct answer *a, const struct message_id *id, const struct header *h,
		     char out[RECALL_TEXT_BYTES])
{
	struct recalled *r = calloc(1, sizeof *r);
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES];
	enum err e = r ? recalled_read(r, a, id, h) : ERR_MEMORY;

	out[0] = '\0';
	if (!e) {
		sentence(out, a, r);
		admin_put_name(t, "recalled");
		text_str(t, "{");
		admin_put_hex(t, "message", r->id.b, MESSAGE_ID_BYTES);
		admin_put_string(t, "node", answer_party(a, name, &r->header.origin));
		admin_put_time(t, "at", r->header.created);
		admin_put_string(t, "because", r->because[0] ? r->because : NULL);
		admin_put_string(t, "words", r->words[0] ? r->words : NULL);
		text_str(t, "}");
	} else if (e == ERR_NOT_FOUND) {
		admin_put_string(t, "recalled", NULL);
		e = ERR_OK;
	}
	free(r);
	return e;
}
