#include "node/cmd/follow_hunt.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cmd/hunt_filter.h"
#include "node/cmd/hunt_find.h"
#include "node/home.h"
#include "node/loop.h"
#include "protocol/admin.h"
#include "protocol/topology_value.h"

enum {
	LOOK_MS = 1000,
	/* A long hunt leaves the machine alone for three times as long as it took. */
	REST_FACTOR = 3,
	LOGS_MAX = 4096,
	DAYS = 30,
	DAY_S = 86400,
	OBJECTS_MAX = 20000,
	NICE = 10,
};

struct hunted_log {
	char *path; /* owned */
	struct stat st;
	struct hunt_filter *filter; /* NULL: it could not be read */
	bool wanted;                /* it may hold something new */
};

struct hunt {
	const struct cmd_context *c;
	const char *words; /* of the configuration */
	struct client client;
	char dir[PATH_MAX];
	uint64_t through; /* position of the node's log */
	struct report report;
	struct hunted_objects objects;
	size_t count;
	struct hunted_log logs[LOGS_MAX];
};

/* ---- which logs ---- */

static void log_add(struct hunt *h, const char *path)
{
	struct hunted_log *log = &h->logs[h->count];

	if (stat(path, &log->st) != 0 || !S_ISREG(log->st.st_mode) ||
	    (uint64_t)log->st.st_mtim.tv_sec + DAYS * DAY_S < clock_wall() / 1000)
		return;
	for (size_t i = 0; i < h->count; i++)
		if (h->logs[i].st.st_dev == log->st.st_dev &&
		    h->logs[i].st.st_ino == log->st.st_ino)
			return;
	if (h->count == LOGS_MAX - 1) {
		report_add(&h->report, "%s: more than %d logs", path, LOGS_MAX - 1);
		return;
	}
	log->path = strdup(path);
	log->filter = NULL;
	log->wanted = false;
	h->count += log->path != NULL;
}

/* Everything that a pattern stands for; in a folder, what lies in it. */
static size_t pattern_add(struct hunt *h, const char *pattern, bool folders)
{
	char inside[PATH_MAX];
	struct stat st;
	glob_t found;
	size_t n = 0;

	if (glob(pattern, 0, NULL, &found) == 0) {
		n = found.gl_pathc;
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *path = found.gl_pathv[i];
			if (!folders || stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
				log_add(h, path);
			else if ((size_t)snprintf(inside, sizeof inside, "%s/*", path) <
				 sizeof inside)
				pattern_add(h, inside, false);
		}
	}
	globfree(&found);
	return n;
}

/* SPEC 9.16: "each stands for itself, and for what it was renamed to: PATH.* and PATH-*" */
static void logs_find(struct hunt *h)
{
	static const char *const ends[] = {"", ".*", "-*"};
	const char *rest = h->words;
	char word[PATH_MAX - 8], pattern[PATH_MAX];

	while (value_word(word, sizeof word, &rest)) {
		size_t n = 0;
		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
			snprintf(pattern, sizeof pattern, "%s%s", word, ends[i]);
			n += pattern_add(h, pattern, true);
		}
		if (n == 0)
			report_add(&h->report, "%s: there is no such file", word);
	}
}

static void logs_clear(struct hunt *h)
{
	for (size_t i = 0; i < h->count; i++) {
		hunt_filter_close(h->logs[i].filter);
		free(h->logs[i].path);
	}
	h->count = 0;
}

/* ---- filters ---- */

static bool is_filter(const struct hunt *h, const char *name)
{
	char mine[HUNT_FILTER_NAME_BYTES];

	for (size_t i = 0; i < h->count; i++) {
		hunt_filter_name(mine, &h->logs[i].st);
		if (strcmp(mine, name) == 0)
			return true;
	}
	return false;
}

