/* The main of a fuzz target as an ordinary test: every file of tests/fuzz/corpus/<target>, whole,
 * cut off at every byte, and with every bit flipped (long ones, and many, at fewer places).  Then
 * what fuzzers have found, whole: tests/fuzz/found/<target>.a, an archive of ar(1).  With WHOLE=1
 * in the environment everything is only whole: what the corpus itself covers (`make coverage`). */
#include <dirent.h>
#include <libgen.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

enum { INPUT_MAX = 1 << 20, RUNS_MAX = 40000, PLACES_MAX = 500, PLACE_RUNS = 4 };

/* Each member of an archive: a name, five numbers and the two bytes at its end, in text. */
enum { MEMBER_BYTES = 60, MEMBER_SIZE_AT = 48, MEMBER_SIZE_BYTES = 10 };

__attribute__((weak)) unsigned fuzz_cost(void)
{
	return 1;
}

/* In memory of exactly that size, so that the address sanitizer sees one byte too far. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	need(copy);
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_variations(uint8_t *data, size_t n, size_t places)
{
	size_t step = n / places + 1;

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

static void replay(const char *folder, const char *name, size_t places)
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
	run_variations(data, n, places);
	ok(true, "%s: %zu bytes", name, n);
}

static void replay_folder(const char *target)
{
	struct dirent **files;
	char folder[256];
	size_t places;
	int n;

	snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", target);
	n = scandir(folder, &files, NULL, alphasort);
	need(n > 0);
	places = RUNS_MAX / PLACE_RUNS / fuzz_cost() / (size_t)n + 1;
	for (int i = 0; i < n; i++) {
		if (files[i]->d_name[0] != '.')
			replay(folder, files[i]->d_name, places < PLACES_MAX ? places : PLACES_MAX);
		free(files[i]);
	}
	free(files);
	ok(tap_count > 0, "the corpus is not empty");
}

static void replay_found(const char *target)
{
	static uint8_t data[INPUT_MAX];
	char path[256], head[MEMBER_BYTES], magic[8];
	size_t count = 0;
	FILE *f;

	snprintf(path, sizeof path, "tests/fuzz/found/%s.a", target);
	f = fopen(path, "rb");
	if (!f)
		return;
	need(fread(magic, 1, sizeof magic, f) == sizeof magic && !memcmp(magic, "!<arch>\n", 8));
	while (fread(head, 1, sizeof head, f) == sizeof head) {
		size_t n;
		head[MEMBER_SIZE_AT + MEMBER_SIZE_BYTES] = '\0';
		n = strtoul(head + MEMBER_SIZE_AT, NULL, 10);
		need(n < sizeof data && fread(data, 1, n, f) == n);
		if (n % 2)
			fgetc(f);
		run(data, n);
		count++;
	}
	fclose(f);
	ok(count > 0, "and %zu that were found", count);
}

int main(int argc, char **argv)
{
	const char *target = strrchr(argv[0], '/');

	(void)argc;
	target = target ? target + 1 : argv[0];
	need(strncmp(target, "fuzz_", 5) == 0);
	replay_folder(target + 5);
	replay_found(target + 5);
	return tap_done();
}
