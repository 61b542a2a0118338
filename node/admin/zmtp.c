#include "node/admin/zmtp.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"

enum { FLAG_MORE = 1, FLAG_LONG = 2, FLAG_COMMAND = 4, PING_CONTEXT_MAX_BYTES = 16 };

void zmtp_init(struct zmtp *z)
{
	*z = (struct zmtp){.wanted = ZMTP_GREETING_BYTES};
}

static void drop_frames(struct zmtp *z)
{
	for (size_t i = 0; i < z->frame_count; i++)
		free((void *)(uintptr_t)z->frames[i].at);
	free(z->frames);
	z->frames = NULL;
	z->frame_count = z->frame_size = 0;
}

void zmtp_next(struct zmtp *z)
{
	drop_frames(z);
	free(z->text);
	z->text = NULL;
	z->text_length = z->parts = z->bytes = 0;
	z->admitted = z->drop = false;
	z->refused = NULL;
}

void zmtp_clear(struct zmtp *z)
{
	zmtp_next(z);
	free(z->part);
	zmtp_init(z);
}

size_t zmtp_space(struct zmtp *z, uint8_t **at)
{
	if (z->at == ZMTP_AT_PART) {
		*at = z->part ? z->part + z->filled : NULL;
		return z->length - z->filled;
	}
	*at = z->head + z->used;
	return z->wanted - z->used;
}

static void expect(struct zmtp *z, enum zmtp_at at, size_t wanted)
{
	z->at = at;
	z->used = 0;
	z->wanted = wanted;
}

/* Version 3 of ZMTP or a later one, which speaks 3 with whoever greets so. */
static bool greeting_good(const uint8_t *g)
{
	static const char mechanism[20] = "NULL";

	return g[0] == 0xff && g[9] == 0x7f && g[10] >= 3 &&
	       memcmp(g + 12, mechanism, sizeof mechanism) == 0;
}

static bool is_command(const struct zmtp *z, const char *name)
{
	size_t n = strlen(name);

	return z->used > n && z->head[0] == n && memcmp(z->head + 1, name, n) == 0;
}

static enum zmtp_turn command_over(struct zmtp *z)
{
	bool first = !z->ready, ping = !first && is_command(z, "PING");

	if (first && !is_command(z, "READY"))
		return ZMTP_BROKEN;
	z->ready = true;
	z->command_length = z->used;
	expect(z, ZMTP_AT_FLAGS, 1);
	return ping ? ZMTP_PING : ZMTP_GO_ON;
}

/* Too much of something: what is kept goes, the rest is only counted. */
static void refuse(struct zmtp *z, const char *why)
{
	drop_frames(z);
	z->refused = why;
	z->drop = z->admitted = true;
}

static enum zmtp_turn part_begins(struct zmtp *z)
{
	if (!z->drop) {
		z->part = malloc(z->length + 1);
		if (!z->part)
			return ZMTP_BROKEN;
	}
	z->filled = 0;
	z->at = ZMTP_AT_PART;
	return z->length ? ZMTP_GO_ON : zmtp_filled(z, 0);
}

/* The head of a part is here. */
static enum zmtp_turn part_comes(struct zmtp *z)
{
	if (z->length > ADMIN_FRAME_MAX_BYTES)
		return ZMTP_BROKEN;
	z->parts++;
	z->bytes += z->length + ZMTP_PART_BYTES;
	/* Whoever goes on beyond all bounds is not listened to for ever. */
	if (z->parts > 2 * ADMIN_BUNDLES_MAX || z->bytes > 2 * (size_t)ADMIN_FRAMES_MAX_BYTES)
		return ZMTP_BROKEN;
	if (z->parts == 1 && z->length > ADMIN_REQUEST_MAX_BYTES)
		refuse(z, "the request has more than 1048576 bytes");
	else if (z->parts > ADMIN_BUNDLES_MAX + 1)
		refuse(z, "more than 4,096 frames");
	else if (z->bytes - z->parts * ZMTP_PART_BYTES - z->text_length > ADMIN_FRAMES_MAX_BYTES)
		refuse(z, "the frames have more than 268,435,456 bytes together");
	if (!z->admitted && z->bytes > ZMTP_SMALL_BYTES)
		return ZMTP_LARGE;
	return part_begins(z);
}

enum zmtp_turn zmtp_admit(struct zmtp *z, bool keep)
{
	z->admitted = true;
	z->drop |= !keep;
	if (!keep)
		drop_frames(z);
	return part_begins(z);
}

