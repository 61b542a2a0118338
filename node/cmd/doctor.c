/* khabar doctor: walks everything that a node needs, names what fails and what mends it.  It works
 * on the home itself, so also where no node runs. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "node/cmd/doctor.h"
#include "node/cmd/options.h"
#include "node/home.h"
#include "node/link/tcp.h"
#include "node/loop.h"
#include "node/store/log.h"
#include "node/store/versions.h"
#include "protocol/admin.h"
#include "protocol/council.h"

enum { SENTENCE_BYTES = 1024, STEP_WIDTH = 20, CLOCK_MS = 2 * 3600 * 1000, DAY_MS = 86400000 };

static const char what[] = "khabar doctor";

/* ---- what is found ---- */

static void print_finding(const struct doctor *d, enum finding finding, const char *step,
			  const char *mend, const char *sentence)
{
	static const char *const words[] = {"ok", "warning", "FAILED"};
	static const char *const states[] = {"ok", "warning", "failed"};
	struct text t;

	if (d->c->json) {
		text_init(&t);
		text_str(&t, "{");
		admin_put_string(&t, "step", step);
		admin_put_string(&t, "state", states[finding]);
		admin_put_string(&t, "what", sentence);
		admin_put_string(&t, "do", mend);
		text_str(&t, "}");
		print_built(&t);
		return;
	}
	printf("%-7s  ", words[finding]);
	print_column(step, STEP_WIDTH);
	print_safe(stdout, sentence, false);
	putchar('\n');
	if (mend) {
		printf("%9s", "");
		fputs("what to do: ", stdout);
		print_safe(stdout, mend, false);
		putchar('\n');
	}
}

