/* khabar topology drain: do all holders of a role have the same of what was said to it? */
#include <string.h>
#include <time.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/cmd/topology_file.h"
#include "node/loop.h"
#include "protocol/admin.h"

static const char what[] = "khabar topology drain";

enum { WAIT_S = 30, LOOK_MS = 100, WHO_WIDTH = 40 };

static bool flag(const cJSON *o, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static void print_audience(const cJSON *line)
{
	const cJSON *who;
	struct text names;

	text_init(&names);
	cJSON_ArrayForEach(who, cJSON_GetObjectItemCaseSensitive(line, "who"))
	{
		if (names.length)
			text_str(&names, " ");
		text_str(&names, cJSON_IsString(who) ? who->valuestring : "");
	}
	printf("        ");
	print_column(names.at ? names.at : member_text(line, "audience"), WHO_WIDTH);
	text_clear(&names);
	if (flag(line, "same"))
		printf("%8.0f  the same\n", member_number(line, "messages"));
	else
		printf("%8.0f  here, %.0f there\n", member_number(line, "messages"),
		       member_number(line, "their_messages"));
}

static void print_state(const cJSON *reply, const cJSON *holder, size_t audiences, size_t differ)
{
	const char *state = member_text(holder, "state"), *self = member_text(reply, "node"),
		   *other = member_text(holder, "node");

	printf("%s: ", member_text(reply, "role"));
	if (strcmp(state, "same") == 0)
		printf("%s and %s hold the same, %zu audiences\n", self, other, audiences);
	else if (strcmp(state, "not linked") == 0)
		printf("%s is not linked with %s now: it must be up, and a reporting line or a "
		       "line "
		       "of link join them\n",
		       self, other);
	else if (strcmp(state, "other keys") == 0)
		printf("%s and %s hold the same, but not the same keys of the role yet\n", self,
		       other);
	else if (strcmp(state, "running") == 0)
		printf("%s and %s do not hold the same yet: %zu of %zu audiences differ\n", self,
		       other, differ, audiences);
	else if (strcmp(state, "refused") == 0)
		printf("%s does not answer for the role: has it this version yet?\n", other);
	else
		printf("the comparison with %s has ended with its connection: try again\n", other);
}

static void print_drain(const cJSON *reply)
{
	const cJSON *holder, *line;

	cJSON_ArrayForEach(holder, cJSON_GetObjectItemCaseSensitive(reply, "holders"))
	{
		const cJSON *lines = cJSON_GetObjectItemCaseSensitive(holder, "audiences");
		size_t differ = 0;
		cJSON_ArrayForEach(line, lines)
		{
			differ += !flag(line, "same");
		}
		print_state(reply, holder, (size_t)cJSON_GetArraySize(lines), differ);
		cJSON_ArrayForEach(line, lines)
		{
			print_audience(line);
		}
	}
}

static int ask_once(struct client *client, const char *role, bool begin, struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "drain");
	admin_put_string(&request, "role", role);
	if (begin)
		admin_put_bool(&request, "begin", true);
	code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

/* Asks again until it is decided or the time is over. */
static int ask_until(struct client *client, const char *role, uint64_t until, struct reply *reply)
{
	const struct timespec moment = {.tv_nsec = LOOK_MS * 1000000L};
	int code = ask_once(client, role, true, reply);

	while (!code && flag(reply->json, "running") && clock_monotonic() < until) {
		nanosleep(&moment, NULL);
		reply_clear(reply);
		code = ask_once(client, role, false, reply);
	}
	return code;
}

int topology_drain(const struct cmd_context *c, int argc, char **argv)
{
	unsigned long wait = WAIT_S;
	const struct option_rule rules[] = {{"wait", OPTION_NUMBER, &wait, 0, 3600}};
	struct client client;
	struct reply reply;
	int first, code;

	if (options_read(what, rules, 1, argc, argv, &first))
		return EXIT_USAGE;
	if (argc - first != 1)
		return cmd_misused(what, "the name of one role is wanted");
	code = client_open(&client, c, what);
	if (!code)
		code = ask_until(&client, argv[first], clock_monotonic() + wait * 1000, &reply);
	client_close(&client);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		print_drain(reply.json);
	code = flag(reply.json, "drained") ? EXIT_DONE : EXIT_REFUSED;
	reply_clear(&reply);
	return code;
}
