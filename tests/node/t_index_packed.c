/* Packed sets, against a plain sorted list: whatever was added, removed and merged in whatever
 * order, the records are the same; and what a disk may have made of a block is said to be damaged.
 */
#include <lmdb.h>

#include "node/store/index_packed.h"
#include "node/store/store.h"
#include "protocol/bytes.h"
#include "tests/node/index_fixture.h"

enum { WIDTH = 40, ROOM = PACKED_BLOCK_BYTES / WIDTH, SMALL = 32768, MODEL_MAX = 400000 };

static struct fixture home;
static struct store_env env;
static MDB_txn *txn;
static struct packed set;

static uint8_t *model; /* sorted */
static size_t model_count;

static uint64_t seed = 1;

static uint64_t drawn(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 11;
}

/* Few prefixes of two bytes, so that many records share one. */
static void record_draw(uint8_t out[WIDTH])
{
	memset(out, 0, WIDTH);
	put_u32(out, (uint32_t)(drawn() % 50) << 16 | (uint32_t)(drawn() & 0xffff));
	put_u64(out + 4, drawn());
	out[WIDTH - 1] = 7;
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, WIDTH);
}

/* ---- the set ---- */

static void txn_begin(void)
{
	need(mdb_txn_begin(env.env, NULL, 0, &txn) == 0);
	need(mdb_dbi_open(txn, "set", MDB_CREATE, &set.table) == 0);
	need(mdb_dbi_open(txn, "run", MDB_CREATE, &set.meta) == 0);
	set.name = "set";
	set.width = WIDTH;
	need(packed_open(&set, txn) == 0);
}

static void txn_end(void)
{
	need(packed_save(&set) == 0);
	packed_close(&set);
	need(mdb_txn_commit(txn) == 0);
}

static void set_fresh(void)
{
	if (env.env)
		store_close(&env);
	remove_tree(path_in(&home, "set"));
	need(store_open(&env, path_in(&home, "set"), &(struct store_options){.create = true},
			NULL) == ERR_OK);
	model_count = 0;
	txn_begin();
}

/* ---- the model ---- */

static void model_merge(const uint8_t *records, size_t n)
{
	need(model_count + n <= MODEL_MAX);
	memcpy(model + model_count * WIDTH, records, n * WIDTH);
	model_count += n;
	qsort(model, model_count, WIDTH, order);
}

/* Adds n new records to both. */
static void add_drawn(size_t n)
{
	uint8_t *records = malloc(n * WIDTH + 1);
	need(records);
	for (size_t i = 0; i < n; i++)
		record_draw(records + i * WIDTH);
	qsort(records, n, WIDTH, order);
	need(packed_add(&set, records, n) == 0);
	model_merge(records, n);
	free(records);
}

/* Takes every nth record from a place on out of both, with others that are not there. */
static void remove_some(size_t from, size_t nth, size_t max)
{
	uint8_t *records = malloc((2 * max + 1) * WIDTH);
	size_t n = 0, left = from, wanted = 0;
	need(records);
	for (size_t i = from; i < model_count; i++) {
		if ((i - from) % nth || wanted == max) {
			memmove(model + left++ * WIDTH, model + i * WIDTH, WIDTH);
			continue;
		}
		memcpy(records + n++ * WIDTH, model + i * WIDTH, WIDTH);
		memcpy(records + n * WIDTH, model + i * WIDTH, WIDTH);
		records[n++ * WIDTH + WIDTH - 1]++;
		wanted++;
	}
	model_count = left;
	need(packed_keep(&set, records, &n) == 0);
	need(n == wanted);
	need(packed_remove(&set, records, n) == 0);
	free(records);
}

/* All that the set has, by pages of some size. */
static bool same_as_model(size_t page)
{
	uint8_t *records = malloc(page * WIDTH), from[WIDTH] = {0};
	size_t n = page, at = 0;
	bool same = packed_count(&set) == model_count;
	need(records);
	while (same && n == page) {
		need(packed_range(&set, from, 0, records, page, &n) == 0);
		same = at + n <= model_count && memcmp(records, model + at * WIDTH, n * WIDTH) == 0;
		at += n;
		if (n)
			memcpy(from, records + (n - 1) * WIDTH, WIDTH);
		packed_step(&set, from);
	}
	free(records);
	return same && at == model_count;
}

