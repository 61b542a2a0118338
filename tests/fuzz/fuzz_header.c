#include <string.h>

#include "protocol/message.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct header h;
	static uint8_t again[HEADER_MAX_BYTES];
	struct message_view view;
	size_t written;

	if (header_decode(&h, data, n) == ERR_OK) {
		must(header_encode(&h, again, sizeof again, &written) == ERR_OK);
		must(written == n && memcmp(again, data, n) == 0);
		must(header_peek_length(data, n) == n);
		header_violation(&h);
	}
	if (message_split(&view, data, n) == ERR_OK)
		must(view.header_length + SIGNATURE_BYTES + view.body_length == n);
	return 0;
}
