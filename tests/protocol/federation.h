/* Federations for tests: any number of parties, wired at random, with keys made from their names.
 */
#ifndef TESTS_PROTOCOL_FEDERATION_H
#define TESTS_PROTOCOL_FEDERATION_H

#include <sodium.h>
#include <stdarg.h>

#include "protocol/topology.h"
#include "tests/tap.h"

/* A file of the tests, NUL behind it. */
__attribute__((unused)) static char *slurp(const char *path, size_t *n)
{
	FILE *in = fopen(path, "rb");
	char *text = NULL;
	long size;

	need(in && fseek(in, 0, SEEK_END) == 0);
	size = ftell(in);
	need(size >= 0);
	rewind(in);
	*n = (size_t)size;
	text = malloc(*n + 1);
	need(text && fread(text, 1, *n, in) == *n);
	text[*n] = '\0';
	fclose(in);
	return text;
}

struct writing {
	char *at;
	size_t length, size;
};

__attribute__((format(printf, 2, 3), unused)) static void put(struct writing *w, const char *format,
							      ...)
{
	va_list args;
	int n;

	for (;;) {
		va_start(args, format);
		n = vsnprintf(w->at ? w->at + w->length : NULL, w->size - w->length, format, args);
		va_end(args);
		need(n >= 0);
		if (w->length + (size_t)n < w->size)
			break;
		w->size = 2 * w->size + (size_t)n + 1;
		w->at = realloc(w->at, w->size);
		need(w->at);
	}
	w->length += (size_t)n;
}

