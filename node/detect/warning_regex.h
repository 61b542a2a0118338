/* Regular expressions as MISP's warning lists have them, /between slashes/ and with flags, given to
 * regcomp(3): what a POSIX expression cannot say is refused. */
#ifndef NODE_DETECT_WARNING_REGEX_H
#define NODE_DETECT_WARNING_REGEX_H

#include <regex.h>
#include <stdbool.h>

/* False when it is none, or says what cannot be said; else regfree() is the caller's. */
bool warning_regex_compile(regex_t *out, const char *text);

#endif
