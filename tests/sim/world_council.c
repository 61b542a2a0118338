/* What the council signs: who is in, who reports to whom, whose key is revoked; drawn anew in part
 * for every version. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "tests/sim/world_state.h"

static bool is_role(const struct world *w, unsigned i)
{
	return i >= w->plan.nodes;
}

/* Everybody reports to somebody of a lower rank, so lines form no circle.  A role ranks between
 * two nodes. */
static unsigned rank(const struct world *w, unsigned i)
{
	unsigned nodes = w->plan.nodes;

	return is_role(w, i) ? 2 * (1 + (i - nodes) * (nodes - 1) / (w->plan.roles + 1)) - 1
			     : 2 * i;
}

static bool here(const struct seat *s)
{
	return s->present && !s->left;
}

static void parents_draw(struct world *w, struct edition *e, unsigned i)
{
	struct seat *s = &e->seats[i];
	unsigned wanted = draw_below(w, 6) ? 1 : PARENTS;

	s->parent_count = 0;
	for (unsigned tries = 0; i && s->parent_count < wanted; tries++) {
		unsigned p = tries < 20 ? draw_below(w, w->seat_count) : 0;
		if (!here(&e->seats[p]) || rank(w, p) >= rank(w, i) ||
		    (s->parent_count && s->parents[0] == p)) {
			if (tries >= 20)
				break;
			continue;
		}
		s->parents[s->parent_count++] = p;
	}
}

static void holders_draw(struct world *w, struct edition *e, unsigned role)
{
	struct seat *s = &e->seats[role];
	unsigned wanted = 1 + draw_below(w, PARENTS);

	s->holder_count = 0;
	for (unsigned tries = 0; s->holder_count < wanted && tries < 20; tries++) {
		unsigned n = draw_below(w, w->plan.nodes);
		if (here(&e->seats[n]) && (!s->holder_count || s->holders[0] != n))
			s->holders[s->holder_count++] = n;
	}
	if (s->holder_count == 0)
		s->holders[s->holder_count++] = 0;
}

static void links_draw(struct world *w, struct edition *e)
{
	unsigned wanted = draw_below(w, 1 + w->plan.nodes / 3);

	e->links = zeroed(wanted + 1, sizeof *e->links);
	e->link_count = 0;
	for (unsigned i = 0; i < wanted; i++) {
		struct pair p = {draw_below(w, w->plan.nodes), draw_below(w, w->plan.nodes)};
		bool fits = p.a < p.b && here(&e->seats[p.a]) && here(&e->seats[p.b]);
		for (unsigned k = 0; k < e->link_count; k++)
			fits = fits && (e->links[k].a != p.a || e->links[k].b != p.b);
		if (fits)
			e->links[e->link_count++] = p;
	}
}

static void group_draw(struct world *w, struct edition *e)
{
	e->group_count = 0;
	for (unsigned i = 0; i < GROUP_SIZE; i++) {
		unsigned n = draw_below(w, w->seat_count);
		bool fits = here(&e->seats[n]);
		for (unsigned k = 0; k < e->group_count; k++)
			fits = fits && e->group[k] != n;
		if (fits)
			e->group[e->group_count++] = n;
	}
}

static void edition_first(struct world *w, struct edition *e)
{
	for (unsigned i = 0; i < w->seat_count; i++) {
		bool late = !is_role(w, i) && i > 1 && w->plan.versions && draw_below(w, 6) == 0;
		e->seats[i] = (struct seat){.present = !late, .key = 1};
	}
	for (unsigned i = 0; i < w->seat_count; i++) {
		parents_draw(w, e, i);
		if (is_role(w, i))
			holders_draw(w, e, i);
	}
}

/* Nobody reports to it and no role is held by it. */
static bool may_leave(const struct world *w, const struct edition *e, unsigned n)
{
	unsigned others = 0;

	if (n == 0 || !here(&e->seats[n]))
		return false;
	for (unsigned i = 0; i < w->seat_count; i++) {
		const struct seat *s = &e->seats[i];
		others += i < w->plan.nodes && i != n && here(s);
		for (unsigned k = 0; here(s) && k < s->parent_count; k++)
			if (s->parents[k] == n)
				return false;
		for (unsigned k = 0; k < s->holder_count; k++)
			if (s->holders[k] == n)
				return false;
	}
	return others > 1;
}

static void edition_next(struct world *w, struct edition *e)
{
	unsigned one = draw_below(w, w->plan.nodes);

	for (unsigned i = 1; i < w->seat_count; i++) {
		struct seat *s = &e->seats[i];
		bool joins = !s->present && draw_below(w, 2);
		s->present |= joins;
		if (joins || (here(s) && draw_below(w, 3) == 0))
			parents_draw(w, e, i);
		if (is_role(w, i) && draw_below(w, 2))
			holders_draw(w, e, i);
	}
	if (draw_below(w, 2) && e->seats[one].present) {
		if (draw_below(w, 2))
			e->seats[one].voided = e->seats[one].key;
		e->seats[one].key++;
	}
	one = draw_below(w, w->plan.nodes);
	if (draw_below(w, 4) == 0 && may_leave(w, e, one))
		e->seats[one].left = true;
}

