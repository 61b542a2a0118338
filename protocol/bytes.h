/* A bounded reader and a bounded writer of big-endian bytes.
 *
 * Both are sticky: after the first overrun `bad` is set, reads give zeros, writes go nowhere, and
 * the caller looks at `bad` once at the end.  Neither owns its memory. */
#ifndef PROTOCOL_BYTES_H
#define PROTOCOL_BYTES_H

#include "protocol/types.h"

struct reader {
	const uint8_t *at;
	size_t left; /* bytes */
	bool bad;
};

struct writer {
	uint8_t *start;
	size_t used, size; /* bytes */
	bool bad;
};

void reader_init(struct reader *r, const void *data, size_t n);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
void read_bytes(struct reader *r, void *out, size_t n);
/* n bytes in place, valid as long as the input; NULL once bad. */
const uint8_t *read_ref(struct reader *r, size_t n);
/* True when nothing overran and nothing is left. */
bool reader_done(const struct reader *r);

void writer_init(struct writer *w, void *buffer, size_t size);
void write_u8(struct writer *w, uint8_t v);
void write_u16(struct writer *w, uint16_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
void write_bytes(struct writer *w, const void *p, size_t n);

/* Big-endian numbers in place, for keys of the store. */
void put_u32(uint8_t out[4], uint32_t v);
void put_u64(uint8_t out[8], uint64_t v);
uint32_t get_u32(const uint8_t in[4]);
uint64_t get_u64(const uint8_t in[8]);

#endif
