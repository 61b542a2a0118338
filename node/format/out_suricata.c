/* suricata: lists and the rules that load them.
 *
 * Names, hosts and paths of URLs are datasets of strings, hashes are hash lists; both are read by
 * Suricata 6.  Addresses are a dataset of a type that came with Suricata 7, and so have a rules
 * file of their own; networks, which no dataset holds, stand in rules.
 *
 * A dataset is a hash table of a size that has to be told: with Suricata's own a million names take
 * it minutes to load.  It refuses sizes over 262144, and the next one those over 65536. */
#include <sodium.h>
#include <string.h>

#include "node/format/export_parts.h"

enum {
	BASE64_BYTES =
		sodium_base64_ENCODED_LEN(OBSERVABLE_MAX_BYTES + 1, sodium_base64_VARIANT_ORIGINAL),
	NETWORKS_PER_RULE = 64,
	SID_NETWORKS = 1411000, /* those below are of the table */
	HASH_SIZE_MIN = 2048,
	HASH_SIZE_MAX = 65536,
};

/* The first byte of a record says in which list it is; NETWORK has none. */
enum list { DOMAIN, URL_HOST, URL_REST, PATH, MD5, SHA1, SHA256, ADDRESS, NETWORK, LISTS };

static const char *const files[NETWORK] = {
	[DOMAIN] = "khabardar-domain.lst",     [URL_HOST] = "khabardar-url-host.lst",
	[URL_REST] = "khabardar-url-rest.lst", [PATH] = "khabardar-path.lst",
	[MD5] = "khabardar-md5.lst",           [SHA1] = "khabardar-sha1.lst",
	[SHA256] = "khabardar-sha256.lst",     [ADDRESS] = "khabardar-ip.lst",
};

/* One alert a minute for two addresses, and not one for every packet. */
#define SELDOM "threshold:type limit,track by_both,count 1,seconds 60; "

/* What is looked up, and in which list. */
struct look {
	const char *keyword; /* a buffer, or what compares with a list of hashes; NULL: nothing */
	enum list list;
};

#define HASHES(keyword, list, sid) \
	{"http", "file of a known threat", {{keyword, list}}, "", sid}, \
		{"smtp", "file of a known threat", {{keyword, list}}, "", (sid) + 1}, \
		{"ftp-data", "file of a known threat", {{keyword, list}}, "", (sid) + 2}, \
	{ \
		"smb", "file of a known threat", {{keyword, list}}, "", (sid) + 3 \
	}

static const struct rule {
	const char *protocol, *words;
	struct look looks[2]; /* the list of the first must not be empty */
	const char *options;
	unsigned sid;
} rules[] = {
	{"dns", "name of a known threat looked up", {{"dns.query", DOMAIN}}, "", 1410001},
	{"tls", "name of a known threat in TLS", {{"tls.sni", DOMAIN}}, "", 1410002},
	{"http", "name of a known threat in HTTP", {{"http.host", DOMAIN}}, "", 1410003},
	{"http",
	 "URL of a known threat",
	 {{"http.host", URL_HOST}, {"http.uri.raw", URL_REST}},
	 "",
	 1410004},
	{"http", "path of a known threat", {{"http.uri.raw", PATH}}, "", 1410005},
	HASHES("filemd5", MD5, 1410010),
	HASHES("filesha1", SHA1, 1410020),
	HASHES("filesha256", SHA256, 1410030),
	{"ip", "packet from a known threat", {{"ip.src", ADDRESS}}, SELDOM, 1410040},
	{"ip", "packet to a known threat", {{"ip.dst", ADDRESS}}, SELDOM, 1410041},
};

/* ---- records ---- */

static enum err add(struct export *x, enum list list, const char *text, size_t n, bool encode)
{
	char record[1 + BASE64_BYTES];

	record[0] = (char)list;
	if (encode) {
		sodium_bin2base64(record + 1, BASE64_BYTES, (const unsigned char *)text, n,
				  sodium_base64_VARIANT_ORIGINAL);
		n = strlen(record + 1);
	} else {
		memcpy(record + 1, text, n);
	}
	return export_record(x, record, 1 + n);
}

/* What Suricata sees of a URL: the host without user, port and brackets, and the rest as it was
 * sent, without the fragment. */
static enum err add_url(struct export *x, const struct observable *v)
{
	const char *slashes = strstr(v->text, "://");
	const char *host = slashes ? slashes + 3 : v->text, *end = host + strcspn(host, "/?#");
	const char *at = memrchr(host, '@', (size_t)(end - host)), *stop;
	char rest[OBSERVABLE_MAX_BYTES + 2];
	enum err e;

	if (at)
		host = at + 1;
	if (*host == '[') {
		host++;
		stop = host + strcspn(host, "]");
	} else {
		stop = memchr(host, ':', (size_t)(end - host));
	}
	if (!stop || stop > end)
		stop = end;
	e = add(x, URL_HOST, host, (size_t)(stop - host), true);
	snprintf(rest, sizeof rest, "%s%.*s", *end == '/' ? "" : "/", (int)strcspn(end, "#"), end);
	return e ? e : add(x, URL_REST, rest, strlen(rest), true);
}

