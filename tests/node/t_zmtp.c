/* The listening side of a ZeroMQ connection, byte by byte: what is read, what is refused, and that
 * nothing makes it keep more than it may. */
#include "node/admin/zmtp.h"
#include "tests/tap.h"

enum { MORE = 1, LONG = 2, COMMAND = 4 };

/* What a DEALER sends first. */
static const uint8_t greeting[ZMTP_GREETING_BYTES] = {0xff, 0,    0, 0, 0,   0,   0,   0,
						      1,    0x7f, 3, 1, 'N', 'U', 'L', 'L'};
static const uint8_t ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";

/* As many bytes as it asks for, at most step at once, until something comes of them.  Returns how
 * many it took. */
static size_t feed(struct zmtp *z, const void *bytes, size_t n, size_t step, enum zmtp_turn *turn)
{
	size_t at = 0;

	*turn = ZMTP_GO_ON;
	while (at < n && *turn == ZMTP_GO_ON) {
		uint8_t *to;
		size_t room = zmtp_space(z, &to);
		room = room < step ? room : step;
		room = room < n - at ? room : n - at;
		need(room > 0);
		if (to)
			memcpy(to, (const uint8_t *)bytes + at, room);
		*turn = zmtp_filled(z, room);
		at += room;
	}
	return at;
}

/* One that has greeted and is ready. */
static void meet(struct zmtp *z, size_t step)
{
	enum zmtp_turn turn;

	zmtp_init(z);
	need(feed(z, greeting, sizeof greeting, step, &turn) == sizeof greeting);
	need(turn == ZMTP_GREETED);
	need(feed(z, ready, sizeof ready - 1, step, &turn) == sizeof ready - 1);
	need(turn == ZMTP_GO_ON && z->ready);
}

static enum zmtp_turn part(struct zmtp *z, const void *bytes, size_t n, bool more, size_t step)
{
	uint8_t head[ZMTP_HEAD_BYTES];
	enum zmtp_turn turn;

	feed(z, head, zmtp_head(head, n, more), step, &turn);
	if (turn == ZMTP_LARGE)
		turn = zmtp_admit(z, true);
	if (turn == ZMTP_GO_ON && n)
		feed(z, bytes, n, step, &turn);
	return turn;
}

static void a_request_is_the_same_however_it_is_cut(void)
{
	static uint8_t big[70000];
	bool same = true;

	memset(big, 7, sizeof big);
	for (size_t step = 1; step < 400; step += step < 20 ? 1 : 97) {
		struct zmtp z;
		meet(&z, step);
		same &= part(&z, "{}", 2, true, step) == ZMTP_GO_ON;
		same &= part(&z, "", 0, true, step) == ZMTP_GO_ON;
		same &= part(&z, big, 300, true, step) == ZMTP_GO_ON;
		same &= part(&z, big, sizeof big, false, step) == ZMTP_REQUEST;
		same &= z.text_length == 2 && memcmp(z.text, "{}", 2) == 0 && z.frame_count == 3;
		same &= z.frames[0].length == 0 && z.frames[1].length == 300;
		same &= z.frames[2].length == sizeof big &&
			memcmp(z.frames[2].at, big, sizeof big) == 0 && !z.refused;
		zmtp_next(&z);
		same &= part(&z, "[]", 2, false, step) == ZMTP_REQUEST && z.frame_count == 0;
		zmtp_clear(&z);
	}
	ok(same, "byte by byte or at once");
}

static void whoever_does_not_greet_so_is_not_heard(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {{0, 0}, {9, 0}, {10, 2}, {10, 0}, {12, 'P'}, {16, '1'}, {31, 1}};
	enum zmtp_turn turn;
	struct zmtp z;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		uint8_t g[ZMTP_GREETING_BYTES];
		memcpy(g, greeting, sizeof g);
		g[wrong[i].at] = wrong[i].value;
		zmtp_init(&z);
		feed(&z, g, sizeof g, 64, &turn);
		is_int(turn, ZMTP_BROKEN, "byte %zu is %u", wrong[i].at, wrong[i].value);
		zmtp_clear(&z);
	}
	zmtp_init(&z);
	feed(&z, greeting, sizeof greeting, 64, &turn);
	is_int(part(&z, "{}", 2, false, 64), ZMTP_BROKEN, "a request before it is ready");
	zmtp_clear(&z);
	zmtp_init(&z);
	feed(&z, greeting, sizeof greeting, 64, &turn);
	feed(&z, "\4\6\5HELLO", 8, 64, &turn);
	is_int(turn, ZMTP_BROKEN, "another command than READY");
	zmtp_clear(&z);
}

