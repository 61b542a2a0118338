#include "protocol/count.h"

#include <string.h>

#include "protocol/bytes.h"
#include "protocol/frame.h"

static void write_ask(struct writer *w, const struct count_ask *a)
{
	write_bytes(w, a->role.b, sizeof a->role.b);
	write_u32(w, a->floor);
	write_bytes(w, a->from.b, sizeof a->from.b);
}

static void read_ask(struct reader *r, struct count_ask *a)
{
	read_bytes(r, a->role.b, sizeof a->role.b);
	a->floor = read_u32(r);
	read_bytes(r, a->from.b, sizeof a->from.b);
}

void count_ask_encode(const struct count_ask *a, uint8_t out[COUNT_BYTES])
{
	struct writer w;

	writer_init(&w, out, COUNT_BYTES);
	write_ask(&w, a);
}

enum err count_ask_decode(struct count_ask *a, const uint8_t *in, size_t n)
{
	struct reader r;

	reader_init(&r, in, n);
	read_ask(&r, a);
	return reader_done(&r) && a->floor ? ERR_OK : ERR_FORMAT;
}

size_t counts_encode(const struct counts *c, uint8_t *out)
{
	struct writer w;

	writer_init(&w, out, RECONCILE_BYTES_MAX);
	write_ask(&w, &c->of);
	write_bytes(&w, c->next.b, sizeof c->next.b);
	write_u8(&w, (uint8_t)c->key_count);
	for (size_t i = 0; i < c->key_count; i++)
		write_u16(&w, c->keys[i]);
	write_u16(&w, (uint16_t)c->line_count);
	for (size_t i = 0; i < c->line_count; i++) {
		write_bytes(&w, c->lines[i].audience.b, AUDIENCE_ID_BYTES);
		write_u64(&w, c->lines[i].messages);
		write_bytes(&w, c->lines[i].fingerprint, TOTAL_FINGERPRINT_BYTES);
	}
	return w.bad ? 0 : w.used;
}

static int order(const struct audience_id *a, const struct audience_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

/* SPEC 7.8: "Keys and audiences ascend strictly, the audiences from `from` on and before `next`."
 */
static bool ordered(const struct counts *c)
{
	bool ends = bytes_zero(c->next.b, sizeof c->next.b);

	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i] == 0 || (i && c->keys[i] <= c->keys[i - 1]))
			return false;
	for (size_t i = 0; i < c->line_count; i++) {
		const struct audience_id *at = &c->lines[i].audience;
		if (c->lines[i].messages == 0 || order(at, &c->of.from) < 0 ||
		    (!ends && order(at, &c->next) >= 0) ||
		    (i && order(at, &c->lines[i - 1].audience) <= 0))
			return false;
	}
	return ends || order(&c->next, &c->of.from) > 0;
}

enum err counts_decode(struct counts *c, const uint8_t *in, size_t n)
{
	struct reader r;

	reader_init(&r, in, n);
	read_ask(&r, &c->of);
	read_bytes(&r, c->next.b, sizeof c->next.b);
	c->key_count = read_u8(&r);
	if (c->key_count > KEYS_MAX)
		return ERR_FORMAT;
	for (size_t i = 0; i < c->key_count; i++)
		c->keys[i] = read_u16(&r);
	c->line_count = read_u16(&r);
	if (c->line_count > COUNTS_MAX)
		return ERR_FORMAT;
	for (size_t i = 0; i < c->line_count; i++) {
		read_bytes(&r, c->lines[i].audience.b, AUDIENCE_ID_BYTES);
		c->lines[i].messages = read_u64(&r);
		read_bytes(&r, c->lines[i].fingerprint, TOTAL_FINGERPRINT_BYTES);
	}
	return reader_done(&r) && ordered(c) ? ERR_OK : ERR_FORMAT;
}
