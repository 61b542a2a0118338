#include "node/store/backup.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "tests/node/index_fixture.h"

enum { NOW_SECONDS = 1763762400 };
#define NOW (NOW_SECONDS * UINT64_C(1000) + 5)

static struct fixture home;
static const struct store_id fresh_id = {{0xaa, 0xbb}};

static void append_some(struct log *log, uint64_t from, uint64_t to)
{
	need(log_begin(log) == ERR_OK);
	for (uint64_t i = from; i <= to; i++) {
		struct sample s;
		sample_make(&s, i, 100 + i % 300);
		need(sample_append(log, &s) == i);
		sample_clear(&s);
	}
	need(log_commit(log) == ERR_OK);
}

/* A log of 50 messages, a fact, two values and a topology, and nothing else in the home. */
static struct log *fresh_log(void)
{
	static const char text[] = "a topology";
	static const char *const dirs[] = {"log", "index", "backup", "log.restoring"};
	struct hash hash = hash_of(text, sizeof text - 1);
	uint64_t lsn;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		remove_tree(path_in(&home, dirs[i]));
	struct log *log = open_log(&home);
	append_some(log, 1, 50);
	need(log_begin(log) == ERR_OK);
	need(log_append_fact(log, FACT_MUTE, 1, "x", 1, &lsn) == ERR_OK);
	need(log_put(log, "cursor/kp", "1", 1) == ERR_OK);
	need(log_put(log, "cursor/sindh", "2", 1) == ERR_OK);
	need(log_put(log, "cursos", "3", 1) == ERR_OK);
	need(log_put(log, "floor", "4", 1) == ERR_OK);
	need(log_put_topology(log, 1, &hash, text, sizeof text - 1) == ERR_OK);
	need(log_commit(log) == ERR_OK);
	return log;
}

static bool holds_samples(struct log *log, uint64_t last)
{
	struct log_reader *reader;
	bool good = true;
	need(log_reader_open(&reader, log) == ERR_OK);
	for (uint64_t i = 1; i <= last; i++) {
		struct sample s;
		struct log_row row;
		uint8_t *body = NULL;
		size_t n = 0;
		sample_make(&s, i, 100 + i % 300);
		good = good && log_read(reader, i, &row) == ERR_OK && row.length == s.length &&
		       memcmp(row.data, s.row, s.length) == 0 &&
		       log_read_body(reader, &row, &body, &n) == ERR_OK && n == s.body_length &&
		       memcmp(body, s.body, n) == 0;
		free(body);
		sample_clear(&s);
	}
	log_reader_close(reader);
	return good;
}

static enum err restore(struct backup *b, struct report *report)
{
	return backup_restore(home.home, path_in(&home, "backup"), home.identity, &fresh_id, b,
			      report);
}

static void a_backup_of_a_log_in_use_restores_whole_under_a_new_id(void)
{
	struct log *log = fresh_log();
	struct backup b;
	struct log_reader *reader;
	char value[8];
	size_t n;
	need(log_begin(log) == ERR_OK); /* in use: a transaction is open */
	is_int(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, NULL), ERR_OK,
	       "made");
	ok(b.head == 51 && memcmp(&b.store, &home.store, sizeof b.store) == 0 && b.bytes > 0,
	   "of the log as it was");
	log_abort(log);
	append_some(log, 52, 60);
	log_close(log);
	b = (struct backup){0};
	is_int(restore(&b, NULL), ERR_EXISTS, "never over a log");
	remove_tree(path_in(&home, "log"));
	is_int(restore(&b, NULL), ERR_OK, "restored");
	ok(b.made == NOW && b.head == 51, "it says from when");
	log = open_log(&home);
	is_int(log_head(log), 51, "up to where the backup went");
	ok(holds_samples(log, 50), "every message, byte for byte");
	struct store_id id = log_store_id(log);
	ok(memcmp(&id, &fresh_id, sizeof id) == 0, "a new store id");
	need(log_reader_open(&reader, log) == ERR_OK);
	ok(log_get(reader, "cursor/kp", value, 8, &n) == ERR_NOT_FOUND &&
		   log_get(reader, "cursor/sindh", value, 8, &n) == ERR_NOT_FOUND,
	   "no cursors");
	ok(log_get(reader, "floor", value, 8, &n) == ERR_OK && value[0] == '4' &&
		   log_get(reader, "cursos", value, 8, &n) == ERR_OK && value[0] == '3',
	   "every other value");
	log_reader_close(reader);
	is_int(log_check(log, NULL), ERR_OK, "the check agrees");
	log_close(log);
	ok(access(path_in(&home, "log.restoring"), F_OK) != 0, "nothing is left over");
}

