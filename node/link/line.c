#include "node/link/line.h"

#include "node/link/tcp.h"

void line_begin(struct line *line, int fd, uint64_t now)
{
	struct tcp_progress progress;

	line->fd = fd;
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
