/* What a MISP instance publishes: a line of input is a message, and what is kept of one is JSON
 * that the importer of events reads, with nothing in it that is not for others. */
#include <string.h>

#include "node/format/format.h"
#include "node/format/misp_publish.h"
#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"

static const char org[] = "5c4e7f2a-1b0c-4d3e-8a5f-0123456789ab";

static void no_chance(void *out, size_t n)
{
	memset(out, 7, n);
}

/* It may hold nothing that can be shared, and then it says so. */
static void import_again(const char *json)
{
	struct import_options options = {.node = "punjab",
					 .tlp = TLP_AMBER,
					 .confidence = -1,
					 .now = UINT64_C(1795298400000),
					 .random = no_chance,
					 .skip_rejected = true};
	struct report report;
	struct import i;

	report_init(&report);
	must(import_init(&i, &options, &report) == ERR_OK);
	if (import_read(&i, "misp", json, strlen(json), "event", &report))
		must(report.total > 0);
	else if (import_finish(&i, &report))
		must(report.total > 0);
	import_clear(&i);
	report_clear(&report);
}

static void take(const char *bytes, size_t n)
{
	struct misp_event event = {0};
	enum misp_published what = misp_publish_read(&event, bytes, n, org);
	cJSON *json = NULL;

	if (what == MISP_EVENT_CHANGED || what == MISP_EVENT_DELETED) {
		must(strlen(event.uuid) == 36);
		must(!event.has_tlp || event.tlp < TLP_COUNT);
	}
	if (what == MISP_EVENT_CHANGED && event.json) {
		struct misp_tlp tlp = misp_event_tlp(event.json, strlen(event.json));
		must(json_parse(&json, event.json, strlen(event.json), NULL) == ERR_OK);
		must(tlp.has == event.has_tlp && (!tlp.has || tlp.tlp == event.tlp));
		cJSON_Delete(json);
		import_again(event.json);
	}
	misp_event_clear(&event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data;

	while (n > 0) {
		const char *end = memchr(at, '\n', n);
		size_t length = end ? (size_t)(end - at) : n;
		take(at, length);
		length += end != NULL;
		at += length;
		n -= length;
	}
	return 0;
}
