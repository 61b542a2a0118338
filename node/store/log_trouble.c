/* What goes wrong beneath a store, in words that say what to do. */
#include "node/store/log.h"

const char *log_trouble(enum err e)
{
	if (e == ERR_FULL)
		return "the disk or the store is full: make room on the disk";
	if (e == ERR_PERMISSIONS)
		return "the disk takes no writes: it is mounted read-only, or the files are "
		       "another "
		       "user's";
	if (e == ERR_IO)
		return "the disk fails: look into the system's log";
	return err_str(e);
}

const char *index_trouble(enum err e)
{
	if (e == ERR_DAMAGED)
		return "damaged: khabar reindex builds the index again; if that is not enough, "
		       "bring a backup back";
	return log_trouble(e);
}
