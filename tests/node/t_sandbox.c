/* What a daemon that somebody has taken over can still do.  Each attempt is made in a child of its
 * own, which is shut in for good. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/file.h"
#include "node/sandbox.h"
#include "tests/tap.h"

static char home[] = "/tmp/khabardar-sandbox-XXXXXX", beside[sizeof home + 16];

/* What this kernel can hold to, as the first child found it. */
static bool files, calls;

enum { WENT = 0, REFUSED = 1, NO_SANDBOX = 100 };

/* Runs attempt() shut in, or without it tells by its bits what the kernel can.  Returns what came
 * of it, or minus the signal that ended the child. */
static int shut_in(int (*attempt)(void), pid_t helper)
{
	struct config config = {.passphrase_file = beside};
	struct sandbox_made made;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	need(pid >= 0);
	if (pid == 0) {
		sandbox_no_dumps();
		if (sandbox_enter(&made, home, &config, &helper, 1, NULL) != ERR_OK)
			_exit(NO_SANDBOX);
		_exit(attempt ? attempt() : (made.files ? 1 : 0) | (made.calls ? 2 : 0));
	}
	need(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Whether that opens. */
static int way(int flags, const char *folder, const char *name)
{
	char path[256];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
		return NO_SANDBOX;
	return open(path, flags | O_CLOEXEC, 0600) < 0 ? REFUSED : WENT;
}

static int write_in_home(void)
{
	int folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	if (folder >= 0 && mkdirat(folder, "log", 0700) == 0)
		fd = openat(folder, "log/data", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && ftruncate(fd, 4096) == 0 &&
			       renameat(folder, "log/data", folder, "data") == 0 &&
			       unlinkat(folder, "data", 0) == 0 &&
			       unlinkat(folder, "log", AT_REMOVEDIR) == 0
		       ? WENT
		       : REFUSED;
}

static int bind_in_home(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s/sock", home);
	return fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
			       unlink(at.sun_path) == 0
		       ? WENT
		       : REFUSED;
}

static int look_up_names(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	bool resolved = getaddrinfo("localhost", "80", &hints, &found) == 0;

	if (resolved)
		freeaddrinfo(found);
	return resolved && getpwuid(0) ? WENT : REFUSED;
}

static void *nothing(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0
		       ? WENT
		       : REFUSED;
}

static int read_the_passphrase(void)
{
	return open(beside, O_RDONLY | O_CLOEXEC) < 0 ? REFUSED : WENT;
}

static int change_the_passphrase(void)
{
	return open(beside, O_WRONLY | O_CLOEXEC) < 0 ? REFUSED : WENT;
}

static int write_elsewhere(void)
{
	return way(O_WRONLY | O_CREAT, "/tmp", "khabardar-sandbox-stray");
}

static int read_elsewhere(void)
{
	return way(O_RDONLY | O_DIRECTORY, "/tmp", ".");
}

static int change_the_system(void)
{
	return way(O_WRONLY, "/etc", "hosts");
}

static int climb_out(void)
{
	return way(O_WRONLY | O_CREAT, home, "../khabardar-sandbox-stray");
}

static int link_out(void)
{
	char path[256];

	snprintf(path, sizeof path, "%s/way", home);
	return symlink("/etc/shadow", path) == 0 ? WENT : REFUSED;
}

static int run_a_program(void)
{
	char name[] = "true", *argv[] = {name, NULL}, *none[] = {NULL};

	execve("/bin/true", argv, none);
	return REFUSED;
}

static int start_a_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 && errno == EPERM ? REFUSED : WENT;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? WENT : REFUSED;
}

static int become_root(void)
{
	return setuid(0) == 0 ? WENT : REFUSED;
}

static int raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT ? REFUSED : WENT;
}

static int make_a_device(void)
{
	char path[256];

	snprintf(path, sizeof path, "%s/null", home);
	return mknod(path, S_IFCHR | 0600, 0x103) == 0 ? WENT : REFUSED;
}

static int unknown_call(void)
{
	return syscall(SYS_memfd_create, "x", 0) < 0 && errno == ENOSYS ? REFUSED : WENT;
}

static int end_the_parent(void)
{
	return kill(getppid(), 0) < 0 && errno == EPERM ? REFUSED : WENT;
}

static int regain_dumps(void)
{
	return prctl(PR_SET_DUMPABLE, 1) == 0 || prctl(PR_GET_DUMPABLE) == 1 ? WENT : REFUSED;
}

static void what_a_daemon_does_goes_on(void)
{
	is_int(shut_in(write_in_home, 0), WENT, "files come and go in the home");
	is_int(shut_in(bind_in_home, 0), WENT, "the admin socket is bound");
	is_int(shut_in(look_up_names, 0), WENT, "names and users are looked up");
	is_int(shut_in(start_thread, 0), WENT, "threads start");
	is_int(shut_in(read_the_passphrase, 0), WENT, "the passphrase is read");
	is_int(shut_in(end_the_parent, getpid()), WENT, "a helper can be ended");
}

static void files_elsewhere_are_out_of_reach(void)
{
	if (!files) {
		ok(true, "files # skip this kernel has no landlock");
		return;
	}
	is_int(shut_in(write_elsewhere, 0), REFUSED, "no file is made elsewhere");
	is_int(shut_in(read_elsewhere, 0), REFUSED, "nor read");
	is_int(shut_in(change_the_system, 0), REFUSED, "what may be read may not be changed");
	is_int(shut_in(change_the_passphrase, 0), REFUSED, "the passphrase neither");
	is_int(shut_in(climb_out, 0), REFUSED, "no path leads out of the home");
	is_int(shut_in(link_out, 0), REFUSED, "no symbolic link is made");
	is_int(shut_in(make_a_device, 0), REFUSED, "no device");
}

static void calls_of_an_intruder_end_it_or_fail(void)
{
	if (!calls) {
		ok(true, "calls # skip this kernel has no seccomp");
		return;
	}
	is_int(shut_in(run_a_program, 0), -SIGSYS, "running a program is the end");
	is_int(shut_in(trace, 0), -SIGSYS, "so is tracing");
	is_int(shut_in(become_root, 0), -SIGSYS, "and changing users");
	is_int(shut_in(start_a_process, 0), REFUSED, "no process is started");
	is_int(shut_in(raw_socket, 0), REFUSED, "no socket but those of the internet and of Unix");
	is_int(shut_in(unknown_call, 0), REFUSED, "what is not listed does not exist");
	is_int(shut_in(end_the_parent, 0), REFUSED, "no stranger is signalled");
	is_int(shut_in(regain_dumps, 0), REFUSED, "dumps stay off");
}

static bool status_says(const char *line)
{
	FILE *f = fopen("/proc/self/status", "r");
	char text[256];
	bool said = false;

	while (f && fgets(text, sizeof text, f))
		said = said || strcmp(text, line) == 0;
	if (f)
		fclose(f);
	return said;
}

static int limits(void)
{
	struct rlimit core;

	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 &&
			       status_says("NoNewPrivs:\t1\n")
		       ? WENT
		       : REFUSED;
}

static void nothing_is_dumped_and_no_privilege_gained(void)
{
	int status = 0;
	pid_t pid;

	is_int(shut_in(limits, 0), WENT, "core dumps are off, privileges are what they are");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sandbox_no_dumps();
		_exit(prctl(PR_GET_DUMPABLE));
	}
	need(waitpid(pid, &status, 0) == pid);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0, "nobody looks into the process");
}

