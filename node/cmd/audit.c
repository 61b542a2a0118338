/* khabar audit and held: what was changed through the socket, what is carried and not shown. */
#include <stdlib.h>

#include "node/cmd/client.h"
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

int cmd_audit(const struct cmd_context *c, int argc, char **argv)
{
	if (argc != 1)
		return cmd_misused("khabar audit", "\"%s\" is not wanted", argv[1]);
	return print_pages(c, "khabar audit", "audit", show_audit);
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
