/* A node with ten thousand to a million objects: to start it, to ask it, what it takes of memory
 * and disk.  BIG=1: ten million as well. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <zstd.h>

#include "tests/bench/bench.h"
#include "tests/bench/lab.h"
#include "tests/bench/limit.h"

enum { INDICATORS = 1000, LOG_LINES = 200000, KNOWN_EVERY = 1000, LIST_LINES = 100000 };

static size_t messages; /* of INDICATORS objects */
static const char *size_name;

/* Puts the size into the name of a work. */
static const char *sized(char out[80], const char *format)
{
	char *at;

	snprintf(out, 80, "%s", format);
	at = strchr(out, '#');
	need(at);
	snprintf(at, (size_t)(out + 80 - at), "%s%s", size_name, format + (at - out) + 1);
	return out;
}

static const char *path_of(char out[PATH_MAX], const char *home, const char *name)
{
	need(snprintf(out, PATH_MAX, "%s/%s", home, name) < PATH_MAX);
	return out;
}

/* ---- starting ---- */

static pid_t daemon_start(const char *home)
{
	pid_t pid = fork();
	char log[PATH_MAX];

	need(pid >= 0);
	if (pid == 0) {
		/* It ends with this process, even where that is interrupted. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		path_of(log, home, "log.txt");
		if (freopen(log, "a", stdout) && freopen(log, "a", stderr))
			execl("build/khabardar", "khabardar", "--home", home, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static struct ask *answer_waited(const char *home)
{
	struct ask *ask;

	while (ask_open(&ask, home, NULL, NULL, NULL) != ERR_OK)
		lab_pause();
	return ask;
}

/* From the start of the program to its first answer. */
static void bench_start(const char *home, const char *work, int signal)
{
	char name[80];
	struct bench_row r = {.work = sized(name, work), .unit = "s", .less = true};

	for (int i = 0; i < BENCH_TIMES; i++) {
		double begun = bench_now();
		pid_t pid = daemon_start(home);
		struct ask *ask = answer_waited(home);
		lab_status(ask);
		r.values[r.count++] = bench_now() - begun;
		lab_folded(ask);
		ask_close(ask);
		need(kill(pid, signal) == 0 && waitpid(pid, NULL, 0) == pid);
	}
	bench_write(&r);
}

/* ---- memory and disk ---- */

static double private_mib(pid_t pid)
{
	char path[64], line[128];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	need(f);
	while (fgets(line, sizeof line, f))
		sscanf(line, "RssAnon: %lf", &kib);
	fclose(f);
	return kib / 1024;
}

static double disk_bytes(const char *home, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(path, home, name);
	strcat(path, "/data.mdb");
	need(stat(path, &st) == 0);
	return (double)st.st_blocks * 512;
}

/* What the same bundles are when nothing but zstd is done to them. */
static double packed_bytes(void)
{
	struct home h = {0};
	uint8_t *body;
	size_t n, sum = 0;

	for (size_t i = 0; i < messages; i++) {
		home_body(&h, INDICATORS, &body, &n);
		sum += n;
		free(body);
	}
	return (double)sum;
}

static void bench_disk(const char *home)
{
	double objects = (double)(messages * INDICATORS);
	char name[80];

	bench_write(&(struct bench_row){
		.work = sized(name, "disk for an indicator of #, index included"),
		.unit = "bytes",
		.values = {(disk_bytes(home, "log") + disk_bytes(home, "index")) / objects},
		.count = 1,
		.limit = packed_bytes() / objects,
		.less = true});
}

/* ---- looking up ---- */

struct looking {
	struct index_reader *reader;
	unsigned number;
	size_t found;
};

static bool match_found(void *arg, const struct object_at *at, enum match_how how)
{
	(void)at, (void)how;
	((struct looking *)arg)->found++;
	return true;
}

static size_t looks_up(void *arg)
{
	struct looking *l = arg;

	for (size_t i = 0; i < 1000; i++) {
		struct observable value;
		char text[16];
		l->number = (l->number * 48271 + 11) % (unsigned)(messages * INDICATORS);
		lab_value(text, l->number);
		need(observable_detect(&value, text, NULL) == ERR_OK);
		need(index_match(l->reader, &value, match_found, l) == ERR_OK);
	}
	return 1000;
}

/* By the index itself, the daemon being down. */
static void bench_match(const char *home)
{
	char name[80];
	struct bench_row r = {.work = sized(name, "check of single values against #"),
			      .unit = "values/s"};
	struct looking l = {.number = 1};
	struct identity *identity;
	struct index *index;
	struct log *log;
	char path[PATH_MAX];
	bool more = true;

	r.limit = limit_reads(path_of(path, home, "index"), "value");
	need(identity_open(&identity, path_of(path, home, "node.key"), NULL, NULL) == ERR_OK);
	need(log_open(&log, path_of(path, home, "log"), &(struct log_options){0}, identity, NULL,
		      NULL) == ERR_OK);
	need(index_open(&index, path_of(path, home, "index"), log, identity, NULL) == ERR_OK);
	need(index_reader_open(&l.reader, index) == ERR_OK);
	/* What a daemon does as soon as nobody waits for it. */
	while (more)
		need(index_settle(index, &more) == ERR_OK);
	need(index_reader_renew(l.reader) == ERR_OK);
	bench_times(&r, looks_up, &l);
	need(l.found > 0);
	bench_write(&r);
	index_reader_close(l.reader);
	index_close(index);
	log_close(log);
	identity_free(identity);
}

/* A web server's log in which one line in a thousand has a known address. */
static double log_write(const struct lab *lab)
{
	char path[PATH_MAX], address[32];
	uint64_t seed = 7;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof path, "%s/access.log", lab->dir);
	f = fopen(path, "w");
	need(f);
	for (size_t i = 0; i < LOG_LINES; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (i % KNOWN_EVERY == 0)
			lab_value(address, (unsigned)((seed >> 20) % (messages * INDICATORS)));
		else
			lab_value(address, (unsigned)(messages * INDICATORS + (seed >> 40)));
		fprintf(f,
			"%s - - [22/Nov/2026:01:02:03 +0000] \"GET /a/%llu/index.html HTTP/1.1\" "
			"200 %u \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
			address, (unsigned long long)(seed >> 40), (unsigned)(seed >> 45 & 65535));
	}
	need(fclose(f) == 0 && stat(path, &st) == 0);
	snprintf(path, sizeof path, "%s/values.txt", lab->dir);
	f = fopen(path, "w");
	need(f);
	for (size_t i = 0; i < messages * INDICATORS; i++) {
		lab_value(address, (unsigned)i);
		fprintf(f, "%s\n", address);
	}
	need(fclose(f) == 0);
	return (double)st.st_size;
}

static void bench_file_check(const struct lab *lab)
{
	char name[80];
	struct bench_row r = {
		.work = sized(name, "check --file of a log against #; peer: grep -F -f"),
		.unit = "MB/s"};
	double bytes = log_write(lab), begun;

	for (int i = 0; i < BENCH_TIMES; i++) {
		begun = bench_now();
		lab_do(lab,
		       "build/khabar --home $D/lab/solo --json check --file $D/access.log "
		       ">$D/found; test $(wc -l <$D/found) -ge %d",
		       LOG_LINES / KNOWN_EVERY);
		r.values[r.count++] = bytes / 1e6 / (bench_now() - begun);
	}
	begun = bench_now();
	lab_do(lab, "LC_ALL=C grep -F -f $D/values.txt $D/access.log >/dev/null");
	r.peer = bytes / 1e6 / (bench_now() - begun);
	bench_write(&r);
}

/* ---- an import ---- */

static void list_write(const struct lab *lab, unsigned round)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof path, "%s/list.txt", lab->dir);
	f = fopen(path, "w");
	need(f);
	for (unsigned i = 0; i < LIST_LINES; i++)
		fprintf(f, "203.%u.%u.%u\n", 2 * round + (i >> 16), i >> 8 & 255, i & 255);
	need(fclose(f) == 0);
}

