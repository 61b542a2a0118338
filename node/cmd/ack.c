/* khabar ack: tells the authors of messages that somebody has taken note. */
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char what[] = "khabar ack";

static void print_done(const struct reply *reply)
{
	const cJSON *lines = cJSON_GetObjectItemCaseSensitive(reply->json, "acknowledged"), *line;

	cJSON_ArrayForEach(line, lines)
	{
		bool already = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "already"));
		printf("%.12s of ", member_text(line, "message"));
		print_safe(stdout, member_text(line, "node"), false);
		printf("%s acknowledged", already ? " was" : "");
		printf(already ? " at %.19s\n" : "\n", member_text(line, "at"));
	}
}

int cmd_ack(const struct cmd_context *c, int argc, char **argv)
{
	struct client client;
	struct text request;
	struct reply reply;
	int first, code = options_read(what, NULL, 0, argc, argv, &first);

	if (!code && first == argc)
		code = cmd_misused(what, "the ids of messages are wanted");
	if (code)
		return code;
	request_init(&request, "ack");
	admin_put_name(&request, "ids");
	text_str(&request, "[");
	for (int i = first; i < argc; i++)
		admin_put_string(&request, NULL, argv[i]);
	text_str(&request, "]");
	code = client_open(&client, c, what);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code) {
		if (c->json)
			client_print_json(&reply);
		else
			print_done(&reply);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
