#include "node/link/backlog.h"
#include "tests/tap.h"

enum { FRAME = 64 << 10, TICKS_MAX = 200000, OVERHEAD = 42 };

/* A line that carries so many bytes a millisecond, and whose acknowledgements take rtt ms. */
struct line {
	struct backlog backlog;
	uint64_t rate; /* bytes a second */
	uint32_t rtt;  /* ms */
	uint64_t now, given, carried, worst;
	uint64_t past[TICKS_MAX]; /* carried, at every ms */
};

static struct line line;

static void line_begin(uint64_t rate, uint32_t rtt)
{
	struct tcp_progress none = {.rtt = rtt, .drained = true};

	line = (struct line){.rate = rate, .rtt = rtt};
	backlog_begin(&line.backlog, &none, 0);
}

/* A millisecond passes. */
static void line_tick(void)
{
	uint64_t left = line.given - line.carried;
	/* Thousandths of a byte are never lost. */
	uint64_t carries = line.rate * (line.now + 1) / 1000 - line.rate * line.now / 1000;

	line.carried += left < carries ? left : carries;
	line.past[line.now++] = line.carried;
}

static struct tcp_progress line_progress(void)
{
	uint64_t acked = line.now > line.rtt ? line.past[line.now - 1 - line.rtt] : 0;
	uint64_t queued = line.rate ? 1000 * (line.given - line.carried) / line.rate : 0;

	return (struct tcp_progress){.acked = acked,
				     .rtt = line.rtt,
				     .now = line.rtt + (uint32_t)queued,
				     .drained = acked == line.given};
}

static bool line_room(void)
{
	struct tcp_progress progress = line_progress();

	if (!backlog_stale(&line.backlog, line.now))
		return true;
	backlog_see(&line.backlog, &progress, line.now);
	return backlog_room(&line.backlog);
}

/* There is more to send than the line carries. */
static void line_fill(uint64_t ms)
{
	for (uint64_t end = line.now + ms; line.now < end; line_tick()) {
		while (line_room()) {
			size_t piece = backlog_piece(&line.backlog),
			       n = piece < FRAME ? piece : FRAME;
			backlog_give(&line.backlog, n, line.now);
			line.given += n + OVERHEAD;
		}
		if (line.given - line.carried > line.worst)
			line.worst = line.given - line.carried;
	}
}

static const struct {
	uint64_t rate;
	uint32_t rtt;
} lines[] = {
	{2000, 300},   {8000, 20},      {8000, 600},     {8000, 4000},   {125000, 600},
	{1250000, 80}, {1250000, 1000}, {12500000, 600}, {100000000, 0},
};

static void a_line_is_kept_full(void)
{
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		uint64_t begun;
		line_begin(lines[i].rate, lines[i].rtt);
		line_fill(40 * 1000);
		begun = line.carried;
		line_fill(20 * 1000);
		ok(line.carried - begun >= 19 * line.rate,
		   "%llu bytes/s, %u ms: %llu carried in 20 s", (unsigned long long)line.rate,
		   line.rtt, (unsigned long long)(line.carried - begun));
	}
}

/* The room of any line, its round trip, a second ahead, and a piece. */
static void little_stands_before_what_is_urgent(void)
{
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		uint64_t most = line.rate;
		line_begin(lines[i].rate, lines[i].rtt);
		line_fill(60 * 1000);
		most = 2 * BACKLOG_MIN_BYTES +
		       line.rate * (line.rtt + 5 * BACKLOG_AHEAD_MS / 4) / 1000;
		ok(line.worst <= most,
		   "%llu bytes/s, %u ms: at most %llu bytes wait, not over %llu",
		   (unsigned long long)line.rate, line.rtt, (unsigned long long)line.worst,
		   (unsigned long long)most);
	}
}

static void a_fast_line_is_full_within_some_round_trips(void)
{
	line_begin(12500000, 100);
	line_fill(1200);
	ok(line.past[1100] - line.past[1000] >= 1200000, "after 10 of them: %llu bytes in one",
	   (unsigned long long)(line.past[1100] - line.past[1000]));
	line_begin(100000000, 0);
	line_fill(50);
	ok(line.past[49] - line.past[39] >= 900000, "near by after 40 ms: %llu bytes in 10",
	   (unsigned long long)(line.past[49] - line.past[39]));
}

