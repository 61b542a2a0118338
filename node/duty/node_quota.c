#include "node/duty/node_quota.h"

#include <string.h>

#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/bytes.h"

enum { ROWS_AT_ONCE = 20000, JUDGE_MS = 100, BODY_LENGTH_OFFSET = 84 };

void quota_open(struct node *n)
{
	pthread_mutex_init(&n->quotas.lock, NULL);
	quota_init(&n->quotas.quota);
	n->quotas.opened = log_head(n->log);
	n->quotas.changed = true;
}

void quota_close(struct node *n)
{
	if (!n->log)
		return;
	quota_clear(&n->quotas.quota);
	pthread_mutex_destroy(&n->quotas.lock);
}

/* A row of a message: whose, and how much. */
static struct quota_use use_of(const struct log_row *row, bool body_only)
{
	struct quota_use use = {.bytes = body_only ? 0 : row->length};

	memcpy(use.origin.b, row->data + ORIGIN_OFFSET, PARTY_ID_BYTES);
	if (row->has_body)
		use.bytes += get_u32(row->data + BODY_LENGTH_OFFSET);
	return use;
}

void quota_stored(struct node *n, uint64_t lsn, const struct arrival *a)
{
	struct quota_book *b = &n->quotas;
	struct party_id origin;

	if (lsn <= b->opened)
		return;
	memcpy(origin.b, a->message.header + ORIGIN_OFFSET, PARTY_ID_BYTES);
	pthread_mutex_lock(&b->lock);
	quota_add(&b->quota, &origin,
		  a->message.header_length + SIGNATURE_BYTES +
			  (a->message.body ? a->message.body_length : 0));
	b->changed = true;
	pthread_mutex_unlock(&b->lock);
}

/* Counts on in the log, up to where it ended when this run began. */
static enum err count_rows(struct quota_book *b, struct log_reader *reader, struct quota *part)
{
	struct log_row row = {0};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ROWS_AT_ONCE && b->counted < b->opened; i++) {
		e = log_read_from(reader, b->counted + 1, &row);
		if (e == ERR_NOT_FOUND || (!e && row.lsn > b->opened)) {
			b->counted = b->opened;
			return ERR_OK;
		}
		if (!e && row.kind == LOG_MESSAGE) {
			struct quota_use use = use_of(&row, false);
			e = quota_add(part, &use.origin, use.bytes);
		}
		/* What is damaged counts for nobody. */
		if (e && (e != ERR_DAMAGED || row.lsn <= b->counted))
			return e;
		b->counted = row.lsn;
	}
	return ERR_OK;
}

enum err duty_quota(struct node *n, uint64_t now, uint64_t *next)
{
	struct quota_book *b = &n->quotas;
	struct log_reader *reader;
	struct quota part;
	enum err e;

	if (b->counted >= b->opened)
		return ERR_OK;
	e = log_reader_open(&reader, n->log);
	if (e)
		return e;
	quota_init(&part);
	e = count_rows(b, reader, &part);
	log_reader_close(reader);
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < part.count; i++)
		quota_add(&b->quota, &part.uses[i].origin, part.uses[i].bytes);
	b->changed = true;
	pthread_mutex_unlock(&b->lock);
	quota_clear(&part);
	if (!e && b->counted < b->opened)
		*next = now;
	return e;
}

enum err quota_going(struct node *n, const struct erasable *what, size_t count,
		     struct quota_going *out)
{
	const struct quota_book *b = &n->quotas;
	struct log_reader *reader;
	struct log_row row;
	enum err e = log_reader_open(&reader, n->log);

	out->count = 0;
	if (e)
		return e;
	for (size_t i = 0; i < count && i < QUOTA_GONE_MAX; i++) {
		/* What goes before it was counted is not found then. */
		if (what[i].lsn > b->counted && what[i].lsn <= b->opened)
			continue;
		if (log_read(reader, what[i].lsn, &row) == ERR_OK && row.kind == LOG_MESSAGE)
			out->list[out->count++] = use_of(&row, !what[i].expired);
	}
	log_reader_close(reader);
	return ERR_OK;
}

void quota_gone(struct node *n, const struct quota_going *going)
{
	struct quota_book *b = &n->quotas;

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < going->count; i++)
		quota_take(&b->quota, &going->list[i].origin, going->list[i].bytes);
	b->changed = true;
	pthread_mutex_unlock(&b->lock);
}

static bool same(const struct quota_book *b, const struct quota_paused *list, size_t count)
{
	if (count != b->paused_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool known = false;
		for (size_t k = 0; k < count; k++)
			known |= party_id_equal(&b->paused[k].origin, &list[i].origin);
		if (!known)
			return false;
	}
	return true;
}

/* Each that is new goes into the journal; status shows them for as long as it lasts. */
static void tell(const struct node *n, const struct topology *t, const struct quota_paused *list,
		 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct party *p = topology_party_by_id(t, &list[i].origin);
		bool known = false;
		for (size_t k = 0; k < n->quotas.paused_count; k++)
			known |= party_id_equal(&n->quotas.paused[k].origin, &list[i].origin);
		if (known || !p)
			continue;
		say(LEVEL_WARNING, "neighbours are asked to hold back what %s says: %s", p->name,
		    list[i].why == QUOTA_USED ? "its quota is used up"
					      : "the store is nearly full, and it has most of it");
	}
}

static void judge_now(struct node *n, const struct topology *t)
{
	struct quota_book *b = &n->quotas;
	struct quota_paused list[PAUSED_MAX];
	struct party_id origins[PAUSED_MAX];
	size_t count;

	pthread_mutex_lock(&b->lock);
	b->changed = false;
	count = quota_judge(&b->quota, t, &n->self, b->full, b->waits, list);
	pthread_mutex_unlock(&b->lock);
	if (!same(b, list, count)) {
		for (size_t i = 0; i < count; i++)
			origins[i] = list[i].origin;
		tell(n, t, list, count);
		exchange_pause(n->exchange, origins, count, node_now());
		n->more = true;
	}
	memcpy(b->paused, list, count * sizeof *list);
	b->paused_count = count;
	n->status_stale = true;
}

uint64_t quota_tick(struct node *n, uint64_t now)
{
	struct quota_book *b = &n->quotas;
	const struct topology *t = versions_newest(n->versions);
	unsigned full = n->status.fullness >= QUOTA_FULL_PERCENT ? n->status.fullness : 0;
	bool waits = n->restoring.waits, changed;

	pthread_mutex_lock(&b->lock);
	changed = b->changed;
	pthread_mutex_unlock(&b->lock);
	if (!t || (!changed && full == b->full && waits == b->waits && t->version == b->version))
		return LOOP_NEVER;
	if (b->judged && now < b->judged + JUDGE_MS)
		return b->judged + JUDGE_MS;
	b->judged = now;
	b->full = full;
	b->waits = waits;
	b->version = t->version;
	judge_now(n, t);
	return LOOP_NEVER;
}
