/* The main of a fuzz target as an ordinary test: every file of tests/fuzz/corpus/<target>, whole,
 * cut off at every byte, and with every bit flipped (long ones at about 500 places).  With WHOLE=1
 * in the environment, only whole: what the corpus itself covers (`make coverage`). */
#include <dirent.h>
#include <libgen.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

enum { INPUT_MAX = 1 << 20, PLACES = 500 };

/* In memory of exactly that size, so that the address sanitizer sees one byte too far. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	need(copy);
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_variations(uint8_t *data, size_t n)
{
	size_t step = n / PLACES + 1;

	run(data, n);
	if (getenv("WHOLE"))
		return;
	for (size_t i = 0; i < n; i += step)
		run(data, i);
	for (size_t i = 0; i < n; i += step) {
		for (unsigned bit = 0; bit < 8; bit += step == 1 ? 1 : 3) {
			data[i] ^= (uint8_t)(1U << bit);
			run(data, n);
			data[i] ^= (uint8_t)(1U << bit);
		}
	}
}

static void replay(const char *folder, const char *name)
{
	static uint8_t data[INPUT_MAX];
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "rb");
	need(f);
	n = fread(data, 1, sizeof data, f);
	need(!ferror(f) && n < sizeof data);
	fclose(f);
	run_variations(data, n);
	ok(true, "%s: %zu bytes", name, n);
}

int main(int argc, char **argv)
{
	const char *target = strrchr(argv[0], '/');
	struct dirent **files;
	char folder[256];
	int n;

	(void)argc;
	target = target ? target + 1 : argv[0];
	need(strncmp(target, "fuzz_", 5) == 0);
	snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", target + 5);
	n = scandir(folder, &files, NULL, alphasort);
	need(n > 0);
	for (int i = 0; i < n; i++) {
		if (files[i]->d_name[0] != '.')
			replay(folder, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	ok(tap_count > 0, "the corpus is not empty");
	return tap_done();
}
