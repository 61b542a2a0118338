#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/store/index_parts.h"

enum { TRIM_AT_ONCE = 256, SEEN_MANY = 10000 };

struct folding folding_of(struct index *index)
{
	return (struct folding){&index->env, index->reader, index->identity, &index->versions,
				index->filter};
}

/* What a commit of the folder means for the readers: the marks move, the tail gives up what is
 * folded.  The lock is let go in between, so that nobody waits long for it. */
static void publish(struct index *index, const struct header_mark *headers,
		    const struct content_mark *content)
{
	bool more = true;
	while (more) {
		pthread_mutex_lock(&index->lock);
		if (headers)
			index->headers = *headers;
		if (content)
			index->content = *content;
		more = tail_trim(&index->tail, index->headers.lsn, TRIM_AT_ONCE);
		pthread_mutex_unlock(&index->lock);
	}
}

/* Brings the headers so near to the log's head that the rest fits into the tail, and notes it.
 * Recalls are looked for in the table only: where one is in the rest, all of it is folded. */
static enum err catch_up(struct index *index)
{
	struct folding f = folding_of(index);
	struct header_mark mark = index->headers;
	uint64_t head = log_head(index->log);
	enum err e = log_reader_renew(index->reader);
	bool more, recalls = false;
	while (!e && head - mark.lsn > FOLD_MESSAGES_MAX) {
		e = fold_headers(&f, head, &mark, &more);
		if (!e)
			publish(index, &mark, NULL);
	}
	for (uint64_t at = mark.lsn + 1; !e && at <= head; at++) {
		struct log_row row;
		e = log_read_from(index->reader, at, &row);
		if (!e && row.kind == LOG_MESSAGE)
			e = index_note(index, &row.id, row.lsn);
		if (!e && row.kind == LOG_MESSAGE)
			recalls = recalls || row.data[KIND_OFFSET] == KIND_RECALL;
		if (!e || (e == ERR_DAMAGED && row.lsn >= at)) {
			at = row.lsn;
			e = ERR_OK;
		}
	}
	for (more = recalls; !e && more;) {
		e = fold_headers(&f, head, &mark, &more);
		if (!e)
			publish(index, &mark, NULL);
	}
	log_reader_pause(index->reader);
	return e;
}

