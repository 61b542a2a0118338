#include "protocol/constituency.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/topology_value.h"

/* ---- networks ---- */

/* Reads what value_network() accepts. */
static void network_read(struct asset *a, const char *text)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	*a = (struct asset){.kind = ASSET_NETWORK, .bytes = family == AF_INET6 ? 16 : 4};
	snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
	inet_pton(family, address, a->address);
	a->prefix = (unsigned)strtoul(slash + 1, NULL, 10);
}

static bool network_within(const struct asset *inner, const struct asset *outer)
{
	unsigned whole = outer->prefix / 8, rest = outer->prefix % 8;

	if (inner->bytes != outer->bytes || inner->prefix < outer->prefix ||
	    memcmp(inner->address, outer->address, whole) != 0)
		return false;
	return rest == 0 ||
	       inner->address[whole] >> (8 - rest) == outer->address[whole] >> (8 - rest);
}

static bool network_listed(const struct asset *inner, char *const *networks, size_t n)
{
	struct asset outer;

	for (size_t i = 0; i < n; i++) {
		network_read(&outer, networks[i]);
		if (network_within(inner, &outer))
			return true;
	}
	return false;
}

/* ---- domains ---- */

static bool domain_within(const char *inner, const char *outer)
{
	size_t n = strlen(inner), m = strlen(outer);

	return n >= m && strcmp(inner + n - m, outer) == 0 && (n == m || inner[n - m - 1] == '.');
}

static bool domain_listed(const char *inner, char *const *domains, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (domain_within(inner, domains[i]))
			return true;
	return false;
}

static bool as_listed(uint32_t number, const uint32_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* ---- what is asked for ---- */

static bool as_read(struct asset *a, const char *text)
{
	uint64_t number;

	if ((text[0] != 'A' && text[0] != 'a') || (text[1] != 'S' && text[1] != 's') ||
	    value_number(&number, text + 2, 1, UINT32_MAX))
		return false;
	*a = (struct asset){.kind = ASSET_AS, .as_number = (uint32_t)number};
	return true;
}

enum err asset_read(struct asset *a, const char *text, const char **why)
{
	struct observable o;
	const char *domain;
	enum err e;

	if (as_read(a, text))
		return ERR_OK;
	e = observable_detect(&o, text, why);
	if (e)
		return e;
	if (o.type == OBSERVABLE_IPV4 || o.type == OBSERVABLE_IPV6) {
		*a = (struct asset){.kind = ASSET_NETWORK,
				    .bytes = o.type == OBSERVABLE_IPV4 ? 4 : 16,
				    .prefix = o.prefix};
		memcpy(a->address, o.address, a->bytes);
		return ERR_OK;
	}
	domain = o.type == OBSERVABLE_EMAIL ? strrchr(o.text, '@') + 1 : o.text;
	if ((o.type != OBSERVABLE_EMAIL && o.type != OBSERVABLE_DOMAIN) ||
	    strlen(domain) >= CLAIM_MAX_BYTES) {
		*why = "no address, network, domain or AS number";
		return ERR_FORMAT;
	}
	*a = (struct asset){.kind = ASSET_DOMAIN};
	strcpy(a->domain, domain);
	return ERR_OK;
}

/* ---- claims ---- */

/* SPEC 4.11: "Where the topology has `networks`, `domains` or `as-numbers` for the node, a claim of
 * the card counts only inside them" */
static bool bounded(const struct party *p)
{
	return p->network_count || p->domain_count || p->as_number_count;
}

static bool holds_network(const struct card_constituency *c, const struct party *bounds,
			  const struct asset *a, char claim[CLAIM_MAX_BYTES])
{
	int narrowest = -1;
	struct asset mine;

	for (size_t i = 0; i < c->network_count; i++) {
		network_read(&mine, c->networks[i]);
		if (!network_within(a, &mine) || (int)mine.prefix <= narrowest ||
		    (bounded(bounds) &&
		     !network_listed(&mine, bounds->networks, bounds->network_count)))
			continue;
		narrowest = (int)mine.prefix;
		snprintf(claim, CLAIM_MAX_BYTES, "%s", c->networks[i]);
	}
	return narrowest >= 0;
}

static bool holds_domain(const struct card_constituency *c, const struct party *bounds,
			 const struct asset *a, char claim[CLAIM_MAX_BYTES])
{
	size_t narrowest = 0;

	for (size_t i = 0; i < c->domain_count; i++) {
		size_t n = strlen(c->domains[i]);
		if (!domain_within(a->domain, c->domains[i]) || n <= narrowest ||
		    (bounded(bounds) &&
		     !domain_listed(c->domains[i], bounds->domains, bounds->domain_count)))
			continue;
		narrowest = n;
		snprintf(claim, CLAIM_MAX_BYTES, "%s", c->domains[i]);
	}
	return narrowest > 0;
}

bool constituency_holds(const struct card_constituency *c, const struct party *bounds,
			const struct asset *a, char claim[CLAIM_MAX_BYTES])
{
	switch (a->kind) {
	case ASSET_NETWORK:
		return holds_network(c, bounds, a, claim);
	case ASSET_DOMAIN:
		return holds_domain(c, bounds, a, claim);
	case ASSET_AS:
		break;
	}
	snprintf(claim, CLAIM_MAX_BYTES, "AS%lu", (unsigned long)a->as_number);
	return as_listed(a->as_number, c->as_numbers, c->as_number_count) &&
	       (!bounded(bounds) ||
		as_listed(a->as_number, bounds->as_numbers, bounds->as_number_count));
}
