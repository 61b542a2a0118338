/* khabar withdraw: takes back what this node has said. */
#include <string.h>
#include <unistd.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char what[] = "khabar withdraw";

enum { ANSWER_BYTES = 64, SHOWN_MAX = 20, TYPE_WIDTH = 14, TLP_WIDTH = 12 };

static int ask_node(struct client *client, const char *value, const char *because, bool dry_run,
		    struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "withdraw");
	admin_put_string(&request, "what", value);
	admin_put_string(&request, "because", because);
	if (dry_run)
		admin_put_bool(&request, "dry_run", true);
	code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

static void print_readers(const cJSON *line)
{
	const cJSON *name;
	const char *between = "to ";

	cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(line, "audience"))
	{
		fputs(between, stdout);
		print_safe(stdout, cJSON_IsString(name) ? name->valuestring : "", false);
		between = ", ";
	}
}

static void print_withdrawn(const struct reply *reply)
{
	const cJSON *lines = cJSON_GetObjectItemCaseSensitive(reply->json, "withdrawn"), *line;
	int n = 0;

	cJSON_ArrayForEach(line, lines)
	{
		const cJSON *values = cJSON_GetObjectItemCaseSensitive(line, "values"), *value;

		if (n++ == SHOWN_MAX)
			break;
		printf("    ");
		print_column(member_text(line, "type"), TYPE_WIDTH);
		print_column(member_text(line, "tlp"), TLP_WIDTH);
		printf("%.12s  ", member_text(line, "message"));
		print_readers(line);
		printf("  ");
		if (cJSON_GetArraySize(values) == 0)
			print_safe(stdout,
				   *member_text(line, "name") ? member_text(line, "name")
							      : member_text(line, "object"),
				   false);
		cJSON_ArrayForEach(value, values)
		{
			print_safe(stdout, cJSON_IsString(value) ? value->valuestring : "", false);
			fputs(value->next ? " " : "", stdout);
		}
		putchar('\n');
	}
	n = cJSON_GetArraySize(lines);
	if (n > SHOWN_MAX)
		printf("    and %d more\n", n - SHOWN_MAX);
}

/* Whoever withdraws sees what, and says yes. */
static int confirm(struct client *client, const char *value, const char *because)
{
	char answer[ANSWER_BYTES] = "";
	struct report report;
	struct reply reply;
	size_t n;
	int code;

	if (client->c->yes)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		report_init(&report);
		report_add(&report, "nothing was withdrawn: there is no terminal to ask whether it "
				    "shall be; say --yes");
		code = client_refused(client->c, what, &report);
		report_clear(&report);
		return code;
	}
	code = ask_node(client, value, because, true, &reply);
	if (code)
		return code;
	print_withdrawn(&reply);
	fflush(stdout);
	n = (size_t)member_number(reply.json, "objects");
	reply_clear(&reply);
	fprintf(stderr, "Withdraw %zu object%s? [y/N] ", n, plural(n));
	if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_DONE;
	fprintf(stderr, "%s: nothing was withdrawn\n", what);
	return EXIT_REFUSED;
}

static void print_done(const struct client *client, const struct reply *reply, bool dry_run)
{
	size_t n = (size_t)member_number(reply->json, "objects");
	size_t facts = (size_t)member_number(reply->json, "without_versions");

	if (client->c->json) {
		client_print_json(reply);
		return;
	}
	printf("%s %zu object%s\n", dry_run ? "would withdraw" : "withdrew", n, plural(n));
	print_withdrawn(reply);
	if (facts)
		fprintf(stderr, "%s: %zu observable%s, which nobody can revoke, stay%s\n", what,
			facts, plural(facts), facts == 1 ? "s" : "");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "more")))
		fprintf(stderr, "%s: there is more of it: say it again\n", what);
}

int cmd_withdraw(const struct cmd_context *c, int argc, char **argv)
{
	const char *because = NULL;
	bool dry_run = false;
	const struct option_rule rules[] = {
		{"because", OPTION_TEXT, &because, 0, 0},
		{"dry-run", OPTION_FLAG, &dry_run, 0, 0},
	};
	struct client client;
	struct reply reply;
	int first, code = options_read(what, rules, 2, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what,
				   "one value, or the id of an object or a message, is wanted");
	if (!code &&
	    (!because || (strcmp(because, "wrong") != 0 && strcmp(because, "leaked") != 0)))
		code = cmd_misused(what, "--because is missing: wrong or leaked");
	if (code)
		return code;
	code = client_open(&client, c, what);
	/* What is refused anyway is refused before anybody is asked. */
	if (!code && !dry_run && strcmp(because, "wrong") == 0)
		code = confirm(&client, argv[first], because);
	if (!code)
		code = ask_node(&client, argv[first], because, dry_run, &reply);
	if (!code) {
		print_done(&client, &reply, dry_run);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
