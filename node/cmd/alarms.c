/* khabar alarms and alarm test: what somebody should look at, and whether anybody is told. */
#include <string.h>
#include <unistd.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/loop.h"
#include "protocol/admin.h"

enum { WAIT_MS = 150 * 1000, LOOK_MS = 200 };

static int ask_alarms(struct client *client, double after, struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "alarms");
	if (after >= 0)
		admin_put_number(&request, "after", (uint64_t)after);
	code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

static void print_alarms(const cJSON *reply)
{
	const cJSON *item, *alarms = cJSON_GetObjectItemCaseSensitive(reply, "alarms");

	cJSON_ArrayForEach(item, alarms)
	{
		printf("since %.19sZ  ", member_text(item, "since"));
		print_safe(stdout, member_text(item, "text"), false);
		putchar('\n');
	}
	if (cJSON_GetArraySize(alarms) == 0)
		printf("all is well\n");
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(reply, "events")) > 0)
		printf("\nwhat has happened:\n");
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(reply, "events"))
	{
		printf("%.19sZ  %-6s  ", member_text(item, "at"), member_text(item, "what"));
		print_safe(stdout, member_text(item, "text"), false);
		if (member_number(item, "number") > member_number(reply, "told") &&
		    *member_text(reply, "command"))
			printf("  (not told yet)");
		putchar('\n');
	}
}

int cmd_alarms(const struct cmd_context *c, int argc, char **argv)
{
	bool all = false;
	const struct option_rule rules[] = {{"all", OPTION_FLAG, &all, 0, 0}};
	struct client client;
	struct reply reply;
	int first, code = options_read("khabar alarms", rules, 1, argc, argv, &first);

	if (!code && first < argc)
		code = cmd_misused("khabar alarms", "\"%s\" is not wanted", argv[first]);
	if (code)
		return code;
	code = client_open(&client, c, "khabar alarms");
	if (!code)
		code = ask_alarms(&client, all ? 0 : -1, &reply);
	client_close(&client);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		print_alarms(reply.json);
	reply_clear(&reply);
	return EXIT_DONE;
}

/* Waits until the command was run for that event. */
static int wait_told(struct client *client, double number)
{
	uint64_t until = clock_monotonic() + WAIT_MS;
	struct report report;
	struct reply reply;
	int code;

	for (;;) {
		bool told;
		code = ask_alarms(client, -1, &reply);
		if (code)
			return code;
		told = member_number(reply.json, "told") >= number;
		if (told || *member_text(reply.json, "failed") || clock_monotonic() > until)
			break;
		reply_clear(&reply);
		progress_tick(&client->progress);
		usleep(LOOK_MS * 1000);
	}
	progress_end(&client->progress);
	report_init(&report);
	if (member_number(reply.json, "told") >= number) {
		if (client->c->json)
			printf("{\"told\":%.0f}\n", number);
		else
			printf("the alarm command was run\n");
	} else {
		report_add(&report, "%s",
			   *member_text(reply.json, "failed")
				   ? member_text(reply.json, "failed")
				   : "nobody has run the alarm command: was khabardar started "
				     "since it stands in khabardar.zpl?");
		code = client_refused(client->c, client->what, &report);
	}
	report_clear(&report);
	reply_clear(&reply);
	return code;
}

int cmd_alarm(const struct cmd_context *c, int argc, char **argv)
{
	struct client client;
	struct text request;
	struct reply reply;
	double number = 0;
	int code;

	if (argc != 2 || strcmp(argv[1], "test") != 0)
		return cmd_misused("khabar alarm", "\"test\" is wanted");
	code = client_open(&client, c, "khabar alarm test");
	request_init(&request, "alarm-test");
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code) {
		number = member_number(reply.json, "number");
		reply_clear(&reply);
		code = wait_told(&client, number);
	}
	client_close(&client);
	return code;
}
