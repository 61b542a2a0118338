#include "node/cmd/rotate.h"

#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/keys_offline.h"
#include "protocol/admin.h"

static const char what[] = "khabar keys rotate";

struct rotating {
	bool link, now;
};

static void print_reply(const struct rotating *r, const cJSON *reply)
{
	const cJSON *name, *waiting = cJSON_GetObjectItemCaseSensitive(reply, "waiting");
	size_t n = (size_t)cJSON_GetArraySize(waiting);

	if (!r->link) {
		printf("Seal key %.0f is in use, and published. What was sealed to the older ones "
		       "still opens.\n",
		       member_number(reply, "number"));
		return;
	}
	if (!*member_text(reply, "link_next")) {
		printf("The new link key is in use, and published.\n");
		if (n)
			printf("These neighbours had not acknowledged it. Where one cannot "
			       "connect, "
			       "take it the card:\n"
			       "    khabar card show --export FILE   here, and there   khabar card "
			       "accept FILE\n");
	} else {
		printf("The next link key is published. It is used once every neighbour has "
		       "acknowledged that.\n");
		if (n)
			printf("Waiting for:\n");
	}
	cJSON_ArrayForEach(name, waiting)
	{
		fputs("    ", stdout);
		print_safe(stdout, cJSON_GetStringValue(name), false);
		putchar('\n');
	}
}

static int rotate_running(const struct cmd_context *c, const struct rotating *r)
{
	struct client client;
	struct text request;
	struct reply reply;
	int code = client_open(&client, c, what);

	request_init(&request, "rotate");
	admin_put_string(&request, "key", r->link ? "link" : "seal");
	if (r->now)
		admin_put_bool(&request, "now", true);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, true, &reply);
	text_clear(&request);
	client_close(&client);
	if (code)
		return code;
	if (c->json)
		client_print_json(&reply);
	else
		print_reply(r, reply.json);
	reply_clear(&reply);
	return EXIT_DONE;
}

static void print_stopped(const struct cmd_context *c, const struct rotating *r,
			  const struct identity_public *p)
{
	char hex[2 * LINK_KEY_BYTES + 1];
	struct text t;

	if (!c->json && !r->link) {
		printf("Seal key %u is drawn. The node publishes it at its next start.\n",
		       p->seal_number);
		return;
	}
	if (!c->json) {
		printf(r->now ? "The node uses a new link key from its next start on. Its "
				"neighbours "
				"let it in once they\nhave its card: khabar card show --export "
				"FILE "
				"there, khabar card accept FILE at each of them.\n"
			      : "The next link key is drawn. The node publishes it at its next "
				"start, and uses it once every\nneighbour has acknowledged "
				"that.\n");
		return;
	}
	text_init(&t);
	text_str(&t, "{");
	admin_put_string(&t, "key", r->link ? "link" : "seal");
	if (r->link) {
		admin_put_hex(&t, "link", p->link, LINK_KEY_BYTES);
		admin_put_string(&t, "link_next",
				 p->link_changing ? hex_encode(hex, p->link_next, LINK_KEY_BYTES)
						  : NULL);
	} else {
		admin_put_number(&t, "number", p->seal_number);
		admin_put_hex(&t, "seal", p->seal, SEAL_KEY_BYTES);
	}
	text_str(&t, "}");
	print_built(&t);
}

static int rotate_stopped(const struct cmd_context *c, const struct rotating *r)
{
	enum rotation rotation = !r->link ? ROTATE_SEAL : r->now ? ROTATE_LINK_NOW : ROTATE_LINK;
	struct identity_public public;
	struct report report;
	int code = EXIT_DONE;

	report_init(&report);
	if (keys_rotate_offline(c->home, rotation, &public, &report) != ERR_OK)
		code = cmd_refused(c, what, &report);
	else
		print_stopped(c, r, &public);
	report_clear(&report);
	return code;
}

int keys_rotate(const struct cmd_context *c, int argc, char **argv)
{
	struct rotating r = {0};
	const struct option_rule rules[] = {{.name = "now", .kind = OPTION_FLAG, .to = &r.now}};
	int first, code = options_read(what, rules, 1, argc, argv, &first);

	if (code)
		return code;
	if (argc - first != 1 ||
	    (strcmp(argv[first], "link") != 0 && strcmp(argv[first], "seal") != 0))
		return cmd_misused(what, "link or seal is wanted");
	r.link = strcmp(argv[first], "link") == 0;
	if (r.now && !r.link)
		return cmd_misused(what, "a new seal key is always used at once");
	return client_node_runs(c) ? rotate_running(c, &r) : rotate_stopped(c, &r);
}
