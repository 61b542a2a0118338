#include <string.h>

#include "protocol/council.h"
#include "protocol/suspension.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct topology *t;
	struct suspension *s;
	struct report report;
	struct hash pinned;
	enum err e;

	report_init(&report);
	e = topology_parse(&t, text, n, &report);
	/* What is refused is refused in words, what is accepted is the text itself. */
	must((e == ERR_OK) == (report.total == 0) || e == ERR_MEMORY);
	if (e == ERR_OK) {
		must(t->text_length == n && memcmp(t->text, text, n) == 0);
		must(t->root < t->party_count);
		topology_free(t);
	}
	report_clear(&report);
	e = suspension_parse(&s, text, n, &report);
	must((e == ERR_OK) == (report.total == 0) || e == ERR_MEMORY);
	if (e == ERR_OK) {
		must(s->serial && s->from < s->until && s->count <= SUSPENDED_MAX);
		must(suspension_is(text, n));
		suspension_free(s);
	}
	report_clear(&report);
	pinned = hash_of(data, council_text_length(text, n));
	if (council_open(&t, text, n, &pinned, NULL) == ERR_OK)
		topology_free(t);
	return 0;
}
