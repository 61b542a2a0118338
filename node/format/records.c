#include "node/format/records.h"

#include <string.h>

#include "node/format/lines.h"

enum { RECORD_VALUES_MAX = 1 << 16 };

enum err record_reject(struct import *i, const struct record *r, const char *text,
		       const char *reason)
{
	i->read++;
	return import_reject(i, r->input, r->line, text, strlen(text), reason);
}

enum err record_tlp(const struct import *i, const struct record *r, const char *text)
{
	enum tlp tlp;

	if (!text || !*text)
		return ERR_OK;
	if (!tlp_parse(text, &tlp)) {
		report_add(r->report, "%s: line %zu: \"%.40s\" is no TLP that is known here",
			   r->input, r->line, text);
		return ERR_NOT_ALLOWED;
	}
	if (tlp > i->options.tlp) {
		report_add(r->report,
			   "%s: line %zu: marked TLP:%s, stricter than the TLP:%s of the message",
			   r->input, r->line, tlp_str(tlp), tlp_str(i->options.tlp));
		return ERR_NOT_ALLOWED;
	}
	return ERR_OK;
}

static enum err object_read(struct import *i, struct record *r, record_fn *read)
{
	if (!cJSON_IsObject(r->json))
		return record_reject(i, r, "", "not a JSON object");
	return read(i, r);
}

static enum err whole_read(struct import *i, const char *bytes, size_t n, struct record *r,
			   record_fn *read)
{
	struct report inner;
	const cJSON *item;
	cJSON *json;
	enum err err;

	report_init(&inner);
	err = json_parse(&json, bytes, n, &inner);
	if (err)
		report_add(r->report, "%s: %s", r->input, report_first(&inner));
	report_clear(&inner);
	if (err)
		return err;
	r->line = 1;
	r->json = json;
	if (!cJSON_IsArray(json)) {
		err = object_read(i, r, read);
	} else {
		cJSON_ArrayForEach(item, json)
		{
			r->json = item;
			err = object_read(i, r, read);
			if (err)
				break;
			r->line++;
		}
	}
	cJSON_Delete(json);
	return err;
}

static enum err line_read(struct import *i, struct line l, struct record *r, record_fn *read)
{
	const char *why = line_bad(l);
	cJSON *json = NULL;
	enum err err = ERR_OK;

	if (!why) {
		err = json_parse_bounded(&json, l.at, l.length, RECORD_VALUES_MAX, NULL);
		if (err == ERR_MEMORY)
			return err;
		why = err ? "not JSON" : NULL;
	}
	if (why) {
		i->read++;
		return import_reject(i, r->input, l.number, l.at, l.length, why);
	}
	r->line = l.number;
	r->json = json;
	err = object_read(i, r, read);
	cJSON_Delete(json);
	return err;
}

/* Is there an object on the first line that says something, and all of it? */
static enum err by_lines(bool *yes, const char *bytes, size_t n)
{
	struct lines s = {.at = bytes, .end = bytes + n};
	struct line l;
	cJSON *json;

	*yes = false;
	while (line_next(&s, &l)) {
		enum err err;
		l = line_trimmed(l);
		if (l.length == 0)
			continue;
		err = json_parse_bounded(&json, l.at, l.length, RECORD_VALUES_MAX, NULL);
		if (err)
			return err == ERR_MEMORY ? err : ERR_OK;
		cJSON_Delete(json);
		*yes = *l.at == '{';
		break;
	}
	return ERR_OK;
}

enum err records_read(struct import *i, const char *bytes, size_t n, const char *name,
		      struct report *report, record_fn *read)
{
	struct lines s = {.at = bytes, .end = bytes + n};
	struct record r = {.input = name, .report = report};
	struct line l;
	bool lines;
	enum err err = by_lines(&lines, bytes, n);

	if (!err && !lines)
		return whole_read(i, bytes, n, &r, read);
	while (!err && line_next(&s, &l)) {
		l = line_trimmed(l);
		if (l.length)
			err = line_read(i, l, &r, read);
	}
	return err;
}

static bool value_read(struct observable *o, const struct kind *k, const char *text,
		       const char **why)
{
	*why = "not a value of the type that its name says";
	if (k->type != OBSERVABLE_NONE)
		return observable_set(o, k->type, text, why) == ERR_OK;
	return observable_detect(o, text, why) == ERR_OK &&
	       (o->type == OBSERVABLE_IPV4 || o->type == OBSERVABLE_IPV6);
}

static enum err value_take(struct import *i, const struct record *r, const struct kind *k,
			   const char *text, const struct indicator *like)
{
	struct observable o;
	const char *why;
	enum err err;

	if (!value_read(&o, k, text, &why))
		return record_reject(i, r, text, why);
	if (like) {
		i->read++;
		return value_add(i, &o, like);
	}
	err = import_leave(i, "where something was, not for detection");
	return err ? err : observed_add(i, o.text, &o);
}

enum err kinds_add(struct import *i, const struct record *r, const struct kind *kinds, size_t n,
		   const struct indicator *like, bool *found)
{
	bool exact = true;
	enum err err = ERR_OK;

	for (size_t k = 0; k < n && !err; k++) {
		const cJSON *v = kinds[k].values;
		bool any = false;
		if (cJSON_IsArray(v))
			v = v->child;
		for (; v && !err; v = v->next) {
			if (!cJSON_IsString(v)) {
				err = record_reject(i, r, "", "a value that is not a string");
				any = true;
			} else if (*v->valuestring) {
				err = value_take(i, r, &kinds[k], v->valuestring,
						 exact ? like : NULL);
				any = true;
			}
			/* Beside what is not in an array stand other members. */
			if (v == kinds[k].values)
				break;
		}
		exact = exact && !any;
		*found = *found || any;
	}
	return err;
}
