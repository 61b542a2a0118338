#include "node/format/misp_type.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/observable.h"

enum { TEXT_DAYS = 400, PART_MAX_BYTES = 4096 };

enum kind {
	KIND_NETWORK, /* an address, domain or URL, whichever it is */
	KIND_VALUE,   /* an observable of one type */
	KIND_TEXT,    /* a string at path */
	KIND_NUMBER,  /* an integer at path */
	KIND_RULE,    /* a rule in the language path */
};

struct misp_type {
	const char *type;
	enum kind kind;
	enum observable_type observable;
	const char *path;
};

static const struct misp_type types[] = {
	{"ip-src", KIND_NETWORK, 0, NULL},
	{"ip-dst", KIND_NETWORK, 0, NULL},
	{"ip", KIND_NETWORK, 0, NULL},
	{"domain", KIND_NETWORK, 0, NULL},
	{"hostname", KIND_NETWORK, 0, NULL},
	{"url", KIND_NETWORK, 0, NULL},
	{"uri", KIND_NETWORK, 0, NULL},
	{"link", KIND_NETWORK, 0, NULL},
	{"email", KIND_VALUE, OBSERVABLE_EMAIL, NULL},
	{"email-src", KIND_VALUE, OBSERVABLE_EMAIL, NULL},
	{"email-dst", KIND_VALUE, OBSERVABLE_EMAIL, NULL},
	{"email-reply-to", KIND_VALUE, OBSERVABLE_EMAIL, NULL},
	{"whois-registrant-email", KIND_VALUE, OBSERVABLE_EMAIL, NULL},
	{"md5", KIND_VALUE, OBSERVABLE_MD5, NULL},
	{"sha1", KIND_VALUE, OBSERVABLE_SHA1, NULL},
	{"sha256", KIND_VALUE, OBSERVABLE_SHA256, NULL},
	{"sha512", KIND_VALUE, OBSERVABLE_SHA512, NULL},
	{"filename", KIND_VALUE, OBSERVABLE_FILE_NAME, NULL},
	{"email-attachment", KIND_VALUE, OBSERVABLE_FILE_NAME, NULL},
	{"sha224", KIND_TEXT, 0, "file:hashes.'SHA-224'"},
	{"sha384", KIND_TEXT, 0, "file:hashes.'SHA-384'"},
	{"sha3-256", KIND_TEXT, 0, "file:hashes.'SHA3-256'"},
	{"sha3-512", KIND_TEXT, 0, "file:hashes.'SHA3-512'"},
	{"ssdeep", KIND_TEXT, 0, "file:hashes.SSDEEP"},
	{"tlsh", KIND_TEXT, 0, "file:hashes.TLSH"},
	{"imphash", KIND_TEXT, 0, "file:extensions.'windows-pebinary-ext'.imphash"},
	{"x509-fingerprint-md5", KIND_TEXT, 0, "x509-certificate:hashes.MD5"},
	{"x509-fingerprint-sha1", KIND_TEXT, 0, "x509-certificate:hashes.'SHA-1'"},
	{"x509-fingerprint-sha256", KIND_TEXT, 0, "x509-certificate:hashes.'SHA-256'"},
	{"mutex", KIND_TEXT, 0, "mutex:name"},
	{"regkey", KIND_TEXT, 0, "windows-registry-key:key"},
	{"user-agent", KIND_TEXT, 0,
	 "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"},
	{"http-method", KIND_TEXT, 0,
	 "network-traffic:extensions.'http-request-ext'.request_method"},
	{"email-subject", KIND_TEXT, 0, "email-message:subject"},
	{"email-body", KIND_TEXT, 0, "email-message:body"},
	{"mac-address", KIND_TEXT, 0, "mac-addr:value"},
	{"mime-type", KIND_TEXT, 0, "file:mime_type"},
	{"AS", KIND_NUMBER, 0, "autonomous-system:number"},
	{"port", KIND_NUMBER, 0, "network-traffic:dst_port"},
	{"size-in-bytes", KIND_NUMBER, 0, "file:size"},
	{"yara", KIND_RULE, 0, "yara"},
	{"snort", KIND_RULE, 0, "snort"},
	{"suricata", KIND_RULE, 0, "suricata"},
	{"sigma", KIND_RULE, 0, "sigma"},
};

static const struct misp_type *type_find(const char *type, size_t n)
{
	for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
		if (strncmp(types[t].type, type, n) == 0 && !types[t].type[n])
			return &types[t];
	}
	return NULL;
}

static void string_add(struct text *t, const char *path, const char *value)
{
	text_str(t, path);
	text_str(t, " = '");
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			text_add(t, "\\", 1);
		text_add(t, value, 1);
	}
	text_str(t, "'");
}

/* The pattern of a value without its brackets. */
static void observable_add(struct text *t, const struct observable *o)
{
	char pattern[2 * OBSERVABLE_MAX_BYTES + 256];
	size_t n = observable_pattern(o, pattern, sizeof pattern);

	if (n > 2)
		text_add(t, pattern + 1, n - 2);
}

static bool number_add(struct text *t, const char *path, const char *value, const char **why)
{
	size_t n;

	if (strncmp(path, "autonomous-system", 17) == 0 && strncmp(value, "AS", 2) == 0)
		value += 2;
	n = strspn(value, "0123456789");
	*why = "not a number";
	if (n == 0 || n > 15 || value[n])
		return false;
	text_format(t, "%s = %lld", path, strtoll(value, NULL, 10));
	return true;
}

static bool network_add(struct text *t, const char *value, unsigned *days, const char **why)
{
	struct observable o;

	if (observable_detect(&o, value, why) != ERR_OK)
		return false;
	*days = observable_valid_days(o.type);
	observable_add(t, &o);
	*why = "not an address, domain, URL or path";
	return o.type >= OBSERVABLE_IPV4 && o.type <= OBSERVABLE_PATH;
}

