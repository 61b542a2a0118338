/* What reads and writes messages, files and keys while memory is short: it says so, blames nobody
 * for it, leaves nothing behind, and does its work once there is memory again. */
#include <malloc.h>

#include "keys/identity.h"
#include "node/format/format.h"
#include "protocol/body.h"
#include "protocol/council.h"
#include "protocol/stix.h"
#include "tests/fault/fault.h"
#include "tests/node/store_fixture.h"
#include "tests/protocol/federation.h"

static struct fixture home;
static char *text; /* what the subject reads */
static size_t length;

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

/* With that allocation failing; *left says how many bytes nobody has freed. */
static enum err fail_once(enum err (*subject)(void), uint64_t nth, bool for_good, size_t *left)
{
	size_t before = mallinfo2().uordblks;
	fault_start(FAULT_MEMORY, nth, for_good, 0);
	enum err e = subject();
	fault_stop();
	size_t after = mallinfo2().uordblks;
	*left = after > before ? after - before : 0;
	return e;
}

/* What is left once may be kept for the next time; what is left every time is lost. */
static bool is_well(enum err (*subject)(void), uint64_t nth, bool for_good)
{
	size_t left = 0;
	enum err e = ERR_OK;
	for (unsigned i = 0; i < 3 && (i == 0 || left); i++)
		e = fail_once(subject, nth, for_good, &left);
	if ((e == ERR_MEMORY || (!e && !for_good)) && !left)
		return true;
	printf("# allocation %" PRIu64 "%s: %s, %zu bytes left\n", nth,
	       for_good ? " and all after it" : "", err_str(e), left);
	return false;
}

/* Does it with each allocation failing in turn, once and from then on. */
static void starve(const char *what, enum err (*subject)(void), const char *file)
{
	unsigned wrong = 0;
	if (file)
		text = slurp(file, &length);
	need(subject() == ERR_OK);
	fault_start(FAULT_MEMORY, UINT64_MAX, false, 0);
	need(subject() == ERR_OK);
	uint64_t calls = fault_stop();
	/* Of many, some: all with EVERY in the environment. */
	uint64_t step = getenv("EVERY") || calls < 300 ? 1 : calls / 300;
	for (uint64_t nth = 1; nth <= calls; nth += step)
		wrong += !is_well(subject, nth, false) || !is_well(subject, nth, true);
	is_int(wrong, 0, "%s: whichever of %" PRIu64 " allocations fails, it says that", what,
	       calls);
	ok(subject() == ERR_OK, "%s: and then it works", what);
	if (file)
		free(text);
}

static void whoever_reads_says_that_memory_is_short(void)
{
	starve("a topology", read_topology, "tests/fuzz/corpus/topology/base.zpl");
	starve("a bundle", read_bundle, "tests/data/content/novispy.stix2");
	starve("a body", pack_and_unpack, "tests/data/content/novispy.stix2");
	starve("keys", open_keys, NULL);
}

static void so_do_the_importers(void)
{
	starve("a list", import_list, "tests/data/content/ipsum.txt");
	starve("STIX", import_stix, "tests/data/content/novispy.stix2");
	starve("MISP", import_misp, "tests/data/content/event.json");
	starve("events of IntelMQ", import_intelmq, "tests/data/content/intelmq.json");
	starve("a policy zone", import_rpz, "tests/data/content/zone.rpz");
	starve("a report", import_text, "tests/data/content/report.txt");
}

int main(int argc, char **argv)
{
	(void)argc;
	/* What glibc keeps for the next allocation of a thread would look like something left. */
	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
		execv("/proc/self/exe", argv);
	}
	mallopt(M_MXFAST, 0);
	fixture_init(&home);
	fault_init();
	RUN(whoever_reads_says_that_memory_is_short);
	RUN(so_do_the_importers);
	fixture_clear(&home);
	return tap_done();
}
