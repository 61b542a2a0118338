/* Files of LMDB that a disk has changed, or somebody who can write to it.  The first byte chooses
 * the log, the index, or a backup of the log; then come places and what stands there instead.  LMDB
 * itself would die of most of it: it must be met before, and what is then still read is what was
 * written. */
#include "node/store/backup.h"
#include "tests/fuzz/fuzz.h"
#include "tests/node/index_fixture.h"

enum { MESSAGES = 12, FILE_MAX = 1 << 20, PLACES_MAX = 64, MAP_BYTES = 64 << 20, SPELL = 0x80 };

struct file {
	const char *name;
	uint8_t bytes[FILE_MAX];
	size_t length;
};

static struct fixture fixture;
static struct file files[] = {
	{.name = "log/data.mdb"}, {.name = "index/data.mdb"}, {.name = "backup/data.mdb"}};
static struct sample samples[MESSAGES + 1]; /* by position */

static void leave(void)
{
	fixture_clear(&fixture);
}

static void load(struct file *f)
{
	FILE *in = fopen(path_in(&fixture, f->name), "rb");

	must(in);
	f->length = fread(f->bytes, 1, sizeof f->bytes, in);
	must(f->length > 0 && f->length < sizeof f->bytes && fclose(in) == 0);
}

static void save(const char *name, const uint8_t *bytes, size_t n)
{
	FILE *out = fopen(path_in(&fixture, name), "wb");

	must(out && fwrite(bytes, 1, n, out) == n && fclose(out) == 0);
}

/* Posts, one with a body of several pages, and small values. */
static void fill(struct pair *p)
{
	char objects[256];
	uint64_t lsn;

	for (unsigned i = 1; i <= MESSAGES; i++) {
		snprintf(objects, sizeof objects, "[ipv4-addr:value = '198.51.100.%u']", i);
		if (i % 4)
			post_make(&samples[i], i, i % 3 + 1, "{}",
				  indicator(i % 5, i, objects, ""));
		else
			sample_make(&samples[i], i, i * 1500);
		must(commit_sample(p, &samples[i], VERDICT_ACCEPTED) == i);
	}
	must(log_begin(p->log) == ERR_OK);
	must(log_put(p->log, "floor", "\0\7\1\0", 4) == ERR_OK);
	must(log_put(p->log, "cursor/00", "0123456789abcdef", 16) == ERR_OK);
	must(log_append_fact(p->log, FACT_AUDIT, 1, "said", 4, &lsn) == ERR_OK);
	must(log_remove_body(p->log, 3) == ERR_OK && log_commit(p->log) == ERR_OK);
	fold_all(p);
}

static void prepare(void)
{
	struct backup made;
	struct pair p;

	if (fixture.identity)
		return;
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	fixture_init(&fixture);
	must(atexit(leave) == 0);
	pair_open(&p, &fixture);
	fill(&p);
	must(backup_make(p.log, fixture.identity, path_in(&fixture, "backup"), 1, &made, NULL) ==
	     ERR_OK);
	pair_close(&p);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		load(&files[i]);
}

/* Each place is a page, an offset in it, and how many bytes stand there instead; with the highest
 * bit of that the file ends there. */
static size_t damage(uint8_t *out, const struct file *f, struct reader *r)
{
	size_t length = f->length;

	memcpy(out, f->bytes, length);
	for (int i = 0; i < PLACES_MAX && r->left && !r->bad; i++) {
		size_t at = (size_t)read_u8(r) * 4096 + read_u16(r) % 4096;
		uint8_t n = read_u8(r);
		at %= length;
		if (n & SPELL) {
			length = at + 1;
		} else {
			size_t most = length - at < r->left ? length - at : r->left;
			n = n < most ? n : (uint8_t)most;
			if (n)
				memcpy(out + at, read_ref(r, n), n);
		}
	}
	return length;
}

