/* Acknowledged means durable, proven: a preloaded library keeps what a power cut would leave of the
 * log (tests/e2e/shim/shadow.c), and another process remembers what was acknowledged.  The same
 * program with MDB_NOSYNC has to fail, or the test would see nothing.  KILLS in the environment
 * says how often the writer is killed. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static unsigned extra_flags;
/* The store of this program, with a flag that no other build has. */
#define TEST_NOSYNC extra_flags
#include "node/store/store.c"

#include "tests/node/store_fixture.h"

enum { CUTS = 40, KILLS = 200, BATCH_MAX = 20, SECONDS_MAX = 300 };

static struct fixture home;

static size_t body_size(uint64_t lsn)
{
	return lsn % 97 == 0 ? 20000 : lsn % 700;
}

/* Appends for ever, in batches of every size, and acknowledges each by the log's head. */
static void write_for_ever(struct log *log, int acknowledgements)
{
	for (;;) {
		uint64_t next = log_head(log) + 1;
		need(log_begin(log) == ERR_OK);
		for (uint64_t n = 1 + next * 7 % BATCH_MAX; n > 0; n--, next++) {
			struct sample s;
			sample_make(&s, next, body_size(next));
			need(sample_append(log, &s) == next);
			sample_clear(&s);
		}
		need(log_commit(log) == ERR_OK);
		uint64_t head = log_head(log);
		if (write(acknowledgements, &head, sizeof head) != sizeof head)
			_exit(1);
	}
}

/* This program, started again as the writer, under the shim. */
static int writer_main(char **argv)
{
	need(sodium_init() >= 0);
	snprintf(home.home, sizeof home.home, "%s", argv[2]);
	extra_flags = (unsigned)strtoul(argv[3], NULL, 10);
	need(identity_open(&home.identity, path_in(&home, "node.key"), NULL, NULL) == ERR_OK);
	write_for_ever(open_log(&home), 3);
	return 1;
}

struct child {
	pid_t pid;
	int acknowledgements; /* read end, does not block */
	uint64_t acknowledged;
};

static void drain(struct child *w)
{
	uint64_t head;
	while (read(w->acknowledgements, &head, sizeof head) == sizeof head)
		w->acknowledged = head;
}

static void self_path(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 64);
	need(n > 0);
	out[n] = 0;
}

static void shim_path(char out[PATH_MAX])
{
	self_path(out);
	/* build/tests/node/t_durability -> build/tests/e2e/shim/shadow.so */
	for (int up = 0; up < 2; up++)
		*strrchr(out, '/') = 0;
	strcat(out, "/e2e/shim/shadow.so");
}

static void become_writer(unsigned flags, const char *seed, int acknowledgements)
{
	char self[PATH_MAX], shim[PATH_MAX], number[16], asan[256];
	const char *options = getenv("ASAN_OPTIONS");
	shim_path(shim);
	snprintf(number, sizeof number, "%u", flags);
	snprintf(asan, sizeof asan, "%s:verify_asan_link_order=0:detect_leaks=0",
		 options ? options : "");
	need(dup2(acknowledgements, 3) == 3);
	setenv("SHADOW_OF", path_in(&home, "log"), 1);
	setenv("SHADOW_IN", path_in(&home, "shadow"), 1);
	setenv("SHADOW_SEED", seed, 1);
	setenv("ASAN_OPTIONS", asan, 1);
	setenv("LD_PRELOAD", shim, 1);
	self_path(self);
	execl(self, "t_durability", "writer", home.home, number, (char *)NULL);
	_exit(1);
}

static struct child start(bool preloaded, unsigned flags, const char *seed)
{
	struct child w = {0};
	int ends[2];
	need(pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	w.pid = fork();
	need(w.pid >= 0);
	if (w.pid == 0) {
		close(ends[0]);
		if (preloaded)
			become_writer(flags, seed, ends[1]);
		write_for_ever(open_log(&home), ends[1]);
	}
	close(ends[1]);
	w.acknowledgements = ends[0];
	return w;
}

static void stop(struct child *w)
{
	need(kill(w->pid, SIGKILL) == 0 && waitpid(w->pid, NULL, 0) == w->pid);
	drain(w);
	close(w->acknowledgements);
}

static bool row_is_there(struct log_reader *reader, uint64_t lsn)
{
	struct sample s;
	struct log_row row;
	uint8_t *body = NULL;
	size_t n = 0;
	sample_make(&s, lsn, body_size(lsn));
	bool same = log_read(reader, lsn, &row) == ERR_OK && message_id_equal(&row.id, &s.id) &&
		    row.length == s.length && memcmp(row.data, s.row, s.length) == 0 &&
		    log_read_body(reader, &row, &body, &n) == ERR_OK && n == s.body_length &&
		    memcmp(body, s.body, n) == 0;
	free(body);
	sample_clear(&s);
	return same;
}

/* True when the log in dir opens and holds all that was acknowledged, byte for byte: the newest
 * thousand, and of the others every 17th. */
static bool holds(const char *dir, uint64_t acknowledged)
{
	struct log *log;
	struct log_reader *reader;
	struct log_options options = {0};
	if (log_open(&log, dir, &options, home.identity, NULL, NULL) != ERR_OK)
		return acknowledged == 0;
	bool good = log_head(log) >= acknowledged && log_reader_open(&reader, log) == ERR_OK;
	if (good) {
		for (uint64_t i = acknowledged; good && i > 0;
		     i -= acknowledged - i < 1000 || i <= 17 ? 1 : 17)
			good = row_is_there(reader, i);
		log_reader_close(reader);
	}
	log_close(log);
	return good;
}

static void copy_file(const char *from, const char *to)
{
	char buffer[1 << 14];
	ssize_t n;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	need(out >= 0);
	while (in >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
		need(write(out, buffer, (size_t)n) == n);
	if (in >= 0)
		close(in);
	close(out);
}

static void nap(unsigned microseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000L}, NULL);
}

