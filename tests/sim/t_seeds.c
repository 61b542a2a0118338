/* Federations of 2 to 40 nodes through whatever their seeds hold for them; and the seeds that have
 * failed before.
 *
 * In the environment: SEEDS and FROM say how many and from which, JOBS how many at once, FAILURES
 * after how many to stop, WATCH that these are the seeds of relays that drop.  A failure is one
 * line, which ends with the command that repeats it. */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/world.h"
#include "tests/tap.h"

enum { JOBS_MAX = 64, FAILURES = 5, SEED_SECONDS = 120 /* of CPU */ };

/* Seeds, which processes take one by one. */
struct work {
	_Atomic uint64_t next; /* index */
	_Atomic unsigned failed;
	_Atomic uint64_t gaps; /* that stood when relays were mended */
	uint64_t count, from;
	const uint64_t *list; /* or NULL: from `from` on */
	bool watch;           /* relays drop, and readers are to notice */
	unsigned failures;    /* after so many it ends */
	uint64_t running[JOBS_MAX];
};

static uint64_t seed_at(const struct work *work, uint64_t i)
{
	return work->list ? work->list[i] : work->from + i;
}

static struct world_plan plan_at(const struct work *work, uint64_t seed)
{
	return work->watch ? world_draw_watch(seed) : world_draw(seed);
}

static void failed(const struct work *work, uint64_t seed, const char *property, const char *why)
{
	char line[600];
	int n = snprintf(line, sizeof line,
			 "# seed %llu: %s: %s; again: make sim SEEDS=1 FROM=%llu%s\n",
			 (unsigned long long)seed, property, why, (unsigned long long)seed,
			 work->watch ? " WATCH=1" : "");

	/* One write: the lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, (size_t)n) != n)
		_exit(2);
}

static void job(struct work *work, unsigned j)
{
	/* Of its own work: how long that takes is the machine's affair. */
	const struct itimerval most = {.it_value.tv_sec = SEED_SECONDS};

	for (;;) {
		uint64_t i = work->next++;
		struct world_plan plan;
		struct world_result r;
		if (i >= work->count || work->failed >= work->failures)
			_exit(0);
		work->running[j] = seed_at(work, i);
		plan = plan_at(work, work->running[j]);
		setitimer(ITIMER_PROF, &most, NULL);
		r = world_run(&plan);
		work->gaps += r.gaps;
		if (!r.passed) {
			work->failed++;
			failed(work, plan.seed, property_str(r.property), r.why);
		}
	}
}

static pid_t job_start(struct work *work, unsigned j)
{
	pid_t pid = fork();

	need(pid >= 0);
	if (pid == 0)
		job(work, j);
	return pid;
}

/* A process that ended in the middle of a run has found something too; another takes its place. */
static bool reap(struct work *work, pid_t *pids, unsigned jobs)
{
	int status;
	pid_t pid = wait(&status);

	for (unsigned j = 0; j < jobs && pid > 0; j++) {
		if (pids[j] != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
			continue;
		work->failed++;
		failed(work, work->running[j], "end",
		       WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF
			       ? "it does not end"
			       : "it stopped in the middle");
		pids[j] = job_start(work, j);
	}
	return pid > 0;
}

static unsigned run(const struct work *plan)
{
	struct work *work =
		mmap(NULL, sizeof *work, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *wanted = getenv("JOBS"), *most = getenv("FAILURES");
	long cores = wanted ? atol(wanted) : sysconf(_SC_NPROCESSORS_ONLN);
	unsigned jobs = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (unsigned)cores, failures;
	pid_t pids[JOBS_MAX];

	need(work != MAP_FAILED);
	*work = *plan;
	work->failures = most ? (unsigned)atoi(most) : FAILURES;
	fflush(stdout);
	for (unsigned j = 0; j < jobs; j++)
		pids[j] = job_start(work, j);
	while (reap(work, pids, jobs))
		;
	failures = work->failed;
	if (work->watch)
		printf("# %" PRIu64 " gaps stood when the relays were mended\n",
		       (uint64_t)work->gaps);
	munmap(work, sizeof *work);
	return failures;
}

/* Of a single seed, which somebody looks at. */
static void plan_show(const struct world_plan *p)
{
	printf("# %u nodes, %u roles, %u + %u messages, %u + %u versions, %u ms of faults, %u "
	       "hours%s%s%s\n",
	       p->nodes, p->roles, p->messages, p->bulk, p->history, p->versions, p->fault_ms,
	       p->hours, p->real ? ", real keys" : "", p->reconcile ? "" : ", no reconciliation",
	       p->ground ? ", ground ids" : "");
	printf("# window %" PRIu64 " in %" PRIu64 " messages; %u liars of %u, %u clones, clock %d "
	       "years, jumps %u\n",
	       p->window_bytes, p->window_messages, p->liars, p->deeds, p->clones,
	       p->wrong_clock_years, p->clock_jump);
	printf("# lose %u repeat %u garble %u cut %u mute %u flapping 1/%u crash %u restore %u "
	       "commit %u full %u read %u fold %u late %u\n",
	       p->lose, p->repeat, p->garble, p->cut, p->mute, p->flapping, p->crash, p->restore,
	       p->commit_error, p->disk_full, p->read_error, p->fold_error, p->late);
}

static void seeds_of(bool watch, uint64_t otherwise, const char *what)
{
	const char *count = getenv("SEEDS"), *first = getenv("FROM");
	struct work work = {.count = count ? strtoull(count, NULL, 10) : otherwise,
			    .from = first ? strtoull(first, NULL, 10) : 1,
			    .watch = watch};

	if (work.count == 1) {
		struct world_plan plan = plan_at(&work, work.from);
		plan_show(&plan);
	}
	ok(run(&work) == 0, "%" PRIu64 " seeds from %" PRIu64 "%s", work.count, work.from, what);
}

static void seeds_hold(void)
{
	seeds_of(false, 1000, "");
}

static void what_relays_drop_is_noticed_and_comes_another_way(void)
{
	seeds_of(true, 60, " with relays that drop audiences");
}

/* tests/sim/seeds has one number a line; what follows it says what it once broke. */
static void seeds_that_failed_before_hold(void)
{
	FILE *in = fopen("tests/sim/seeds", "r");
	char line[200];
	uint64_t list[1000];
	struct work work = {.list = list};

	need(in);
	while (work.count < 1000 && fgets(line, sizeof line, in)) {
		char *end;
		list[work.count] = strtoull(line, &end, 10);
		work.count += end != line;
	}
	fclose(in);
	ok(run(&work) == 0, "%" PRIu64 " seeds that have failed before", work.count);
}

int main(void)
{
	need(sodium_init() >= 0);
	if (!getenv("WATCH"))
		RUN(seeds_hold);
	if (getenv("WATCH") || !getenv("FROM"))
		RUN(what_relays_drop_is_noticed_and_comes_another_way);
	if (!getenv("FROM"))
		RUN(seeds_that_failed_before_hold);
	return tap_done();
}
