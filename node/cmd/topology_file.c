#include "node/cmd/topology_file.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum err read_all(char **out, size_t *n, int fd, size_t most, struct report *report)
{
	/* One byte more than is allowed tells what is too long, one more is for the NUL. */
	char *data = malloc(most + 2);

	*n = 0;
	while (data && *n <= most) {
		ssize_t got = read(fd, data + *n, most + 1 - *n);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			report_add(report, "cannot be read: %s", strerror(errno));
			free(data);
			return ERR_IO;
		}
		*n += (size_t)got;
	}
	if (!data)
		return ERR_MEMORY;
	if (*n > most) {
		report_add(report, "more than %zu bytes", most);
		free(data);
		return ERR_LIMIT;
	}
	data[*n] = '\0';
	*out = data;
	return ERR_OK;
}

enum err file_read(char **out, size_t *n, const char *path, size_t most, struct report *report)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum err e;

	*out = NULL;
	if (fd < 0) {
		report_add(report, "cannot be read: %s", strerror(errno));
		return ERR_IO;
	}
	e = read_all(out, n, fd, most, report);
	if (!standard)
		close(fd);
	return e;
}

static bool write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		data += done;
		n -= (size_t)done;
	}
	return true;
}

enum err file_write(const char *path, const char *data, size_t n, struct report *report)
{
	char aside[PATH_MAX];
	int fd;

	if (!path) {
		/* main looks at the stream's error. */
		fwrite(data, 1, n, stdout);
		return ERR_OK;
	}
	if (snprintf(aside, sizeof aside, "%s.XXXXXX", path) >= (int)sizeof aside)
		errno = ENAMETOOLONG;
	else if ((fd = mkstemp(aside)) >= 0) {
		bool good = write_all(fd, data, n) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
		close(fd);
		if (good && rename(aside, path) == 0)
			return ERR_OK;
		unlink(aside);
	}
	report_add(report, "%s: cannot be written: %s", path, strerror(errno));
	return ERR_IO;
}

enum err loaded_read(struct loaded *l, const char *path, struct report *report)
{
	enum err e;

	*l = (struct loaded){0};
	e = file_read(&l->file, &l->length, path, TOPOLOGY_MAX_BYTES, report);
	if (e)
		return e;
	l->text_length = council_text_length(l->file, l->length);
	return topology_parse(&l->t, l->file, l->text_length, report);
}

void loaded_clear(struct loaded *l)
{
	topology_free(l->t);
	free(l->file);
	*l = (struct loaded){0};
}

void topology_count(const struct topology *t, size_t *nodes, size_t *roles)
{
	*nodes = 0;
	for (size_t i = 0; i < t->party_count; i++)
		*nodes += t->parties[i].kind == PARTY_NODE;
	*roles = t->party_count - *nodes;
}

char *date_text(char *out, size_t size, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || strftime(out, size, "%Y-%m-%d", &tm) == 0)
		out[0] = '\0';
	return out;
}

void json_print(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	if (text)
		puts(text);
	free(text);
	cJSON_Delete(o);
}

int topology_refused(const struct cmd_context *c, const char *where, enum err e,
		     struct report *report)
{
	if (report->total == 0)
		report_add(report, "%s", err_str(e));
	return cmd_refused(c, where, report);
}
