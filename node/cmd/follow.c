/* khabar follow: keeps the exports of khabardar.zpl as new as what is known, runs what shall be run
 * after, and the alarm command.  The daemon starts it; it is a process of its own, so that the
 * daemon runs nothing. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/cmd/export_run.h"
#include "node/cmd/follow_alarm.h"
#include "node/cmd/follow_hunt.h"
#include "node/cmd/follow_inflow.h"
#include "node/cmd/options.h"
#include "node/cmd/spawn.h"
#include "node/config.h"
#include "node/home.h"
#include "node/loop.h"
#include "protocol/admin.h"

static const char what[] = "khabar follow";

enum {
	LOOK_MS = 500,
	/* What runs out changes exports while nothing comes. */
	ANYWAY_MS = 10 * 60 * 1000,
	/* A large export leaves the machine alone for as long as three times what it took, but not
	 * for longer than what runs out may wait. */
	REST_FACTOR = 3,
};

struct following {
	const struct followed *f;
	struct export_digest digest;
	struct told told;    /* messages that the node knows to be in it */
	bool ever;           /* digest is of a run */
	bool owes;           /* its command has not been run since it was written */
	size_t count;        /* of what was written last */
	uint64_t position;   /* of the log, when it was last looked at */
	uint64_t done, next; /* mono ms */
};

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	(void)number;
	ended = 1;
}

/* ---- one export ---- */

static void tell(struct client *client, const struct following *x, size_t count, const char *why)
{
	struct text request;
	struct reply reply;

	request_init(&request, "exported");
	admin_put_string(&request, "name", x->f->name);
	admin_put_number(&request, "written", count);
	if (*why)
		admin_put_string(&request, "failed", why);
	if (client_ask(client, &request, NULL, 0, false, &reply) == EXIT_DONE)
		reply_clear(&reply);
	text_clear(&request);
}

static void run(struct following *x, struct client *client, const struct cmd_context *c)
{
	struct export_outcome outcome = {.before = x->ever ? &x->digest : NULL,
					 .messages = {.told = &x->told}};
	char *argv[OPTIONS_MAX + 2] = {(char *)(uintptr_t) "export"}, why[SPAWN_WHY_BYTES] = "";
	size_t n = 1;
	int code;

	for (size_t i = 0; i < x->f->options.count; i++)
		argv[n++] = x->f->options.words[i];
	code = export_once(c, (int)n, argv, &outcome);
	if (code) {
		free(outcome.messages.ids);
		x->ever = false;
		tell(client, x, 0, EXPORT_NOT_WRITTEN ": see what khabar export says");
		return;
	}
	x->ever = true;
	x->digest = outcome.digest;
	x->owes = x->owes || outcome.written;
	if (outcome.written)
		x->count = outcome.count;
	if (x->owes && x->f->then)
		spawn_words(x->f->then, NULL, 0, &ended, why);
	if (x->owes)
		tell(client, x, x->count, why);
	/* A command that failed is run again. */
	x->owes = *why != '\0';
	/* SPEC 5.9: "once an export that follows what is known has carried it, and the export's
	 * command, where there is one, has succeeded" */
	if (x->owes)
		free(outcome.messages.ids);
	else
		carried_tell(&outcome.messages, &x->told, client, x->f->name);
}

static bool position_ask(struct client *client, uint64_t *position)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "position");
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return false;
	*position = (uint64_t)member_number(reply.json, "position");
	reply_clear(&reply);
	return true;
}

static void look(struct following *x, struct client *client, const struct cmd_context *c,
		 uint64_t position)
{
	uint64_t now = clock_monotonic(), rest, every = (uint64_t)x->f->every * 1000;

	if (now < x->next ||
	    (x->ever && !x->owes && position == x->position && now < x->done + ANYWAY_MS))
		return;
	x->position = position;
	run(x, client, c);
	x->done = clock_monotonic();
	rest = REST_FACTOR * (x->done - now);
	if (rest > ANYWAY_MS)
		rest = ANYWAY_MS;
	x->next = x->done + (rest > every ? rest : every);
}

/* Processes beside this one, each with work of its own that may be long. */
enum { HELPERS = 3 };

static bool helpers_start(pid_t pids[HELPERS], const struct cmd_context *c,
			  const struct config *config)
{
	pids[0] = follow_hunt_start(c, config);
	pids[1] = follow_watch_start(c, config);
	pids[2] = follow_misp_start(c, config);
	return pids[0] >= 0 && pids[1] >= 0 && pids[2] >= 0;
}

static bool helper_gone(const pid_t pids[HELPERS])
{
	for (size_t i = 0; i < HELPERS; i++)
		if (pids[i] > 0 && waitpid(pids[i], NULL, WNOHANG) == pids[i])
			return true;
	return false;
}

static void helpers_stop(const pid_t pids[HELPERS])
{
	for (size_t i = 0; i < HELPERS; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGTERM);
}

static int follow(const struct cmd_context *c, const struct config *config)
{
	const size_t count = config->export_count;
	struct following *all = calloc(count + 1, sizeof *all);
	/* What is told is for the journal, not for a terminal. */
	const struct cmd_context quiet = {.home = c->home, .yes = true};
	struct alarm_following alarms = {.config = config};
	pid_t helpers[HELPERS] = {0};
	struct client client;
	bool open = false;

	if (!all || !helpers_start(helpers, &quiet, config)) {
		helpers_stop(helpers);
		free(all);
		return EXIT_REFUSED;
	}
	for (size_t i = 0; i < count; i++)
		all[i].f = &config->exports[i];
	/* Whoever started this starts all of them again. */
	while (!ended && !helper_gone(helpers)) {
		uint64_t position;
		if (!open && client_node_runs(&quiet))
			open = client_open(&client, &quiet, what) == EXIT_DONE;
		if (open && position_ask(&client, &position)) {
			for (size_t i = 0; i < count && !ended; i++)
				look(&all[i], &client, &quiet, position);
			if (!ended)
				follow_alarms(&alarms, &client, &ended);
		} else if (open) {
			client_close(&client);
			open = false;
		}
		usleep(LOOK_MS * 1000);
	}
	helpers_stop(helpers);
	if (open)
		client_close(&client);
	for (size_t i = 0; i < count; i++)
		free(all[i].told.slots);
	free(all);
	return EXIT_DONE;
}

int cmd_follow(const struct cmd_context *c, int argc, char **argv)
{
	bool child = false;
	const struct option_rule rules[] = {{"child", OPTION_FLAG, &child, 0, 0}};
	struct sigaction end = {.sa_handler = on_end};
	struct config *config = NULL;
	struct report report;
	char path[PATH_MAX];
	int first, code = options_read(what, rules, 1, argc, argv, &first);

	if (!code && first < argc)
		code = cmd_misused(what, "\"%s\" is not wanted", argv[first]);
	if (code)
		return code;
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	/* Of the daemon, which it does not outlive. */
	if (child && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() == 1))
		return EXIT_DONE;
	report_init(&report);
	if (!home_path(path, c->home, "khabardar.zpl") || config_read(&config, path, &report)) {
		code = client_refused(c, what, &report);
	} else if (!config_follows(config)) {
		report_add(&report,
			   "%s has no section export, watch or misp, no alarm command and "
			   "no hunt",
			   path);
		code = client_refused(c, what, &report);
	} else {
		code = follow(c, config);
	}
	config_free(config);
	report_clear(&report);
	return code;
}
