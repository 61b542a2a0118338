/* Files that colleagues send, read as the format that the first byte chooses: what is read is
 * counted, and every bundle made of it can be read and shared. */
#include <string.h>

#include "node/format/format.h"
#include "protocol/body.h"
#include "tests/fuzz/fuzz.h"

static void no_chance(void *out, size_t n)
{
	memset(out, 7, n);
}

static void check_part(const struct part *part)
{
	struct bundle *b;
	uint8_t *body;
	size_t n;

	must(bundle_read(&b, part->text, part->length, BUNDLE_OBJECTS_MAX, NULL) == ERR_OK);
	must(bundle_count(b) >= part->objects);
	bundle_free(b);
	must(body_pack(&body, &n, part->text, part->length) == ERR_OK);
	free(body);
}

/* Each has a number here: who adds a format adds its name, behind the others. */
static void all_are_reached(const char *const *formats, size_t n)
{
	for (size_t i = 0; format_name(i); i++) {
		size_t k = 1;
		while (k < n && strcmp(formats[k], format_name(i)) != 0)
			k++;
		must(k < n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const formats[] = {NULL,   "stix", "misp",    "list",  "intelmq", "idea",
					      "zeek", "rpz",  "abusech", "hosts", "text"};
	struct import_options options = {.node = "punjab",
					 .tlp = TLP_GREEN,
					 .confidence = -1,
					 .now = 1780000000000,
					 .random = no_chance,
					 .skip_rejected = true};
	struct report report;
	struct import i;

	if (n == 0)
		return 0;
	all_are_reached(formats, sizeof formats / sizeof *formats);
	report_init(&report);
	must(import_init(&i, &options, &report) == ERR_OK);
	if (import_read(&i, formats[data[0] % 11], (const char *)data + 1, n - 1, "file", &report))
		must(report.total > 0);
	else
		must(i.read == i.taken + i.duplicates + i.context + i.rejected_count);
	if (import_finish(&i, &report) == ERR_OK) {
		must(i.part_count > 0);
		for (size_t part = 0; part < i.part_count; part++)
			check_part(&i.parts[part]);
	}
	import_clear(&i);
	report_clear(&report);
	return 0;
}
