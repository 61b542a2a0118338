#include "protocol/recipients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 512, ALIAS_DEPTH_MAX = 8 };

/* What is known of each party while words are read. */
struct choice {
	char how[HOW_BYTES]; /* empty: not chosen */
	bool named;          /* by its own name, not by that of a group */
};

struct resolving {
	const struct recipients_query *q;
	struct report *report;
	enum err e;
	struct choice *choices; /* by index of the party */
	bool all;
	const char *alias; /* the outermost alias that the word stands in, or NULL */
	unsigned depth;
};

static void refuse(struct resolving *x, enum err e)
{
	if (!x->e)
		x->e = e;
}

static const struct recipients_alias *find_alias(const struct recipients_query *q, const char *name)
{
	for (size_t i = 0; i < q->alias_count; i++)
		if (strcmp(q->aliases[i].name, name) == 0)
			return &q->aliases[i];
	return NULL;
}

static void choose(struct resolving *x, size_t index, bool named, const char *how)
{
	struct choice *c = &x->choices[index];

	/* SPEC 5.7: "The author is dropped from what the words name" */
	if (&x->q->topology->parties[index] == x->q->self)
		return;
	c->named |= named;
	if (c->how[0])
		return;
	if (x->alias)
		snprintf(c->how, sizeof c->how, "alias %s", x->alias);
	else
		snprintf(c->how, sizeof c->how, "%s", how);
}

/* SPEC 5.7: "TLP:RED goes only to parties that are named one by one" */
static bool red_allows(struct resolving *x, const char *word, const char *what)
{
	if (x->q->tlp != TLP_RED)
		return true;
	report_add(x->report,
		   "--to %s: TLP:RED goes only to parties that are named one by one, and this is "
		   "%s",
		   word, what);
	refuse(x, ERR_NOT_ALLOWED);
	return false;
}

static void take_all(struct resolving *x)
{
	/* SPEC 5.7: "Only CLEAR and GREEN go to `all`, and never directly." */
	if (x->q->tlp > TLP_GREEN) {
		report_add(x->report,
			   "--to all: TLP:%s never goes to everyone; name parties or groups, or "
			   "write up or down",
			   tlp_str(x->q->tlp));
		refuse(x, ERR_NOT_ALLOWED);
	}
	if (x->q->direct) {
		report_add(x->report, "--to all: what goes to everyone cannot go directly");
		refuse(x, ERR_NOT_ALLOWED);
	}
	x->all = true;
}

static void take_party(struct resolving *x, const struct party *p)
{
	if (p->left) {
		report_add(x->report, "--to %s: it has left the federation", p->name);
		refuse(x, ERR_NOT_ALLOWED);
		return;
	}
	choose(x, topology_index(x->q->topology, p), true, "named");
}

static void take_group(struct resolving *x, const struct party_group *g)
{
	char how[HOW_BYTES];

	if (!red_allows(x, g->name, "a group"))
		return;
	snprintf(how, sizeof how, "group %s", g->name);
	for (size_t i = 0; i < g->member_count; i++)
		choose(x, g->members[i], false, how);
}

/* True when b is strictly above a, or above a role that a holds: SPEC 5.7. */
static bool over(const struct topology *t, size_t a, size_t b)
{
	const struct party *p = &t->parties[a];

	if (a != b && topology_above(t, a, b))
		return true;
	for (size_t i = 0; i < p->role_count; i++)
		if (p->roles[i] != b && topology_above(t, p->roles[i], b))
			return true;
	return false;
}

/* True when the party is strictly below the node, or below a role that it holds. */
static bool under(const struct topology *t, size_t node, size_t x)
{
	const struct party *p = &t->parties[node];

	if (x != node && topology_above(t, x, node))
		return true;
	for (size_t i = 0; i < p->role_count; i++)
		if (p->roles[i] != x && topology_above(t, x, p->roles[i]))
			return true;
	return false;
}

static void take_line(struct resolving *x, const char *word,
		      bool (*on)(const struct topology *, size_t, size_t), const char *nobody)
{
	const struct topology *t = x->q->topology;
	size_t self = topology_index(t, x->q->self), found = 0;

	if (!red_allows(x, word, "a line"))
		return;
	for (size_t i = 0; i < t->party_count; i++) {
		if (i == self || t->parties[i].left || !on(t, self, i))
			continue;
		choose(x, i, false, word);
		found++;
	}
	if (found == 0) {
		report_add(x->report, "--to %s: %s %s", word, nobody, x->q->self->name);
		refuse(x, ERR_NOT_ALLOWED);
	}
}

