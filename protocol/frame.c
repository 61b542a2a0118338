#include "protocol/frame.h"

#include <string.h>

#include "protocol/bytes.h"

enum { PROTOCOL_VERSION = 1 };

static bool printable(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return true;
}

static void write_text(struct writer *w, const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n > max || !printable(text, n))
		w->bad = true;
	write_u8(w, (uint8_t)n);
	write_bytes(w, text, n);
}

static void read_text(struct reader *r, char *text, size_t max)
{
	size_t n = read_u8(r);

	text[0] = '\0';
	if (n > max) {
		r->bad = true;
		return;
	}
	read_bytes(r, text, n);
	text[n] = '\0';
	if (!printable(text, n))
		r->bad = true;
}

static void write_hello(struct writer *w, const struct frame_hello *h)
{
	write_u8(w, PROTOCOL_VERSION);
	write_bytes(w, h->network.b, sizeof h->network.b);
	write_bytes(w, h->self.b, sizeof h->self.b);
	write_bytes(w, h->store.b, sizeof h->store.b);
	write_bytes(w, h->nonce, sizeof h->nonce);
	write_bytes(w, h->echo, sizeof h->echo);
	write_u64(w, h->clock);
	write_u32(w, h->floor);
	write_u64(w, h->credit_bytes);
	write_u64(w, h->credit_messages);
	write_u8(w, h->version_count);
	for (size_t i = 0; i < h->version_count && i < HELLO_VERSIONS_MAX; i++) {
		write_u32(w, h->versions[i].version);
		write_bytes(w, h->versions[i].hash.b, HASH_BYTES);
	}
	write_text(w, h->software, SOFTWARE_MAX_BYTES);
}

static void read_hello(struct reader *r, struct frame_hello *h)
{
	if (read_u8(r) != PROTOCOL_VERSION)
		r->bad = true;
	read_bytes(r, h->network.b, sizeof h->network.b);
	read_bytes(r, h->self.b, sizeof h->self.b);
	read_bytes(r, h->store.b, sizeof h->store.b);
	read_bytes(r, h->nonce, sizeof h->nonce);
	read_bytes(r, h->echo, sizeof h->echo);
	h->clock = read_u64(r);
	h->floor = read_u32(r);
	h->credit_bytes = read_u64(r);
	h->credit_messages = read_u64(r);
	h->version_count = read_u8(r);
	if (h->version_count > HELLO_VERSIONS_MAX) {
		r->bad = true;
		return;
	}
	for (size_t i = 0; i < h->version_count; i++) {
		h->versions[i].version = read_u32(r);
		read_bytes(r, h->versions[i].hash.b, HASH_BYTES);
	}
	read_text(r, h->software, SOFTWARE_MAX_BYTES);
}

static bool hello_valid(const struct frame_hello *h)
{
	if (h->version_count == 0 || h->version_count > HELLO_VERSIONS_MAX)
		return false;
	if (bytes_zero(h->nonce, sizeof h->nonce) || h->versions[h->version_count - 1].version == 0)
		return false;
	for (size_t i = 1; i < h->version_count; i++) {
		if (h->versions[i].version >= h->versions[i - 1].version)
			return false;
	}
	return true;
}

static void write_piece(struct writer *w, const struct frame_piece *p)
{
	write_u64(w, p->number);
	write_u32(w, p->offset);
	write_u32(w, p->total);
	write_bytes(w, p->data, p->length);
}

static void read_piece(struct reader *r, struct frame_piece *p)
{
	p->number = read_u64(r);
	p->offset = read_u32(r);
	p->total = read_u32(r);
	p->length = r->left;
	p->data = read_ref(r, r->left);
}

static bool piece_valid(const struct frame_piece *p)
{
	return p->number > 0 && p->length > 0 && p->offset <= p->total &&
	       p->length <= p->total - p->offset;
}

static void write_credit(struct writer *w, const struct frame_credit *c)
{
	write_u64(w, c->bytes);
	write_u64(w, c->messages);
	write_u8(w, c->paused_count);
	for (size_t i = 0; i < c->paused_count && i < PAUSED_MAX; i++)
		write_bytes(w, c->paused[i].b, PARTY_ID_BYTES);
}

static void read_credit(struct reader *r, struct frame_credit *c)
{
	c->bytes = read_u64(r);
	c->messages = read_u64(r);
	c->paused_count = read_u8(r);
	if (c->paused_count > PAUSED_MAX) {
		r->bad = true;
		return;
	}
	for (size_t i = 0; i < c->paused_count; i++)
		read_bytes(r, c->paused[i].b, PARTY_ID_BYTES);
}

static bool credit_valid(const struct frame_credit *c)
{
	if (c->paused_count > PAUSED_MAX)
		return false;
	for (size_t i = 1; i < c->paused_count; i++) {
		if (memcmp(c->paused[i - 1].b, c->paused[i].b, PARTY_ID_BYTES) >= 0)
			return false;
	}
	return true;
}

