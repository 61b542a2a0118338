/* khabar topology accept, and the version in force for show and tree: what asks a running node. */
#include <stdlib.h>

#include "node/cmd/client.h"
#include "node/cmd/topology_file.h"
#include "node/home.h"

int topology_accept(const struct cmd_context *c, int argc, char **argv)
{
	static const char what[] = "khabar topology accept";
	struct client client = {0};
	struct report report;
	struct text request;
	struct reply reply;
	struct slice frame = {0};
	char *file = NULL;
	int code;

	if (argc != 2)
		return cmd_misused(what, "exactly one file is needed");
	report_init(&report);
	request_init(&request, "accept");
	if (file_read_named(&file, &frame.length, argv[1], TOPOLOGY_MAX_BYTES, &report))
		code = client_refused(c, what, &report);
	else
		code = client_open(&client, c, what);
	frame.at = file;
	if (!code)
		code = client_ask(&client, &request, &frame, 1, false, &reply);
	client_close(&client);
	text_clear(&request);
	report_clear(&report);
	free(file);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else if (cJSON_GetObjectItemCaseSensitive(reply.json, "suspension"))
		printf("suspension %.0f counts\n", member_number(reply.json, "suspension"));
	else
		printf("topology version %.0f is in force\n", member_number(reply.json, "version"));
	reply_clear(&reply);
	return EXIT_DONE;
}

/* The file that the node gives; false when it gives none. */
static bool ask_node(struct loaded *l, const struct cmd_context *c)
{
	struct ask *node;
	struct reply reply = {0};

	if (ask_open(&node, c->home, NULL, NULL, NULL))
		return false;
	if (ask(node, "{\"do\":\"topology\"}", NULL, 0, false, &reply, NULL) == ERR_OK &&
	    reply.ok && reply.frame) {
		l->file = (char *)reply.frame;
		l->length = reply.frame_length;
		reply.frame = NULL;
		l->suspension = cJSON_Duplicate(
			cJSON_GetObjectItemCaseSensitive(reply.json, "suspension"), true);
	}
	reply_clear(&reply);
	ask_close(node);
	return l->file != NULL;
}

enum err loaded_in_force(struct loaded *l, const struct cmd_context *c, struct report *report)
{
	char path[PATH_MAX];

	*l = (struct loaded){0};
	if (!ask_node(l, c)) {
		if (!home_path(path, c->home, "topology.signed"))
			return ERR_LIMIT;
		return loaded_read(l, path, report);
	}
	l->text_length = council_text_length(l->file, l->length);
	return topology_parse(&l->t, l->file, l->text_length, report);
}
