/* What a message costs a node: its signature, its header, its place in the log and the index. */
#include "tests/bench/bench.h"
#include "tests/node/index_fixture.h"

enum { BATCH = 100, OBJECTS = 100 };

struct bench_keys {
	struct identity *identity;
	struct message_id id;
	uint8_t signature[SIGNATURE_BYTES];
};

static size_t signs(void *arg)
{
	struct bench_keys *k = arg;

	for (size_t i = 0; i < BATCH; i++)
		identity_sign(k->identity, &k->id, k->signature);
	return BATCH;
}

static size_t verifies(void *arg)
{
	const struct bench_keys *k = arg;

	for (size_t i = 0; i < BATCH; i++)
		need(message_signature_valid(&k->id, k->signature,
					     identity_public(k->identity)->sign));
	return BATCH;
}

static size_t decodes(void *arg)
{
	static struct header h;
	const struct sample *s = arg;

	for (size_t i = 0; i < BATCH; i++) {
		struct message_id id = message_id_of(s->row, s->length - SIGNATURE_BYTES);
		need(header_decode(&h, s->row, s->length - SIGNATURE_BYTES) == ERR_OK);
		need(message_id_equal(&id, &s->id));
	}
	return BATCH;
}

struct bench_log {
	struct log *log;
	struct sample sample;
	size_t per_commit;
};

static size_t appends(void *arg)
{
	struct bench_log *b = arg;

	need(log_begin(b->log) == ERR_OK);
	for (size_t i = 0; i < b->per_commit; i++)
		sample_append(b->log, &b->sample);
	need(log_commit(b->log) == ERR_OK);
	return b->per_commit;
}

static void bench_appends(const struct fixture *f)
{
	static const size_t sizes[] = {1, 100, 1000};
	struct bench_log b = {.log = open_log(f)};
	char work[80];

	sample_make(&b.sample, 1, 400);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		b.per_commit = sizes[i];
		snprintf(work, sizeof work, "append durably, %zu a commit", sizes[i]);
		bench(work, "messages/s", appends, &b);
	}
	sample_clear(&b.sample);
	log_close(b.log);
	remove_tree(path_in(f, "log"));
}

/* Posts of a hundred indicators each, as an import makes them: objects a second. */
static double fold(const struct fixture *f)
{
	enum { POSTS = 300 };
	struct pair p;
	struct text objects;
	double start, took;

	pair_fresh(&p, f);
	for (unsigned i = 0; i < POSTS; i++) {
		struct sample s;
		text_init(&objects);
		for (unsigned j = 0; j < OBJECTS; j++) {
			char pattern[80];
			snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '10.%u.%u.7']",
				 i % 256, j);
			text_format(&objects, "%s%s", j ? "," : "",
				    indicator(i * OBJECTS + j, 1, pattern, ""));
		}
		post_make(&s, i, 1, "{}", objects.at);
		commit_sample(&p, &s, VERDICT_ACCEPTED);
		sample_clear(&s);
		text_clear(&objects);
	}
	start = bench_now();
	fold_all(&p);
	took = bench_now() - start;
	pair_close(&p);
	return POSTS * OBJECTS / took;
}

static void bench_fold(const struct fixture *f)
{
	struct bench_row r = {.work = "fold posts of 100 indicators", .unit = "objects/s"};

	while (r.count < BENCH_TIMES)
		r.values[r.count++] = fold(f);
	bench_write(&r);
}

int main(int argc, char **argv)
{
	struct fixture f;
	struct sample sample;
	struct bench_keys keys = {0};

	bench_file = argc > 1 ? fopen(argv[1], "a") : NULL;
	fixture_init(&f);
	sample_make(&sample, 1, 400);
	keys.identity = f.identity;
	keys.id = sample.id;
	bench("sign a message", "messages/s", signs, &keys);
	bench("verify a signature", "messages/s", verifies, &keys);
	bench("decode a header and hash it", "messages/s", decodes, &sample);
	bench_appends(&f);
	bench_fold(&f);
	sample_clear(&sample);
	fixture_clear(&f);
	return bench_file && fclose(bench_file) != 0;
}
