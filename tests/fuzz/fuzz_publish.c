/* What a MISP instance publishes: a line of input is a message, and what is kept of one is JSON
 * that the importer of events reads, with nothing in it that is not for others. */
#include "node/format/misp_publish.h"
#include "tests/fuzz/importing.h"

static const char org[] = "5c4e7f2a-1b0c-4d3e-8a5f-0123456789ab";

/* It may hold nothing that can be shared, and then it says so. */
static void import_again(const char *json)
{
	struct importing g;

	importing_begin(&g, TLP_AMBER);
	importing_check(&g, import_read(&g.import, "misp", json, strlen(json), "event", &g.report));
	importing_end(&g);
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
