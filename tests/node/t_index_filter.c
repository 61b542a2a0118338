/* The filter: it costs no value that is there, and spares nearly all that are not. */
#include "node/store/index.h"

#include "tests/node/index_fixture.h"

static struct fixture home;

enum { PER_POST = 500, ABSENT = 20000 };

static const char *address_of(unsigned i)
{
	static char text[32];
	snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
	return text;
}

/* So many more addresses, from 10.0.0.0 on. */
static void say_addresses(struct pair *p, unsigned from, unsigned n)
{
	char *objects = malloc(PER_POST * 600), pattern[64];
	need(objects);
	for (unsigned i = from; i < from + n;) {
		size_t at = 0;
		for (unsigned k = 0; k < PER_POST && i < from + n; k++, i++) {
			snprintf(pattern, sizeof pattern, "[ipv4-addr:value = '%s']",
				 address_of(i));
			at += (size_t)sprintf(objects + at, "%s%s", k ? "," : "",
					      indicator(i, 1, pattern, ""));
		}
		post(p, 1, "{}", objects);
	}
	free(objects);
	fold_all(p);
}

static bool count_one(void *arg, const struct object_at *at, enum match_how how)
{
	(void)at, (void)how;
	++*(unsigned *)arg;
	return true;
}

static unsigned found(struct pair *p, enum observable_type type, const char *text, bool *may)
{
	struct observable o;
	unsigned n = 0;
	need(observable_set(&o, type, text, NULL) == ERR_OK);
	need(index_match(p->reader, &o, count_one, &n) == ERR_OK);
	index_expect(p->reader, &o);
	*may = index_may_match(p->reader, &o);
	return n;
}

static bool all_found(struct pair *p, unsigned from, unsigned n)
{
	bool may, all = true;
	for (unsigned i = from; all && i < from + n; i++)
		all = found(p, OBSERVABLE_IPV4, address_of(i), &may) == 1 && may;
	return all;
}

/* Of so many that are not there, how many may be. */
static unsigned taken_for_there(struct pair *p)
{
	unsigned n = 0;
	bool may;
	for (unsigned i = 0; i < ABSENT; i++) {
		char text[32];
		snprintf(text, sizeof text, "172.16.%u.%u", i >> 8, i & 255);
		need(found(p, OBSERVABLE_IPV4, text, &may) == 0);
		n += may;
	}
	return n;
}

static void what_is_there_is_found_and_the_rest_is_spared(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	say_addresses(&p, 0, 3000);
	is_int(taken_for_there(&p), ABSENT, "without a filter anything may be there");
	is_int(index_filter(p.reader), ERR_OK, "it is made");
	ok(all_found(&p, 0, 3000), "all of 3,000 are found");
	ok(taken_for_there(&p) < ABSENT / 50, "of the others fewer than one in fifty");
	pair_close(&p);
}

static void what_is_folded_later_is_found_too(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	is_int(index_filter(p.reader), ERR_OK, "of an empty index");
	need(index_reader_renew(p.reader) == ERR_OK);
	/* Far beyond the room of the first filter: it is dropped on the way, and made again. */
	for (unsigned round = 0; round < 12; round++) {
		say_addresses(&p, round * 2000, 2000);
		need(index_reader_renew(p.reader) == ERR_OK);
		if (round % 5 == 4)
			need(index_filter(p.reader) == ERR_OK);
		if (!all_found(&p, round * 2000, 2000) || !all_found(&p, 0, 100)) {
			ok(false, "round %u", round);
			break;
		}
	}
	is_int(index_filter(p.reader), ERR_OK, "made again");
	ok(all_found(&p, 0, 24000), "all of 24,000 are found");
	ok(taken_for_there(&p) < ABSENT / 50, "and the rest is spared");
	pair_close(&p);
}

static void an_older_reader_keeps_what_it_sees(void)
{
	struct pair p;
	struct index_reader *other;
	pair_fresh(&p, &home);
	say_addresses(&p, 0, 1000);
	need(index_filter(p.reader) == ERR_OK && index_reader_renew(p.reader) == ERR_OK);
	need(index_reader_open(&other, p.index) == ERR_OK);
	for (unsigned i = 1; i < 10; i++) {
		struct index_reader *mine = p.reader;
		p.reader = other; /* fold_all() renews it */
		say_addresses(&p, i * 2000, 2000);
		need(index_filter(p.reader) == ERR_OK);
		p.reader = mine;
	}
	ok(all_found(&p, 0, 1000), "through a filter that was dropped since");
	need(index_reader_renew(p.reader) == ERR_OK);
	ok(all_found(&p, 18000, 2000), "and the newest once it is renewed");
	index_reader_close(other);
	pair_close(&p);
}

static void networks_parents_and_endpoints_pass(void)
{
	static const struct {
		enum observable_type type;
		const char *text;
		unsigned found;
	} asked[] = {
		{OBSERVABLE_IPV4, "198.51.100.7", 1},
		{OBSERVABLE_IPV4, "198.51.101.7", 0},
		{OBSERVABLE_ENDPOINT, "198.51.100.7:80", 1},
		{OBSERVABLE_ENDPOINT, "[2001:db8::9]:80", 1},
		{OBSERVABLE_IPV6, "2001:db8:ffff::1", 1},
		{OBSERVABLE_IPV6, "2001:db9::1", 0},
		{OBSERVABLE_DOMAIN, "a.b.evil.example", 1},
		{OBSERVABLE_DOMAIN, "evil.example", 1},
		{OBSERVABLE_DOMAIN, "vil.example", 0},
		{OBSERVABLE_PATH, "/izuku.sh", 1},
		{OBSERVABLE_URL, "http://evil.example/", 0},
	};
	struct pair p;
	bool may;
	pair_fresh(&p, &home);
	post(&p, 1, "{}", indicator(1, 1, "[ipv4-addr:value = '198.51.100.0/24']", ""));
	post(&p, 1, "{}", indicator(2, 1, "[ipv6-addr:value = '2001:db8::/32']", ""));
	post(&p, 1, "{}", indicator(3, 1, "[domain-name:value = 'evil.example']", ""));
	post(&p, 1, "{}",
	     indicator(4, 1,
		       "[network-traffic:extensions.'http-request-ext'.request_value = "
		       "'/izuku.sh']",
		       ""));
	fold_all(&p);
	need(index_filter(p.reader) == ERR_OK);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		unsigned n = found(&p, asked[i].type, asked[i].text, &may);
		is_int(n, asked[i].found, "%s", asked[i].text);
		if (n)
			ok(may, "passes");
	}
	pair_close(&p);
}

static void a_rebuilt_index_is_found_in(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	say_addresses(&p, 0, 1500);
	need(index_filter(p.reader) == ERR_OK);
	need(index_rebuild(p.index) == ERR_OK && index_reader_renew(p.reader) == ERR_OK);
	ok(all_found(&p, 0, 1500), "with the filter of before");
	need(index_filter(p.reader) == ERR_OK);
	ok(all_found(&p, 0, 1500), "and with one that is made again");
	pair_close(&p);
}

int main(void)
{
	fixture_init(&home);
	RUN(what_is_there_is_found_and_the_rest_is_spared);
	RUN(what_is_folded_later_is_found_too);
	RUN(an_older_reader_keeps_what_it_sees);
	RUN(networks_parents_and_endpoints_pass);
	RUN(a_rebuilt_index_is_found_in);
	fixture_clear(&home);
	return tap_done();
}
