#include <string.h>

#include "protocol/frame.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct frame f;
	static uint8_t again[FRAME_MAX_BYTES];

	if (frame_decode(&f, data, n) == ERR_OK) {
		must(frame_encode(&f, again) == n);
		must(memcmp(again, data, n) == 0);
	}
	return 0;
}
