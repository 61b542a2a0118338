/* What the disk does to a store, and LMDB would die of. */
#include "node/store/log.h"
#include "node/store/store.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "tests/node/store_fixture.h"

static struct fixture home;

static struct log *fresh_log(void)
{
	remove_tree(path_in(&home, "log"));
	return open_log(&home);
}

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

static bool row_is_sample(struct log_reader *reader, uint64_t lsn)
{
	struct sample s;
	struct log_row row;
	uint8_t *body = NULL;
	size_t n = 0;
	sample_make(&s, lsn, 100 + lsn % 300);
	bool same = log_read(reader, lsn, &row) == ERR_OK && row.kind == LOG_MESSAGE &&
		    row.lsn == lsn && row.has_body && message_id_equal(&row.id, &s.id) &&
		    row.length == s.length && memcmp(row.data, s.row, s.length) == 0 &&
		    row.arrived == 1700000000123 && row.from.b[0] == 9 &&
		    row.verdict == VERDICT_ACCEPTED &&
		    log_read_body(reader, &row, &body, &n) == ERR_OK && n == s.body_length &&
		    memcmp(body, s.body, n) == 0;
	free(body);
	sample_clear(&s);
	return same;
}

/* Changes one of the n bytes in the first place of the file where they stand; false when nowhere.
 */
static bool spoil(const char *path, const void *what, size_t n, size_t one)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	need(fd >= 0 && fstat(fd, &st) == 0);
	uint8_t *all = malloc((size_t)st.st_size);
	need(all && pread(fd, all, (size_t)st.st_size, 0) == st.st_size);
	uint8_t *hit = memmem(all, (size_t)st.st_size, what, n);
	if (hit) {
		hit[one] ^= 1;
		need(pwrite(fd, hit + one, 1, hit + one - all) == 1);
	}
	free(all);
	close(fd);
	return hit != NULL;
}

static void a_changed_byte_is_noticed_and_its_neighbours_read(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct log_row row;
	struct sample s;
	append_some(log, 1, 40);
	log_close(log);
	sample_make(&s, 17, 100 + 17);
	ok(spoil(path_in(&home, "log/data.mdb"), s.row + 88, 32, 0), "a header is changed on disk");
	ok(!spoil(path_in(&home, "log/data.mdb"), s.body, 32, 0), "no body stands there in clear");
	log = open_log(&home);
	need(log_reader_open(&reader, log) == ERR_OK);
	is_int(log_read(reader, 17, &row), ERR_DAMAGED, "its row is damaged");
	ok(row_is_sample(reader, 16) && row_is_sample(reader, 18), "its neighbours read");
	log_reader_close(reader);
	sample_clear(&s);
	log_close(log);
}

/* How often the body at lsn can be read though one byte of its box has changed. */
static unsigned wrong_bodies(const struct sample *s, uint64_t lsn)
{
	size_t n = s->body_length + STORE_BOX_EXTRA;
	uint8_t *box = malloc(n), *body = malloc(n);
	const struct log_row row = {.lsn = lsn, .id = s->id};
	unsigned wrong = 0;
	need(box && body);
	identity_store_box(home.identity, &s->id, box, s->body, s->body_length);
	for (size_t i = n - 1; i < n; i -= 5) {
		struct log_reader *reader;
		need(spoil(path_in(&home, "log/data.mdb"), box, n, i));
		struct log *log = open_log(&home);
		need(log_reader_open(&reader, log) == ERR_OK);
		wrong += log_read_body_to(reader, &row, body, s->body_length) != ERR_DAMAGED;
		log_reader_close(reader);
		log_close(log);
		box[i] ^= 1;
		need(spoil(path_in(&home, "log/data.mdb"), box, n, i));
		box[i] ^= 1;
	}
	free(box);
	free(body);
	return wrong;
}

