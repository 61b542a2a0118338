/* A packed set of the index.  Of an even first byte each three bytes that follow add to it, take
 * from it, merge it, leave a merge where it is, or ask it, beside a plain sorted list that says
 * what the answer is.  Of an odd one the rows of its table are the input, as a disk may have made
 * them: what is asked then is answered, or said to be damaged. */
#include <lmdb.h>

#include "node/store/index_packed.h"
#include "node/store/store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/node/store_fixture.h"

enum { WIDTH = 40, ROOM = PACKED_BLOCK_BYTES / WIDTH };
enum { RECORDS_MAX = 4000, DEEDS_MAX = 60, ASKED_MAX = 50, STEPS_MAX = 4000, ROWS_MAX = 60 };
enum deed { ADD, ADD_RUN, REMOVE, MERGE, MERGE_ALL, RANGE, LAST, AGAIN, DEEDS };

static struct fixture home;
static struct store_env env;
static struct packed set;
static uint8_t model[RECORDS_MAX * WIDTH]; /* sorted */
static size_t model_count;
static uint64_t drawn;

static void leave(void)
{
	store_close(&env);
	fixture_clear(&home);
}

static void prepare(void)
{
	if (env.env)
		return;
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	fixture_init(&home);
	must(atexit(leave) == 0);
	must(store_open(&env, path_in(&home, "set"),
			&(struct store_options){.create = true, .map_bytes = 64 << 20},
			NULL) == ERR_OK);
}

static int order(const void *a, const void *b)
{
	return memcmp(a, b, WIDTH);
}

/* Near is a byte that many records share, so that ranges have many. */
static void record_draw(uint8_t out[WIDTH], uint8_t near)
{
	memset(out, 0, WIDTH);
	drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	out[0] = near;
	put_u64(out + 1, drawn);
	put_u64(out + WIDTH - 8, ++drawn);
}

