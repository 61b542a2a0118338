/* What an incident has several of: links, and who is affected.  An update says the whole list; who
 * types adds to it, and takes from it. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/incident.h"
#include "protocol/admin.h"

enum { KIND_BYTES = 24 };

struct link {
	char kind[KIND_BYTES];
	const char *id; /* borrowed */
};

/* KIND=ID. */
static bool link_read(struct link *l, const char *typed)
{
	const char *is = strchr(typed, '=');
	size_t n = is ? (size_t)(is - typed) : 0;

	if (n == 0 || n >= sizeof l->kind)
		return false;
	memcpy(l->kind, typed, n);
	l->kind[n] = '\0';
	l->id = is + 1;
	return true;
}

static int links_check(const struct incident_call *call, const char *option,
		       const struct option_list *typed)
{
	struct link l;

	for (size_t i = 0; i < typed->count; i++)
		if (!link_read(&l, typed->items[i]))
			return cmd_misused(call->what,
					   "%s %s: write KIND=ID; a kind is indicator, sighting, "
					   "incident, duplicate-of or part-of",
					   option, typed->items[i]);
	return EXIT_DONE;
}

static bool link_among(const struct option_list *typed, const char *kind, const char *id)
{
	struct link l;

	for (size_t i = 0; i < typed->count; i++)
		if (link_read(&l, typed->items[i]) && strcmp(l.kind, kind) == 0 &&
		    strcmp(l.id, id) == 0)
			return true;
	return false;
}

static void put_link(struct text *t, const char *kind, const char *id)
{
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "kind", kind);
	client_put_text(t, "id", id);
	text_str(t, "}");
}

/* Those that are known and are not said again, or taken away; then those that are said. */
static void put_links(struct text *t, const struct incident_call *call, const cJSON *state)
{
	const struct option_list *more = &call->o.links, *less = &call->o.unlink;
	const cJSON *known;
	struct link l;

	admin_put_name(t, "links");
	text_str(t, "[");
	cJSON_ArrayForEach(known, cJSON_GetObjectItemCaseSensitive(state, "links"))
	{
		const char *kind = member_text(known, "kind"), *id = member_text(known, "id");
		if (!link_among(less, kind, id) && !link_among(more, kind, id))
			put_link(t, kind, id);
	}
	for (size_t i = 0; i < more->count; i++)
		if (link_read(&l, more->items[i]))
			put_link(t, l.kind, l.id);
	text_str(t, "]");
}

static bool among(const struct option_list *typed, const char *name)
{
	for (size_t i = 0; i < typed->count; i++)
		if (strcmp(typed->items[i], name) == 0)
			return true;
	return false;
}

static void put_affected(struct text *t, const struct incident_call *call, const cJSON *state)
{
	const struct option_list *more = &call->o.affected, *less = &call->o.not_affected;
	const cJSON *known;

	admin_put_name(t, "affected");
	text_str(t, "[");
	cJSON_ArrayForEach(known, cJSON_GetObjectItemCaseSensitive(state, "affected"))
	{
		const char *name = cJSON_GetStringValue(known);
		if (name && !among(less, name) && !among(more, name))
			admin_put_string(t, NULL, name);
	}
	for (size_t i = 0; i < more->count; i++)
		client_put_text(t, NULL, more->items[i]);
	text_str(t, "]");
}

int incident_put_lists(struct text *t, struct incident_call *call, bool known)
{
	const struct incident_options *o = &call->o;
	bool links = o->links.count || o->unlink.count;
	bool affected = o->affected.count || o->not_affected.count;
	struct client client = {0};
	struct reply reply = {0};
	const cJSON *state = NULL;
	int code = links_check(call, "--link", &o->links);

	if (!code)
		code = links_check(call, "--unlink", &o->unlink);
	if (!code && known && (links || affected)) {
		code = incident_ask(call, &client, &reply);
		state = code ? NULL : cJSON_GetObjectItemCaseSensitive(reply.json, "state");
		client_close(&client);
	}
	if (!code && links)
		put_links(t, call, state);
	if (!code && affected)
		put_affected(t, call, state);
	reply_clear(&reply);
	return code;
}
