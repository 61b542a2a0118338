/* khabardar: the daemon. */
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/admin/control.h"
#include "node/duty/follower.h"
#include "node/home.h"
#include "node/limits.h"
#include "node/node.h"
#include "node/sandbox.h"
#include "node/say.h"
#include "node/store/porter.h"

static volatile atomic_int quit;

static void on_signal(int number)
{
	(void)number;
	quit = 1;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: khabardar [--home DIR] [--user NAME] [-n]\n\n"
		     "Runs the node whose home is DIR (" HOME_DEFAULT ").\n"
		     "--user NAME  gives up root's privileges for those of NAME (who owns DIR)\n"
		     "-n           checks configuration and keys, and stops\n");
}

static int complain(const char *home, enum err e, struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		fprintf(stderr, "khabardar: %s\n", report->lines[i]);
	if (report->count == 0)
		fprintf(stderr, "khabardar: %s: %s\n", home, err_str(e));
	report_clear(report);
	return 1;
}

static int check(const char *home)
{
	struct report report;
	struct config *config = NULL;
	struct identity *identity = NULL;
	enum err e;

	report_init(&report);
	e = home_open(&config, &identity, home, &report);
	if (e)
		return complain(home, e, &report);
	printf("%s: the configuration and the keys of %s are in order\n", home, config->node);
	identity_free(identity);
	config_free(config);
	report_clear(&report);
	return 0;
}

static void signals_set(void)
{
	struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	/* A limit on the size of files is then an error like a full disk. */
	sigaction(SIGXFSZ, &ignore, NULL);
}

/* The processes beside the daemon. */
struct helpers {
	pid_t follower; /* or 0 */
	struct porter *porter;
};

static void helpers_stop(struct helpers *h)
{
	follower_stop(h->follower);
	porter_stop(h->porter);
}

static enum err shut_in(struct helpers *h, const char *home, const struct config *config,
			char **argv, struct report *report)
{
	struct sandbox_made made;
	pid_t pids[2] = {h->follower};
	enum err e;

	if (sandbox_unfit()) {
		say(LEVEL_INFO, "no sandbox: %s", sandbox_unfit());
		return ERR_OK;
	}
	e = porter_start(&h->porter, home, argv);
	if (e)
		return e;
	pids[1] = porter_pid(h->porter);
	e = sandbox_enter(&made, home, config, pids, 2, report);
	if (!e && !made.files && !getenv("LD_PRELOAD"))
		say(LEVEL_WARNING, "this kernel has no landlock: files are not in the sandbox");
	if (!e && !made.calls)
		say(LEVEL_WARNING,
		    "this kernel has no seccomp: system calls are not in the sandbox");
	return e;
}

/* What must happen before there is any thread, or secret. */
static enum err prepare(struct helpers *h, const char *home, char **argv, struct report *report)
{
	struct config *config = NULL;
	char path[PATH_MAX];
	enum err e = ERR_OK;

	/* What is wrong with the file is said by who opens the node. */
	if (!home_path(path, home, "khabardar.zpl") || config_read(&config, path, NULL) != ERR_OK)
		return ERR_OK;
	say_level(config->level);
	if (config_follows(config)) {
		h->follower = follower_start(home);
		if (!h->follower)
			say(LEVEL_WARNING,
			    "nothing is exported, no alarm told: khabar follow cannot be started");
	}
	if (config->sandbox)
		e = shut_in(h, home, config, argv, report);
	config_free(config);
	return e;
}

static int run(const char *home, char **argv)
{
	struct helpers helpers = {0};
	struct report report;
	struct node *node = NULL;
	struct control *control = NULL;
	enum err e;

	report_init(&report);
	signals_set();
	e = prepare(&helpers, home, argv, &report);
	if (!e)
		e = node_open(&node, home, &report);
	if (!e) {
		node_set_porter(node, helpers.porter);
		node_set_follower(node, helpers.follower);
		e = control_start(&control, node, &report);
	}
	if (e) {
		node_close(node);
		helpers_stop(&helpers);
		return complain(home, e, &report);
	}
	if (geteuid() == 0)
		say(LEVEL_WARNING, "running as root, which it need not: see --user");
	say(LEVEL_INFO, "%s is running; its home is %s", node_config(node)->node, home);
	e = node_run(node, &quit);
	if (e)
		say(LEVEL_ERROR, "%s", err_str(e));
	else
		say(LEVEL_INFO, "stopped");
	follower_stop(helpers.follower);
	control_stop(control);
	node_close(node);
	porter_stop(helpers.porter);
	report_clear(&report);
	return e ? 1 : 0;
}

/* Who we are from now on.  SPEC 10.2 has what else holds for the daemon. */
static enum err settle(const char *user, const char *home, struct report *report)
{
	enum err e = user ? sandbox_user(user, report) : sandbox_owner(home, report);

	sandbox_no_dumps();
	return e ? e : limits_files(report);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"home", required_argument, NULL, 'H'},
						{"user", required_argument, NULL, 'U'},
						{"help", no_argument, NULL, 'h'},
						{"version", no_argument, NULL, 'V'},
						{NULL, 0, NULL, 0}};
	const char *home = HOME_DEFAULT, *user = NULL;
	struct report report;
	bool only_check = false;
	int option;
	enum err e;

	while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		switch (option) {
		case 'H':
			home = optarg;
			break;
		case 'U':
			user = optarg;
			break;
		case 'n':
			only_check = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("khabardar " NODE_VERSION);
			return 0;
		default:
			usage(stderr);
			return 3;
		}
	}
	if (optind != argc || sodium_init() < 0) {
		usage(stderr);
		return 3;
	}
	report_init(&report);
	e = settle(user, home, &report);
	if (e)
		return complain(home, e, &report);
	return only_check ? check(home) : run(home, argv);
}
