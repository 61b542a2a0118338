#include "node/duty/follower.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REST_S = 5 };

/* khabar lies beside khabardar. */
static int khabar_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof "/khabar" > PATH_MAX)
		return -1;
	strcpy(slash, "/khabar");
	return 0;
}

/* The keeper: nothing but this, so that nothing can go wrong with it. */
static void keep(const char *path, const char *home, pid_t daemon)
{
	/* SIGTERM, from the daemon or for its end, ends it and, since each child asks for the
	 * same, what it has started. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return;
	while (getppid() == daemon) {
		pid_t child = fork();
		if (child == 0) {
			execl(path, "khabar", "follow", "--child", "--home", home, (char *)NULL);
			_exit(127);
		}
		/* What cannot be started now, for want of memory, can be later. */
		if (child > 0 && waitpid(child, NULL, 0) < 0)
			return;
		sleep(REST_S);
	}
}

pid_t follower_start(const char *home)
{
	char path[PATH_MAX];
	pid_t daemon = getpid(), pid;

	if (khabar_path(path))
		return 0;
	pid = fork();
	if (pid == 0) {
		keep(path, home, daemon);
		_exit(0);
	}
	return pid > 0 ? pid : 0;
}

bool follower_gone(pid_t pid)
{
	siginfo_t ended = {0};

	/* It is still to be waited for: until then nobody else has its number. */
	return pid > 0 && waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       ended.si_pid == pid;
}

void follower_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
