/* Lines of logs, which anybody can write into: the quick way finds what the plain way finds. */
#include "tests/fuzz/fuzz.h"
#include "tests/two_scans.h"

enum { LINE_MAX_BYTES = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n <= LINE_MAX_BYTES)
		must(same((const char *)data, n));
	return 0;
}
