/* Receipts: what is read is written again as the same statements. */
#include "protocol/receipt.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct receipt *r)
{
	struct receipt again;
	struct text t;

	text_init(&t);
	receipt_write(&t, r->items, r->count);
	must(!t.bad && receipt_read(&again, t.at, t.length, NULL) == ERR_OK);
	must(again.count == r->count);
	for (size_t i = 0; i < r->count; i++) {
		const struct statement *a = &r->items[i], *b = &again.items[i];
		must(message_id_equal(&a->message, &b->message) && a->state == b->state);
		must(a->at == b->at && a->to_count == b->to_count);
		must(a->state != RECEIPT_CANNOT_OPEN || a->reason == b->reason);
		must(!a->because == !b->because);
	}
	receipt_clear(&again);
	text_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct receipt r;

	if (receipt_read(&r, (const char *)data, n, NULL) == ERR_OK) {
		must(r.count <= STATEMENTS_MAX);
		if (r.count)
			look_at(&r);
		receipt_clear(&r);
	}
	return 0;
}
