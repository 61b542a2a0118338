/* STIX 2.1 patterns: writing the one that equals a value, reading the equalities in any.
 *
 * The reader is a parser of the whole grammar, so that it can say what is not a pattern, but it
 * gives meaning to equality, IN and ISSUBSET only. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/pattern.h"

enum { NESTING_MAX = 64 };

static const char *const paths[OBSERVABLE_TYPES] = {
	[OBSERVABLE_IPV4] = "ipv4-addr:value",
	[OBSERVABLE_IPV6] = "ipv6-addr:value",
	[OBSERVABLE_ENDPOINT] = "network-traffic:dst_ref.value",
	[OBSERVABLE_DOMAIN] = "domain-name:value",
	[OBSERVABLE_URL] = "url:value",
	[OBSERVABLE_PATH] = "network-traffic:extensions.'http-request-ext'.request_value",
	[OBSERVABLE_EMAIL] = "email-addr:value",
	[OBSERVABLE_MD5] = "file:hashes.MD5",
	[OBSERVABLE_SHA1] = "file:hashes.'SHA-1'",
	[OBSERVABLE_SHA256] = "file:hashes.'SHA-256'",
	[OBSERVABLE_SHA512] = "file:hashes.'SHA-512'",
	[OBSERVABLE_FILE_NAME] = "file:name",
};

size_t observable_pattern(const struct observable *o, char *out, size_t size)
{
	size_t used = 0, host = o->length;
	const char *text = o->text, *port = "";

	if (size == 0 || o->type == OBSERVABLE_NONE || o->type >= OBSERVABLE_TYPES)
		return 0;
	if (o->type == OBSERVABLE_ENDPOINT) {
		port = strrchr(text, ':') + 1;
		host = (size_t)(port - 1 - text);
		if (text[0] == '[') {
			text++;
			host -= 2;
		}
	}
	used = (size_t)snprintf(out, size, "[%s = '", paths[o->type]);
	for (size_t i = 0; i < host && used + 2 < size; i++) {
		if (text[i] == '\'' || text[i] == '\\')
			out[used++] = '\\';
		out[used++] = text[i];
	}
	if (used >= size)
		return 0;
	if (o->type == OBSERVABLE_ENDPOINT)
		used += (size_t)snprintf(out + used, size - used,
					 "' AND network-traffic:dst_port = %s]", port);
	else
		used += (size_t)snprintf(out + used, size - used, "']");
	return used < size ? used : 0;
}

enum token_kind {
	TOKEN_END,
	TOKEN_BAD,
	TOKEN_WORD,    /* an object path, an operator or a keyword */
	TOKEN_STRING,  /* 'text' */
	TOKEN_LITERAL, /* a number, t'..', b'..', h'..' */
	TOKEN_SIGN,    /* one of [ ] ( ) , */
	TOKEN_COMPARE, /* = == != <> < > <= >= */
};

struct token {
	enum token_kind kind;
	const char *at; /* of a string: behind its quote */
	size_t length;
};

/* What joined equalities of one observation may add up to. */
struct joined {
	size_t address; /* index of the last destination among the values */
	bool has_address;
	unsigned port;
	bool has_port;
};

struct parser {
	const char *at;
	struct token token;
	unsigned depth;
	struct observable *out;
	size_t max, count;
	struct joined joined;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct token token_string(const char *at)
{
	const char *start = at;

	for (; *at && *at != '\''; at++) {
		if (*at == '\\' && at[1])
			at++;
	}
	return (struct token){*at ? TOKEN_STRING : TOKEN_BAD, start, (size_t)(at - start)};
}

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_-:.+*", c)) || (unsigned char)c >= 0x80;
}

/* A path step may be quoted and may carry an index: hashes.'SHA-256', sections[*].name. */
static struct token token_word(const char *at)
{
	const char *start = at;
	enum token_kind kind = TOKEN_WORD;

	if ((*at == 't' || *at == 'b' || *at == 'h') && at[1] == '\'') {
		struct token string = token_string(at + 2);

		if (string.kind == TOKEN_STRING)
			string.kind = TOKEN_LITERAL;
		return string;
	}
	if ((*at >= '0' && *at <= '9') || *at == '-' || *at == '+')
		kind = TOKEN_LITERAL;
	while (*at) {
		size_t index = *at == '[' ? 1 + strspn(at + 1, "0123456789*") : 0;
		bool step = at > start && (at[-1] == '.' || at[-1] == ':');

		if (word_char(*at)) {
			at++;
		} else if (index > 1 && at[index] == ']') {
			at += index + 1;
		} else if (step && (*at == '\'' || *at == '"')) {
			const char *end = strchr(at + 1, *at);

			if (!end)
				return (struct token){.kind = TOKEN_BAD};
			at = end + 1;
		} else {
			break;
		}
	}
	return (struct token){at > start ? kind : TOKEN_BAD, start, (size_t)(at - start)};
}

