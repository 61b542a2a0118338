/* The index is compared with one folded afresh from the log. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/store/index_parts.h"

enum { NAMED_MAX = 10, READ_AT_ONCE = 500 };

struct comparison {
	MDB_cursor *kept, *fresh;
	MDB_val kept_key, kept_value, fresh_key, fresh_value;
	int kept_rc, fresh_rc;
	const char *table;
	size_t differences;
	struct report *report;
};

static int order(const MDB_val *a, const MDB_val *b)
{
	size_t n = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
	int c = memcmp(a->mv_data, b->mv_data, n);
	return c ? c : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static void differ(struct comparison *c, const MDB_val *key, const char *what)
{
	char hex[2 * 64 + 1];
	size_t n = key->mv_size < 64 ? key->mv_size : 64;
	if (c->differences++ < NAMED_MAX)
		report_add(c->report, "index: table %s: %s %s", c->table,
			   hex_encode(hex, key->mv_data, n), what);
}

static void next_kept(struct comparison *c)
{
	c->kept_rc = mdb_cursor_get(c->kept, &c->kept_key, &c->kept_value, MDB_NEXT);
}

static void next_fresh(struct comparison *c)
{
	c->fresh_rc = mdb_cursor_get(c->fresh, &c->fresh_key, &c->fresh_value, MDB_NEXT);
}

static void walk(struct comparison *c)
{
	next_kept(c);
	next_fresh(c);
	while (c->kept_rc == 0 || c->fresh_rc == 0) {
		int way = c->kept_rc != 0    ? 1
			  : c->fresh_rc != 0 ? -1
					     : order(&c->kept_key, &c->fresh_key);
		if (way < 0)
			differ(c, &c->kept_key, "does not follow from the log");
		else if (way > 0)
			differ(c, &c->fresh_key, "is missing");
		else if (order(&c->kept_value, &c->fresh_value) != 0)
			differ(c, &c->kept_key, "has another value than the log gives it");
		if (way <= 0)
			next_kept(c);
		if (way >= 0)
			next_fresh(c);
	}
	if (c->differences > NAMED_MAX)
		report_add(c->report, "index: table %s: %zu rows differ", c->table, c->differences);
}

static int compare_table(MDB_txn *kept, MDB_dbi kept_dbi, MDB_txn *fresh, MDB_dbi fresh_dbi,
			 const char *table, bool *same, struct report *report)
{
	struct comparison c = {.table = table, .report = report};
	int rc = mdb_cursor_open(kept, kept_dbi, &c.kept);
	if (rc == 0)
		rc = mdb_cursor_open(fresh, fresh_dbi, &c.fresh);
	if (rc == 0) {
		walk(&c);
		if (c.kept_rc != MDB_NOTFOUND)
			rc = c.kept_rc;
		else if (c.fresh_rc != MDB_NOTFOUND)
			rc = c.fresh_rc;
	}
	if (c.kept)
		mdb_cursor_close(c.kept);
	if (c.fresh)
		mdb_cursor_close(c.fresh);
	*same = *same && c.differences == 0;
	return rc;
}

/* Records of a packed table, one after the other. */
struct walker {
	struct packed set;
	uint8_t from[PACKED_WIDTH_MAX], records[READ_AT_ONCE * PACKED_WIDTH_MAX];
	size_t at, count;
	bool over;
};

/* The next record, or NULL. */
static int walker_next(struct walker *w, const uint8_t **record)
{
	int rc = 0;
	*record = NULL;
	if (w->at == w->count && !w->over) {
		w->at = 0;
		rc = packed_range(&w->set, w->from, 0, w->records, READ_AT_ONCE, &w->count);
		if (rc != 0)
			return rc;
		w->over = w->count < READ_AT_ONCE;
		if (w->count)
			memcpy(w->from, w->records + (w->count - 1) * w->set.width, w->set.width);
		packed_step(&w->set, w->from);
	}
	if (w->at < w->count)
		*record = w->records + w->at++ * w->set.width;
	return rc;
}

static int walk_packed(struct comparison *c, struct walker *kept, struct walker *fresh)
{
	const uint8_t *k, *f;
	size_t width = kept->set.width;
	int rc = walker_next(kept, &k);
	if (rc == 0)
		rc = walker_next(fresh, &f);
	while (rc == 0 && (k || f)) {
		int way = !k ? 1 : !f ? -1 : memcmp(k, f, width);
		MDB_val key = {width, (void *)(uintptr_t)(way < 0 ? k : f)};
		if (way != 0)
			differ(c, &key, way < 0 ? "does not follow from the log" : "is missing");
		if (way <= 0)
			rc = walker_next(kept, &k);
		if (rc == 0 && way >= 0)
			rc = walker_next(fresh, &f);
	}
	return rc;
}

