/* khabar hunt: what became known, and was in the logs of this CERT before. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char what[] = "khabar hunt";

enum { ID_DIGITS = 12, VALUE_WIDTH = 32 };

void hunt_print(const cJSON *hit)
{
	double lines = member_number(hit, "lines");

	printf("%.*s  %.16s  ", ID_DIGITS, member_text(hit, "id"), member_text(hit, "at"));
	print_column(member_text(hit, "value"), VALUE_WIDTH);
	printf(" TLP:%s from ", member_text(hit, "tlp"));
	print_safe(stdout, member_text(hit, "node"), false);
	printf("  ");
	print_safe(stdout, member_text(hit, "object"), false);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(hit, "exercise")))
		fputs("  EXERCISE", stdout);
	printf("\n    ");
	print_safe(stdout, member_text(hit, "file"), false);
	printf(": %.0f line%s, first line %.0f: ", lines, plural((size_t)lines),
	       member_number(hit, "line"));
	print_safe(stdout, member_text(hit, "text"), false);
	putchar('\n');
}

static void print_end(const cJSON *reply, size_t shown)
{
	double left_out = member_number(reply, "left_out");

	if (!*member_text(reply, "paths"))
		printf("no logs are named: hunt = PATH... in khabardar.zpl\n");
	else if (shown == 0)
		printf("nothing is unread\n");
	if (left_out > 0)
		printf("%.0f more were left out\n", left_out);
	if (*member_text(reply, "failed")) {
		printf("not all was read: ");
		print_safe(stdout, member_text(reply, "failed"), false);
		putchar('\n');
	}
}

static int look(struct client *client)
{
	const cJSON *hit, *hits;
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "hunts");
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	hits = cJSON_GetObjectItemCaseSensitive(reply.json, "lines");
	if (client->c->json) {
		client_print_json(&reply);
	} else {
		cJSON_ArrayForEach(hit, hits)
		{
			hunt_print(hit);
		}
		print_end(reply.json, (size_t)cJSON_GetArraySize(hits));
	}
	reply_clear(&reply);
	return EXIT_DONE;
}

static int done(struct client *client, bool all, int n, char **ids)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "hunt-done");
	if (all) {
		admin_put_bool(&request, "all", true);
	} else {
		admin_put_name(&request, "ids");
		text_str(&request, "[");
		for (int i = 0; i < n; i++)
			admin_put_string(&request, NULL, ids[i]);
		text_str(&request, "]");
	}
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	if (client->c->json)
		client_print_json(&reply);
	else
		printf("%.0f done\n", member_number(reply.json, "done"));
	reply_clear(&reply);
	return EXIT_DONE;
}

int cmd_hunt(const struct cmd_context *c, int argc, char **argv)
{
	bool all = false, ends;
	const struct option_rule rules[] = {{"all", OPTION_FLAG, &all, 0, 0}};
	struct client client;
	int first, code = options_read(what, rules, 1, argc, argv, &first);

	if (code)
		return code;
	ends = first < argc && strcmp(argv[first], "done") == 0;
	if (!ends && (first < argc || all))
		return cmd_misused(what, "\"%s\" is not wanted", all ? "--all" : argv[first]);
	if (ends && all == (argc - first > 1))
		return cmd_misused(what, "done wants the ids of hits, or --all");
	code = client_open(&client, c, what);
	if (!code)
		code = ends ? done(&client, all, argc - first - 1, argv + first + 1)
			    : look(&client);
	client_close(&client);
	return code;
}