void doctor_say(struct doctor *d, enum finding finding, const char *step, const char *mend,
		const char *format, ...)
{
	char sentence[SENTENCE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	d->warnings += finding == FINDING_WARNING;
	d->failures += finding == FINDING_FAILED;
	print_finding(d, finding, step, mend, sentence);
	fflush(stdout);
}

/* ---- home, configuration, keys ---- */

static void look_at_folder(struct doctor *d)
{
	char mend[PATH_MAX + 64];
	struct stat st;

	snprintf(mend, sizeof mend, "chmod 700 %s", d->c->home);
	if (stat(d->c->home, &st) != 0)
		doctor_say(d, FINDING_FAILED, "home", "khabar init NAME", "%s: %s", d->c->home,
			   strerror(errno));
	else if (st.st_mode & 066)
		doctor_say(d, FINDING_FAILED, "home", mend,
			   "%s: others may look at it or write into it", d->c->home);
	else
		doctor_say(d, FINDING_OK, "home", NULL, "%s is closed to others", d->c->home);
}

/* Keys that cannot be opened leave the configuration, for what comes after. */
static void look_at_keys(struct doctor *d)
{
	struct report report;
	char path[PATH_MAX];
	enum err e;

	report_init(&report);
	e = home_path(path, d->c->home, "khabardar.zpl") ? config_read(&d->config, path, &report)
							 : ERR_LIMIT;
	for (size_t i = 0; i < report.count; i++)
		doctor_say(d, FINDING_FAILED, "configuration", "mend that line, then khabardar -n",
			   "%s", report.lines[i]);
	if (!e)
		doctor_say(d, FINDING_OK, "configuration", NULL, "%s is in order", path);
	report_clear(&report);
	if (e)
		return;
	config_free(d->config);
	report_init(&report);
	e = home_open(&d->config, &d->identity, d->c->home, &report);
	for (size_t i = 0; i < report.count; i++)
		doctor_say(d, FINDING_FAILED, "keys", NULL, "%s", report.lines[i]);
	if (e) {
		if (!report.count)
			doctor_say(d, FINDING_FAILED, "keys", NULL, "%s", err_str(e));
		(void)config_read(&d->config, path, NULL);
	} else {
		doctor_say(d, FINDING_OK, "keys", NULL, "the keys of %s open",
			   identity_public(d->identity)->name);
	}
	report_clear(&report);
}

/* ---- clock ---- */

static void look_at_clock(struct doctor *d)
{
	const char *mend = "install chrony, or timedatectl set-ntp true";
	struct timex t = {0};
	char now[TIME_BYTES];
	const cJSON *link;
	size_t far = 0, near = 0;

	cJSON_ArrayForEach(link, cJSON_GetObjectItemCaseSensitive(d->links.json, "lines"))
	{
		double ahead = member_number(link, "clock_ahead_ms");
		bool up = strcmp(member_text(link, "state"), "up") == 0;
		far += up && (ahead > CLOCK_MS || ahead < -CLOCK_MS);
		near += up && ahead <= CLOCK_MS && ahead >= -CLOCK_MS;
	}
	time_format(now, clock_wall());
	if (far > near)
		doctor_say(d, FINDING_FAILED, "clock", mend,
			   "it says %s, and %zu neighbours have another idea of it", now, far);
	else if (adjtimex(&t) == TIME_ERROR || t.status & STA_UNSYNC)
		doctor_say(d, FINDING_WARNING, "clock", mend,
			   "it says %s, and nothing on this machine keeps it right", now);
	else
		doctor_say(d, FINDING_OK, "clock", NULL, "it says %s, and is kept right", now);
}

/* ---- the daemon, and what it knows ---- */

static bool ask_for(struct doctor *d, const char *name, struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, name);
	code = client_ask(&d->client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code == EXIT_DONE;
}

static void look_at_daemon(struct doctor *d)
{
	d->running = client_node_runs(d->c) && client_open(&d->client, d->c, what) == EXIT_DONE;
	if (d->running && ask_for(d, "status", &d->status) && ask_for(d, "links", &d->links))
		doctor_say(d, FINDING_OK, "daemon", NULL, "it answers; it runs since %.19sZ",
			   member_text(d->status.json, "started"));
	else if (d->running)
		doctor_say(d, FINDING_FAILED, "daemon", "ask who has the right admin",
			   "it answers, and refuses you");
	else
		doctor_say(d, FINDING_FAILED, "daemon",
			   "systemctl start khabardar, or khabardar --home DIR",
			   "nothing answers at %s/run/admin.sock", d->c->home);
}

/* The newest version that the log has.  A log that cannot be opened is a finding of its own. */
static char *topology_of_log(struct doctor *d, size_t *n, bool *told)
{
	const struct log_options options = {.read_only = true};
	struct versions *versions = NULL;
	struct log *log = NULL;
	struct report report;
	struct stat st;
	char path[PATH_MAX], *text = NULL;

	if (!d->identity || !home_path(path, d->c->home, "log") || stat(path, &st) != 0)
		return NULL;
	report_init(&report);
	*told = log_open(&log, path, &options, d->identity, NULL, &report) != ERR_OK;
	if (*told) {
		doctor_say(d, FINDING_FAILED, "log",
			   "khabardar(8), \"When the disk gives trouble\"", "%s",
			   report.count ? report.lines[0] : "it cannot be opened");
	} else if (!versions_open(&versions, log, NULL) && versions_newest(versions)) {
		*n = versions_newest(versions)->text_length;
		text = strndup(versions_newest(versions)->text, *n);
	}
	versions_close(versions);
	log_close(log);
	report_clear(&report);
	return text;
}

/* Its text, from the node, or from the log where none runs. */
static char *topology_text(struct doctor *d, size_t *n, bool *told)
{
	struct reply reply;
	char *text = NULL;

	if (d->running && ask_for(d, "topology", &reply)) {
		if (reply.frame) {
			*n = council_text_length((const char *)reply.frame, reply.frame_length);
			text = strndup((const char *)reply.frame, *n);
		}
		reply_clear(&reply);
		return text;
	}
	return d->running ? NULL : topology_of_log(d, n, told);
}

static void look_at_membership(struct doctor *d)
{
	const struct topology *t = d->topology;
	const struct party *self = topology_party(t, d->config->node);
	const struct identity_public *keys = d->identity ? identity_public(d->identity) : NULL;
	const struct sign_key *key = self && keys ? party_sign_key(self, keys->sign_number) : NULL;

	if (!self || self->kind != PARTY_NODE || self->left)
		doctor_say(d, FINDING_FAILED, "membership",
			   "ask the council for the next version, then khabar topology accept FILE",
			   "topology version %u does not list %s as a member", t->version,
			   d->config->node);
	else if (keys && (!key || memcmp(key->key, keys->sign, SIGN_KEY_BYTES) != 0))
		doctor_say(d, FINDING_FAILED, "membership",
			   "send node.card to the council, or bring node.key back from its copy",
			   "topology version %u lists another sign key than node.key has",
			   t->version);
	else if (key && key->revoked)
		doctor_say(d, FINDING_FAILED, "membership", "send a new card to the council",
			   "topology version %u revokes the sign key of this node", t->version);
	else
		doctor_say(d, FINDING_OK, "membership", NULL, "%s is a member of %s",
			   d->config->node, t->name ? t->name : "the federation");
}

static void look_at_topology(struct doctor *d)
{
	uint64_t now = clock_wall(), soon = 30 * UINT64_C(86400000);
	char until[TIME_BYTES], *text;
	bool told = false;
	size_t n = 0;

	text = topology_text(d, &n, &told);
	if (!text || topology_parse(&d->topology, text, n, NULL)) {
		if (!told && (d->running || d->identity))
			doctor_say(d, FINDING_FAILED, "topology", "khabar join FILE",
				   "this node has not joined a federation");
		else if (!told)
			doctor_say(d, FINDING_WARNING, "topology", "mend the keys first",
				   "it is in the log, which cannot be read without the keys");
		free(text);
		return;
	}
	free(text);
	time_format(until, d->topology->expires);
	if (now >= d->topology->expires)
		doctor_say(d, FINDING_WARNING, "topology", "ask the council for the next version",
			   "version %u has expired at %s", d->topology->version, until);
	else if (now + soon >= d->topology->expires)
		doctor_say(d, FINDING_WARNING, "topology", "ask the council for the next version",
			   "version %u expires at %s", d->topology->version, until);
	else
		doctor_say(d, FINDING_OK, "topology", NULL, "version %u holds until %s",
			   d->topology->version, until);
	look_at_membership(d);
}

/* ---- all of it ---- */

static int diagnose(struct doctor *d)
{
	look_at_folder(d);
	look_at_keys(d);
	if (!d->config)
		return EXIT_REFUSED;
	look_at_daemon(d);
	look_at_clock(d);
	look_at_topology(d);
	if (d->topology)
		doctor_links(d);
	doctor_home(d);
	if (!d->c->json && !d->failures)
		printf("\nnothing has failed, %zu warning%s\n", d->warnings, plural(d->warnings));
	else if (!d->c->json)
		printf("\n%zu step%s failed\n", d->failures, plural(d->failures));
	return d->failures ? EXIT_REFUSED : EXIT_DONE;
}

int cmd_doctor(const struct cmd_context *c, int argc, char **argv)
{
	struct doctor *d = calloc(1, sizeof *d);
	const struct option_rule rules[] = {{"to", OPTION_TEXT, d ? &d->to : NULL, 0, 0}};
	int first, code = d ? options_read(what, rules, 1, argc, argv, &first) : EXIT_REFUSED;

	if (!code && first < argc)
		code = cmd_misused(what, "\"%s\" is not wanted", argv[first]);
	if (!code) {
		d->c = c;
		code = diagnose(d);
		client_close(&d->client);
		reply_clear(&d->status);
		reply_clear(&d->links);
		topology_free(d->topology);
		identity_free(d->identity);
		config_free(d->config);
	}
	free(d);
	return code;
}
