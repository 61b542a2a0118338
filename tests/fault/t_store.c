/* The log and the index while any call beneath them fails, once or from then on: nothing that was
 * acknowledged is lost, nothing is damaged, and what goes on afterwards ends whole. */
#include <errno.h>
#include <lmdb.h>

#include "node/store/store.h"
#include "tests/fault/fault.h"
#include "tests/node/index_fixture.h"

enum {
	ROUNDS = 4,
	EACH = 5,
	MESSAGES = (ROUNDS + 1) * EACH,
	EXPIRED = 2,
	FLOOR = 400000,
	RECALLER = 9
};

static struct fixture home;
static struct sample messages[MESSAGES + 1]; /* by position */

/* Posts, the recall of one, and messages of all sizes; before anything fails. */
static void messages_make(void)
{
	static const char json[] = "{\"because\":\"leaked\"}";

	for (uint64_t lsn = 1; lsn <= MESSAGES; lsn++) {
		struct sample *s = &messages[lsn];
		struct header *h;
		if (lsn % 5 == 3) {
			post_make(s, lsn, 1, "{}",
				  indicator((unsigned)lsn, 1,
					    "[domain-name:value = 'evil.example']", ""));
		} else if (lsn == RECALLER) {
			need(body_pack(&s->body, &s->body_length, json, sizeof json - 1) == ERR_OK);
			h = sample_header(lsn);
			h->origin.b[0] = 1;
			h->kind = KIND_RECALL;
			h->ref = messages[lsn - 1].id;
			sample_finish(s, h);
		} else {
			sample_make(s, lsn, (size_t)lsn * 611 % 5000);
			h = sample_header(lsn);
			h->expiry = lsn == EXPIRED ? FLOOR - 1 : h->expiry;
			sample_finish(s, h);
		}
	}
}

static enum err append(struct log *log, uint64_t expected)
{
	const struct sample *s = &messages[expected];
	uint64_t lsn = 0;
	struct log_row row = {.arrived = 1700000000123, .data = s->row, .length = s->length};
	enum err e = log_append(log, &row, &s->id, s->body, s->body_length, &lsn);

	need(e || lsn == expected);
	return e;
}

/* Adds some messages in one transaction; whether it went well is the log's word for it. */
static enum err commit_some(struct log *log)
{
	uint64_t at = log_head(log);
	char exported[LOG_EXPORTED_KEY_BYTES];
	uint8_t value[8];
	enum err e = log_begin(log);

	if (e)
		return e;
	for (unsigned i = 0; i < EACH && !e; i++)
		e = append(log, ++at);
	put_u64(value, at);
	if (!e)
		e = log_put(log, "cursor/test", value, sizeof value);
	/* What goes with the message that expires. */
	if (!e && at == EACH)
		e = log_put(log, log_exported_key(exported, EXPIRED), value, sizeof value);
	if (!e)
		return log_commit(log);
	log_abort(log);
	return e;
}

static enum err expire_one(struct log *log)
{
	uint64_t lsn = EXPIRED;
	enum err e = log_begin(log);

	if (e)
		return e;
	e = log_expire(log, &lsn, 1);
	if (!e)
		return log_commit(log);
	log_abort(log);
	return e;
}

static void fold_some(struct index *index)
{
	bool more = true;

	while (more && index_fold(index, &more) == ERR_OK)
		;
}

/* What was acknowledged is what can be read, or, where not all is well yet, an error says why not.
 */
static bool is_there(struct log_reader *reader, uint64_t lsn, bool sure)
{
	const struct sample *s = &messages[lsn];
	struct log_row row;
	uint8_t *body = NULL;
	size_t n = 0;
	enum err e = log_read(reader, lsn, &row);

	if (lsn == EXPIRED && (e == ERR_NOT_FOUND || row.kind == LOG_EXPIRED))
		return true;
	if (e)
		return !sure && e != ERR_NOT_FOUND;
	if (!message_id_equal(&row.id, &s->id) || row.length != s->length ||
	    memcmp(row.data, s->row, s->length) != 0)
		return false;
	e = log_read_body(reader, &row, &body, &n);
	if (e)
		return !sure && e != ERR_NOT_FOUND;
	bool good = n == s->body_length && memcmp(body, s->body, n) == 0;
	free(body);
	return good;
}

static bool all_there(struct log *log, uint64_t acknowledged, bool sure)
{
	struct log_reader *reader;
	bool good = true;

	if (log_reader_open(&reader, log) != ERR_OK)
		return !sure;
	for (uint64_t lsn = 1; lsn <= acknowledged; lsn++)
		good = good && is_there(reader, lsn, sure);
	log_reader_close(reader);
	return good;
}

/* A node's days with its store, in short.  Returns the last position that was acknowledged. */
static uint64_t live(bool *good)
{
	struct log_options options = {.create = true};
	struct log *log = NULL;
	struct index *index = NULL;
	uint64_t acknowledged = 0;
	bool more;

	if (log_open(&log, path_in(&home, "log"), &options, home.identity, &home.store, NULL))
		return 0;
	if (index_open(&index, path_in(&home, "index"), log, home.identity, NULL)) {
		log_close(log);
		return 0;
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t before = log_head(log);
		enum err e = commit_some(log);
		need(log_head(log) == (e ? before : before + EACH));
		acknowledged = log_head(log);
		for (uint64_t lsn = before + 1; lsn <= acknowledged; lsn++)
			index_note(index, &messages[lsn].id, lsn);
		if (round % 2)
			fold_some(index);
	}
	fold_some(index);
	if (index_unfolded(index) == 0 && index_purge(index, FLOOR, &more) == ERR_OK && !more &&
	    acknowledged >= EXPIRED)
		expire_one(log);
	*good = all_there(log, acknowledged, false) && *good;
	if (index_check(index, NULL) == ERR_OK)
		index_rebuild(index);
	remove_tree(path_in(&home, "copy"));
	if (log_copy(log, path_in(&home, "copy"), NULL) == ERR_OK)
		*good = access(path_in(&home, "copy/data.mdb"), R_OK) == 0 && *good;
	fold_some(index);
	index_close(index);
	log_close(log);
	return acknowledged;
}

