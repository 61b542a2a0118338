#include "node/cmd/import_event.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/admin.h"

static const char what[] = "khabar import";

enum { AT_ONCE = 500 };

static int refuse(const struct sending *s, const char *words)
{
	struct report report;
	int code;

	report_init(&report);
	report_add(&report, "%s", words);
	code = client_refused(s->client.c, what, &report);
	report_clear(&report);
	return code;
}

int event_begin(struct event_update *u, struct sending *s, const struct cmd_context *c)
{
	if (!u->uuid)
		return EXIT_DONE;
	if (!uuid_valid(u->uuid))
		return cmd_misused(what, "--event %s: the uuid of an event is wanted", u->uuid);
	if (s->list || s->exercise || c->hold || (s->format && strcmp(s->format, "misp") != 0))
		return cmd_misused(what, "--event is for events of MISP, and goes neither with "
					 "--sync, --hold nor --exercise");
	if (s->labels.count == OPTION_LIST_MAX)
		return cmd_misused(what, "--event needs one of the %d labels", OPTION_LIST_MAX);
	snprintf(u->label, sizeof u->label, "misp-event:%s", u->uuid);
	s->labels.items[s->labels.count++] = u->label;
	s->format = "misp";
	return EXIT_DONE;
}

/* ---- what is in it ---- */

struct ids {
	char **items; /* owned */
	size_t count, room;
	bool bad;
};

static void ids_add(struct ids *x, const char *id)
{
	if (x->count == x->room) {
		size_t room = x->room ? 2 * x->room : 256;
		char **items = realloc(x->items, room * sizeof *items);
		x->bad = x->bad || !items;
		if (!items)
			return;
		x->items = items;
		x->room = room;
	}
	x->items[x->count] = strdup(id);
	x->bad = x->bad || !x->items[x->count];
	x->count += x->items[x->count] != NULL;
}

static void ids_clear(struct ids *x)
{
	for (size_t i = 0; i < x->count; i++)
		free(x->items[i]);
	free(x->items);
	*x = (struct ids){.count = 0};
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err part_ids(struct ids *x, const struct import *import, size_t number)
{
	const cJSON *object;
	struct slice text;
	char *owned = NULL;
	cJSON *bundle = NULL;
	enum err e = import_part(import, number, &text, &owned);

	if (!e)
		e = json_parse(&bundle, text.at, text.length, NULL);
	cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(bundle, "objects"))
	{
		ids_add(x, member_text(object, "id"));
	}
	cJSON_Delete(bundle);
	free(owned);
	return e;
}

/* Ids of everything that was made now, in order. */
static enum err ids_made(struct ids *x, const struct import *import)
{
	enum err e = ERR_OK;

	for (size_t p = 0; !e && p < import->part_count; p++)
		e = part_ids(x, import, p);
	if (!e && x->count)
		qsort(x->items, x->count, sizeof *x->items, compare);
	return e ? e : x->bad ? ERR_MEMORY : ERR_OK;
}

/* ---- what was ---- */

struct leaving {
	struct ids *left;
	const struct ids *made;
};

static int page_take(void *arg, struct sending *s, const struct reply *reply)
{
	const struct leaving *x = arg;
	const struct ids *made = x->made;
	const cJSON *line;

	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply->json, "lines"))
	{
		const char *id = member_text(line, "object");
		if (!made->count ||
		    !bsearch(&id, made->items, made->count, sizeof *made->items, compare))
			ids_add(x->left, id);
	}
	(void)s;
	return EXIT_DONE;
}

int event_compare(struct event_update *u, struct sending *s)
{
	struct ids made = {.count = 0}, left = {.count = 0};
	char report[sizeof "report--" + 36];
	const char *id = report;
	int code = EXIT_DONE;

	if (!u->uuid)
		return EXIT_DONE;
	snprintf(report, sizeof report, "report--%s", u->uuid);
	if (ids_made(&made, &s->import) != ERR_OK)
		code = refuse(s, "the event cannot be compared with what was shared of it");
	else if (made.count && !bsearch(&id, made.items, made.count, sizeof *made.items, compare))
		code = refuse(s, "this is another event than --event says");
	if (!code)
		code = send_labelled(s, u->label, page_take, &(struct leaving){&left, &made});
	if (!code && left.bad)
		code = refuse(s, err_str(ERR_MEMORY));
	ids_clear(&made);
	u->left = left.items;
	u->count = s->leaving = left.count;
	return code;
}

/* ---- taking it back ---- */

static int revoke(const struct event_update *u, struct sending *s, size_t from, size_t *objects)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "withdraw");
	admin_put_string(&request, "because", "wrong");
	admin_put_name(&request, "objects");
	text_str(&request, "[");
	for (size_t i = from; i < u->count && i < from + AT_ONCE; i++)
		admin_put_string(&request, NULL, u->left[i]);
	text_str(&request, "]");
	if (s->dry_run)
		admin_put_bool(&request, "dry_run", true);
	code = client_ask(&s->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	*objects += (size_t)member_number(reply.json, "objects");
	reply_clear(&reply);
	return EXIT_DONE;
}

int event_finish(struct event_update *u, struct sending *s)
{
	size_t objects = 0;
	int code = EXIT_DONE;

	if (!u->uuid)
		return EXIT_DONE;
	for (size_t from = 0; !code && from < u->count; from += AT_ONCE)
		code = revoke(u, s, from, &objects);
	if (code)
		return code;
	if (s->client.c->json)
		printf("{\"event\":\"%s\",\"withdrawn\":%zu}\n", u->uuid, objects);
	else
		printf("%zu %swithdrawn\n", objects, s->dry_run ? "would be " : "");
	return EXIT_DONE;
}

void event_clear(struct event_update *u)
{
	for (size_t i = 0; i < u->count; i++)
		free(u->left[i]);
	free(u->left);
}
