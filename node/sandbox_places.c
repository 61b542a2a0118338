/* landlock(7): which files there are for the daemon.  The kernel's numbers are written out: those
 * of a later kernel than the headers' are wanted too. */
#include "node/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node/home.h"

#define REFER (1ULL << 13)     /* from version 2 */
#define TRUNCATE (1ULL << 14)  /* 3 */
#define IOCTL_DEV (1ULL << 15) /* 5 */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | REFER | TRUNCATE)
/* For nobody anywhere: running programs, devices, pipes, symbolic links. */
#define NEVER \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	 LANDLOCK_ACCESS_FS_MAKE_SYM | IOCTL_DEV)
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE)

struct ruleset {
	int fd;
	uint64_t known; /* rights that this kernel knows */
	struct report *report;
};

static uint64_t rights_known(long version)
{
	uint64_t known = READ | CHANGE | NEVER;

	if (version < 5)
		known &= ~IOCTL_DEV;
	if (version < 3)
		known &= ~TRUNCATE;
	if (version < 2)
		known &= ~REFER;
	return known;
}

/* What is not there needs no rule; what comes later below a folder has the folder's. */
static enum err allow(struct ruleset *r, const char *path, uint64_t rights, bool folder)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & r->known & (folder ? UINT64_MAX : OF_FILES)};
	enum err e = ERR_OK;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC | (folder ? O_DIRECTORY : 0));
	if (rule.parent_fd < 0)
		return ERR_OK;
	if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
		report_add(r->report, "the sandbox: %s: %s", path, strerror(errno));
		e = ERR_IO;
	}
	close(rule.parent_fd);
	return e;
}

/* The home, also where parts of it lie elsewhere by symbolic links. */
static enum err allow_home(struct ruleset *r, const char *home)
{
	static const char *const parts[] = {"log", "index", "run"};
	enum err e = allow(r, home, READ | CHANGE, true);
	char path[PATH_MAX];

	for (size_t i = 0; !e && i < sizeof parts / sizeof *parts; i++)
		if (home_path(path, home, parts[i]))
			e = allow(r, path, READ | CHANGE, true);
	return e;
}

/* Names, addresses and users are looked up by whatever /etc/nsswitch.conf says. */
static enum err allow_system(struct ruleset *r)
{
	static const char *const folders[] = {"/etc",
					      "/usr",
					      "/lib",
					      "/lib64",
					      "/proc/self",
					      "/sys/devices/system/cpu",
					      "/run/systemd/resolve",
					      "/run/systemd/userdb",
					      "/run/resolvconf",
					      "/run/NetworkManager",
					      "/run/nscd",
					      "/var/lib/sss",
					      "/nix/store"};
	static const char *const files[] = {"/dev/urandom", "/dev/random",
					    "/proc/sys/net/core/somaxconn"};
	enum err e = allow(r, "/dev/null", READ | CHANGE, false);

	for (size_t i = 0; !e && i < sizeof folders / sizeof *folders; i++)
		e = allow(r, folders[i], READ, true);
	for (size_t i = 0; !e && i < sizeof files / sizeof *files; i++)
		e = allow(r, files[i], READ, false);
	return e;
}

/* New keys are written under the passphrase, which is read each time. */
static enum err allow_passphrase(struct ruleset *r, const struct config *config)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	enum err e = ERR_OK;

	if (config->passphrase_file)
		e = allow(r, config->passphrase_file, READ, false);
	if (!e && config->passphrase_credential && credentials)
		e = allow(r, credentials, READ, true);
	return e;
}

enum err sandbox_places(bool *made, const char *home, const struct config *config,
			struct report *report)
{
	struct landlock_ruleset_attr rules = {0};
	struct ruleset r = {.report = report};
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	enum err e;

	/* Not in this kernel, not switched on, or hidden from a container. */
	*made = false;
	if (version < 1)
		return ERR_OK;
	r.known = rules.handled_access_fs = rights_known(version);
	r.fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (r.fd < 0) {
		report_add(report, "the sandbox: landlock: %s", strerror(errno));
		return ERR_IO;
	}
	e = allow_home(&r, home);
	if (!e)
		e = allow_system(&r);
	if (!e)
		e = allow_passphrase(&r, config);
	if (!e && config->warning_lists)
		e = allow(&r, config->warning_lists, READ, true);
	if (!e && syscall(SYS_landlock_restrict_self, r.fd, 0) != 0) {
		report_add(report, "the sandbox: landlock: %s", strerror(errno));
		e = ERR_IO;
	}
	close(r.fd);
	*made = e == ERR_OK;
	return e;
}
