/* khabar outbox, cancel and approve: what is held, stopping it, letting it go. */
#include <string.h>

#include "node/cmd/agree.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

enum { DO_WIDTH = 12, VALUES_SHOWN_MAX = 50 };

static void print_names(const cJSON *names)
{
	const cJSON *name;
	const char *between = "";

	cJSON_ArrayForEach(name, names)
	{
		fputs(between, stdout);
		print_safe(stdout, cJSON_IsString(name) ? name->valuestring : "", false);
		between = ", ";
	}
}

static void show_held(void *arg, const cJSON *line)
{
	const cJSON *shown = cJSON_GetObjectItemCaseSensitive(line, "shown");
	size_t objects = (size_t)member_number(shown, "objects");
	size_t *count = arg;

	++*count;
	if (*member_text(line, "approval"))
		printf("%.8s  to be approved, of uid %.0f  ", member_text(line, "id"),
		       member_number(line, "uid"));
	else
		printf("%.8s  until %.19sZ  ", member_text(line, "id"), member_text(line, "due"));
	print_column(member_text(line, "do"), DO_WIDTH);
	if (objects)
		printf("%zu object%s  ", objects, plural(objects));
	fputs("to ", stdout);
	print_names(cJSON_GetObjectItemCaseSensitive(shown, "audience"));
	if (*member_text(line, "approval")) {
		fputs(" for blocking: ", stdout);
		print_names(cJSON_GetObjectItemCaseSensitive(shown, "values"));
		if (member_number(shown, "value_count") > VALUES_SHOWN_MAX)
			printf(" ... of %.0f", member_number(shown, "value_count"));
	}
	putchar('\n');
	if (*member_text(line, "failed")) {
		fputs("    could not be sent: ", stdout);
		print_safe(stdout, member_text(line, "failed"), false);
		putchar('\n');
	}
}

int cmd_outbox(const struct cmd_context *c, int argc, char **argv)
{
	struct client client;
	struct text request;
	size_t count = 0;
	int code;

	if (argc != 1)
		return cmd_misused("khabar outbox", "\"%s\" is not wanted", argv[1]);
	code = client_open(&client, c, "khabar outbox");
	request_init(&request, "outbox");
	if (!code)
		code = client_pages(&client, &request, NULL, show_held, &count);
	text_clear(&request);
	client_close(&client);
	if (!code && !c->json && count == 0)
		printf("nothing is held\n");
	return code;
}

int cmd_cancel(const struct cmd_context *c, int argc, char **argv)
{
	struct text request;
	struct reply reply;
	int first, code = options_read("khabar cancel", NULL, 0, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused("khabar cancel", "the id of one thing that is held is wanted");
	if (code)
		return code;
	request_init(&request, "cancel");
	admin_put_string(&request, "id", argv[first]);
	code = client_once(c, "khabar cancel", &request, &reply);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		printf("%.8s is not sent\n", member_text(reply.json, "cancelled"));
	reply_clear(&reply);
	return EXIT_DONE;
}

struct finding {
	const char *prefix;
	size_t count; /* shown */
};

static void show_one(void *arg, const cJSON *line)
{
	struct finding *f = arg;

	if (strncmp(member_text(line, "id"), f->prefix, strlen(f->prefix)) == 0)
		show_held(&f->count, line);
}

/* Whoever approves sees what, and says yes. */
static int confirm(const struct cmd_context *c, struct client *client, const char *id)
{
	/* For people, whatever was asked for. */
	const struct cmd_context people = {.home = c->home};
	struct finding f = {.prefix = id};
	struct text request;
	int code;

	if (c->yes)
		return EXIT_DONE;
	if (!agree_possible(c, client->what, "approved", NULL))
		return EXIT_REFUSED;
	client->c = &people;
	request_init(&request, "outbox");
	code = client_pages(client, &request, NULL, show_one, &f);
	text_clear(&request);
	client->c = c;
	/* What is not there, the node says. */
	if (code || f.count == 0)
		return code;
	fflush(stdout);
	fputs("Approve it? [y/N] ", stderr);
	return agree_read(client->what, "approved") ? EXIT_DONE : EXIT_REFUSED;
}

int cmd_approve(const struct cmd_context *c, int argc, char **argv)
{
	struct client client;
	struct text request;
	struct reply reply;
	int first, code = options_read("khabar approve", NULL, 0, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused("khabar approve", "the id of one thing that is held is wanted");
	if (code)
		return code;
	code = client_open(&client, c, "khabar approve");
	if (!code)
		code = confirm(c, &client, argv[first]);
	request_init(&request, "approve");
	admin_put_string(&request, "id", argv[first]);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	client_close(&client);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		printf("%.8s is approved; khabar outbox has it until it is sent\n",
		       member_text(reply.json, "approved"));
	reply_clear(&reply);
	return EXIT_DONE;
}
