/* What the daemon tells whoever reads its standard error: the journal, mostly.  One line for each
 * thing, said once, where it is dealt with. */
#ifndef NODE_SAY_H
#define NODE_SAY_H

#include "node/config.h"

/* Lines above this level are left out; LEVEL_INFO at start.  Any thread may say something. */
void say_level(enum log_level level);
void say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
