/* What a federation costs as it grows, in counts: some sixty nodes here, a thousand by
 * `make scale`. */
#include <sodium.h>

#include "tests/sim/scale.h"
#include "tests/tap.h"

static const struct scale_plan plan = {.seed = 1,
				       .sectors = 6,
				       .provinces = 4,
				       .districts = 12,
				       .operators = 40,
				       .history = 40,
				       .messages = 160,
				       .hours = 2,
				       .away = 3};
static struct scale_result result;

static void every_node_gets_what_it_carries_once(void)
{
	uint64_t deliveries = 0;

	ok(result.passed, "all that a node carries reaches it, and nothing else%s%s",
	   result.passed ? "" : ": ", result.why);
	for (size_t i = 0; i <= SCALE_HOPS_MAX; i++)
		deliveries += result.hops[i];
	is_int(result.messages, plan.messages, "as many messages as were to be written");
	ok(result.deliveries > 10 * plan.messages, "each to many: %" PRIu64 " deliveries",
	   result.deliveries);
	is_int(deliveries, result.deliveries, "each over some number of hops");
}

static void the_way_is_no_longer_than_the_tree_is_deep(void)
{
	uint64_t far = 0;

	/* Operator, sector, national, province, district; a bilateral line may add one. */
	for (size_t i = 6; i <= SCALE_HOPS_MAX; i++)
		far += result.hops[i];
	is_int(far, 0, "no message goes over more than five hops");
	ok(result.hops[1] && result.hops[4], "some go over one, some over four");
}

static void a_delivery_costs_its_message_and_little_more(void)
{
	uint64_t extra = result.links - (result.nodes - 1);

	/* Where lines form a circle, two neighbours may begin to push to each other at once. */
	ok(result.day.pushes <= result.deliveries + 2 * extra * result.messages,
	   "%" PRIu64 " pushes for %" PRIu64 " deliveries, with %" PRIu64 " lines beside the tree",
	   result.day.pushes, result.deliveries, extra);
	ok(result.day.push_bytes < result.delivered_bytes * 5 / 4,
	   "%" PRIu64 " bytes for %" PRIu64 " of messages", result.day.push_bytes,
	   result.delivered_bytes);
}

static void a_quiet_link_costs_next_to_nothing(void)
{
	is_int(result.quiet.pushes, 0, "nothing is pushed");
	ok(result.quiet.bytes < result.links * 15 * 60 * 5, "%" PRIu64 " bytes on %zu links",
	   result.quiet.bytes, result.links);
	ok(result.quiet.reconcile_bytes <= result.links * 40,
	   "%" PRIu64 " of them to know that the sets are equal", result.quiet.reconcile_bytes);
}

/* The cursor and reconciliation both know what is lacking: it is pushed once all the same. */
static void who_was_away_is_sent_what_it_lacks_and_nothing_else(void)
{
	static const char *const names[RETURN_KINDS] = {"operators", "restored operators",
							"a sector with its operators"};

	for (size_t i = 0; i < RETURN_KINDS; i++) {
		const struct scale_return *r = &result.returned[i];
		ok(r->nodes >= plan.away && r->lacked > 20 * r->nodes,
		   "%s: %zu nodes lack %" PRIu64 " messages", names[i], r->nodes, r->lacked);
		ok(r->cost.pushes <= r->lacked + r->lacked / 20, "they take %" PRIu64 " pushes",
		   r->cost.pushes);
		ok(r->cost.bytes < r->lacked_bytes * 11 / 10,
		   "%" PRIu64 " bytes for %" PRIu64 " lacked", r->cost.bytes, r->lacked_bytes);
	}
}

int main(void)
{
	need(sodium_init() >= 0);
	scale_run(&plan, &result);
	RUN(every_node_gets_what_it_carries_once);
	RUN(the_way_is_no_longer_than_the_tree_is_deep);
	RUN(a_delivery_costs_its_message_and_little_more);
	RUN(a_quiet_link_costs_next_to_nothing);
	RUN(who_was_away_is_sent_what_it_lacks_and_nothing_else);
	return tap_done();
}