static void a_line_that_was_idle_is_tried_anew(void)
{
	line_begin(12500000, 50);
	line_fill(10 * 1000);
	for (int i = 0; i < 5000; i++)
		line_tick();
	line.rate = 8000;
	line.worst = 0;
	line_fill(1000);
	ok(line.worst <= 2 * line.rate, "narrow meanwhile: %llu bytes wait",
	   (unsigned long long)line.worst);
}

static void a_narrow_line_has_short_pieces(void)
{
	line_begin(8000, 50);
	line_fill(30 * 1000);
	ok(backlog_piece(&line.backlog) <= 8000, "of less than a second: %zu",
	   backlog_piece(&line.backlog));
	line_begin(12500000, 50);
	line_fill(30 * 1000);
	ok(backlog_piece(&line.backlog) >= FRAME, "a wide one has whole frames");
}

static void a_stalled_line_takes_nothing(void)
{
	line_begin(1000000, 50);
	line_fill(5000);
	line.rate = 0;
	line_fill(10 * 1000);
	uint64_t given = line.given;
	line_fill(10 * 1000);
	is_int((long long)(line.given - given), 0, "for as long as it stalls");
	line.rate = 1000000;
	given = line.carried;
	line_fill(10 * 1000);
	ok(line.carried - given >= 9000000, "and goes on when it does");
}

static void what_the_kernel_does_not_tell_bounds_nothing(void)
{
	struct backlog b;

	backlog_begin(&b, NULL, 5);
	for (int i = 0; i < 10000; i++)
		backlog_give(&b, FRAME, 5);
	ok(backlog_room(&b) && !backlog_stale(&b, 50000), "there is always room");
	ok(backlog_piece(&b) >= FRAME, "for whole frames");
}

static void bytes_that_are_not_ours_do_not_add_up(void)
{
	struct tcp_progress p = {.acked = 1000, .rtt = 10, .drained = true};
	struct backlog b;

	backlog_begin(&b, &p, 0);
	p.acked += 5 * BACKLOG_MIN_BYTES;
	backlog_see(&b, &p, 10);
	for (uint64_t n = 0; n < BACKLOG_MAX_BYTES; n += FRAME)
		backlog_give(&b, FRAME, 20);
	ok(!backlog_room(&b), "more was acknowledged than we gave: no credit for later");
	p.acked += 100;
	backlog_see(&b, &p, 60);
	ok(!backlog_room(&b), "drained just after we gave: libzmq may not have written it");
	backlog_see(&b, &p, 20 + 100);
	ok(backlog_room(&b), "drained for a while: nothing waits");
}

static void another_connection_of_the_same_number_is_not_believed(void)
{
	struct tcp_progress p = {.acked = 1000000, .rtt = 10}, other = {.acked = 7, .rtt = 10};
	struct backlog b;

	backlog_begin(&b, &p, 0);
	backlog_give(&b, FRAME, 1);
	ok(!backlog_room(&b), "a frame fills a new one");
	backlog_see(&b, &other, 2000);
	ok(!backlog_room(&b), "nothing is learned from a number that fell");
	p.acked += FRAME;
	backlog_see(&b, &p, 3000);
	ok(backlog_room(&b), "but from its own");
}

int main(void)
{
	RUN(a_line_is_kept_full);
	RUN(little_stands_before_what_is_urgent);
	RUN(a_fast_line_is_full_within_some_round_trips);
	RUN(a_line_that_was_idle_is_tried_anew);
	RUN(a_narrow_line_has_short_pieces);
	RUN(a_stalled_line_takes_nothing);
	RUN(what_the_kernel_does_not_tell_bounds_nothing);
	RUN(bytes_that_are_not_ours_do_not_add_up);
	RUN(another_connection_of_the_same_number_is_not_believed);
	return tap_done();
}
