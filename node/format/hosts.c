/* Hosts files that block: names that are sent to an address where nothing is. */
#include <string.h>

#include "node/format/import.h"
#include "node/format/lines.h"

/* What hosts files say of the machine itself. */
static const char *const own_names[] = {
	"localhost",     "localhost.localdomain",
	"localhost4",    "localhost4.localdomain4",
	"localhost6",    "local",
	"broadcasthost", "localhost6.localdomain6",
	"ip6-localhost", "ip6-loopback",
	"ip6-localnet",  "ip6-mcastprefix",
	"ip6-allnodes",  "ip6-allrouters",
	"ip6-allhosts",  "0.0.0.0",
};

/* 0.0.0.0, 127.0.0.0/8, :: and ::1. */
static bool nowhere(struct line word)
{
	static const uint8_t none[16], self[16] = {[15] = 1};
	struct observable o;
	char text[64];

	if (!field_plain(text, sizeof text, word) || observable_detect(&o, text, NULL))
		return false;
	if (o.type == OBSERVABLE_IPV4 && o.prefix == 32)
		return o.address[0] == 127 || memcmp(o.address, none, 4) == 0;
	return o.type == OBSERVABLE_IPV6 && o.prefix == 128 &&
	       (memcmp(o.address, none, 16) == 0 || memcmp(o.address, self, 16) == 0);
}

bool looks_hosts(const char *bytes, size_t n)
{
	struct lines s = {.at = bytes, .end = bytes + n};
	struct line l, words[FIELDS_MAX];
	size_t sample = 0, fits = 0;

	while (sample < SAMPLE_LINES && line_next_said(&s, &l)) {
		sample++;
		fits += words_split(line_uncommented(l), words) > 1 && nowhere(words[0]);
	}
	return sample > 0 && 2 * fits > sample;
}

static bool own(struct line name)
{
	for (size_t w = 0; w < sizeof own_names / sizeof *own_names; w++) {
		if (field_is(name, own_names[w]))
			return true;
	}
	return false;
}

static enum err name_read(struct import *i, struct line word, bool blocked, const char *input)
{
	struct observable o;
	char text[OBSERVABLE_MAX_BYTES];
	const char *why = "an address where something is: this is not a block list";

	if (own(word))
		return import_leave(i, "names of the machine itself");
	i->read++;
	if (!blocked)
		return import_reject(i, input, word.number, word.at, word.length, why);
	why = "not a name";
	if (!field_plain(text, sizeof text, word) ||
	    observable_set(&o, OBSERVABLE_DOMAIN, text, &why))
		return import_reject(i, input, word.number, word.at, word.length, why);
	return value_add(i, &o, NULL);
}

static enum err line_read(struct import *i, struct line l, const char *input)
{
	struct line words[FIELDS_MAX];
	const char *why = line_bad(l);
	size_t n = words_split(line_uncommented(l), words);
	enum err err = ERR_OK;

	if (!why && n < 2)
		why = "an address and a name are wanted";
	if (!why && n > FIELDS_MAX)
		why = "more than 63 names";
	if (why) {
		i->read++;
		return import_reject(i, input, l.number, l.at, l.length, why);
	}
	for (size_t w = 1; w < n && !err; w++)
		err = name_read(i, words[w], nowhere(words[0]), input);
	return err;
}

enum err import_hosts(struct import *i, const char *bytes, size_t n, const char *name,
		      struct report *report)
{
	struct lines s = lines_of(i, bytes, n);
	struct line l;
	enum err err = ERR_OK;

	(void)report;
	while (!err && line_next_said(&s, &l))
		err = line_read(i, l, name);
	return err;
}