static enum zmtp_turn head_over(struct zmtp *z)
{
	z->length = z->wanted == 1 ? z->head[0] : (size_t)get_u64(z->head);
	if (z->wanted == 8 && get_u64(z->head) > ADMIN_FRAME_MAX_BYTES)
		return ZMTP_BROKEN;
	if (!z->command)
		return part_comes(z);
	if (z->length == 0 || z->length > ZMTP_COMMAND_MAX_BYTES)
		return ZMTP_BROKEN;
	expect(z, ZMTP_AT_COMMAND, z->length);
	return ZMTP_GO_ON;
}

static enum zmtp_turn flags_over(struct zmtp *z)
{
	uint8_t flags = z->head[0];

	z->command = flags & FLAG_COMMAND;
	/* Until it is ready it sends commands only; commands have one part, and may stand between
	 * those of a message. */
	if (flags & ~(FLAG_MORE | FLAG_LONG | FLAG_COMMAND) ||
	    (z->command ? (flags & FLAG_MORE) : !z->ready))
		return ZMTP_BROKEN;
	if (!z->command)
		z->more = flags & FLAG_MORE;
	expect(z, ZMTP_AT_LENGTH, flags & FLAG_LONG ? 8 : 1);
	return ZMTP_GO_ON;
}

static bool keep_frame(struct zmtp *z)
{
	if (z->frame_count == z->frame_size) {
		size_t size = z->frame_size ? 2 * z->frame_size : 8;
		struct slice *grown = realloc(z->frames, size * sizeof *grown);
		if (!grown)
			return false;
		z->frames = grown;
		z->frame_size = size;
	}
	z->frames[z->frame_count++] = (struct slice){(const char *)z->part, z->length};
	return true;
}

static enum zmtp_turn part_over(struct zmtp *z)
{
	if (z->part && z->parts == 1) {
		z->text = z->part;
		z->text_length = z->length;
	} else if (z->part && !keep_frame(z)) {
		return ZMTP_BROKEN;
	}
	z->part = NULL;
	expect(z, ZMTP_AT_FLAGS, 1);
	return z->more ? ZMTP_GO_ON : ZMTP_REQUEST;
}

enum zmtp_turn zmtp_filled(struct zmtp *z, size_t n)
{
	if (z->at == ZMTP_AT_PART) {
		z->filled += n;
		return z->filled == z->length ? part_over(z) : ZMTP_GO_ON;
	}
	z->used += n;
	if (z->used < z->wanted)
		return ZMTP_GO_ON;
	switch (z->at) {
	case ZMTP_AT_GREETING:
		expect(z, ZMTP_AT_FLAGS, 1);
		return greeting_good(z->head) ? ZMTP_GREETED : ZMTP_BROKEN;
	case ZMTP_AT_FLAGS:
		return flags_over(z);
	case ZMTP_AT_LENGTH:
		return head_over(z);
	case ZMTP_AT_COMMAND:
		return command_over(z);
	case ZMTP_AT_PART:
		break;
	}
	return ZMTP_GO_ON;
}

size_t zmtp_greeting(uint8_t out[ZMTP_GREETING_BYTES])
{
	memset(out, 0, ZMTP_GREETING_BYTES);
	out[0] = 0xff;
	out[9] = 0x7f;
	out[10] = 3;
	out[11] = 1;
	memcpy(out + 12, "NULL", 4);
	return ZMTP_GREETING_BYTES;
}

static size_t command(uint8_t *out, const void *body, size_t n)
{
	out[0] = FLAG_COMMAND;
	out[1] = (uint8_t)n;
	memcpy(out + 2, body, n);
	return n + 2;
}

size_t zmtp_ready(uint8_t out[ZMTP_COMMAND_MAX_BYTES])
{
	static const char body[] = "\5READY\13Socket-Type\0\0\0\6ROUTER\10Identity\0\0\0";

	/* The last zero of the length is the string's own. */
	return command(out, body, sizeof body);
}

size_t zmtp_pong(const struct zmtp *z, uint8_t out[ZMTP_COMMAND_MAX_BYTES])
{
	uint8_t body[5 + PING_CONTEXT_MAX_BYTES] = "\4PONG";
	size_t fixed = 5 + 2, n = z->command_length > fixed ? z->command_length - fixed : 0;

	n = n < PING_CONTEXT_MAX_BYTES ? n : PING_CONTEXT_MAX_BYTES;
	memcpy(body + 5, z->head + fixed, n);
	return command(out, body, 5 + n);
}

size_t zmtp_head(uint8_t out[ZMTP_HEAD_BYTES], size_t n, bool more)
{
	out[0] = more ? FLAG_MORE : 0;
	if (n < 256) {
		out[1] = (uint8_t)n;
		return 2;
	}
	out[0] |= FLAG_LONG;
	put_u64(out + 1, n);
	return ZMTP_HEAD_BYTES;
}