static size_t model_find(const uint8_t *record)
{
	size_t low = 0, high = model_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (memcmp(model + middle * WIDTH, record, WIDTH) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Questions about records that are there, are not, and stand at either end. */
static bool answers_like_model(void)
{
	uint8_t asked[WIDTH], out[20 * WIDTH];
	size_t n;
	bool same = true;
	for (unsigned i = 0; same && i < 2000; i++) {
		record_draw(asked);
		if (i % 3 == 0 && model_count)
			memcpy(asked, model + drawn() % model_count * WIDTH, WIDTH);
		if (i < 2)
			memset(asked, i ? 0xff : 0, WIDTH);
		size_t at = model_find(asked), end = at;
		while (end < model_count && end - at < 20 &&
		       memcmp(model + end * WIDTH, asked, 3) == 0)
			end++;
		need(packed_range(&set, asked, 3, out, 20, &n) == 0);
		same = n == end - at && memcmp(out, model + at * WIDTH, n * WIDTH) == 0;
		bool is = at < model_count && memcmp(model + at * WIDTH, asked, WIDTH) == 0;
		int rc = packed_last(&set, asked, out);
		if (!is && at == 0)
			same = same && rc == MDB_NOTFOUND;
		else
			same = same && rc == 0 &&
			       memcmp(out, model + (is ? at : at - 1) * WIDTH, WIDTH) == 0;
	}
	return same;
}

static void merge_all(bool keen)
{
	bool more = true;
	while (more)
		need(packed_merge(&set, keen, &more) == 0);
}

/* ---- sentences ---- */

static void an_empty_set_has_nothing(void)
{
	bool more = true;
	set_fresh();
	ok(same_as_model(10) && answers_like_model(), "nothing is found");
	need(packed_add(&set, NULL, 0) == 0 && packed_merge(&set, true, &more) == 0);
	ok(!more && packed_count(&set) == 0 && set.run_count == 0, "nothing is added or merged");
	txn_end();
}

static void blocks_are_filled_and_split_at_their_bounds(void)
{
	static const size_t sizes[] = {1,        ROOM - 1,     ROOM,         ROOM + 1,
				       2 * ROOM, 2 * ROOM + 1, 3 * ROOM - 1, 40 * ROOM};
	bool same = true;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		set_fresh();
		add_drawn(sizes[i]);
		same = same && same_as_model(7);
		for (unsigned k = 0; k < 2 * ROOM + 2; k++)
			add_drawn(1);
		same = same && same_as_model(ROOM) && answers_like_model();
		txn_end();
	}
	ok(same, "whatever their number");
}

static void a_large_batch_is_a_run_and_small_ones_share_one(void)
{
	set_fresh();
	add_drawn(10);
	add_drawn(SMALL - 10);
	is_int(set.run_count, 1, "small ones share a run");
	add_drawn(1);
	is_int(set.run_count, 2, "until it is large");
	add_drawn(SMALL);
	is_int(set.run_count, 3, "a large batch is a run");
	ok(same_as_model(1000) && answers_like_model(), "look-ups see all of them");
	txn_end();
	txn_begin();
	ok(set.run_count == 3 && same_as_model(333), "in the next transaction, too");
	merge_all(true);
	ok(set.run_count == 1 && same_as_model(1000), "merged, it is one run");
	MDB_stat stat;
	need(mdb_stat(txn, set.table, &stat) == 0);
	ok(stat.ms_entries <= model_count / ROOM + 20, "of full blocks");
	txn_end();
}

static void a_merge_may_be_left_at_any_step(void)
{
	bool more = true, same = true;
	unsigned steps = 0;
	set_fresh();
	for (unsigned i = 0; i < 4; i++)
		add_drawn(SMALL);
	while (more) {
		need(packed_merge(&set, false, &more) == 0);
		txn_end();
		txn_begin();
		same = same && same_as_model(5000) && (steps++ % 8 || answers_like_model());
		/* Others come and go meanwhile. */
		if (steps == 3)
			add_drawn(SMALL);
		if (steps == 4)
			add_drawn(100);
		if (steps == 6)
			remove_some(0, 3, 20000);
	}
	ok(steps > 8 && same, "each record is found after each of %u steps", steps);
	merge_all(true);
	ok(same_as_model(5000) && set.into == 0, "all of it is merged in the end");
	txn_end();
}

static void what_is_removed_is_gone_and_leaves_no_thin_blocks(void)
{
	MDB_stat stat;
	set_fresh();
	add_drawn(SMALL);
	add_drawn(SMALL);
	remove_some(5, 2, MODEL_MAX / 4);
	ok(same_as_model(1000) && answers_like_model(), "every second");
	remove_some(0, 1, 10 * ROOM);
	ok(same_as_model(1000) && answers_like_model(), "the first of all");
	for (unsigned i = 0; i < 40; i++)
		remove_some(i, 40 - i, 600);
	ok(same_as_model(1000), "most of them, in small parts");
	need(mdb_stat(txn, set.table, &stat) == 0);
	ok(stat.ms_entries < 8 * model_count / ROOM + 20, "%zu records in %zu blocks", model_count,
	   (size_t)stat.ms_entries);
	remove_some(0, 1, MODEL_MAX / 4);
	need(mdb_stat(txn, set.table, &stat) == 0);
	ok(model_count == 0 && stat.ms_entries == 0 && set.run_count == 0, "all of them");
	txn_end();
}

static void blocks_that_grow_thin_take_in_the_next(void)
{
	MDB_stat stat;
	set_fresh();
	add_drawn(SMALL);
	for (unsigned i = 0; i < 3; i++)
		remove_some(0, 2, MODEL_MAX / 4);
	need(mdb_stat(txn, set.table, &stat) == 0);
	ok(stat.ms_entries < 3 * model_count / ROOM, "an eighth, %zu records, is in %zu blocks",
	   model_count, (size_t)stat.ms_entries);
	ok(same_as_model(1000) && answers_like_model(), "all of it");
	txn_end();
}

static void runs_stay_few_however_many_batches_come(void)
{
	size_t most = 0;
	bool same = true;
	set_fresh();
	for (unsigned i = 0; i < 60; i++) {
		bool more = packed_crowded(&set);
		while (more)
			need(packed_merge(&set, false, &more) == 0);
		/* Runs of their own, as if each were large. */
		set.upto = UINT32_MAX - 1;
		add_drawn(300 + drawn() % 3000);
		set.upto = 0;
		most = set.run_count > most ? set.run_count : most;
		same = same && (i % 10 || same_as_model(2000));
	}
	ok(most < PACKED_RUNS_MAX && same, "at most %zu", most);
	merge_all(true);
	ok(set.run_count <= 4 && same_as_model(1000) && answers_like_model(), "in the end %zu",
	   set.run_count);
	txn_end();
}

static void a_record_in_two_runs_counts_once(void)
{
	uint8_t record[WIDTH], out[3 * WIDTH];
	size_t n;
	set_fresh();
	add_drawn(SMALL);
	memcpy(record, model + 100 * WIDTH, WIDTH);
	need(packed_add(&set, record, 1) == 0);
	is_int(set.run_count, 2, "it stands in both");
	need(packed_range(&set, record, WIDTH, out, 3, &n) == 0);
	is_int(n, 1, "and is found once");
	merge_all(true);
	bool more = true;
	for (set.into = set.runs[0].number, set.upto = UINT32_MAX, set.step = 10; more;)
		need(packed_merge(&set, true, &more) == 0);
	ok(set.run_count == 1 && same_as_model(1000), "it is once in what they are merged to");
	txn_end();
}

static void a_damaged_row_is_said_to_be_so(void)
{
	uint8_t zeros[WIDTH] = {0}, out[WIDTH];
	size_t n;
	MDB_val key, value;
	uint8_t at[PACKED_RUN_BYTES + WIDTH];
	set_fresh();
	add_drawn(3 * ROOM);
	need(mdb_cursor_get(set.cursor, &key, &value, MDB_FIRST) == 0);
	memcpy(at, key.mv_data, sizeof at);
	static uint8_t bytes[PACKED_BLOCK_BYTES + WIDTH];
	const struct {
		size_t length;
		uint8_t first;
		const char *what;
	} wrong[] = {{0, 0, "no record"},
		     {ROOM * WIDTH - 1, 0, "part of a record"},
		     {sizeof bytes / WIDTH * WIDTH, 0, "too many records"},
		     {WIDTH, 1, "another first record than its key says"}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memcpy(bytes, at + PACKED_RUN_BYTES, WIDTH);
		bytes[0] ^= wrong[i].first;
		key = (MDB_val){sizeof at, at};
		value = (MDB_val){wrong[i].length, bytes};
		need(mdb_put(txn, set.table, &key, &value, 0) == 0);
		ok(packed_range(&set, zeros, 0, out, 1, &n) == MDB_CORRUPTED, "%s", wrong[i].what);
	}
	packed_close(&set);
	key = (MDB_val){3, "set"};
	value = (MDB_val){13, bytes};
	need(mdb_put(txn, set.meta, &key, &value, 0) == 0);
	ok(packed_open(&set, txn) == MDB_CORRUPTED, "a list of runs that ends in the middle");
	packed_close(&set);
	mdb_txn_abort(txn);
}

static void a_damaged_list_of_runs_is_said_to_be_so(void)
{
	const struct packed_run sound[] = {{1, 9}, {2, 3}};
	const struct {
		struct packed_run runs[2];
		uint32_t into, step;
		const char *what;
	} wrong[] = {{{{1, 9}, {1, 3}}, 0, 0, "two runs of one number"},
		     {{{2, 9}, {1, 3}}, 0, 0, "runs in another order"},
		     {{{1, 9}, {2, 0}}, 0, 0, "a run without records"},
		     {{{1, 9}, {2, UINT64_MAX - 8}}, 0, 0, "counts that add up to nothing"},
		     {{{1, 9}, {2, 3}}, 1, 0, "a merge without steps"},
		     {{{1, 9}, {2, 3}}, 0, 1, "steps of no merge"},
		     {{{1, 9}, {2, 3}}, 1, UINT32_MAX, "a step of many gigabytes"}};
	set_fresh();
	add_drawn(SMALL);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memcpy(set.runs, wrong[i].runs, sizeof wrong[i].runs);
		set.run_count = 2;
		set.into = set.upto = wrong[i].into;
		set.step = wrong[i].step;
		need(packed_save(&set) == 0);
		packed_close(&set);
		ok(packed_open(&set, txn) == MDB_CORRUPTED, "%s", wrong[i].what);
	}
	memcpy(set.runs, sound, sizeof sound);
	set.into = set.upto = set.step = 1;
	need(packed_save(&set) == 0);
	packed_close(&set);
	ok(packed_open(&set, txn) == 0 && packed_count(&set) == 12, "and a sound one is read");
	txn_end();
}

