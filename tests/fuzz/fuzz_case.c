/* The file of an incident, which anybody may have written. */
#include "node/case_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct case_file f;
	struct report report;
	enum err e;

	report_init(&report);
	e = case_file_read(&f, data, n, &report);
	must((e == ERR_OK) == (report.total == 0));
	must(e != ERR_OK || is_case_file(data, n));
	if (e == ERR_OK)
		case_file_clear(&f);
	report_clear(&report);
	return 0;
}