static void wait_for_more(struct child *w)
{
	uint64_t before = w->acknowledged;
	for (unsigned i = 0; w->acknowledged == before; i++) {
		need(i < SECONDS_MAX * 1000);
		nap(1000);
		drain(w);
	}
}

/* Cuts the power at random moments; returns in how many of them something acknowledged was lost. */
static unsigned cut_power(unsigned flags, const char *seed, uint64_t *acknowledged)
{
	unsigned lost = 0;
	remove_tree(path_in(&home, "log"));
	remove_tree(path_in(&home, "shadow"));
	need(mkdir(path_in(&home, "shadow"), 0700) == 0);
	struct child w = start(true, flags, seed);
	for (unsigned i = 0; i < CUTS; i++) {
		wait_for_more(&w);
		nap(randombytes_uniform(20000));
		/* Stopped, it has said what it will have said; the shadow is what would be left. */
		need(kill(w.pid, SIGSTOP) == 0 && waitpid(w.pid, NULL, WUNTRACED) == w.pid);
		drain(&w);
		remove_tree(path_in(&home, "after"));
		need(mkdir(path_in(&home, "after"), 0700) == 0);
		if (access(path_in(&home, "shadow/data.mdb"), F_OK) == 0)
			copy_file(path_in(&home, "shadow/data.mdb"),
				  path_in(&home, "after/data.mdb"));
		*acknowledged = w.acknowledged;
		need(kill(w.pid, SIGCONT) == 0);
		lost += !holds(path_in(&home, "after"), *acknowledged);
	}
	stop(&w);
	return lost;
}

static void what_was_acknowledged_survives_a_power_cut(void)
{
	uint64_t acknowledged = 0;
	is_int(cut_power(0, "0", &acknowledged), 0, "nothing lost in %d cuts", CUTS);
	printf("# %" PRIu64 " messages acknowledged\n", acknowledged);
	is_int(cut_power(0, "1", &acknowledged), 0,
	       "nor when the disk kept half of what it was not asked to keep");
	printf("# %" PRIu64 " messages acknowledged\n", acknowledged);
}

static void a_log_that_does_not_sync_is_caught(void)
{
	uint64_t acknowledged = 0;
	unsigned lost = cut_power(MDB_NOSYNC, "0", &acknowledged);
	ok(lost > 0, "MDB_NOSYNC loses what it acknowledged in %u of %d cuts", lost, CUTS);
	lost = cut_power(MDB_NOMETASYNC, "0", &acknowledged);
	ok(lost > 0, "MDB_NOMETASYNC does in %u of %d", lost, CUTS);
}

static void what_was_acknowledged_survives_kill_9(void)
{
	const char *wanted = getenv("KILLS");
	unsigned lost = 0, kills = wanted ? (unsigned)atoi(wanted) : KILLS;
	uint64_t acknowledged = 0;
	remove_tree(path_in(&home, "log"));
	for (unsigned i = 0; i < kills; i++) {
		struct child w = start(false, 0, NULL);
		if (i % 4) /* the others die while they open */
			wait_for_more(&w);
		nap(randombytes_uniform(8000));
		stop(&w);
		if (w.acknowledged > acknowledged)
			acknowledged = w.acknowledged;
		lost += !holds(path_in(&home, "log"), acknowledged);
	}
	is_int(lost, 0, "nothing lost in %u kills, %" PRIu64 " messages", kills, acknowledged);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "writer") == 0)
		return writer_main(argv);
	fixture_init(&home);
	RUN(what_was_acknowledged_survives_a_power_cut);
	RUN(a_log_that_does_not_sync_is_caught);
	RUN(what_was_acknowledged_survives_kill_9);
	fixture_clear(&home);
	return tap_done();
}
