/* Values and topologies have no check of their own: their sum finds what the disk has changed. */
#include <lmdb.h>

#include "node/store/log.h"
#include "tests/node/store_fixture.h"

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

static void format_two(MDB_txn *txn, void *arg)
{
	uint8_t two[] = {0, 0, 0, 2};
	MDB_val key = {6, "format"}, value = {sizeof two, two};

	(void)arg;
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

static void one_of_an_earlier_format_is_given_a_sum(void)
{
	struct row sum = {"meta", "sum", NULL};
	struct row other = {"value", "floor", "9999"};
	char words[256];

	log_close(log_with_values());
	tamper(del, &sum);
	tamper(format_two, NULL);
	is_int(checked(words, sizeof words), ERR_OK, "it is taken on: %s", words);
	tamper(put, &other);
	is_int(checked(words, sizeof words), ERR_DAMAGED, "and checked from then on: %s", words);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_is_written_agrees_with_its_sum);
	RUN(what_the_disk_has_changed_is_found);
	RUN(every_bit_of_a_topology_with_its_signatures_counts);
	RUN(one_of_an_earlier_format_is_given_a_sum);
	fixture_clear(&home);
	return tap_done();
}
