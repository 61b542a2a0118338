#include "protocol/constituency.h"

#include "tests/tap.h"

static char *networks[] = {"10.0.0.0/8", "10.1.0.0/16", "2001:db8::/33", "203.0.113.128/25"};
static char *domains[] = {"punjab.example", "cert.punjab.example", "pk"};
static uint32_t numbers[] = {64500};
static const struct card_constituency mine = {.networks = networks,
					      .network_count = 4,
					      .domains = domains,
					      .domain_count = 3,
					      .as_numbers = numbers,
					      .as_number_count = 1};

static const char *holder(const struct party *bounds, const char *text)
{
	static char claim[CLAIM_MAX_BYTES];
	const char *why;
	struct asset a;

	need(asset_read(&a, text, &why) == ERR_OK);
	return constituency_holds(&mine, bounds, &a, claim) ? claim : "nobody";
}

static void a_value_belongs_to_the_narrowest_claim(void)
{
	static const struct party none;
	static const struct {
		const char *value, *claim;
	} cases[] = {
		{"10.2.3.4", "10.0.0.0/8"},
		{"10.1.3.4", "10.1.0.0/16"},
		{"10.1.0.0/16", "10.1.0.0/16"},
		{"10.0.0.0/7", "nobody"},
		{"11.0.0.1", "nobody"},
		{"203.0.113.127", "nobody"},
		{"203.0.113.128", "203.0.113.128/25"},
		{"203[.]0[.]113[.]255", "203.0.113.128/25"},
		{"2001:db8:7fff::1", "2001:db8::/33"},
		{"2001:db8:8000::1", "nobody"},
		{"punjab.example", "punjab.example"},
		{"www.punjab.example", "punjab.example"},
		{"a.cert.punjab.example", "cert.punjab.example"},
		{"notpunjab.example", "nobody"},
		{"example.pk", "pk"},
		{"somebody@Mail.Punjab.example", "punjab.example"},
		{"AS64500", "AS64500"},
		{"as64501", "nobody"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_str(holder(&none, cases[i].value), cases[i].claim, "%s", cases[i].value);
}

static void what_is_outside_the_bounds_does_not_count(void)
{
	char *outer[] = {"10.1.0.0/15"}, *zone[] = {"cert.punjab.example"};
	const struct party networked = {.networks = outer, .network_count = 1};
	const struct party named = {.domains = zone, .domain_count = 1};
	uint32_t other[] = {1};
	const struct party numbered = {.as_numbers = other, .as_number_count = 1};

	is_str(holder(&networked, "10.1.3.4"), "10.1.0.0/16", "a claim within the bounds");
	is_str(holder(&networked, "10.2.3.4"), "nobody", "one that is wider than the bounds");
	is_str(holder(&networked, "punjab.example"), "nobody", "nor of another sort");
	is_str(holder(&named, "x.cert.punjab.example"), "cert.punjab.example", "a zone within");
	is_str(holder(&named, "x.punjab.example"), "nobody", "and one around");
	is_str(holder(&numbered, "AS64500"), "nobody", "an AS number that is not listed");
}

static void what_can_be_nobodys_is_refused(void)
{
	static const char *const texts[] = {"d41d8cd98f00b204e9800998ecf8427e",
					    "http://a.example/",
					    "AS0",
					    "AS4294967296",
					    "",
					    "AS",
					    "12345",
					    "a b"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *why = NULL;
		struct asset a;
		ok(asset_read(&a, texts[i], &why) != ERR_OK && why, "\"%s\": %s", texts[i],
		   why ? why : "");
	}
}

int main(void)
{
	RUN(a_value_belongs_to_the_narrowest_claim);
	RUN(what_is_outside_the_bounds_does_not_count);
	RUN(what_can_be_nobodys_is_refused);
	return tap_done();
}
