/* The table of formats, and what is the same for all of them: reading lines, what may be in which
 * kind of format, counting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "node/format/export_parts.h"

static const struct exporter *const exporters[] = {
	&exporter_stix, &exporter_misp, &exporter_csv,      &exporter_list,  &exporter_suricata,
	&exporter_zeek, &exporter_rpz,  &exporter_nftables, &exporter_hosts,
};

enum { EXPORTERS = sizeof exporters / sizeof *exporters };

const struct export_format *export_format(size_t number)
{
	return number < EXPORTERS ? &exporters[number]->format : NULL;
}

static const struct exporter *exporter_named(const char *name)
{
	for (size_t i = 0; i < EXPORTERS; i++)
		if (strcmp(exporters[i]->format.name, name) == 0)
			return exporters[i];
	return NULL;
}

const struct export_format *export_format_named(const char *name)
{
	const struct exporter *e = exporter_named(name);

	return e ? &e->format : NULL;
}

/* ---- opening ---- */

static enum err zone_check(const char *zone, struct report *report)
{
	struct observable o;
	const char *why;

	if (strlen(zone) <= EXPORT_ZONE_MAX_BYTES &&
	    observable_set(&o, OBSERVABLE_DOMAIN, zone, &why) == ERR_OK &&
	    strcmp(o.text, zone) == 0)
		return ERR_OK;
	report_add(report, "\"%s\" is no name of a zone, such as rpz.example.org", zone);
	return ERR_FORMAT;
}

static enum err dir_make(const char *dir, struct report *report)
{
	struct stat st;

	if (mkdir(dir, 0755) == 0 ||
	    (errno == EEXIST && stat(dir, &st) == 0 && S_ISDIR(st.st_mode)))
		return ERR_OK;
	report_add(report, "%s: %s", dir, errno == EEXIST ? "is no folder" : strerror(errno));
	return ERR_IO;
}

static enum err options_check(const struct export_options *o, struct report *report)
{
	const struct export_format *format = export_format_named(o->format);

	if (!format) {
		report_add(report, "no format \"%s\"", o->format);
		return ERR_FORMAT;
	}
	if (!format->file && !o->dir) {
		report_add(report, "%s makes several files: name a folder", o->format);
		return ERR_FORMAT;
	}
	if (o->zone && format != &exporter_rpz.format) {
		report_add(report, "%s has no zone", o->format);
		return ERR_FORMAT;
	}
	if (o->zone && zone_check(o->zone, report))
		return ERR_FORMAT;
	return o->dir ? dir_make(o->dir, report) : ERR_OK;
}

enum err export_open(struct export **out, const struct export_options *options,
		     struct report *report)
{
	const char *temporary = getenv("TMPDIR");
	struct export *x;
	enum err e = options_check(options, report);

	*out = NULL;
	if (e)
		return e;
	x = calloc(1, sizeof *x);
	if (!x)
		return ERR_MEMORY;
	x->options = *options;
	x->exporter = exporter_named(options->format);
	if (!temporary || !*temporary)
		temporary = "/tmp";
	/* A folder that holds the result has room for what is sorted. */
	x->sorter = sorter_new(options->dir ? options->dir : temporary,
			       options->memory ? options->memory : SORT_MEMORY_BYTES);
	if (!x->sorter) {
		free(x);
		return ERR_MEMORY;
	}
	*out = x;
	return ERR_OK;
}

void export_close(struct export *x)
{
	if (!x)
		return;
	if (x->exporter->close)
		x->exporter->close(x);
	sorter_free(x->sorter);
	free(x);
}

/* ---- lines ---- */

enum err export_leave(struct export *x, const char *why)
{
	struct export_result *r = &x->result;
	size_t i = 0;

	x->left++;
	while (i < r->reason_count && strcmp(r->reasons[i].why, why) != 0)
		i++;
	if (i == EXPORT_REASONS_MAX)
		return ERR_OK;
	if (i == r->reason_count)
		r->reasons[r->reason_count++] = (struct export_reason){why, 0};
	r->reasons[i].count++;
	return ERR_OK;
}

enum err export_record(struct export *x, const void *record, size_t n)
{
	return sorter_add(x->sorter, record, n);
}

enum err export_text(struct export *x, const struct text *record)
{
	return record->bad ? ERR_MEMORY : export_record(x, record->at, record->length);
}

static const char *string_of(const cJSON *line, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, name));

	return s ? s : "";
}

