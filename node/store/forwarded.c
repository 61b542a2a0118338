#include "node/store/forwarded.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/body.h"

static enum err hand_open(struct forwarded *f, const struct identity *id, const struct header *h,
			  const uint8_t *body, size_t n, char why[CONTENT_WHY_BYTES])
{
	const char *wrong;
	enum opening opening = handover_open(&f->handover, id, h, body, n, &wrong);

	switch (opening) {
	case OPENING_DONE:
		return ERR_OK;
	case OPENING_NOT_OURS:
		return ERR_NOT_FOUND;
	case OPENING_COUNT:
		return ERR_MEMORY;
	case OPENING_KEY_GONE:
	case OPENING_WRAP_BAD:
	case OPENING_BODY_BAD:
		break;
	}
	snprintf(why, CONTENT_WHY_BYTES, "%s", wrong ? wrong : opening_str(opening));
	return ERR_FORMAT;
}

static enum err unpack(struct forwarded *f, const struct header *h, char why[CONTENT_WHY_BYTES])
{
	const struct handover *x = &f->handover;
	const struct forward_case c = {
		.header = h, .original = &x->original, .forward = &x->forward};
	char wrong[FORWARD_WHY_BYTES];
	enum err e;

	if (!forward_well_made(&c, wrong)) {
		snprintf(why, CONTENT_WHY_BYTES, "%.*s", CONTENT_WHY_BYTES - 1, wrong);
		return ERR_FORMAT;
	}
	f->id = message_id_of(x->forward.message.header, x->forward.message.header_length);
	e = body_unpack(&f->json, &f->json_length, x->data, x->data_length);
	if (!e || e == ERR_MEMORY)
		return e;
	snprintf(why, CONTENT_WHY_BYTES, "its body is not compressed JSON: %s", err_str(e));
	return ERR_FORMAT;
}

enum err forwarded_open(struct forwarded *f, const struct identity *id, const struct header *h,
			const uint8_t *body, size_t n, char why[CONTENT_WHY_BYTES])
{
	enum err e = ERR_FORMAT;

	f->handover.bytes = f->handover.data = NULL;
	f->json = NULL;
	if (!(h->flags & FLAG_SEALED))
		snprintf(why, CONTENT_WHY_BYTES, "it is a forward and not sealed");
	else
		e = hand_open(f, id, h, body, n, why);
	if (!e)
		e = unpack(f, h, why);
	if (e)
		forwarded_clear(f);
	return e;
}

enum err forwarded_read(struct forwarded *f, const struct identity *id, struct log_reader *log,
			const struct log_row *row, const struct header *h,
			char why[CONTENT_WHY_BYTES])
{
	uint8_t *body;
	size_t n;
	enum err e = content_body(id, log, row, h, &body, &n, why);

	f->handover.bytes = f->handover.data = NULL;
	f->json = NULL;
	if (e)
		return e;
	e = forwarded_open(f, id, h, body, n, why);
	free(body);
	return e;
}

void forwarded_clear(struct forwarded *f)
{
	handover_clear(&f->handover);
	free(f->json);
	f->json = NULL;
}
