/* What expiry costs: taking a hundred thousand messages (BIG=1: a million) out of index and log,
 * and the longest that anybody waits for a batch. */
#include <sys/stat.h>

#include "tests/bench/bench.h"
#include "tests/node/index_fixture.h"

enum { HOUR = 500000, A_COMMIT = 1000, ERASED_AT_ONCE = 256 };

static void post_expiring(struct sample *s, unsigned i)
{
	struct header h;
	char pattern[80];

	snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '10.%u.%u.%u']", i >> 16 & 255,
		 i >> 8 & 255, i & 255);
	post_make(s, i, 1, "{}", indicator(i, 1, pattern, ""));
	need(header_decode(&h, s->row, s->length - SIGNATURE_BYTES) == ERR_OK);
	h.expiry = HOUR - 1 - i % 24;
	sample_finish(s, &h);
}

static void fill(struct pair *p, unsigned messages)
{
	for (unsigned i = 0; i < messages;) {
		need(log_begin(p->log) == ERR_OK);
		for (unsigned k = 0; k < A_COMMIT && i < messages; k++, i++) {
			struct sample s;
			post_expiring(&s, i);
			sample_append(p->log, &s);
			sample_clear(&s);
		}
		need(log_commit(p->log) == ERR_OK);
		fold_all(p);
	}
}

/* The index's part: the longest batch, in seconds. */
static double take_out(struct pair *p, unsigned *batches)
{
	double longest = 0;
	bool more = true;

	for (*batches = 0; more; ++*batches) {
		double start = bench_now();
		need(index_purge(p->index, HOUR, &more) == ERR_OK);
		if (bench_now() - start > longest)
			longest = bench_now() - start;
		/* A reader that stands still would keep every page that was ever written. */
		need(index_reader_renew(p->reader) == ERR_OK);
	}
	return longest;
}

/* The log's part: that of the loop's thread. */
static double erase(struct pair *p)
{
	struct erasable found[ERASED_AT_ONCE];
	uint64_t lsns[ERASED_AT_ONCE], after = 0;
	double longest = 0;
	size_t n;

	need(index_reader_renew(p->reader) == ERR_OK);
	do {
		need(index_erasable(p->reader, after, found, ERASED_AT_ONCE, &n) == ERR_OK);
		for (size_t i = 0; i < n; i++)
			lsns[i] = after = found[i].lsn;
		double start = bench_now();
		need(log_begin(p->log) == ERR_OK && log_expire(p->log, lsns, n) == ERR_OK);
		need(log_commit(p->log) == ERR_OK);
		if (bench_now() - start > longest)
			longest = bench_now() - start;
	} while (n == ERASED_AT_ONCE);
	return longest;
}

static double index_bytes(const struct fixture *f)
{
	struct stat st;

	need(stat(path_in(f, "index/data.mdb"), &st) == 0);
	return (double)st.st_size;
}

static double copied(struct pair *p, const struct fixture *f)
{
	struct stat st;

	need(log_copy(p->log, path_in(f, "copy"), NULL) == ERR_OK);
	need(stat(path_in(f, "copy/data.mdb"), &st) == 0);
	remove_tree(path_in(f, "copy"));
	return (double)st.st_size;
}

int main(int argc, char **argv)
{
	unsigned messages = getenv("BIG") ? 1000000 : 100000, batches;
	struct fixture f;
	struct pair p;
	double start, longest, before;

	if (argc > 1)
		bench_file = fopen(argv[1], "a");
	fixture_init(&f);
	pair_open(&p, &f);
	fill(&p, messages);
	before = copied(&p, &f);
	bench_figure("index before", index_bytes(&f) / 1e6, "MB");
	start = bench_now();
	longest = take_out(&p, &batches);
	bench_figure("purge of the index", messages / (bench_now() - start), "messages/s");
	bench_figure("its longest batch", longest * 1000, "ms");
	bench_figure("index file after it", index_bytes(&f) / 1e6, "MB");
	start = bench_now();
	longest = erase(&p);
	bench_figure("purge of the log", messages / (bench_now() - start), "messages/s");
	bench_figure("its longest commit", longest * 1000, "ms");
	bench_figure("log before, for each message", before / messages, "B");
	bench_figure("log after, for all of them", copied(&p, &f), "B");
	pair_close(&p);
	fixture_clear(&f);
	if (bench_file)
		fclose(bench_file);
	return 0;
}
