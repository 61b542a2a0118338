/* zeek: a file of Zeek's intelligence framework. */
#include <string.h>

#include "node/format/export_parts.h"

static const char head[] = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n";

/* What Zeek sees of the value: its type there, NULL when nothing, and the text. */
static const char *zeek_type(const struct observable *v, const char **text)
{
	const char *slashes;

	*text = v->text;
	switch (v->type) {
	case OBSERVABLE_IPV4:
		return v->prefix < 32 ? "Intel::SUBNET" : "Intel::ADDR";
	case OBSERVABLE_IPV6:
		return v->prefix < 128 ? "Intel::SUBNET" : "Intel::ADDR";
	case OBSERVABLE_DOMAIN:
		return "Intel::DOMAIN";
	case OBSERVABLE_URL:
		/* Zeek's URLs have no scheme. */
		slashes = strstr(v->text, "://");
		*text = slashes ? slashes + 3 : v->text;
		return "Intel::URL";
	case OBSERVABLE_EMAIL:
		return "Intel::EMAIL";
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
		return "Intel::FILE_HASH";
	case OBSERVABLE_FILE_NAME:
		return "Intel::FILE_NAME";
	case OBSERVABLE_ENDPOINT:
	case OBSERVABLE_PATH:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_NONE:
	case OBSERVABLE_TYPES:
		break;
	}
	return NULL;
}

/* Zeek's reader takes \xNN for a byte, and some texts for no value at all. */
static void put_value(struct text *t, const char *s)
{
	for (; *s; s++) {
		bool first_mark = *s == '#' || (*s == '-' && !s[1]) || *s == '(';

		if (*s == '\\' || (t->length == 0 && first_mark))
			text_format(t, "\\x%02x", (unsigned char)*s);
		else
			text_add(t, s, 1);
	}
}

static enum err zeek_value(struct export *x, const struct export_object *o,
			   const struct observable *v)
{
	struct observable host;
	const char *text, *type;
	struct text t;
	unsigned port;
	enum err e;

	/* SPEC 8.8: "Of an endpoint suricata and zeek have the host" */
	if (export_host(v, &host, &port))
		v = &host;
	type = zeek_type(v, &text);
	if (!type)
		return export_leave(x, "values of types that Zeek does not see");
	text_init(&t);
	put_value(&t, text);
	text_format(&t, "\t%s\tkhabardar-%s\tTLP:%s %s", type, o->node, tlp_str(o->tlp), o->id);
	e = export_text(x, &t);
	text_clear(&t);
	return e;
}

static enum err zeek_finish(struct export *x)
{
	return export_lines(x, head, "", "\n");
}

const struct exporter exporter_zeek = {
	.format = {.name = "zeek", .file = "khabardar.intel"},
	.value = zeek_value,
	.finish = zeek_finish,
};
