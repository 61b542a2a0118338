#include "node/store/porter.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/home.h"

enum { WORDS_BYTES = 8192 };

struct porter {
	int socket; /* one packet a request, one an answer */
	pid_t pid;
};

struct request {
	uint64_t now;
	char dir[PATH_MAX];
};

/* Both ends are the same program. */
struct outcome {
	enum err e;
	struct backup made;
	char words[WORDS_BYTES]; /* lines of the report */
};

/* ---- the child: one backup ---- */

static enum err copy(const char *home, const struct request *r, struct backup *made,
		     struct report *report)
{
	const struct log_options options = {.read_only = true};
	struct store_id none = {{0}};
	struct identity *identity = NULL;
	struct config *config = NULL;
	char path[PATH_MAX];
	struct log *log;
	enum err e;

	if (!home_path(path, home, "log"))
		return ERR_LIMIT;
	e = home_open(&config, &identity, home, report);
	if (!e)
		e = log_open(&log, path, &options, identity, &none, report);
	if (!e) {
		e = backup_make(log, identity, r->dir, r->now, made, report);
		log_close(log);
	}
	identity_free(identity);
	config_free(config);
	return e;
}

static void serve(int socket, const char *home, const struct request *r)
{
	static struct outcome outcome;
	struct report report;
	size_t used = 0;

	report_init(&report);
	outcome.e = copy(home, r, &outcome.made, &report);
	for (size_t i = 0; i < report.count && used < sizeof outcome.words; i++)
		used += (size_t)snprintf(outcome.words + used, sizeof outcome.words - used, "%s\n",
					 report.lines[i]);
	report_clear(&report);
	if (send(socket, &outcome, sizeof outcome, MSG_NOSIGNAL) < 0)
		return;
}

/* ---- the porter ---- */

static ssize_t receive(int socket, void *out, size_t n)
{
	ssize_t got;

	do
		got = recv(socket, out, n, 0);
	while (got < 0 && errno == EINTR);
	return got;
}

/* A child that dies says nothing: its porter does. */
static void watch(int socket, pid_t child)
{
	static struct outcome died = {.e = ERR_STATE};
	int status = 0;

	if (child > 0) {
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return;
	}
	snprintf(died.words, sizeof died.words, "the process that makes the backup has failed\n");
	if (send(socket, &died, sizeof died, MSG_NOSIGNAL) < 0)
		return;
}

/* Ends when the daemon has closed its end, however it ended. */
static void attend(int socket, const char *home)
{
	static struct request r;

	while (receive(socket, &r, sizeof r) == (ssize_t)sizeof r) {
		pid_t child = fork();

		r.dir[sizeof r.dir - 1] = '\0';
		if (child == 0) {
			serve(socket, home, &r);
			_exit(0);
		}
		watch(socket, child);
	}
}

static void begin(int socket, const char *home, char **argv)
{
	char *own = strdup(home);

	if (!own)
		return;
	/* It is the daemon's to say when a service stops. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	while (*argv && *++argv)
		memset(*argv, 0, strlen(*argv));
	attend(socket, own);
	free(own);
}

/* ---- the daemon's side ---- */

enum err porter_start(struct porter **porter, const char *home, char **argv)
{
	struct porter *p = calloc(1, sizeof *p);
	int ends[2];

	*porter = NULL;
	if (!p)
		return ERR_MEMORY;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		free(p);
		return ERR_IO;
	}
	p->socket = ends[0];
	p->pid = fork();
	if (p->pid == 0) {
		close(ends[0]);
		begin(ends[1], home, argv);
		_exit(0);
	}
	close(ends[1]);
	if (p->pid < 0) {
		close(ends[0]);
		free(p);
		return ERR_IO;
	}
	*porter = p;
	return ERR_OK;
}

pid_t porter_pid(const struct porter *p)
{
	return p ? p->pid : 0;
}

bool porter_gone(const struct porter *p)
{
	siginfo_t ended = {0};

	return p && waitid(P_PID, (id_t)p->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       ended.si_pid == p->pid;
}

void porter_stop(struct porter *p)
{
	if (!p)
		return;
	close(p->socket);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(p);
}

static enum err read_outcome(struct outcome *outcome, struct backup *out, struct report *report)
{
	char *rest = NULL;

	outcome->words[sizeof outcome->words - 1] = '\0';
	for (char *line = strtok_r(outcome->words, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		report_add(report, "%s", line);
	*out = outcome->made;
	return outcome->e < ERR_COUNT ? outcome->e : ERR_STATE;
}

enum err porter_backup(struct porter *p, const char *dir, uint64_t now, struct backup *out,
		       struct report *report)
{
	struct request *request = calloc(1, sizeof *request);
	struct outcome *outcome = calloc(1, sizeof *outcome);
	enum err e = ERR_MEMORY;

	*out = (struct backup){0};
	if (!request || !outcome)
		goto done;
	request->now = now;
	e = (size_t)snprintf(request->dir, sizeof request->dir, "%s", dir) < sizeof request->dir
		    ? ERR_OK
		    : ERR_LIMIT;
	if (!e && (send(p->socket, request, sizeof *request, MSG_NOSIGNAL) < 0 ||
		   receive(p->socket, outcome, sizeof *outcome) != (ssize_t)sizeof *outcome)) {
		report_add(report, "the process that makes backups is gone; restart khabardar");
		e = ERR_STATE;
	}
	if (!e)
		e = read_outcome(outcome, out, report);
done:
	free(request);
	free(outcome);
	return e;
}
