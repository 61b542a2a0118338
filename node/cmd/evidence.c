/* khabar evidence: who has used a number twice, and the file that proves it to others. */
#include "node/cmd/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "node/cmd/card.h"
#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/cmd/topology_file.h"
#include "protocol/admin.h"

enum { NODE_WIDTH = 16 };

static void print_line(const cJSON *line)
{
	const cJSON *messages = cJSON_GetObjectItemCaseSensitive(line, "messages"), *m;

	printf("%.12s  %-19.19s  ", member_text(line, "id"), member_text(line, "seen"));
	print_column(member_text(line, "node"), NODE_WIDTH);
	printf("number %.0f of start %.16s to %.32s:", member_number(line, "sequence"),
	       member_text(line, "incarnation"), member_text(line, "audience"));
	cJSON_ArrayForEach(m, messages)
	{
		printf(" %.12s", cJSON_IsString(m) ? m->valuestring : "");
	}
	putchar('\n');
}

static void show_line(void *arg, const cJSON *line)
{
	(void)arg;
	print_line(line);
}

static int list(const struct cmd_context *c)
{
	struct client client;
	struct text request;
	int code = client_open(&client, c, "khabar evidence");

	request_init(&request, "evidence");
	if (!code)
		code = client_pages(&client, &request, NULL, show_line, NULL);
	text_clear(&request);
	client_close(&client);
	return code;
}

static int export(const struct cmd_context *c, const struct reply *reply, const char *path)
{
	struct report report;
	char *text = strndup((const char *)reply->frame, reply->frame_length);
	int code = EXIT_DONE;

	report_init(&report);
	if (!text || text_file_create(path, text, &report) != ERR_OK)
		code = client_refused(c, "khabar evidence", &report);
	report_clear(&report);
	free(text);
	return code;
}

static int show(const struct cmd_context *c, const char *id, const char *path)
{
	struct client client;
	struct text request;
	struct reply reply;
	int code = client_open(&client, c, "khabar evidence");

	request_init(&request, "evidence");
	admin_put_string(&request, "id", id);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	client_close(&client);
	if (code)
		return code;
	if (path)
		code = export(c, &reply, path);
	if (!code && c->json)
		client_print_json(&reply);
	else if (!code)
		print_line(cJSON_GetObjectItemCaseSensitive(reply.json, "evidence"));
	if (!code && !c->json && !path && reply.frame)
		fwrite(reply.frame, 1, reply.frame_length, stdout);
	reply_clear(&reply);
	return code;
}

int cmd_evidence(const struct cmd_context *c, int argc, char **argv)
{
	const char *what = "khabar evidence", *path = NULL;
	const struct option_rule rules[] = {{"export", OPTION_TEXT, &path, 0, 0}};
	int first, code = options_read(what, rules, 1, argc, argv, &first);

	if (code)
		return code;
	argc -= first;
	argv += first;
	if (argc == 0 || (argc == 1 && strcmp(argv[0], "list") == 0))
		return path ? cmd_misused(what, "--export wants show ID") : list(c);
	if (argc == 2 && strcmp(argv[0], "show") == 0)
		return show(c, argv[1], path);
	return cmd_misused(what, "list, or show with the id of a message, is wanted");
}

static void print_verified(const struct cmd_context *c, const struct topology *t,
			   const struct header *h, const struct message_id ids[2])
{
	const struct party *origin = topology_party_by_id(t, &h->origin);
	char first[2 * MESSAGE_ID_BYTES + 1], second[2 * MESSAGE_ID_BYTES + 1];

	hex_encode(first, ids[0].b, MESSAGE_ID_BYTES);
	hex_encode(second, ids[1].b, MESSAGE_ID_BYTES);
	if (c->json)
		printf("{\"evidence\":{\"node\":\"%s\",\"incarnation\":\"%016llx\",\"sequence\":%"
		       "llu,"
		       "\"messages\":[\"%s\",\"%s\"]},\"topology\":%lu}\n",
		       origin->name, (unsigned long long)h->incarnation,
		       (unsigned long long)h->sequence, first, second, (unsigned long)t->version);
	else
		printf("%s has given number %llu of start %016llx to two messages, %.12s and "
		       "%.12s: "
		       "both are signed by its key %u of topology version %lu\n",
		       origin->name, (unsigned long long)h->sequence,
		       (unsigned long long)h->incarnation, first, second, h->sign_key,
		       (unsigned long)t->version);
}

int evidence_verify(const struct cmd_context *c, const char *what, const char *text, size_t n)
{
	struct evidence *evidence = malloc(sizeof *evidence);
	struct header *h = malloc(sizeof *h);
	struct loaded l = {0};
	struct message_id ids[2];
	struct report report;
	int code = EXIT_DONE;
	enum err e = evidence && h ? ERR_OK : ERR_MEMORY;

	report_init(&report);
	if (!e)
		e = evidence_read(evidence, text, n, &report);
	if (!e)
		e = loaded_in_force(&l, c, &report);
	if (!e)
		e = evidence_check(evidence, l.t, h, ids, &report);
	if (e)
		code = topology_refused(c, what, e, &report);
	else
		print_verified(c, l.t, h, ids);
	loaded_clear(&l);
	report_clear(&report);
	free(evidence);
	free(h);
	return code;
}
