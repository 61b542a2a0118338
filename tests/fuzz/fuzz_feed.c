/* A folder of MISP's, which somebody else has filled: the input is manifest.json and behind each
 * zero byte an event, in files of four names.  No other file is read, whatever the manifest calls
 * them, and what is read of events is counted and can be shared. */
#include <unistd.h>

#include "tests/fuzz/importing.h"

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

unsigned fuzz_cost(void)
{
	return 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct importing g;

	prepare();
	for (size_t i = 0; i <= EVENTS; i++) {
		const uint8_t *zero = n && i < EVENTS ? memchr(data, 0, n) : NULL;
		size_t length = zero ? (size_t)(zero - data) : n;
		save(names[i], data, length);
		length += zero != NULL;
		data += length;
		n -= length;
	}
	importing_begin(&g, TLP_AMBER);
	importing_check(&g, import_feed(&g.import, folder, &g.report));
	importing_end(&g);
	return 0;
}
