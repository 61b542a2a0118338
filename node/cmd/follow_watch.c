/* Watched folders: a file that is put there is shared, and moved to done/ or failed/ in it.
 *
 * A file is first moved to .taking/, where nobody else can exchange it, and then read.  What a
 * crash leaves there is read again: it is imported under a key that follows from what the file is,
 * so what was sent is not sent again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cmd/follow_inflow.h"
#include "node/loop.h"

enum {
	LOOK_MS = 500,
	SEEN_MAX = 512,  /* files that are looked at together; others wait until these have gone */
	NAME_KEPT = 200, /* of a name that something is put behind */
	TRIES_MAX = 1000,
	KEY_BYTES = 512,
	TELL_AGAIN_MS = 60 * 1000,
};

/* A file that may still be written to. */
struct seen {
	char name[NAME_MAX + 1];
	struct stat st;
	uint64_t since; /* mono ms: of when it has been as it is */
};

struct watching {
	const struct inflow *f;
	int folder, taking, done, failed; /* descriptors; -1: not there */
	mode_t mode;                      /* of the folder */
	size_t seen_count;
	struct seen *seen; /* owned; ascending by name */
	char wrong[256];   /* what is wrong with the folder itself; or empty */
	char told[256];    /* what was said to be wrong */
	uint64_t tell;     /* mono ms: when to say it anyway */
	size_t taken;      /* that was not told */
};

/* ---- the folder ---- */

static int inner_open(struct watching *w, const char *name, mode_t mode)
{
	mode_t mask = umask(0);
	int fd, made = mkdirat(w->folder, name, mode), error = errno;

	umask(mask);
	errno = error;
	if (made != 0 && errno != EEXIST) {
		snprintf(w->wrong, sizeof w->wrong, "%s/%s: %s", w->f->from, name, strerror(errno));
		return -1;
	}
	fd = openat(w->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		snprintf(w->wrong, sizeof w->wrong, "%s/%s: %s", w->f->from, name, strerror(errno));
	return fd;
}

static void folder_close(struct watching *w)
{
	int *const fds[] = {&w->folder, &w->taking, &w->done, &w->failed};

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* SPEC 9.17: "where nobody else can exchange it": whoever may write into the folder may have made
 * this one before us. */
static bool keep_out_others(struct watching *w)
{
	struct stat st;

	if (w->taking < 0)
		return false;
	if (fstat(w->taking, &st) == 0 && st.st_uid == geteuid() &&
	    ((st.st_mode & 077) == 0 || fchmod(w->taking, 0700) == 0))
		return true;
	snprintf(w->wrong, sizeof w->wrong, "%s/.taking: others can write into it; remove it",
		 w->f->from);
	return false;
}

/* Each time anew: it may have been removed, or be a place where something is mounted now. */
static bool folder_open(struct watching *w)
{
	struct stat st;

	*w->wrong = '\0';
	w->folder = open(w->f->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->folder < 0 || fstat(w->folder, &st) != 0) {
		snprintf(w->wrong, sizeof w->wrong, "%s: %s", w->f->from, strerror(errno));
		return false;
	}
	/* Who puts files there sees what became of them. */
	w->mode = st.st_mode & 0777;
	w->taking = inner_open(w, ".taking", 0700);
	w->done = inner_open(w, "done", w->mode);
	w->failed = inner_open(w, "failed", w->mode);
	return keep_out_others(w) && w->done >= 0 && w->failed >= 0;
}

static int names_read(int folder, struct dirent ***names, int (*wanted)(const struct dirent *))
{
	return scandirat(folder, ".", names, wanted, alphasort);
}

static void names_free(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
}

/* Gives the file a name in the other folder that nothing has yet; it is in out. */
static bool move_to(struct watching *w, int from, const char *name, int to, char out[NAME_MAX + 1])
{
	snprintf(out, NAME_MAX + 1, "%.*s", NAME_KEPT, name);
	for (int i = 2; renameat2(from, name, to, out, RENAME_NOREPLACE) != 0; i++) {
		if (errno != EEXIST || i == TRIES_MAX) {
			snprintf(w->wrong, sizeof w->wrong, "%s: %.100s cannot be moved: %s",
				 w->f->from, name, strerror(errno));
			return false;
		}
		snprintf(out, NAME_MAX + 1, "%.*s.%d", NAME_KEPT, name, i);
	}
	return true;
}

/* ---- what is complete ---- */

/* SPEC 9.17: "What is hidden, or has the ending of something half-written, is left alone" */
static int is_candidate(const struct dirent *entry)
{
	static const char *const endings[] = {"~",    ".part", ".partial", ".filepart",
					      ".tmp", ".temp", ".swp",     ".crdownload"};
	size_t n = strlen(entry->d_name);

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		size_t k = strlen(endings[i]);
		if (n >= k && strcmp(entry->d_name + n - k, endings[i]) == 0)
			return 0;
	}
	return entry->d_name[0] != '.';
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->name, ((const struct seen *)b)->name);
}

