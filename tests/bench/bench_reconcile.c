/* What reconciliation costs: bytes of both directions with the heads of frames, frames, and CPU of
 * both ends together, when one end lacks messages.  BIG=1: ten million as well.
 *
 * Messages arrived over 90 days; half of them live 90 days, 35 % live 30 days, the others 1 to 90;
 * audiences are as frequent as the inverse of their rank. */
#include <unistd.h>

#include "node/store/index_parts.h"
#include "tests/bench/bench.h"
#include "tests/two_ends.h"

enum { ARRIVAL_HOURS = 90 * 24, FOLD_BATCH = 10000 };

static uint32_t draw_expiry(uint64_t *seed, uint32_t arrival)
{
	uint64_t kind = draw(seed) % 100;

	if (kind < 50)
		return arrival + 90 * 24;
	if (kind < 85)
		return arrival + 30 * 24;
	return arrival + 24 + (uint32_t)(draw(seed) % (89 * 24));
}

/* Zipf with exponent 1: cumulated weights, searched. */
struct zipf {
	double *upto;
	size_t n;
};

static void zipf_init(struct zipf *z, size_t n)
{
	double sum = 0;

	z->n = n;
	z->upto = malloc(n * sizeof *z->upto);
	need(z->upto);
	for (size_t i = 0; i < n; i++)
		z->upto[i] = sum += 1.0 / (double)(i + 1);
}

