/* Running a program that the configuration names: words, without a shell. */
#ifndef NODE_CMD_SPAWN_H
#define NODE_CMD_SPAWN_H

#include <signal.h>
#include <stddef.h>

enum { SPAWN_WHY_BYTES = 128, SPAWN_MS = 60 * 1000 };

/* Runs it with n bytes of input, or none, and waits, for a minute at most, or until *ended.  why is
 * empty, or says why it failed. */
void spawn_words(const char *command, const char *input, size_t n,
		 const volatile sig_atomic_t *ended, char why[SPAWN_WHY_BYTES]);

#endif
