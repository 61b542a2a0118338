/* csv: RFC 4180, a row for every value of every object. */
#include <string.h>

#include "node/format/export_parts.h"

static const char head[] =
	"value,type,tlp,node,use,confidence,labels,modified,valid_until,object,message\r\n";

/* Appends a field; quotes where the text could be taken for more than one. */
static void put_field(struct text *t, const char *s)
{
	text_str(t, ",");
	if (!strpbrk(s, ",\"\r\n") && s[0] != ' ') {
		text_str(t, s);
		return;
	}
	text_str(t, "\"");
	for (; *s; s++) {
		if (*s == '"')
			text_str(t, "\"");
		text_add(t, s, 1);
	}
	text_str(t, "\"");
}

static void put_labels(struct text *t, const cJSON *labels)
{
	const cJSON *label;
	struct text all;

	text_init(&all);
	cJSON_ArrayForEach(label, labels)
	{
		const char *s = cJSON_GetStringValue(label);
		if (s && all.length)
			text_str(&all, ";");
		if (s)
			text_str(&all, s);
	}
	t->bad = t->bad || all.bad;
	put_field(t, all.at ? all.at : "");
	text_clear(&all);
}

static enum err csv_value(struct export *x, const struct export_object *o,
			  const struct observable *v)
{
	struct text t, row;
	enum err e;

	text_init(&t);
	text_init(&row);
	put_field(&t, v->text);
	put_field(&t, observable_type_str(v->type));
	put_field(&t, tlp_str(o->tlp));
	put_field(&t, o->node);
	put_field(&t, o->block ? "block" : "detect");
	text_str(&t, ",");
	if (o->confidence >= 0)
		text_format(&t, "%d", o->confidence);
	put_labels(&t, o->labels);
	put_field(&t, o->modified_text);
	put_field(&t, o->valid_text);
	put_field(&t, o->id);
	put_field(&t, o->message);
	/* Without the comma of the first field. */
	if (!t.bad)
		text_add(&row, t.at + 1, t.length - 1);
	row.bad = row.bad || t.bad;
	e = export_text(x, &row);
	text_clear(&row);
	text_clear(&t);
	return e;
}

static enum err csv_finish(struct export *x)
{
	return export_lines(x, head, "", "\r\n");
}

const struct exporter exporter_csv = {
	.format = {.name = "csv", .file = "khabardar.csv"},
	.value = csv_value,
	.finish = csv_finish,
};
