#include <string.h>

#include "protocol/count.h"
#include "protocol/frame.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct frame f;
	static struct counts counts;
	static uint8_t again[FRAME_MAX_BYTES];

	if (counts_decode(&counts, data, n) == ERR_OK)
		must(counts_encode(&counts, again) == n && memcmp(again, data, n) == 0);
	if (frame_decode(&f, data, n) == ERR_OK) {
		must(frame_encode(&f, again) == n);
		must(memcmp(again, data, n) == 0);
	}
	return 0;
}