static void unknown(struct resolving *x, const char *word)
{
	static const char *const own[] = {"all", "up", "down"};
	const struct topology *t = x->q->topology;
	size_t n = 0, most = t->party_count + t->group_count + x->q->alias_count + 3;
	const char **words = malloc(most * sizeof *words), *near = NULL;

	for (size_t i = 0; words && i < sizeof own / sizeof *own; i++)
		words[n++] = own[i];
	for (size_t i = 0; words && i < t->party_count; i++)
		if (!t->parties[i].left)
			words[n++] = t->parties[i].name;
	for (size_t i = 0; words && i < t->group_count; i++)
		words[n++] = t->groups[i].name;
	for (size_t i = 0; words && i < x->q->alias_count; i++)
		words[n++] = x->q->aliases[i].name;
	if (words)
		near = report_nearest(word, words, n);
	report_add(x->report, "--to %s%s%s: no party, group or alias has that name%s%s%s",
		   x->alias ? x->alias : "", x->alias ? ": " : "", word,
		   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	refuse(x, ERR_UNKNOWN_PARTY);
	free(words);
}

static void take_words(struct resolving *x, const char *words);

static void take_alias(struct resolving *x, const struct recipients_alias *a)
{
	const char *outer = x->alias;

	if (!red_allows(x, a->name, "an alias"))
		return;
	if (x->depth == ALIAS_DEPTH_MAX) {
		report_add(x->report, "--to %s: the aliases name each other in a circle", outer);
		refuse(x, ERR_NOT_ALLOWED);
		return;
	}
	x->depth++;
	x->alias = outer ? outer : a->name;
	take_words(x, a->words);
	x->alias = outer;
	x->depth--;
}

static const char owner_of[] = "owner-of:";

/* SPEC 5.7: "What nobody or more than one claims names nobody, and is refused." */
static void take_owner(struct resolving *x, const char *value)
{
	const struct recipients_query *q = x->q;
	const struct party *owner = NULL;

	if (q->owner)
		owner = q->owner(q->owner_arg, q->topology, value, x->report);
	else
		report_add(x->report, "--to %s%s: no cards are known here", owner_of, value);
	if (owner)
		take_party(x, owner);
	else
		refuse(x, ERR_NOT_ALLOWED);
}

static void take_word(struct resolving *x, const char *word)
{
	const struct topology *t = x->q->topology;
	const struct party *p = topology_party(t, word);
	const struct party_group *g = topology_group(t, word);
	const struct recipients_alias *a = find_alias(x->q, word);

	/* SPEC 5.7: "An alias that is also the name of a party or a group is refused." */
	if (a && (p || g)) {
		report_add(x->report,
			   "--to %s: %s of the federation has this name, and so has an alias of "
			   "this node; give the alias another one",
			   word, p ? "a party" : "a group");
		refuse(x, ERR_NOT_ALLOWED);
	} else if (p) {
		take_party(x, p);
	} else if (g) {
		take_group(x, g);
	} else if (a) {
		take_alias(x, a);
	} else if (strcmp(word, "all") == 0) {
		take_all(x);
	} else if (strcmp(word, "up") == 0) {
		take_line(x, word, over, "nobody is above");
	} else if (strcmp(word, "down") == 0) {
		take_line(x, word, under, "nobody is below");
	} else if (strncmp(word, owner_of, sizeof owner_of - 1) == 0) {
		take_owner(x, word + sizeof owner_of - 1);
	} else {
		unknown(x, word);
	}
}

static void take_words(struct resolving *x, const char *words)
{
	static const char between[] = " ,";
	char word[WORD_BYTES];
	size_t taken = 0;

	for (words += strspn(words, between); *words; words += strspn(words, between)) {
		size_t n = strcspn(words, between);
		snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1),
			 words);
		take_word(x, word);
		words += n;
		taken++;
	}
	if (taken == 0) {
		report_add(x->report, "--to %s: nobody is named", x->alias ? x->alias : "\"\"");
		refuse(x, ERR_NOT_ALLOWED);
	}
}

static bool chosen_or_self(const struct resolving *x, size_t index)
{
	return x->choices[index].how[0] || &x->q->topology->parties[index] == x->q->self;
}

/* SPEC 5.7: "A role without a seal key that a group, `up` or `down` brings is left out when each
 * of its holders is a recipient or the author." */
static bool role_is_reached(const struct resolving *x, const struct party *role)
{
	for (size_t i = 0; i < role->holder_count; i++)
		if (!chosen_or_self(x, role->holders[i]))
			return false;
	return true;
}

static void check_seal_keys(struct resolving *x)
{
	const struct topology *t = x->q->topology;

	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		struct choice *c = &x->choices[i];
		if (!c->how[0] || seal_book_in_use(&x->q->book, p))
			continue;
		if (p->kind == PARTY_ROLE && !c->named && role_is_reached(x, p)) {
			c->how[0] = '\0';
			continue;
		}
		if (p->kind == PARTY_ROLE)
			report_add(x->report,
				   "--to %s: topology version %u has no seal key of this role; "
				   "its holder %s makes one (khabar keys role %s), and the "
				   "council publishes it",
				   p->name, t->version, t->parties[p->holders[0]].name, p->name);
		else
			report_add(x->report,
				   "--to %s: topology version %u has no seal key in use of it",
				   p->name, t->version);
		refuse(x, ERR_NOT_ALLOWED);
	}
}

