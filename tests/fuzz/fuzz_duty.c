/* What a node remembers of its duties from one start to the next: the input says what stands there
 * instead.  Each entry is which 1 | length 2 | bytes; bytes of which the length's highest bit is
 * set are a change to what the node itself has written there: place 2, other bits 1, each.  The
 * node starts or says why not, does its duties, and can start again from what it then leaves. */
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "node/node_parts.h"
#include "node/say.h"
#include "tests/fuzz/fuzz.h"
#include "tests/node/store_fixture.h"
#include "tests/protocol/federation.h"

enum { ENTRIES_MAX = 12, VALUE_MAX = 4096, FILE_MAX = 4 << 20, CHANGE = 0x8000, WAIT_MS = 60000 };

static const char *const names[] = {
	"quarantine", "evidence", "unanswered", "audits",      "audit-of/aa", "alarms",
	"verdicts",   "beacons",  "sightings",  "receipts",    "forwards",    "rolekey/next",
	"restored",   "audit",    "suspension", "hunt-state",  "mute/aa",     "hunt/aa",
	"cursor/aa",  "floor",    "topology/1", "audit-of/x/", "reseal",      "once/aa",
};
enum { NAMES = sizeof names / sizeof *names };

static struct fixture home;
static uint8_t first[FILE_MAX]; /* the log that every run begins with */
static size_t first_bytes;
static atomic_uint rounds; /* of duties */
static volatile atomic_int quit;

static void leave(void)
{
	fixture_clear(&home);
}

static void put_key(struct writing *w, const char *name, const uint8_t key[32])
{
	char hex[65];

	put(w, "%s\"%s\"\n", name, hex_encode(hex, key, 32));
}

static void write_home(void)
{
	static const char config[] = "node = punjab\nlog = error\n";
	const struct identity_public *own = identity_public(home.identity);
	struct writing w = {0};
	FILE *f;

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2099-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n    national\n");
	put_keys(&w, "national");
	put(&w, "    punjab\n        reports-to = national\n");
	put_key(&w, "        link = ", own->link);
	put_key(&w, "        sign\n            1 = ", own->sign);
	put_key(&w, "        seal\n            1 = ", own->seal);
	put_signature(&w, "member0", w.length, "ED");
	f = fopen(path_in(&home, "topology.signed"), "w");
	must(f && fwrite(w.at, 1, w.length, f) == w.length && fclose(f) == 0);
	free(w.at);
	f = fopen(path_in(&home, "khabardar.zpl"), "w");
	must(f && fputs(config, f) > 0 && fclose(f) == 0);
}

enum err __real_duties_run(void *arg, uint64_t now, uint64_t *next);
enum err __wrap_duties_run(void *arg, uint64_t now, uint64_t *next);

/* In place of it, in the folder's thread (Makefile). */
enum err __wrap_duties_run(void *arg, uint64_t now, uint64_t *next)
{
	enum err e = __real_duties_run(arg, now, next);

	rounds++;
	return e;
}

void __wrap_say(enum log_level level, const char *format, ...);

/* What it says while it runs is not for whoever reads the outcome. */
void __wrap_say(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

static void *run_node(void *arg)
{
	must(node_run(arg, &quit) == ERR_OK);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Until all duties have been done once. */
static void do_duties(struct node *node)
{
	pthread_t thread;
	int left = WAIT_MS;

	quit = 0;
	must(pthread_create(&thread, NULL, run_node, node) == 0);
	while (rounds == 0 && left-- > 0)
		nap();
	quit = 1;
	while (pthread_tryjoin_np(thread, NULL) != 0 && left-- > 0) {
		pthread_kill(thread, SIGUSR1);
		nap();
	}
	must(left > 0);
}

static enum err run(void)
{
	struct report report;
	struct node *node = NULL;
	enum err e;

	report_init(&report);
	rounds = 0;
	e = node_open(&node, home.home, &report);
	must(e == ERR_OK || report.total > 0);
	if (e == ERR_OK)
		do_duties(node);
	node_close(node);
	report_clear(&report);
	return e;
}

static void log_take(void)
{
	FILE *f = fopen(path_in(&home, "log/data.mdb"), "rb");

	must(f);
	first_bytes = fread(first, 1, sizeof first, f);
	must(first_bytes > 0 && first_bytes < sizeof first && fclose(f) == 0);
}

static void log_give(void)
{
	FILE *f;

	remove_tree(path_in(&home, "log"));
	remove_tree(path_in(&home, "index"));
	must(mkdir(path_in(&home, "log"), 0700) == 0);
	f = fopen(path_in(&home, "log/data.mdb"), "wb");
	must(f && fwrite(first, 1, first_bytes, f) == first_bytes && fclose(f) == 0);
}

static void prepare(void)
{
	if (home.identity)
		return;
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	fixture_init(&home);
	must(atexit(leave) == 0);
	write_home();
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
	must(run() == ERR_OK);
	log_take();
}

static void put_value(struct log *log, struct log_reader *reader, struct reader *r)
{
	static uint8_t value[VALUE_MAX];
	const char *name = names[read_u8(r) % NAMES];
	size_t n = read_u16(r), is = 0;
	bool change = n & CHANGE;

	n = n % VALUE_MAX < r->left ? n % VALUE_MAX : r->left;
	if (!change) {
		read_bytes(r, value, n);
		must(log_put(log, name, value, n) == ERR_OK);
		return;
	}
	if (log_get(reader, name, value, sizeof value, &is) != ERR_OK)
		is = 0;
	for (size_t i = 0; i + 3 <= n; i += 3) {
		size_t at = read_u16(r);
		uint8_t bits = read_u8(r);
		if (is)
			value[at % is] ^= bits;
	}
	if (is)
		must(log_put(log, name, value, is) == ERR_OK);
}

static void fill(struct reader *r)
{
	struct log_reader *reader;
	struct log *log = open_log(&home);

	must(log_reader_open(&reader, log) == ERR_OK && log_begin(log) == ERR_OK);
	for (int i = 0; i < ENTRIES_MAX && r->left >= 3; i++)
		put_value(log, reader, r);
	log_reader_close(reader);
	must(log_commit(log) == ERR_OK);
	log_close(log);
}

unsigned fuzz_cost(void)
{
	return 400;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;

	prepare();
	log_give();
	reader_init(&r, data, n);
	fill(&r);
	if (run() == ERR_OK)
		must(run() == ERR_OK);
	return 0;
}
