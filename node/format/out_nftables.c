/* nftables: sets of addresses, in one file that replaces their elements in one transaction.
 *
 *     nft -f khabardar.nft
 *     nft add rule inet khabardar input ip saddr @block4 drop
 *
 * The file makes table and sets where they are missing and touches nothing else, so that the rules
 * that use them stay. */
#include <arpa/inet.h>
#include <string.h>

#include "node/format/export_parts.h"
#include "protocol/bytes.h"

/* A record is the number of its set, the first address, and the last address or the port. */
enum set { SET_BLOCK4, SET_BLOCK6, SET_PORT4, SET_PORT6, SETS };
enum { ADDRESS_BYTES = 16, RECORD_BYTES = 1 + 2 * ADDRESS_BYTES };

static const struct {
	const char *name, *type;
} sets[SETS] = {
	[SET_BLOCK4] = {"block4", "ipv4_addr; flags interval"},
	[SET_BLOCK6] = {"block6", "ipv6_addr; flags interval"},
	[SET_PORT4] = {"block4_port", "ipv4_addr . inet_service"},
	[SET_PORT6] = {"block6_port", "ipv6_addr . inet_service"},
};

static bool of_ipv4(enum set set)
{
	return set == SET_BLOCK4 || set == SET_PORT4;
}

static void last_address(uint8_t *out, const struct observable *v, unsigned bytes)
{
	memcpy(out, v->address, bytes);
	for (unsigned bit = v->prefix; bit < 8 * bytes; bit++)
		out[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static enum err nftables_value(struct export *x, const struct export_object *o,
			       const struct observable *v)
{
	uint8_t record[RECORD_BYTES] = {0};
	struct observable host;
	unsigned port = 0;
	bool endpoint = export_host(v, &host, &port);

	(void)o;
	if (endpoint)
		v = &host;
	if (v->type != OBSERVABLE_IPV4 && v->type != OBSERVABLE_IPV6)
		return export_leave(x, "values that are no addresses");
	memcpy(record + 1, v->address, ADDRESS_BYTES);
	if (endpoint) {
		record[0] = v->type == OBSERVABLE_IPV4 ? SET_PORT4 : SET_PORT6;
		put_u32(record + 1 + ADDRESS_BYTES, port);
	} else {
		record[0] = v->type == OBSERVABLE_IPV4 ? SET_BLOCK4 : SET_BLOCK6;
		last_address(record + 1 + ADDRESS_BYTES, v,
			     v->type == OBSERVABLE_IPV4 ? 4 : ADDRESS_BYTES);
	}
	return export_record(x, record, sizeof record);
}

/* ---- writing ---- */

/* Elements of one set, joined where they overlap or touch. */
struct writing {
	struct export *x;
	struct out out;
	enum set set; /* being written */
	bool open;    /* its braces are */
	bool pending;
	uint8_t first[ADDRESS_BYTES], last[ADDRESS_BYTES];
};

static void put_address(struct out *out, enum set set, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	out_text(out, inet_ntop(of_ipv4(set) ? AF_INET : AF_INET6, address, text, sizeof text));
}

static void element_start(struct writing *w)
{
	if (w->open) {
		out_text(&w->out, ",\n\t");
	} else {
		out_format(&w->out, "add element inet khabardar %s {\n\t", sets[w->set].name);
		w->open = true;
	}
	w->x->result.written++;
}

static void flush_range(struct writing *w)
{
	if (!w->pending)
		return;
	w->pending = false;
	element_start(w);
	put_address(&w->out, w->set, w->first);
	if (memcmp(w->first, w->last, ADDRESS_BYTES) == 0)
		return;
	out_text(&w->out, "-");
	put_address(&w->out, w->set, w->last);
}

static void set_end(struct writing *w)
{
	flush_range(w);
	if (w->open)
		out_text(&w->out, "\n}\n");
	w->open = false;
}

/* The address behind last is not before first: there is no gap between them. */
static bool reaches(const uint8_t *last, const uint8_t *first, unsigned bytes)
{
	uint8_t next[ADDRESS_BYTES];
	unsigned i = bytes;

	memcpy(next, last, ADDRESS_BYTES);
	while (i > 0 && ++next[i - 1] == 0)
		i--;
	return i == 0 || memcmp(first, next, bytes) <= 0;
}

static void take_range(struct writing *w, const uint8_t *first, const uint8_t *last)
{
	if (w->pending && reaches(w->last, first, of_ipv4(w->set) ? 4 : ADDRESS_BYTES)) {
		if (memcmp(last, w->last, ADDRESS_BYTES) > 0)
			memcpy(w->last, last, ADDRESS_BYTES);
		return;
	}
	flush_range(w);
	memcpy(w->first, first, ADDRESS_BYTES);
	memcpy(w->last, last, ADDRESS_BYTES);
	w->pending = true;
}

static void take_record(struct writing *w, const uint8_t *record)
{
	const uint8_t *first = record + 1, *last = first + ADDRESS_BYTES;

	if (record[0] != (uint8_t)w->set) {
		set_end(w);
		w->set = (enum set)record[0];
	}
	if (w->set == SET_BLOCK4 || w->set == SET_BLOCK6) {
		take_range(w, first, last);
		return;
	}
	element_start(w);
	put_address(&w->out, w->set, first);
	out_format(&w->out, " . %u", (unsigned)get_u32(last));
}

static enum err nftables_finish(struct export *x)
{
	struct writing w = {.x = x};
	struct slice record;
	enum err e = out_open(&w.out, x, x->exporter->format.file), closed;

	if (e)
		return e;
	out_text(&w.out, "# Addresses that Khabardar blocks.\nadd table inet khabardar\n");
	for (size_t i = 0; i < SETS; i++)
		out_format(&w.out,
			   "add set inet khabardar %s { type %s; }\nflush set inet khabardar %s\n",
			   sets[i].name, sets[i].type, sets[i].name);
	while (!(e = sorter_next(x->sorter, &record)))
		take_record(&w, (const uint8_t *)record.at);
	set_end(&w);
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	closed = out_close(&w.out, !e);
	return e ? e : closed;
}

const struct exporter exporter_nftables = {
	.format = {.name = "nftables", .file = "khabardar.nft", .blocks = true},
	.value = nftables_value,
	.finish = nftables_finish,
};
