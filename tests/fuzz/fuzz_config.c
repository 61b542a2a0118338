#include "node/config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config *c;
	struct report report;
	enum err e;

	report_init(&report);
	e = config_parse(&c, (const char *)data, n, "khabardar.zpl", &report);
	must((e == ERR_OK) == (report.total == 0) && (e == ERR_OK) == (c != NULL));
	config_free(c);
	report_clear(&report);
	return 0;
}