/* What the log gives is what was written, or an error. */
static void look_at_row(struct log_reader *reader, const struct log_row *row)
{
	const struct sample *s = row->lsn <= MESSAGES ? &samples[row->lsn] : NULL;
	uint8_t *body;
	size_t n;

	if (row->kind != LOG_MESSAGE)
		return;
	must(s && row->length == s->length && memcmp(row->data, s->row, s->length) == 0);
	must(message_id_equal(&row->id, &s->id));
	if (log_read_body(reader, row, &body, &n) != ERR_OK)
		return;
	must(n == s->body_length && memcmp(body, s->body, n) == 0);
	free(body);
}

static bool any_value(void *arg, const char *key, const void *value, size_t n)
{
	struct hash h = hash_of(value, n);

	*(uint8_t *)arg ^= h.b[0];
	return strlen(key) <= 64;
}

static void read_log(struct log *log)
{
	struct log_reader *reader;
	struct log_row row;
	const uint8_t *file;
	uint64_t next = 1;
	uint8_t sum = 0;
	size_t n;

	if (log_reader_open(&reader, log) != ERR_OK)
		return;
	for (;;) {
		enum err e = log_read_from(reader, next, &row);
		if (e == ERR_OK)
			look_at_row(reader, &row);
		else if (e != ERR_DAMAGED)
			break;
		if (row.lsn < next)
			break;
		next = row.lsn + 1;
	}
	log_values(reader, "cursor/", any_value, &sum);
	log_floor(reader);
	log_get_topology(reader, 1, 0, &file, &n);
	log_reader_close(reader);
	log_check(log, NULL);
}

static void write_log(struct log *log)
{
	uint64_t lsn, gone[] = {1, 2};

	if (log_begin(log) != ERR_OK)
		return;
	log_append_fact(log, FACT_AUDIT, 2, "more", 4, &lsn);
	log_put(log, "floor", "\0\7\1\1", 4);
	log_remove_body(log, 5);
	log_expire(log, gone, 2);
	log_commit(log);
}

static struct log *open_again(void)
{
	struct log_options options = {.map_bytes = MAP_BYTES};
	struct report report;
	struct log *log;
	enum err e;

	report_init(&report);
	e = log_open(&log, path_in(&fixture, "log"), &options, fixture.identity, &fixture.store,
		     &report);
	must((e == ERR_OK) == (log != NULL) && (e == ERR_OK || report.total > 0));
	report_clear(&report);
	return log;
}

static void use_log(void)
{
	struct log *log = open_again();

	if (log) {
		read_log(log);
		write_log(log);
		log_close(log);
	}
}

/* Whatever became of it, it can be made anew from the log. */
static void use_index(void)
{
	struct log *log = open_again();
	struct index *index = NULL;
	enum err e = index_open(&index, path_in(&fixture, "index"), log, fixture.identity, NULL);
	bool more = true;

	while (!e && more)
		e = index_fold(index, &more);
	if (!e)
		e = index_check(index, NULL);
	index_close(index);
	log_close(log);
	must(!e || backup_reindex(fixture.home, fixture.identity, NULL) == ERR_OK);
	must(!e || backup_check_store(fixture.home, fixture.identity, NULL) == ERR_OK);
}

/* Any change of it is seen, by its hash, before anything else looks. */
static void use_backup(bool same)
{
	struct store_id id = {{9}};
	struct backup b;
	enum err e;

	e = backup_read(path_in(&fixture, "backup"), fixture.identity, &b, NULL);
	must((e == ERR_OK) == same);
	if (same)
		return;
	e = backup_restore(path_in(&fixture, "restored"), path_in(&fixture, "backup"),
			   fixture.identity, &id, &b, NULL);
	must(e != ERR_OK);
}

unsigned fuzz_cost(void)
{
	return 50;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t damaged[FILE_MAX];
	struct reader r;
	size_t which, length;

	prepare();
	reader_init(&r, data, n);
	which = read_u8(&r) % (sizeof files / sizeof *files);
	length = damage(damaged, &files[which], &r);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		save(files[i].name, files[i].bytes, files[i].length);
	save(files[which].name, damaged, length);
	if (which == 2)
		use_backup(length == files[2].length &&
			   memcmp(damaged, files[2].bytes, length) == 0);
	else if (which == 1)
		use_index();
	else
		use_log();
	return 0;
}