static size_t zipf_draw(const struct zipf *z, uint64_t *seed)
{
	double x = (double)(draw(seed) >> 11) / 9007199254740992.0 * z->upto[z->n - 1];
	size_t low = 0, high = z->n - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (z->upto[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* In order of arrival. */
static void messages_make(struct pool *p, size_t count, size_t audiences)
{
	struct zipf z;
	uint64_t seed = count + audiences;

	zipf_init(&z, audiences);
	p->count = count;
	p->keys = malloc(count * sizeof *p->keys);
	need(p->keys);
	for (size_t i = 0; i < count; i++) {
		struct audience_id a = pool_audience(zipf_draw(&z, &seed));
		uint32_t arrival = POOL_HOUR + (uint32_t)(i * ARRIVAL_HOURS / count);
		struct message_id id;
		for (size_t k = 0; k < sizeof id.b; k += 8)
			put_u64(id.b + k, draw(&seed));
		p->keys[i] = trie_key_make(&a, draw_expiry(&seed, arrival), &id);
	}
	free(z.upto);
}

/* A set as a node keeps it, on disk. */
struct disk {
	char dir[40];
	struct store_env env;
	struct index_tables tables;
	MDB_txn *txn;
	struct range_store range;
	struct trie_store store;
};

static void disk_begin(struct disk *d, unsigned flags)
{
	need(mdb_txn_begin(d->env.env, NULL, flags, &d->txn) == 0);
	need(range_open(&d->range, d->txn, &d->tables) == 0);
	d->store = range_interface(&d->range);
}

static void disk_end(struct disk *d)
{
	range_close(&d->range);
	need(mdb_txn_commit(d->txn) == 0);
}

static void disk_open(struct disk *d)
{
	snprintf(d->dir, sizeof d->dir, "/tmp/bench-reconcile-XXXXXX");
	need(mkdtemp(d->dir));
	need(store_open(&d->env, d->dir, &(struct store_options){.create = true}, NULL) == ERR_OK);
	need(mdb_txn_begin(d->env.env, NULL, 0, &d->txn) == 0);
	need(mdb_dbi_open(d->txn, "range", MDB_CREATE, &d->tables.range) == 0);
	need(mdb_dbi_open(d->txn, "trie", MDB_CREATE, &d->tables.trie) == 0);
	need(mdb_txn_commit(d->txn) == 0);
}

static void disk_close(struct disk *d)
{
	store_close(&d->env);
	need(store_remove(d->dir) == ERR_OK);
}

static size_t disk_nodes(struct disk *d)
{
	MDB_stat stat;

	disk_begin(d, MDB_RDONLY);
	need(mdb_stat(d->txn, d->tables.trie, &stat) == 0);
	disk_end(d);
	return stat.ms_entries;
}

static void fold_some(struct disk *d, const struct pool *p, const size_t *which, size_t n,
		      bool remove)
{
	struct trie_change *c = malloc(FOLD_BATCH * sizeof *c);

	need(c);
	for (size_t i = 0, filled = 0; i < n; i++) {
		size_t k = which ? which[i] : i;
		c[filled++] = (struct trie_change){p->keys[k], remove, k + 1, 0};
		if (filled == FOLD_BATCH || i + 1 == n) {
			disk_begin(d, 0);
			need(trie_fold(&d->store, c, filled) == ERR_OK);
			disk_end(d);
			filled = 0;
		}
	}
	free(c);
}

struct set {
	struct pool pool;
	struct disk a, b;
	char name[40];
};

static double cpu_now(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void run_case(struct set *s, const char *what, const size_t *lacking, size_t n)
{
	struct two_ends t = {0};
	char row[120];
	double start, took;

	fold_some(&s->b, &s->pool, lacking, n, true);
	disk_begin(&s->a, MDB_RDONLY);
	disk_begin(&s->b, MDB_RDONLY);
	/* The end that lacks them begins. */
	end_init(&t.asking, RECONCILE_ASKING, &s->b.store, s->pool.count, POOL_HOUR);
	end_init(&t.answering, RECONCILE_ANSWERING, &s->a.store, s->pool.count, POOL_HOUR);
	start = cpu_now();
	need(two_ends_run(&t));
	took = cpu_now() - start;
	need(t.answering.pushes == n && t.asking.pushes == 0);
	/* Of what differs the ids themselves have to be told, and no less. */
	snprintf(row, sizeof row, "reconcile %s, %s", s->name, what);
	bench_write(&(struct bench_row){.work = row,
					.values = {(double)t.bytes},
					.count = 1,
					.unit = "bytes",
					.limit = (double)(n * MESSAGE_ID_BYTES),
					.less = true});
	snprintf(row, sizeof row, "reconcile %s, %s: frames", s->name, what);
	bench_figure(row, (double)t.frames, "frames");
	snprintf(row, sizeof row, "reconcile %s, %s: CPU of both ends", s->name, what);
	bench_figure(row, n ? took * 1e6 / (double)n : took * 1e6, n ? "us a difference" : "us");
	end_clear(&t.asking);
	end_clear(&t.answering);
	disk_end(&s->a);
	disk_end(&s->b);
	fold_some(&s->b, &s->pool, lacking, n, false);
}

static void run_cases(struct set *s, size_t n)
{
	size_t *lacking = malloc(n * sizeof *lacking);
	char what[40];

	need(lacking);
	for (size_t i = 0; i < n; i++)
		lacking[i] = s->pool.count - n + i;
	snprintf(what, sizeof what, "newest %zu missing", n);
	run_case(s, what, lacking, n);
	for (size_t i = 0; i < n; i++)
		lacking[i] = i * (s->pool.count / n) + (s->pool.count / n) / 2;
	snprintf(what, sizeof what, "scattered %zu missing", n);
	run_case(s, what, lacking, n);
	free(lacking);
}

static void bench_set(size_t count, size_t audiences)
{
	static struct set s;
	double start;
	char row[120];

	messages_make(&s.pool, count, audiences);
	disk_open(&s.a);
	disk_open(&s.b);
	snprintf(s.name, sizeof s.name, "%zu in %zu", count, audiences);
	start = bench_now();
	fold_some(&s.a, &s.pool, NULL, count, false);
	snprintf(row, sizeof row, "fold %s", s.name);
	bench_figure(row, (double)count / (bench_now() - start), "messages/s");
	snprintf(row, sizeof row, "fold %s: nodes of the trie", s.name);
	bench_figure(row, (double)disk_nodes(&s.a), "rows");
	fold_some(&s.b, &s.pool, NULL, count, false);
	run_case(&s, "equal", NULL, 0);
	run_cases(&s, 1000);
	run_cases(&s, 10000);
	disk_close(&s.a);
	disk_close(&s.b);
	pool_clear(&s.pool);
}

static size_t expands(void *arg)
{
	struct aggregate *sum = arg, one;
	struct message_id id = {{0}};

	for (size_t i = 0; i < 1000; i++) {
		id.b[0] = (uint8_t)i;
		aggregate_of_id(&one, &id);
		aggregate_add(sum, &one);
	}
	return 1000;
}

int main(int argc, char **argv)
{
	struct aggregate sum = {0};

	bench_file = argc > 1 ? fopen(argv[1], "a") : NULL;
	bench("expand an id and add it to a sum", "ids/s", expands, &sum);
	bench_set(1000000, 1);
	bench_set(1000000, 3000);
	if (getenv("BIG"))
		bench_set(10000000, 1);
	return bench_file && fclose(bench_file) != 0;
}
