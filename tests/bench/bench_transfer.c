/* Two daemons over CURVE: how fast one gets what the other has, verified and durable before it is
 * acknowledged, and how fast that can be searched. */
#include "tests/bench/bench.h"
#include "tests/bench/lab.h"
#include "tests/bench/limit.h"
#include "tests/bench/peer.h"

struct work {
	const char *acknowledged, *prototype, *searchable;
	size_t messages, indicators; /* in a message */
};

static const struct work works[] = {
	{"two daemons, 1 indicator a message", "a bare prototype, 1 indicator a message",
	 "the same until searchable", 30000, 1},
	{"two daemons, 100 indicators a message", "a bare prototype, 100 indicators a message",
	 "the same until searchable, 100", 4000, 100},
	{"two daemons, 1,000 indicators a message", "a bare prototype, 1,000 indicators a message",
	 "the same until searchable, 1,000", 600, 1000},
};

/* Once, to an empty reader: units a second are added to the rows.  What is durable there is seen in
 * its log: its status is a picture of some moments ago, which is long for what takes as little. */
static void transfer(const struct lab *lab, const struct work *w, struct bench_row *acknowledged,
		     struct bench_row *searchable)
{
	double units = (double)(w->messages * w->indicators), begun;
	struct watcher watcher;
	struct lab_status s;
	struct ask *reader;
	size_t first, count;

	lab_empty(lab, "reader");
	lab_start(lab, "reader");
	reader = lab_ask(lab, "reader");
	watcher_open(&watcher, lab, "reader");
	lab_start(lab, "author");
	while ((first = watcher_posts(&watcher)) == 0)
		moment();
	begun = bench_now();
	units *= 1 - (double)first / (double)w->messages;
	for (count = first; count < w->messages; count += watcher_posts(&watcher))
		moment();
	acknowledged->values[acknowledged->count++] = units / (bench_now() - begun);
	watcher_close(&watcher);
	while ((s = lab_status(reader)).unfolded > 0 || s.messages < (double)w->messages)
		lab_pause();
	searchable->values[searchable->count++] = units / (bench_now() - begun);
	ask_close(reader);
	lab_stop(lab, "author reader");
}

/* The bare prototype, and how much it reaches of the slowest of its parts alone, or of what the
 * cores leave to all of them together, whichever is less; returns its median in units a second. */
static double bench_prototype(const struct work *w, size_t length)
{
	double units = (double)w->indicators, cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	double parts[LIMIT_PARTS][BENCH_TIMES], shared[BENCH_TIMES], cpu;
	struct bench_row row = {.work = w->prototype,
				.unit = w->indicators == 1 ? "messages/s" : "indicators/s",
				.count = BENCH_TIMES};

	for (int i = 0; i < BENCH_TIMES; i++) {
		double all = 0;
		for (int part = LIMIT_WHOLE; part < LIMIT_PARTS; part++) {
			parts[part][i] = units * limit_transfer(length, w->messages,
								(enum limit_part)part, &cpu);
			all += part == LIMIT_WHOLE ? 0 : cpu;
		}
		shared[i] = units * cores / all;
	}
	memcpy(row.values, parts[LIMIT_WHOLE], sizeof parts[LIMIT_WHOLE]);
	row.limit = bench_median(shared, BENCH_TIMES);
	for (int part = LIMIT_WHOLE + 1; part < LIMIT_PARTS; part++) {
		double rate = bench_median(parts[part], BENCH_TIMES);
		if (rate < row.limit)
			row.limit = rate;
	}
	return bench_write(&row);
}

static double verifies(void)
{
	double rates[BENCH_TIMES];

	for (int i = 0; i < BENCH_TIMES; i++)
		rates[i] = limit_verifies();
	return bench_median(rates, BENCH_TIMES);
}

/* Of the rows of the index that one unit makes, as LMDB alone inserts them. */
static double insert_limit(const struct lab *lab, const struct work *w)
{
	char path[PATH_MAX];
	size_t rows;
	double rate;

	snprintf(path, sizeof path, "%s/lab/reader/index", lab->dir);
	rate = limit_inserts(path, &rows);
	return rate / (double)rows * (double)(w->messages * w->indicators);
}

static double peer_write(const char *work, double rate, const char *program)
{
	if (rate > 0)
		bench_figure(work, rate, "messages/s");
	else
		printf("%-52s scripts/peers brings %s\n", work, program);
	return rate;
}

/* Others with messages as long, and what they leave out.  Returns what the one does that syncs. */
static double bench_peers(size_t length, size_t count)
{
	size_t whole = HEADER_FIXED_BYTES + SIGNATURE_BYTES + length;
	double synced;

	synced = peer_write("a Redis stream, appendfsync always, no cryptography",
			    peer_redis(whole, count), "redis-server");
	peer_write("NATS JetStream, no fsync, no cryptography", peer_nats(whole, count),
		   "nats-server");
	return synced;
}

static void bench_work(const struct work *w)
{
	struct bench_row acknowledged = {.work = w->acknowledged,
					 .unit = w->indicators == 1 ? "messages/s"
								    : "indicators/s"},
			 searchable = {.work = w->searchable, .unit = "objects/s"};
	double prototype;
	size_t length;
	struct ask *author;
	struct lab lab;

	lab_make(&lab, "author reader:author");
	length = lab_fill(&lab, "author", w->messages, w->indicators);
	lab_start(&lab, "author");
	author = lab_ask(&lab, "author");
	lab_folded(author);
	ask_close(author);
	lab_stop(&lab, "author");
	for (int i = 0; i < BENCH_TIMES; i++)
		transfer(&lab, w, &acknowledged, &searchable);
	prototype = bench_prototype(w, length);
	acknowledged.limit = w->indicators == 1 ? verifies() : prototype;
	/* With one in a message it is the message that costs. */
	if (w->indicators > 1)
		searchable.limit = insert_limit(&lab, w);
	if (w->indicators == 1)
		acknowledged.peer = bench_peers(length, w->messages);
	bench_write(&acknowledged);
	bench_write(&searchable);
	lab_remove(&lab);
}

int main(int argc, char **argv)
{
	bench_file = argc > 1 ? fopen(argv[1], "a") : NULL;
	for (size_t i = 0; i < sizeof works / sizeof *works; i++)
		bench_work(&works[i]);
	return bench_file && fclose(bench_file) != 0;
}
