#include "node/link/line.h"

#include <stdio.h>

#include "node/link/tcp.h"

void line_begin(struct line *line, int fd, uint64_t now)
{
	struct tcp_progress progress;

	*line = (struct line){.fd = fd, .looked = now};
	backlog_begin(&line->backlog, tcp_progress(fd, &progress) ? &progress : NULL, now);
}

void line_give(struct line *line, size_t n, uint64_t now)
{
	backlog_give(&line->backlog, n, now);
}

bool line_has_room(struct line *line, uint64_t now, uint64_t *wait)
{
	struct tcp_progress progress;

	if (!backlog_stale(&line->backlog, now))
		return true;
	if (tcp_progress(line->fd, &progress))
		backlog_see(&line->backlog, &progress, now);
	*wait = backlog_wait(&line->backlog);
	return backlog_room(&line->backlog);
}

uint64_t line_look(struct line *line, uint64_t now)
{
	struct tcp_progress progress;
	uint64_t passed = now - line->looked;

	if (passed < LINE_LOOK_MS)
		return line->looked + LINE_LOOK_MS;
	line->looked = now;
	/* A number that fell is that of another connection, which has the descriptor of this one.
	 */
	if (!tcp_progress(line->fd, &progress) || progress.acked < line->acked)
		return now + LINE_LOOK_MS;
	/* A program that was held has not listened meanwhile: what counts is what was seen. */
	passed = passed < 2 * LINE_LOOK_MS ? passed : 2 * LINE_LOOK_MS;
	line->unheard = progress.packets != line->packets ? 0 : line->unheard + passed;
	line->unheeded =
		progress.drained || progress.acked != line->acked ? 0 : line->unheeded + passed;
	line->packets = progress.packets;
	line->acked = progress.acked;
	return now + LINE_LOOK_MS;
}

bool line_deaf(const struct line *line)
{
	return line->unheard < LINE_SILENT_MS && line->unheeded >= LINE_SILENT_MS;
}

void line_lost(const struct line *line, const char *name, char *out, size_t size)
{
	if (line_deaf(line))
		snprintf(out, size,
			 "the connection with %s broke: it was heard, and for %u seconds did not "
			 "hear us",
			 name, (unsigned)(line->unheeded / 1000));
	else if (line->unheard >= LINE_SILENT_MS)
		snprintf(out, size, "the connection with %s broke: nothing had come for %u seconds",
			 name, (unsigned)(line->unheard / 1000));
	else
		snprintf(out, size, "the connection with %s broke", name);
}
