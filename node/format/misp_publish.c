#include "node/format/misp_publish.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/stix.h"

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *string(const cJSON *object, const char *key)
{
	const char *s = cJSON_GetStringValue(member(object, key));

	return s ? s : "";
}

static bool says_no(const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	return cJSON_IsFalse(value) || (cJSON_IsNumber(value) && value->valuedouble == 0) ||
	       (text && (strcmp(text, "0") == 0 || strcasecmp(text, "false") == 0));
}

/* 0 is for this organisation only, 4 for a group that is not known here; nor is what has another
 * name for its audience. */
static bool is_closed(const cJSON *owner)
{
	const cJSON *d = member(owner, "distribution");
	const char *text = cJSON_GetStringValue(d);

	if (text)
		return strlen(text) != 1 || !strchr("1235", *text);
	return cJSON_IsNumber(d) && (d->valueint == 0 || d->valueint == 4);
}

/* ---- tags ---- */

struct tags {
	struct misp_event *event;
	bool ours, unknown;
};

static void tags_take(struct tags *t, const cJSON *owner)
{
	const cJSON *tag;
	enum tlp tlp;

	cJSON_ArrayForEach(tag, member(owner, "Tag"))
	{
		const char *name = string(tag, "name");

		if (strncasecmp(name, MISP_FEED_TAG, sizeof MISP_FEED_TAG - 1) == 0 ||
		    strncasecmp(name, MISP_EVENT_LABEL, sizeof MISP_EVENT_LABEL - 1) == 0)
			t->ours = true;
		if (strncasecmp(name, "tlp:", 4) != 0)
			continue;
		if (!tlp_parse(name, &tlp)) {
			t->unknown = true;
			continue;
		}
		if (!t->event->has_tlp || tlp > t->event->tlp)
			t->event->tlp = tlp;
		t->event->has_tlp = true;
	}
}

/* Takes out what is closed, and reads the tags of what stays. */
static void attributes_take(struct tags *t, const cJSON *owner)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(owner, "Attribute");
	cJSON *item = list ? list->child : NULL, *next;

	for (; item; item = next) {
		next = item->next;
		if (is_closed(item))
			cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
		else
			tags_take(t, item);
	}
}

static void objects_take(struct tags *t, const cJSON *event)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(event, "Object");
	cJSON *item = list ? list->child : NULL, *next;

	for (; item; item = next) {
		next = item->next;
		if (is_closed(item))
			cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
		else
			attributes_take(t, item);
	}
}

/* ---- events ---- */

static bool whose(const cJSON *event, const char *org)
{
	return strcasecmp(string(member(event, "Orgc"), "uuid"), org) == 0;
}

static enum misp_published changed(struct misp_event *out, cJSON *json, const cJSON *event,
				   const char *org)
{
	struct tags t = {.event = out};

	/* SPEC 9.17: "is published, and was made by the organisation that `org` names" */
	if (!whose(event, org) || says_no(member(event, "published")))
		return MISP_NOTHING;
	tags_take(&t, event);
	attributes_take(&t, event);
	objects_take(&t, event);
	if (t.ours)
		return MISP_NOTHING;
	if (is_closed(event))
		out->why = "its distribution keeps it in the organisation or a sharing group";
	else if (t.unknown)
		out->why = "it has a tag of TLP that is not known here";
	else if (out->has_tlp && out->tlp == TLP_RED)
		out->why = "TLP:RED is never shared by itself";
	out->json = cJSON_PrintUnformatted(json);
	return out->json ? MISP_EVENT_CHANGED : MISP_NOTHING;
}

/* Who deletes an event says no more whose it was; only what was made of it here goes. */
static enum misp_published deleted(const cJSON *json, const cJSON *event, const char *org)
{
	if (strcmp(string(json, "action"), "delete") != 0 ||
	    (member(event, "Orgc") && !whose(event, org)))
		return MISP_NOTHING;
	return MISP_EVENT_DELETED;
}

enum misp_published misp_publish_read(struct misp_event *out, const char *bytes, size_t n,
				      const char *org)
{
	static const char event_topic[] = "misp_json ", change_topic[] = "misp_json_event ";
	static const char alive[] = "misp_json_self";
	enum misp_published is = MISP_NOTHING;
	bool change = n >= sizeof change_topic - 1 &&
		      memcmp(bytes, change_topic, sizeof change_topic - 1) == 0;
	size_t topic = change ? sizeof change_topic - 1 : sizeof event_topic - 1;
	const cJSON *event;
	cJSON *json = NULL;

	*out = (struct misp_event){.tlp = TLP_CLEAR};
	if (n >= sizeof alive - 1 && memcmp(bytes, alive, sizeof alive - 1) == 0)
		return MISP_ALIVE;
	if (!change && (n < topic || memcmp(bytes, event_topic, topic) != 0))
		return MISP_NOTHING;
	if (json_parse(&json, bytes + topic, n - topic, NULL) != ERR_OK)
		return MISP_NOTHING;
	event = member(json, "Event");
	if (uuid_valid(string(event, "uuid"))) {
		memcpy(out->uuid, string(event, "uuid"), sizeof out->uuid);
		is = change ? deleted(json, event, org) : changed(out, json, event, org);
	}
	cJSON_Delete(json);
	return is;
}

struct misp_tlp misp_event_tlp(const char *json, size_t n)
{
	struct misp_event e = {.tlp = TLP_CLEAR};
	struct tags t = {.event = &e};
	struct misp_tlp said = {.has = false};
	const cJSON *event;
	cJSON *all = NULL;

	if (json_parse(&all, json, n, NULL) == ERR_OK) {
		event = member(all, "Event");
		tags_take(&t, event);
		attributes_take(&t, event);
		objects_take(&t, event);
		said.empty = cJSON_GetArraySize(member(event, "Attribute")) == 0 &&
			     cJSON_GetArraySize(member(event, "Object")) == 0;
	}
	said.has = e.has_tlp;
	said.tlp = e.tlp;
	cJSON_Delete(all);
	return said;
}

void misp_event_clear(struct misp_event *event)
{
	free(event->json);
	*event = (struct misp_event){.tlp = TLP_CLEAR};
}
