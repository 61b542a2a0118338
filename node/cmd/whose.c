/* khabar whose: which node is there for a value. */
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "protocol/admin.h"

static const char what[] = "khabar whose";

static void print_whose(const cJSON *reply)
{
	const cJSON *item, *claims = cJSON_GetObjectItemCaseSensitive(reply, "claims");
	int n = cJSON_GetArraySize(claims);

	if (n == 0)
		puts("nobody's: no card claims it");
	else if (n > 1)
		printf("nobody's: %d nodes claim it\n", n);
	cJSON_ArrayForEach(item, claims)
	{
		print_column(member_text(item, "node"), 14);
		print_column(member_text(item, "claim"), 24);
		print_safe(stdout, member_text(item, "title"), false);
		putchar('\n');
	}
}

int cmd_whose(const struct cmd_context *c, int argc, char **argv)
{
	struct text request;
	struct reply reply;
	int first, code = options_read(what, NULL, 0, argc, argv, &first);

	if (code)
		return code;
	if (argc - first != 1)
		return cmd_misused(what, "one address, network, domain or AS number is wanted");
	request_init(&request, "whose");
	admin_put_string(&request, "value", argv[first]);
	code = client_once(c, what, &request, &reply);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		print_whose(reply.json);
	reply_clear(&reply);
	return EXIT_DONE;
}