static void heads_that_nobody_writes_end_it(void)
{
	static const struct {
		const char *bytes, *what;
		size_t n;
	} wrong[] = {{"\10\0", "a reserved flag", 2},
		     {"\5\1", "a command with more parts", 2},
		     {"\4\0", "an empty command", 2},
		     {"\6\0\0\0\0\0\0\4\1", "a command that is too long", 9},
		     {"\2\0\0\0\0\1\0\0\1", "a part of one byte too many", 9},
		     {"\2\377\377\377\377\377\377\377\377", "a part of all there is", 9}};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		enum zmtp_turn turn;
		struct zmtp z;
		meet(&z, 64);
		feed(&z, wrong[i].bytes, wrong[i].n, 64, &turn);
		is_int(turn, ZMTP_BROKEN, "%s", wrong[i].what);
		zmtp_clear(&z);
	}
}

static void a_ping_is_answered_between_parts_too(void)
{
	uint8_t out[ZMTP_COMMAND_MAX_BYTES];
	enum zmtp_turn turn;
	struct zmtp z;

	meet(&z, 64);
	need(part(&z, "{}", 2, true, 64) == ZMTP_GO_ON);
	feed(&z, "\4\12\4PING\0\12abc", 12, 1, &turn);
	is_int(turn, ZMTP_PING, "heard");
	is_int(zmtp_pong(&z, out), 10, "answered");
	ok(memcmp(out, "\4\10\4PONGabc", 10) == 0, "with its context");
	is_int(part(&z, "x", 1, false, 64), ZMTP_REQUEST, "and the request goes on");
	is_int(z.frame_count, 1, "whole");
	zmtp_clear(&z);
	meet(&z, 64);
	feed(&z, "\4\5\4PING", 7, 64, &turn);
	is_int(zmtp_pong(&z, out), 7, "a ping without anything is no trouble");
	zmtp_clear(&z);
}

static void more_than_a_small_request_is_asked_for(void)
{
	static uint8_t bytes[ZMTP_SMALL_BYTES];
	uint8_t head[ZMTP_HEAD_BYTES];
	enum zmtp_turn turn = ZMTP_GO_ON;
	struct zmtp z;
	unsigned parts = 0;

	meet(&z, 64);
	feed(&z, head, zmtp_head(head, ZMTP_SMALL_BYTES - ZMTP_PART_BYTES, true), 64, &turn);
	is_int(turn, ZMTP_GO_ON, "to the last byte it is small");
	feed(&z, bytes, ZMTP_SMALL_BYTES - ZMTP_PART_BYTES, sizeof bytes, &turn);
	feed(&z, head, zmtp_head(head, 0, false), 64, &turn);
	is_int(turn, ZMTP_LARGE, "then even an empty part is not");
	is_int(zmtp_admit(&z, false), ZMTP_REQUEST, "that was the last, so it is a request");
	is_int(z.frame_count, 0, "that is not kept");
	zmtp_clear(&z);

	meet(&z, 64);
	need(part(&z, "{}", 2, true, 64) == ZMTP_GO_ON);
	for (turn = ZMTP_GO_ON, parts = 0; turn == ZMTP_GO_ON && parts < 1023; parts++)
		turn = part(&z, "", 0, parts < 1022, 64);
	ok(turn == ZMTP_REQUEST && z.admitted && z.frame_count == 1023,
	   "one that is kept is a request too when the part that is too much is its last");
	zmtp_clear(&z);

	meet(&z, 64);
	parts = 0;
	while (part(&z, "", 0, true, 64) == ZMTP_GO_ON && !z.admitted)
		parts++;
	is_int(parts, ZMTP_SMALL_BYTES / ZMTP_PART_BYTES, "parts of nothing count");
	zmtp_clear(&z);
}

