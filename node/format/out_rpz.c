/* rpz: a response policy zone.  Names have no answer, nor has anything below them; answers with
 * blocked addresses in them are none. */
#include <stdlib.h>
#include <string.h>

#include "node/format/export_parts.h"

enum {
	HEAD_BYTES = 4096,
	NAME_WIRE_MAX_BYTES = 255,
	WILDCARD_BYTES = 2,
	ZONE_ROOM_BYTES = 64, /* for the name of a zone that nobody told us */
	GROUPS = 8,
};

/* The longest run of zero groups of at least two, the first of equals: as inet_ntop has it. */
static int zeros_find(const unsigned groups[GROUPS], int *length)
{
	int best = -1, at = 0;

	*length = 1;
	while (at < GROUPS) {
		int n = 0;

		while (at + n < GROUPS && groups[at + n] == 0)
			n++;
		if (n > *length) {
			best = at;
			*length = n;
		}
		at += n ? n : 1;
	}
	return best;
}

static void put_ipv6(struct text *t, const struct observable *v)
{
	unsigned groups[GROUPS];
	int zeros, length;

	for (int i = 0; i < GROUPS; i++)
		groups[i] = (unsigned)v->address[2 * i] << 8 | v->address[2 * i + 1];
	zeros = zeros_find(groups, &length);
	text_format(t, "%u", v->prefix);
	for (int i = GROUPS - 1; i >= 0; i--) {
		if (zeros >= 0 && i == zeros + length - 1) {
			text_str(t, ".zz");
			i = zeros;
		} else {
			text_format(t, ".%x", groups[i]);
		}
	}
}

static size_t zone_bytes(const struct export *x)
{
	return x->options.zone ? strlen(x->options.zone) + 2 : ZONE_ROOM_BYTES;
}

static enum err rpz_value(struct export *x, const struct export_object *o,
			  const struct observable *v)
{
	struct text t;
	enum err e;

	(void)o;
	text_init(&t);
	if (v->type == OBSERVABLE_DOMAIN) {
		/* One name that is too long, and a resolver refuses the whole zone. */
		if (v->length + WILDCARD_BYTES + zone_bytes(x) > NAME_WIRE_MAX_BYTES)
			return export_leave(x, "names too long to stand in a zone");
		return export_record(x, v->text, v->length);
	}
	if (v->type == OBSERVABLE_IPV4)
		text_format(&t, "%u.%u.%u.%u.%u", v->prefix, v->address[3], v->address[2],
			    v->address[1], v->address[0]);
	else if (v->type == OBSERVABLE_IPV6)
		put_ipv6(&t, v);
	else
		return export_leave(x, "values that are neither names nor addresses");
	text_str(&t, ".rpz-ip");
	e = export_text(x, &t);
	text_clear(&t);
	return e;
}

/* SPEC 8.8: "The serial is the time in seconds since 1970, or one more than that of the file that
 * is replaced, whichever is greater" */
static unsigned long serial_next(const struct export *x)
{
	unsigned long serial = (unsigned long)(x->options.now / 1000);
	char path[PATH_MAX], head[HEAD_BYTES] = "";
	const char *soa;
	FILE *old;

	if (!x->options.dir || snprintf(path, sizeof path, "%s/%s", x->options.dir,
					x->exporter->format.file) >= (int)sizeof path)
		return serial;
	old = fopen(path, "r");
	if (!old)
		return serial;
	head[fread(head, 1, sizeof head - 1, old)] = '\0';
	fclose(old);
	soa = strstr(head, " SOA localhost. root.localhost. ");
	if (soa) {
		unsigned long last =
			strtoul(soa + strlen(" SOA localhost. root.localhost. "), NULL, 10);
		if (last >= serial && last < UINT32_MAX)
			serial = last + 1;
	}
	return serial;
}

static bool is_address(struct slice name)
{
	static const char suffix[] = ".rpz-ip";
	size_t n = sizeof suffix - 1;

	return name.length > n && memcmp(name.at + name.length - n, suffix, n) == 0;
}

static enum err rpz_finish(struct export *x)
{
	struct slice name;
	struct out out;
	enum err e = out_open(&out, x, x->exporter->format.file), closed;

	if (e)
		return e;
	out_text(&out, "; Names and addresses that Khabardar blocks.\n");
	if (x->options.zone)
		out_format(&out, "$ORIGIN %s.\n", x->options.zone);
	out_format(&out,
		   "$TTL 300\n"
		   "@ IN SOA localhost. root.localhost. %lu 3600 600 2592000 300\n"
		   "@ IN NS localhost.\n",
		   serial_next(x));
	while (!(e = sorter_next(x->sorter, &name))) {
		out_bytes(&out, name.at, name.length);
		out_text(&out, " CNAME .\n");
		if (!is_address(name)) {
			out_text(&out, "*.");
			out_bytes(&out, name.at, name.length);
			out_text(&out, " CNAME .\n");
		}
		x->result.written++;
	}
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	closed = out_close(&out, !e);
	return e ? e : closed;
}

const struct exporter exporter_rpz = {
	.format = {.name = "rpz", .file = "khabardar.rpz", .blocks = true},
	.value = rpz_value,
	.finish = rpz_finish,
};
