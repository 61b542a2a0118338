/* khabar forward: passes a message on, as its author wrote it. */
#include <string.h>

#include "node/cmd/agree.h"
#include "node/cmd/send.h"
#include "protocol/admin.h"

static const char what[] = "khabar forward";

struct passing_on {
	const char *message, *reason;
	struct option_list to;
	bool dry_run;
};

static int ask_node(struct client *client, const struct passing_on *p, bool dry_run,
		    struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "forward");
	admin_put_string(&request, "message", p->message);
	admin_put_name(&request, "to");
	text_str(&request, "[");
	for (size_t i = 0; i < p->to.count; i++)
		admin_put_string(&request, NULL, p->to.items[i]);
	text_str(&request, "]");
	if (p->reason)
		admin_put_string(&request, "reason", p->reason);
	if (dry_run)
		admin_put_bool(&request, "dry_run", true);
	else
		client_put_hold(client, &request);
	code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

/* Who has it already, and so gets nothing. */
static void print_had(FILE *out, const struct reply *reply)
{
	const cJSON *had = cJSON_GetObjectItemCaseSensitive(reply->json, "had"), *name;
	const char *between = "";

	if (cJSON_GetArraySize(had) == 0)
		return;
	fputs("has it already: ", out);
	cJSON_ArrayForEach(name, had)
	{
		fprintf(out, "%s%s", between, cJSON_IsString(name) ? name->valuestring : "");
		between = ", ";
	}
	fputc('\n', out);
}

static void print_what(FILE *out, const struct reply *reply)
{
	size_t n = (size_t)member_number(reply->json, "objects");

	fprintf(out, "%zu object%s of ", n, plural(n));
	print_safe(out, member_text(reply->json, "node"), false);
	fprintf(out, ", message %.12s\n", member_text(reply->json, "message"));
}

/* Whoever passes something on sees to whom, and says yes. */
static int confirm(struct client *client, const struct passing_on *p)
{
	struct reply reply;
	int code;

	if (client->c->yes)
		return EXIT_DONE;
	if (!agree_possible(client->c, what, "passed on", NULL))
		return EXIT_REFUSED;
	code = ask_node(client, p, true, &reply);
	if (code)
		return code;
	print_what(stderr, &reply);
	who_print(stderr, reply.json);
	print_had(stderr, &reply);
	fputs("Pass it on? [y/N] ", stderr);
	reply_clear(&reply);
	return agree_read(what, "passed on") ? EXIT_DONE : EXIT_REFUSED;
}

static void print_done(const struct client *client, const struct passing_on *p,
		       const struct reply *reply)
{
	const cJSON *messages = cJSON_GetObjectItemCaseSensitive(reply->json, "messages"), *id;

	if (client_print_held(client, reply))
		return;
	if (client->c->json) {
		client_print_json(reply);
		return;
	}
	fputs(p->dry_run ? "would pass on " : "passed on ", stdout);
	print_what(stdout, reply);
	if (p->dry_run) {
		who_print(stdout, reply->json);
	} else {
		printf("TLP:%s, to ", member_text(reply->json, "tlp"));
		who_print_audience(stdout, reply->json);
		putchar('\n');
	}
	print_had(stdout, reply);
	cJSON_ArrayForEach(id, messages)
	{
		printf("    %.12s\n", cJSON_IsString(id) ? id->valuestring : "");
	}
}

static int misused(const struct passing_on *p)
{
	if (p->to.count == 0)
		return cmd_misused(what, "--to is missing: parties, groups, down");
	if (!p->reason && !p->dry_run)
		return cmd_misused(what, "--reason is missing: its author and its new readers are "
					 "told why it is passed on");
	return EXIT_DONE;
}

int cmd_forward(const struct cmd_context *c, int argc, char **argv)
{
	struct passing_on p = {0};
	const struct option_rule rules[] = {
		{"to", OPTION_LIST, &p.to, 0, 0},
		{"reason", OPTION_TEXT, &p.reason, 0, 0},
		{"dry-run", OPTION_FLAG, &p.dry_run, 0, 0},
	};
	struct client client;
	struct reply reply;
	int first, code = options_read(what, rules, 3, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what, "the id of one message is wanted");
	if (!code)
		code = misused(&p);
	if (code)
		return code;
	p.message = argv[first];
	code = client_open(&client, c, what);
	if (!code && !p.dry_run)
		code = confirm(&client, &p);
	if (!code)
		code = ask_node(&client, &p, p.dry_run, &reply);
	if (!code) {
		print_done(&client, &p, &reply);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
