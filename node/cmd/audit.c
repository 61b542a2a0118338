/* khabar audit and held: what was changed through the socket, what is carried and not shown. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/audit.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

enum { NODE_WIDTH = 12 };

static int print_pages(const struct cmd_context *c, const char *what, const char *request_name,
		       line_fn *show)
{
	struct client client;
	struct text request;
	int code = client_open(&client, c, what);

	request_init(&request, request_name);
	if (!code)
		code = client_pages(&client, &request, NULL, show, NULL);
	text_clear(&request);
	client_close(&client);
	return code;
}

static void show_audit(void *arg, const cJSON *line)
{
	char *summary = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(line, "summary"));

	(void)arg;
	printf("%-19.19s  uid %-6.0f pid %-7.0f ", member_text(line, "time"),
	       member_number(line, "uid"), member_number(line, "pid"));
	print_column(member_text(line, "do"), 8);
	print_safe(stdout, summary ? summary : "", false);
	putchar('\n');
	free(summary);
}

static void show_head(void *arg, const cJSON *line)
{
	(void)arg;
	print_column(member_text(line, "node"), NODE_WIDTH);
	printf("%.0f:%s%s\n", member_number(line, "number"), member_text(line, "hash"),
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "fault"))
		       ? "  (does not agree with what it has told otherwise)"
		       : "");
}

int cmd_audit(const struct cmd_context *c, int argc, char **argv)
{
	const char *head = NULL, *word;
	const struct option_rule rules[] = {{"head", OPTION_TEXT, &head, 0, 0}};
	int first, code = options_read("khabar audit", rules, 1, argc, argv, &first);

	if (code)
		return code;
	word = first < argc ? argv[first] : "list";
	if (first + 1 < argc)
		return cmd_misused("khabar audit", "\"%s\" is not wanted", argv[first + 1]);
	if (strcmp(word, "verify") == 0)
		return audit_verify(c, head);
	if (head)
		return cmd_misused("khabar audit", "--head is for verify");
	if (strcmp(word, "list") == 0)
		return print_pages(c, "khabar audit", "audit", show_audit);
	if (strcmp(word, "heads") == 0)
		return print_pages(c, "khabar audit heads", "audit-heads", show_head);
	return cmd_misused("khabar audit", "list, verify or heads is wanted, not \"%s\"", word);
}

static void show_held(void *arg, const cJSON *line)
{
	(void)arg;
	printf("%.12s  %-19.19s  ", member_text(line, "message"), member_text(line, "arrived"));
	print_column(member_text(line, "node"), NODE_WIDTH);
	print_safe(stdout, member_text(line, "why"), false);
	putchar('\n');
}

int cmd_held(const struct cmd_context *c, int argc, char **argv)
{
	if (argc != 1)
		return cmd_misused("khabar held", "\"%s\" is not wanted", argv[1]);
	return print_pages(c, "khabar held", "held", show_held);
}