/* One comparison, or for a rule the rule itself. */
static bool simple_add(struct text *t, const struct misp_type *type, const char *value,
		       unsigned *days, const char **why)
{
	struct observable o;

	*days = TEXT_DAYS;
	*why = "empty";
	if (!*value)
		return false;
	switch (type->kind) {
	case KIND_NETWORK:
		return network_add(t, value, days, why);
	case KIND_VALUE:
		if (observable_set(&o, type->observable, value, why) != ERR_OK &&
		    (type->observable == OBSERVABLE_FILE_NAME ||
		     observable_detect(&o, value, why) != ERR_OK))
			return false;
		*why = "not what its type says";
		if (o.type != type->observable)
			return false;
		*days = observable_valid_days(o.type);
		observable_add(t, &o);
		return true;
	case KIND_TEXT:
		string_add(t, type->path, value);
		return true;
	case KIND_NUMBER:
		return number_add(t, type->path, value, why);
	case KIND_RULE:
		text_str(t, value);
		return true;
	}
	return false;
}

static bool endpoint_add(struct text *t, const char *host, const char *port, unsigned *days,
			 const char **why)
{
	char text[PART_MAX_BYTES + 32];
	struct observable o, address;

	if (strlen(host) >= PART_MAX_BYTES || strlen(port) > 8) {
		*why = "too long";
		return false;
	}
	if (observable_detect(&address, host, why) != ERR_OK)
		return false;
	stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(text, address.type == OBSERVABLE_IPV6 ? "[" : ""),
				    address.text),
			     address.type == OBSERVABLE_IPV6 ? "]" : ""),
		      ":"),
	       port);
	if (observable_set(&o, OBSERVABLE_ENDPOINT, text, why) != ERR_OK)
		return false;
	*days = observable_valid_days(o.type);
	observable_add(t, &o);
	return true;
}

static bool source_add(struct text *t, const char *host, const char *port, unsigned *days,
		       const char **why)
{
	struct observable o;

	if (observable_detect(&o, host, why) != ERR_OK)
		return false;
	*days = observable_valid_days(o.type);
	string_add(t, "network-traffic:src_ref.value", o.text);
	text_str(t, " AND ");
	return number_add(t, "network-traffic:src_port", port, why);
}

static bool domain_ip_add(struct text *t, const char *domain, const char *address, unsigned *days,
			  const char **why)
{
	struct observable o;

	if (!network_add(t, domain, days, why) || observable_detect(&o, address, why) != ERR_OK)
		return false;
	*why = "not an address";
	if (o.type != OBSERVABLE_IPV4 && o.type != OBSERVABLE_IPV6)
		return false;
	text_str(t, " AND ");
	string_add(t, "domain-name:resolves_to_refs[*].value", o.text);
	return true;
}

static bool file_add(struct text *t, const char *hash_type, const char *name, const char *hash,
		     unsigned *days, const char **why)
{
	const struct misp_type *type = type_find(hash_type, strlen(hash_type));
	const struct misp_type *file = type_find("filename", 8);

	*why = "a type that equality cannot express";
	if (!type || !file || !simple_add(t, file, name, days, why))
		return false;
	text_str(t, " AND ");
	return simple_add(t, type, hash, days, why);
}

static bool registry_add(struct text *t, const char *key, const char *value)
{
	string_add(t, "windows-registry-key:key", key);
	text_str(t, " AND ");
	string_add(t, "windows-registry-key:values[*].data", value);
	return true;
}

/* "filename|md5", "domain|ip", "ip-dst|port": both halves, joined. */
static bool composite_add(struct text *t, const char *type, const char *value, unsigned *days,
			  const char **why)
{
	/* A file's name may hold the sign, a hash, address or port may not. */
	const char *bar =
		strncmp(type, "regkey", 6) == 0 ? strchr(value, '|') : strrchr(value, '|');
	char *first, *second;
	bool done = false;

	*why = "a value without the | of its type";
	if (!bar)
		return false;
	first = strndup(value, (size_t)(bar - value));
	second = strdup(bar + 1);
	*days = TEXT_DAYS;
	*why = "a type that equality cannot express";
	if (!first || !second)
		*why = "out of memory";
	else if (strcmp(type, "ip-dst|port") == 0 || strcmp(type, "hostname|port") == 0)
		done = endpoint_add(t, first, second, days, why);
	else if (strcmp(type, "ip-src|port") == 0)
		done = source_add(t, first, second, days, why);
	else if (strcmp(type, "domain|ip") == 0)
		done = domain_ip_add(t, first, second, days, why);
	else if (strcmp(type, "regkey|value") == 0)
		done = registry_add(t, first, second);
	else if (strcmp(type, "malware-sample") == 0)
		done = file_add(t, "md5", first, second, days, why);
	else if (strncmp(type, "filename|", 9) == 0)
		done = file_add(t, type + 9, first, second, days, why);
	free(first);
	free(second);
	return done;
}

bool misp_pattern(struct text *pattern, const char **language, unsigned *days, const char *type,
		  const char *value, const char **why)
{
	const struct misp_type *simple = type_find(type, strlen(type));
	bool done;

	*language = "stix";
	*why = "a type that equality cannot express";
	if (simple && simple->kind == KIND_RULE) {
		*language = simple->path;
		return simple_add(pattern, simple, value, days, why);
	}
	if (!simple && !strchr(type, '|') && strcmp(type, "malware-sample") != 0)
		return false;
	text_str(pattern, "[");
	done = simple ? simple_add(pattern, simple, value, days, why)
		      : composite_add(pattern, type, value, days, why);
	text_str(pattern, "]");
	return done;
}
