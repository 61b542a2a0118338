/* khabar show --format: a message for those who have no node, as text, a page of HTML, or a mail.
 */
#ifndef NODE_CMD_SHOW_FORMAT_H
#define NODE_CMD_SHOW_FORMAT_H

#include "node/cmd/client.h"

enum show_format { SHOW_PLAIN, SHOW_TEXT, SHOW_HTML, SHOW_MAIL };

/* "text" "html" "mail"; false for any other word. */
bool show_format_parse(enum show_format *format, const char *word);
/* Prints what `show` has replied with; false when memory is short. */
bool show_format_print(enum show_format format, const cJSON *message);

#endif
