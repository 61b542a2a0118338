#include "node/cmd/completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "node/format/export.h"
#include "node/format/format.h"

enum { SEEN_MAX = 96 };

struct word {
	const char *at;
	size_t length;
};

static bool of_word(char c)
{
	return islower((unsigned char)c) || c == '-';
}

/* The next option or word of a usage that stands for itself.  What begins with a capital is an
 * argument's name, and what stands in quotes or before a colon is neither. */
static bool next_word(const char **at, struct word *word)
{
	const char *p = *at;

	for (;;) {
		p += strcspn(p,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:/");
		if (!*p)
			return false;
		word->at = p;
		while (of_word(*p))
			p++;
		word->length = (size_t)(p - word->at);
		if (word->length > 1 && (!*p || strchr(" |]\n", *p)) &&
		    (word->at[0] != '-' || word->at[1] == '-') &&
		    *(word->at + word->length - 1) != '-') {
			*at = p;
			return true;
		}
		p += strcspn(p, " |[]\n");
	}
}

static bool is_among(const struct word *words, size_t n, const struct word *word)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].length == word->length && !memcmp(words[i].at, word->at, word->length))
			return true;
	return false;
}

static void print_words(const char *usage)
{
	struct word seen[SEEN_MAX], word;
	size_t n = 0;

	while (n < SEEN_MAX && next_word(&usage, &word)) {
		if (is_among(seen, n, &word))
			continue;
		seen[n++] = word;
		printf(" %.*s", (int)word.length, word.at);
	}
}

/* What stands behind an option and is one of a few words, or a file. */
static void print_values(void)
{
	const struct export_format *f;
	const char *name;

	printf("\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	       "\t--tlp | --tlp-max) words='clear green amber amber+strict red' ;;\n"
	       "\t--to) words='all up down owner-of:' ;;\n"
	       "\t--priority) words='routine raised high emergency' ;;\n"
	       "\t--home | --file | --from | --out | --text | --passphrase-file) words= ;;\n"
	       "\t--format)\n"
	       "\t\tcase $command in\n"
	       "\t\texport) words='");
	for (size_t i = 0; (f = export_format(i)); i++)
		printf("%s%s", i ? " " : "", f->name);
	printf("' ;;\n"
	       "\t\timport) words='");
	for (size_t i = 0; (name = format_name(i)); i++)
		printf("%s%s", i ? " " : "", name);
	printf("' ;;\n"
	       "\t\tesac\n"
	       "\t\t;;\n"
	       "\tesac\n");
}

void completion_print(const struct completed *commands, size_t n)
{
	printf("# bash completion for khabar(1): written by khabar help --bash\n"
	       "_khabar() {\n"
	       "\tlocal word=${COMP_WORDS[COMP_CWORD]} command= words i\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t--home) i=$((i + 1)) ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*)\n"
	       "\t\t\tcommand=${COMP_WORDS[i]}\n"
	       "\t\t\tbreak\n"
	       "\t\t\t;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase $command in\n");
	for (size_t i = 0; i < n; i++) {
		printf("\t%s) words='--home --json --yes --hold --help", commands[i].name);
		print_words(commands[i].usage);
		printf("' ;;\n");
	}
	printf("\t*) words='--home --json --yes --hold --help help");
	for (size_t i = 0; i < n; i++)
		printf(" %s", commands[i].name);
	printf("' ;;\n"
	       "\tesac\n");
	print_values();
	printf("\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	       "}\n"
	       "complete -o default -F _khabar khabar\n");
}
