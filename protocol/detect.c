/* What operators and lists write: defanged, without types, with decoration. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "protocol/observable.h"

enum { WRITTEN_MAX_BYTES = 2 * OBSERVABLE_MAX_BYTES };

/* The ways in which reports keep a value from being clicked; longer ones first. */
static const struct {
	const char *defanged, *meant;
} fangs[] = {
	{"[://]", "://"}, {"[:]//", "://"}, {"[dot]", "."}, {"(dot)", "."}, {"{dot}", "."},
	{"[at]", "@"},    {"(at)", "@"},    {"{at}", "@"},  {"[.]", "."},   {"(.)", "."},
	{"{.}", "."},     {"[:]", ":"},     {"(:)", ":"},   {"[@]", "@"},   {"(@)", "@"},
	{"[/]", "/"},     {"\\.", "."},     {"[.", "."},    {".]", "."},
};

static const struct {
	const char *defanged, *meant;
} schemes[] = {
	{"hxxps", "https"}, {"hxxp", "http"}, {"h**ps", "https"}, {"h**p", "http"},
	{"htxps", "https"}, {"htxp", "http"}, {"hxtps", "https"}, {"hxtp", "http"},
	{"fxps", "ftps"},   {"fxp", "ftp"},
};

/* Copies text without its fangs' guards; out is at least as large as text. */
static void refang(char *out, const char *text)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t n = strlen(schemes[i].defanged);

		if (strncasecmp(text, schemes[i].defanged, n) == 0 &&
		    (text[n] == ':' || text[n] == '[' || text[n] == '(')) {
			out = stpcpy(out, schemes[i].meant);
			text += n;
			break;
		}
	}
	while (*text) {
		size_t i = 0, count = sizeof fangs / sizeof *fangs;

		if (!strchr("[({\\.", *text))
			i = count;
		while (i < count &&
		       strncasecmp(text, fangs[i].defanged, strlen(fangs[i].defanged)) != 0)
			i++;
		if (i == count) {
			*out++ = *text++;
			continue;
		}
		text += strlen(fangs[i].defanged);
		out = stpcpy(out, fangs[i].meant);
	}
	*out = '\0';
}

static enum observable_type hash_type(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF");

	if (text[n])
		return OBSERVABLE_NONE;
	switch (n) {
	case 32:
		return OBSERVABLE_MD5;
	case 40:
		return OBSERVABLE_SHA1;
	case 64:
		return OBSERVABLE_SHA256;
	case 128:
		return OBSERVABLE_SHA512;
	}
	return OBSERVABLE_NONE;
}

/* Text has a slash: a network, or a URL without its scheme.  "1.2.3.4/24" is taken for a network,
 * not for a page named 24, and a netmask is told apart so that it is refused by name. */
static enum observable_type slash_type(const char *text, const char *slash)
{
	size_t digits = strspn(slash + 1, "0123456789");
	const char *colon = memchr(text, ':', (size_t)(slash - text));
	struct in_addr mask;

	if (text + strspn(text, "0123456789.") == slash &&
	    ((digits >= 1 && digits <= 3 && !slash[1 + digits]) ||
	     inet_pton(AF_INET, slash + 1, &mask) == 1))
		return OBSERVABLE_IPV4;
	if (text[0] != '[' && colon && memchr(colon + 1, ':', (size_t)(slash - colon - 1)))
		return OBSERVABLE_IPV6;
	return OBSERVABLE_URL;
}

/* The one type that text can be, judged by its punctuation. */
static enum observable_type type_of(const char *text)
{
	size_t host = strcspn(text, "/?#");
	enum observable_type hash = hash_type(text);
	const char *colon = strchr(text, ':');

	if (text[0] == '/')
		return OBSERVABLE_PATH;
	if (strstr(text, "://"))
		return OBSERVABLE_URL;
	if (hash != OBSERVABLE_NONE)
		return hash;
	if (text[host] == '/')
		return slash_type(text, text + host);
	if (strchr(text, '@'))
		return OBSERVABLE_EMAIL;
	if (text[host])
		return OBSERVABLE_URL;
	if (text[0] == '[')
		return strstr(text, "]:") ? OBSERVABLE_ENDPOINT : OBSERVABLE_IPV6;
	if (colon && strchr(colon + 1, ':'))
		return OBSERVABLE_IPV6;
	if (colon)
		return OBSERVABLE_ENDPOINT;
	if (text[strspn(text, "0123456789.")] == '\0')
		return OBSERVABLE_IPV4;
	return strchr(text, '.') ? OBSERVABLE_DOMAIN : OBSERVABLE_NONE;
}

static enum err set_as(struct observable *o, enum observable_type type, char *text,
		       const char **why)
{
	char url[sizeof "http://" + WRITTEN_MAX_BYTES];
	size_t n = strlen(text);

	switch (type) {
	case OBSERVABLE_NONE:
		*why = "not an address, domain, URL, path, e-mail address or hash";
		return ERR_FORMAT;
	case OBSERVABLE_URL:
		if (strstr(text, "://"))
			break;
		/* SPEC 8.3: "A URL written without a scheme is taken as http." */
		strcpy(stpcpy(url, "http://"), text);
		return observable_set(o, type, url, why);
	case OBSERVABLE_IPV6:
		if (text[0] == '[' && text[n - 1] == ']') {
			text[n - 1] = '\0';
			text++;
		}
		break;
	case OBSERVABLE_DOMAIN:
		/* "*.evil.com" and ".evil.com" mean evil.com and what is below, as a domain does.
		 */
		if (strncmp(text, "*.", 2) == 0)
			text += 2;
		else if (text[0] == '.')
			text++;
		break;
	case OBSERVABLE_EMAIL:
		if (strncasecmp(text, "mailto:", 7) == 0)
			text += 7;
		break;
	case OBSERVABLE_IPV4:
	case OBSERVABLE_ENDPOINT:
	case OBSERVABLE_PATH:
	case OBSERVABLE_MD5:
	case OBSERVABLE_SHA1:
	case OBSERVABLE_SHA256:
	case OBSERVABLE_SHA512:
	case OBSERVABLE_FILE_NAME:
	case OBSERVABLE_TYPES:
		break;
	}
	return observable_set(o, type, text, why);
}

enum err observable_detect(struct observable *o, const char *text, const char **why)
{
	char written[WRITTEN_MAX_BYTES + 1], plain[WRITTEN_MAX_BYTES + 1];
	const char *reason;
	size_t n;
	enum err err;

	memset(o, 0, offsetof(struct observable, text) + 1);
	text += strspn(text, " \t\r\n");
	n = strlen(text);
	while (n && strchr(" \t\r\n", text[n - 1]))
		n--;
	if (n == 0 || n > WRITTEN_MAX_BYTES) {
		reason = n ? "longer than 2048 bytes" : "empty";
		err = ERR_FORMAT;
		goto done;
	}
	memcpy(written, text, n);
	written[n] = '\0';
	/* A path is matched byte for byte; brackets in it are meant. */
	if (written[0] == '/')
		memcpy(plain, written, n + 1);
	else
		refang(plain, written);
	err = set_as(o, type_of(plain), plain, &reason);
done:
	if (err && why)
		*why = reason;
	return err;
}
