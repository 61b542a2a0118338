/* A folder of MISP's, which somebody else has filled: the input is manifest.json and behind each
 * zero byte an event, in files of four names.  No other file is read, whatever the manifest calls
 * them, and what is read of events is counted and can be shared. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/format/format.h"
#include "protocol/body.h"
#include "protocol/stix.h"
#include "tests/fuzz/fuzz.h"

enum { EVENTS = 4 };

static char folder[] = "/dev/shm/khabardar-fuzz.XXXXXX";
static const char *const names[EVENTS + 1] = {
	"manifest.json", "00000000-0000-4000-8000-000000000001.json",
	"00000000-0000-4000-8000-000000000002.json", "00000000-0000-4000-8000-000000000003.json",
	"00000000-0000-4000-8000-000000000004.json"};

static const char *path_of(const char *name)
{
	static char path[sizeof folder + 64];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void leave(void)
{
	for (size_t i = 0; i <= EVENTS; i++)
		unlink(path_of(names[i]));
	rmdir(folder);
}

static void save(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(path_of(name), "wb");

	must(f && (n == 0 || fwrite(bytes, 1, n, f) == n) && fclose(f) == 0);
}

static void prepare(void)
{
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	if (access("/dev/shm", W_OK) != 0)
		memcpy(folder, "/var/tmp", 8);
	must(mkdtemp(folder) && atexit(leave) == 0);
}

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
	bundle_free(b);
	must(body_pack(&body, &n, part->text, part->length) == ERR_OK);
	free(body);
}

static void import_all(void)
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
	if (import_feed(&i, folder, &report))
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
}

unsigned fuzz_cost(void)
{
	return 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	prepare();
	for (size_t i = 0; i <= EVENTS; i++) {
		const uint8_t *zero = n && i < EVENTS ? memchr(data, 0, n) : NULL;
		size_t length = zero ? (size_t)(zero - data) : n;
		save(names[i], data, length);
		length += zero != NULL;
		data += length;
		n -= length;
	}
	import_all();
	return 0;
}
