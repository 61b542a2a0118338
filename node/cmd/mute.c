/* khabar mute, khabar unmute: what this CERT keeps out of its own exports. */
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char mute[] = "khabar mute", unmute[] = "khabar unmute";

enum { VALUE_WIDTH = 40 };

static void print_mute(void *arg, const cJSON *line)
{
	(void)arg;
	print_column(member_text(line, "value"), VALUE_WIDTH);
	printf("since %.19s  by uid %.0f  ", member_text(line, "at"), member_number(line, "uid"));
	print_safe(stdout, member_text(line, "because"), false);
	putchar('\n');
}

static int list(struct client *client)
{
	struct text request;
	int code;

	request_init(&request, "mutes");
	code = client_pages(client, &request, NULL, print_mute, NULL);
	text_clear(&request);
	return code;
}

static int change(struct client *client, const char *value, const char *because)
{
	bool mutes = client->what == mute;
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, mutes ? "mute" : "unmute");
	admin_put_string(&request, "value", value);
	if (because)
		admin_put_string(&request, "because", because);
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	if (client->c->json) {
		client_print_json(&reply);
	} else {
		print_safe(stdout, member_text(reply.json, "value"), false);
		puts(mutes ? " is out of this node's exports" : " is not muted any more");
	}
	reply_clear(&reply);
	return EXIT_DONE;
}

static int run(const struct cmd_context *c, const char *what, int argc, char **argv)
{
	const char *because = NULL;
	const struct option_rule rules[] = {{"because", OPTION_TEXT, &because, 0, 0}};
	struct client client;
	int first, code = options_read(what, rules, what == mute, argc, argv, &first);

	if (!code && first == argc && (what == unmute || because))
		code = cmd_misused(what, "values are wanted");
	if (code)
		return code;
	code = client_open(&client, c, what);
	if (!code && first == argc)
		code = list(&client);
	for (int i = first; !code && i < argc; i++)
		code = change(&client, argv[i], because);
	client_close(&client);
	return code;
}

int cmd_mute(const struct cmd_context *c, int argc, char **argv)
{
	return run(c, mute, argc, argv);
}

int cmd_unmute(const struct cmd_context *c, int argc, char **argv)
{
	return run(c, unmute, argc, argv);
}
