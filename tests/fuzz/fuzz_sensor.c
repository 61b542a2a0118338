/* Lines that sensors write, in which attackers choose names and URLs: whatever a line is taken
 * for, what is to be looked up is of the line, and a time is one that can be written. */
#include <string.h>

#include "node/format/sensor.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"

static const uint64_t now = UINT64_C(1795298400000);

static void look(enum sensor_format format, struct slice line, struct text *scratch)
{
	struct slice values = sensor_values(format, line, scratch);
	bool inside = values.at >= line.at && values.at + values.length <= line.at + line.length;
	bool written = scratch->at && values.at >= scratch->at &&
		       values.at + values.length <= scratch->at + scratch->length;
	uint64_t ms;
	char text[TIME_BYTES];

	must(values.length == 0 || inside || written);
	if (sensor_time(&ms, line, now))
		must(strlen(time_format(text, ms)) < sizeof text);
}

static void look_at_all(enum sensor_format format, const char *at, size_t n)
{
	struct text scratch;

	text_init(&scratch);
	while (n > 0) {
		const char *end = memchr(at, '\n', n);
		size_t length = end ? (size_t)(end - at) : n;
		look(format, (struct slice){at, length}, &scratch);
		length += end != NULL;
		at += length;
		n -= length;
	}
	text_clear(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	enum sensor_format seen = sensor_detect((struct slice){text, n}), parsed;

	must(seen < SENSOR_FORMATS);
	for (enum sensor_format f = SENSOR_EVE; f < SENSOR_FORMATS; f++) {
		must(sensor_parse(&parsed, sensor_str(f)) && parsed == f);
		look_at_all(f, text, n);
	}
	return 0;
}
