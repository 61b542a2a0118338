#include "node/cmd/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/loop.h"
#include "protocol/topology_value.h"

extern char **environ;

enum { WORDS_MAX = 64, WORD_BYTES = 1024, LOOK_MS = 20 };

static size_t words_of(char words[WORDS_MAX][WORD_BYTES], const char *command)
{
	size_t n = 0;

	while (n < WORDS_MAX - 1 && value_word(words[n], WORD_BYTES, &command))
		n++;
	return n;
}

/* Gives the child what it still takes; the end of it closes the socket.  A child that does not read
 * is none that has failed. */
static void feed(int *fd, const char **input, size_t *n)
{
	ssize_t done;

	if (*fd < 0)
		return;
	done = *n ? send(*fd, *input, *n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	if (done > 0) {
		*input += done;
		*n -= (size_t)done;
	}
	if (*n == 0 || (done < 0 && errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

/* Waits for the child, and ends it when it takes too long: what it ended with, -1 for a signal. */
static int wait_for(pid_t pid, int *fd, const char *input, size_t n,
		    const volatile sig_atomic_t *ended)
{
	uint64_t until = clock_monotonic() + SPAWN_MS;
	int status = 0;

	for (;;) {
		pid_t done = waitpid(pid, &status, WNOHANG);
		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (done < 0 && errno != EINTR)
			return -1;
		if (*ended || clock_monotonic() > until) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		feed(fd, &input, &n);
		usleep(LOOK_MS * 1000);
	}
}

/* What the daemon ignores, a command does not. */
static int attributes(posix_spawnattr_t *a)
{
	sigset_t set;
	int rc = posix_spawnattr_init(a);

	if (rc != 0)
		return rc;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	rc = posix_spawnattr_setsigdefault(a, &set);
	if (rc == 0)
		rc = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGDEF);
	if (rc != 0)
		posix_spawnattr_destroy(a);
	return rc;
}

static int begin(pid_t *pid, char **argv, const posix_spawn_file_actions_t *actions)
{
	posix_spawnattr_t a;
	int rc = attributes(&a);

	if (rc != 0)
		return rc;
	rc = posix_spawn(pid, argv[0], actions, &a, argv, environ);
	posix_spawnattr_destroy(&a);
	return rc;
}

/* Standard input is one end of a pair of sockets. */
static int start(pid_t *pid, char **argv, int *fd)
{
	posix_spawn_file_actions_t actions;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	rc = posix_spawn_file_actions_init(&actions);
	if (rc == 0) {
		rc = posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
		if (rc == 0)
			rc = begin(pid, argv, &actions);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(pair[1]);
	*fd = pair[0];
	if (rc != 0) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

void spawn_words(const char *command, const char *input, size_t n,
		 const volatile sig_atomic_t *ended, char why[SPAWN_WHY_BYTES])
{
	char(*words)[WORD_BYTES] = calloc(WORDS_MAX, sizeof *words);
	char *argv[WORDS_MAX + 1] = {NULL};
	size_t count = words ? words_of(words, command) : 0;
	int rc, fd = -1;
	pid_t pid = 0;

	*why = '\0';
	for (size_t i = 0; i < count; i++)
		argv[i] = words[i];
	rc = count ? start(&pid, argv, &fd) : ENOMEM;
	if (rc != 0) {
		snprintf(why, SPAWN_WHY_BYTES, "its command could not be run: %s", strerror(rc));
	} else {
		rc = wait_for(pid, &fd, input, n, ended);
		if (rc > 0)
			snprintf(why, SPAWN_WHY_BYTES, "its command ended with %d", rc);
		else if (rc < 0)
			snprintf(why, SPAWN_WHY_BYTES,
				 "its command was ended, or did not end in a minute");
	}
	if (fd >= 0)
		close(fd);
	free(words);
}