/* The number of records that are smaller. */
static size_t model_find(const uint8_t *record)
{
	size_t low = 0, high = model_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (order(model + middle * WIDTH, record) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add(size_t n, uint8_t near)
{
	uint8_t *records = model + model_count * WIDTH;

	if (model_count + n > RECORDS_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		record_draw(records + i * WIDTH, near ? near : (uint8_t)(drawn >> 40));
	qsort(records, n, WIDTH, order);
	must(packed_add(&set, records, n) == 0);
	model_count += n;
	qsort(model, model_count, WIDTH, order);
}

/* Every nth from a record on, with others that are not there. */
static void take(uint8_t near, size_t nth)
{
	static uint8_t records[2 * RECORDS_MAX * WIDTH];
	uint8_t from[WIDTH] = {near};
	size_t n = 0, first = model_find(from), left = first, gone = 0;

	for (size_t i = first; i < model_count; i++) {
		uint8_t *at = model + i * WIDTH;
		if ((i - first) % nth) {
			memmove(model + left++ * WIDTH, at, WIDTH);
			continue;
		}
		memcpy(records + n++ * WIDTH, at, WIDTH);
		memcpy(records + n * WIDTH, at, WIDTH);
		packed_step(&set, records + n++ * WIDTH);
		gone++;
	}
	model_count = left;
	must(packed_keep(&set, records, &n) == 0 && n == gone);
	must(packed_remove(&set, records, n) == 0);
}

static void ask_range(uint8_t near, size_t max)
{
	uint8_t from[WIDTH] = {near}, out[ASKED_MAX * WIDTH];
	size_t at = model_find(from), wanted = 0, n;

	max = max % ASKED_MAX + 1;
	while (wanted < max && at + wanted < model_count && model[(at + wanted) * WIDTH] == near)
		wanted++;
	must(packed_range(&set, from, 1, out, max, &n) == 0 && n == wanted);
	must(n == 0 || memcmp(out, model + at * WIDTH, n * WIDTH) == 0);
}

static void ask_last(uint8_t near, uint8_t how)
{
	uint8_t until[WIDTH] = {near}, out[WIDTH];
	size_t at;
	int rc;

	if (how && model_count)
		memcpy(until, model + (size_t)near * how % model_count * WIDTH, WIDTH);
	at = model_find(until);
	at += at < model_count && order(model + at * WIDTH, until) == 0;
	rc = packed_last(&set, until, out);
	must(at ? rc == 0 && order(out, model + (at - 1) * WIDTH) == 0 : rc == MDB_NOTFOUND);
}

static void same_as_model(void)
{
	uint8_t from[WIDTH] = {0}, out[ASKED_MAX * WIDTH];
	size_t n = ASKED_MAX;

	must(packed_count(&set) == model_count);
	for (size_t at = 0; n == ASKED_MAX; at += n) {
		must(packed_range(&set, from, 0, out, ASKED_MAX, &n) == 0);
		must(at + n <= model_count && (n == ASKED_MAX || at + n == model_count));
		must(n == 0 || memcmp(out, model + at * WIDTH, n * WIDTH) == 0);
		if (n)
			memcpy(from, out + (n - 1) * WIDTH, WIDTH);
		packed_step(&set, from);
	}
}

static void merge(bool keen, bool all)
{
	bool more = true;

	for (int i = 0; more && (all || i == 0); i++) {
		must(packed_merge(&set, keen, &more) == 0 && i < STEPS_MAX);
		if (set.into && !all)
			set.step = 2 * ROOM; /* it will be left in the middle */
	}
}

static void act(MDB_txn *txn, enum deed deed, uint8_t a, uint8_t b)
{
	uint32_t upto = set.upto;

	switch (deed) {
	case ADD_RUN: /* as if the runs before were large */
		if (!set.into && set.run_count < PACKED_RUNS_MAX)
			set.upto = UINT32_MAX - 1;
		add((size_t)b * 2 + 1, a);
		set.upto = set.into ? upto : 0;
		break;
	case ADD:
		add((size_t)b + 1, a);
		break;
	case REMOVE:
		take(a, (size_t)b + 1);
		break;
	case MERGE:
		merge(a & 1, false);
		break;
	case MERGE_ALL:
		merge(a & 1, true);
		break;
	case RANGE:
		ask_range(a, b);
		break;
	case LAST:
		ask_last(a, b);
		break;
	case AGAIN:
		must(packed_save(&set) == 0);
		packed_close(&set);
		must(packed_open(&set, txn) == 0);
		break;
	case DEEDS:
		break;
	}
}

static void run_model(MDB_txn *txn, struct reader *r)
{
	model_count = 0;
	drawn = 1;
	must(packed_open(&set, txn) == 0);
	for (int i = 0; i < DEEDS_MAX && r->left >= 3; i++) {
		enum deed deed = (enum deed)(read_u8(r) % DEEDS);
		uint8_t a = read_u8(r);
		act(txn, deed, a, read_u8(r));
		must(set.run_count <= PACKED_RUNS_MAX && packed_count(&set) == model_count);
	}
	same_as_model();
	merge(true, true);
	must(set.into == 0);
	same_as_model();
}

/* A row is length 2 | how often its last byte 1 | key length 1 | key | value; the first of all is
 * the list of runs. */
static void put_row(MDB_txn *txn, struct reader *r, bool list)
{
	static uint8_t bytes[PACKED_BLOCK_BYTES + WIDTH];
	size_t n = read_u16(r) % sizeof bytes, times = read_u8(r), key_length = read_u8(r) % 64;
	MDB_val key = {3, "set"}, value = {n, bytes};

	key_length = key_length < r->left ? key_length : r->left;
	if (!list)
		key = (MDB_val){key_length, (void *)(uintptr_t)read_ref(r, key_length)};
	n = n < r->left ? n : r->left;
	memset(bytes, (int)times, sizeof bytes);
	read_bytes(r, bytes, n);
	if (key.mv_size)
		must(mdb_put(txn, list ? set.meta : set.table, &key, &value, 0) == 0);
}

static bool bad_or(int rc, int other)
{
	return rc == 0 || rc == MDB_CORRUPTED || rc == other;
}

static void run_damaged(MDB_txn *txn, struct reader *r)
{
	uint8_t asked[WIDTH] = {0}, out[ASKED_MAX * WIDTH];
	bool more = true;
	size_t n;

	for (int i = 0; i < ROWS_MAX && r->left; i++)
		put_row(txn, r, i == 0);
	if (packed_open(&set, txn) != 0)
		return;
	packed_count(&set);
	for (unsigned i = 0; i < 256; i += 15) {
		memset(asked, (int)i, sizeof asked);
		must(bad_or(packed_range(&set, asked, 0, out, ASKED_MAX, &n), 0));
		must(bad_or(packed_last(&set, asked, out), MDB_NOTFOUND));
	}
	for (int i = 0; more && i < 40; i++)
		if (packed_merge(&set, true, &more) != 0)
			return;
	n = 1;
	if (packed_keep(&set, asked, &n) == 0)
		(void)packed_add(&set, asked, 1);
}

unsigned fuzz_cost(void)
{
	return 40;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;
	MDB_txn *txn;

	prepare();
	reader_init(&r, data, n);
	set = (struct packed){.name = "set", .width = WIDTH};
	must(mdb_txn_begin(env.env, NULL, 0, &txn) == 0);
	must(mdb_dbi_open(txn, "set", MDB_CREATE, &set.table) == 0);
	must(mdb_dbi_open(txn, "run", MDB_CREATE, &set.meta) == 0);
	if (read_u8(&r) & 1)
		run_damaged(txn, &r);
	else
		run_model(txn, &r);
	packed_close(&set);
	mdb_txn_abort(txn);
	return 0;
}