static bool frame_valid(const struct frame *f)
{
	/* SPEC 7.2: "HELLO has number 0 and every later frame of a conversation one more than the
	 * frame before." */
	if ((f->type == FRAME_HELLO) != (f->number == 0))
		return false;
	switch (f->type) {
	case FRAME_HELLO:
		return hello_valid(&f->hello);
	case FRAME_TOPOLOGY:
		return piece_valid(&f->piece) && f->piece.number <= UINT32_MAX &&
		       f->piece.total <= TOPOLOGY_MAX_BYTES;
	case FRAME_PUSH:
		return piece_valid(&f->piece) && f->piece.total <= MESSAGE_MAX_BYTES;
	case FRAME_OPEN:
		return f->open.version > 0;
	case FRAME_HAVE:
	case FRAME_ACK:
		return f->answer.number > 0;
	case FRAME_NAK:
		return f->answer.number > 0 && f->answer.reason >= NAK_NOT_CARRIED &&
		       f->answer.reason <= NAK_UNJUDGEABLE;
	case FRAME_CREDIT:
		return credit_valid(&f->credit);
	case FRAME_ERROR:
		return true;
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		return f->reconcile.length <= RECONCILE_BYTES_MAX;
	}
	return false;
}

size_t frame_encode(const struct frame *f, uint8_t *out)
{
	struct writer w;

	if (!frame_valid(f))
		return 0;
	writer_init(&w, out, FRAME_MAX_BYTES);
	write_u8(&w, (uint8_t)f->type);
	write_u32(&w, f->number);
	switch (f->type) {
	case FRAME_HELLO:
		write_hello(&w, &f->hello);
		break;
	case FRAME_TOPOLOGY:
	case FRAME_PUSH:
		write_piece(&w, &f->piece);
		break;
	case FRAME_OPEN:
		write_u32(&w, f->open.version);
		write_bytes(&w, f->open.hash.b, HASH_BYTES);
		break;
	case FRAME_HAVE:
	case FRAME_ACK:
		write_u64(&w, f->answer.number);
		break;
	case FRAME_NAK:
		write_u64(&w, f->answer.number);
		write_u8(&w, f->answer.reason);
		break;
	case FRAME_CREDIT:
		write_credit(&w, &f->credit);
		break;
	case FRAME_ERROR:
		write_text(&w, f->error, ERROR_TEXT_MAX_BYTES);
		break;
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		write_bytes(&w, f->reconcile.payload, f->reconcile.length);
		break;
	}
	return w.bad ? 0 : w.used;
}

enum err frame_decode(struct frame *f, const uint8_t *in, size_t n)
{
	struct reader r;

	if (n > FRAME_MAX_BYTES)
		return ERR_LIMIT;
	reader_init(&r, in, n);
	f->type = (enum frame_type)read_u8(&r);
	f->number = read_u32(&r);
	if (r.bad)
		return ERR_TRUNCATED;
	switch (f->type) {
	case FRAME_HELLO:
		read_hello(&r, &f->hello);
		break;
	case FRAME_TOPOLOGY:
	case FRAME_PUSH:
		read_piece(&r, &f->piece);
		break;
	case FRAME_OPEN:
		f->open.version = read_u32(&r);
		read_bytes(&r, f->open.hash.b, HASH_BYTES);
		break;
	case FRAME_HAVE:
	case FRAME_ACK:
		f->answer.number = read_u64(&r);
		f->answer.reason = 0;
		break;
	case FRAME_NAK:
		f->answer.number = read_u64(&r);
		f->answer.reason = read_u8(&r);
		break;
	case FRAME_CREDIT:
		read_credit(&r, &f->credit);
		break;
	case FRAME_ERROR:
		read_text(&r, f->error, ERROR_TEXT_MAX_BYTES);
		break;
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		f->reconcile.length = r.left;
		f->reconcile.payload = read_ref(&r, r.left);
		break;
	}
	/* An unknown type has read nothing, and frame_valid refuses it. */
	if (r.bad)
		return ERR_FORMAT;
	if (!frame_valid(f))
		return ERR_FORMAT;
	return r.left ? ERR_TRAILING : ERR_OK;
}

const char *frame_type_str(enum frame_type type)
{
	switch (type) {
	case FRAME_HELLO:
		return "HELLO";
	case FRAME_TOPOLOGY:
		return "TOPOLOGY";
	case FRAME_OPEN:
		return "OPEN";
	case FRAME_PUSH:
		return "PUSH";
	case FRAME_HAVE:
		return "HAVE";
	case FRAME_ACK:
		return "ACK";
	case FRAME_NAK:
		return "NAK";
	case FRAME_CREDIT:
		return "CREDIT";
	case FRAME_ERROR:
		return "ERROR";
	case FRAME_BEGIN:
		return "BEGIN";
	case FRAME_PART:
		return "PART";
	case FRAME_ASK:
		return "ASK";
	case FRAME_LAST:
		return "LAST";
	case FRAME_SUSPENSION:
		return "SUSPENSION";
	case FRAME_COUNT:
		return "COUNT";
	case FRAME_COUNTS:
		return "COUNTS";
	}
	return "unknown";
}

const char *nak_reason_str(enum nak_reason reason)
{
	switch (reason) {
	case NAK_NOT_CARRIED:
		return "not carried";
	case NAK_EXPIRED:
		return "expired";
	case NAK_TOO_FAR:
		return "expires too far in the future";
	case NAK_UNJUDGEABLE:
		return "unjudgeable";
	}
	return "unknown";
}
