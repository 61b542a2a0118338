/* khabardar: the daemon. */
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "node/admin/control.h"
#include "node/duty/follower.h"
#include "node/home.h"
#include "node/node.h"
#include "node/say.h"

static volatile sig_atomic_t quit;

static void on_signal(int number)
{
	(void)number;
	quit = 1;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: khabardar [--home DIR] [-n]\n\n"
		     "Runs the node whose home is DIR (" HOME_DEFAULT ").\n"
		     "-n  checks configuration and keys, and stops\n");
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
	struct rlimit no_core = {0, 0};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	/* A limit on the size of files is then an error like a full disk. */
	sigaction(SIGXFSZ, &ignore, NULL);
	/* A core dump would hold every secret. */
	setrlimit(RLIMIT_CORE, &no_core);
}

/* What is wrong with the file is said by who opens the node. */
static bool exports_wanted(const char *home)
{
	struct config *config = NULL;
	char path[PATH_MAX];
	bool wanted = home_path(path, home, "khabardar.zpl") &&
		      config_read(&config, path, NULL) == ERR_OK && config->export_count > 0;

	config_free(config);
	return wanted;
}

static int run(const char *home)
{
	struct report report;
	pid_t follower;
	struct node *node;
	struct control *control;
	enum err e;

	report_init(&report);
	signals_set();
	follower = exports_wanted(home) ? follower_start(home) : 0;
	e = node_open(&node, home, &report);
	if (e) {
		follower_stop(follower);
		return complain(home, e, &report);
	}
	e = control_start(&control, node, &report);
	if (e) {
		node_close(node);
		follower_stop(follower);
		return complain(home, e, &report);
	}
	say(LEVEL_INFO, "%s is running; its home is %s", node_config(node)->node, home);
	e = node_run(node, &quit);
	if (e)
		say(LEVEL_ERROR, "%s", err_str(e));
	else
		say(LEVEL_INFO, "stopped");
	follower_stop(follower);
	control_stop(control);
	node_close(node);
	report_clear(&report);
	return e ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"home", required_argument, NULL, 'H'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *home = HOME_DEFAULT;
	bool only_check = false;
	int option;

	while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		switch (option) {
		case 'H':
			home = optarg;
			break;
		case 'n':
			only_check = true;
			break;
		case 'h':
			usage(stdout);
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
	return only_check ? check(home) : run(home);
}