/* ---- in the index ---- */

static void settling_changes_nothing_that_is_found(void)
{
	struct pair p;
	struct object_at at;
	struct party_id origin = {{1}};
	bool more = true;
	unsigned found = 0;
	pair_open(&p, &home);
	for (unsigned i = 0; i < 300; i++) {
		char pattern[64];
		snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '192.0.2.%u']", i % 250);
		post(&p, 1, "{}", indicator(i % 100, 1 + i / 100, pattern, ""));
		if (i % 50 == 49)
			fold_all(&p);
	}
	while (more)
		need(index_settle(p.index, &more) == ERR_OK);
	need(index_reader_renew(p.reader) == ERR_OK);
	for (unsigned i = 0; i < 100; i++)
		found += index_object(p.reader, &origin, indicator_id(i), &at) == ERR_OK &&
			 at.lsn == 201 + i;
	is_int(found, 100, "the newest version of each object");
	is_int(index_check(p.index, NULL), ERR_OK, "and the log gives the same");
	pair_close(&p);
}

int main(void)
{
	need(sodium_init() >= 0);
	model = malloc((size_t)MODEL_MAX * WIDTH);
	need(model);
	fixture_init(&home);
	RUN(an_empty_set_has_nothing);
	RUN(blocks_are_filled_and_split_at_their_bounds);
	RUN(a_large_batch_is_a_run_and_small_ones_share_one);
	RUN(a_merge_may_be_left_at_any_step);
	RUN(what_is_removed_is_gone_and_leaves_no_thin_blocks);
	RUN(blocks_that_grow_thin_take_in_the_next);
	RUN(runs_stay_few_however_many_batches_come);
	RUN(a_record_in_two_runs_counts_once);
	RUN(a_damaged_row_is_said_to_be_so);
	RUN(a_damaged_list_of_runs_is_said_to_be_so);
	RUN(settling_changes_nothing_that_is_found);
	store_close(&env);
	fixture_clear(&home);
	free(model);
	return tap_done();
}
