#include "node/cmd/sight_place.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cmd/print.h"
#include "node/file.h"
#include "node/home.h"
#include "protocol/admin.h"

enum { STATE_MAX_BYTES = 16 << 20, NAME_BYTES = 16, FOLDER_ROOM = PATH_MAX - 64, COPY_HEAD = 64 };

/* ---- where it is kept ---- */

/* The user's own, for who may not write into the home. */
static bool user_folder(char out[FOLDER_ROOM])
{
	const char *states = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char made[FOLDER_ROOM];
	int n;

	if (states && *states == '/')
		n = snprintf(made, sizeof made, "%s", states);
	else
		n = snprintf(made, sizeof made, "%s/.local/state",
			     home && *home ? home : "/nowhere");
	if (n < 0 || (size_t)n >= sizeof made - 16)
		return false;
	for (char *at = strchr(made + 1, '/');; at = strchr(at + 1, '/')) {
		if (at)
			*at = '\0';
		(void)mkdir(made, 0700);
		if (!at)
			break;
		*at = '/';
	}
	snprintf(out, FOLDER_ROOM, "%.*s/khabardar", FOLDER_ROOM - 16, made);
	return mkdir(out, 0700) == 0 || errno == EEXIST;
}

/* Root must not leave files in the home that its owner cannot replace. */
static bool home_folder(char out[FOLDER_ROOM], const char *home)
{
	struct stat st;

	if (stat(home, &st) != 0 ||
	    (size_t)snprintf(out, FOLDER_ROOM, "%s/sight", home) >= FOLDER_ROOM)
		return false;
	return (st.st_uid == geteuid() && (mkdir(out, 0700) == 0 || errno == EEXIST)) ||
	       access(out, W_OK | X_OK) == 0;
}

static bool state_path(struct place *p, const char *home, const char *path)
{
	char folder[FOLDER_ROOM], name[2 * NAME_BYTES + 1];
	char *real = realpath(path, NULL), *real_home = realpath(home, NULL);
	uint8_t hash[NAME_BYTES];
	struct text key;
	bool good = real && real_home && (home_folder(folder, home) || user_folder(folder));

	text_init(&key);
	text_format(&key, "%s\n%s", real_home ? real_home : "", real ? real : "");
	good = good && !key.bad;
	if (good) {
		crypto_generichash(hash, sizeof hash, (const uint8_t *)key.at, key.length, NULL, 0);
		sodium_bin2hex(name, sizeof name, hash, sizeof hash);
		snprintf(p->state, sizeof p->state, "%s/%s", folder, name);
	}
	text_clear(&key);
	free(real);
	free(real_home);
	return good;
}

/* ---- reading and writing it ---- */

static bool json_take(struct place *p, const cJSON *json)
{
	const char *head = member_text(json, "head");
	size_t n = strlen(head) / 2;

	if (n > PLACE_HEAD_BYTES || !hex_decode(p->head, n, head) ||
	    !sensor_parse(&p->format, member_text(json, "format")))
		return false;
	p->head_length = n;
	p->device = (uint64_t)member_number(json, "device");
	p->inode = (uint64_t)member_number(json, "inode");
	p->offset = (uint64_t)member_number(json, "offset");
	return true;
}

enum err place_read(struct place *p, const char *home, const char *path, struct report *report)
{
	cJSON *json = NULL;
	char *text = NULL;
	struct report why;
	size_t n;
	enum err e;