const char *sign_name(char out[24], unsigned seat, unsigned key)
{
	snprintf(out, 24, "n%u+%u", seat, key);
	return out;
}

static const char *seat_name(const struct world *w, unsigned i, char out[16])
{
	snprintf(out, 16, "%c%u", is_role(w, i) ? 'r' : 'n', is_role(w, i) ? i - w->plan.nodes : i);
	return out;
}

static void put_names(const struct world *w, struct writing *out, const char *key,
		      const unsigned *of, unsigned n)
{
	char name[16];

	put(out, "%s = \"", key);
	for (unsigned i = 0; i < n; i++)
		put(out, "%s%s", i ? " " : "", seat_name(w, of[i], name));
	put(out, "\"\n");
}

static void put_seat(const struct world *w, struct writing *out, const struct edition *e,
		     unsigned i)
{
	const struct seat *s = &e->seats[i];
	char name[16], key[65], signer[24];

	seat_name(w, i, name);
	put(out, "    %s\n", name);
	if (s->parent_count)
		put_names(w, out, "        reports-to", s->parents, s->parent_count);
	if (is_role(w, i)) {
		put_names(w, out, "        holders", s->holders, s->holder_count);
	} else {
		put(out, "        endpoint = \"tcp://127.0.0.1:%u\"\n", 5000 + i);
		if (s->left)
			put(out, "        left = 2026-01-01\n");
		put(out, "        link = \"%s\"\n        sign\n", key_text(key, "link", name));
		for (unsigned k = 1; k <= s->key; k++)
			put(out, "            %u = \"%s%s\"\n", k,
			    key_text(key, "sign", sign_name(signer, i, k)),
			    k <= s->voided ? " void"
			    : k < s->key   ? " revoked"
					   : "");
	}
	put(out, "        seal\n            1 = \"%s\"\n", key_text(key, "seal", name));
}

static void put_head(const struct world *w, struct edition *e)
{
	struct writing *out = &e->file;

	put(out,
	    "federation\n    name = \"Simulation\"\n    version = %u\n    expires = 2040-01-01\n",
	    w->version);
	if (w->version > 1) {
		char network[17], hash[65];
		put(out, "    network = \"%s\"\n    previous = \"%s\"\n",
		    hex_encode(network, w->editions[1].hash.b, NETWORK_ID_BYTES),
		    hex_encode(hash, w->editions[w->version - 1].hash.b, HASH_BYTES));
	}
	put(out, "\n");
	put_council(out, 2, 3);
}

static void put_edition(const struct world *w, struct edition *e)
{
	struct writing *out = &e->file;
	char name[16], other[16];

	put_head(w, e);
	put(out, "\nnode\n");
	for (unsigned i = 0; i < w->plan.nodes; i++)
		if (e->seats[i].present)
			put_seat(w, out, e, i);
	put(out, "%s", w->plan.roles ? "\nrole\n" : "");
	for (unsigned i = w->plan.nodes; i < w->seat_count; i++)
		put_seat(w, out, e, i);
	put(out, "%s", e->link_count ? "\nlink\n" : "");
	for (unsigned i = 0; i < e->link_count; i++)
		put(out, "    l%u = \"%s %s\"\n", i, seat_name(w, e->links[i].a, name),
		    seat_name(w, e->links[i].b, other));
	if (e->group_count) {
		put(out, "\ngroup\n");
		put_names(w, out, "    g0", e->group, e->group_count);
	}
	e->hash = hash_of(out->at, out->length);
}

/* Links of two that a line of reporting joins already are not bilateral: the text may name them all
 * the same. */
void council_sign(struct world *w)
{
	struct edition *e = &w->editions[++w->version];
	struct topology *t;
	struct report report;
	size_t length;

	e->seats = zeroed(w->seat_count, sizeof *e->seats);
	if (w->version == 1) {
		edition_first(w, e);
	} else {
		memcpy(e->seats, w->editions[w->version - 1].seats,
		       w->seat_count * sizeof *e->seats);
		edition_next(w, e);
	}
	links_draw(w, e);
	group_draw(w, e);
	oracle_above(w, e);
	oracle_links(w, e);
	put_edition(w, e);
	length = e->file.length;
	put_signature(&e->file, "member0", length, "ED");
	put_signature(&e->file, "member2", length, "ED");
	report_init(&report);
	if (topology_parse(&t, e->file.at, length, &report) != ERR_OK ||
	    chain_add(&w->versions, t) != ERR_OK) {
		fprintf(stderr, "%s\n%s\n", report_first(&report), e->file.at);
		abort();
	}
	report_clear(&report);
	wires_join(w, e);
}

void edition_clear(struct edition *e)
{
	free(e->file.at);
	free(e->seats);
	free(e->links);
	free(e->above);
	free(e->linked);
}

const struct edition *edition_of(const struct world *w, const struct node *n)
{
	return &w->editions[chain_newest(&n->chain)->version];
}
