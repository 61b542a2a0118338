/* Files that are replaced at once, when all of them is on the disk. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/format/export_parts.h"

static enum err complain(struct out *o)
{
	report_add(o->x->report, "%s: cannot be written: %s", o->path, strerror(errno));
	return ERR_IO;
}

enum err out_open(struct out *o, struct export *x, const char *name)
{
	const char *dir = x->options.dir;
	int fd;

	*o = (struct out){.x = x};
	if (!dir) {
		o->file = stdout;
		snprintf(o->path, sizeof o->path, "standard output");
		return ERR_OK;
	}
	if (snprintf(o->path, sizeof o->path, "%s/%s", dir, name) >= (int)sizeof o->path ||
	    snprintf(o->aside, sizeof o->aside, "%s/.%s.XXXXXX", dir, name) >=
		    (int)sizeof o->aside) {
		errno = ENAMETOOLONG;
		return complain(o);
	}
	fd = mkstemp(o->aside);
	if (fd < 0)
		return complain(o);
	o->file = fdopen(fd, "w");
	if (o->file)
		return ERR_OK;
	close(fd);
	unlink(o->aside);
	return complain(o);
}

void out_bytes(struct out *o, const void *p, size_t n)
{
	if (n && fwrite(p, 1, n, o->file) != n)
		o->bad = true;
}

void out_text(struct out *o, const char *s)
{
	out_bytes(o, s, strlen(s));
}

void out_format(struct out *o, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vfprintf(o->file, format, args) < 0)
		o->bad = true;
	va_end(args);
}

enum err out_close(struct out *o, bool keep)
{
	bool good;

	if (!o->file)
		return ERR_OK;
	good = fflush(o->file) == 0 && !o->bad && !ferror(o->file);
	if (o->file == stdout)
		return good || !keep ? ERR_OK : complain(o);
	good = good && fchmod(fileno(o->file), 0644) == 0 && (!keep || fsync(fileno(o->file)) == 0);
	if (fclose(o->file) != 0)
		good = false;
	o->file = NULL;
	if (keep && good && rename(o->aside, o->path) == 0)
		return ERR_OK;
	if (keep)
		complain(o);
	unlink(o->aside);
	return keep ? ERR_IO : ERR_OK;
}

enum err export_lines(struct export *x, const char *head, const char *before, const char *after)
{
	struct slice record;
	struct out out;
	enum err e = out_open(&out, x, x->exporter->format.file), closed;

	if (e)
		return e;
	out_text(&out, head);
	while (!(e = sorter_next(x->sorter, &record))) {
		out_text(&out, before);
		out_bytes(&out, record.at, record.length);
		out_text(&out, after);
		x->result.written++;
	}
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	closed = out_close(&out, !e);
	return e ? e : closed;
}