/* Whatever runs they stand in, the records are the same. */
static int compare_packed(MDB_txn *kept_txn, struct packed kept, MDB_txn *fresh_txn,
			  struct packed fresh, bool *same, struct report *report)
{
	struct comparison c = {.table = kept.name, .report = report};
	struct walker *w = calloc(2, sizeof *w);
	if (!w)
		return ENOMEM;
	w[0].set = kept;
	w[1].set = fresh;
	int rc = packed_open(&w[0].set, kept_txn);
	if (rc == 0)
		rc = packed_open(&w[1].set, fresh_txn);
	if (rc == 0)
		rc = walk_packed(&c, &w[0], &w[1]);
	packed_close(&w[0].set);
	packed_close(&w[1].set);
	free(w);
	*same = *same && c.differences == 0;
	return rc;
}

static enum err compare(struct index_env *kept, struct index_env *fresh, struct report *report)
{
	const struct index_tables *k = &kept->tables, *f = &fresh->tables;
	const struct {
		const char *name;
		MDB_dbi kept, fresh;
	} all[] = {{"id", k->id, f->id},
		   {"ref", k->ref, f->ref},
		   {"forward", k->forward, f->forward},
		   {"wait", k->wait, f->wait},
		   {"held", k->held, f->held},
		   {"receipt", k->receipt, f->receipt},
		   {"sequence", k->sequence, f->sequence},
		   {"reuse", k->reuse, f->reuse},
		   {"beacon", k->beacon, f->beacon},
		   {"card", k->card, f->card},
		   {"incident", k->incident, f->incident},
		   {"unread", k->unread, f->unread},
		   {"read", k->read, f->read},
		   {"range", k->range, f->range},
		   {"trie", k->trie, f->trie},
		   {"meta", k->meta, f->meta}};
	MDB_txn *kept_txn = NULL, *fresh_txn = NULL;
	bool same = true;
	int rc = mdb_txn_begin(kept->store.env, NULL, MDB_RDONLY, &kept_txn);
	if (rc == 0)
		rc = mdb_txn_begin(fresh->store.env, NULL, MDB_RDONLY, &fresh_txn);
	for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++)
		rc = compare_table(kept_txn, all[i].kept, fresh_txn, all[i].fresh, all[i].name,
				   &same, report);
	if (rc == 0)
		rc = compare_packed(kept_txn, objects_of(k), fresh_txn, objects_of(f), &same,
				    report);
	if (rc == 0)
		rc = compare_packed(kept_txn, values_of(k), fresh_txn, values_of(f), &same, report);
	if (kept_txn)
		mdb_txn_abort(kept_txn);
	if (fresh_txn)
		mdb_txn_abort(fresh_txn);
	if (rc != 0)
		return lmdb_err(rc);
	return same ? ERR_OK : ERR_DAMAGED;
}

/* What is recalled makes no content once the headers say so: the two are comparable when content
 * is as far as headers. */
static enum err fold_afresh(struct index *index, struct index_env *fresh)
{
	struct folding f = folding_of(index);
	f.env = fresh;
	f.filter = NULL;
	struct header_mark headers = {0};
	struct content_mark content = {0};
	bool more = index->headers.lsn > 0;
	struct folded folded;
	enum err e = log_reader_renew(index->reader);
	while (!e && more)
		e = fold_headers(&f, index->headers.lsn, &headers, &more);
	more = index->content.lsn > 0;
	while (!e && more) {
		bool merging;
		e = fold_content(&f, index->content.lsn, &content, &folded, &more);
		for (merging = !e && folded.crowded; !e && merging;)
			e = fold_merge(&f, false, &merging);
	}
	log_reader_pause(index->reader);
	return e;
}

/* A purge that was interrupted has removed some of what it is to remove. */
static enum err purge_through(struct index *index, uint32_t *floor)
{
	struct folding f = folding_of(index);
	struct folded folded;
	bool more = true;
	enum err e = log_reader_renew(index->reader);
	while (!e && more) {
		e = purge_batch(&f, &index->purge, 0, &folded, &more);
		folded_tell(index, &folded);
	}
	log_reader_pause(index->reader);
	return e ? e : purged_floor(&index->env, floor);
}

enum err index_check(struct index *index, struct report *report)
{
	char dir[PATH_MAX];
	struct index_env fresh = {.store = {.lock = -1}};
	uint32_t floor = 0;
	struct store_id log = log_store_id(index->log);
	if ((size_t)snprintf(dir, sizeof dir, "%s.check", index->dir) >= sizeof dir)
		return ERR_LIMIT;
	pthread_mutex_lock(&index->folding);
	enum err e = content_catch_up(index);
	/* One that was interrupted leaves its folder behind. */
	if (!e)
		e = store_remove(dir);
	if (!e)
		e = store_open(&fresh.store, dir, &(struct store_options){.create = true}, report);
	if (!e)
		e = env_prepare(&fresh, index->identity, &log, dir, report);
	if (!e)
		e = purge_through(index, &floor);
	if (!e)
		e = purged_start(&fresh, floor);
	if (!e)
		e = fold_afresh(index, &fresh);
	if (!e)
		e = compare(&index->env, &fresh, report);
	else
		report_add(report, "%s: cannot be built for the comparison: %s", dir, err_str(e));
	store_close(&fresh.store);
	enum err removed = store_remove(dir);
	pthread_mutex_unlock(&index->folding);
	return e ? e : removed;
}
