/* COUNT and COUNTS: their bytes. */
#include "protocol/count.h"
#include "protocol/frame.h"
#include "tests/tap.h"

static struct counts sample(void)
{
	struct counts c = {.of = {.role = {{1}}, .floor = 480000, .from = {{2}}},
			   .next = {{9}},
			   .key_count = 2,
			   .keys = {1, 7},
			   .line_count = 2};

	c.lines[0].audience.b[0] = 2;
	c.lines[0].messages = 3;
	c.lines[1].audience.b[0] = 8;
	c.lines[1].messages = 1;
	return c;
}

static uint8_t bytes[RECONCILE_BYTES_MAX], again[RECONCILE_BYTES_MAX];
static struct counts got;

static void both_come_back(void)
{
	struct counts c = sample();
	struct count_ask ask = c.of, back;
	size_t n = counts_encode(&c, bytes);

	is_int(n, 36 + 16 + 1 + 2 * 2 + 2 + 2 * 40, "as long as 7.8 says");
	is_int(counts_decode(&got, bytes, n), ERR_OK, "COUNTS");
	ok(counts_encode(&got, again) == n && memcmp(bytes, again, n) == 0, "the same again");
	for (size_t i = 0; i < n; i++)
		if (counts_decode(&got, bytes, i) == ERR_OK)
			ok(false, "cut to %zu", i);
	bytes[n] = 0;
	is_int(counts_decode(&got, bytes, n + 1), ERR_FORMAT, "a byte more");
	count_ask_encode(&ask, bytes);
	ok(count_ask_decode(&back, bytes, COUNT_BYTES) == ERR_OK && back.floor == 480000 &&
		   back.role.b[0] == 1 && back.from.b[0] == 2,
	   "COUNT");
	is_int(count_ask_decode(&back, bytes, COUNT_BYTES - 1), ERR_FORMAT, "cut");
	is_int(count_ask_decode(&back, bytes, COUNT_BYTES + 1), ERR_FORMAT, "longer");
	ask.floor = 0;
	count_ask_encode(&ask, bytes);
	is_int(count_ask_decode(&back, bytes, COUNT_BYTES), ERR_FORMAT, "without a floor");
}

static void refused(const char *what, const struct counts *c)
{
	size_t n = counts_encode(c, bytes);

	is_int(counts_decode(&got, bytes, n), ERR_FORMAT, "%s", what);
}

static void what_is_out_of_order_is_refused(void)
{
	struct counts c = sample();

	c.keys[1] = 1;
	refused("a key twice", &c);
	c = sample();
	c.keys[0] = 0;
	refused("key 0", &c);
	c = sample();
	c.lines[1].audience.b[0] = 2;
	refused("an audience twice", &c);
	c = sample();
	c.lines[0].audience.b[0] = 1;
	refused("before from", &c);
	c = sample();
	c.lines[1].audience.b[0] = 9;
	refused("not before next", &c);
	c = sample();
	c.lines[0].messages = 0;
	refused("an empty one", &c);
	c = sample();
	c.line_count = 0;
	c.next = c.of.from;
	refused("no way on", &c);
	c = sample();
	memset(&c.next, 0, sizeof c.next);
	c.lines[1].audience.b[0] = 0xff;
	is_int(counts_decode(&got, bytes, counts_encode(&c, bytes)), ERR_OK, "to the very end");
}

static void every_flip_is_refused_or_another(void)
{
	struct counts c = sample();
	size_t n = counts_encode(&c, bytes), wrong = 0;

	for (size_t bit = 0; bit < 8 * n; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (counts_decode(&got, bytes, n) == ERR_OK)
			wrong += counts_encode(&got, again) != n || memcmp(bytes, again, n) != 0;
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	is_int(wrong, 0, "one encoding");
}

static void the_largest_fits_in_a_frame(void)
{
	static struct counts c;

	c = sample();
	c.key_count = KEYS_MAX;
	c.line_count = COUNTS_MAX;
	memset(&c.next, 0, sizeof c.next);
	for (uint16_t i = 0; i < KEYS_MAX; i++)
		c.keys[i] = (uint16_t)(i + 1);
	for (unsigned i = 0; i < COUNTS_MAX; i++) {
		c.lines[i].audience = (struct audience_id){{3, (uint8_t)(i >> 8), (uint8_t)i}};
		c.lines[i].messages = 1;
	}
	size_t n = counts_encode(&c, bytes);
	ok(n > 0 && counts_decode(&got, bytes, n) == ERR_OK, "%zu bytes", n);
}

int main(void)
{
	RUN(both_come_back);
	RUN(what_is_out_of_order_is_refused);
	RUN(every_flip_is_refused_or_another);
	RUN(the_largest_fits_in_a_frame);
	return tap_done();
}