static const char *follows(struct log *log, struct report *report)
{
	struct index *index;
	const char *why = NULL;

	if (index_open(&index, path_in(&home, "index"), log, home.identity, NULL))
		return "the index does not open";
	if (commit_some(log))
		why = "it does not go on";
	fold_some(index);
	if (index_unfolded(index))
		why = "it does not fold";
	else if (index_check(index, report))
		why = report_first(report);
	index_close(index);
	return why;
}

/* Starts again on what is left, with nothing failing: NULL, or what is wrong with it. */
static const char *wrong_after(uint64_t acknowledged)
{
	static char text[200];
	struct log_options options = {.create = true};
	struct log *log;
	struct report report;
	const char *why = NULL;

	report_init(&report);
	if (log_open(&log, path_in(&home, "log"), &options, home.identity, &home.store, &report)) {
		why = report_first(&report);
		log = NULL;
	} else if (log_head(log) < acknowledged || log_head(log) % EACH) {
		why = "its head is another";
	} else if (!all_there(log, acknowledged, true)) {
		why = "what was acknowledged is not there";
	} else if (log_check(log, NULL)) {
		why = "the log is damaged";
	} else {
		why = follows(log, &report);
	}
	if (why)
		snprintf(text, sizeof text, "%s", why);
	report_clear(&report);
	log_close(log);
	return why ? text : NULL;
}

/* Fails every call of those sorts in turn; without EVERY in the environment, every seventh.
 */
static void fail_each(unsigned sorts, bool for_good, int code, const char *what)
{
	unsigned step = getenv("EVERY") ? 1 : 7;
	uint64_t calls = UINT64_MAX, lost = 0, nth = 1;

	for (; nth <= calls; nth += step) {
		bool good = true;
		remove_tree(path_in(&home, "log"));
		remove_tree(path_in(&home, "index"));
		fault_start(sorts, nth, for_good, code);
		uint64_t acknowledged = live(&good);
		uint64_t seen = fault_stop();
		calls = seen < nth ? 0 : calls;
		const char *why = good ? wrong_after(acknowledged) : "wrong while it runs";
		if (!why)
			continue;
		printf("# %s: call %" PRIu64 " of %" PRIu64 ", %" PRIu64 " acknowledged: %s\n",
		       what, nth, seen, acknowledged, why);
		lost++;
	}
	is_int(lost, 0, "%s: nothing is lost, whichever of %" PRIu64 " calls it was", what,
	       nth - step);
}

static void nothing_is_lost_when_a_call_of_lmdb_fails(void)
{
	fail_each(FAULT_STORE, false, EIO, "one EIO");
	fail_each(FAULT_STORE, false, MDB_MAP_FULL, "the map is full for a moment");
	fail_each(FAULT_STORE, true, EIO, "EIO from then on");
}

static void nothing_is_lost_when_a_file_fails(void)
{
	fail_each(FAULT_FILE, false, EIO, "one EIO of the system");
	fail_each(FAULT_FILE, true, EIO, "EIO of the system from then on");
	fail_each(FAULT_FILE, true, ENOSPC, "no space from then on");
	fail_each(FAULT_FILE, true, EROFS, "a read-only disk from then on");
	fail_each(FAULT_SHORT, false, ENOSPC, "half of a page is written");
}

static void nothing_is_lost_when_memory_is_short(void)
{
	fail_each(FAULT_MEMORY, false, 0, "one allocation");
	fail_each(FAULT_MEMORY, true, 0, "all allocations from then on");
}

/* What the system refuses to read for a moment is not damaged: who is told so moves a good log
 * away. */
static void a_read_that_fails_is_no_damage(void)
{
	uint64_t calls = UINT64_MAX, wrong = 0, refused = 0, nth = 1;
	bool good = true;
	remove_tree(path_in(&home, "log"));
	remove_tree(path_in(&home, "index"));
	need(live(&good) == ROUNDS * EACH && good);

	for (; nth <= calls; nth++) {
		struct report report;
		report_init(&report);
		fault_start(FAULT_FILE, nth, false, EIO);
		enum err e = store_verify(path_in(&home, "log"), &report);
		calls = fault_stop() < nth ? 0 : calls;
		refused += e != ERR_OK;
		wrong += e == ERR_DAMAGED || strstr(report_first(&report), "damage") ||
			 strstr(report_first(&report), "page");
		report_clear(&report);
		/* The first opens the file. */
		fault_start(FAULT_FILE, nth + 1, false, EINTR);
		wrong += store_verify(path_in(&home, "log"), NULL) != ERR_OK;
		fault_stop();
	}
	is_int(wrong, 0, "a failed read is never called damage");
	ok(refused > 2, "%" PRIu64 " failed reads are told", refused);
}

int main(void)
{
	/* Where there is one, a disk of memory: nothing here is about power cuts. */
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	fixture_init(&home);
	messages_make();
	fault_init();
	RUN(nothing_is_lost_when_a_call_of_lmdb_fails);
	RUN(nothing_is_lost_when_a_file_fails);
	RUN(nothing_is_lost_when_memory_is_short);
	RUN(a_read_that_fails_is_no_damage);
	for (unsigned i = 1; i <= MESSAGES; i++)
		sample_clear(&messages[i]);
	fixture_clear(&home);
	return tap_done();
}
