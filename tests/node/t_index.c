#include "node/store/index.h"

#include <lmdb.h>
#include <pthread.h>
#include <time.h>

#include "node/store/index_parts.h" /* INDEX_FORMAT */
#include "tests/node/index_fixture.h"

static struct fixture home;

static bool finds_all(struct pair *p, uint64_t last)
{
	for (uint64_t i = 1; i <= last; i++) {
		struct message_id id = id_of_seed(i);
		uint64_t lsn = 0;
		if (index_find(p->reader, &id, &lsn) != ERR_OK || lsn != i)
			return false;
	}
	return true;
}

static void a_message_is_found_at_once_after_a_fold_and_after_reopening(void)
{
	struct pair p;
	uint64_t lsn;
	pair_fresh(&p, &home);
	struct message_id id = id_of_seed(1);
	is_int(index_find(p.reader, &id, &lsn), ERR_NOT_FOUND, "nothing in an empty index");
	for (uint64_t i = 1; i <= 100; i++)
		plain(&p, i);
	ok(finds_all(&p, 100), "the tail answers before any fold");
	is_int(index_unfolded(p.index), 100, "100 unfolded");
	bool more;
	need(index_fold(p.index, &more) == ERR_OK);
	is_int(index_unfolded(p.index), 0, "none after a fold");
	ok(!more, "which took all");
	ok(finds_all(&p, 100), "a reader from before the fold finds what left the tail");
	for (uint64_t i = 101; i <= 130; i++)
		plain(&p, i);
	pair_reopen(&p, &home);
	is_int(index_unfolded(p.index), 30, "what was not folded is unfolded again");
	ok(finds_all(&p, 130), "and found");
	id = id_of_seed(131);
	is_int(index_find(p.reader, &id, &lsn), ERR_NOT_FOUND, "a stranger is not");
	pair_close(&p);
}

static void a_prefix_is_unique_or_says_that_it_is_not(void)
{
	struct pair p;
	struct message_id id, found;
	uint64_t lsn;
	unsigned count;
	char hex[65];
	pair_fresh(&p, &home);
	for (uint64_t i = 1; i <= 40; i++) {
		plain(&p, i);
		if (i == 20)
			fold_all(&p);
	}
	bool good = true;
	for (uint64_t i = 1; i <= 40; i++) {
		id = id_of_seed(i);
		for (size_t digits = 12; digits <= 64; digits += 13) {
			hex_encode(hex, id.b, sizeof id.b);
			hex[digits] = 0;
			good = good &&
			       index_find_prefix(p.reader, hex, &lsn, &found, &count) == ERR_OK &&
			       count == 1 && lsn == i && message_id_equal(&found, &id);
		}
	}
	ok(good, "odd and even numbers of digits, folded or not");
	unsigned most = 0;
	for (const char *digit = "0123456789abcdef"; *digit; digit++) {
		char one[2] = {*digit, 0};
		need(index_find_prefix(p.reader, one, &lsn, &found, &count) == ERR_OK);
		most = count > most ? count : most;
	}
	is_int(most, 2, "one digit of 40 ids is not unique");
	is_int(index_find_prefix(p.reader, "xyz", &lsn, &found, &count), ERR_FORMAT, "not hex");
	is_int(index_find_prefix(p.reader, "", &lsn, &found, &count), ERR_FORMAT, "nothing");
	hex_encode(hex, id.b, sizeof id.b);
	hex[0] = hex[0] == '0' ? '1' : '0';
	need(index_find_prefix(p.reader, hex, &lsn, &found, &count) == ERR_OK);
	is_int(count, 0, "a stranger's id");
	pair_close(&p);
}