/* Marks of what is folded; an index that is ahead of its log belongs to a log that was replaced. */
static enum err load_marks(struct index *index)
{
	struct header_mark headers;
	struct content_mark content;
	MDB_txn *txn;
	int rc = mdb_txn_begin(index->env.store.env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return lmdb_err(rc);
	rc = mark_read_headers(txn, index->env.tables.meta, &headers);
	if (rc == 0)
		rc = mark_read_content(txn, index->env.tables.meta, &content);
	mdb_txn_abort(txn);
	if (rc != 0)
		return rc == MDB_NOTFOUND ? ERR_DAMAGED : lmdb_err(rc);
	if (headers.lsn > log_head(index->log) || content.lsn > headers.lsn)
		return ERR_NOT_FOUND;
	publish(index, &headers, &content);
	return ERR_OK;
}

static enum err start_over(struct index *index, struct report *report)
{
	struct store_id log = log_store_id(index->log);
	enum err e = env_drop(&index->env);
	return e ? e : env_prepare(&index->env, index->identity, &log, index->dir, report);
}

static enum err open_env(struct index *index, struct report *report)
{
	struct store_id log = log_store_id(index->log);
	enum err e = store_open(&index->env.store, index->dir,
				&(struct store_options){.create = true}, report);
	if (!e)
		e = env_prepare(&index->env, index->identity, &log, index->dir, report);
	if (!e)
		e = load_marks(index);
	if (e == ERR_NOT_FOUND) {
		e = start_over(index, report);
		if (!e)
			e = load_marks(index);
	}
	/* What has expired is not folded, only to be taken out again. */
	if (!e && index->headers.lsn == 0)
		e = purged_start(&index->env, log_floor(index->reader));
	return e;
}

/* An index is never worth a refusal: what cannot be read is removed and built again. */
static enum err replace_env(struct index *index, struct report *report)
{
	report_add(report, "%s: is damaged and is built again from the log", index->dir);
	store_close(&index->env.store);
	enum err e = store_remove(index->dir);
	return e ? e : open_env(index, report);
}

enum err index_open(struct index **out, const char *dir, struct log *log,
		    const struct identity *identity, struct report *report)
{
	*out = NULL;
	struct index *index = calloc(1, sizeof *index);
	if (!index)
		return ERR_MEMORY;
	index->log = log;
	index->identity = identity;
	index->env.store.lock = -1;
	atomic_store(&index->erasures, 1);
	atomic_store(&index->cards, 1);
	pthread_mutex_init(&index->folding, NULL);
	pthread_mutex_init(&index->lock, NULL);
	index->dir = strdup(dir);
	enum err e = index->dir ? log_reader_open(&index->reader, log) : ERR_MEMORY;
	if (!e)
		e = open_env(index, report);
	if (e == ERR_DAMAGED)
		e = replace_env(index, report);
	if (!e) {
		e = catch_up(index);
		if (e)
			report_add(report, "%s: cannot follow the log: %s", dir, err_str(e));
	}
	if (e) {
		index_close(index);
		return e;
	}
	*out = index;
	return ERR_OK;
}

void index_close(struct index *index)
{
	if (!index)
		return;
	filter_drop(index);
	log_reader_close(index->reader);
	store_close(&index->env.store);
	tail_clear(&index->tail);
	versions_read_clear(&index->versions);
	pthread_mutex_destroy(&index->folding);
	pthread_mutex_destroy(&index->lock);
	free(index->dir);
	free(index);
}

bool index_is_broken(const struct index *index)
{
	return store_is_broken(&index->env.store);
}

enum err index_note(struct index *index, const struct message_id *id, uint64_t lsn)
{
	enum err e = ERR_OK;
	pthread_mutex_lock(&index->lock);
	/* The folder may have met it already: it reads what is committed. */
	if (lsn > index->headers.lsn)
		e = tail_add(&index->tail, id, lsn);
	pthread_mutex_unlock(&index->lock);
	return e;
}

bool index_tail_full(const struct index *index)
{
	struct index *i = (struct index *)(uintptr_t)index;
	pthread_mutex_lock(&i->lock);
	bool full = i->tail.count >= TAIL_ENTRIES_MAX - TAIL_ENTRIES_MAX / 8;
	pthread_mutex_unlock(&i->lock);
	return full;
}

uint64_t index_erasures(const struct index *index)
{
	return atomic_load(&((struct index *)(uintptr_t)index)->erasures);
}

uint64_t index_unfolded(const struct index *index)
{
	struct index *i = (struct index *)(uintptr_t)index;
	pthread_mutex_lock(&i->lock);
	uint64_t seen = i->headers.rows + tail_above(&i->tail, i->headers.lsn);
	uint64_t folded = i->content.rows;
	pthread_mutex_unlock(&i->lock);
	return seen > folded ? seen - folded : 0;
}

uint64_t index_followed(const struct index *index)
{
	struct index *i = (struct index *)(uintptr_t)index;
	pthread_mutex_lock(&i->lock);
	uint64_t lsn = i->headers.lsn;
	pthread_mutex_unlock(&i->lock);
	return lsn;
}

uint64_t index_searchable(const struct index *index)
{
	struct index *i = (struct index *)(uintptr_t)index;
	pthread_mutex_lock(&i->lock);
	uint64_t lsn = i->content.lsn;
	pthread_mutex_unlock(&i->lock);
	return lsn;
}

static enum err fold_headers_once(struct index *index, bool *more)
{
	struct folding f = folding_of(index);
	struct header_mark mark = index->headers;
	uint64_t head = log_head(index->log);
	enum err e = log_reader_renew(index->reader);
	*more = false;
	if (!e && mark.lsn < head) {
		e = fold_headers(&f, head, &mark, more);
		if (!e)
			publish(index, &mark, NULL);
	}
	log_reader_pause(index->reader);
	return e;
}

void folded_tell(struct index *index, const struct folded *folded)
{
	if (folded->erasable)
		atomic_fetch_add(&index->erasures, 1);
	if (folded->cards)
		atomic_fetch_add(&index->cards, 1);
}

static enum err fold_content_once(struct index *index, bool *more)
{
	struct folding f = folding_of(index);
	struct content_mark mark = index->content;
	struct folded folded = {0};
	enum err e = log_reader_renew(index->reader);
	*more = false;
	if (!e && index->crowded) {
		/* With more and more runs everything would be slower: first these are made few. */
		e = fold_merge(&f, false, &index->crowded);
		*more = true;
	} else if (!e && (mark.lsn < index->headers.lsn || waits_over(&f))) {
		e = fold_content(&f, index->headers.lsn, &mark, &folded, more);
		if (!e)
			publish(index, NULL, &mark);
		index->crowded = folded.crowded;
		index->seen += folded.rows;
		filter_judge(index);
	}
	log_reader_pause(index->reader);
	folded_tell(index, &folded);
	return e;
}

/* One batch of headers, then one of content as far as the headers are. */
static enum err fold_once(struct index *index, bool *more)
{
	bool more_content = false;
	enum err e = fold_headers_once(index, more);
	if (!e)
		e = fold_content_once(index, &more_content);
	*more = *more || more_content;
	return e;
}

enum err content_catch_up(struct index *index)
{
	bool more = true;
	enum err e = ERR_OK;
	while (!e && more)
		e = fold_content_once(index, &more);
	return e;
}

enum err index_fold(struct index *index, bool *more)
{
	*more = false;
	pthread_mutex_lock(&index->folding);
	enum err e = fold_once(index, more);
	pthread_mutex_unlock(&index->folding);
	return e;
}

enum err index_settle(struct index *index, bool *more)
{
	struct folding f = folding_of(index);
	pthread_mutex_lock(&index->folding);
	enum err e = fold_merge(&f, true, more);
	/* What was read for much of it is not read again soon. */
	if (!*more && index->seen > SEEN_MANY) {
		store_forget_pages(&index->env.store);
		log_forget_pages(index->log);
		index->seen = 0;
	}
	pthread_mutex_unlock(&index->folding);
	return e;
}

static enum err follow(struct index *index, uint64_t until)
{
	struct folding f = folding_of(index);
	struct header_mark headers = index->headers;
	bool more = headers.lsn < until;
	enum err e = log_reader_renew(index->reader);
	while (!e && more) {
		e = fold_headers(&f, until, &headers, &more);
		if (!e)
			publish(index, &headers, NULL);
	}
	log_reader_pause(index->reader);
	return e;
}

enum err index_follow(struct index *index, uint64_t until)
{
	if (index_followed(index) >= until)
		return ERR_OK;
	/* A check or a rebuild takes minutes. */
	if (pthread_mutex_trylock(&index->folding) != 0)
		return ERR_BUSY;
	enum err e = follow(index, until);
	pthread_mutex_unlock(&index->folding);
	return e;
}

enum err index_rebuild(struct index *index)
{
	bool more = true;
	pthread_mutex_lock(&index->folding);
	if (atomic_load(&index->rebuilds) % 2 == 0)
		atomic_fetch_add(&index->rebuilds, 1);
	/* What was purged stays so: the new tables are to equal the old ones. */
	uint32_t floor = 0;
	if (purged_floor(&index->env, &floor) != ERR_OK)
		floor = 0;
	index->purge = (struct purge){0};
	enum err e = start_over(index, NULL);
	if (!e)
		e = purged_start(&index->env, floor);
	if (!e)
		publish(index, &(struct header_mark){0}, &(struct content_mark){0});
	/* Bodies may have gone because of recalls: those are to be known before any content. */
	while (!e && more)
		e = fold_headers_once(index, &more);
	if (!e)
		e = content_catch_up(index);
	/* After a failure look-ups stay refused: not found would be a lie. */
	if (!e)
		atomic_fetch_add(&index->rebuilds, 1);
	pthread_mutex_unlock(&index->folding);
	return e;
}
