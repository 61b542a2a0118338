#include "node/format/sensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/observable.h"

enum { DETECT_LINES = 1000, LINE_MAX_BYTES = 1 << 20, WORD_BYTES = 300, GROUPS_MAX = 9 };

static const char *const words[SENSOR_FORMATS] = {
	[SENSOR_NONE] = "",     [SENSOR_EVE] = "eve", [SENSOR_RPZ] = "rpz",
	[SENSOR_LIST] = "list", [SENSOR_LOG] = "log",
};

const char *sensor_str(enum sensor_format format)
{
	return words[format];
}

bool sensor_parse(enum sensor_format *format, const char *text)
{
	for (size_t i = SENSOR_EVE; i < SENSOR_FORMATS; i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		*format = (enum sensor_format)i;
		return true;
	}
	return false;
}

static const char *find(struct slice in, const char *text)
{
	return in.length ? memmem(in.at, in.length, text, strlen(text)) : NULL;
}

static struct slice trimmed(struct slice line)
{
	while (line.length && strchr(" \t\r", line.at[line.length - 1]))
		line.length--;
	while (line.length && strchr(" \t", *line.at)) {
		line.at++;
		line.length--;
	}
	return line;
}

/* ---- eve.json ---- */

static const char *string(const cJSON *object, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return s ? s : "";
}