static void of_two_rows_with_one_id_the_first_counts(void)
{
	struct pair p;
	uint64_t lsn = 0;
	struct index_counts counts;
	pair_fresh(&p, &home);
	struct message_id id = plain(&p, 1);
	plain(&p, 2);
	plain(&p, 1);
	need(index_find(p.reader, &id, &lsn) == ERR_OK);
	is_int(lsn, 1, "in the tail");
	fold_all(&p);
	need(index_find(p.reader, &id, &lsn) == ERR_OK);
	is_int(lsn, 1, "in the table");
	need(index_count(p.reader, &counts) == ERR_OK);
	is_int(counts.messages, 2, "and it is counted once");
	is_int(index_unfolded(p.index), 0, "nothing is left over");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	pair_close(&p);
}

static void answers_are_listed_in_order_of_arrival(void)
{
	struct pair p;
	struct sample s;
	uint64_t at = 0, lsn = 0;
	pair_fresh(&p, &home);
	struct message_id id = plain(&p, 1), other = plain(&p, 2);
	for (uint64_t i = 0; i < 5; i++) {
		sample_make(&s, 10 + i, 10);
		struct header *h = sample_header(10 + i);
		h->kind = KIND_RECALL;
		h->ref = i == 2 ? other : id;
		sample_finish(&s, h);
		commit_sample(&p, &s, VERDICT_ACCEPTED);
		sample_clear(&s);
		fold_all(&p);
	}
	static const uint64_t want[] = {3, 4, 6, 7};
	bool good = true;
	for (size_t i = 0; i < 4; i++)
		good = good && index_answers(p.reader, &id, &at, &lsn) == ERR_OK && lsn == want[i];
	ok(good, "four answers");
	is_int(index_answers(p.reader, &id, &at, &lsn), ERR_NOT_FOUND, "and no fifth");
	at = 0;
	ok(index_answers(p.reader, &other, &at, &lsn) == ERR_OK && lsn == 5, "one of the other");
	is_int(index_answers(p.reader, &other, &at, &lsn), ERR_NOT_FOUND, "and no second");
	pair_close(&p);
}

/* Posts of every sort, as a function of i. */
static void post_some(struct pair *p, unsigned i)
{
	char pattern[128], both[8192];
	snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '10.%u.0.0/%u']", i % 7, 16 + i % 9);
	snprintf(both, sizeof both, "%s,%s", indicator(i % 11, 1 + i % 28, pattern, ""),
		 indicator(100 + i, 1, "[domain-name:value = 'x.example']",
			   i % 5 ? "" : ",\"revoked\":true"));
	post(p, 1 + i % 3, i % 2 ? "{}" : "{\"use\":\"block\"}", both);
	if (i % 6 == 0)
		plain(p, 100000 + i);
}

static void a_rebuilt_index_is_equal_however_it_was_folded(void)
{
	struct pair p;
	struct report report;
	struct index_counts before, after;
	fixture_seed = 1000;
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < 120; i++) {
		post_some(&p, i);
		if (i % 10 == 3 || i % 17 == 5)
			fold_all(&p);
		if (i == 60)
			pair_reopen(&p, &home);
	}
	fold_all(&p);
	report_init(&report);
	is_int(index_check(p.index, &report), ERR_OK, "equal to one folded at once: %s",
	       report_first(&report));
	report_clear(&report);
	need(index_count(p.reader, &before) == ERR_OK);
	is_int(index_rebuild(p.index), ERR_OK, "rebuilt in place");
	need(index_reader_renew(p.reader) == ERR_OK);
	need(index_count(p.reader, &after) == ERR_OK);
	ok(before.objects == after.objects && before.messages == after.messages &&
		   before.held == after.held && before.objects > 100,
	   "the counts are the same: %" PRIu64 " objects", after.objects);
	is_int(index_check(p.index, NULL), ERR_OK, "and every row");
	pair_close(&p);
	remove_tree(path_in(&home, "index"));
	pair_open(&p, &home);
	is_int(index_unfolded(p.index), 140, "an index that was lost starts again");
	fold_all(&p);
	is_int(index_check(p.index, NULL), ERR_OK, "and ends equal");
	pair_close(&p);
}