static struct token token_compare(const char *at)
{
	static const char *const operators[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">"};

	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		if (strncmp(at, operators[i], strlen(operators[i])) == 0)
			return (struct token){TOKEN_COMPARE, at, strlen(operators[i])};
	}
	return (struct token){.kind = TOKEN_BAD};
}

/* White space and both kinds of comments. */
static const char *skip_blank(const char *at)
{
	for (;;) {
		const char *end;

		while (is_space(*at))
			at++;
		if (at[0] != '/' || (at[1] != '/' && at[1] != '*'))
			return at;
		end = at[1] == '/' ? at + strcspn(at, "\n") : strstr(at + 2, "*/");
		if (!end)
			return at;
		at = at[1] == '/' ? end : end + 2;
	}
}

static void next(struct parser *p)
{
	const char *at = skip_blank(p->at);
	struct token *t = &p->token;

	if (!*at) {
		*t = (struct token){TOKEN_END, at, 0};
	} else if (strchr("[](),", *at)) {
		*t = (struct token){TOKEN_SIGN, at, 1};
	} else if (*at == '\'') {
		*t = token_string(at + 1);
	} else if (strchr("=!<>", *at)) {
		*t = token_compare(at);
	} else {
		*t = token_word(at);
	}
	if (t->kind != TOKEN_BAD) {
		bool quoted = t->kind == TOKEN_STRING ||
			      (t->kind == TOKEN_LITERAL && t->at > at && t->at[-1] == '\'');

		p->at = t->at + t->length + (quoted ? 1 : 0);
	}
}

static bool at_sign(const struct parser *p, char c)
{
	return p->token.kind == TOKEN_SIGN && *p->token.at == c;
}

static bool take_sign(struct parser *p, char c)
{
	if (!at_sign(p, c))
		return false;
	next(p);
	return true;
}

static bool at_word(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_WORD && p->token.length == strlen(word) &&
	       strncasecmp(p->token.at, word, p->token.length) == 0;
}

static bool take_word(struct parser *p, const char *word)
{
	if (!at_word(p, word))
		return false;
	next(p);
	return true;
}

/* The string without its escapes; a backslash before anything else is meant, as many authors of
 * Windows paths do.  False when too long. */
static bool string_plain(char out[OBSERVABLE_MAX_BYTES + 1], struct token t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.length; i++) {
		if (n == OBSERVABLE_MAX_BYTES)
			return false;
		if (t.at[i] == '\\' && i + 1 < t.length &&
		    (t.at[i + 1] == '\'' || t.at[i + 1] == '\\'))
			i++;
		out[n++] = t.at[i];
	}
	out[n] = '\0';
	return true;
}

static bool port_read(unsigned *port, struct token t)
{
	*port = 0;
	for (size_t i = 0; i < t.length; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		*port = *port * 10 + (unsigned)(t.at[i] - '0');
		if (*port > 65535)
			return false;
	}
	return t.length > 0;
}

/* One more value that a pattern asks to be equal to. */
static void value_add(struct parser *p, struct token path, struct token value)
{
	char text[OBSERVABLE_MAX_BYTES + 1];
	struct observable spare;
	struct observable *o = &spare;
	enum meaning meaning = path_meaning(path.at, path.length);

	if (p->count < p->max)
		o = &p->out[p->count];
	if (meaning == MEANING_PORT && value.kind == TOKEN_LITERAL)
		p->joined.has_port = port_read(&p->joined.port, value);
	if (meaning == MEANING_NONE || value.kind != TOKEN_STRING || !string_plain(text, value) ||
	    !value_read(o, meaning, path.at, path.length, text))
		return;
	if (meaning == MEANING_DESTINATION) {
		p->joined.has_address = true;
		p->joined.address = p->count;
	}
	p->count++;
}

/* A destination and a port joined by AND are an endpoint too; it takes the place of the address,
 * which is moved to the end. */
