/* Whom a message goes to: what --to names, under one version of the topology.  SPEC.md 5.7.
 *
 * The words are the author's; readers see the recipients of a header and never what they were
 * called.  Everything here is a pure function, so that what `khabar who` shows is what happens.
 * What may not be is refused in words that say what to do; nothing is ever left out in silence,
 * and nobody is never everybody. */
#ifndef PROTOCOL_RECIPIENTS_H
#define PROTOCOL_RECIPIENTS_H

#include "protocol/message.h"
#include "protocol/topology.h"

/* Which of its seal keys a party is sealed to: the topology alone does not know of those that its
 * card names.  All zeros: as if there were no cards. */
struct seal_book {
	const struct seal_key *(*in_use)(void *arg, const struct party *p); /* NULL: none */
	void *arg;
};
const struct seal_key *seal_book_in_use(const struct seal_book *book, const struct party *p);

/* A name that stands for words, in this node alone. */
struct recipients_alias {
	const char *name, *words;
};

struct recipients_query {
	const struct topology *topology;
	const struct party *self; /* the author */
	const char *const *words; /* each one or more, separated by spaces or commas */
	size_t word_count;
	const struct recipients_alias *aliases;
	size_t alias_count;
	enum tlp tlp;
	bool direct;
	struct seal_book book;
	/* Whose a value is; NULL after saying in report why it is nobody's.  NULL: nothing is
	 * anybody's. */
	const struct party *(*owner)(void *arg, const struct topology *t, const char *value,
				     struct report *report);
	void *owner_arg;
};

enum { HOW_BYTES = 48, WHY_BYTES = 160 };

struct chosen {
	const struct party *party; /* of the topology */
	char how[HOW_BYTES];       /* "named" "up" "down" "group provinces" "alias banks" */
};

/* Everybody, or the parties other than the author, in the order of the topology. */
struct recipients {
	bool all, direct;
	struct chosen *chosen;
	size_t count;
	struct seal_book book; /* of recipients_letter() */
};

/* Resolves the words.  ERR_UNKNOWN_PARTY or ERR_NOT_ALLOWED when anything is wrong, and report
 * has all of it.  On ERR_OK recipients_clear() frees what r owns; it points into the topology. */
enum err recipients_resolve(struct recipients *r, const struct recipients_query *q,
			    struct report *report);
void recipients_clear(struct recipients *r);

/* True when the party is below the node, or below a role that it holds, as "down" means it. */
bool recipients_below(const struct topology *t, const struct party *node, const struct party *p);

/* The recipients of a header besides its origin, as far as the topology knows them; how is
 * "recipient".  The book is empty.  ERR_MEMORY. */
enum err recipients_of(struct recipients *r, const struct topology *t, const struct header *h);

/* One who gets the content key: to its seal key in use. */
struct addressee {
	struct party_id party;
	uint16_t number;
	const uint8_t *key; /* SEAL_KEY_BYTES; lives as long as topology and book */
};

/* One message of those that it takes to reach them all: a header holds 256 recipients, and the
 * author is always one of them. */
struct letter {
	struct audience_id audience;
	bool direct;
	size_t count;                        /* 0: for everyone */
	struct addressee to[RECIPIENTS_MAX]; /* ascending, as in the header */
};

/* How many letters it takes: 1 for everyone. */
size_t recipients_letters(const struct recipients *r);
/* The ith of them.  Every party must have a seal key in use, as those of recipients_resolve() do;
 * false when one has not. */
bool recipients_letter(struct letter *l, const struct recipients *r, const struct party *self,
		       size_t i);

/* The letter to the very parties to which a message went, so that both have one audience: each
 * under its key in use by t and the book, or, where it has none, under the key of the message in
 * then, the version that the message names (NULL: not held).  False when *missing has no key in
 * either. */
bool recipients_letter_again(struct letter *l, const struct topology *t,
			     const struct seal_book *book, const struct topology *then,
			     const struct header *h, struct party_id *missing);

/* A node that would have the message: as a reader, or only to pass it on. */
struct explained_node {
	const struct party *node;
	bool reads;
	char why[WHY_BYTES]; /* "named", "holds government (up)", "on the way to kp, as cii" */
};
struct explained_link {
	const struct party *a, *b;
	enum link_kind kind;
};
struct explanation {
	struct explained_node *nodes; /* in the order of the topology */
	size_t node_count;
	struct explained_link *links; /* that would carry it */
	size_t link_count;
};

/* Who reads, who carries, over which links, and why.  ERR_MEMORY. */
enum err recipients_explain(struct explanation *e, const struct topology *t,
			    const struct party *origin, const struct recipients *r);
void explanation_clear(struct explanation *e);

#endif
