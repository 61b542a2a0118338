#include "node/cmd/follow_alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/spawn.h"
#include "node/loop.h"
#include "protocol/admin.h"

static bool ask_alarms(struct client *client, double after, struct reply *reply)
{
	struct text request;
	int code;

	request_init(&request, "alarms");
	if (after >= 0)
		admin_put_number(&request, "after", (uint64_t)after);
	code = client_ask(client, &request, NULL, 0, false, reply);
	text_clear(&request);
	return code == EXIT_DONE;
}

static void print_event(FILE *f, const cJSON *event)
{
	fprintf(f, "%s %.19sZ ", member_text(event, "what"), member_text(event, "at"));
	print_safe(f, member_text(event, "text"), false);
	fputc('\n', f);
}

/* SPEC 9.14: "The first line says of which node and how many; each of the others is an event." */
static char *letter(const struct alarm_following *x, const cJSON *events, size_t *n)
{
	char *out = NULL;
	FILE *f = open_memstream(&out, n);
	const cJSON *event;
	int count = cJSON_GetArraySize(events);

	if (!f)
		return NULL;
	fprintf(f, "khabardar %s: %d alarm%s\n", x->config->node, count, plural((size_t)count));
	cJSON_ArrayForEach(event, events)
	{
		print_event(f, event);
	}
	fclose(f);
	return out;
}

static void tell(struct client *client, double through, const char *why)
{
	struct text request;
	struct reply reply;

	request_init(&request, "alarmed");
	admin_put_number(&request, "through", (uint64_t)through);
	if (*why)
		admin_put_string(&request, "failed", why);
	if (client_ask(client, &request, NULL, 0, false, &reply) == EXIT_DONE)
		reply_clear(&reply);
	text_clear(&request);
}

void follow_alarms(struct alarm_following *x, struct client *client,
		   const volatile sig_atomic_t *ended)
{
	const cJSON *events, *event;
	char why[SPAWN_WHY_BYTES], *text;
	struct reply reply;
	double told, last = 0;
	size_t n;

	if (!x->config->alarm_command || clock_monotonic() < x->next ||
	    !ask_alarms(client, -1, &reply))
		return;
	told = member_number(reply.json, "told");
	reply_clear(&reply);
	if (!ask_alarms(client, told, &reply))
		return;
	events = cJSON_GetObjectItemCaseSensitive(reply.json, "events");
	cJSON_ArrayForEach(event, events)
	{
		last = member_number(event, "number");
	}
	text = last > 0 ? letter(x, events, &n) : NULL;
	if (text) {
		spawn_words(x->config->alarm_command, text, n, ended, why);
		x->next = clock_monotonic() + (uint64_t)x->config->alarm_every * 1000;
		tell(client, last, why);
	}
	free(text);
	reply_clear(&reply);
}
