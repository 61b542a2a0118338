/* What an answer answers: to whom it goes, and under which TLP, where its author does not say. */
#include "node/admin/answer.h"

#include <stdlib.h>

#include "protocol/audience.h"

enum { NAMES_MAX = 256 };

/* Why the message cannot be answered, or NULL. */
static const char *refusal(const struct addressed *w, struct answer *a, const struct log_row *row,
			   const struct header *h, char *why, size_t size)
{
	if (h->kind != KIND_POST && h->kind != KIND_FORWARD)
		return "only posts and forwards are answered";
	if (!party_id_equal(&h->origin, &w->self->id) && !audience_reads(w->topology, w->self, h))
		return "it is not for this node, which only carries it";
	switch (answer_hidden(a, row, h)) {
	case HIDDEN_EXPIRED:
		return "it has expired";
	case HIDDEN_RECALLED:
		return "it was recalled";
	case HIDDEN_WAITING:
		return "it waits for reconciliation with a neighbour that carries it";
	case HIDDEN_NOT:
		break;
	}
	return message_held_why(a, row, h, why, size);
}

static enum err find(struct addressed *w, struct answer *a, struct header *h)
{
	const char *id = admin_string(&a->request, "answers"), *words;
	struct log_row row;
	char why[256];
	enum err e = answer_catch_up(a);

	a->where = "answers";
	if (!e)
		e = answer_find_id(a, id, &w->answers_lsn);
	/* The index may know what has come since the log's reader looked. */
	if (!e)
		e = log_reader_renew(a->log);
	if (!e)
		e = log_read(a->log, w->answers_lsn, &row);
	if (!e && (row.kind != LOG_MESSAGE || !row_header(&row, h)))
		e = ERR_DAMAGED;
	if (e)
		return e;
	w->answers = row.id;
	words = refusal(w, a, &row, h, why, sizeof why);
	if (words) {
		report_add(&a->report, "%.12s cannot be answered: %s", id, words);
		return ERR_NOT_ALLOWED;
	}
	a->where = NULL;
	return ERR_OK;
}

/* SPEC 9.5: "An answer is no looser than what it answers." */
static enum err tlp_of(struct addressed *w, struct answer *a, const struct header *h)
{
	const char *word = admin_string(&a->request, "tlp");
	bool own = party_id_equal(&h->origin, &w->self->id);

	if (!word) {
		w->tlp = own || h->tlp > TLP_AMBER ? (enum tlp)h->tlp : TLP_AMBER;
		return ERR_OK;
	}
	a->where = "tlp";
	if (!tlp_parse(word, &w->tlp)) {
		report_add(&a->report, "\"%s\" is none of clear, green, amber, amber+strict, red",
			   word);
		return ERR_FORMAT;
	}
	if (w->tlp < (enum tlp)h->tlp) {
		report_add(&a->report, "what is answered is TLP:%s, and an answer is no looser",
			   tlp_str((enum tlp)h->tlp));
		return ERR_NOT_ALLOWED;
	}
	a->where = NULL;
	return ERR_OK;
}

/* Its author; or, of a message of this node itself, who was to read it. */
static enum err readers_of(struct addressed *w, struct answer *a, const struct header *h,
			   bool direct)
{
	const char *words[NAMES_MAX];
	struct recipients then = {0};
	size_t n = 0;
	enum err e;

	if (!party_id_equal(&h->origin, &w->self->id)) {
		const struct party *p = topology_party_by_id(w->topology, &h->origin);
		words[0] = p ? p->name : "";
		return addressed_words(w, a, words, 1, direct);
	}
	e = recipients_of(&then, w->topology, h);
	if (e)
		return e;
	if (then.all)
		words[n++] = "all";
	for (size_t i = 0; i < then.count && n < NAMES_MAX; i++)
		if (!then.chosen[i].party->left)
			words[n++] = then.chosen[i].party->name;
	e = addressed_words(w, a, words, n, direct);
	recipients_clear(&then);
	return e;
}

enum err addressed_answers(struct addressed *w, struct answer *a, bool direct)
{
	struct header *h = malloc(sizeof *h);
	enum err e = h ? find(w, a, h) : ERR_MEMORY;

	if (!e)
		e = tlp_of(w, a, h);
	if (!e && cJSON_HasObjectItem(a->request.json, "to"))
		e = addressed_to(w, a, direct);
	else if (!e)
		e = readers_of(w, a, h, direct);
	free(h);
	return e;
}