static void a_backup_never_overwrites(void)
{
	struct log *log = fresh_log();
	struct backup b;
	struct report report;
	need(mkdir(path_in(&home, "backup"), 0700) == 0);
	is_int(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, NULL), ERR_OK,
	       "an empty directory will do");
	report_init(&report);
	is_int(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, &report),
	       ERR_EXISTS, "a backup will not");
	ok(strstr(report_first(&report), "never overwrites"), "%s", report_first(&report));
	report_clear(&report);
	is_int(backup_read(path_in(&home, "backup"), home.identity, &b, NULL), ERR_OK,
	       "and it is as it was");
	log_close(log);
}

static void another_process_can_make_one(void)
{
	/* Static, so that the child, which has it too, has not lost it. */
	static struct log *log;
	struct backup b;
	log = fresh_log();
	pid_t child = fork();
	need(child >= 0);
	if (child == 0) {
		struct log *view;
		struct log_options options = {.read_only = true};
		bool good = log_open(&view, path_in(&home, "log"), &options, home.identity, NULL,
				     NULL) == ERR_OK &&
			    backup_make(view, home.identity, path_in(&home, "backup"), NOW, &b,
					NULL) == ERR_OK;
		log_close(view);
		_exit(good ? 0 : 1);
	}
	/* Meanwhile the log goes on. */
	uint64_t at = 52;
	int status = 0;
	for (; waitpid(child, &status, WNOHANG) == 0; at += 10)
		append_some(log, at, at + 9);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "made beside the writer");
	log_close(log);
	remove_tree(path_in(&home, "log"));
	is_int(restore(&b, NULL), ERR_OK, "restored");
	log = open_log(&home);
	ok(log_head(log) >= 51 && log_head(log) == b.head && holds_samples(log, 50),
	   "a state that the log had: %" PRIu64, b.head);
	is_int(log_check(log, NULL), ERR_OK, "the check agrees");
	log_close(log);
}

static void flip(const char *path, off_t at)
{
	uint8_t byte;
	int fd = open(path, O_RDWR);
	need(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte ^= 0x10;
	need(pwrite(fd, &byte, 1, at) == 1);
	close(fd);
}

static void any_changed_byte_of_a_backup_is_refused(void)
{
	struct log *log = fresh_log();
	struct backup b;
	struct stat st;
	unsigned refused = 0, tries = 0;
	need(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, NULL) == ERR_OK);
	log_close(log);
	remove_tree(path_in(&home, "log"));
	const char *manifest = path_in(&home, "backup/manifest");
	need(stat(manifest, &st) == 0);
	for (off_t at = 0; at < st.st_size; at++, tries++) {
		flip(path_in(&home, "backup/manifest"), at);
		refused += restore(&b, NULL) != ERR_OK;
		flip(path_in(&home, "backup/manifest"), at);
	}
	is_int(refused, tries, "every byte of the manifest");
	need(stat(path_in(&home, "backup/data.mdb"), &st) == 0);
	for (off_t at = refused = tries = 0; at < st.st_size; at += 997, tries++) {
		flip(path_in(&home, "backup/data.mdb"), at);
		refused += restore(&b, NULL) == ERR_DAMAGED;
		flip(path_in(&home, "backup/data.mdb"), at);
	}
	is_int(refused, tries, "bytes all over the copy");
	need(truncate(path_in(&home, "backup/data.mdb"), st.st_size - 4096) == 0);
	is_int(restore(&b, NULL), ERR_DAMAGED, "a copy cut short");
	need(unlink(path_in(&home, "backup/manifest")) == 0);
	is_int(restore(&b, NULL), ERR_NOT_FOUND, "a backup that was not finished");
	ok(access(path_in(&home, "log"), F_OK) != 0, "and no log came of any");
}

static void a_backup_of_another_key_file_is_refused_in_words(void)
{
	struct fixture other;
	struct log *log = fresh_log();
	struct backup b;
	struct report report;
	need(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, NULL) == ERR_OK);
	log_close(log);
	fixture_init(&other);
	report_init(&report);
	is_int(backup_restore(other.home, path_in(&home, "backup"), other.identity, &fresh_id, &b,
			      &report),
	       ERR_DAMAGED, "refused");
	ok(strstr(report_first(&report), "another key file"), "%s", report_first(&report));
	report_clear(&report);
	fixture_clear(&other);
}

static void a_restore_that_was_interrupted_can_be_run_again(void)
{
	struct log *log = fresh_log();
	struct backup b;
	need(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, NULL) == ERR_OK);
	log_close(log);
	need(rename(path_in(&home, "log"), path_in(&home, "log.restoring")) == 0);
	is_int(restore(&b, NULL), ERR_OK, "over what it had left");
	log = open_log(&home);
	ok(holds_samples(log, 50), "whole");
	log_close(log);
}

