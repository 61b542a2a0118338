/* The index's environment: its tables, and whose they are. */
#include <string.h>

#include "keys/seal.h"
#include "node/store/index_parts.h"
#include "node/store/log_parts.h"

static int open_tables(MDB_txn *txn, struct index_tables *t)
{
	struct {
		const char *name;
		MDB_dbi *dbi;
	} all[] = {{"id", &t->id},           {"ref", &t->ref},
		   {"object", &t->object},   {"value", &t->value},
		   {"forward", &t->forward}, {"wait", &t->wait},
		   {"held", &t->held},       {"erase", &t->erase},
		   {"receipt", &t->receipt}, {"sequence", &t->sequence},
		   {"reuse", &t->reuse},     {"beacon", &t->beacon},
		   {"card", &t->card},       {"incident", &t->incident},
		   {"unread", &t->unread},   {"read", &t->read},
		   {"range", &t->range},     {"trie", &t->trie},
		   {"run", &t->run},         {"meta", &t->meta}};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++)
		rc = mdb_dbi_open(txn, all[i].name, MDB_CREATE, all[i].dbi);
	return rc;
}

static int put(MDB_txn *txn, MDB_dbi meta, const char *name, const void *p, size_t n)
{
	MDB_val key = {strlen(name), (void *)(uintptr_t)name};
	MDB_val value = {n, (void *)(uintptr_t)p};
	return mdb_put(txn, meta, &key, &value, 0);
}

/* What an index depends on besides the log: the keys of its rows, and what could be opened. */
struct marks {
	uint8_t store[HASH_KEY_BYTES], seals[16];
};

static struct marks marks_of(const struct identity *identity)
{
	struct marks marks = {{0}, {0}};
	identity_index_key(identity, KEY_OF_STORE, "store", 5, marks.store);
	seal_mark(identity, marks.seals);
	return marks;
}

/* What an index that has folded nothing looks like. */
static int write_start(MDB_txn *txn, MDB_dbi meta, const struct marks *marks,
		       const struct store_id *log)
{
	static const uint8_t zeros[LENGTHS * 8];
	uint8_t format[4];
	put_u32(format, INDEX_FORMAT);
	int rc = put(txn, meta, "format", format, sizeof format);
	if (rc == 0)
		rc = put(txn, meta, "log", log->b, sizeof log->b);
	if (rc == 0)
		rc = put(txn, meta, "key", marks->store, sizeof marks->store);
	if (rc == 0)
		rc = put(txn, meta, "seals", marks->seals, sizeof marks->seals);
	if (rc == 0)
		rc = purged_write(txn, meta, 0);
	if (rc == 0)
		rc = put(txn, meta, "read", zeros, 8);
	if (rc == 0)
		rc = put(txn, meta, "headers", zeros, 3 * 8);
	if (rc == 0)
		rc = put(txn, meta, "content", zeros, 4 * 8);
	return rc != 0 ? rc : put(txn, meta, "lengths", zeros, sizeof zeros);
}

static bool is_value(MDB_txn *txn, MDB_dbi meta, const char *name, const void *p, size_t n)
{
	MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value;
	return mdb_get(txn, meta, &key, &value) == 0 && value.mv_size == n &&
	       memcmp(value.mv_data, p, n) == 0;
}

static enum err judge_format(MDB_txn *txn, MDB_dbi meta, const struct marks *marks,
			     const struct store_id *log, const char *dir, struct report *report)
{
	MDB_val key = {6, "format"}, value;
	if (mdb_get(txn, meta, &key, &value) != 0 || value.mv_size != 4)
		return ERR_NOT_FOUND;
	uint32_t format = get_u32(value.mv_data);
	if (format > INDEX_FORMAT) {
		report_add(report,
			   "%s: written by a later khabardar (format %u, this one knows %u): "
			   "install that version again, or remove the directory and let this one "
			   "build its own",
			   dir, format, (unsigned)INDEX_FORMAT);
		return ERR_TOO_NEW;
	}
	/* SPEC 6.2: "An index of another log, of another store key, of other seal keys or of an
	 * earlier format is dropped and built again." */
	if (format != INDEX_FORMAT || !is_value(txn, meta, "log", log->b, sizeof log->b) ||
	    !is_value(txn, meta, "key", marks->store, sizeof marks->store) ||
	    !is_value(txn, meta, "seals", marks->seals, sizeof marks->seals))
		return ERR_NOT_FOUND;
	return ERR_OK;
}

enum err env_prepare(struct index_env *env, const struct identity *identity,
		     const struct store_id *log, const char *dir, struct report *report)
{
	MDB_txn *txn;
	MDB_stat stat;
	struct marks marks = marks_of(identity);
	int rc = mdb_txn_begin(env->store.env, NULL, 0, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	rc = open_tables(txn, &env->tables);
	if (rc == 0)
		rc = mdb_stat(txn, env->tables.meta, &stat);
	if (rc == 0 && stat.ms_entries == 0)
		rc = write_start(txn, env->tables.meta, &marks, log);
	enum err e =
		rc ? lmdb_err(rc) : judge_format(txn, env->tables.meta, &marks, log, dir, report);
	/* The tables stay open only when this transaction commits. */
	if (e && e != ERR_NOT_FOUND) {
		mdb_txn_abort(txn);
		return e;
	}
	rc = mdb_txn_commit(txn);
	return rc ? lmdb_err(rc) : e;
}

enum err index_keys_changed(struct index *index)
{
	struct marks marks = marks_of(index->identity);
	MDB_txn *txn;
	pthread_mutex_lock(&index->folding);
	int rc = mdb_txn_begin(index->env.store.env, NULL, 0, &txn);
	if (rc == 0) {
		rc = put(txn, index->env.tables.meta, "seals", marks.seals, sizeof marks.seals);
		if (rc == 0)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	pthread_mutex_unlock(&index->folding);
	return lmdb_err(rc);
}

enum err env_drop(struct index_env *env)
{
	const struct index_tables *t = &env->tables;
	const MDB_dbi all[] = {t->id,    t->ref,    t->object, t->value,    t->forward,
			       t->wait,  t->held,   t->erase,  t->receipt,  t->sequence,
			       t->reuse, t->beacon, t->card,   t->incident, t->unread,
			       t->read,  t->range,  t->trie,   t->run,      t->meta};
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->store.env, NULL, 0, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++)
		rc = mdb_drop(txn, all[i], 0);
	if (rc != 0)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	return lmdb_err(rc);
}
