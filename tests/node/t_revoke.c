/* Bundles that take objects back. */
#include "node/revoke.h"

#include "tests/tap.h"

#define NOW 1795298400000ULL /* 2026-11-21T22:00:00Z */
#define UUID "00000000-0000-4000-8000-00000000000"
#define BASE(type, n) \
	"{\"type\":\"" type "\",\"spec_version\":\"2.1\",\"id\":\"" type "--" UUID n \
	"\",\"created\":\"2026-01-01T00:00:00.000Z\""
#define IDENTITY(n) BASE("identity", n) ",\"modified\":\"2026-01-01T00:00:00Z\",\"name\":\"x\"}"
#define MALWARE(n, more) BASE("malware", n) ",\"is_family\":false" more "}"
#define MODIFIED ", \"modified\" : \"2026-01-02T00:00:00.123456Z\""

static char *revoked_text(const char *objects, const struct revoked *which, size_t n, uint64_t now)
{
	struct text in, out;
	struct bundle *b, *again;

	text_init(&in);
	text_init(&out);
	text_format(&in, "{\"type\":\"bundle\",\"id\":\"bundle--" UUID "0\",\"objects\":[%s]}",
		    objects);
	need(!in.bad && bundle_read(&b, in.at, in.length, 100, NULL) == ERR_OK);
	revoke_write(&out, b, which, n, now, UUID "9");
	need(!out.bad);
	ok(bundle_read(&again, out.at, out.length, 100, NULL) == ERR_OK, "it is a bundle");
	bundle_free(again);
	bundle_free(b);
	text_clear(&in);
	return out.at;
}

static void is_revoked(const char *objects, uint16_t number, uint64_t after, uint64_t now,
		       const char *want)
{
	struct revoked which = {number, after};
	char *text = revoked_text(objects, &which, 1, now);

	is_str(strstr(text, "\"objects\":") + strlen("\"objects\":"), want,
	       "as it was but revoked");
	free(text);
}

static void everything_else_stays_as_it_was(void)
{
	is_revoked(MALWARE("1", MODIFIED ",\"x\":1.0,\"y\" : [ ]"), 0, 0, NOW,
		   "[" BASE("malware", "1") ",\"is_family\":false, \"modified\" : "
					    "\"2026-11-21T22:00:00.000Z\",\"x\":1.0,\"y\" : [ ],"
					    "\"revoked\":true}]}");
	is_revoked(
		MALWARE("1", ",\"revoked\": false" MODIFIED), 0, 0, NOW,
		"[" BASE("malware", "1") ",\"is_family\":false,\"revoked\": true, \"modified\" : "
					 "\"2026-11-21T22:00:00.000Z\"}]}");
	is_revoked(MALWARE("1", MODIFIED " , \"revoked\":false "), 0, 0, NOW,
		   "[" BASE("malware", "1") ",\"is_family\":false, \"modified\" : "
					    "\"2026-11-21T22:00:00.000Z\" , \"revoked\":true }]}");
	/* A member of a member is another. */
	is_revoked(MALWARE("1", ",\"x\":{\"modified\":1,\"revoked\":2}" MODIFIED), 0, 0, NOW,
		   "[" BASE("malware", "1") ",\"is_family\":false,\"x\":{\"modified\":1,"
					    "\"revoked\":2}, \"modified\" : "
					    "\"2026-11-21T22:00:00.000Z\",\"revoked\":true}]}");
}

static void a_clock_that_is_behind_does_not_keep_it(void)
{
	is_revoked(MALWARE("1", MODIFIED), 0, NOW + 5, NOW,
		   "[" BASE("malware", "1") ",\"is_family\":false, \"modified\" : "
					    "\"2026-11-21T22:00:00.006Z\",\"revoked\":true}]}");
	is_revoked(MALWARE("1", MODIFIED), 0, 0, 1000,
		   "[" BASE("malware", "1") ",\"is_family\":false, \"modified\" : "
					    "\"2026-01-02T00:00:00.124Z\",\"revoked\":true}]}");
}

static void what_it_refers_to_comes_along(void)
{
	static const char marking[] =
		"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\","
		"\"id\":\"marking-definition--" UUID "5\",\"created\":\"2026-01-01T00:00:00Z\"}";
	struct revoked which = {2, 0};
	struct text t;
	char *text;

	text_init(&t);
	text_format(&t, "%s,%s,%s,%s,%s", IDENTITY("2"), IDENTITY("3"),
		    MALWARE("1", MODIFIED ",\"created_by_ref\":\"identity--" UUID "2\""), marking,
		    MALWARE("4", MODIFIED ",\"created_by_ref\":\"identity--" UUID "3\""));
	need(!t.bad);
	text = revoked_text(t.at, &which, 1, NOW);
	ok(strstr(text, "\"id\":\"identity--" UUID "2\""), "its identity");
	ok(strstr(text, "\"id\":\"marking-definition--" UUID "5\""), "the markings");
	ok(!strstr(text, "identity--" UUID "3") && !strstr(text, "malware--" UUID "4"),
	   "nothing of other objects");
	free(text);
	text_clear(&t);
}

int main(void)
{
	RUN(everything_else_stays_as_it_was);
	RUN(a_clock_that_is_behind_does_not_keep_it);
	RUN(what_it_refers_to_comes_along);
	return tap_done();
}