static enum err suricata_value(struct export *x, const struct export_object *o,
			       const struct observable *v)
{
	struct observable host;
	unsigned port;

	(void)o;
	if (export_host(v, &host, &port))
		v = &host;
	switch (v->type) {
	case OBSERVABLE_IPV4:
		return add(x, v->prefix < 32 ? NETWORK : ADDRESS, v->text, v->length, false);
	case OBSERVABLE_IPV6:
		return add(x, v->prefix < 128 ? NETWORK : ADDRESS, v->text, v->length, false);
	case OBSERVABLE_DOMAIN:
		return add(x, DOMAIN, v->text, v->length, true);
	case OBSERVABLE_URL:
		return add_url(x, v);
	case OBSERVABLE_PATH:
		return add(x, PATH, v->text, v->length, true);
	case OBSERVABLE_MD5:
		return add(x, MD5, v->text, v->length, false);
	case OBSERVABLE_SHA1:
		return add(x, SHA1, v->text, v->length, false);
	case OBSERVABLE_SHA256:
		return add(x, SHA256, v->text, v->length, false);
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
	case OBSERVABLE_ENDPOINT:
	case OBSERVABLE_NONE:
	case OBSERVABLE_TYPES:
		break;
	}
	return export_leave(x, "values of types that Suricata's rules do not see");
}

/* ---- files ---- */

struct writing {
	struct export *x;
	struct out rules, address_rules, list;
	size_t count[LISTS];
	size_t networks; /* written to rules */
};

static const char *head(bool addresses)
{
	return addresses
		       ? "# Rules for what Khabardar detects.  Suricata 7 or later.\n"
		       : "# Rules for what Khabardar detects.  Suricata 6 or later.\n"
			 "# It compares files with lists of more than one kind of hash only where\n"
			 "# suricata.yaml has, in the type files of eve-log:\n"
			 "#     force-hash: [md5, sha1, sha256]\n";
}

static void put_network(struct writing *w, struct slice network)
{
	static const char start[] = "alert ip any any <> [";

	out_text(&w->rules, w->networks % NETWORKS_PER_RULE == 0 ? start : ",");
	out_bytes(&w->rules, network.at, network.length);
}

static void end_networks(struct writing *w)
{
	out_format(
		&w->rules,
		"] any (msg:\"Khabardar: packet from or to a network of a known threat\"; " SELDOM
		"classtype:bad-unknown; sid:%zu; rev:1;)\n",
		SID_NETWORKS + (w->networks - 1) / NETWORKS_PER_RULE);
}

static size_t hash_size(size_t values)
{
	size_t size = HASH_SIZE_MIN;

	while (size < values && size < HASH_SIZE_MAX)
		size *= 2;
	return size;
}

static void put_look(const struct writing *w, struct out *out, const struct look *look)
{
	const char *file = files[look->list];

	switch (look->list) {
	case MD5:
	case SHA1:
	case SHA256:
		out_format(out, "%s:%s; ", look->keyword, file);
		return;
	case DOMAIN:
	case URL_HOST:
	case URL_REST:
	case PATH:
	case ADDRESS:
		out_format(out, "%s; dataset:isset,%.*s,type %s,load %s,hashsize %zu; ",
			   look->keyword, (int)strcspn(file, "."), file,
			   look->list == ADDRESS ? "ip" : "string", file,
			   hash_size(w->count[look->list]));
		return;
	case NETWORK:
	case LISTS:
		return;
	}
}

static void put_rules(struct writing *w)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct rule *r = &rules[i];
		struct out *out = r->looks[0].list == ADDRESS ? &w->address_rules : &w->rules;

		if (!w->count[r->looks[0].list])
			continue;
		out_format(out, "alert %s any any -> any any (msg:\"Khabardar: %s\"; ", r->protocol,
			   r->words);
		put_look(w, out, &r->looks[0]);
		if (r->looks[1].keyword)
			put_look(w, out, &r->looks[1]);
		out_format(out, "%sclasstype:bad-unknown; sid:%u; rev:1;)\n", r->options, r->sid);
	}
}

/* Every list is written, the empty ones too: rules that are loaded still may name them. */
static enum err lists_until(struct writing *w, enum list *at, enum list list)
{
	enum err e = ERR_OK;

	while (!e && *at < list) {
		e = out_close(&w->list, true);
		if (!e && ++*at < NETWORK)
			e = out_open(&w->list, w->x, files[*at]);
	}
	return e;
}

static enum err write_records(struct writing *w)
{
	enum list at = DOMAIN;
	struct slice record;
	enum err e = out_open(&w->list, w->x, files[at]);

	while (!e && !(e = sorter_next(w->x->sorter, &record))) {
		struct slice text = {record.at + 1, record.length - 1};

		e = lists_until(w, &at, (enum list)record.at[0]);
		if (e)
			break;
		w->count[at]++;
		w->x->result.written++;
		if (at == NETWORK) {
			put_network(w, text);
			if (++w->networks % NETWORKS_PER_RULE == 0)
				end_networks(w);
			continue;
		}
		out_bytes(&w->list, text.at, text.length);
		out_text(&w->list, "\n");
	}
	if (w->networks % NETWORKS_PER_RULE)
		end_networks(w);
	return e == ERR_NOT_FOUND ? lists_until(w, &at, NETWORK) : e;
}

static enum err suricata_finish(struct export *x)
{
	struct writing w = {.x = x};
	enum err e = out_open(&w.rules, x, "khabardar.rules"), closed;

	if (!e)
		e = out_open(&w.address_rules, x, "khabardar-ip.rules");
	if (!e) {
		out_text(&w.rules, head(false));
		out_text(&w.address_rules, head(true));
		e = write_records(&w);
	}
	if (!e)
		put_rules(&w);
	out_close(&w.list, false);
	closed = out_close(&w.rules, !e);
	e = e ? e : closed;
	closed = out_close(&w.address_rules, !e);
	return e ? e : closed;
}

const struct exporter exporter_suricata = {
	.format = {.name = "suricata"},
	.value = suricata_value,
	.finish = suricata_finish,
};