static void joined_end(struct parser *p)
{
	struct joined *j = &p->joined;
	struct observable *address;
	char text[OBSERVABLE_MAX_BYTES + 16];
	bool v6;

	if (j->has_address && j->has_port && j->address < p->max) {
		struct observable endpoint;

		address = &p->out[j->address];
		v6 = address->type == OBSERVABLE_IPV6;
		snprintf(text, sizeof text, v6 ? "[%s]:%u" : "%s:%u", address->text, j->port);
		if (observable_set(&endpoint, OBSERVABLE_ENDPOINT, text, NULL) == ERR_OK) {
			if (p->count < p->max)
				p->out[p->count] = *address;
			*address = endpoint;
			p->count++;
		}
	}
	*j = (struct joined){0};
}

static bool literal(const struct parser *p)
{
	return p->token.kind == TOKEN_STRING || p->token.kind == TOKEN_LITERAL ||
	       at_word(p, "true") || at_word(p, "false");
}

static bool parse_set(struct parser *p, struct token path, bool meant)
{
	if (!take_sign(p, '('))
		return false;
	do {
		if (!literal(p))
			return false;
		if (meant)
			value_add(p, path, p->token);
		next(p);
	} while (take_sign(p, ','));
	/* Any of several destinations is not joined to a port. */
	p->joined.has_address = false;
	return take_sign(p, ')');
}

static bool parse_comparison(struct parser *p)
{
	struct token path = p->token;
	bool meant = true;

	if (take_word(p, "EXISTS")) {
		path = p->token;
		next(p);
		return path.kind == TOKEN_WORD && memchr(path.at, ':', path.length);
	}
	if (path.kind != TOKEN_WORD || !memchr(path.at, ':', path.length))
		return false;
	next(p);
	if (take_word(p, "NOT"))
		meant = false;
	if (take_word(p, "IN"))
		return parse_set(p, path, meant);
	if (at_word(p, "LIKE") || at_word(p, "MATCHES") || at_word(p, "ISSUPERSET"))
		meant = false;
	else if (p->token.kind == TOKEN_COMPARE)
		meant = meant && *p->token.at == '=';
	else if (!at_word(p, "ISSUBSET"))
		return false;
	next(p);
	if (!literal(p))
		return false;
	if (meant)
		value_add(p, path, p->token);
	next(p);
	return true;
}

/* Comparisons joined by AND and OR inside brackets. */
static bool parse_comparisons(struct parser *p)
{
	for (;;) {
		if (at_sign(p, '(')) {
			struct joined outer = p->joined;

			if (++p->depth > NESTING_MAX)
				return false;
			p->joined = (struct joined){0};
			next(p);
			if (!parse_comparisons(p) || !take_sign(p, ')'))
				return false;
			p->depth--;
			p->joined = outer;
		} else if (!parse_comparison(p)) {
			return false;
		}
		if (take_word(p, "AND"))
			continue;
		joined_end(p);
		if (!take_word(p, "OR"))
			return true;
	}
}

static bool parse_qualifiers(struct parser *p)
{
	for (;;) {
		bool start = at_word(p, "START"), within = at_word(p, "WITHIN");

		if (!start && !within && !at_word(p, "REPEATS"))
			return true;
		next(p);
		if (p->token.kind != TOKEN_LITERAL && p->token.kind != TOKEN_STRING)
			return false;
		next(p);
		if (!take_word(p, start ? "STOP" : within ? "SECONDS" : "TIMES"))
			return false;
		if (start) {
			if (p->token.kind != TOKEN_LITERAL && p->token.kind != TOKEN_STRING)
				return false;
			next(p);
		}
	}
}

/* Observations joined by AND, OR and FOLLOWEDBY. */
static bool parse_observations(struct parser *p)
{
	do {
		if (take_sign(p, '(')) {
			if (++p->depth > NESTING_MAX || !parse_observations(p) ||
			    !take_sign(p, ')'))
				return false;
			p->depth--;
		} else {
			if (!take_sign(p, '[') || !parse_comparisons(p) || !take_sign(p, ']'))
				return false;
		}
		if (!parse_qualifiers(p))
			return false;
	} while (take_word(p, "AND") || take_word(p, "OR") || take_word(p, "FOLLOWEDBY"));
	return true;
}

enum err pattern_observables(struct observable *out, size_t max, size_t *count, const char *pattern)
{
	struct parser p = {.at = pattern, .out = out, .max = max};

	next(&p);
	*count = 0;
	if (!parse_observations(&p) || p.token.kind != TOKEN_END)
		return ERR_FORMAT;
	*count = p.count;
	return ERR_OK;
}