/* splitmix64: a test that fails must fail again. */
__attribute__((unused)) static uint64_t chance(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

__attribute__((unused)) static size_t below(uint64_t *state, size_t n)
{
	return (size_t)(chance(state) % n);
}

/* The key pairs of whoever has that name. */
__attribute__((unused)) static void seed_of(uint8_t seed[32], const char *name)
{
	crypto_generichash(seed, 32, (const uint8_t *)name, strlen(name), NULL, 0);
}

__attribute__((unused)) static char *key_text(char out[65], const char *what, const char *name)
{
	uint8_t seed[32], public[32], secret[64];
	char full[80];

	snprintf(full, sizeof full, "%s %s", what, name);
	seed_of(seed, full);
	if (strcmp(what, "sign") == 0)
		crypto_sign_seed_keypair(public, secret, seed);
	else
		crypto_box_seed_keypair(public, secret, seed);
	return hex_encode(out, public, 32);
}

/* A council member's key as minisign writes it. */
__attribute__((unused)) static char *council_key_text(char out[64], const char *name)
{
	uint8_t seed[32], secret[64], bytes[42] = {'E', 'd'};

	seed_of(seed, name);
	memcpy(bytes + 2, seed, 8);
	crypto_sign_seed_keypair(bytes + 10, secret, seed);
	return sodium_bin2base64(out, 64, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
}

__attribute__((unused)) static void put_council(struct writing *w, unsigned threshold,
						unsigned members)
{
	put(w, "council\n    threshold = %u\n    members\n", threshold);
	for (unsigned i = 0; i < members; i++) {
		char name[32], key[64];
		snprintf(name, sizeof name, "member%u", i);
		put(w, "        %s = \"%s\"\n", name, council_key_text(key, name));
	}
}

/* Appends the four lines of minisign that the member would write over the first n bytes of w. */
static void put_signature_with(struct writing *w, const char *member, size_t n,
			       const char *algorithm, const char *comment)
{
	uint8_t seed[32], public[32], secret[64], prehash[64], block[74], global[64], over[10000];
	char one[120], two[120];

	seed_of(seed, member);
	crypto_sign_seed_keypair(public, secret, seed);
	crypto_generichash(prehash, sizeof prehash, (const uint8_t *)w->at, n, NULL, 0);
	memcpy(block, algorithm, 2);
	memcpy(block + 2, seed, 8);
	if (strcmp(algorithm, "ED") == 0)
		crypto_sign_detached(block + 10, NULL, prehash, sizeof prehash, secret);
	else
		crypto_sign_detached(block + 10, NULL, (const uint8_t *)w->at, n, secret);
	need(64 + strlen(comment) <= sizeof over);
	memcpy(over, block + 10, 64);
	memcpy(over + 64, comment, strlen(comment));
	crypto_sign_detached(global, NULL, over, 64 + strlen(comment), secret);
	sodium_bin2base64(one, sizeof one, block, sizeof block, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(two, sizeof two, global, sizeof global, sodium_base64_VARIANT_ORIGINAL);
	put(w, "untrusted comment: by hand\n%s\ntrusted comment: %s\n%s\n", one, comment, two);
}

__attribute__((unused)) static void put_signature(struct writing *w, const char *member, size_t n,
						  const char *algorithm)
{
	put_signature_with(w, member, n, algorithm, "timestamp:0");
}

__attribute__((unused)) static void put_keys(struct writing *w, const char *name)
{
	char key[65];

	put(w, "        link = \"%s\"\n", key_text(key, "link", name));
	put(w, "        sign\n            1 = \"%s\"\n", key_text(key, "sign", name));
	put(w, "        seal\n            1 = \"%s\"\n", key_text(key, "seal", name));
}

enum { WIRED_MAX = 64 };

/* Who is what in a random federation: nodes first, then roles. */
struct wiring {
	size_t nodes, roles;
	size_t rank[WIRED_MAX]; /* everybody reports to somebody of a lower rank; n0 has rank 0 */
	size_t holder[WIRED_MAX];
	bool left[WIRED_MAX];
	uint64_t seed;
};

__attribute__((unused)) static void wire(struct wiring *r)
{
	size_t total = r->nodes + r->roles;
	bool holds[WIRED_MAX] = {false};

	need(total <= WIRED_MAX);
	for (size_t i = 0; i < total; i++)
		r->rank[i] = i;
	for (size_t i = total - 1; i > 1; i--) {
		size_t j = 1 + below(&r->seed, i), keep = r->rank[i];
		r->rank[i] = r->rank[j];
		r->rank[j] = keep;
	}
	for (size_t i = r->nodes; i < total; i++)
		holds[r->holder[i] = below(&r->seed, r->nodes)] = true;
	/* Only who has nobody below and holds nothing can leave. */
	for (size_t i = 1; i < r->nodes; i++)
		r->left[i] = r->rank[i] == total - 1 && !holds[i];
}

__attribute__((unused)) static const char *wired_name(const struct wiring *r, size_t i)
{
	static char name[2][24];
	static unsigned turn;
	char *out = name[turn++ % 2];

	snprintf(out, sizeof name[0], "%c%zu", i < r->nodes ? 'n' : 'r',
		 i < r->nodes ? i : i - r->nodes);
	return out;
}

__attribute__((unused)) static void put_lines(struct writing *w, struct wiring *r, size_t i)
{
	size_t parents = 1 + (below(&r->seed, 3) == 0), last = WIRED_MAX, printed = 0;

	for (size_t k = 0; r->rank[i] > 0 && k < parents; k++) {
		size_t rank = below(&r->seed, r->rank[i]), p = 0;
		while (r->rank[p] != rank)
			p++;
		if (p != last)
			put(w, "%s%s", printed++ ? " " : "        reports-to = \"",
			    wired_name(r, p));
		last = p;
	}
	put(w, "%s", printed ? "\"\n" : "");
}

__attribute__((unused)) static void put_wired(struct writing *w, struct wiring *r, size_t i)
{
	size_t second = below(&r->seed, r->nodes);

	put(w, "    %s\n", wired_name(r, i));
	put_lines(w, r, i);
	if (i >= r->nodes) {
		put(w, "        holders = \"%s", wired_name(r, r->holder[i]));
		if (second != r->holder[i] && !r->left[second])
			put(w, " %s", wired_name(r, second));
		put(w, "\"\n");
		return;
	}
	if (below(&r->seed, 3) > 0)
		put(w, "        endpoint = \"tcp://192.0.2.1:%zu\"\n", 1000 + i);
	if (r->left[i])
		put(w, "        left = 2026-01-01\n");
	put_keys(w, wired_name(r, i));
}

/* A random federation of n nodes (n0, n1, ...) and some roles (r0, ...): several parents, several
 * holders, bilateral links, nodes that left, nodes without endpoint.  The caller frees it. */
__attribute__((unused)) static char *random_federation(uint64_t seed, size_t n, size_t roles,
						       size_t links)
{
	struct wiring r = {.nodes = n, .roles = roles, .seed = seed};
	struct writing w = {0};

	wire(&r);
	put(&w, "federation\n    name = Random\n    version = 1\n    expires = 2027-12-31\n");
	put_council(&w, 1, 1);
	for (size_t i = 0; i < n + roles; i++) {
		put(&w, "%s", i == 0 ? "node\n" : i == n ? "role\n" : "");
		put_wired(&w, &r, i);
	}
	put(&w, "%s", links > 0 ? "link\n" : "");
	for (size_t a = 0, made = 0; a < n && made < links; a++) {
		size_t b = a + 1 + below(&r.seed, n);
		if (b < n && !r.left[a] && !r.left[b])
			put(&w, "    l%zu = \"n%zu n%zu\"\n", made++, b, a);
	}
	return w.at;
}

__attribute__((unused)) static struct topology *parse_or_bail(const char *text)
{
	struct report report;
	struct topology *t;

	report_init(&report);
	topology_parse(&t, text, strlen(text), &report);
	for (size_t i = 0; i < report.count; i++)
		printf("# %s\n", report.lines[i]);
	need(t);
	report_clear(&report);
	return t;
}

#endif