/* Changes the first place in the log's file where the bytes stand. */
static void spoil(const void *what, size_t n)
{
	const char *path = path_in(&home, "log/data.mdb");
	int fd = open(path, O_RDWR);
	struct stat st;
	need(fd >= 0 && fstat(fd, &st) == 0);
	uint8_t *all = malloc((size_t)st.st_size);
	need(all && pread(fd, all, (size_t)st.st_size, 0) == st.st_size);
	uint8_t *hit = memmem(all, (size_t)st.st_size, what, n);
	need(hit);
	flip(path, hit - all + 3);
	free(all);
	close(fd);
}

static void the_store_check_names_damage_by_position(void)
{
	struct log *log = fresh_log();
	struct report report;
	struct sample row, body;
	uint8_t box[100 + 23 + STORE_BOX_EXTRA];
	sample_make(&row, 17, 100 + 17);
	sample_make(&body, 23, 100 + 23);
	identity_store_box(home.identity, &body.id, box, body.body, body.body_length);
	log_close(log);
	report_init(&report);
	is_int(backup_check_store(home.home, home.identity, &report), ERR_OK, "a whole store");
	is_int(report.total, 0, "nothing to say");
	spoil(row.row + 80, 64);
	spoil(box, 64);
	spoil("a topology", 10);
	is_int(backup_check_store(home.home, home.identity, &report), ERR_DAMAGED, "a damaged one");
	bool at_17 = false, at_23 = false, topology = false;
	for (size_t i = 0; i < report.count; i++) {
		printf("# %s\n", report.lines[i]);
		at_17 = at_17 || strstr(report.lines[i], "position 17: the row");
		at_23 = at_23 || strstr(report.lines[i], "position 23: the body");
		topology = topology || strstr(report.lines[i], "topology version 1");
	}
	ok(at_17 && at_23 && topology, "each place is named");
	is_int(report.total, 3, "and no other");
	report_clear(&report);
	sample_clear(&row);
	sample_clear(&body);
}

static void what_was_damaged_before_its_backup_is_restored_as_it_is(void)
{
	struct report report;
	struct backup b;
	struct sample s;
	struct log *log = fresh_log();
	sample_make(&s, 17, 100 + 17);
	log_close(log);
	spoil(s.row + 80, 64);
	log = open_log(&home);
	need(backup_make(log, home.identity, path_in(&home, "backup"), NOW, &b, NULL) == ERR_OK);
	log_close(log);
	remove_tree(path_in(&home, "log"));
	report_init(&report);
	is_int(restore(&b, &report), ERR_OK, "the rest is worth having");
	ok(strstr(report_first(&report), "position 17"), "%s", report_first(&report));
	report_clear(&report);
	sample_clear(&s);
}

static void a_running_node_keeps_check_and_reindex_away(void)
{
	struct log *log = fresh_log();
	struct report report;
	report_init(&report);
	is_int(backup_check_store(home.home, home.identity, &report), ERR_BUSY, "check");
	is_int(backup_reindex(home.home, home.identity, &report), ERR_BUSY, "reindex");
	ok(strstr(report_first(&report), "in use"), "%s", report_first(&report));
	report_clear(&report);
	log_close(log);
}

static void reindex_makes_a_new_index(void)
{
	struct log *log = fresh_log();
	struct pair p;
	log_close(log);
	need(mkdir(path_in(&home, "index"), 0700) == 0);
	FILE *f = fopen(path_in(&home, "index/data.mdb"), "w");
	need(f);
	for (int i = 0; i < 20000; i++)
		fputc(i, f);
	fclose(f);
	is_int(backup_reindex(home.home, home.identity, NULL), ERR_OK, "over rubbish");
	pair_open(&p, &home);
	is_int(index_unfolded(p.index), 0, "everything is folded");
	is_int(index_check(p.index, NULL), ERR_OK, "and equal to the log");
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(a_backup_of_a_log_in_use_restores_whole_under_a_new_id);
	RUN(a_backup_never_overwrites);
	RUN(another_process_can_make_one);
	RUN(any_changed_byte_of_a_backup_is_refused);
	RUN(a_backup_of_another_key_file_is_refused_in_words);
	RUN(a_restore_that_was_interrupted_can_be_run_again);
	RUN(the_store_check_names_damage_by_position);
	RUN(what_was_damaged_before_its_backup_is_restored_as_it_is);
	RUN(a_running_node_keeps_check_and_reindex_away);
	RUN(reindex_makes_a_new_index);
	fixture_clear(&home);
	return tap_done();
}
