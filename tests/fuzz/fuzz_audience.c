/* What --to names: the first byte chooses TLP and whether it is direct, what follows are words.
 * Whoever is chosen can be explained, and the letters hold each of them once. */
#include <string.h>

#include "protocol/recipients.h"
#include "tests/fuzz/fuzz.h"

static struct topology *topology;

static void prepare(void)
{
	static char text[16 << 10];
	FILE *f;

	if (topology)
		return;
	f = fopen("tests/protocol/topology/base.zpl", "r");
	must(f && topology_parse(&topology, text, fread(text, 1, sizeof text, f), NULL) == ERR_OK);
	fclose(f);
}

/* The parties of all letters are those that were chosen, each once, and the author in each. */
static void check_letters(const struct recipients *r, const struct party *self)
{
	static struct letter l, again;
	size_t others = 0;

	for (size_t i = 0; i < recipients_letters(r); i++) {
		struct header h = {.origin = self->id};
		struct recipients back;
		struct party_id missing;
		bool own = false;
		must(recipients_letter(&l, r, self, i) && l.count <= RECIPIENTS_MAX);
		for (size_t k = 0; k < l.count; k++) {
			must(k == 0 ||
			     memcmp(l.to[k - 1].party.b, l.to[k].party.b, PARTY_ID_BYTES) < 0);
			own |= party_id_equal(&l.to[k].party, &self->id);
			h.recipients[k] =
				(struct recipient){.party = l.to[k].party, .key = l.to[k].number};
		}
		must(own == !r->all);
		others += l.count - own;
		h.audience = l.audience;
		h.recipient_count = (uint16_t)l.count;
		h.flags = (uint8_t)((l.count ? FLAG_SEALED : 0) | (l.direct ? FLAG_DIRECT : 0));
		must(header_audience_valid(&h));
		must(recipients_of(&back, topology, &h) == ERR_OK);
		must(back.all == r->all && back.count == l.count - own);
		recipients_clear(&back);
		if (l.count == 0)
			continue;
		must(recipients_letter_again(&again, topology, &r->book, NULL, &h, &missing));
		must(again.count == l.count &&
		     memcmp(again.audience.b, l.audience.b, AUDIENCE_ID_BYTES) == 0);
	}
	must(others == r->count);
}

static void check(const struct recipients *r, const struct party *self, enum tlp tlp)
{
	struct explanation e;

	/* Nobody is never everybody, and what is AMBER is never for all. */
	must(r->all ? tlp <= TLP_GREEN && r->count == 0 : r->count > 0);
	for (size_t i = 0; i < r->count; i++) {
		must(r->chosen[i].party != self && r->chosen[i].how[0]);
		must(i == 0 || r->chosen[i - 1].party < r->chosen[i].party);
	}
	must(recipients_explain(&e, topology, self, r) == ERR_OK);
	must(e.node_count > 0 && e.node_count <= topology->party_count);
	explanation_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct recipients_alias aliases[] = {
		{"banks", "punjab other"}, {"other", "telecom banks"}, {"us", "up"}};
	struct recipients_query q = {.word_count = 1,
				     .aliases = aliases,
				     .alias_count = sizeof aliases / sizeof *aliases};
	struct recipients r = {0};
	struct report report;
	const char *words;
	char *copy;
	enum err e;

	if (n == 0)
		return 0;
	prepare();
	copy = malloc(n);
	must(copy);
	memcpy(copy, data + 1, n - 1);
	copy[n - 1] = '\0';
	words = copy;
	q.words = &words;
	q.topology = topology;
	q.tlp = (enum tlp)(data[0] % 5);
	q.direct = data[0] & 0x80;
	q.self = topology_party(topology, data[0] & 0x40 ? "punjab" : "telecom");
	report_init(&report);
	e = recipients_resolve(&r, &q, &report);
	must((e == ERR_OK) == (report.total == 0) || e == ERR_MEMORY);
	if (e == ERR_OK) {
		check(&r, q.self, q.tlp);
		check_letters(&r, q.self);
		recipients_clear(&r);
	}
	report_clear(&report);
	free(copy);
	return 0;
}