static void a_body_is_what_was_appended_or_damaged(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	struct sample s;
	uint8_t body[64];
	append_some(log, 1, 3);
	log_close(log);
	sample_make(&s, 2, 100 + 2);
	is_int(wrong_bodies(&s, 2), 0, "no byte of its box can be another");
	log = open_log(&home);
	need(log_reader_open(&reader, log) == ERR_OK);
	struct log_row row = {.lsn = 2, .id = s.id};
	uint8_t *whole = malloc(s.body_length);
	need(whole);
	is_int(log_read_body_to(reader, &row, whole, s.body_length), ERR_OK, "it reads");
	ok(memcmp(whole, s.body, s.body_length) == 0, "and is what was appended");
	is_int(log_read_body_to(reader, &row, body, sizeof body), ERR_DAMAGED, "of its length");
	row.lsn = 3;
	is_int(log_read_body_to(reader, &row, whole, s.body_length), ERR_DAMAGED,
	       "another's is not its own");
	row.lsn = 9;
	is_int(log_read_body_to(reader, &row, whole, s.body_length), ERR_NOT_FOUND, "none");
	free(whole);
	log_reader_close(reader);
	log_close(log);
	sample_clear(&s);
}

static void a_file_cut_short_is_an_error_and_no_crash(void)
{
	struct stat st;
	struct log *log = fresh_log();
	append_some(log, 1, 2000);
	log_close(log);
	need(stat(path_in(&home, "log/data.mdb"), &st) == 0);
	int bad = 0, quiet = 0;
	for (off_t cut = st.st_size - 4096; cut > 0; cut -= st.st_size / 12) {
		need(truncate(path_in(&home, "log/data.mdb"), cut) == 0);
		struct log_options options = {0};
		enum err e =
			log_open(&log, path_in(&home, "log"), &options, home.identity, NULL, NULL);
		if (!e) {
			struct log_reader *reader;
			struct log_row row;
			need(log_reader_open(&reader, log) == ERR_OK);
			for (uint64_t i = 1; i <= 2000; i++)
				bad += log_read(reader, i, &row) != ERR_OK;
			log_reader_close(reader);
			log_close(log);
		} else {
			quiet += e == ERR_IO;
			bad++;
		}
	}
	ok(bad > 0, "missing pages are errors: %d", bad);
	is_int(quiet, 0, "none of them unnamed");
}

/* Spoils page after page in every way that mode knows and opens the log in another process; returns
 * how often that died of it. */
static unsigned deaths_of_damage(const uint8_t *good, size_t size, int mode, unsigned *noticed)
{
	unsigned deaths = 0;
	int fd = open(path_in(&home, "log/data.mdb"), O_RDWR);
	need(fd >= 0);
	for (size_t at = 0; at < size; at += 4096) {
		uint8_t page[4096];
		int status;
		memcpy(page, good + at, sizeof page);
		if (mode == 0)
			randombytes_buf(page, sizeof page);
		else if (mode == 1)
			memset(page, 0, sizeof page);
		else
			page[randombytes_uniform(64)] ^= (uint8_t)(1 << randombytes_uniform(8));
		need(pwrite(fd, page, sizeof page, (off_t)at) == sizeof page);
		pid_t child = fork();
		need(child >= 0);
		if (child == 0) {
			struct log *log;
			struct log_options options = {0};
			enum err e = log_open(&log, path_in(&home, "log"), &options, home.identity,
					      NULL, NULL);
			_exit(e || log_check(log, NULL) ? 1 : 0);
		}
		need(waitpid(child, &status, 0) == child);
		deaths += !WIFEXITED(status);
		*noticed += WIFEXITED(status) && WEXITSTATUS(status) == 1;
		need(pwrite(fd, good + at, 4096, (off_t)at) == 4096);
	}
	close(fd);
	return deaths;
}

