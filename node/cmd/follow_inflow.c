#include "node/cmd/follow_inflow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/admin.h"

enum { MORE_MAX = 2, NICE = 5 };

/* In the child, which has copies of locks that threads of its parent held, and so does nothing that
 * takes one: what it says goes into fd. */
static void become_import(const char *self, char **argv, int folder, int fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* What it is a part of ends; so does it, before anything or after everything was sent. */
	signal(SIGTERM, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    dup2(fd, STDERR_FILENO) < 0 || fchdir(folder) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return;
	execv(self, argv);
	/* The program was exchanged since it was started. */
	execv("/proc/self/exe", argv);
}

static int wait_for(pid_t pid, int fd, char said[IMPORT_SAID_BYTES])
{
	int status = 0;
	ssize_t n;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_REFUSED;
	n = pread(fd, said, IMPORT_SAID_BYTES - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	snprintf(said, IMPORT_SAID_BYTES, "khabar import was ended by signal %d\n",
		 WTERMSIG(status));
	return EXIT_REFUSED;
}

/* Nobody writes to what is handed on. */
static char *words(const char *s)
{
	return (char *)(uintptr_t)s;
}

int inflow_import(const struct cmd_context *c, const struct inflow *f, enum tlp tlp, int folder,
		  const char *name, const char *const *more, char said[IMPORT_SAID_BYTES])
{
	char *argv[OPTIONS_MAX + MORE_MAX + 9] = {
		words("khabar"), words("import"), words("--yes"),     words("--home"),
		words(c->home),  words("--tlp"),  words(tlp_str(tlp))};
	char path[1024], self[PATH_MAX];
	int fd = memfd_create("said", MFD_CLOEXEC), argc = 7, code = EXIT_REFUSED;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	pid_t pid;

	for (size_t i = 0; i < f->options.count; i++)
		argv[argc++] = f->options.words[i];
	for (size_t i = 0; more && i < MORE_MAX; i++)
		argv[argc++] = words(more[i]);
	snprintf(path, sizeof path, "./%s", name);
	argv[argc++] = path;
	self[n > 0 ? n : 0] = '\0';
	pid = fd < 0 ? -1 : fork();
	if (pid == 0) {
		become_import(self, argv, folder, fd);
		_exit(EXIT_REFUSED);
	}
	if (pid > 0)
		code = wait_for(pid, fd, said);
	else
		snprintf(said, IMPORT_SAID_BYTES, "khabar import: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
	return code;
}

int inflow_tell(struct client *client, const struct inflow *f, size_t taken, const char *failed)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "taken");
	admin_put_string(&request, "kind", f->kind == INFLOW_WATCH ? "watch" : "misp");
	admin_put_string(&request, "name", f->name);
	admin_put_number(&request, "count", taken);
	if (*failed)
		client_put_text(&request, "failed", failed);
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code)
		reply_clear(&reply);
	return code;
}

pid_t inflow_start(const struct cmd_context *c, const struct config *config, enum inflow_kind kind,
		   void (*run)(const struct cmd_context *c, const struct config *config))
{
	struct cmd_context at = *c;
	pid_t parent = getpid(), pid;
	size_t n = 0;

	for (size_t i = 0; i < config->inflow_count; i++)
		n += config->inflows[i].kind == kind;
	if (n == 0)
		return 0;
	pid = fork();
	if (pid != 0)
		return pid;
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	/* Imports change their folder. */
	at.home = realpath(c->home, NULL);
	if (!at.home || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(1);
	/* The answer is a niceness, which may be less than 0, and no reason not to go on. */
	(void)!nice(NICE);
	run(&at, config);
	_exit(0);
}
