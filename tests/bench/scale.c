/* What a federation of a thousand nodes costs: the table of `make scale`, in simulated time.
 *
 * NODES: how many; HOURS: of the day that is simulated; SEED. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/scale.h"

/* ---- signatures ---- */

enum { KNOWN_MAX = 1 << 16, KNOWN_BYTES = 32 };

/* Every node checks every signature; here one machine does it for all of them, so what was found
 * valid once is remembered.  Stands before libsodium's own, which it calls for what is new. */
int crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *text,
				unsigned long long n, const unsigned char *key)
{
	static uint8_t known[KNOWN_MAX][KNOWN_BYTES];
	uint8_t hash[KNOWN_BYTES], opened[256], all[256 + crypto_sign_BYTES];
	crypto_generichash_state state;
	unsigned long long length;
	uint8_t *slot;

	if (n > sizeof opened)
		return -1;
	crypto_generichash_init(&state, key, crypto_sign_PUBLICKEYBYTES, sizeof hash);
	crypto_generichash_update(&state, signature, crypto_sign_BYTES);
	crypto_generichash_update(&state, text, n);
	crypto_generichash_final(&state, hash, sizeof hash);
	slot = known[(hash[0] | hash[1] << 8) % KNOWN_MAX];
	if (memcmp(slot, hash, sizeof hash) == 0)
		return 0;
	memcpy(all, signature, crypto_sign_BYTES);
	memcpy(all + crypto_sign_BYTES, text, n);
	if (crypto_sign_open(opened, &length, all, n + crypto_sign_BYTES, key) != 0)
		return -1;
	memcpy(slot, hash, sizeof hash);
	return 0;
}

/* ---- the table ---- */

static void row(const char *what, double value, const char *unit)
{
	printf("%-58s %12.*f  %s\n", what, value < 100 ? 2 : 0, value, unit);
}

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void times(const char *what, const struct scale_times *t)
{
	char words[80];

	snprintf(words, sizeof words, "%s: median", what);
	row(words, (double)t->median / 1e3, "ms");
	snprintf(words, sizeof words, "%s: 99 in 100", what);
	row(words, (double)t->p99 / 1e3, "ms");
	snprintf(words, sizeof words, "%s: slowest", what);
	row(words, (double)t->most / 1e3, "ms");
}

static void the_day(const struct scale_plan *p, const struct scale_result *r)
{
	row("nodes", (double)r->nodes, "");
	row("links", (double)r->links, "");
	row("topology", (double)r->topology_bytes, "bytes");
	row("messages in the day", (double)r->messages, "");
	row("  to all", (double)r->to_all, "");
	row("deliveries", (double)r->deliveries, "");
	row("message, on average of the deliveries", ratio(r->delivered_bytes, r->deliveries),
	    "bytes");
	row("bytes on links for a delivery", ratio(r->day.bytes, r->deliveries), "bytes");
	row("  the same without what is idle", ratio(r->day.push_bytes, r->deliveries), "bytes");
	row("pushes for a delivery", ratio(r->day.pushes, r->deliveries), "");
	row("idle, a link", ratio(r->quiet.bytes, r->links * 15 * 60), "bytes/s");
	row("  of it reconciliation of equal sets", ratio(r->quiet.reconcile_bytes, r->links),
	    "bytes a quarter hour");
	for (size_t i = 1; i <= SCALE_HOPS_MAX; i++) {
		char words[40];
		snprintf(words, sizeof words, "deliveries over %zu hops", i);
		if (r->hops[i])
			row(words, 100 * ratio(r->hops[i], r->deliveries), "%");
	}
	times("to all, from the author to the last node", &r->first_to_last);
	times("  of priority 3", &r->urgent);
	times("sealed, to the last that carries it", &r->sealed);
	row("national: messages stored", (double)r->national_messages, "");
	row("national: received", ratio(r->national_in.bytes, 1), "bytes");
	row("national: sent", ratio(r->national_out.bytes, 1), "bytes");
	row("national: frames, both directions",
	    (double)(r->national_in.frames + r->national_out.frames), "");
	row("national: bytes both directions, on average",
	    ratio(r->national_in.bytes + r->national_out.bytes, p->hours * 3600), "bytes/s");
	row("a node on average: bytes both directions", (double)r->mean.bytes, "bytes");
}

static void the_returns(const struct scale_result *r)
{
	static const char *const names[RETURN_KINDS] = {
		"an operator after a day", "an operator restored from the evening before",
		"a sector and its operators after a day"};

	for (size_t i = 0; i < RETURN_KINDS; i++) {
		const struct scale_return *x = &r->returned[i];
		size_t each = i == RETURN_SECTOR ? 1 : x->nodes;
		printf("%s\n", names[i]);
		row("  messages lacked", ratio(x->lacked, each), "");
		row("  their bytes", ratio(x->lacked_bytes, each), "bytes");
		row("  bytes on links", ratio(x->cost.bytes, each), "bytes");
		row("  of it reconciliation", ratio(x->cost.reconcile_bytes, each), "bytes");
		row("  frames", ratio(x->cost.frames, each), "");
		row("  pushes for a message lacked", ratio(x->cost.pushes, x->lacked), "");
		row("  until level", (double)x->until_level.most / 1e6, "s");
	}
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

int main(void)
{
	unsigned nodes = number("NODES", 1000);
	struct scale_plan plan = {.seed = number("SEED", 1),
				  .sectors = 30,
				  .provinces = 8,
				  .districts = nodes * 16 / 100,
				  .history = 500,
				  .messages = 2 * nodes,
				  .hours = number("HOURS", 24),
				  .away = 10};
	static struct scale_result result;
	clock_t begun = clock();

	if (sodium_init() < 0 || nodes < 100 || plan.hours < 1) {
		fprintf(stderr, "at least 100 nodes and one hour\n");
		return 1;
	}
	plan.operators = nodes - 1 - plan.sectors - plan.provinces - plan.districts;
	scale_run(&plan, &result);
	if (!result.passed) {
		fprintf(stderr, "%s\n", result.why);
		return 1;
	}
	the_day(&plan, &result);
	the_returns(&result);
	printf("simulated in %.0f s of CPU\n", (double)(clock() - begun) / CLOCKS_PER_SEC);
	return 0;
}
