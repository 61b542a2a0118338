#include "node/cmd/hunt_log.h"

#include <stdlib.h>
#include <string.h>

#include "node/cmd/cmd.h"
#include "node/cmd/source.h"

enum { BUFFER_BYTES = 1 << 20 };

/* How many of the n bytes are whole lines. */
static size_t whole(const char *bytes, size_t n)
{
	const char *last = n ? memrchr(bytes, '\n', n) : NULL;

	return last ? (size_t)(last + 1 - bytes) : 0;
}

static int read_blocks(struct source *in, char *buffer, block_fn *found, void *arg,
		       uint64_t *through, struct report *report)
{
	size_t filled = 0;
	int code = EXIT_DONE;
	ssize_t n = 1;

	while (!code && n > 0) {
		size_t used;
		n = source_read(in, buffer + filled, BUFFER_BYTES - filled, report);
		filled += n > 0 ? (size_t)n : 0;
		used = whole(buffer, filled);
		*through += used;
		if (n <= 0)
			used = filled;
		else if (used == 0 && filled == BUFFER_BYTES)
			*through += used = filled;
		if (used)
			code = found(arg, (struct slice){buffer, used});
		memmove(buffer, buffer + used, filled - used);
		filled -= used;
	}
	return code ? code : n < 0 ? EXIT_REFUSED : EXIT_DONE;
}

int hunt_log_read(const char *path, uint64_t from, block_fn *found, void *arg, uint64_t *through,
		  struct report *report)
{
	char *buffer = malloc(BUFFER_BYTES);
	struct source *in = NULL;
	int code = EXIT_REFUSED;

	*through = from;
	if (!buffer)
		report_add(report, "%s: %s", path, err_str(ERR_MEMORY));
	else if (source_open(&in, path, report) == ERR_OK &&
		 (from == 0 || source_skip(in, from, report)))
		code = read_blocks(in, buffer, found, arg, through, report);
	source_close(in);
	free(buffer);
	return code;
}
