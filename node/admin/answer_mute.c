/* mute, unmute and mutes: what this CERT keeps out of its own exports; and what warning lists do.
 */
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/loop.h"
#include "protocol/bytes.h"

/* Of a FACT_MUTE: one byte, the key of the value, and of a mute how it is kept. */
enum { MUTED = 1, UNMUTED = 2 };

enum { LISTS_NAMED_MAX = 16 };

struct muting {
	struct answer *a;
	struct observable value;
	char name[MUTE_NAME_BYTES];
	uint8_t *bytes; /* owned */
	size_t length;
};

static enum err value_read(struct muting *m, const char *typed)
{
	struct answer *a = m->a;
	const char *why;

	if (!typed) {
		a->where = "value";
		report_add(&a->report, "a value is wanted");
		return ERR_FORMAT;
	}
	a->where = typed;
	if (observable_detect(&m->value, typed, &why) == ERR_OK)
		return ERR_OK;
	report_add(&a->report, "\"%s\": %s", typed, why);
	return ERR_FORMAT;
}

static enum err keep(struct muting *m, bool mutes)
{
	size_t n = 1 + MUTE_KEY_BYTES + (mutes ? m->length : 0);
	uint8_t *fact = malloc(n);
	const char *key = m->name + strlen(m->name) - 2 * (size_t)MUTE_KEY_BYTES;
	enum err e = fact ? ERR_OK : ERR_MEMORY;

	if (!e) {
		fact[0] = mutes ? MUTED : UNMUTED;
		if (!hex_decode(fact + 1, MUTE_KEY_BYTES, key))
			e = ERR_FORMAT;
	}
	if (!e && mutes)
		memcpy(fact + 1 + MUTE_KEY_BYTES, m->bytes, m->length);
	if (!e)
		e = node_keep(m->a->node, m->name, mutes ? m->bytes : NULL, m->length, FACT_MUTE,
			      fact, n);
	free(fact);
	return e ? e
		 : mutes_set(node_mutes(m->a->node), m->name, mutes ? m->bytes : NULL, m->length);
}

/* The audit is readable on the disk: it has the key of the value, which `mutes` shows beside it. */
static void summary(struct muting *m)
{
	struct text *t = &m->a->summary;

	text_str(t, "{");
	admin_put_string(t, "key", strchr(m->name, '/') + 1);
	text_str(t, "}");
}

static enum err mute(struct muting *m, const char *because)
{
	struct answer *a = m->a;
	enum err e;

	if (because && strlen(because) > MUTE_BECAUSE_BYTES) {
		a->where = "because";
		report_add(&a->report, "at most %d bytes", MUTE_BECAUSE_BYTES);
		return ERR_LIMIT;
	}
	if (mutes_has(node_mutes(a->node), &m->value)) {
		report_add(&a->report, "%s is muted already", m->value.text);
		return ERR_EXISTS;
	}
	if (mutes_count(node_mutes(a->node)) == MUTES_MAX) {
		report_add(&a->report, "%d values are muted, and no more can be", MUTES_MAX);
		a->advice = "khabar mute lists them; khabar unmute takes one back";
		return ERR_LIMIT;
	}
	e = mute_encode(node_mutes(a->node), &m->value, because, clock_wall(), a->caller->uid,
			m->name, &m->bytes, &m->length);
	return e ? e : keep(m, true);
}

static enum err unmute(struct muting *m)
{
	struct answer *a = m->a;
	enum err e;

	if (!mutes_has(node_mutes(a->node), &m->value)) {
		report_add(&a->report, "%s is not muted", m->value.text);
		a->advice = "khabar mute lists what is";
		return ERR_NOT_FOUND;
	}
	e = mute_encode(node_mutes(a->node), &m->value, NULL, 0, 0, m->name, &m->bytes, &m->length);
	return e ? e : keep(m, false);
}

static enum err change(struct answer *a, bool mutes)
{
	const char *typed = admin_string(&a->request, "value");
	const char *because = mutes ? admin_string(&a->request, "because") : NULL;
	struct muting *m = calloc(1, sizeof *m);
	enum err e = m ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e) {
		m->a = a;
		e = value_read(m, typed);
	}
	if (!e)
		e = mutes ? mute(m, because) : unmute(m);
	if (!e) {
		a->where = NULL;
		admin_put_string(&a->reply, "value", m->value.text);
		admin_put_string(&a->reply, "type", observable_type_str(m->value.type));
		summary(m);
	}
	if (m)
		free(m->bytes);
	free(m);
	return e;
}

void answer_listed(struct text *t, const struct warning_lists *lists, const struct observable *v)
{
	const char *names[LISTS_NAMED_MAX];
	size_t n = warning_lists_find(lists, v, names, LISTS_NAMED_MAX);

	if (n == 0)
		return;
	admin_put_name(t, "listed");
	text_str(t, "[");
	for (size_t i = 0; i < n; i++)
		admin_put_string(t, NULL, names[i]);
	text_str(t, "]");
}

enum err answer_mute(struct answer *a)
{
	return change(a, true);
}

enum err answer_unmute(struct answer *a)
{
	return change(a, false);
}

enum err answer_mutes(struct answer *a)
{
	struct page p;
	size_t n;

	page_open(&p, a);
	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	n = mutes_show(node_mutes(a->node), &a->reply, p.at, ADMIN_PAGE_LINES);
	p.lines = n > p.at ? n - p.at : 0;
	p.at += ADMIN_PAGE_LINES;
	p.ended = p.at >= n;
	page_close(&p, false);
	return ERR_OK;
}
