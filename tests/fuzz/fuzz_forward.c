#include <string.h>

#include "protocol/forward.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct header original;
	struct header h = {.flags = FLAG_SEALED};
	struct forward f;
	struct forward_case c = {.header = &h, .original = &original, .forward = &f};
	char why[FORWARD_WHY_BYTES];
	struct text again;

	if (forward_read(&f, &original, data, n) != ERR_OK)
		return 0;
	must(reason_valid(f.reason.at, f.reason.length));
	text_init(&again);
	forward_write(&again, &f);
	must(!again.bad && again.length == n && memcmp(again.at, data, n) == 0);
	text_clear(&again);
	h.tlp = original.tlp;
	h.expiry = original.expiry;
	h.network = original.network;
	h.topology = original.topology;
	if (forward_well_made(&c, why))
		must(!forward_forbidden(&original));
	return 0;
}
