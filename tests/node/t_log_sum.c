/* What the disk has changed of values and topologies: a check for each value, and a sum over all.
 */
#include <lmdb.h>
#include <sodium.h>

#include "node/store/log.h"
#include "tests/node/store_fixture.h"

enum { CHECK_BYTES = 8, SUM_BYTES = 32, MANY = 3000 };

static struct fixture home;

static const char file[] = "node\n    a\nuntrusted comment: x\nsignature\n";

static struct log *log_with_values(void)
{
	struct log *log;
	struct hash h = hash_of(file, 11);

	remove_tree(path_in(&home, "log"));
	log = open_log(&home);
	need(log_begin(log) == ERR_OK);
	need(log_put(log, "floor", "1234", 4) == ERR_OK);
	need(log_put(log, "cursor/a", "first", 5) == ERR_OK);
	need(log_put(log, "cursor/b", "", 0) == ERR_OK);
	need(log_put_topology(log, 1, &h, file, sizeof file - 1) == ERR_OK);
	need(log_commit(log) == ERR_OK);
	return log;
}

/* change(), as another program would, of which the sum knows nothing. */
static void tamper(void (*change)(MDB_txn *txn, void *arg), void *arg)
{
	MDB_env *env;
	MDB_txn *txn;

	need(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 8) == 0);
	need(mdb_env_set_mapsize(env, (size_t)64 << 20) == 0);
	need(mdb_env_open(env, path_in(&home, "log"), 0, 0600) == 0);
	need(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	change(txn, arg);
	need(mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
}

static MDB_dbi table_of(MDB_txn *txn, const char *name)
{
	MDB_dbi table;

	need(mdb_dbi_open(txn, name, 0, &table) == 0);
	return table;
}

struct row {
	const char *table, *key, *value;
};

static void put(MDB_txn *txn, void *arg)
{
	const struct row *r = arg;
	MDB_val key = {strlen(r->key), (void *)(uintptr_t)r->key};
	MDB_val value = {strlen(r->value), (void *)(uintptr_t)r->value};

	need(mdb_put(txn, table_of(txn, r->table), &key, &value, 0) == 0);
}

static void del(MDB_txn *txn, void *arg)
{
	const struct row *r = arg;
	MDB_val key = {strlen(r->key), (void *)(uintptr_t)r->key};

	need(mdb_del(txn, table_of(txn, r->table), &key, NULL) == 0);
}

static void sum_add(uint8_t *sum, uint8_t table, const MDB_val *key, const MDB_val *value)
{
	uint8_t bytes[3 + 64 + 4096] = {table, 0, (uint8_t)key->mv_size}, one[SUM_BYTES];
	size_t n = 3 + key->mv_size;

	need(n + value->mv_size <= sizeof bytes);
	memcpy(bytes + 3, key->mv_data, key->mv_size);
	memcpy(bytes + n, value->mv_data, value->mv_size);
	crypto_generichash(one, sizeof one, bytes, n + value->mv_size, NULL, 0);
	for (size_t i = 0; i < sizeof one; i++)
		sum[i] ^= one[i];
}

/* Takes the checks off, as they were not there before format 4, nor the sum before 3. */
static void make_format(MDB_txn *txn, void *arg)
{
	uint8_t format = *(uint8_t *)arg, number[] = {0, 0, 0, format}, sum[SUM_BYTES] = {0};
	MDB_val key = {6, "format"}, value = {sizeof number, number};
	MDB_cursor *cursor;

	need(mdb_put(txn, table_of(txn, "meta"), &key, &value, 0) == 0);
	need(mdb_cursor_open(txn, table_of(txn, "value"), &cursor) == 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		char name[64], bytes[64];
		memcpy(name, key.mv_data, key.mv_size);
		memcpy(bytes, value.mv_data, value.mv_size);
		key.mv_data = name;
		value = (MDB_val){value.mv_size - CHECK_BYTES, bytes};
		need(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT) == 0);
		sum_add(sum, 1, &key, &value);
	}
	mdb_cursor_close(cursor);
	need(mdb_cursor_open(txn, table_of(txn, "topology"), &cursor) == 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
		sum_add(sum, 2, &key, &value);
	mdb_cursor_close(cursor);
	key = (MDB_val){3, "sum"};
	value = (MDB_val){sizeof sum, sum};
	if (format < 3)
		need(mdb_del(txn, table_of(txn, "meta"), &key, NULL) == 0);
	else
		need(mdb_put(txn, table_of(txn, "meta"), &key, &value, 0) == 0);
}

/* The bit arg of the signed file. */
static void flip_topology(MDB_txn *txn, void *arg)
{
	size_t bit = *(const size_t *)arg;
	MDB_cursor *cursor;
	MDB_val key, value;
	char changed[sizeof file];

	need(mdb_cursor_open(txn, table_of(txn, "topology"), &cursor) == 0);
	need(mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0);
	memcpy(changed, value.mv_data, value.mv_size);
	changed[bit / 8] ^= (char)(1 << bit % 8);
	value.mv_data = changed;
	need(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT) == 0);
	mdb_cursor_close(cursor);
}

