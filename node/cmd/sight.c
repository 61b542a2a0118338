/* khabar sight: tells the authors of indicators that they were seen here. */
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/cmd/sight_from.h"
#include "protocol/admin.h"

static const char what[] = "khabar sight";

enum { COUNT_MAX = 999999999 };

struct sight {
	unsigned long count;
	bool false_positive, name_us, dry_run;
};

static void print_done(const struct sight *s, const struct reply *reply)
{
	const cJSON *lines = cJSON_GetObjectItemCaseSensitive(reply->json, "sightings"), *line;

	cJSON_ArrayForEach(line, lines)
	{
		const char *to = member_text(line, "to");

		print_safe(stdout, member_text(reply->json, "value"), false);
		if (s->false_positive)
			fputs(" is a false positive", stdout);
		else
			printf(" was seen, %.0f times by now", member_number(line, "count"));
		if (*to) {
			fputs(s->dry_run ? ": would tell " : ": told ", stdout);
			print_safe(stdout, to, false);
		}
		fputs(", as ", stdout);
		print_safe(stdout, member_text(line, "node"), false);
		fputs(" says in ", stdout);
		print_safe(stdout, member_text(line, "object"), false);
		putchar('\n');
	}
}

static int sight(struct client *client, const struct sight *s, const char *value)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "sight");
	admin_put_string(&request, "value", value);
	admin_put_number(&request, "count", s->count);
	if (s->false_positive)
		admin_put_bool(&request, "false_positive", true);
	if (s->name_us)
		admin_put_bool(&request, "name_us", true);
	if (s->dry_run)
		admin_put_bool(&request, "dry_run", true);
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	if (client->c->json)
		client_print_json(&reply);
	else
		print_done(s, &reply);
	reply_clear(&reply);
	return EXIT_DONE;
}

static int from_check(struct sight_from *from, const char *format, const struct sight *s,
		      bool values)
{
	if (!from->path && !format)
		return EXIT_DONE;
	if (!from->path)
		return cmd_misused(what, "--format goes with --from");
	if (values || s->false_positive || s->count != 1)
		return cmd_misused(what, "--from stands without values, --count and "
					 "--false-positive");
	if (format && !sensor_parse(&from->format, format))
		return cmd_misused(what, "--format %s: eve, rpz, list or log", format);
	return EXIT_DONE;
}

int cmd_sight(const struct cmd_context *c, int argc, char **argv)
{
	struct sight s = {.count = 1};
	struct sight_from from = {.format = SENSOR_NONE};
	const char *format = NULL;
	const struct option_rule rules[] = {
		{"count", OPTION_NUMBER, &s.count, 1, COUNT_MAX},
		{"false-positive", OPTION_FLAG, &s.false_positive, 0, 0},
		{"name-us", OPTION_FLAG, &s.name_us, 0, 0},
		{"dry-run", OPTION_FLAG, &s.dry_run, 0, 0},
		{"from", OPTION_TEXT, &from.path, 0, 0},
		{"format", OPTION_TEXT, &format, 0, 0},
	};
	struct client client;
	int first, code = options_read(what, rules, 6, argc, argv, &first);

	if (!code)
		code = from_check(&from, format, &s, first < argc);
	if (!code && !from.path && first == argc)
		code = cmd_misused(what, "what was seen is missing");
	if (code)
		return code;
	code = client_open(&client, c, what);
	from.name_us = s.name_us;
	from.dry_run = s.dry_run;
	if (!code && from.path)
		code = sight_from(&client, &from);
	for (int i = first; !code && i < argc; i++)
		code = sight(&client, &s, argv[i]);
	client_close(&client);
	return code;
}