static bool line_read(struct export_object *o, const cJSON *line, struct slice raw)
{
	const cJSON *confidence = cJSON_GetObjectItemCaseSensitive(line, "confidence");
	uint64_t *const times[] = {&o->created, &o->modified, &o->valid_until};
	const char *texts[] = {string_of(line, "created"), string_of(line, "modified"),
			       string_of(line, "valid_until")};

	*o = (struct export_object){
		.id = string_of(line, "object"),
		.type = string_of(line, "type"),
		.name = string_of(line, "name"),
		.node = string_of(line, "node"),
		.message = string_of(line, "message"),
		.values = cJSON_GetObjectItemCaseSensitive(line, "values"),
		.labels = cJSON_GetObjectItemCaseSensitive(line, "labels"),
		.alone = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "alone")),
		.block = strcmp(string_of(line, "use"), "block") == 0,
		.scaffolding = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "scaffolding")),
		.confidence = cJSON_IsNumber(confidence) ? confidence->valueint : -1,
		.modified_text = texts[1],
		.valid_text = texts[2],
		.raw = raw,
		.json = cJSON_GetObjectItemCaseSensitive(line, "raw"),
	};
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		if (*texts[i] && !time_parse(times[i], texts[i]))
			return false;
	return *o->id && *o->type && *o->node && *o->message &&
	       tlp_parse(string_of(line, "tlp"), &o->tlp);
}

bool export_host(const struct observable *v, struct observable *host, unsigned *port)
{
	static const enum observable_type types[] = {OBSERVABLE_IPV4, OBSERVABLE_IPV6,
						     OBSERVABLE_DOMAIN};
	const char *colon = strrchr(v->text, ':'), *why;
	char text[OBSERVABLE_MAX_BYTES + 1];
	bool bracket = v->text[0] == '[';
	size_t n = colon ? (size_t)(colon - v->text) - 2 * bracket : 0;

	if (v->type != OBSERVABLE_ENDPOINT || n == 0)
		return false;
	memcpy(text, v->text + bracket, n);
	text[n] = '\0';
	*port = (unsigned)strtoul(colon + 1, NULL, 10);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (observable_set(host, types[i], text, &why) == ERR_OK)
			return true;
	return false;
}

/* Whether the value may be in a format of this kind at all. */
static const char *value_refused(const struct exporter *e, const struct export_object *o,
				 const struct observable *v)
{
	const char *why;

	/* SPEC 8.8: "A file name is written only where it stands alone: with a hash beside it, it
	 * is the hash that tells." */
	if (v->type == OBSERVABLE_FILE_NAME && !o->alone)
		return "file names that mean something only beside a hash";
	if (!e->format.blocks)
		return NULL;
	if (!o->alone)
		return "values that mean something only together with others";
	return export_protected(v, &why) ? why : NULL;
}

static enum err value_export(struct export *x, const struct export_object *o)
{
	size_t left = x->left;
	enum err e = x->exporter->value(x, o, &x->value);

	x->took = x->took || (!e && x->left == left);
	return e;
}

static enum err values_export(struct export *x, const struct export_object *o)
{
	const cJSON *value;
	enum err e = ERR_OK;

	x->result.objects++;
	cJSON_ArrayForEach(value, o->values)
	{
		enum observable_type type;
		const char *why;

		if (e)
			return e;
		if (!observable_type_parse(string_of(value, "type"), &type) ||
		    observable_set(&x->value, type, string_of(value, "value"), &why) != ERR_OK)
			e = export_leave(x, "values that cannot be read");
		/* SPEC 8.11: "No format that is made of values holds what is on one." */
		else if (cJSON_GetObjectItemCaseSensitive(value, "listed"))
			e = export_leave(x, "values on a warning list: khabar check says on which");
		else if ((why = value_refused(x->exporter, o, &x->value)) != NULL)
			e = export_leave(x, why);
		else
			e = value_export(x, o);
	}
	return e;
}

static enum err object_export(struct export *x, const struct export_object *o)
{
	size_t left = x->left;
	enum err e = x->exporter->object(x, o);

	x->took = !e && !o->scaffolding && x->left == left;
	return e;
}

enum err export_line(struct export *x, const cJSON *line, struct slice raw)
{
	const struct exporter *e = x->exporter;
	struct export_object o;

	x->took = false;
	if (!line_read(&o, line, raw))
		return export_leave(x, "objects that cannot be read");
	/* SPEC 8.8: "TLP:RED is in no export." */
	if (o.tlp == TLP_RED)
		return export_leave(x, "objects of TLP:RED");
	if (e->object) {
		x->result.objects += !o.scaffolding;
		return object_export(x, &o);
	}
	/* SPEC 8.8: "Only indicators are for detection or blocking" */
	if (strcmp(o.type, "indicator") != 0)
		return ERR_OK;
	/* SPEC 8.8: "rpz, nftables and hosts take only what is for `block`" */
	if (e->format.blocks && !o.block)
		return ERR_OK;
	return values_export(x, &o);
}

bool export_took(const struct export *x)
{
	return x->took;
}

enum err export_finish(struct export *x, struct export_result *result, struct report *report)
{
	size_t said = report->total;
	enum err e;

	x->report = report;
	e = x->exporter->finish(x);
	if (e && report->total == said)
		report_add(report, "%s%s%s", err_str(e), e == ERR_IO ? ": " : "",
			   e == ERR_IO ? strerror(errno) : "");
	*result = x->result;
	return e;
}
