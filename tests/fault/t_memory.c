/* What reads and writes messages, files and keys while memory is short: it says so, blames nobody
 * for it, leaves nothing behind, and does its work once there is memory again. */
#include "keys/identity.h"
#include "node/format/format.h"
#include "protocol/body.h"
#include "protocol/council.h"
#include "protocol/stix.h"
#include "tests/fault/starve.h"
#include "tests/node/store_fixture.h"
#include "tests/protocol/federation.h"

static struct fixture home;
static char *text; /* what the subject reads */
static size_t length;

static void starve_on(const char *what, enum err (*subject)(void), const char *file)
{
	text = slurp(file, &length);
	starve(what, subject, STARVED_ENDS);
	free(text);
}

static void no_chance(void *out, size_t n)
{
	memset(out, 7, n);
}

static enum err read_topology(void)
{
	struct topology *t;
	struct report report;
	report_init(&report);
	enum err e = topology_parse(&t, text, length, &report);
	if (!e)
		topology_free(t);
	report_clear(&report);
	return e;
}

static enum err read_bundle(void)
{
	static struct observable found[OBSERVABLES_PER_OBJECT_MAX];
	struct bundle *b;
	struct report report;
	report_init(&report);
	enum err e = bundle_read(&b, text, length, BUNDLE_OBJECTS_MAX, &report);
	if (!e) {
		for (size_t i = 0; i < bundle_count(b); i++)
			stix_observables(bundle_object(b, i), found, OBSERVABLES_PER_OBJECT_MAX);
		bundle_free(b);
	}
	report_clear(&report);
	return e;
}

static enum err pack_and_unpack(void)
{
	uint8_t *body;
	char *back = NULL;
	size_t n, m;
	enum err e = body_pack(&body, &n, text, length);
	if (e)
		return e;
	e = body_unpack(&back, &m, body, n);
	need(e || (m == length && memcmp(back, text, m) == 0));
	free(back);
	free(body);
	return e;
}

static enum err import_as(const char *format)
{
	struct import_options options = {.node = "punjab",
					 .tlp = TLP_GREEN,
					 .confidence = -1,
					 .now = 1780000000000,
					 .random = no_chance};
	struct report report;
	struct import i;
	report_init(&report);
	enum err e = import_init(&i, &options, &report);
	if (!e) {
		e = import_read(&i, format, text, length, "file", &report);
		if (!e)
			e = import_finish(&i, &report);
		need(e || i.part_count > 0);
		import_clear(&i);
	}
	report_clear(&report);
	return e;
}

static enum err import_list(void)
{
	return import_as("list");
}

static enum err import_stix(void)
{
	return import_as("stix");
}

static enum err import_misp(void)
{
	return import_as("misp");
}

static enum err import_intelmq(void)
{
	return import_as("intelmq");
}

static enum err import_rpz(void)
{
	return import_as("rpz");
}

static enum err import_text(void)
{
	return import_as("text");
}

static enum err open_keys(void)
{
	struct identity *id = NULL;
	struct report report;
	report_init(&report);
	enum err e = identity_open(&id, path_in(&home, "node.key"), NULL, &report);
	if (!e)
		identity_free(id);
	report_clear(&report);
	return e;
}

static void whoever_reads_says_that_memory_is_short(void)
{
	starve_on("a topology", read_topology, "tests/fuzz/corpus/topology/base.zpl");
	starve_on("a bundle", read_bundle, "tests/data/content/novispy.stix2");
	starve_on("a body", pack_and_unpack, "tests/data/content/novispy.stix2");
	starve("keys", open_keys, STARVED_ENDS);
}

static void so_do_the_importers(void)
{
	starve_on("a list", import_list, "tests/data/content/ipsum.txt");
	starve_on("STIX", import_stix, "tests/data/content/novispy.stix2");
	starve_on("MISP", import_misp, "tests/data/content/event.json");
	starve_on("events of IntelMQ", import_intelmq, "tests/data/content/intelmq.json");
	starve_on("a policy zone", import_rpz, "tests/data/content/zone.rpz");
	starve_on("a report", import_text, "tests/data/content/report.txt");
}

int main(int argc, char **argv)
{
	(void)argc;
	starve_init(argv);
	fixture_init(&home);
	RUN(whoever_reads_says_that_memory_is_short);
	RUN(so_do_the_importers);
	fixture_clear(&home);
	return tap_done();
}
