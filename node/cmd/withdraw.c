/* khabar withdraw: takes back what this node has said. */
#include <string.h>

#include "node/cmd/agree.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char what[] = "khabar withdraw";

enum { SHOWN_MAX = 20, TYPE_WIDTH = 14, TLP_WIDTH = 12 };

struct withdrawing {
	const char *value, *because;
	bool dry_run, import;
};

static bool leaked(const struct withdrawing *w)
{
	return strcmp(w->because, "leaked") == 0;
}

static int ask_node(struct client *client, const struct withdrawing *w, bool dry_run,
		    struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "withdraw");
	admin_put_string(&request, "what", w->value);
	admin_put_string(&request, "because", w->because);
	if (w->import)
		admin_put_bool(&request, "import", true);
	if (dry_run)
		admin_put_bool(&request, "dry_run", true);
	else
		client_put_hold(client, &request);
	code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code;
}

static void print_names(const cJSON *line, const char *member, const char *before)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(line, member))
	{
		fputs(before, stdout);
		print_safe(stdout, cJSON_IsString(name) ? name->valuestring : "", false);
		before = ", ";
	}
}

static void print_exports(const cJSON *exports)
{
	const char *before = "\n        has left by the export ";
	const cJSON *x;

	cJSON_ArrayForEach(x, exports)
	{
		fputs(before, stdout);
		print_safe(stdout, member_text(x, "name"), false);
		printf(" (%.19sZ)", member_text(x, "at"));
		before = ", ";
	}
}

/* A message that is recalled: what it says, and who has it. */
static void print_recalled(const cJSON *line)
{
	size_t n = (size_t)member_number(line, "objects");

	printf("    %.12s  ", member_text(line, "message"));
	print_column(member_text(line, "tlp"), TLP_WIDTH);
	printf("%.19s  %zu object%s", member_text(line, "created"), n, plural(n));
	print_names(line, "audience", "  to ");
	print_names(line, "values", "\n        says ");
	print_names(line, "nodes", "\n        is at ");
	print_exports(cJSON_GetObjectItemCaseSensitive(line, "exports"));
	putchar('\n');
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
		if (cJSON_HasObjectItem(line, "nodes")) {
			print_recalled(line);
			continue;
		}
		printf("    ");
		print_column(member_text(line, "type"), TYPE_WIDTH);
		print_column(member_text(line, "tlp"), TLP_WIDTH);
		printf("%.12s  ", member_text(line, "message"));
		print_names(line, "audience", "to ");
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

/* "2 messages" */
static void print_count(FILE *f, const struct withdrawing *w, const struct reply *reply)
{
	size_t n;

	if (leaked(w)) {
		n = (size_t)cJSON_GetArraySize(
			cJSON_GetObjectItemCaseSensitive(reply->json, "withdrawn"));
		fprintf(f, "%zu message%s", n, plural(n));
	} else {
		n = (size_t)member_number(reply->json, "objects");
		fprintf(f, "%zu object%s", n, plural(n));
	}
}

/* Whoever withdraws sees what, and says yes. */
static int confirm(struct client *client, const struct withdrawing *w)
{
	struct reply reply;
	int code;

	if (client->c->yes)
		return EXIT_DONE;
	if (!agree_possible(client->c, what, "withdrawn", NULL))
		return EXIT_REFUSED;
	code = ask_node(client, w, true, &reply);
	if (code)
		return code;
	print_withdrawn(&reply);
	fflush(stdout);
	fputs(leaked(w) ? "Recall " : "Withdraw ", stderr);
	print_count(stderr, w, &reply);
	fputs(leaked(w) ? ", for good? [y/N] " : "? [y/N] ", stderr);
	reply_clear(&reply);
	return agree_read(what, "withdrawn") ? EXIT_DONE : EXIT_REFUSED;
}

static void print_done(const struct client *client, const struct withdrawing *w,
		       const struct reply *reply)
{
	size_t facts = (size_t)member_number(reply->json, "without_versions");

	if (client_print_held(client, reply))
		return;
	if (client->c->json) {
		client_print_json(reply);
		return;
	}
	if (w->dry_run)
		fputs(leaked(w) ? "would recall " : "would withdraw ", stdout);
	else
		fputs(leaked(w) ? "recalled " : "withdrew ", stdout);
	print_count(stdout, w, reply);
	putchar('\n');
	print_withdrawn(reply);
	if (facts)
		fprintf(stderr, "%s: %zu observable%s, which nobody can revoke, stay%s\n", what,
			facts, plural(facts), facts == 1 ? "s" : "");
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "more")))
		fprintf(stderr, "%s: there is more of it: say it again\n", what);
}

static int misused(const struct withdrawing *w)
{
	if (!w->because || (strcmp(w->because, "wrong") != 0 && !leaked(w)))
		return cmd_misused(what, "--because is missing: wrong or leaked");
	if (w->import && !leaked(w))
		return cmd_misused(what, "--import goes with --because leaked");
	return EXIT_DONE;
}

int cmd_withdraw(const struct cmd_context *c, int argc, char **argv)
{
	struct withdrawing w = {0};
	const struct option_rule rules[] = {
		{"because", OPTION_TEXT, &w.because, 0, 0},
		{"import", OPTION_FLAG, &w.import, 0, 0},
		{"dry-run", OPTION_FLAG, &w.dry_run, 0, 0},
	};
	struct client client;
	struct reply reply;
	int first, code = options_read(what, rules, 3, argc, argv, &first);

	if (!code && argc - first != 1)
		code = cmd_misused(what,
				   "one value, or the id of an object or a message, is wanted");
	if (!code)
		code = misused(&w);
	if (code)
		return code;
	w.value = argv[first];
	code = client_open(&client, c, what);
	if (!code && !w.dry_run)
		code = confirm(&client, &w);
	if (!code)
		code = ask_node(&client, &w, w.dry_run, &reply);
	if (!code) {
		print_done(&client, &w, &reply);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}