/* Changes one row of a table of the closed index. */
static void meddle(const char *table, const void *k, size_t key, const void *v, size_t value)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val mk = {key, (void *)(uintptr_t)k}, mv = {value, (void *)(uintptr_t)v};
	need(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 16) == 0);
	need(mdb_env_set_mapsize(env, (size_t)64 << 20) == 0);
	need(mdb_env_open(env, path_in(&home, "index"), 0, 0600) == 0);
	need(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, table, 0, &dbi) == 0);
	need(mdb_put(txn, dbi, &mk, &mv, 0) == 0 && mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
}

static void the_check_names_what_differs(void)
{
	struct pair p;
	struct report report;
	uint8_t zeros[42] = {0};
	pair_fresh(&p, &home);
	post_some(&p, 1);
	fold_all(&p);
	pair_close(&p);
	meddle("ref", zeros, 40, "", 0);
	pair_open(&p, &home);
	report_init(&report);
	is_int(index_check(p.index, &report), ERR_DAMAGED, "a row too many");
	ok(report.count == 1 && strstr(report_first(&report), "table ref"), "%s",
	   report_first(&report));
	report_clear(&report);
	is_int(index_rebuild(p.index), ERR_OK, "a rebuild");
	is_int(index_check(p.index, NULL), ERR_OK, "mends it");
	pair_close(&p);
}

static void a_later_format_is_refused_and_another_log_means_a_new_index(void)
{
	struct pair p;
	struct report report;
	uint8_t later[4] = {0, 0, 0, INDEX_FORMAT + 1}, stranger[16] = {9};
	pair_fresh(&p, &home);
	post_some(&p, 1);
	fold_all(&p);
	pair_close(&p);
	meddle("meta", "format", 6, later, 4);
	p.log = open_log(&home);
	report_init(&report);
	is_int(index_open(&p.index, path_in(&home, "index"), p.log, home.identity, &report),
	       ERR_TOO_NEW, "a later format");
	ok(strstr(report_first(&report), "later khabardar"), "%s", report_first(&report));
	report_clear(&report);
	log_close(p.log);
	later[3] = INDEX_FORMAT;
	meddle("meta", "format", 6, later, 4);
	meddle("meta", "log", 3, stranger, 16);
	pair_open(&p, &home);
	is_int(index_unfolded(p.index), 1, "an index of another log starts again");
	fold_all(&p);
	is_int(index_check(p.index, NULL), ERR_OK, "and follows this one");
	pair_close(&p);
}

static void a_damaged_file_is_replaced(void)
{
	struct pair p;
	struct report report;
	pair_fresh(&p, &home);
	post_some(&p, 1);
	pair_close(&p);
	FILE *f = fopen(path_in(&home, "index/data.mdb"), "r+");
	need(f);
	for (int i = 0; i < 8192; i++)
		fputc(0x55, f);
	fclose(f);
	p.log = open_log(&home);
	report_init(&report);
	is_int(index_open(&p.index, path_in(&home, "index"), p.log, home.identity, &report), ERR_OK,
	       "opened all the same");
	is_int(index_unfolded(p.index), 1, "to be folded again");
	bool said = false;
	for (size_t i = 0; i < report.count; i++)
		said = said || strstr(report.lines[i], "built again");
	ok(said, "and it says so");
	report_clear(&report);
	index_close(p.index);
	log_close(p.log);
}

static void a_second_opener_is_refused(void)
{
	struct pair p;
	struct index *other;
	pair_fresh(&p, &home);
	is_int(index_open(&other, path_in(&home, "index"), p.log, home.identity, NULL), ERR_BUSY,
	       "busy");
	pair_close(&p);
}

static void *fold_for_ever(void *arg)
{
	struct pair *p = arg;
	bool more;
	while (log_head(p->log) < 3000)
		if (index_fold(p->index, &more) != ERR_OK)
			return arg;
	return NULL;
}

