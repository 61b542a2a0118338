/* khabar who: whom a message would reach, and why.  Nothing is sent. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/send.h"
#include "protocol/admin.h"

/* One column of names: every node that reads, or that only carries, with the reason. */
static void print_nodes(FILE *out, const cJSON *who, bool reads)
{
	const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(who, "nodes"), *n;

	cJSON_ArrayForEach(n, nodes)
	{
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(n, "reads")) != reads)
			continue;
		fprintf(out, "    %-16s  ", member_text(n, "node"));
		print_safe(out, member_text(n, "why"), false);
		fputc('\n', out);
	}
}

static void print_links(FILE *out, const cJSON *who)
{
	const cJSON *links = cJSON_GetObjectItemCaseSensitive(who, "links"), *l;

	cJSON_ArrayForEach(l, links)
	{
		bool bilateral = strcmp(member_text(l, "kind"), "bilateral") == 0;
		fprintf(out, "    %s - %s%s\n", member_text(l, "a"), member_text(l, "b"),
			bilateral ? ", bilateral" : "");
	}
}

void who_print_audience(FILE *out, const cJSON *who)
{
	const cJSON *audience = cJSON_GetObjectItemCaseSensitive(who, "audience"), *name;
	const char *between = "";

	cJSON_ArrayForEach(name, audience)
	{
		fprintf(out, "%s%s", between, cJSON_IsString(name) ? name->valuestring : "");
		between = ", ";
	}
}

void who_print(FILE *out, const cJSON *who)
{
	const cJSON *readers = cJSON_GetObjectItemCaseSensitive(who, "readers");
	const cJSON *carriers = cJSON_GetObjectItemCaseSensitive(who, "carriers");
	bool sealed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(who, "sealed"));
	int n = cJSON_GetArraySize(readers), relays = cJSON_GetArraySize(carriers);

	fprintf(out, "TLP:%s to ", member_text(who, "tlp"));
	who_print_audience(out, who);
	fprintf(out, ": %d node%s%s will read this\n", n, plural((size_t)n),
		sealed ? "" : ", present and future,");
	print_nodes(out, who, true);
	if (!sealed)
		return;
	if (relays > 0)
		fprintf(out, "%d will carry it and cannot read it\n", relays);
	else
		fprintf(out, "nobody else will carry it\n");
	print_nodes(out, who, false);
}

int cmd_who(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct sending *s = calloc(1, sizeof *s);
	size_t n;
	int first, code;

	if (!s)
		return EXIT_REFUSED;
	n = send_who_rules(s, rules);
	code = options_read("khabar who", rules, n, argc, argv, &first);
	if (!code && first != argc)
		code = cmd_misused("khabar who", "\"%s\": only options are wanted", argv[first]);
	/* What most would send so, when nobody says how confidential it is. */
	if (!code && !s->tlp)
		s->tlp = s->to.count == 1 && strcmp(s->to.items[0], "all") == 0 ? "green" : "amber";
	if (!code)
		code = send_ask(s, c, "khabar who");
	if (!code && c->json) {
		client_print_json(&s->who);
	} else if (!code) {
		who_print(stdout, s->who.json);
		printf("over these links\n");
		print_links(stdout, s->who.json);
	}
	send_close(s);
	free(s);
	return code;
}