static void what_is_not_kept_is_still_read_to_its_end(void)
{
	static uint8_t bytes[200000];
	uint8_t head[ZMTP_HEAD_BYTES], *to;
	enum zmtp_turn turn;
	struct zmtp z;

	meet(&z, 64);
	need(part(&z, "{}", 2, true, 64) == ZMTP_GO_ON);
	need(part(&z, "x", 1, true, 64) == ZMTP_GO_ON && z.frame_count == 1);
	feed(&z, head, zmtp_head(head, sizeof bytes, false), 64, &turn);
	need(turn == ZMTP_LARGE && zmtp_admit(&z, false) == ZMTP_GO_ON);
	is_int(zmtp_space(&z, &to), sizeof bytes, "all of it is waited for");
	ok(to == NULL, "and nothing is made for it");
	feed(&z, bytes, sizeof bytes, 4096, &turn);
	is_int(turn, ZMTP_REQUEST, "then it is a request");
	ok(z.text_length == 2 && z.frame_count == 0, "of which the words are there");
	zmtp_next(&z);
	is_int(part(&z, "{}", 2, false, 64), ZMTP_REQUEST, "and the next is as any other");
	zmtp_clear(&z);
}

static void too_many_parts_are_let_go_and_then_ended(void)
{
	enum zmtp_turn turn = ZMTP_GO_ON;
	struct zmtp z;
	unsigned parts = 0, kept_most = 0;

	meet(&z, 64);
	for (; turn == ZMTP_GO_ON; parts++) {
		turn = part(&z, "xy", 2, true, 64);
		kept_most = z.frame_count > kept_most ? (unsigned)z.frame_count : kept_most;
	}
	is_int(turn, ZMTP_BROKEN, "without end is not borne");
	is_int(parts, 2 * ADMIN_BUNDLES_MAX + 1, "beyond twice the bound");
	is_int(kept_most, ADMIN_BUNDLES_MAX, "never more than the bound were kept");
	ok(z.frame_count == 0 && z.refused, "and none since: %s", z.refused ? z.refused : "");
	zmtp_clear(&z);
}

static void too_many_bytes_are_let_go_and_then_ended(void)
{
	enum zmtp_turn turn = ZMTP_GO_ON;
	uint8_t head[ZMTP_HEAD_BYTES];
	struct zmtp z;
	size_t kept = 0, most = 0, parts = 0;

	meet(&z, 64);
	need(part(&z, "{}", 2, true, 64) == ZMTP_GO_ON);
	for (; turn == ZMTP_GO_ON; parts++) {
		/* Without the bytes themselves: only where they would go. */
		feed(&z, head, zmtp_head(head, ADMIN_FRAME_MAX_BYTES, true), 64, &turn);
		if (turn == ZMTP_LARGE)
			turn = zmtp_admit(&z, true);
		if (turn != ZMTP_GO_ON)
			break;
		kept = z.part ? (z.frame_count + 1) * ADMIN_FRAME_MAX_BYTES : 0;
		most = kept > most ? kept : most;
		turn = zmtp_filled(&z, ADMIN_FRAME_MAX_BYTES);
	}
	is_int(turn, ZMTP_BROKEN, "without end is not borne");
	is_int(most, ADMIN_FRAMES_MAX_BYTES, "never more than the bound were kept");
	is_int(kept, 0, "and none in the end");
	is_int(parts, 2 * (ADMIN_FRAMES_MAX_BYTES / ADMIN_FRAME_MAX_BYTES) - 1,
	       "nor counted for ever");
	zmtp_clear(&z);
}

static void a_request_that_is_too_long_is_not_kept(void)
{
	uint8_t head[ZMTP_HEAD_BYTES];
	enum zmtp_turn turn;
	struct zmtp z;

	meet(&z, 64);
	feed(&z, head, zmtp_head(head, ADMIN_REQUEST_MAX_BYTES + 1, false), 64, &turn);
	ok(turn == ZMTP_GO_ON && z.drop && !z.part, "nothing is made for it");
	is_int(zmtp_filled(&z, ADMIN_REQUEST_MAX_BYTES + 1), ZMTP_REQUEST, "it is a request");
	ok(!z.text && z.refused, "%s", z.refused ? z.refused : "that nobody refuses");
	zmtp_clear(&z);
}

int main(void)
{
	RUN(a_request_is_the_same_however_it_is_cut);
	RUN(whoever_does_not_greet_so_is_not_heard);
	RUN(heads_that_nobody_writes_end_it);
	RUN(a_ping_is_answered_between_parts_too);
	RUN(more_than_a_small_request_is_asked_for);
	RUN(what_is_not_kept_is_still_read_to_its_end);
	RUN(too_many_parts_are_let_go_and_then_ended);
	RUN(too_many_bytes_are_let_go_and_then_ended);
	RUN(a_request_that_is_too_long_is_not_kept);
	return tap_done();
}