static int become_nobody(void)
{
	struct report report;
	enum err e;

	report_init(&report);
	e = sandbox_user("no-such-user-here", &report);
	if (e != ERR_NOT_FOUND || !strstr(report_first(&report), "no-such-user-here"))
		return 2;
	report_clear(&report);
	if (sandbox_user("nobody", &report) != ERR_OK)
		return 3;
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getgroups(0, NULL) > 1)
		return 4;
	if (sandbox_user("nobody", &report) != ERR_OK)
		return 5;
	e = sandbox_user("root", &report);
	if (e != ERR_NOT_ALLOWED || !strstr(report_first(&report), "only root"))
		return 6;
	report_clear(&report);
	return seteuid(0) == 0 ? 7 : 0;
}

static void root_becomes_who_it_is_told_to_be(void)
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0 || !getpwnam("nobody")) {
		ok(true, "another user # skip only root can");
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(become_nobody());
	need(waitpid(pid, &status, 0) == pid);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0, "and never root again");
}

int main(void)
{
	int known;
	FILE *f;

	if (sandbox_unfit()) {
		ok(true, "# skip %s", sandbox_unfit());
		return tap_done();
	}
	need(mkdtemp(home));
	snprintf(beside, sizeof beside, "%s.secret", home);
	f = fopen(beside, "w");
	need(f && fputs("secret\n", f) > 0 && fclose(f) == 0);
	known = shut_in(NULL, 0);
	files = known & 1;
	calls = known & 2;
	ok(known != NO_SANDBOX, "the kernel has landlock: %d, seccomp: %d", files, calls);
	RUN(what_a_daemon_does_goes_on);
	RUN(files_elsewhere_are_out_of_reach);
	RUN(calls_of_an_intruder_end_it_or_fail);
	RUN(nothing_is_dumped_and_no_privilege_gained);
	RUN(root_becomes_who_it_is_told_to_be);
	unlink(beside);
	rmdir(home);
	return tap_done();
}
