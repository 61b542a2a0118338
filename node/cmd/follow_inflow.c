#include "node/cmd/follow_inflow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/admin.h"

enum { WORDS_MAX = 160, NICE = 5 };

/* In the child: what it says goes into fd. */
static void import_here(const struct cmd_context *c, int argc, char **argv, int folder, int fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), code;

	/* What it is a part of ends; so does it, before anything or after everything was sent. */
	signal(SIGTERM, SIG_DFL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    dup2(fd, STDERR_FILENO) < 0 || fchdir(folder) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		_exit(EXIT_REFUSED);
	code = cmd_import(c, argc, argv);
	fflush(stdout);
	_exit(code);
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

int inflow_import(const struct cmd_context *c, const struct inflow *f, enum tlp tlp, int folder,
		  const char *name, const char *const *more, char said[IMPORT_SAID_BYTES])
{
	char *argv[WORDS_MAX + 4] = {(char *)(uintptr_t) "import", (char *)(uintptr_t) "--tlp",
				     (char *)(uintptr_t)tlp_str(tlp)};
	char path[1024];
	int fd = memfd_create("said", MFD_CLOEXEC), argc = 3, code = EXIT_REFUSED;
	pid_t pid;

	for (size_t i = 0; i < f->option_count && argc < WORDS_MAX; i++)
		argv[argc++] = f->options[i];
	for (; more && *more && argc < WORDS_MAX; more++)
		argv[argc++] = (char *)(uintptr_t)*more;
	snprintf(path, sizeof path, "./%s", name);
	argv[argc++] = path;
	fflush(NULL);
	pid = fd < 0 ? -1 : fork();
	if (pid == 0)
		import_here(c, argc, argv, folder, fd);
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
