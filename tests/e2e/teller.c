/* Many messages at once, for end-to-end tests: teller HOME NAME COUNT shares NAME1.example to
 * NAMECOUNT.example with all, one value a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/admin/ask.h"

enum { AT_ONCE = 50 };

static const char *const when = "2026-01-01T00:00:00.000Z";

/* FNV-1a: other names, other objects. */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619;
	return h;
}

static struct slice bundle(struct text *t, const char *name, unsigned number)
{
	char words[640];

	snprintf(
		words, sizeof words,
		"{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-%012x\",\"objects\":"
		"["
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\","
		"\"id\":\"indicator--%08x-0000-4000-8000-%012x\","
		"\"created\":\"%s\",\"modified\":\"%s\",\"valid_from\":\"%s\","
		"\"pattern\":\"[domain-name:value = '%s%u.example']\",\"pattern_type\":\"stix\"}]}",
		number, hash(name), number, when, when, when, name, number);
	text_init(t);
	text_str(t, words);
	return (struct slice){t->at, t->length};
}

static bool tell(struct ask *a, const char *name, unsigned first, unsigned count)
{
	struct text texts[AT_ONCE];
	struct slice frames[AT_ONCE];
	struct report report;
	struct reply reply;
	bool told;

	report_init(&report);
	for (unsigned i = 0; i < count; i++)
		frames[i] = bundle(&texts[i], name, first + i);
	told = ask(a, "{\"do\":\"share\",\"tlp\":\"green\",\"to\":[\"all\"]}", frames, count, true,
		   &reply, &report) == ERR_OK;
	if (told) {
		told = reply.ok;
		if (!told)
			fprintf(stderr, "teller: %s\n", reply.text);
		reply_clear(&reply);
	}
	for (unsigned i = 0; i < count; i++)
		text_clear(&texts[i]);
	return told;
}

int main(int argc, char **argv)
{
	unsigned count = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	struct ask *a;
	bool told = true;

	if (count == 0 || strlen(argv[2]) > 40) {
		fputs("teller HOME NAME COUNT\n", stderr);
		return 3;
	}
	if (ask_open(&a, argv[1], NULL, NULL, NULL) != ERR_OK)
		return 2;
	for (unsigned n = 1; told && n <= count; n += AT_ONCE)
		told = tell(a, argv[2], n, count - n < AT_ONCE ? count - n + 1 : AT_ONCE);
	ask_close(a);
	return told ? 0 : 1;
}
