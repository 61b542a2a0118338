/* How much of whom is here, and who is asked to hold back. */
#include "protocol/quota.h"
#include "tests/tap.h"

static struct party_id id(uint8_t n)
{
	return (struct party_id){{n}};
}

static struct party parties[40];
static size_t by_id[40];
static struct topology topology = {.parties = parties, .party_count = 40};
static struct party_id self;

static void set_up(void)
{
	for (uint8_t i = 0; i < 40; i++) {
		parties[i].id = id(i);
		by_id[i] = i;
	}
	topology.by_id = by_id;
	parties[1].quota_bytes = 100;
	parties[2].quota_bytes = 100;
	self = id(39);
}

static void add(struct quota *q, uint8_t n, uint64_t bytes)
{
	struct party_id origin = id(n);

	need(quota_add(q, &origin, bytes) == ERR_OK);
}

static void take(struct quota *q, uint8_t n, uint64_t bytes)
{
	struct party_id origin = id(n);

	quota_take(q, &origin, bytes);
}

static void a_quota_is_used_up_beyond_its_last_byte(void)
{
	struct quota_paused out[PAUSED_MAX];
	struct quota q;

	quota_init(&q);
	add(&q, 2, 60);
	add(&q, 1, 100);
	add(&q, 3, 1 << 20);
	is_int(quota_judge(&q, &topology, &self, 0, false, out), 0, "to the last byte is within");
	add(&q, 1, 1);
	is_int(quota_judge(&q, &topology, &self, 84, false, out), 1, "one more is not");
	ok(out[0].origin.b[0] == 1 && out[0].why == QUOTA_USED && out[0].bytes == 101 &&
		   out[0].quota == 100,
	   "whose, why, how much");
	is_int(quota_judge(&q, &topology, &self, 0, true, out), 0, "not while the node waits");
	take(&q, 1, 1);
	is_int(quota_judge(&q, &topology, &self, 0, false, out), 0, "what goes makes room");
	take(&q, 2, 1000);
	add(&q, 2, 1);
	is_int(quota_judge(&q, &topology, &self, 0, false, out), 0, "and never less than none");
	quota_clear(&q);
}

static void the_largest_are_first_when_the_disk_fills(void)
{
	struct quota_paused out[PAUSED_MAX];
	struct quota q;
	bool falls = true;

	quota_init(&q);
	for (uint8_t i = 3; i < 40; i++)
		add(&q, i, 1000 + (uint64_t)(i * 7 % 37) * 10);
	add(&q, 39, 1 << 30);
	add(&q, 1, 101);
	is_int(quota_judge(&q, &topology, &self, 84, false, out), 1, "not before");
	is_int(quota_judge(&q, &topology, &self, 85, false, out), 2, "the largest at 85 percent");
	ok(out[0].why == QUOTA_DISK && out[0].bytes == 1360 && out[1].why == QUOTA_USED,
	   "before who has used up its quota");
	is_int(quota_judge(&q, &topology, &self, 87, false, out), 6, "two more at each further");
	is_int(quota_judge(&q, &topology, &self, 95, false, out), PAUSED_MAX,
	       "and no more than 16");
	for (size_t i = 1; i < PAUSED_MAX; i++)
		falls &= out[i - 1].bytes >= out[i].bytes;
	ok(falls, "the largest first");
	for (size_t i = 0; i < PAUSED_MAX; i++)
		falls &= out[i].origin.b[0] != 39;
	ok(falls, "and never this node");
	quota_clear(&q);
}

int main(void)
{
	set_up();
	RUN(a_quota_is_used_up_beyond_its_last_byte);
	RUN(the_largest_are_first_when_the_disk_fills);
	return tap_done();
}
