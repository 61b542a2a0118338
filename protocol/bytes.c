#include "protocol/bytes.h"

#include <string.h>

void put_u32(uint8_t out[4], uint32_t v)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

void put_u64(uint8_t out[8], uint64_t v)
{
	put_u32(out, (uint32_t)(v >> 32));
	put_u32(out + 4, (uint32_t)v);
}

uint32_t get_u32(const uint8_t in[4])
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint64_t get_u64(const uint8_t in[8])
{
	return (uint64_t)get_u32(in) << 32 | get_u32(in + 4);
}

void reader_init(struct reader *r, const void *data, size_t n)
{
	*r = (struct reader){.at = data, .left = n};
}

const uint8_t *read_ref(struct reader *r, size_t n)
{
	const uint8_t *p = r->at;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += n;
	r->left -= n;
	return p;
}

uint8_t read_u8(struct reader *r)
{
	const uint8_t *p = read_ref(r, 1);

	return p ? *p : 0;
}

uint16_t read_u16(struct reader *r)
{
	const uint8_t *p = read_ref(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t read_u32(struct reader *r)
{
	const uint8_t *p = read_ref(r, 4);

	return p ? get_u32(p) : 0;
}

uint64_t read_u64(struct reader *r)
{
	const uint8_t *p = read_ref(r, 8);

	return p ? get_u64(p) : 0;
}

void read_bytes(struct reader *r, void *out, size_t n)
{
	const uint8_t *p = read_ref(r, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

bool reader_done(const struct reader *r)
{
	return !r->bad && r->left == 0;
}

void writer_init(struct writer *w, void *buffer, size_t size)
{
	*w = (struct writer){.start = buffer, .size = size};
}

void write_bytes(struct writer *w, const void *p, size_t n)
{
	if (w->bad || n > w->size - w->used) {
		w->bad = true;
		return;
	}
	if (n)
		memcpy(w->start + w->used, p, n);
	w->used += n;
}

void write_u8(struct writer *w, uint8_t v)
{
	write_bytes(w, &v, 1);
}

void write_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	write_bytes(w, b, sizeof b);
}

void write_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4];

	put_u32(b, v);
	write_bytes(w, b, sizeof b);
}

void write_u64(struct writer *w, uint64_t v)
{
	uint8_t b[8];

	put_u64(b, v);
	write_bytes(w, b, sizeof b);
}