/* Filters of logs that are gone, or too old. */
static void filters_forget(const struct hunt *h)
{
	DIR *dir = opendir(h->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !is_filter(h, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static void logs_open(struct hunt *h)
{
	if (mkdir(h->dir, 0700) != 0 && errno != EEXIST)
		report_add(&h->report, "%s: %s", h->dir, strerror(errno));
	logs_find(h);
	for (size_t i = 0; i < h->count; i++) {
		struct hunted_log *log = &h->logs[i];
		if (hunt_filter_open(&log->filter, h->dir, log->path, &log->st, &h->report)) {
			hunt_filter_close(log->filter);
			log->filter = NULL;
		}
	}
	filters_forget(h);
}

/* ---- what is new ---- */

static bool may_hold(struct hunt *h, const struct observable *value)
{
	bool any = false;

	for (size_t i = 0; i < h->count; i++) {
		struct hunted_log *log = &h->logs[i];
		if (!log->filter || !hunt_filter_may(log->filter, value))
			continue;
		log->wanted = any = true;
	}
	return any;
}

static void take_object(struct hunt *h, const cJSON *object)
{
	const cJSON *value;
	struct observable o;
	bool any = false;

	cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(object, "values"))
	{
		const char *text = cJSON_GetStringValue(value);
		if (text && observable_detect(&o, text, NULL) == ERR_OK)
			any = may_hold(h, &o) || any;
	}
	if (any && !hunted_add(&h->objects, member_text(object, "object")))
		report_add(&h->report, "%s", err_str(ERR_MEMORY));
}

static int ask_new(struct hunt *h, uint64_t after, struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "list");
	admin_put_bool(&request, "watch", true);
	admin_put_number(&request, "after", after);
	code = client_ask(&h->client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

/* Everything that has come, or as much of it as one reading of the logs is for. */
static int take_new(struct hunt *h, uint64_t *at)
{
	const cJSON *object, *lines;
	uint64_t before;
	bool opened = false;
	struct reply reply;
	int code;

	do {
		before = *at;
		code = ask_new(h, *at, &reply);
		if (code)
			return code;
		lines = cJSON_GetObjectItemCaseSensitive(reply.json, "lines");
		if (!opened && cJSON_GetArraySize(lines) > 0) {
			logs_open(h);
			opened = true;
		}
		cJSON_ArrayForEach(object, lines)
		{
			take_object(h, object);
		}
		*at = (uint64_t)member_number(reply.json, "next");
		reply_clear(&reply);
	} while (*at > before && h->objects.count < OBJECTS_MAX);
	return EXIT_DONE;
}

/* ---- a hunt ---- */

static int find_all(struct hunt *h)
{
	int code = EXIT_DONE;

	hunted_sort(&h->objects);
	for (size_t i = 0; !code && i < h->count; i++) {
		size_t before = h->report.total;
		if (!h->logs[i].wanted)
			continue;
		code = hunt_find(&h->client, h->logs[i].path, &h->objects, h->through, &h->report);
		/* A log that cannot be read keeps no other waiting. */
		if (code == EXIT_REFUSED && h->report.total > before)
			code = EXIT_DONE;
	}
	return code;
}

static int hunt_once(struct hunt *h)
{
	uint64_t at = h->through;
	int code = take_new(h, &at);
	bool looked = h->count > 0 || h->report.total > 0;

	if (!code && h->objects.count > 0)
		code = find_all(h);
	if (!code && looked)
		code = hunted_tell(&h->client, at, NULL, h->report.count ? h->report.lines[0] : "");
	if (!code)
		h->through = at;
	logs_clear(h);
	hunted_clear(&h->objects);
	report_clear(&h->report);
	report_init(&h->report);
	return code;
}

static int ask_through(struct hunt *h)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "hunts");
	admin_put_number(&request, "limit", 1);
	code = client_ask(&h->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	h->through = (uint64_t)member_number(reply.json, "through");
	reply_clear(&reply);
	return EXIT_DONE;
}

static void hunt_for_ever(struct hunt *h)
{
	bool open = false;

	for (;;) {
		uint64_t begun = clock_monotonic(), took;
		if (!open && client_node_runs(h->c)) {
			open = true;
			if (client_open(&h->client, h->c, "khabar follow") || ask_through(h))
				open = false;
			if (!open)
				client_close(&h->client);
		}
		if (open && hunt_once(h)) {
			client_close(&h->client);
			open = false;
		}
		took = clock_monotonic() - begun;
		took = took * REST_FACTOR > LOOK_MS ? took * REST_FACTOR : LOOK_MS;
		usleep((useconds_t)(took * 1000));
	}
}

pid_t follow_hunt_start(const struct cmd_context *c, const struct config *config)
{
	pid_t parent = getpid(), pid;
	struct hunt *h;

	if (!config->hunt)
		return 0;
	pid = fork();
	if (pid != 0)
		return pid;
	/* It holds nothing that is not whole at any time. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	h = calloc(1, sizeof *h);
	if (!h || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent ||
	    !home_path(h->dir, c->home, "hunt"))
		_exit(1);
	/* The answer is a niceness, which may be less than 0, and no reason not to go on. */
	(void)!nice(NICE);
	h->c = c;
	h->words = config->hunt;
	report_init(&h->report);
	hunt_for_ever(h);
	_exit(0);
}
