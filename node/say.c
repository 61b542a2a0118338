#include "node/say.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level shown = LEVEL_INFO;

void say_level(enum log_level level)
{
	shown = level;
}

void say(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > shown)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	/* What came from a peer may not forge lines of its own. */
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	fprintf(stderr, "%s: %s\n", log_level_str(level), line);
}
