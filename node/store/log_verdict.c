/* The one thing of a message's row that may change: its verdict. */
#include <string.h>

#include "node/store/log_parts.h"

enum { VERDICT_FACT_BYTES = 1 + LSN_BYTES, DETAIL_OFFSET = 1 };

/* The detail byte of the row after the change, or the same. */
static uint8_t changed(const struct log_row *row, enum verdict_change change)
{
	uint8_t detail = (uint8_t)((unsigned)row->verdict | (row->is_void ? VERDICT_VOID_BIT : 0));
	switch (change) {
	case VERDICT_RELEASED:
		return row->verdict == VERDICT_SUSPENDED
			       ? (uint8_t)(VERDICT_ACCEPTED | (detail & VERDICT_VOID_BIT))
			       : detail;
	case VERDICT_VOIDED:
		return detail | VERDICT_VOID_BIT;
	case VERDICT_AGAIN:
		break;
	}
	return detail;
}

static enum err rewrite(struct log *log, uint64_t lsn, enum verdict_change change)
{
	static _Thread_local uint8_t
		bytes[ROW_MESSAGE_BYTES + HEADER_MAX_BYTES + SIGNATURE_BYTES + CHECK_BYTES];
	uint8_t at[LSN_BYTES];
	struct log_row row;
	put_u64(at, lsn);
	MDB_val key = {sizeof at, at}, value;
	int rc = mdb_get(log->txn, log->tables.row, &key, &value);
	if (rc != 0)
		return lmdb_err(rc);
	enum err e = log_row_decode(&row, lsn, &value);
	if (e)
		return e;
	if (row.kind != LOG_MESSAGE || value.mv_size > sizeof bytes)
		return ERR_STATE;
	size_t n = value.mv_size - CHECK_BYTES;
	memcpy(bytes, value.mv_data, n);
	bytes[DETAIL_OFFSET] = changed(&row, change);
	if (bytes[DETAIL_OFFSET] == ((const uint8_t *)value.mv_data)[DETAIL_OFFSET])
		return ERR_STATE;
	log_row_check(bytes + n, lsn, bytes, n);
	value = (MDB_val){n + CHECK_BYTES, bytes};
	return lmdb_err(mdb_put(log->txn, log->tables.row, &key, &value, 0));
}

enum err log_change_verdict(struct log *log, uint64_t lsn, enum verdict_change change, uint64_t now)
{
	uint8_t fact[VERDICT_FACT_BYTES] = {(uint8_t)change};
	uint64_t at;
	if (!log->txn)
		return ERR_STATE;
	enum err e = change == VERDICT_AGAIN ? ERR_OK : rewrite(log, lsn, change);
	put_u64(fact + 1, lsn);
	return e ? e : log_append_fact(log, FACT_VERDICT, now, fact, sizeof fact, &at);
}

bool log_verdict_changed(const struct log_row *fact, enum verdict_change *change, uint64_t *lsn)
{
	if (fact->kind != LOG_FACT || fact->fact != FACT_VERDICT ||
	    fact->length != VERDICT_FACT_BYTES || fact->data[0] < VERDICT_RELEASED ||
	    fact->data[0] > VERDICT_AGAIN)
		return false;
	*change = (enum verdict_change)fact->data[0];
	*lsn = get_u64(fact->data + 1);
	return *lsn < fact->lsn;
}