	*p = (struct place){.offset = 0};
	if (!state_path(p, home, path)) {
		report_add(report, "%s: there is no folder in which to keep where it stopped",
			   path);
		return ERR_IO;
	}
	report_init(&why);
	e = file_read(&text, &n, p->state, STATE_MAX_BYTES, &why);
	if (!e)
		e = json_parse(&json, text, n, &why);
	if (!e && !json_take(p, json))
		e = ERR_FORMAT;
	p->known = !e;
	if (!e)
		p->pending = cJSON_DetachItemFromObjectCaseSensitive(json, "pending");
	if (e && e != ERR_NOT_FOUND)
		report_add(report, "%s: %s; remove it to begin anew", p->state,
			   why.count ? report_first(&why) : err_str(e));
	report_clear(&why);
	cJSON_Delete(json);
	free(text);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err place_write(const struct place *p, const char *path, struct report *report)
{
	char *pending = p->pending ? cJSON_PrintUnformatted(p->pending) : NULL;
	struct text t;
	enum err e = ERR_MEMORY;

	text_init(&t);
	text_str(&t, "{");
	admin_put_string(&t, "path", path);
	admin_put_number(&t, "device", p->device);
	admin_put_number(&t, "inode", p->inode);
	admin_put_number(&t, "offset", p->offset);
	admin_put_hex(&t, "head", p->head, p->head_length);
	admin_put_string(&t, "format", sensor_str(p->format));
	if (pending) {
		admin_put_name(&t, "pending");
		text_str(&t, pending);
	}
	text_str(&t, "}\n");
	if (!t.bad && (pending || !p->pending))
		e = file_write(p->state, t.at, t.length, report);
	if (e && report->total == 0)
		report_add(report, "%s: %s", p->state, err_str(e));
	text_clear(&t);
	free(pending);
	return e;
}

void place_clear(struct place *p)
{
	cJSON_Delete(p->pending);
	p->pending = NULL;
}

/* ---- files ---- */

static size_t head_read(char head[PLACE_HEAD_BYTES], const char *path, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd >= 0 ? pread(fd, head, n, 0) : -1;

	if (fd >= 0)
		close(fd);
	return got > 0 ? (size_t)got : 0;
}

static bool begins_so(const struct place *p, const char *path, const struct stat *st)
{
	char head[PLACE_HEAD_BYTES];

	return p->known && p->offset <= (uint64_t)st->st_size &&
	       head_read(head, path, p->head_length) == p->head_length &&
	       memcmp(head, p->head, p->head_length) == 0;
}

bool place_is(const struct place *p, const char *path, const struct stat *st)
{
	return p->device == st->st_dev && p->inode == st->st_ino && begins_so(p, path, st);
}

bool place_was(const struct place *p, const char *path, const struct stat *st)
{
	return place_is(p, path, st) || (p->head_length >= COPY_HEAD && begins_so(p, path, st));
}

void place_set(struct place *p, const char *path, const struct stat *st, uint64_t offset)
{
	p->known = true;
	p->device = st->st_dev;
	p->inode = st->st_ino;
	p->offset = offset;
	p->head_length = head_read(p->head, path,
				   offset < PLACE_HEAD_BYTES ? (size_t)offset : PLACE_HEAD_BYTES);
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct part *)a)->st.st_mtim;
	const struct timespec *y = &((const struct part *)b)->st.st_mtim;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

size_t place_rotated(const char *path, struct part parts[ROTATED_MAX])
{
	static const char *const ends[] = {".*", "-*"};
	size_t n = 0;

	for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
		struct text pattern;
		glob_t found = {0};

		text_init(&pattern);
		for (const char *at = path; *at; at++)
			text_format(&pattern, strchr("*?[\\", *at) ? "\\%c" : "%c", *at);
		text_str(&pattern, ends[e]);
		if (!pattern.bad && glob(pattern.at, 0, NULL, &found) == 0) {
			for (size_t i = 0; i < found.gl_pathc && n < ROTATED_MAX; i++) {
				struct part *p = &parts[n];
				*p = (struct part){.path = strdup(found.gl_pathv[i]),
						   .final = true};
				if (p->path && stat(p->path, &p->st) == 0 && S_ISREG(p->st.st_mode))
					n++;
				else
					free(p->path);
			}
			globfree(&found);
		}
		text_clear(&pattern);
	}
	if (n)
		qsort(parts, n, sizeof *parts, by_age);
	return n;
}
