/* khabar status: how the node does. */
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/links.h"
#include "node/cmd/topology_file.h"
#include "protocol/admin.h"

enum { PEER_WIDTH = 14, KIND_WIDTH = 10, STATE_WIDTH = 11 };

void links_print(const cJSON *link)
{
	print_column(member_text(link, "peer"), PEER_WIDTH);
	print_column(member_text(link, "kind"), KIND_WIDTH);
	print_column(member_text(link, "state"), STATE_WIDTH);
	printf("%-16.16s  %8.0f  %8.0f  %8.0f  ", member_text(link, "since"),
	       member_number(link, "sent"), member_number(link, "received"),
	       member_number(link, "waiting"));
	print_safe(stdout, member_text(link, "reason"), false);
	putchar('\n');
}

void links_print_head(void)
{
	print_column("LINK", PEER_WIDTH);
	print_column("KIND", KIND_WIDTH);
	print_column("STATE", STATE_WIDTH);
	printf("%-16s  %8s  %8s  %8s\n", "SINCE", "SENT", "RECEIVED", "WAITING");
}

void status_suspension(const cJSON *s)
{
	const cJSON *node, *nodes = cJSON_GetObjectItemCaseSensitive(s, "nodes");

	if (cJSON_GetArraySize(nodes) == 0)
		return;
	printf("suspended ");
	cJSON_ArrayForEach(node, nodes)
	{
		print_safe(stdout, member_text(node, "node"), false);
		putchar(' ');
	}
	printf("from %.16s until %.16s (serial %.0f)\n", member_text(s, "from"),
	       member_text(s, "until"), member_number(s, "serial"));
}

static void status_lists(const cJSON *lists)
{
	if (!cJSON_IsObject(lists))
		return;
	if (*member_text(lists, "failed")) {
		fputs("warning   lists cannot be read: ", stdout);
		print_safe(stdout, member_text(lists, "failed"), false);
		putchar('\n');
		return;
	}
	printf("warning   lists: %.0f, with %.0f entries\n", member_number(lists, "lists"),
	       member_number(lists, "entries"));
}

static void print_status(const cJSON *s)
{
	const cJSON *topology = cJSON_GetObjectItemCaseSensitive(s, "topology"), *item;
	const cJSON *links = cJSON_GetObjectItemCaseSensitive(s, "links");

	printf("node      %s, khabardar %s, since %s\n", member_text(s, "node"),
	       member_text(s, "version"), member_text(s, "started"));
	if (cJSON_IsObject(topology))
		printf("topology  version %.0f, until %.10s\n", member_number(topology, "version"),
		       member_text(topology, "expires"));
	else
		printf("topology  none yet\n");
	status_suspension(cJSON_GetObjectItemCaseSensitive(s, "suspension"));
	printf("holds     %.0f messages, %.0f objects, %.0f held, %.0f to be indexed\n",
	       member_number(s, "messages"), member_number(s, "objects"), member_number(s, "held"),
	       member_number(s, "unfolded"));
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(s, "exports"))
	{
		printf("export    %s, written %.19s: %.0f\n", member_text(item, "name"),
		       member_text(item, "at"), member_number(item, "written"));
	}
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(s, "inflows"))
	{
		const char *at = member_text(item, "at");
		printf("%-9s %s, %.0f taken", member_text(item, "kind"), member_text(item, "name"),
		       member_number(item, "taken"));
		if (*at)
			printf(", last %.19s", at);
		putchar('\n');
	}
	status_lists(cJSON_GetObjectItemCaseSensitive(s, "warning_lists"));
	if (cJSON_GetArraySize(links) > 0) {
		putchar('\n');
		links_print_head();
	}
	cJSON_ArrayForEach(item, links)
	{
		links_print(item);
	}
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(s, "warnings"))
	{
		fputs("\nwarning: ", stdout);
		print_safe(stdout, cJSON_IsString(item) ? item->valuestring : "", false);
	}
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(s, "warnings")) > 0)
		putchar('\n');
}

int cmd_status(const struct cmd_context *c, int argc, char **argv)
{
	struct text request;
	struct reply reply;
	int code;

	if (argc != 1)
		return cmd_misused("khabar status", "\"%s\" is not wanted", argv[1]);
	request_init(&request, "status");
	code = client_once(c, "khabar status", &request, &reply);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		print_status(reply.json);
	reply_clear(&reply);
	return EXIT_DONE;
}
