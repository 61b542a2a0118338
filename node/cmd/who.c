/* khabar who: whom a message would reach, and why, before anything is sent; and what has become of
 * one at each of its readers. */
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

/* ---- what has become of a message ---- */

enum { NODE_WIDTH = 16, STATE_WIDTH = 12 };

/* The time to the second, without the T. */
static void print_time(const char *time)
{
	printf("%.10s %.8s", time, strlen(time) > 11 ? time + 11 : "");
}

static void print_names(const cJSON *list, const char *before, const char *after)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, list)
	{
		fputs(before, stdout);
		print_safe(stdout, cJSON_IsString(name) ? name->valuestring : "", false);
		before = ", ";
	}
	if (cJSON_GetArraySize(list))
		fputs(after, stdout);
}

static const char *reason_words(const char *reason)
{
	if (strcmp(reason, "gone") == 0)
		return "  it is sealed to a key that is not there";
	if (strcmp(reason, "wrap") == 0)
		return "  what was sealed to it is not the content key";
	return "  its body is not sealed as it should be";
}

static void print_forward(const cJSON *forward)
{
	printf("        forwarded ");
	print_time(member_text(forward, "at"));
	print_names(cJSON_GetObjectItemCaseSensitive(forward, "to"), " to ", "");
	if (*member_text(forward, "because")) {
		printf(": ");
		print_safe(stdout, member_text(forward, "because"), false);
	}
	putchar('\n');
}

static void print_reader(const cJSON *reader)
{
	const cJSON *as = cJSON_GetObjectItemCaseSensitive(reader, "as");
	const char *node = member_text(reader, "node"), *state = member_text(reader, "state");
	const char *reason = member_text(reader, "reason"), *why = member_text(reader, "why");
	const cJSON *first = cJSON_GetArrayItem(as, 0), *forward;
	bool as_itself = cJSON_GetArraySize(as) == 1 && cJSON_IsString(first) &&
			 strcmp(first->valuestring, node) == 0;

	printf("    ");
	print_column(node, NODE_WIDTH);
	print_column(*state ? state : "-", STATE_WIDTH);
	if (*state)
		print_time(member_text(reader, "at"));
	print_safe(stdout, why, false);
	if (*reason)
		fputs(reason_words(reason), stdout);
	if (!as_itself)
		print_names(as, "  (as ", ")");
	putchar('\n');
	cJSON_ArrayForEach(forward, cJSON_GetObjectItemCaseSensitive(reader, "forwarded"))
	{
		print_forward(forward);
	}
}

/* What left this node, by what. */
static void print_exports(const cJSON *exports)
{
	const cJSON *x;

	cJSON_ArrayForEach(x, exports)
	{
		fputs("carried by the export ", stdout);
		print_safe(stdout, member_text(x, "name"), false);
		fputs(" since ", stdout);
		print_time(member_text(x, "at"));
		putchar('\n');
	}
}

static void print_receipts(const cJSON *reply)
{
	const cJSON *readers = cJSON_GetObjectItemCaseSensitive(reply, "readers"), *reader;

	printf("%.12s  TLP:%s of ", member_text(reply, "message"), member_text(reply, "tlp"));
	print_safe(stdout, member_text(reply, "node"), false);
	printf(", ");
	print_time(member_text(reply, "created"));
	print_names(cJSON_GetObjectItemCaseSensitive(reply, "to"), ", to ", "");
	putchar('\n');
	cJSON_ArrayForEach(reader, readers)
	{
		print_reader(reader);
	}
	print_exports(cJSON_GetObjectItemCaseSensitive(reply, "exports"));
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "answered")))
		printf("nobody was asked for a receipt\n");
	else if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "own")))
		printf("receipts go to its author; this node knows its own\n");
	else
		printf("%s\n", member_text(reply, "summary"));
}

static int who_message(const struct cmd_context *c, const char *id)
{
	struct client client;
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "receipts");
	admin_put_string(&request, "id", id);
	code = client_open(&client, c, "khabar who");
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code) {
		if (c->json)
			client_print_json(&reply);
		else
			print_receipts(reply.json);
		reply_clear(&reply);
	}
	client_close(&client);
	return code;
}

int cmd_who(const struct cmd_context *c, int argc, char **argv)
{
	struct option_rule rules[OPTION_RULES_MAX];
	struct sending *s = calloc(1, sizeof *s);
	size_t n;
	int first, code;

	if (!s)
		return cmd_refused(c, "khabar who", &(struct report){0});
	n = send_who_rules(s, rules);
	code = options_read("khabar who", rules, n, argc, argv, &first);
	if (!code && first != argc && (s->to.count || s->tlp || s->direct || argc - first > 1))
		code = cmd_misused("khabar who",
				   "either the id of one message, or --to and who shall read it");
	if (!code && first != argc) {
		free(s);
		return who_message(c, argv[first]);
	}
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
