#include "node/duty/audit_own.h"

#include "node/duty/audit_chain.h"

void audit_own_add(struct audit_own *own, const struct beacon_audit *head)
{
	size_t least = 0;

	for (size_t i = 0; i < own->count; i++) {
		if (own->told[i].head.number == head->number &&
		    hash_equal(&own->told[i].head.hash, &head->hash))
			return;
		if (own->told[i].head.number < own->told[least].head.number)
			least = i;
	}
	if (own->count < AUDIT_OWN_MAX)
		own->told[own->count++].head = *head;
	else if (own->told[least].head.number < head->number)
		own->told[least].head = *head;
	for (size_t i = 0; i < own->count; i++)
		own->told[i].found = false;
	own->at = 0;
}

static void compare(struct audit_own *own, const struct log_row *row)
{
	struct hash hash = audit_hash(row);

	for (size_t i = 0; i < own->count; i++)
		own->told[i].found =
			own->told[i].found || hash_equal(&own->told[i].head.hash, &hash);
}

enum err audit_own_look(struct audit_own *own, struct log_reader *log, unsigned rows)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < rows && !e; i++) {
		struct log_row row = {0};
		e = log_read_from(log, own->at + 1, &row);
		if (e == ERR_DAMAGED && row.lsn > own->at)
			e = ERR_OK;
		else if (!e && row.kind == LOG_FACT && row.fact == FACT_AUDIT)
			compare(own, &row);
		if (!e)
			own->at = row.lsn;
	}
	return e;
}

enum audit_fault audit_own_fault(const struct audit_own *own, uint64_t number, uint64_t *more)
{
	enum audit_fault fault = AUDIT_GOOD;

	*more = number;
	for (size_t i = 0; i < own->count; i++) {
		if (own->told[i].found)
			continue;
		if (own->told[i].head.number > *more)
			*more = own->told[i].head.number;
		fault = AUDIT_OTHER;
	}
	return *more > number ? AUDIT_FEWER : fault;
}