static bool wanted(const char *key)
{
	static const char *const keys[] = {"src_ip", "dest_ip", "rrname", "hostname",
					   "sni",    "md5",     "sha1",   "sha256"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* A value without white space is one piece of what is looked through. */
static void value_add(struct text *t, const char *value)
{
	if (!*value || strpbrk(value, " \t\r\n\"',"))
		return;
	text_str(t, value);
	text_str(t, "\n");
}

/* An object with a host and what was asked for there. */
static void url_add(struct text *t, const cJSON *object)
{
	const char *host = string(object, "hostname"), *rest = string(object, "url");
	const cJSON *port = cJSON_GetObjectItemCaseSensitive(object, "http_port");
	struct text url;

	if (*rest != '/')
		value_add(t, rest);
	if (*rest != '/' || !*host)
		return;
	text_init(&url);
	text_format(&url, "http://%s", host);
	if (cJSON_IsNumber(port) && port->valuedouble > 0 && port->valuedouble <= 65535)
		text_format(&url, ":%d", (int)port->valuedouble);
	text_str(&url, rest);
	value_add(t, url.bad ? "" : url.at);
	text_clear(&url);
}

/* Depth is bounded by the parser. */
static void values_add(struct text *t, const cJSON *json)
{
	const cJSON *item;

	if (cJSON_IsObject(json) && cJSON_HasObjectItem(json, "url"))
		url_add(t, json);
	cJSON_ArrayForEach(item, json)
	{
		const char *value = cJSON_GetStringValue(item);
		if (value && item->string && wanted(item->string))
			value_add(t, value);
		else if (!value)
			values_add(t, item);
	}
}

/* SPEC 9.13: "whose signature begins with `Khabardar: `" */
static bool is_ours(const cJSON *json)
{
	static const char mark[] = "Khabardar: ";
	const cJSON *alert = cJSON_GetObjectItemCaseSensitive(json, "alert");

	return strcmp(string(json, "event_type"), "alert") == 0 &&
	       strncmp(string(alert, "signature"), mark, sizeof mark - 1) == 0;
}

static void eve_values(struct slice line, struct text *t)
{
	cJSON *json = NULL;

	/* Most lines are of flows, and need not be read. */
	if (!find(line, "\"alert\"") || line.length > LINE_MAX_BYTES ||
	    json_parse(&json, line.at, line.length, NULL) != ERR_OK)
		return;
	if (is_ours(json))
		values_add(t, json);
	cJSON_Delete(json);
}

/* ---- response policy zones ---- */

/* The word that starts at *at, which moves behind it. */
static bool word(char out[WORD_BYTES], const char **at, const char *end)
{
	size_t n = 0;

	while (*at < end && **at == ' ')
		(*at)++;
	for (; *at < end && **at != ' ' && n + 1 < WORD_BYTES; (*at)++)
		out[n++] = **at;
	out[n] = '\0';
	return n > 0;
}

static void name_add(struct text *t, char *name)
{
	size_t n = strlen(name);

	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	value_add(t, name);
}

/* "rpz: applied [zone] *.bad.example. rpz-nxdomain 192.0.2.1@4242 www.bad.example. A IN", where the
 * name that led to it may be an address with a prefix. */
static bool unbound_values(struct slice line, struct text *t)
{
	static const char mark[] = "rpz: applied ";
	const char *at = find(line, mark), *end = line.at + line.length;
	char before[WORD_BYTES] = "", w[WORD_BYTES], *slash;

	if (!at)
		return false;
	at += sizeof mark - 1;
	/* The name of the zone may have spaces. */
	if (at < end && *at == '[') {
		const char *close = memchr(at, ']', (size_t)(end - at));
		at = close ? close + 1 : end;
	}
	while (word(w, &at, end) && strncmp(w, "rpz-", 4) != 0)
		snprintf(before, sizeof before, "%s", w);
	slash = strchr(before, '/');
	if (slash && word(w, &at, end)) {
		*slash = '\0';
		value_add(t, before);
	} else if (word(w, &at, end) && strchr(w, '@') && word(w, &at, end)) {
		name_add(t, w);
	}
	return true;
}

/* "32.7.100.51.198", "128.1.zz.db8.2001": the prefix, then what an address has, from its end. */
static bool address_of(char out[WORD_BYTES], char *text)
{
	char *groups[GROUPS_MAX + 1], *rest = text, *group;
	size_t n = 0;
	bool four;
	struct text t;

	while (n <= GROUPS_MAX && (group = strsep(&rest, ".")) != NULL)
		groups[n++] = group;
	if (n < 2 || n > GROUPS_MAX || rest)
		return false;
	four = n == 5;
	for (size_t i = 1; i < n; i++)
		four = four && groups[i][strspn(groups[i], "0123456789")] == '\0';
	text_init(&t);
	for (size_t i = n - 1; i > 0; i--) {
		bool zz = strcmp(groups[i], "zz") == 0;
		/* "::" has its second colon where the next begins, or at the end. */
		text_str(&t, zz ? (i == n - 1 || i == 1 ? ":" : "") : groups[i]);
		if (i > 1)
			text_str(&t, four ? "." : ":");
	}
	snprintf(out, WORD_BYTES, "%s", t.bad ? "" : t.at);
	text_clear(&t);
	return true;
}

/* "client @0x7f 192.0.2.1#53 (www.bad.example): rpz QNAME NXDOMAIN rewrite www.bad.example/A/IN via
 * bad.example.zone", or after IP and NSIP via "32.7.100.51.198.rpz-ip.zone". */
static bool bind_values(struct slice line, struct text *t)
{
	static const char mark[] = " rewrite ", via[] = " via ";
	const char *at = find(line, "): rpz "), *end = line.at + line.length, *ip;
	char w[WORD_BYTES], address[WORD_BYTES];
	struct slice rest;

	if (!at)
		at = find(line, ": rpz ");
	if (!at)
		return false;
	rest = (struct slice){at, (size_t)(end - at)};
	at = find(rest, mark);
	if (!at || find(rest, " disabled "))
		return at != NULL;
	ip = find(rest, via);
	if (ip)
		ip += sizeof via - 1;
	if (ip && word(w, &ip, end) && strstr(w, ".rpz-ip.")) {
		*strstr(w, ".rpz-ip.") = '\0';
		if (address_of(address, w))
			value_add(t, address);
		return true;
	}
	at += sizeof mark - 1;
	if (word(w, &at, end)) {
		w[strcspn(w, "/")] = '\0';
		name_add(t, w);
	}
	return true;
}

/* ---- any ---- */

static bool is_value(struct slice line)
{
	char text[2 * OBSERVABLE_MAX_BYTES + 1];
	struct observable o;

	line = trimmed(line);
	if (line.length == 0 || line.length >= sizeof text || memchr(line.at, 0, line.length))
		return false;
	memcpy(text, line.at, line.length);
	text[line.length] = '\0';
	return observable_detect(&o, text, NULL) == ERR_OK;
}

static enum sensor_format line_detect(struct slice line)
{
	struct text scratch;
	enum sensor_format format = SENSOR_NONE;

	line = trimmed(line);
	text_init(&scratch);
	if (line.length == 0 || *line.at == '#')
		format = SENSOR_NONE;
	else if (*line.at == '{' && find(line, "\"event_type\""))
		format = SENSOR_EVE;
	else if (unbound_values(line, &scratch) || bind_values(line, &scratch))
		format = SENSOR_RPZ;
	else
		format = is_value(line) ? SENSOR_LIST : SENSOR_LOG;
	text_clear(&scratch);
	return format;
}

/* One line of a sensor makes it that; a list has nothing else. */
enum sensor_format sensor_detect(struct slice lines)
{
	const char *at = lines.at, *end = at + lines.length;
	enum sensor_format all = SENSOR_NONE;

	for (size_t n = 0; at < end && n < DETECT_LINES; n++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct slice line = {at, (size_t)((stop ? stop : end) - at)};
		enum sensor_format one = line_detect(line);
		if (one == SENSOR_EVE || one == SENSOR_RPZ)
			return one;
		if (one == SENSOR_LOG || all == SENSOR_NONE)
			all = one;
		at = stop ? stop + 1 : end;
	}
	return all;
}

struct slice sensor_values(enum sensor_format format, struct slice line, struct text *scratch)
{
	switch (format) {
	case SENSOR_EVE:
		eve_values(line, scratch);
		break;
	case SENSOR_RPZ:
		if (!unbound_values(line, scratch))
			bind_values(line, scratch);
		break;
	case SENSOR_LIST:
		line = trimmed(line);
		if (line.length && *line.at != '#')
			return line;
		break;
	case SENSOR_LOG:
		return line;
	case SENSOR_NONE:
	case SENSOR_FORMATS:
		break;
	}
	return (struct slice){scratch->at ? scratch->at : "", scratch->bad ? 0 : scratch->length};
}
