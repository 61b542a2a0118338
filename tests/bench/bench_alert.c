/* An alert over three hops, in a quiet federation and while a backfill fills the last of its links;
 * and the memory of a federation. */
#include "tests/bench/bench.h"
#include "tests/bench/lab.h"
#include "tests/bench/limit.h"

enum { ALERTS = 50, BUSY_MAX = 1000, HOPS = 3, INDICATORS = 100, FIRST = 1u << 30 };

/* Shares one value with priority 3; id is the message's. */
static void share(struct ask *a, unsigned number, char id[65])
{
	const cJSON *ids;
	struct reply reply;
	struct text t;
	struct slice frame;

	text_init(&t);
	text_str(&t, "{\"type\":\"bundle\",\"id\":\"bundle--"
		     "00000000-0000-4000-8000-000000000000\",\"objects\":[");
	lab_indicator(&t, number);
	text_str(&t, "]}");
	frame = (struct slice){t.at, t.length};
	need(ask(a, "{\"do\":\"share\",\"tlp\":\"green\",\"to\":[\"all\"],\"priority\":3}", &frame,
		 1, true, &reply, NULL) == ERR_OK &&
	     reply.ok);
	ids = cJSON_GetObjectItemCaseSensitive(reply.json, "messages");
	snprintf(id, 65, "%s", cJSON_GetArrayItem(ids, 0)->valuestring);
	reply_clear(&reply);
	text_clear(&t);
}

/* Reads on; has it come?  NULL: only reads on. */
static bool came(struct watcher *w, const char *id)
{
	struct message_id wanted;
	struct log_row row;
	bool yes = false;

	need(!id || hex_decode(wanted.b, sizeof wanted.b, id));
	need(log_reader_renew(w->reader) == ERR_OK);
	while (log_read_from(w->reader, w->next, &row) == ERR_OK) {
		yes |= id && row.kind == LOG_MESSAGE && message_id_equal(&row.id, &wanted);
		w->next = row.lsn + 1;
	}
	log_reader_pause(w->reader);
	return yes;
}

static bool knows(struct ask *a, unsigned number)
{
	char request[80], value[16];
	struct reply reply;
	bool yes;

	lab_value(value, number);
	snprintf(request, sizeof request, "{\"do\":\"check\",\"values\":[\"%s\"]}", value);
	need(ask(a, request, NULL, 0, false, &reply, NULL) == ERR_OK && reply.ok);
	yes = strstr(reply.text, "\"known\":true") != NULL;
	reply_clear(&reply);
	return yes;
}

/* From the moment in which its author asks for it until it is durable at the last node, in ms. */
static double alert(struct ask *from, struct watcher *to, unsigned number)
{
	double begun = bench_now();
	char id[65];

	came(to, NULL);
	share(from, number, id);
	while (!came(to, id))
		moment();
	return (bench_now() - begun) * 1e3;
}

/* The same until its value is found there. */
static double alert_found(struct ask *from, struct ask *to, unsigned number)
{
	double begun = bench_now();
	char id[65];

	share(from, number, id);
	while (!knows(to, number))
		moment();
	return (bench_now() - begun) * 1e3;
}

static double quantile(double *values, size_t n, double part)
{
	qsort(values, n, sizeof *values, bench_order);
	return values[(size_t)((double)(n - 1) * part)];
}

static void quantiles_write(const char *median, const char *most, double *values, size_t n,
			    double limit)
{
	struct bench_row r = {.work = median,
			      .unit = "ms",
			      .values = {quantile(values, n, 0.5)},
			      .count = 1,
			      .limit = limit,
			      .less = true};

	bench_write(&r);
	r.work = most;
	r.values[0] = quantile(values, n, 0.99);
	bench_write(&r);
}

static double idle_alerts(struct ask *from, struct ask *to, struct watcher *watcher)
{
	double there[ALERTS], found[ALERTS], limit = limit_alert(HOPS);

	for (unsigned i = 0; i < ALERTS; i++) {
		there[i] = alert(from, watcher, FIRST + 2 * i);
		found[i] = alert_found(from, to, FIRST + 2 * i + 1);
	}
	quantiles_write("alert over three hops: median", "alert over three hops: 99 in 100", there,
			ALERTS, limit);
	quantiles_write("alert until its value is found: median",
			"alert until its value is found: 99 in 100", found, ALERTS, limit);
	return quantile(there, ALERTS, 0.99);
}

/* As many as there is time for while all that a holds goes to d again, over the link that the
 * alerts take.  idle: the figure without. */
static void busy_alerts(struct ask *from, struct watcher *to, size_t messages, double idle)
{
	static double there[BUSY_MAX];
	unsigned n = 0;

	while (!came(to, NULL) && to->next <= 2)
		moment();
	while (n < BUSY_MAX && (n == 0 || to->next < messages)) {
		there[n] = alert(from, to, FIRST + 2 * ALERTS + n);
		n++;
	}
	quantiles_write("alert during a backfill of 1M objects: median",
			"alert during a backfill of 1M objects: 99 in 100", there, n, idle);
	bench_figure("alerts during the backfill", n, "alerts");
}

static void all_folded(const struct lab *lab, size_t messages)
{
	static const char *const nodes[] = {"a", "b", "c", "d"};

	for (size_t i = 0; i < 4; i++) {
		struct ask *a = lab_ask(lab, nodes[i]);
		while (lab_status(a).messages < (double)messages)
			lab_pause();
		lab_folded(a);
		ask_close(a);
	}
}

static void alerts(void)
{
	size_t messages = getenv("BIG") ? 100000 : 10000;
	struct watcher watcher;
	struct ask *from, *to;
	struct lab lab;
	double idle;

	lab_make(&lab, "a b:a c:b d:c");
	lab_fill(&lab, "a", messages, INDICATORS);
	lab_start(&lab, "a b c d");
	all_folded(&lab, messages);
	from = lab_ask(&lab, "a");
	to = lab_ask(&lab, "d");
	watcher_open(&watcher, &lab, "d");
	idle = idle_alerts(from, to, &watcher);
	ask_close(to);
	watcher_close(&watcher);
	lab_stop(&lab, "d");
	lab_empty(&lab, "d");
	lab_start(&lab, "d");
	watcher_open(&watcher, &lab, "d");
	busy_alerts(from, &watcher, messages, idle);
	ask_close(from);
	watcher_close(&watcher);
	lab_remove(&lab);
}

static void federation(void)
{
	char path[PATH_MAX], line[128];
	struct lab lab;
	double sum = 0, kib;
	FILE *f;

	snprintf(lab.dir, sizeof lab.dir, "/tmp/khabardar-bench-XXXXXX");
	need(mkdtemp(lab.dir));
	lab_keep(&lab);
	lab_do(&lab, "scripts/lab up $D/lab >/dev/null && for pid in $D/lab/*/pid; do grep RssAnon "
		     "/proc/$(cat $pid)/status; done >$D/memory");
	snprintf(path, sizeof path, "%s/memory", lab.dir);
	f = fopen(path, "r");
	need(f);
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "RssAnon: %lf", &kib) == 1)
			sum += kib / 1024;
	}
	fclose(f);
	bench_figure("private memory of thirteen nodes", sum, "MiB");
	lab_remove(&lab);
}

int main(int argc, char **argv)
{
	bench_file = argc > 1 ? fopen(argv[1], "a") : NULL;
	alerts();
	federation();
	return bench_file && fclose(bench_file) != 0;
}