static void bench_import(void)
{
	struct bench_row r = {.work = "import of 100,000 lines until the parent has it",
			      .unit = "s",
			      .less = true};
	struct ask *solo;
	struct lab lab;

	lab_make(&lab, "parent solo:parent");
	lab_start(&lab, "parent solo");
	solo = lab_ask(&lab, "solo");
	for (unsigned i = 0; i < BENCH_TIMES; i++) {
		double begun, before = lab_status(solo).messages;
		struct lab_status s;
		list_write(&lab, i);
		begun = bench_now();
		lab_do(&lab, "build/khabar --home $D/lab/solo import $D/list.txt --tlp green "
			     "--to all --yes >/dev/null");
		while ((s = lab_status(solo)).waiting > 0 || s.sent < s.messages)
			lab_pause();
		r.values[r.count++] = bench_now() - begun;
		need(s.messages > before);
	}
	bench_write(&r);
	ask_close(solo);
	lab_remove(&lab);
}

static void at_size(bool file)
{
	char home[PATH_MAX], name[80];
	struct lab lab;
	struct ask *ask;
	pid_t pid;

	lab_make(&lab, "solo");
	snprintf(home, sizeof home, "%s/lab/solo", lab.dir);
	lab_fill(&lab, "solo", messages, INDICATORS);
	pid = daemon_start(home);
	ask = answer_waited(home);
	lab_folded(ask);
	bench_figure(sized(name, "private memory, # objects just made searchable"),
		     private_mib(pid), "MiB");
	ask_close(ask);
	need(kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, 0) == pid);
	bench_start(home, "start with # objects", SIGTERM);
	bench_start(home, "start with # objects after kill -9", SIGKILL);
	bench_disk(home);
	bench_match(home);
	pid = daemon_start(home);
	ask = answer_waited(home);
	ask_close(ask);
	if (file)
		bench_file_check(&lab);
	bench_figure(sized(name, "private memory with # objects"), private_mib(pid), "MiB");
	need(kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, 0) == pid);
	lab_remove(&lab);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		size_t messages;
	} sizes[] = {{"10k", 10}, {"100k", 100}, {"1M", 1000}, {"10M", 10000}};

	bench_file = argc > 1 ? fopen(argv[1], "a") : NULL;
	for (size_t i = 0; i < (getenv("BIG") ? 4 : 3); i++) {
		size_name = sizes[i].name;
		messages = sizes[i].messages;
		at_size(messages >= 1000);
	}
	bench_import();
	return bench_file && fclose(bench_file) != 0;
}