static void a_damaged_page_is_an_error_and_no_crash(void)
{
	static const char *const how[] = {"random bytes", "zeros", "a bit flipped"};
	struct stat st;
	struct log *log = fresh_log();
	for (uint64_t i = 0; i < 5; i++)
		append_some(log, i * 40 + 1, i * 40 + 40);
	log_close(log);
	need(stat(path_in(&home, "log/data.mdb"), &st) == 0);
	FILE *f = fopen(path_in(&home, "log/data.mdb"), "r");
	uint8_t *good = malloc((size_t)st.st_size);
	need(f && good && fread(good, (size_t)st.st_size, 1, f) == 1);
	fclose(f);
	for (int mode = 0; mode < 3; mode++) {
		unsigned noticed = 0;
		is_int(deaths_of_damage(good, (size_t)st.st_size, mode, &noticed), 0,
		       "no page with %s ends the program", how[mode]);
		ok(noticed > 10, "and most are noticed: %u of %u", noticed,
		   (unsigned)(st.st_size / 4096));
	}
	free(good);
}

/* LMDB has many states that are seldom seen: large values, lists of free pages that are large
 * values themselves, tables that shrink. */
static void a_sound_store_is_never_called_damaged(void)
{
	struct log *log = fresh_log();
	struct report report;
	struct sample s;
	uint64_t lsn = 0;
	unsigned verified = 0;
	enum { COMMITS = 400 };
	report_init(&report);
	for (unsigned i = 1; i <= COMMITS; i++) {
		need(log_begin(log) == ERR_OK);
		for (unsigned n = randombytes_uniform(12); n > 0; n--) {
			sample_make(&s, lsn + 1, randombytes_uniform(n == 1 ? 200000 : 4000));
			lsn = sample_append(log, &s);
			sample_clear(&s);
		}
		for (unsigned n = i % 50 == 49 ? 2000 : randombytes_uniform(5); n > 0 && lsn; n--)
			log_remove_body(log, 1 + randombytes_uniform((uint32_t)lsn));
		char key[16];
		snprintf(key, sizeof key, "key-%u", randombytes_uniform(300));
		need(log_put(log, key, home.home, randombytes_uniform(200)) == ERR_OK);
		if (i % 7 == 0)
			log_abort(log);
		else
			need(log_commit(log) == ERR_OK);
		lsn = log_head(log);
		verified += store_verify(path_in(&home, "log"), &report) == ERR_OK;
	}
	is_int(verified, COMMITS, "after every commit, %s", report_first(&report));
	report_clear(&report);
	is_int(log_check(log, NULL), ERR_OK, "nor is its content");
	log_close(log);
}

/* KiB of pages of files that this process has mapped and looked at. */
static long mapped_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "r");
	need(f);
	while (fgets(line, sizeof line, f))
		sscanf(line, "RssFile: %ld", &kib);
	fclose(f);
	return kib;
}

static bool reads_all(struct log_reader *reader, uint64_t last)
{
	bool same = true;
	need(log_reader_renew(reader) == ERR_OK);
	for (uint64_t lsn = 1; lsn <= last; lsn++)
		same = same && row_is_sample(reader, lsn);
	return same;
}

static void pages_that_were_let_go_of_are_read_again(void)
{
	struct log *log = fresh_log();
	struct log_reader *reader;
	append_some(log, 1, 8000);
	need(log_reader_open(&reader, log) == ERR_OK);
	ok(reads_all(reader, 8000), "eight thousand rows are read");
	long before = mapped_kib();
	log_forget_pages(log);
	long after = mapped_kib();
	ok(after < before - 2048, "their pages are let go of: %ld KiB mapped, then %ld", before,
	   after);
	ok(reads_all(reader, 8000), "and they are what they were");
	append_some(log, 8001, 8100);
	log_forget_pages(log);
	ok(reads_all(reader, 8100), "as are those that come");
	log_reader_close(reader);
	log_close(log);
	log = fresh_log();
	log_forget_pages(log);
	is_int(log_head(log), 0, "an empty store has none");
	log_close(log);
}

int main(void)
{
	fixture_init(&home);
	RUN(a_changed_byte_is_noticed_and_its_neighbours_read);
	RUN(a_body_is_what_was_appended_or_damaged);
	RUN(a_file_cut_short_is_an_error_and_no_crash);
	RUN(a_damaged_page_is_an_error_and_no_crash);
	RUN(a_sound_store_is_never_called_damaged);
	RUN(pages_that_were_let_go_of_are_read_again);
	fixture_clear(&home);
	return tap_done();
}
