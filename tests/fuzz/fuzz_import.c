/* Files that colleagues send, read as the format that the first byte chooses: what is read is
 * counted, and every bundle made of it can be shared, and imported again as it is. */
#include "tests/fuzz/importing.h"

/* Each has a number here: who adds a format adds its name, behind the others. */
static const char *const formats[] = {NULL,   "stix", "misp",    "list",  "intelmq", "idea",
				      "zeek", "rpz",  "abusech", "hosts", "text"};

enum { FORMATS = sizeof formats / sizeof *formats };

static void all_are_reached(void)
{
	for (size_t i = 0; format_name(i); i++) {
		size_t k = 1;
		while (k < FORMATS && strcmp(formats[k], format_name(i)) != 0)
			k++;
		must(k < FORMATS);
	}
}

/* What was made of it is a file that a colleague could have sent. */
static void import_again(const struct part *part)
{
	struct importing g;

	importing_begin(&g, TLP_GREEN);
	must(import_read(&g.import, NULL, part->text, part->length, "part", &g.report) == ERR_OK);
	must(importing_check(&g, ERR_OK) && g.import.part_count == 1);
	must(g.import.parts[0].length == part->length &&
	     memcmp(g.import.parts[0].text, part->text, part->length) == 0);
	importing_end(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct importing g;
	enum err e;

	if (n == 0)
		return 0;
	all_are_reached();
	importing_begin(&g, TLP_GREEN);
	e = import_read(&g.import, formats[data[0] % FORMATS], (const char *)data + 1, n - 1,
			"file", &g.report);
	if (importing_check(&g, e))
		import_again(&g.import.parts[0]);
	importing_end(&g);
	return 0;
}
