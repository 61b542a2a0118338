/* Warning lists in the format of MISP: values that are known to be everybody's, and that nobody
 * should detect or block without a second thought.  SPEC.md 8.11.
 *
 * Read whole, from a folder, into hashes and networks: of millions of entries a few sixteen bytes
 * each, and a look-up takes microseconds.  Once closed it is not
 * changed any more, and any thread may look. */
#ifndef NODE_DETECT_WARNING_LIST_H
#define NODE_DETECT_WARNING_LIST_H

#include "protocol/observable.h"
#include "protocol/report.h"

struct warning_lists;

/* Empty; NULL when memory is short. */
struct warning_lists *warning_lists_new(void);
/* Adds the list in a file.  ERR_FORMAT, with words, when it is none. */
enum err warning_lists_take(struct warning_lists *w, const char *path, struct report *report);
/* After the last, and before anything is looked for. */
void warning_lists_close(struct warning_lists *w);
/* All of that: dir/NAME.json and dir/NAME/list.json, or those of dir/lists where there is such a
 * folder.  Every file that is no list is named in report; then nothing is read.  ERR_NOT_FOUND
 * where there is no list at all. */
enum err warning_lists_read(struct warning_lists **lists, const char *dir, struct report *report);
/* One more holds it. */
struct warning_lists *warning_lists_hold(struct warning_lists *w);
/* Lets go of it; the last one frees it.  NULL is accepted. */
void warning_lists_free(struct warning_lists *w);
size_t warning_lists_count(const struct warning_lists *w);
size_t warning_lists_entries(const struct warning_lists *w);
/* Of them, those that say nothing here: no network, an expression that POSIX does not know. */
size_t warning_lists_unread(const struct warning_lists *w);

/* The names of the lists that v is on; at most max are written, each for as long as w; returns how
 * many. */
size_t warning_lists_find(const struct warning_lists *w, const struct observable *v,
			  const char **names, size_t max);

/* The lists of a folder as they are now: read again when a file has come, gone or changed.  Any
 * thread. */
struct warning_guard;
/* dir is borrowed; NULL: there are no lists.  NULL when memory is short. */
struct warning_guard *warning_guard_new(const char *dir);
void warning_guard_free(struct warning_guard *g);
/* *lists is NULL where there is no folder; else the caller lets go of it with warning_lists_free().
 * An error, with words, as long as they cannot be read: what they would have kept is not known
 * then. */
enum err warning_guard_lists(struct warning_guard *g, struct warning_lists **lists,
			     struct report *report);

#endif
