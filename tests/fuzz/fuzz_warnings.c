/* A warning list, which anybody may have made.  It is taken, or refused in words, and what is found
 * is on it. */
#include <string.h>
#include <unistd.h>

#include "node/detect/warning_list.h"
#include "tests/fuzz/fuzz.h"

enum { FOUND_MAX = 4 };

static char path[] = "/dev/shm/khabardar-fuzz.XXXXXX";

static void leave(void)
{
	unlink(path);
}

static void prepare(void)
{
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	if (access("/dev/shm", W_OK) != 0)
		memcpy(path, "/var/tmp", 8);
	must(close(mkstemp(path)) == 0 && atexit(leave) == 0);
}

static void look(const struct warning_lists *w, const char *value, size_t lists)
{
	const char *names[FOUND_MAX] = {0}, *why;
	struct observable o;
	size_t n;

	if (observable_detect(&o, value, &why) != ERR_OK)
		return;
	n = warning_lists_find(w, &o, names, FOUND_MAX);
	must(n <= lists);
	for (size_t i = 0; i < n && i < FOUND_MAX; i++)
		must(names[i] && strlen(names[i]) < 1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const values[] = {
		"192.0.2.1",       "8.8.8.8",      "2001:db8::1",
		"www.example.com", "example.com",  "http://example.com/a",
		"a@example.com",   "192.0.2.0/24", "d41d8cd98f00b204e9800998ecf8427e"};
	struct warning_lists *w = warning_lists_new();
	struct report report;
	FILE *f;
	enum err e;

	prepare();
	must(w);
	f = fopen(path, "wb");
	must(f && (n == 0 || fwrite(data, 1, n, f) == n) && fclose(f) == 0);
	report_init(&report);
	e = warning_lists_take(w, path, &report);
	must((e == ERR_OK) == (report.total == 0));
	warning_lists_close(w);
	must(warning_lists_unread(w) <= warning_lists_entries(w) + n);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		look(w, values[i], warning_lists_count(w));
	must(warning_lists_count(w) <= 1 && (e == ERR_OK || warning_lists_count(w) == 0));
	warning_lists_free(w);
	report_clear(&report);
	return 0;
}
