#include "node/cmd/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_BASE = 256 };

static int number_read(const char *what, const struct option_rule *rule, const char *text)
{
	unsigned long *to = rule->to;
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (rule->kind == OPTION_DAYS && *end == 'd')
		end++;
	if (*text < '0' || *text > '9' || *end || n < rule->min || n > rule->max)
		return cmd_misused(what, "--%s %s: %lu to %lu%s is wanted", rule->name, text,
				   rule->min, rule->max, rule->kind == OPTION_DAYS ? " days" : "");
	*to = n;
	return EXIT_DONE;
}

static int option_take(const char *what, const struct option_rule *rule, const char *text)
{
	struct option_list *list;

	switch (rule->kind) {
	case OPTION_FLAG:
		*(bool *)rule->to = true;
		return EXIT_DONE;
	case OPTION_TEXT:
		*(const char **)rule->to = text;
		return EXIT_DONE;
	case OPTION_NUMBER:
	case OPTION_DAYS:
		return number_read(what, rule, text);
	case OPTION_LIST:
		list = rule->to;
		if (list->count == OPTION_LIST_MAX)
			return cmd_misused(what, "--%s: at most %d times", rule->name,
					   OPTION_LIST_MAX);
		list->items[list->count++] = text;
		return EXIT_DONE;
	}
	return EXIT_USAGE;
}

static const struct option_rule *rule_output(const struct option_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rules[i].name, "output") == 0)
			return &rules[i];
	return NULL;
}

int options_read(const char *what, const struct option_rule *rules, size_t n, int argc, char **argv,
		 int *first)
{
	struct option options[OPTION_RULES_MAX + 1] = {0};
	const struct option_rule *output = rule_output(rules, n);
	const char *letters = output ? "o:" : "";
	int option, code = EXIT_DONE;

	for (size_t i = 0; i < n && i < OPTION_RULES_MAX; i++)
		options[i] = (struct option){rules[i].name,
					     rules[i].kind == OPTION_FLAG ? no_argument
									  : required_argument,
					     NULL, OPTION_BASE + (int)i};
	optind = 1;
	while (!code && (option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (option == 'o' && output)
			code = option_take(what, output, optarg);
		else if (option < OPTION_BASE)
			return EXIT_USAGE;
		else
			code = option_take(what, &rules[option - OPTION_BASE], optarg);
	}
	*first = optind;
	return code;
}

unsigned long option_span(const char *text)
{
	static const struct {
		char unit;
		unsigned long seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '1' || *text > '9' || n > 1000000 || *end == '\0' || end[1] != '\0')
		return 0;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit == *end)
			return n * units[i].seconds;
	}
	return 0;
}
