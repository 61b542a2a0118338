/* khabar import: feeds, bundles and events from files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cmd/import_event.h"
#include "node/cmd/import_sync.h"

enum { FORMATS_MAX = 16 };

static int format_check(const char *format)
{
	const char *names[FORMATS_MAX], *nearest;
	struct text all;
	size_t n = 0;
	int code;

	if (!format)
		return EXIT_DONE;
	text_init(&all);
	for (; n < FORMATS_MAX && format_name(n); n++) {
		names[n] = format_name(n);
		text_format(&all, "%s%s", n ? ", " : "", names[n]);
		if (strcmp(names[n], format) == 0) {
			text_clear(&all);
			return EXIT_DONE;
		}
	}
	nearest = report_nearest(format, names, n);
	if (nearest)
		code = cmd_misused("khabar import", "--format %s: did you mean %s?", format,
				   nearest);
	else
		code = cmd_misused("khabar import", "--format %s: one of %s", format,
				   all.bad ? "" : all.at);
	text_clear(&all);
	return code;
}

/* Says whose words they are where they do not. */
static int refused(struct sending *s, const char *path, const struct report *said)
{
	struct report report;
	size_t n = strlen(path);
	int code;

	report_init(&report);
	for (size_t i = 0; i < said->count; i++) {
		if (strncmp(said->lines[i], path, n) == 0)
			report_add(&report, "%s", said->lines[i]);
		else
			report_add(&report, "%s: %s", path, said->lines[i]);
	}
	report.total = said->total;
	code = client_refused(s->client.c, s->client.what, &report);
	report_clear(&report);
	return code;
}

/* A folder with a manifest is a feed of MISP's. */
static bool feed(const struct sending *s, const char *path)
{
	char manifest[PATH_MAX];
	struct stat st;

	if (s->format && strcmp(s->format, "misp") != 0)
		return false;
	return (size_t)snprintf(manifest, sizeof manifest, "%s/manifest.json", path) <
		       sizeof manifest &&
	       stat(manifest, &st) == 0 && S_ISREG(st.st_mode);
}

static enum err input_open(int *fd, const char *path, struct report *report)
{
	*fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return ERR_OK;
	report_add(report, "cannot be read: %s", strerror(errno));
	return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

static ssize_t input_read(void *arg, void *out, size_t n, struct report *report)
{
	const int *fd = arg;
	ssize_t got;

	do
		got = read(*fd, out, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		report_add(report, "cannot be read: %s", strerror(errno));
	return got;
}

static int file_import(struct sending *s, const char *path)
{
	struct report report;
	int fd = -1, code = EXIT_DONE;
	enum err e;

	report_init(&report);
	if (feed(s, path)) {
		e = import_feed(&s->import, path, &report);
	} else {
		e = input_open(&fd, path, &report);
		if (!e)
			e = import_stream(&s->import, s->format, input_read, &fd, path, &report);
		if (fd > STDIN_FILENO)
			close(fd);
	}
	if (e && report.count == 0)
		report_add(&report, "%s", err_str(e));
	if (e)
		code = refused(s, path, &report);
	report_clear(&report);
	return code;
}

int cmd_import(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct sending *s = calloc(1, sizeof *s);
	struct sync sync = {0};
	struct event_update event = {0};
	size_t n;
	int first, code;

	if (!s)
		return cmd_refused(c, "khabar import", &(struct report){0});
	s->from_files = true;
	n = send_rules(s, rules);
	rules[n++] = (struct option_rule){"format", OPTION_TEXT, &s->format, 0, 0};
	rules[n++] = (struct option_rule){"column", OPTION_TEXT, &s->column, 0, 0};
	rules[n++] = (struct option_rule){"skip-rejected", OPTION_FLAG, &s->skip_rejected, 0, 0};
	rules[n++] = (struct option_rule){"once", OPTION_TEXT, &s->once, 0, 0};
	rules[n++] = (struct option_rule){"sync", OPTION_TEXT, &sync.name, 0, 0};
	rules[n++] = (struct option_rule){"event", OPTION_TEXT, &event.uuid, 0, 0};
	rules[n++] = (struct option_rule){"shrink", OPTION_FLAG, &sync.shrink, 0, 0};
	code = options_read("khabar import", rules, n, argc, argv, &first);
	if (!code && first == argc)
		code = cmd_misused("khabar import", "the files are missing (- is standard input)");
	if (!code)
		code = format_check(s->format);
	if (!code)
		code = sync_begin(&sync, s, c);
	if (!code)
		code = event_begin(&event, s, c);
	if (!code)
		code = send_open(s, c, "khabar import");
	if (!code)
		code = sync_ask(&sync, s);
	for (int i = first; !code && i < argc; i++) {
		progress_show(&s->client.progress, (uint64_t)(i - first), (uint64_t)(argc - first));
		code = file_import(s, argv[i]);
	}
	progress_end(&s->client.progress);
	if (!code)
		code = sync_compare(&sync, s);
	if (!code)
		code = event_compare(&event, s);
	/* Of an event nothing may be left. */
	if (!code && !(event.uuid && s->import.part_count == 0))
		code = send_finish(s);
	if (!code)
		code = sync_finish(&sync, s);
	if (!code)
		code = event_finish(&event, s);
	event_clear(&event);
	sync_clear(&sync);
	send_close(s);
	free(s);
	return code;
}
