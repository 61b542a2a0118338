#include "protocol/frame.h"
#include "tests/tap.h"

static const char piece[] = "a piece of a message";

static struct frame sample(enum frame_type type)
{
	struct frame f = {.type = type, .number = type == FRAME_HELLO ? 0 : 7};

	switch (type) {
	case FRAME_HELLO:
		memset(&f.hello, 3, sizeof f.hello);
		f.hello.version_count = 2;
		f.hello.versions[0].version = 9;
		f.hello.versions[1].version = 4;
		strcpy(f.hello.software, "khabardar 1");
		break;
	case FRAME_TOPOLOGY:
	case FRAME_PUSH:
		f.piece = (struct frame_piece){.number = 5,
					       .offset = 10,
					       .total = 30,
					       .data = (const uint8_t *)piece,
					       .length = 20};
		break;
	case FRAME_OPEN:
		f.open.version = 9;
		memset(f.open.hash.b, 8, sizeof f.open.hash.b);
		break;
	case FRAME_HAVE:
	case FRAME_ACK:
		f.answer.number = 1;
		break;
	case FRAME_NAK:
		f.answer.number = 1;
		f.answer.reason = NAK_TOO_FAR;
		break;
	case FRAME_CREDIT:
		f.credit.bytes = 1ull << 40;
		f.credit.messages = 12;
		f.credit.paused_count = 2;
		memset(f.credit.paused[0].b, 1, PARTY_ID_BYTES);
		memset(f.credit.paused[1].b, 2, PARTY_ID_BYTES);
		break;
	case FRAME_ERROR:
		strcpy(f.error, "why");
		break;
	case FRAME_BEGIN:
	case FRAME_PART:
	case FRAME_ASK:
	case FRAME_LAST:
	case FRAME_SUSPENSION:
	case FRAME_COUNT:
	case FRAME_COUNTS:
		f.reconcile.payload = (const uint8_t *)piece;
		f.reconcile.length = 20;
		break;
	}
	return f;
}

static void every_frame_comes_back(void)
{
	static uint8_t out[FRAME_MAX_BYTES], again[FRAME_MAX_BYTES];

	for (int type = FRAME_HELLO; type <= FRAME_COUNTS;
	     type = type == FRAME_ERROR ? FRAME_BEGIN : type + 1) {
		struct frame f = sample((enum frame_type)type), back;
		size_t n = frame_encode(&f, out), m, cut, accepted = 0;
		need(n > 0);
		ok(frame_decode(&back, out, n) == ERR_OK && back.type == f.type, "%s decodes",
		   frame_type_str(f.type));
		m = frame_encode(&back, again);
		ok(m == n && memcmp(out, again, n) == 0, "and encodes to the same bytes");
		/* Of a piece and of reconciliation a shorter one is another frame. */
		for (cut = 0; cut < n; cut++)
			accepted += frame_decode(&back, out, cut) == ERR_OK;
		if (type != FRAME_PUSH && type != FRAME_TOPOLOGY && type < FRAME_BEGIN)
			is_int(accepted, 0, "truncated anywhere: refused");
		out[n] = 0;
		if (type != FRAME_PUSH && type != FRAME_TOPOLOGY && type < FRAME_BEGIN)
			is_int(frame_decode(&back, out, n + 1), ERR_TRAILING,
			       "a byte more: refused");
	}
}

static void every_flipped_bit_is_refused_or_another_frame(void)
{
	static uint8_t out[FRAME_MAX_BYTES], again[FRAME_MAX_BYTES];
	size_t wrong = 0, refused = 0;

	for (int type = FRAME_HELLO; type <= FRAME_COUNTS;
	     type = type == FRAME_ERROR ? FRAME_BEGIN : type + 1) {
		struct frame f = sample((enum frame_type)type), back;
		size_t n = frame_encode(&f, out);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			out[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (frame_decode(&back, out, n) != ERR_OK)
				refused++;
			else if (frame_encode(&back, again) != n || memcmp(out, again, n) != 0)
				wrong++;
			out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	is_int(wrong, 0, "one encoding for each frame");
	ok(refused > 300, "%zu flips refused", refused);
}

static void frames_outside_the_rules_are_not_written(void)
{
	static uint8_t out[FRAME_MAX_BYTES];

#define REFUSED(what, type, change) \
	do { \
		struct frame f = sample(type); \
		change; \
		is_int(frame_encode(&f, out), 0, what); \
	} while (0)
	REFUSED("HELLO with a number", FRAME_HELLO, f.number = 1);
	REFUSED("another frame without one", FRAME_ACK, f.number = 0);
	REFUSED("no versions", FRAME_HELLO, f.hello.version_count = 0);
	REFUSED("versions out of order", FRAME_HELLO, f.hello.versions[0].version = 4);
	REFUSED("version 0", FRAME_HELLO, f.hello.versions[1].version = 0);
	REFUSED("a nonce of zeros", FRAME_HELLO, memset(f.hello.nonce, 0, NONCE_BYTES));
	REFUSED("a piece beyond its total", FRAME_PUSH, f.piece.offset = 11);
	REFUSED("an empty piece", FRAME_PUSH, f.piece.length = 0);
	REFUSED("a push over the largest message", FRAME_PUSH,
		f.piece.total = MESSAGE_MAX_BYTES + 1);
	REFUSED("a topology over its limit", FRAME_TOPOLOGY,
		f.piece.total = TOPOLOGY_MAX_BYTES + 1);
	REFUSED("an unknown reason", FRAME_NAK, f.answer.reason = 9);
	REFUSED("paused twice", FRAME_CREDIT, f.credit.paused[0] = f.credit.paused[1]);
	REFUSED("a control character", FRAME_ERROR, strcpy(f.error, "a\nb"));
	REFUSED("an unknown type", FRAME_ACK, f.type = 200);
#undef REFUSED
}

static void the_largest_piece_fits(void)
{
	static uint8_t out[FRAME_MAX_BYTES], data[PIECE_MAX_BYTES];
	struct frame f = sample(FRAME_PUSH), back;

	f.piece = (struct frame_piece){
		.number = 1, .total = MESSAGE_MAX_BYTES, .data = data, .length = sizeof data};
	is_int(frame_encode(&f, out), FRAME_MAX_BYTES, "to the byte");
	ok(frame_decode(&back, out, FRAME_MAX_BYTES) == ERR_OK &&
		   back.piece.length == PIECE_MAX_BYTES,
	   "and comes back");
}

int main(void)
{
	RUN(every_frame_comes_back);
	RUN(every_flipped_bit_is_refused_or_another_frame);
	RUN(frames_outside_the_rules_are_not_written);
	RUN(the_largest_piece_fits);
	return tap_done();
}
