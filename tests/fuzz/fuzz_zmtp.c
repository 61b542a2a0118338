/* What a client of the admin socket sends before anybody knows who it is: the first byte says how
 * it is cut and whether it has greeted, the rest is the stream.  However it is cut the same comes
 * of it, and never is more kept than may be. */
#include <sodium.h>
#include <string.h>

#include "node/admin/zmtp.h"
#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"

enum { KEEP = 1, GREETED = 2 };

static const uint8_t ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";

static size_t kept(const struct zmtp *z)
{
	size_t n = z->text_length + (z->part ? z->length : 0);

	for (size_t i = 0; i < z->frame_count; i++)
		n += z->frames[i].length;
	return n;
}

static void check_bounds(const struct zmtp *z)
{
	must(z->parts <= 2 * ADMIN_BUNDLES_MAX + 1);
	must(z->frame_count <= ADMIN_BUNDLES_MAX && z->frame_count <= z->frame_size);
	must(kept(z) <= (z->admitted ? (size_t)ADMIN_REQUEST_MAX_BYTES + ADMIN_FRAMES_MAX_BYTES
				     : ZMTP_SMALL_BYTES));
	must(!z->drop || (!z->part && z->frame_count == 0));
}

static void tell_bytes(struct text *t, const void *bytes, size_t n)
{
	uint8_t hash[8];

	crypto_shorthash(hash, bytes, n, (const uint8_t *)"sixteen bytes...");
	text_format(t, " %zu:%02x%02x%02x%02x", n, hash[0], hash[1], hash[2], hash[3]);
}

static void tell_request(struct text *t, const struct zmtp *z)
{
	text_format(t, "\nrequest %s", z->refused ? z->refused : "");
	must(z->text || z->drop);
	if (z->text)
		tell_bytes(t, z->text, z->text_length);
	for (size_t i = 0; i < z->frame_count; i++)
		tell_bytes(t, z->frames[i].at, z->frames[i].length);
}

/* As the listener does; false when the connection has ended. */
static bool take(struct zmtp *z, enum zmtp_turn turn, bool keep, struct text *t)
{
	uint8_t out[ZMTP_COMMAND_MAX_BYTES];

	check_bounds(z);
	switch (turn) {
	case ZMTP_GO_ON:
		return true;
	case ZMTP_GREETED:
		text_str(t, "\ngreeted");
		must(zmtp_ready(out) <= sizeof out);
		return true;
	case ZMTP_PING:
		text_str(t, "\nping");
		tell_bytes(t, out, zmtp_pong(z, out));
		return true;
	case ZMTP_LARGE:
		must(!z->admitted);
		text_str(t, "\nlarge");
		return take(z, zmtp_admit(z, keep), keep, t);
	case ZMTP_REQUEST:
		must(z->ready);
		tell_request(t, z);
		zmtp_next(z);
		return true;
	case ZMTP_BROKEN:
		text_str(t, "\nbroken");
		return false;
	}
	return false;
}

static bool feed(struct zmtp *z, const uint8_t *data, size_t n, size_t step, bool keep,
		 struct text *t)
{
	bool goes_on = true;

	while (n > 0 && goes_on) {
		uint8_t *at;
		size_t room = zmtp_space(z, &at);
		must(room > 0);
		room = room < n ? room : n;
		room = step && step < room ? step : room;
		if (at)
			memcpy(at, data, room);
		data += room;
		n -= room;
		goes_on = take(z, zmtp_filled(z, room), keep, t);
	}
	return goes_on;
}

static void listen(const uint8_t *data, size_t n, unsigned how, size_t step, struct text *t)
{
	uint8_t greeting[ZMTP_GREETING_BYTES];
	struct zmtp z;

	zmtp_init(&z);
	if (how & GREETED) {
		must(feed(&z, greeting, zmtp_greeting(greeting), step, true, t));
		must(feed(&z, ready, sizeof ready - 1, step, true, t) && z.ready);
	}
	feed(&z, data, n, step, how & KEEP, t);
	zmtp_clear(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text whole, cut;

	if (n == 0)
		return 0;
	text_init(&whole);
	text_init(&cut);
	listen(data + 1, n - 1, data[0], 0, &whole);
	listen(data + 1, n - 1, data[0], 1u + (data[0] >> 2) % 61, &cut);
	must(whole.length == cut.length &&
	     (whole.length == 0 || memcmp(whole.at, cut.at, whole.length) == 0));
	text_clear(&whole);
	text_clear(&cut);
	return 0;
}
