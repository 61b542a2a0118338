/* list: a value a line, in its canonical spelling. */
#include "node/format/export_parts.h"

static enum err list_value(struct export *x, const struct export_object *o,
			   const struct observable *v)
{
	(void)o;
	return export_record(x, v->text, v->length);
}

static enum err list_finish(struct export *x)
{
	return export_lines(x, "", "", "\n");
}

const struct exporter exporter_list = {
	.format = {.name = "list", .file = "khabardar.txt"},
	.value = list_value,
	.finish = list_finish,
};
