/* A log that LMDB finds whole and in which anything stands: rows with a good check, bodies in a
 * good box, values, topologies.  Who has the key file could have written it, or a version of this
 * program that had a mistake.  Each entry is table 1 | key length 1 | value length 2 | key | value;
 * of a row and a body the key is the position in one byte. */
#include "tests/fuzz/fuzz.h"

#include "node/store/log_parts.h"
#include "node/store/restored.h"
#include "node/store/versions.h"
#include "tests/node/index_fixture.h"

enum { ENTRIES_MAX = 40, MESSAGES = 6, VALUE_MAX = 8192 };
enum table { ROW, BODY, PACKED_BODY, VALUE, TOPOLOGY, TABLES };

static struct fixture fixture;

static void leave(void)
{
	fixture_clear(&fixture);
}

static void prepare(void)
{
	if (fixture.identity)
		return;
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	fixture_init(&fixture);
	must(atexit(leave) == 0);
}

/* The id that a row gives the message, under which its body is in the box. */
static struct message_id id_of_row(struct log *log, uint64_t lsn)
{
	struct message_id id = {{0}};
	uint8_t at[LSN_BYTES];
	MDB_val key = {sizeof at, at}, value;

	put_u64(at, lsn);
	if (mdb_get(log->txn, log->tables.row, &key, &value) == 0 &&
	    value.mv_size >= ROW_MESSAGE_BYTES)
		memcpy(id.b, (uint8_t *)value.mv_data + ROW_FIXED_BYTES, sizeof id.b);
	return id;
}

static void put_row(struct log *log, uint64_t lsn, const uint8_t *bytes, size_t n)
{
	static uint8_t row[VALUE_MAX + CHECK_BYTES];
	uint8_t at[LSN_BYTES];
	MDB_val key = {sizeof at, at}, value = {n + CHECK_BYTES, row};

	put_u64(at, lsn);
	if (n)
		memcpy(row, bytes, n);
	log_row_check(row + n, lsn, row, n);
	must(mdb_put(log->txn, log->tables.row, &key, &value, 0) == 0);
}

static void put_body(struct log *log, uint64_t lsn, const uint8_t *bytes, size_t n)
{
	static uint8_t box[2 * VALUE_MAX + STORE_BOX_EXTRA];
	struct message_id id = id_of_row(log, lsn);
	uint8_t at[LSN_BYTES];
	MDB_val key = {sizeof at, at}, value = {n + STORE_BOX_EXTRA, box};

	must(n <= sizeof box - STORE_BOX_EXTRA);
	put_u64(at, lsn);
	identity_store_box(fixture.identity, &id, box, bytes, n);
	must(mdb_put(log->txn, log->tables.body, &key, &value, 0) == 0);
}

static void put_packed(struct log *log, uint64_t lsn, const uint8_t *bytes, size_t n)
{
	uint8_t *body;
	size_t length;

	if (body_pack(&body, &length, (const char *)bytes, n) != ERR_OK)
		return;
	put_body(log, lsn, body, length);
	free(body);
}

static void put_any(struct log *log, MDB_dbi table, const uint8_t *key, size_t key_length,
		    const uint8_t *bytes, size_t n)
{
	MDB_val k = {key_length, (void *)(uintptr_t)key}, v = {n, (void *)(uintptr_t)bytes};

	if (key_length > 0)
		must(mdb_put(log->txn, table, &k, &v, 0) == 0);
}

static void put_entry(struct log *log, struct reader *r)
{
	static const uint8_t nothing[1];
	enum table table = (enum table)(read_u8(r) % TABLES);
	size_t key_length = read_u8(r), n = read_u16(r) % VALUE_MAX;
	const uint8_t *key, *bytes;
	uint64_t lsn;

	if (r->bad)
		return;
	key_length = key_length < r->left ? key_length : r->left;
	key = key_length ? read_ref(r, key_length) : nothing;
	n = n < r->left ? n : r->left;
	bytes = n ? read_ref(r, n) : nothing;
	lsn = key_length ? key[0] : 1;
	switch (table) {
	case ROW:
		put_row(log, lsn, bytes, n);
		break;
	case BODY:
		put_body(log, lsn, bytes, n);
		break;
	case PACKED_BODY:
		put_packed(log, lsn, bytes, n);
		break;
	case VALUE:
		put_any(log, log->tables.value, key, key_length, bytes, n);
		break;
	case TOPOLOGY:
		put_any(log, log->tables.topology, key, key_length, bytes, n);
		break;
	case TABLES:
		break;
	}
}

static void fill(struct log *log, struct reader *r)
{
	struct sample s;

	must(log_begin(log) == ERR_OK);
	for (unsigned i = 0; i < MESSAGES; i++) {
		post_make(&s, i, i + 1, "{}",
			  indicator(i, i + 1, "[ipv4-addr:value = '192.0.2.1']", ""));
		sample_append(log, &s);
		sample_clear(&s);
	}
	for (int i = 0; i < ENTRIES_MAX && r->left && !r->bad; i++)
		put_entry(log, r);
	must(log_commit(log) == ERR_OK);
}

static bool any_value(void *arg, const char *key, const void *value, size_t n)
{
	(void)value;
	*(size_t *)arg += n + strlen(key);
	return true;
}

static void read_rows(struct log_reader *reader)
{
	struct restored restored = restored_read(reader);
	static struct header h;
	struct log_row row;
	uint64_t next = 0;
	uint8_t *body;
	size_t n = 0;

	for (;;) {
		enum err e = log_read_from(reader, next, &row);
		if ((e && e != ERR_DAMAGED) || row.lsn < next || row.lsn == UINT64_MAX)
			break;
		next = row.lsn + 1;
		if (e || row.kind != LOG_MESSAGE)
			continue;
		if (log_read_body(reader, &row, &body, &n) == ERR_OK)
			free(body);
		if (row.length > SIGNATURE_BYTES &&
		    header_decode(&h, row.data, row.length - SIGNATURE_BYTES) == ERR_OK)
			restored_look(reader, &restored, row.lsn, &h);
	}
	log_values(reader, "cursor/", any_value, &n);
	log_values(reader, "restored", any_value, &n);
	log_floor(reader);
}

static void use(struct log *log)
{
	struct versions *versions = NULL;
	struct log_reader *reader;
	struct index *index = NULL;
	struct report report;
	bool more = true;
	enum err e;

	report_init(&report);
	must(log_reader_open(&reader, log) == ERR_OK);
	read_rows(reader);
	log_reader_pause(reader);
	log_check(log, &report);
	if (versions_open(&versions, log, &report) == ERR_OK)
		versions_newest(versions);
	versions_close(versions);
	e = index_open(&index, path_in(&fixture, "index"), log, fixture.identity, &report);
	while (!e && more)
		e = index_fold(index, &more);
	/* What was folded once is folded again in the same way. */
	if (!e)
		must(index_check(index, &report) == ERR_OK);
	more = true;
	while (!e && more)
		e = index_purge(index, 500000, &more);
	index_close(index);
	log_reader_close(reader);
	report_clear(&report);
}

unsigned fuzz_cost(void)
{
	return 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct log_options options = {.map_bytes = 64 << 20};
	struct log *log;
	struct reader r;

	prepare();
	remove_tree(path_in(&fixture, "log"));
	remove_tree(path_in(&fixture, "index"));
	reader_init(&r, data, n);
	log = open_log(&fixture);
	fill(log, &r);
	log_close(log);
	if (log_open(&log, path_in(&fixture, "log"), &options, fixture.identity, &fixture.store,
		     NULL) == ERR_OK)
		use(log);
	log_close(log);
	return 0;
}