/* Is somebody writing to it?  Only its owner can ask; of others' files it is not known. */
static bool is_written(const struct watching *w, const char *name)
{
	int fd = openat(w->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool written = fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;

	if (fd >= 0)
		close(fd);
	return written;
}

/* What is there now, each since when it is as it is. */
static void look(struct watching *w)
{
	struct seen *now = calloc(SEEN_MAX, sizeof *now);
	uint64_t mono = clock_monotonic();
	struct dirent **names = NULL;
	int n = now ? names_read(w->folder, &names, is_candidate) : -1;
	size_t count = 0;

	for (int i = 0; i < n && count < SEEN_MAX; i++) {
		struct seen *s = &now[count], *before;
		snprintf(s->name, sizeof s->name, "%s", names[i]->d_name);
		if (fstatat(w->folder, s->name, &s->st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    S_ISDIR(s->st.st_mode))
			continue;
		before = w->seen_count ? bsearch(s, w->seen, w->seen_count, sizeof *s, by_name)
				       : NULL;
		s->since = before && same_file(&before->st, &s->st) ? before->since : mono;
		count++;
	}
	names_free(names, n);
	if (!now)
		return;
	qsort(now, count, sizeof *now, by_name);
	free(w->seen);
	w->seen = now;
	w->seen_count = count;
}

static void take(struct watching *w)
{
	uint64_t mono = clock_monotonic();
	char name[NAME_MAX + 1];

	look(w);
	for (size_t i = 0; i < w->seen_count; i++) {
		const struct seen *s = &w->seen[i];
		if (mono - s->since < (uint64_t)w->f->settle * 1000 || is_written(w, s->name))
			continue;
		/* What would be renamed there waits until its place is free. */
		if (faccessat(w->taking, s->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			(void)move_to(w, w->folder, s->name, w->taking, name);
	}
}

/* ---- what was taken ---- */

static void reason_write(const struct watching *w, const char *name, const char *said)
{
	char why[NAME_MAX + 1];
	size_t n = strlen(said);
	mode_t mask = umask(0);
	int fd;

	snprintf(why, sizeof why, "%.*s.why", NAME_MAX - 4, name);
	/* Others may write there. */
	(void)unlinkat(w->failed, why, 0);
	fd = openat(w->failed, why, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    w->mode & 0666);
	umask(mask);
	if (fd < 0)
		return;
	if (write(fd, said, n) != (ssize_t)n)
		(void)unlinkat(w->failed, why, 0);
	close(fd);
}

/* For the journal: the first line of what was said. */
static void journal(const struct watching *w, const char *name, const char *what, const char *said)
{
	char line[512];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(said, "\n"), said);
	fprintf(stderr, "watch %s: ", w->f->name);
	print_safe(stderr, name, false);
	fprintf(stderr, " %s: ", what);
	print_safe(stderr, line, false);
	fputc('\n', stderr);
	fflush(stderr);
}

/* EXIT_UNREACHABLE: it is tried again. */
static int import_one(struct watching *w, const struct cmd_context *c, const char *name)
{
	char *said = calloc(1, IMPORT_SAID_BYTES), moved[NAME_MAX + 1];
	char key[KEY_BYTES];
	const char *more[] = {"--once", key};
	struct stat st;
	int code = EXIT_REFUSED;

	if (!said || fstatat(w->taking, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		free(said);
		return EXIT_REFUSED;
	}
	snprintf(key, sizeof key, "watch %s %s %ju %ju %jd %jd.%09ld", w->f->name, name,
		 (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
		 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	if (!S_ISREG(st.st_mode))
		snprintf(said, IMPORT_SAID_BYTES, "it is not a plain file\n");
	else
		code = inflow_import(c, w->f, w->f->tlp, w->taking, name, w->f->sync ? NULL : more,
				     said);
	if (code == EXIT_DONE) {
		if (move_to(w, w->taking, name, w->done, moved)) {
			w->taken++;
			journal(w, name, "was taken", said);
		}
	} else if (code != EXIT_UNREACHABLE) {
		if (move_to(w, w->taking, name, w->failed, moved)) {
			reason_write(w, moved, said);
			journal(w, name, "was not taken", said);
		}
	}
	free(said);
	return code;
}

static int import_all(struct watching *w, const struct cmd_context *c)
{
	struct dirent **names = NULL;
	int n = names_read(w->taking, &names, is_visible), code = EXIT_DONE;

	for (int i = 0; i < n && code != EXIT_UNREACHABLE; i++)
		code = import_one(w, c, names[i]->d_name);
	names_free(names, n);
	return code == EXIT_UNREACHABLE ? code : EXIT_DONE;
}

/* ---- telling ---- */

static int is_failed(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return is_visible(entry) && !(n > 4 && strcmp(entry->d_name + n - 4, ".why") == 0);
}

static int tell(struct watching *w, struct client *client)
{
	struct dirent **names = NULL;
	int n = *w->wrong ? -1 : names_read(w->failed, &names, is_failed), code;
	char wrong[sizeof w->wrong];

	snprintf(wrong, sizeof wrong, "%s", w->wrong);
	if (n > 0)
		snprintf(wrong, sizeof wrong,
			 "%d file%s in %s/failed could not be shared: what is in .why beside says "
			 "why",
			 n, n == 1 ? "" : "s", w->f->from);
	names_free(names, n);
	if (w->taken == 0 && strcmp(wrong, w->told) == 0 && clock_monotonic() < w->tell)
		return EXIT_DONE;
	code = inflow_tell(client, w->f, w->taken, wrong);
	if (code)
		return code;
	snprintf(w->told, sizeof w->told, "%s", wrong);
	w->tell = clock_monotonic() + TELL_AGAIN_MS;
	w->taken = 0;
	return EXIT_DONE;
}

static int watch_one(struct watching *w, const struct cmd_context *c, struct client *client)
{
	int code = EXIT_DONE;

	if (folder_open(w)) {
		take(w);
		code = import_all(w, c);
	}
	if (!code)
		code = tell(w, client);
	folder_close(w);
	return code;
}

static void watch_for_ever(const struct cmd_context *c, const struct config *config)
{
	struct watching *all = calloc(config->inflow_count, sizeof *all);
	struct client client;
	bool open = false;
	size_t n = 0;

	for (size_t i = 0; all && i < config->inflow_count; i++)
		if (config->inflows[i].kind == INFLOW_WATCH)
			all[n++] = (struct watching){.f = &config->inflows[i],
						     .folder = -1,
						     .taking = -1,
						     .done = -1,
						     .failed = -1};
	if (!all)
		return;
	/* Somebody begins to write to a file just when we ask whether anybody does. */
	signal(SIGIO, SIG_IGN);
	for (;;) {
		if (!open && client_node_runs(c)) {
			open = client_open(&client, c, "khabar follow") == EXIT_DONE;
			if (!open)
				client_close(&client);
		}
		for (size_t i = 0; open && i < n; i++) {
			if (watch_one(&all[i], c, &client) == EXIT_DONE)
				continue;
			client_close(&client);
			open = false;
		}
		usleep(LOOK_MS * 1000);
	}
}

pid_t follow_watch_start(const struct cmd_context *c, const struct config *config)
{
	return inflow_start(c, config, INFLOW_WATCH, watch_for_ever);
}
