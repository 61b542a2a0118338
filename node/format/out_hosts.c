/* hosts: names to be blocked, as a hosts file and many filters read them. */
#include "node/format/export_parts.h"

static enum err hosts_value(struct export *x, const struct export_object *o,
			    const struct observable *v)
{
	(void)o;
	if (v->type != OBSERVABLE_DOMAIN)
		return export_leave(x, "values that are no names");
	return export_record(x, v->text, v->length);
}

static enum err hosts_finish(struct export *x)
{
	return export_lines(x, "# Names that Khabardar blocks.\n", "0.0.0.0 ", "\n");
}

const struct exporter exporter_hosts = {
	.format = {.name = "hosts", .file = "khabardar.hosts", .blocks = true},
	.value = hosts_value,
	.finish = hosts_finish,
};