static enum err checked(char *words, size_t size)
{
	struct log *log = open_log(&home);
	struct report report;
	enum err e;

	report_init(&report);
	e = log_check(log, &report);
	snprintf(words, size, "%s", e ? report_first(&report) : "");
	report_clear(&report);
	log_close(log);
	return e;
}

static void what_is_written_agrees_with_its_sum(void)
{
	struct log *log = log_with_values();
	char words[256];

	log_close(log);
	is_int(checked(words, sizeof words), ERR_OK, "new ones: %s", words);
	log = open_log(&home);
	need(log_begin(log) == ERR_OK);
	need(log_put(log, "cursor/a", "second", 6) == ERR_OK);
	need(log_put(log, "cursor/a", "second", 6) == ERR_OK);
	need(log_drop(log, "cursor/") == ERR_OK);
	need(log_drop(log, "cursor/") == ERR_OK);
	need(log_put(log, "floor", "", 0) == ERR_OK);
	need(log_commit(log) == ERR_OK);
	need(log_begin(log) == ERR_OK);
	need(log_put(log, "floor", "never", 5) == ERR_OK);
	log_abort(log);
	log_close(log);
	is_int(checked(words, sizeof words), ERR_OK, "changed, dropped, given up: %s", words);
}

static void what_the_disk_has_changed_is_found(void)
{
	struct row changed[] = {{"value", "floor", "1235"},
				{"value", "cursor/b", "x"},
				{"meta", "sum", "short"},
				{"meta", "sum", "01234567890123456789012345678901"}};
	struct row gone[] = {
		{"value", "floor", NULL}, {"value", "cursor/b", NULL}, {"meta", "sum", NULL}};
	char words[256];

	for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
		log_close(log_with_values());
		tamper(put, &changed[i]);
		is_int(checked(words, sizeof words), ERR_DAMAGED, "%s: %s", changed[i].key, words);
	}
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
		log_close(log_with_values());
		tamper(del, &gone[i]);
		is_int(checked(words, sizeof words), ERR_DAMAGED, "without %s: %s", gone[i].key,
		       words);
	}
}

static void every_bit_of_a_topology_with_its_signatures_counts(void)
{
	size_t unseen = 0;
	char words[256];

	for (size_t bit = 0; bit < 8 * (sizeof file - 1); bit += 5) {
		log_close(log_with_values());
		tamper(flip_topology, &bit);
		unseen += checked(words, sizeof words) != ERR_DAMAGED;
	}
	is_int(unseen, 0, "none is unseen");
}

struct flip {
	const char *key;
	size_t bit;
};

static void flip_value(MDB_txn *txn, void *arg)
{
	const struct flip *f = arg;
	MDB_val key = {strlen(f->key), (void *)(uintptr_t)f->key}, value;
	char changed[64];

	need(mdb_get(txn, table_of(txn, "value"), &key, &value) == 0);
	memcpy(changed, value.mv_data, value.mv_size);
	changed[f->bit / 8] ^= (char)(1 << f->bit % 8);
	value.mv_data = changed;
	need(mdb_put(txn, table_of(txn, "value"), &key, &value, 0) == 0);
}

static enum err get(const char *key, char *value, size_t size)
{
	struct log *log = open_log(&home);
	struct log_reader *reader;
	size_t n = 0;
	enum err e;

	need(log_reader_open(&reader, log) == ERR_OK);
	e = log_get(reader, key, value, size, &n);
	value[e ? 0 : n] = '\0';
	log_reader_close(reader);
	log_close(log);
	return e;
}

static void no_damaged_value_is_believed(void)
{
	size_t believed = 0, unnamed = 0;
	char value[64], words[256];
	struct row shorter = {"value", "floor", "1234567"};

	for (size_t bit = 0; bit < 8 * (4 + CHECK_BYTES); bit++) {
		struct flip f = {"floor", bit};
		log_close(log_with_values());
		tamper(flip_value, &f);
		believed += get("floor", value, sizeof value) != ERR_DAMAGED;
		need(get("cursor/a", value, sizeof value) == ERR_OK);
		unnamed += checked(words, sizeof words) != ERR_DAMAGED ||
			   strcmp(words, "log: value floor: is damaged") != 0;
	}
	is_int(believed, 0, "whichever bit of it");
	is_int(unnamed, 0, "and it is named");
	log_close(log_with_values());
	tamper(put, &shorter);
	is_int(get("floor", value, sizeof value), ERR_DAMAGED, "nor one without room for a check");
}

static bool count_one(void *arg, const char *key, const void *value, size_t n)
{
	(void)key, (void)value, (void)n;
	++*(size_t *)arg;
	return true;
}