static void a_message_is_found_at_every_moment_of_a_fold(void)
{
	struct pair p;
	pthread_t folder;
	void *failed;
	unsigned missed = 0;
	pair_fresh(&p, &home);
	need(pthread_create(&folder, NULL, fold_for_ever, &p) == 0);
	for (uint64_t i = 1; i <= 3000; i += 10) {
		struct sample s;
		uint64_t lsn = 0;
		need(log_begin(p.log) == ERR_OK);
		for (uint64_t n = i; n < i + 10; n++) {
			sample_make(&s, n, 20);
			need(sample_append(p.log, &s) == n);
			sample_clear(&s);
		}
		need(log_commit(p.log) == ERR_OK);
		for (uint64_t n = i; n < i + 10; n++) {
			struct message_id id = id_of_seed(n);
			need(index_note(p.index, &id, n) == ERR_OK);
		}
		for (uint64_t n = i + 9; n > 0 && n + 40 > i; n--) {
			struct message_id id = id_of_seed(n);
			missed += index_find(p.reader, &id, &lsn) != ERR_OK || lsn != n;
		}
	}
	need(pthread_join(folder, &failed) == 0);
	ok(!failed, "the folder met no error");
	is_int(missed, 0, "no look-up missed");
	pair_close(&p);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Small messages by the ten thousand; a batch ends at its limits and the next goes on. */
static void folds_of_many_messages_come_in_bounded_batches(void)
{
	enum { MANY = 60000 };
	struct pair p;
	struct sample s;
	uint64_t lsn = 0;
	unsigned batches = 0;
	bool more = true;
	pair_fresh(&p, &home);
	index_reader_pause(p.reader);
	sample_make(&s, 1, 30);
	for (uint64_t i = 0; i < MANY; i++) {
		if (i % 1000 == 0)
			need(log_begin(p.log) == ERR_OK);
		struct log_row row = {
			.data = s.row, .length = s.length, .verdict = VERDICT_HEADER_ONLY};
		sample_finish(&s, sample_header(i));
		need(log_append(p.log, &row, &s.id, NULL, 0, &lsn) == ERR_OK);
		need(index_note(p.index, &s.id, lsn) == ERR_OK);
		if (i % 1000 == 999)
			need(log_commit(p.log) == ERR_OK);
	}
	double start = seconds();
	for (; more; batches++)
		need(index_fold(p.index, &more) == ERR_OK);
	printf("# folded %.0f messages/s\n", MANY / (seconds() - start));
	ok(batches >= MANY / FOLD_MESSAGES_MAX, "%u batches", batches);
	need(index_reader_renew(p.reader) == ERR_OK);
	start = seconds();
	unsigned found = 0;
	for (uint64_t i = 0; i < MANY; i++) {
		sample_finish(&s, sample_header(i));
		found += index_find(p.reader, &s.id, &lsn) == ERR_OK && lsn == i + 1;
	}
	printf("# looked up %.0f ids/s\n", MANY / (seconds() - start));
	is_int(found, MANY, "all found");
	sample_clear(&s);
	pair_close(&p);
	remove_tree(path_in(&home, "index"));
	pair_open(&p, &home);
	is_int(index_unfolded(p.index), MANY, "at open the headers are brought up to the log");
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(a_message_is_found_at_once_after_a_fold_and_after_reopening);
	RUN(a_prefix_is_unique_or_says_that_it_is_not);
	RUN(of_two_rows_with_one_id_the_first_counts);
	RUN(answers_are_listed_in_order_of_arrival);
	RUN(a_rebuilt_index_is_equal_however_it_was_folded);
	RUN(the_check_names_what_differs);
	RUN(a_later_format_is_refused_and_another_log_means_a_new_index);
	RUN(a_damaged_file_is_replaced);
	RUN(a_second_opener_is_refused);
	RUN(a_message_is_found_at_every_moment_of_a_fold);
	RUN(folds_of_many_messages_come_in_bounded_batches);
	fixture_clear(&home);
	return tap_done();
}
