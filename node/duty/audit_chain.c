#include "node/duty/audit_chain.h"

#include <sodium.h>

#include "protocol/admin.h"
#include "protocol/bytes.h"
#include "protocol/json.h"

enum { VALUE_BYTES = 8 + HASH_BYTES };

static const char value_name[] = "audit";
static const char label[] = "khabar-audit-1";

/* The last row tells it as well, for whoever finds it.  One from before rows had numbers is not of
 * the chain. */
static enum err head_find(struct beacon_audit *head, struct log_reader *log)
{
	uint64_t lsn = 0;
	struct log_row row;
	const cJSON *number;
	cJSON *json = NULL;
	enum err e = log_last(log, &lsn);

	for (; !e && lsn > 0; lsn--) {
		e = log_read(log, lsn, &row);
		if (!e && row.kind == LOG_FACT && row.fact == FACT_AUDIT)
			break;
		if (e == ERR_NOT_FOUND || e == ERR_DAMAGED)
			e = ERR_OK;
	}
	if (e || lsn == 0 || json_parse(&json, (const char *)row.data, row.length, NULL) != ERR_OK)
		return e;
	number = cJSON_GetObjectItemCaseSensitive(json, "number");
	if (cJSON_IsNumber(number) && number->valuedouble >= 1) {
		head->number = (uint64_t)number->valuedouble;
		head->hash = audit_hash(&row);
	}
	cJSON_Delete(json);
	return ERR_OK;
}

enum err audit_head_read(struct beacon_audit *head, struct log_reader *log)
{
	uint8_t value[VALUE_BYTES];
	struct reader r;
	size_t n;
	enum err e = log_get(log, value_name, value, sizeof value, &n);

	*head = (struct beacon_audit){0};
	if (e == ERR_DAMAGED || e == ERR_LIMIT || (!e && n != sizeof value))
		return head_find(head, log);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	reader_init(&r, value, n);
	head->number = read_u64(&r);
	read_bytes(&r, head->hash.b, HASH_BYTES);
	return ERR_OK;
}

/* SPEC 9.2: "The hash of a row is the BLAKE2b-256 of "khabar-audit-1" | the time of the fact 8 |
 * the row." */
static struct hash hash_row(uint64_t time, const void *row, size_t length)
{
	crypto_generichash_state state;
	uint8_t at[8];
	struct hash hash;

	put_u64(at, time);
	crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof label - 1);
	crypto_generichash_update(&state, at, sizeof at);
	crypto_generichash_update(&state, row, length);
	crypto_generichash_final(&state, hash.b, HASH_BYTES);
	return hash;
}

struct hash audit_hash(const struct log_row *row)
{
	return hash_row(row->arrived, row->data, row->length);
}

static enum err head_write(struct log *log, const struct beacon_audit *head)
{
	uint8_t value[VALUE_BYTES];
	struct writer w;

	writer_init(&w, value, sizeof value);
	write_u64(&w, head->number);
	write_bytes(&w, head->hash.b, HASH_BYTES);
	return log_put(log, value_name, value, sizeof value);
}

enum err audit_append(struct log *log, struct beacon_audit *head, uint64_t now, const char *json,
		      size_t length)
{
	struct text t;
	uint64_t lsn;
	enum err e = ERR_MEMORY;

	/* SPEC 9.2: "`number` counts the rows from 1, and `before` is the hash of the row before,
	 * zeros in the first." */
	text_init(&t);
	text_str(&t, "{");
	admin_put_number(&t, "number", head->number + 1);
	admin_put_hex(&t, "before", head->hash.b, HASH_BYTES);
	text_str(&t, ",");
	text_add(&t, json + 1, length - 1);
	if (!t.bad)
		e = log_append_fact(log, FACT_AUDIT, now, t.at, t.length, &lsn);
	if (!e) {
		head->number++;
		head->hash = hash_row(now, t.at, t.length);
		e = head_write(log, head);
	}
	text_clear(&t);
	return e;
}