static void of_several_the_others_are_told(void)
{
	struct flip f = {"cursor/a", 0};
	struct log_reader *reader;
	struct log *log;
	size_t count = 0;

	log_close(log_with_values());
	tamper(flip_value, &f);
	log = open_log(&home);
	need(log_reader_open(&reader, log) == ERR_OK);
	is_int(log_values(reader, "cursor/", count_one, &count), ERR_DAMAGED, "one is damaged");
	is_int(count, 1, "the other is told");
	log_reader_close(reader);
	log_close(log);
}

static void what_is_written_over_or_dropped_is_damaged_no_more(void)
{
	struct flip f[] = {{"cursor/a", 3}, {"cursor/a", 8 * 5 + 3}};
	char words[256];

	for (size_t i = 0; i < 4; i++) {
		struct log *log;
		log_close(log_with_values());
		tamper(flip_value, &f[i / 2]);
		log = open_log(&home);
		need(log_begin(log) == ERR_OK);
		if (i % 2)
			need(log_put(log, "cursor/a", "third", 5) == ERR_OK);
		else
			need(log_drop(log, "cursor/") == ERR_OK);
		need(log_commit(log) == ERR_OK);
		log_close(log);
		is_int(checked(words, sizeof words), ERR_OK, "%s: %s",
		       i % 2 ? "written over" : "dropped", words);
	}
}

static void one_of_an_earlier_format_is_given_checks_and_a_sum(void)
{
	struct row other = {"value", "floor", "9999"};
	char words[256], value[64];

	for (uint8_t format = 1; format < 4; format++) {
		log_close(log_with_values());
		tamper(make_format, &format);
		is_int(checked(words, sizeof words), ERR_OK, "it is taken on: %s", words);
		is_int(get("cursor/a", value, sizeof value), ERR_OK, "with its values");
		is_str(value, "first", "as they were");
		tamper(put, &other);
		is_int(checked(words, sizeof words), ERR_DAMAGED, "and checked from then on: %s",
		       words);
	}
}

static void many_of_an_earlier_format_are_given_checks(void)
{
	struct log *log = log_with_values();
	uint8_t three = 3;
	char key[32], words[256], value[64];
	size_t wrong = 0;

	need(log_begin(log) == ERR_OK);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(key, sizeof key, "exported/%016x", i * 2654435761U);
		need(log_put(log, key, key, i % 24) == ERR_OK);
	}
	need(log_commit(log) == ERR_OK);
	log_close(log);
	tamper(make_format, &three);
	is_int(checked(words, sizeof words), ERR_OK, "they are taken on: %s", words);
	for (unsigned i = 0; i < MANY; i += 97) {
		snprintf(key, sizeof key, "exported/%016x", i * 2654435761U);
		wrong += get(key, value, sizeof value) != ERR_OK || strlen(value) != i % 24 ||
			 memcmp(value, key, i % 24) != 0;
	}
	is_int(wrong, 0, "each as it was");
}

static void damage_of_an_earlier_format_is_not_hidden_by_that(void)
{
	struct row other = {"value", "floor", "9999"};
	uint8_t three = 3;
	char words[256];

	log_close(log_with_values());
	tamper(make_format, &three);
	tamper(put, &other);
	is_int(checked(words, sizeof words), ERR_DAMAGED, "it is found: %s", words);
}

static void one_of_an_earlier_format_is_read_beside_who_writes_it(void)
{
	struct log_options options = {.read_only = true, .map_bytes = (size_t)64 << 20};
	uint8_t three = 3;
	struct log_reader *reader;
	struct report report;
	struct log *log;
	char value[64];
	size_t n;

	log_close(log_with_values());
	tamper(make_format, &three);
	report_init(&report);
	need(log_open(&log, path_in(&home, "log"), &options, home.identity, &(struct store_id){{0}},
		      &report) == ERR_OK);
	need(log_reader_open(&reader, log) == ERR_OK);
	is_int(log_get(reader, "floor", value, sizeof value, &n), ERR_OK, "a value is read");
	ok(n == 4 && memcmp(value, "1234", 4) == 0, "all of it");
	is_int(log_check(log, &report), ERR_OK, "and nothing is wrong");
	log_reader_close(reader);
	log_close(log);
	report_clear(&report);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_is_written_agrees_with_its_sum);
	RUN(what_the_disk_has_changed_is_found);
	RUN(every_bit_of_a_topology_with_its_signatures_counts);
	RUN(no_damaged_value_is_believed);
	RUN(of_several_the_others_are_told);
	RUN(what_is_written_over_or_dropped_is_damaged_no_more);
	RUN(one_of_an_earlier_format_is_given_checks_and_a_sum);
	RUN(many_of_an_earlier_format_are_given_checks);
	RUN(damage_of_an_earlier_format_is_not_hidden_by_that);
	RUN(one_of_an_earlier_format_is_read_beside_who_writes_it);
	fixture_clear(&home);
	return tap_done();
}
