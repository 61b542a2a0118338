#include "node/remembered.h"

#include "node/say.h"

enum err remembered_get(struct log_reader *log, const char *key, void *value, size_t size,
			size_t *n)
{
	enum err e = log_get(log, key, value, size, n);

	if (e != ERR_DAMAGED && e != ERR_LIMIT)
		return e;
	say(LEVEL_WARNING, "what the log remembers as %s is damaged: it is found out again", key);
	return ERR_NOT_FOUND;
}
