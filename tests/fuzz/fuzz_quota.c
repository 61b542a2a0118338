/* How much of each origin is here, and whom neighbours are asked to hold back for it: every four
 * bytes add to what there is of a party, take from it, or ask.  What is counted is what came and
 * did not go, and whoever is named has earned it. */
#include <string.h>

#include "protocol/quota.h"
#include "tests/fuzz/fuzz.h"

enum { STRANGERS = 40, ORIGINS_MAX = 80, STEP_BYTES = 4 };
enum deed { ADD, TAKE, JUDGE, DEEDS };

static struct topology *topology;

struct model {
	struct party_id origins[ORIGINS_MAX];
	uint64_t bytes[ORIGINS_MAX];
	size_t count;
};

static void prepare(struct model *m)
{
	static char text[16 << 10];
	FILE *f;

	if (!topology) {
		f = fopen("tests/protocol/topology/base.zpl", "r");
		must(f && topology_parse(&topology, text, fread(text, 1, sizeof text, f), NULL) ==
				  ERR_OK);
		fclose(f);
	}
	*m = (struct model){.count = topology->party_count + STRANGERS};
	must(m->count <= ORIGINS_MAX);
	for (size_t i = 0; i < m->count; i++) {
		if (i < topology->party_count)
			m->origins[i] = topology->parties[i].id;
		else
			memset(m->origins[i].b, (int)i, PARTY_ID_BYTES);
	}
}

static size_t index_of(const struct model *m, const struct party_id *origin)
{
	size_t i = 0;

	while (i < m->count && !party_id_equal(&m->origins[i], origin))
		i++;
	must(i < m->count);
	return i;
}

static uint64_t quota_of(const struct party_id *origin)
{
	const struct party *p = topology_party_by_id(topology, origin);

	return p ? p->quota_bytes : 0;
}

/* Who has more than it may, and is not one of the named, has less than each of them. */
static void check_others(const struct model *m, const struct quota_paused *out, size_t n,
			 const struct party_id *self)
{
	for (size_t i = 0; i < m->count; i++) {
		uint64_t quota = quota_of(&m->origins[i]);
		bool named = party_id_equal(&m->origins[i], self);
		for (size_t k = 0; k < n; k++)
			named |= party_id_equal(&m->origins[i], &out[k].origin);
		must(named || quota == 0 || m->bytes[i] <= quota ||
		     (n == PAUSED_MAX && out[n - 1].bytes >= m->bytes[i]));
	}
}

static void judge(const struct model *m, const struct quota *q, unsigned full, bool waits)
{
	const struct party_id *self = &topology->parties[0].id;
	struct quota_paused out[PAUSED_MAX];
	size_t n = quota_judge(q, topology, self, full, waits, out), full_ones = 0;

	must(n <= PAUSED_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t at = index_of(m, &out[i].origin);
		must(out[i].bytes == m->bytes[at] && out[i].bytes > 0);
		must(!party_id_equal(&out[i].origin, self));
		must(out[i].quota == quota_of(&out[i].origin));
		must(i == 0 || out[i - 1].bytes >= out[i].bytes);
		must(out[i].why == QUOTA_DISK ||
		     (!waits && out[i].quota && out[i].bytes > out[i].quota));
		full_ones += out[i].why == QUOTA_DISK;
		for (size_t k = 0; k < i; k++)
			must(!party_id_equal(&out[k].origin, &out[i].origin));
	}
	must(full >= QUOTA_FULL_PERCENT ? full_ones <= 1 + 2 * (size_t)(full - QUOTA_FULL_PERCENT)
					: full_ones == 0);
	if (!waits)
		check_others(m, out, n, self);
}

static void act(struct model *m, struct quota *q, const uint8_t *step)
{
	size_t at = step[1] % m->count;
	uint64_t bytes = (uint64_t)step[2] << step[3] % 32;

	switch ((enum deed)(step[0] % DEEDS)) {
	case ADD:
		must(quota_add(q, &m->origins[at], bytes) == ERR_OK);
		m->bytes[at] += bytes;
		break;
	case TAKE:
		quota_take(q, &m->origins[at], bytes);
		m->bytes[at] -= bytes < m->bytes[at] ? bytes : m->bytes[at];
		break;
	case JUDGE:
		judge(m, q, step[2] % 101, step[3] & 1);
		break;
	case DEEDS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct model m;
	struct quota q;

	prepare(&m);
	quota_init(&q);
	for (size_t i = 0; i + STEP_BYTES <= n; i += STEP_BYTES)
		act(&m, &q, data + i);
	for (unsigned full = 0; full <= 100; full += 5)
		judge(&m, &q, full, false);
	quota_clear(&q);
	return 0;
}
