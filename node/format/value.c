/* Objects made of one value: its indicator, or the cyber-observable object that is its context. */
#include <stdio.h>
#include <string.h>

#include "node/format/import.h"

enum err value_add(struct import *i, const struct observable *o, const struct indicator *like)
{
	char uuid[37], key[OBSERVABLE_MAX_BYTES + 128], pattern[2 * OBSERVABLE_MAX_BYTES + 256];
	struct indicator n = {.created = i->options.now, .valid_from = i->options.now};
	enum err err;

	if (like)
		n = *like;
	n.uuid = uuid;
	n.name = o->text;
	n.pattern = pattern;
	n.pattern_type = "stix";
	n.valid_days = observable_valid_days(o->type);
	/* SPEC 8.5: "node | type | value, joined by the character |" */
	snprintf(key, sizeof key, "%s|%s|%s%s%s", i->options.node, observable_type_str(o->type),
		 o->text, i->options.list ? "|" : "", i->options.list ? i->options.list : "");
	uuid_of_text(uuid, key);
	observable_pattern(o, pattern, sizeof pattern);
	err = indicator_add(i, &n);
	i->taken += err == ERR_OK;
	i->duplicates += err == ERR_EXISTS;
	return err == ERR_EXISTS ? ERR_OK : err;
}

/* The members of the cyber-observable object with that value; NULL: STIX has none of one value. */
static const char *observed_type(struct text *t, const struct observable *o)
{
	switch (o->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
	case OBSERVABLE_DOMAIN:
	case OBSERVABLE_URL:
	case OBSERVABLE_EMAIL:
		text_str(t, ",\"value\":");
		text_json(t, o->text);
		break;
	case OBSERVABLE_FILE_NAME:
		text_str(t, ",\"name\":");
		text_json(t, o->text);
		return "file";
	case OBSERVABLE_MD5:
		text_format(t, ",\"hashes\":{\"MD5\":\"%s\"}", o->text);
		return "file";
	case OBSERVABLE_SHA1:
		text_format(t, ",\"hashes\":{\"SHA-1\":\"%s\"}", o->text);
		return "file";
	case OBSERVABLE_SHA256:
		text_format(t, ",\"hashes\":{\"SHA-256\":\"%s\"}", o->text);
		return "file";
	case OBSERVABLE_SHA512:
		text_format(t, ",\"hashes\":{\"SHA-512\":\"%s\"}", o->text);
		return "file";
	case OBSERVABLE_NONE:
	case OBSERVABLE_ENDPOINT:
	case OBSERVABLE_PATH:
	case OBSERVABLE_TYPES:
		return NULL;
	}
	return o->type == OBSERVABLE_IPV4    ? "ipv4-addr"
	       : o->type == OBSERVABLE_IPV6  ? "ipv6-addr"
	       : o->type == OBSERVABLE_URL   ? "url"
	       : o->type == OBSERVABLE_EMAIL ? "email-addr"
					     : "domain-name";
}

enum err observed_add(struct import *i, const char *owner, const struct observable *o)
{
	struct text members, object, key;
	char uuid[37], id[60];
	const char *type;
	enum err err = ERR_OK;

	text_init(&members);
	text_init(&object);
	text_init(&key);
	type = observed_type(&members, o);
	if (type) {
		text_format(&key, "%s|%s|%s", owner, type, o->text);
		uuid_of_text(uuid, key.bad ? "" : key.at);
		snprintf(id, sizeof id, "%s--%s", type, uuid);
		text_format(&object, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"",
			    type, id);
		text_add(&object, members.at, members.length);
		object_end(&object, i);
		err = object_add(i, id, &object);
	}
	text_clear(&key);
	text_clear(&object);
	text_clear(&members);
	return err;
}

uint64_t time_read(const char *text, uint64_t otherwise)
{
	static const char *const ends[] = {"", "Z", "z", " UTC", "+00:00", "+0000"};
	char form[sizeof "2026-11-21T22:00:00Z"];
	const char *end;
	uint64_t ms;

	if (!text || strlen(text) < 19)
		return otherwise;
	snprintf(form, sizeof form, "%.10sT%.8sZ", text, text + 11);
	end = text + 19;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
		if (strcmp(end, ends[e]) == 0 && time_parse(&ms, form))
			return ms;
	}
	return otherwise;
}
