/* rotate: another link key, another seal key. */
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/duty/node_card.h"

static void names_show(struct text *t, const struct waiting *w)
{
	admin_put_name(t, "waiting");
	text_str(t, "[");
	for (size_t i = 0; i < w->count; i++)
		admin_put_string(t, NULL, w->names[i]);
	text_str(t, "]");
}

static enum err rotate_link(struct answer *a, bool now)
{
	struct waiting *w = calloc(1, sizeof *w);
	enum err e = w ? card_change_link(a->node, now, w, &a->report) : ERR_MEMORY;
	const struct identity_public *public = identity_public(node_identity(a->node));

	if (e == ERR_EXISTS && card_waiting(a->node, w) == ERR_OK) {
		for (size_t i = 0; i < w->count; i++)
			report_add(&a->report, "%s has not acknowledged the card with the next key",
				   w->names[i]);
		a->advice = "wait until they have, or use --now: who has not the card then cannot "
			    "be reached until it has";
	}
	if (!e) {
		admin_put_string(&a->reply, "key", "link");
		admin_put_hex(&a->reply, "link", public->link, LINK_KEY_BYTES);
		if (public->link_changing)
			admin_put_hex(&a->reply, "link_next", public->link_next, LINK_KEY_BYTES);
		else
			admin_put_string(&a->reply, "link_next", NULL);
		names_show(&a->reply, w);
		text_str(&a->summary, "{\"key\":\"link\"");
		admin_put_bool(&a->summary, "now", now);
		text_str(&a->summary, "}");
	}
	free(w);
	return e;
}

static enum err rotate_seal(struct answer *a)
{
	uint16_t number;
	enum err e = card_draw_seal(a->node, &number, &a->report);

	if (e)
		return e;
	admin_put_string(&a->reply, "key", "seal");
	admin_put_number(&a->reply, "number", number);
	admin_put_hex(&a->reply, "seal", identity_public(node_identity(a->node))->seal,
		      SEAL_KEY_BYTES);
	text_str(&a->summary, "{\"key\":\"seal\"");
	admin_put_number(&a->summary, "number", number);
	text_str(&a->summary, "}");
	return ERR_OK;
}

enum err answer_rotate(struct answer *a)
{
	const char *key = admin_string(&a->request, "key");
	bool now = admin_flag(&a->request, "now");

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	if (key && strcmp(key, "link") == 0)
		return rotate_link(a, now);
	if (key && strcmp(key, "seal") == 0 && !now)
		return rotate_seal(a);
	a->where = "key";
	report_add(&a->report, key && strcmp(key, "seal") == 0
				       ? "a new seal key is always used at once"
				       : "link or seal is wanted");
	return ERR_FORMAT;
}