/* The nodes that would read it, besides the author. */
static size_t mark_readers(const struct resolving *x, bool *reads)
{
	const struct topology *t = x->q->topology;
	size_t self = topology_index(t, x->q->self), n = 0;

	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		if (!x->choices[i].how[0])
			continue;
		if (p->kind == PARTY_NODE)
			reads[i] = true;
		for (size_t h = 0; h < p->holder_count; h++)
			reads[p->holders[h]] = true;
	}
	reads[self] = false;
	for (size_t i = 0; i < t->party_count; i++)
		n += reads[i];
	return n;
}

/* SPEC 5.7: "A direct message is refused unless links join the author and all its readers,
 * through each other at most." */
static void check_direct(struct resolving *x, bool *reads)
{
	const struct topology *t = x->q->topology;
	size_t *reached = malloc(t->party_count * sizeof *reached), n = 0;

	if (!reached) {
		refuse(x, ERR_MEMORY);
		return;
	}
	reached[n++] = topology_index(t, x->q->self);
	for (size_t at = 0; at < n; at++) {
		for (size_t i = 0; i < t->party_count; i++) {
			if (!reads[i] ||
			    !topology_link(t, &t->parties[reached[at]], &t->parties[i]))
				continue;
			reads[i] = false;
			reached[n++] = i;
		}
	}
	for (size_t i = 0; i < t->party_count; i++) {
		if (!reads[i])
			continue;
		report_add(x->report,
			   "--direct: %s has no link with %s or another reader; without --direct "
			   "others carry it, and cannot read it",
			   t->parties[i].name, x->q->self->name);
		refuse(x, ERR_NOT_ALLOWED);
	}
	free(reached);
}

static void check_readers(struct resolving *x)
{
	const struct party *self = x->q->self;
	const struct topology *t = x->q->topology;
	bool *reads = calloc(t->party_count, sizeof *reads);
	size_t n;

	if (!reads) {
		refuse(x, ERR_MEMORY);
		return;
	}
	n = mark_readers(x, reads);
	/* SPEC 5.7: "An audience of which nobody but the author is a reader is refused." */
	if (n == 0) {
		report_add(x->report, "--to: nobody but %s itself would read it", self->name);
		refuse(x, ERR_NOT_ALLOWED);
	} else if (x->q->direct) {
		check_direct(x, reads);
	}
	free(reads);
}

static void check_sealable(struct resolving *x)
{
	const struct topology *t = x->q->topology;
	const struct party *self = x->q->self;

	if (!t->policy.author_sealed) {
		report_add(x->report,
			   "--to: topology version %u does not yet allow sealed messages "
			   "(policy: sealed = no); only --to all can be",
			   t->version);
		refuse(x, ERR_NOT_ALLOWED);
	}
	if (!seal_book_in_use(&x->q->book, self)) {
		report_add(x->report, "topology version %u has no seal key in use of %s itself",
			   t->version, self->name);
		refuse(x, ERR_NOT_ALLOWED);
	}
	check_seal_keys(x);
	/* Who asks for nobody that exists has been told why. */
	if (!x->e)
		check_readers(x);
}

static enum err collect(struct recipients *r, const struct resolving *x)
{
	const struct topology *t = x->q->topology;

	r->all = x->all;
	r->direct = x->q->direct;
	r->book = x->q->book;
	if (x->all)
		return ERR_OK;
	r->chosen = calloc(t->party_count, sizeof *r->chosen);
	if (!r->chosen)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->party_count; i++) {
		struct chosen *c = &r->chosen[r->count];
		if (!x->choices[i].how[0])
			continue;
		c->party = &t->parties[i];
		memcpy(c->how, x->choices[i].how, sizeof c->how);
		r->count++;
	}
	return ERR_OK;
}

bool recipients_below(const struct topology *t, const struct party *node, const struct party *p)
{
	return under(t, topology_index(t, node), topology_index(t, p));
}

enum err recipients_resolve(struct recipients *r, const struct recipients_query *q,
			    struct report *report)
{
	struct resolving x = {.q = q, .report = report};

	*r = (struct recipients){0};
	if (q->word_count == 0) {
		report_add(report, "--to: nobody is named; write --to all, or who shall read it");
		return ERR_NOT_ALLOWED;
	}
	x.choices = calloc(q->topology->party_count, sizeof *x.choices);
	if (!x.choices)
		return ERR_MEMORY;
	for (size_t i = 0; i < q->word_count; i++)
		take_words(&x, q->words[i]);
	if (!x.all && !x.e)
		check_sealable(&x);
	if (!x.e)
		x.e = collect(r, &x);
	free(x.choices);
	return x.e;
}

void recipients_clear(struct recipients *r)
{
	free(r->chosen);
	*r = (struct recipients){0};
}
