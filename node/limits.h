/* How many files this process may open: sockets and maps are files, and libzmq ends the program
 * when it finds none left while it opens its own. */
#ifndef NODE_LIMITS_H
#define NODE_LIMITS_H

#include <stddef.h>

#include "protocol/error.h"
#include "protocol/report.h"

enum { FILES_MIN = 64, FILES_WANTED = 65536 };

/* Takes as many as the system allows, up to FILES_WANTED.  ERR_LIMIT, with words, when that is less
 * than FILES_MIN. */
enum err limits_files(struct report *report);

/* A quarter of them, but not more than most: what strangers may hold, or clients of the admin
 * socket. */
size_t limits_share(size_t most);

#endif
