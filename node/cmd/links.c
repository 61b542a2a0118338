/* khabar links: how each link does, and cutting one. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/links.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static void show_reconciled(const cJSON *r)
{
	if (!cJSON_IsObject(r))
		return;
	printf("    reconciled at %.19s: %.0f frames, %.0f bytes; it lacked %.0f, we asked for "
	       "%.0f\n",
	       member_text(r, "at"), member_number(r, "frames"), member_number(r, "bytes"),
	       member_number(r, "found"), member_number(r, "wanted"));
}

static void show_slowed(const cJSON *link)
{
	const cJSON *slow, *slowed = cJSON_GetObjectItemCaseSensitive(link, "slowed");

	cJSON_ArrayForEach(slow, slowed)
	{
		const char *why = member_text(slow, "why");
		printf("    what ");
		print_safe(stdout, member_text(slow, "node"), false);
		printf(" says is held back for ");
		print_safe(stdout, member_text(slow, "by"), false);
		if (strcmp(why, "quota") == 0)
			printf(": %.0f bytes are here, its quota is %.0f",
			       member_number(slow, "bytes"), member_number(slow, "quota"));
		else if (*why)
			printf(": %.0f bytes are here, and the disk or the store is nearly full",
			       member_number(slow, "bytes"));
		putchar('\n');
	}
	if (member_number(link, "held") > 0)
		printf("    it sends all the same: %.0f messages wait\n",
		       member_number(link, "held"));
}

static void show_link(void *arg, const cJSON *link)
{
	double ahead = member_number(link, "clock_ahead_ms") / 1000;

	(void)arg;
	links_print(link);
	printf("    ");
	print_safe(stdout, member_text(link, "title"), false);
	if (*member_text(link, "endpoint")) {
		printf(", ");
		print_safe(stdout, member_text(link, "endpoint"), false);
	}
	printf(", clock %.0f s %s ours\n", ahead < 0 ? -ahead : ahead,
	       ahead < 0 ? "behind" : "ahead of");
	show_reconciled(cJSON_GetObjectItemCaseSensitive(link, "reconciled"));
	show_slowed(link);
}

static int show_all(const struct cmd_context *c)
{
	struct client client;
	struct text request;
	int code = client_open(&client, c, "khabar links");

	request_init(&request, "links");
	if (!code && !c->json)
		links_print_head();
	if (!code)
		code = client_pages(&client, &request, NULL, show_link, NULL);
	text_clear(&request);
	client_close(&client);
	return code;
}

static void print_done(const struct reply *reply, bool ends)
{
	const char *until = member_text(reply->json, "until");

	print_safe(stdout, member_text(reply->json, "peer"), false);
	if (ends)
		printf(" may connect again\n");
	else
		printf(" is in quarantine until %.19s\n", *until ? until : "it is released");
}

static int change(const struct cmd_context *c, const char *what, struct text *request, bool ends)
{
	struct client client;
	struct reply reply;
	int code = client_open(&client, c, what);

	if (!code)
		code = client_ask(&client, request, NULL, 0, false, &reply);
	client_close(&client);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		print_done(&reply, ends);
	reply_clear(&reply);
	return EXIT_DONE;
}

static int quarantine(const struct cmd_context *c, int argc, char **argv)
{
	static const char what[] = "khabar links quarantine";
	const char *length = NULL, *because = NULL;
	const struct option_rule rules[] = {{"for", OPTION_TEXT, &length, 0, 0},
					    {"because", OPTION_TEXT, &because, 0, 0}};
	struct text request;
	int first, code = options_read(what, rules, 2, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what, "the name of one neighbour is wanted");
	if (!code && length && !option_span(length))
		code = cmd_misused(what, "--for %s: a time such as 30m, 1h or 7d is wanted",
				   length);
	if (code)
		return code;
	request_init(&request, "quarantine");
	admin_put_string(&request, "peer", argv[first]);
	if (length)
		admin_put_number(&request, "seconds", option_span(length));
	if (because)
		admin_put_string(&request, "because", because);
	code = change(c, what, &request, false);
	text_clear(&request);
	return code;
}

static int release(const struct cmd_context *c, int argc, char **argv)
{
	static const char what[] = "khabar links release";
	struct text request;
	int first, code = options_read(what, NULL, 0, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what, "the name of one neighbour is wanted");
	if (code)
		return code;
	request_init(&request, "quarantine-end");
	admin_put_string(&request, "peer", argv[first]);
	code = change(c, what, &request, true);
	text_clear(&request);
	return code;
}

int cmd_links(const struct cmd_context *c, int argc, char **argv)
{
	if (argc == 1)
		return show_all(c);
	if (strcmp(argv[1], "quarantine") == 0)
		return quarantine(c, argc - 1, argv + 1);
	if (strcmp(argv[1], "release") == 0)
		return release(c, argc - 1, argv + 1);
	return cmd_misused("khabar links", "quarantine or release is wanted, not \"%s\"", argv[1]);
}
