#include "protocol/pattern.h"

#include <string.h>

enum { PATH_MAX_BYTES = 255 };

/* The path in lower case without quotes and without the hyphens and underscores of its last step,
 * so that every spelling of SHA-256 met in the wild is one.  False when it is too long to mean
 * anything to us. */
static bool path_plain(char out[PATH_MAX_BYTES + 1], const char *path, size_t length)
{
	size_t n = 0, last = 0;

	if (length > PATH_MAX_BYTES)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = path[i];

		if (c == '\'' || c == '"')
			continue;
		if (c == '.' || c == ':')
			last = n + 1;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		out[n++] = c;
	}
	out[n] = '\0';
	if (strncmp(out + last, "sha", 3) == 0) {
		char *to = out + last;

		for (const char *from = to; *from; from++) {
			if (*from != '-' && *from != '_')
				*to++ = *from;
		}
		*to = '\0';
	}
	return true;
}

static const char *last_step(const char *path)
{
	const char *step = path;

	for (const char *at = path; *at; at++)
		step = *at == '.' || *at == ':' ? at + 1 : step;
	return step;
}

enum meaning path_meaning(const char *written, size_t n)
{
	static const struct {
		const char *path;
		enum meaning meaning;
	} known[] = {
		{"ipv4-addr:value", MEANING_NETWORK},
		{"ipv6-addr:value", MEANING_NETWORK},
		{"domain-name:value", MEANING_NETWORK},
		{"domain-name:resolves_to_refs[*].value", MEANING_NETWORK},
		{"url:value", MEANING_NETWORK},
		{"network-traffic:src_ref.value", MEANING_NETWORK},
		{"network-traffic:dst_ref.value", MEANING_DESTINATION},
		{"network-traffic:dst_port", MEANING_PORT},
		{"network-traffic:extensions.http-request-ext.request_value", MEANING_REQUEST},
		{"network-traffic:extensions.http-request-ext.request_header.host",
		 MEANING_NETWORK},
		{"email-addr:value", MEANING_EMAIL},
		{"email-message:from_ref.value", MEANING_EMAIL},
		{"email-message:sender_ref.value", MEANING_EMAIL},
		{"email-message:to_refs[*].value", MEANING_EMAIL},
		{"file:name", MEANING_FILE_NAME},
	};
	char path[PATH_MAX_BYTES + 1];
	const char *step;

	if (!path_plain(path, written, n))
		return MEANING_NONE;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(path, known[i].path) == 0)
			return known[i].meaning;
	}
	step = last_step(path);
	if (strcmp(step, "md5") == 0 || strcmp(step, "sha1") == 0 || strcmp(step, "sha256") == 0 ||
	    strcmp(step, "sha512") == 0)
		return MEANING_HASH;
	return MEANING_NONE;
}

static bool hash_read(struct observable *o, const char *path, const char *text)
{
	enum observable_type type;

	return observable_type_parse(last_step(path), &type) &&
	       observable_set(o, type, text, NULL) == ERR_OK;
}

static bool network_read(struct observable *o, const char *path, const char *text)
{
	enum observable_type type = OBSERVABLE_DOMAIN;
	const char *why;

	if (strncmp(path, "url:", 4) == 0)
		type = OBSERVABLE_URL;
	else if (strncmp(path, "ipv4", 4) == 0)
		type = OBSERVABLE_IPV4;
	else if (strncmp(path, "ipv6", 4) == 0)
		type = OBSERVABLE_IPV6;
	if (observable_set(o, type, text, NULL) == ERR_OK)
		return true;
	/* SPEC 8.4: "A value that does not fit its path, such as an address in a domain-name, is
	 * recognised by the rules of 8.3." */
	if (observable_detect(o, text, &why) != ERR_OK)
		return false;
	switch (o->type) {
	case OBSERVABLE_IPV4:
	case OBSERVABLE_IPV6:
	case OBSERVABLE_ENDPOINT:
	case OBSERVABLE_DOMAIN:
	case OBSERVABLE_URL:
		return true;
	case OBSERVABLE_NONE:
	case OBSERVABLE_PATH:
	case OBSERVABLE_EMAIL:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
	case OBSERVABLE_TYPES:
		break;
	}
	return false;
}

bool value_read(struct observable *o, enum meaning meaning, const char *written, size_t n,
		const char *text)
{
	char path[PATH_MAX_BYTES + 1];

	if (!path_plain(path, written, n))
		return false;
	switch (meaning) {
	case MEANING_NETWORK:
	case MEANING_DESTINATION:
		return network_read(o, path, text);
	case MEANING_REQUEST:
		return observable_set(o, OBSERVABLE_PATH, text, NULL) == ERR_OK ||
		       observable_set(o, OBSERVABLE_URL, text, NULL) == ERR_OK;
	case MEANING_EMAIL:
		return observable_set(o, OBSERVABLE_EMAIL, text, NULL) == ERR_OK;
	case MEANING_FILE_NAME:
		return observable_set(o, OBSERVABLE_FILE_NAME, text, NULL) == ERR_OK;
	case MEANING_HASH:
		return hash_read(o, path, text);
	case MEANING_NONE:
	case MEANING_PORT:
		break;
	}
	return false;
}
