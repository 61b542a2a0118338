/* Asking whoever types whether something shall be done. */
#ifndef NODE_CMD_AGREE_H
#define NODE_CMD_AGREE_H

#include "node/cmd/cmd.h"

/* False where nobody can be asked: then it is said, as by cmd_refused(), that nothing was done
 * (done is "sent", "withdrawn") and that --yes would do it; whether: what would have been asked, or
 * NULL for "it shall be". */
bool agree_possible(const struct cmd_context *c, const char *what, const char *done,
		    const char *whether);
/* The question stands on standard error.  Anything but a yes is told to have done nothing. */
bool agree_read(const char *what, const char *done);

#endif
