/* khabar share: values that an operator types. */
#include <stdlib.h>

#include "node/cmd/send.h"

int cmd_share(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct sending *s = calloc(1, sizeof *s);
	size_t n;
	int first, code;

	if (!s)
		return cmd_refused(c, "khabar share", &(struct report){0});
	n = send_rules(s, rules);
	code = options_read("khabar share", rules, n, argc, argv, &first);
	if (!code && first == argc)
		code = cmd_misused("khabar share", "what shall be shared is missing");
	if (!code)
		code = send_open(s, c, "khabar share");
	for (int i = first; !code && i < argc; i++)
		if (import_value(&s->import, argv[i], (size_t)(i - first) + 1) == ERR_MEMORY) {
			fprintf(stderr, "khabar share: %s\n", err_str(ERR_MEMORY));
			code = EXIT_REFUSED;
		}
	if (!code)
		code = send_finish(s);
	send_close(s);
	free(s);
	return code;
}
