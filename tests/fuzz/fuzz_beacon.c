#include <string.h>

#include "protocol/beacon.h"
#include "protocol/evidence.h"
#include "tests/fuzz/fuzz.h"

static void beacon_again(const char *json, size_t n)
{
	static struct beacon b, again;
	struct text t;

	if (beacon_read(&b, json, n, NULL) != ERR_OK)
		return;
	text_init(&t);
	beacon_write(&t, &b);
	must(beacon_read(&again, t.at, t.length, NULL) == ERR_OK);
	must(b.incarnation_count == again.incarnation_count && b.range_count == again.range_count);
	for (size_t i = 0; i < b.incarnation_count; i++)
		must(b.incarnations[i].last == again.incarnations[i].last &&
		     b.incarnations[i].at + b.incarnations[i].count <= b.range_count);
	must(memcmp(b.ranges, again.ranges, b.range_count * sizeof *b.ranges) == 0);
	text_clear(&t);
}

static void evidence_again(const char *json, size_t n)
{
	static struct evidence e, again;
	struct text t;

	if (evidence_read(&e, json, n, NULL) != ERR_OK)
		return;
	text_init(&t);
	evidence_write(&t, &e, "anybody");
	must(evidence_read(&again, t.at, t.length, NULL) == ERR_OK);
	for (int i = 0; i < 2; i++)
		must(e.parts[i].length == again.parts[i].length &&
		     memcmp(e.parts[i].header, again.parts[i].header, e.parts[i].length) == 0);
	text_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	beacon_again((const char *)data, n);
	evidence_again((const char *)data, n);
	return 0;
}
