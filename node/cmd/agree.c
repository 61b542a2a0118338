#include "node/cmd/agree.h"

#include <stdio.h>
#include <unistd.h>

enum { ANSWER_BYTES = 64 };

bool agree_possible(const struct cmd_context *c, const char *what, const char *done,
		    const char *whether)
{
	struct report report;

	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		return true;
	report_init(&report);
	report_add(&report, "nothing was %s: there is no terminal to ask whether %s; say --yes",
		   done, whether ? whether : "it shall be");
	cmd_refused(c, what, &report);
	report_clear(&report);
	return false;
}

bool agree_read(const char *what, const char *done)
{
	char answer[ANSWER_BYTES] = "";

	if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y'))
		return true;
	fprintf(stderr, "%s: nothing was %s\n", what, done);
	return false;
}
