/* Whom --to names, and what `who` says of it. */
#include "protocol/recipients.h"

#include "protocol/audience.h"
#include "tests/protocol/federation.h"

static struct report report;
static struct recipients got;

/* "name: parents" in the order of the text; keys for all but those marked with '!'. */
static const char *const shipped[][2] = {
	{"national", ""},       {"punjab", "government"},  {"sindh", "government"},
	{"kp", "government"},   {"kp-cerc", "kp"},         {"telecom", "cii"},
	{"defense", "cii"},     {"community", "national"}, {"fbr", "government cii"},
	{"gone", "government"},
};

static void put_role(struct writing *w, const char *name, const char *holders, bool keyed)
{
	char key[65];

	put(w, "    %s\n        reports-to = national\n        holders = \"%s\"\n", name, holders);
	if (keyed)
		put(w, "        seal\n            4 = \"%s\"\n", key_text(key, "seal", name));
}

/* The shipped federation, more or less. */
static struct topology *federation(const char *government, const char *cii, bool keyed,
				   const char *policy)
{
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2027-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "%s", policy);
	put(&w, "node\n");
	for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
		put(&w, "    %s\n", shipped[i][0]);
		if (shipped[i][1][0])
			put(&w, "        reports-to = \"%s\"\n", shipped[i][1]);
		if (strcmp(shipped[i][0], "gone") == 0)
			put(&w, "        left = 2026-01-01\n");
		put_keys(&w, shipped[i][0]);
	}
	put(&w, "role\n");
	put_role(&w, "government", government, keyed);
	put_role(&w, "cii", cii, keyed);
	put(&w, "group\n    provinces = \"punjab sindh kp\"\n    sectors = \"telecom defense\"\n");
	put(&w, "    tops = \"national government\"\n");
	put(&w, "link\n    t = \"telecom defense\"\n");
	t = parse_or_bail(w.at);
	free(w.at);
	return t;
}

static struct topology *plain(void)
{
	return federation("national", "national", true, "");
}

/* The last two take names that are the federation's. */
static const struct recipients_alias aliases[] = {
	{"us", "punjab sindh"}, {"both", "us,kp-cerc"},  {"round", "about"},
	{"about", "round"},     {"typo", "punjab sind"}, {"parents", "up"},
	{"nobody", "  "},       {"sectors", "punjab"},   {"government", "punjab"},
};
enum { ALIASES = sizeof aliases / sizeof *aliases };

static enum err ask(const struct topology *t, const char *self, const char *words, enum tlp tlp,
		    bool direct)
{
	struct recipients_query q = {.topology = t,
				     .self = topology_party(t, self),
				     .words = &words,
				     .word_count = 1,
				     .aliases = aliases,
				     .alias_count = ALIASES - 2,
				     .tlp = tlp,
				     .direct = direct};

	recipients_clear(&got);
	report_clear(&report);
	return recipients_resolve(&got, &q, &report);
}

/* Names, or "all", or the first of what was wrong. */
static const char *to(const struct topology *t, const char *self, const char *words, enum tlp tlp)
{
	static char out[600];

	out[0] = '\0';
	if (ask(t, self, words, tlp, false))
		return report_first(&report);
	if (got.all)
		return got.count ? "all, and names" : "all";
	for (size_t i = 0; i < got.count; i++)
		sprintf(out + strlen(out), "%s%s", out[0] ? " " : "", got.chosen[i].party->name);
	return out;
}

static const char *amber(const struct topology *t, const char *self, const char *words)
{
	return to(t, self, words, TLP_AMBER);
}

static void words_name_parties(void)
{
	struct topology *t = plain();

	is_str(amber(t, "telecom", "defense"), "defense", "a node");
	is_str(amber(t, "kp", "government"), "government", "a role");
	is_str(amber(t, "punjab", "sectors"), "telecom defense", "a group");
	is_str(amber(t, "kp-cerc", "up"), "national kp government", "all lines above");
	is_str(amber(t, "fbr", "up"), "national government cii", "both of them");
	is_str(amber(t, "kp", "down"), "kp-cerc", "a line below");
	is_str(amber(t, "national", "down"),
	       "punjab sindh kp kp-cerc telecom defense community fbr government cii",
	       "the whole federation, without who left");
	is_str(amber(t, "punjab", "both"), "sindh kp-cerc",
	       "an alias in an alias, without oneself");
	is_str(amber(t, "kp-cerc", "parents"), "national kp government", "an alias for a line");
	is_str(amber(t, "punjab", "kp, sindh  ,defense"), "sindh kp defense",
	       "in the order of the topology");
	is_str(amber(t, "punjab", "sindh sindh provinces"), "sindh kp", "each once");
	is_str(to(t, "punjab", "sindh", TLP_CLEAR), "sindh", "CLEAR may be for one");
	is_str(to(t, "punjab", "sindh government", TLP_RED), "sindh government", "RED by name");
	topology_free(t);
}

static void everyone_is_everyone(void)
{
	struct topology *t = plain();

	is_str(to(t, "punjab", "all", TLP_CLEAR), "all", "CLEAR");
	is_str(to(t, "punjab", "sindh all", TLP_GREEN), "all", "GREEN, with somebody besides");
	is_str(to(t, "punjab", "all,nowhere", TLP_GREEN),
	       "--to nowhere: no party, group or alias has that name", "all hides no mistake");
	is_str(amber(t, "punjab", "all"),
	       "--to all: TLP:amber never goes to everyone; name parties or groups, or write up "
	       "or down",
	       "AMBER");
	is_int(ask(t, "punjab", "all", TLP_AMBER_STRICT, false), ERR_NOT_ALLOWED, "AMBER+STRICT");
	is_int(ask(t, "punjab", "all", TLP_RED, false), ERR_NOT_ALLOWED, "RED");
	is_int(ask(t, "punjab", "sindh all", TLP_AMBER, false), ERR_NOT_ALLOWED, "with a name");
	is_int(ask(t, "punjab", "all", TLP_CLEAR, true), ERR_NOT_ALLOWED, "directly");
	topology_free(t);
}

static void holders_look_up_and_down_from_their_roles(void)
{
	struct topology *t = federation("community", "national", true, "");

	is_str(amber(t, "community", "down"), "punjab sindh kp kp-cerc fbr",
	       "below the role that it holds, without the role");
	is_str(amber(t, "community", "up"), "national", "above both");
	is_str(amber(t, "punjab", "up"), "national government", "a line, not its holders");
	topology_free(t);
}

static void what_is_wrong_is_said_in_words(void)
{
	static const struct {
		const char *self, *words, *said;
	} cases[] = {
		{"punjab", "defence",
		 "--to defence: no party, group or alias has that name; did you mean "
		 "\"defense\"?"},
		{"punjab", "al",
		 "--to al: no party, group or alias has that name; did you mean \"all\"?"},
		{"punjab", "typo",
		 "--to typo: sind: no party, group or alias has that name; did you mean "
		 "\"sindh\"?"},
		{"punjab", "gone", "--to gone: it has left the federation"},
		{"punjab", "punjab", "--to: nobody but punjab itself would read it"},
		{"national", "government", "--to: nobody but national itself would read it"},
		{"national", "up", "--to up: nobody is above national"},
		{"sindh", "down", "--to down: nobody is below sindh"},
		{"punjab", "", "--to \"\": nobody is named"},
		{"punjab", " , ", "--to \"\": nobody is named"},
		{"punjab", "nobody", "--to nobody: nobody is named"},
		{"punjab", "round", "--to round: the aliases name each other in a circle"},
	};
	struct topology *t = plain();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_str(amber(t, cases[i].self, cases[i].words), cases[i].said, "%s to \"%s\"",
		       cases[i].self, cases[i].words);
	ok(ask(t, "punjab", "sindh defence nobody down", TLP_AMBER, false) && report.count == 3,
	   "every mistake is told");
	is_int(got.count, 0, "and nobody is chosen");
	topology_free(t);
}

static void nobody_is_not_everybody(void)
{
	struct topology *t = plain();
	struct recipients_query q = {
		.topology = t, .self = topology_party(t, "kp"), .tlp = TLP_CLEAR};

	report_clear(&report);
	recipients_clear(&got);
	is_int(recipients_resolve(&got, &q, &report), ERR_NOT_ALLOWED, "no word at all");
	ok(!got.all && got.count == 0 && report.count == 1, "is nobody, in words");
	topology_free(t);
}

static void red_goes_to_named_parties_alone(void)
{
	static const struct {
		const char *word, *said;
	} cases[] = {{"provinces", "a group"}, {"up", "a line"}, {"us", "an alias"}};
	struct topology *t = plain();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char want[200];
		snprintf(want, sizeof want,
			 "--to %s: TLP:RED goes only to parties that are named one by one, and "
			 "this is %s",
			 cases[i].word, cases[i].said);
		is_str(to(t, "kp", cases[i].word, TLP_RED), want, "%s", cases[i].word);
		is_int(ask(t, "kp", cases[i].word, TLP_AMBER_STRICT, false), ERR_OK,
		       "AMBER+STRICT may");
	}
	topology_free(t);
}

static void an_alias_never_takes_the_name_of_a_party_or_group(void)
{
	struct topology *t = plain();
	static const char *const words[] = {"sectors", "government"};

	for (size_t i = 0; i < 2; i++) {
		struct recipients_query q = {.topology = t,
					     .self = topology_party(t, "kp"),
					     .words = &words[i],
					     .word_count = 1,
					     .aliases = aliases,
					     .alias_count = ALIASES,
					     .tlp = TLP_AMBER};
		report_clear(&report);
		recipients_clear(&got);
		is_int(recipients_resolve(&got, &q, &report), ERR_NOT_ALLOWED, "%s", words[i]);
		ok(strstr(report_first(&report), "give the alias another one"), "in words");
	}
	topology_free(t);
}

static void a_role_without_a_key_is_refused_unless_its_holders_read(void)
{
	struct topology *t = federation("national", "telecom", false, "");

	is_str(amber(t, "kp", "government"),
	       "--to government: topology version 1 has no seal key of this role; its holder "
	       "national makes one (khabar keys role government), and the council publishes it",
	       "by name: refused");
	is_str(amber(t, "kp", "up"), "national", "its holder is above, too");
	is_str(amber(t, "defense", "up"),
	       "--to cii: topology version 1 has no seal key of this role; its holder telecom "
	       "makes one (khabar keys role cii), and the council publishes it",
	       "its holder would not read");
	is_str(amber(t, "defense", "up telecom"), "national telecom", "unless it is named");
	is_str(amber(t, "telecom", "up"), "national", "or is the author");
	is_str(amber(t, "kp", "tops"), "national", "groups likewise");
	is_str(amber(t, "national", "government"),
	       "--to government: topology version 1 has no seal key of this role; its holder "
	       "national makes one (khabar keys role government), and the council publishes it",
	       "even to its holder");
	topology_free(t);
}

static void the_policy_may_say_not_yet(void)
{
	struct topology *t = federation("national", "national", true, "policy\n    sealed = no\n");

	ok(strstr(amber(t, "kp", "sindh"), "does not yet allow sealed messages"), "names");
	is_str(to(t, "kp", "all", TLP_GREEN), "all", "but everyone");
	topology_free(t);
}

static void direct_needs_links(void)
{
	struct topology *t = plain();

	is_int(ask(t, "telecom", "defense", TLP_AMBER, true), ERR_OK, "a bilateral link");
	ok(got.direct, "it stays direct");
	is_int(ask(t, "punjab", "government", TLP_AMBER, true), ERR_OK, "the holder above");
	is_int(ask(t, "telecom", "defense national", TLP_AMBER, true), ERR_OK, "two links");
	is_int(ask(t, "kp-cerc", "kp national sindh", TLP_AMBER, true), ERR_OK,
	       "readers pass it to each other");
	is_int(ask(t, "kp-cerc", "kp sindh", TLP_AMBER, true), ERR_NOT_ALLOWED, "nobody else does");
	is_str(report_first(&report),
	       "--direct: sindh has no link with kp-cerc or another reader; without --direct "
	       "others carry it, and cannot read it",
	       "in words");
	topology_free(t);
	t = federation("national community", "national", true, "");
	is_int(ask(t, "telecom", "government", TLP_AMBER, true), ERR_OK,
	       "holders reach each other");
	topology_free(t);
}

static void a_letter_has_the_keys_in_use_and_the_author(void)
{
	static struct letter l;
	struct topology *t = plain();
	const struct party *kp = topology_party(t, "kp");
	const struct party *role = topology_party(t, "government");
	struct party_id ids[2] = {kp->id, role->id};
	struct audience_id want = audience_of(&kp->id, ids, 2, false);
	bool seen = false;

	need(ask(t, "kp", "government", TLP_AMBER, false) == ERR_OK);
	is_int(recipients_letters(&got), 1, "one letter");
	ok(recipients_letter(&l, &got, kp, 0), "with keys");
	is_int(l.count, 2, "to two");
	ok(memcmp(l.to[0].party.b, l.to[1].party.b, PARTY_ID_BYTES) < 0, "ascending");
	ok(memcmp(&want, &l.audience, sizeof want) == 0, "the audience of the header");
	for (size_t i = 0; i < 2; i++)
		seen |= l.to[i].number == 4 && l.to[i].key == role->seal_keys[0].key;
	ok(seen, "the role's key 4");
	need(ask(t, "telecom", "defense", TLP_AMBER, true) == ERR_OK);
	ok(recipients_letter(&l, &got, topology_party(t, "telecom"), 0), "a direct one");
	ids[0] = topology_party(t, "defense")->id;
	want = audience_of(&topology_party(t, "telecom")->id, ids, 1, true);
	ok(memcmp(&want, &l.audience, sizeof want) == 0, "has the audience of a direct one");
	need(ask(t, "kp", "all", TLP_GREEN, false) == ERR_OK);
	want = audience_all();
	ok(recipients_letters(&got) == 1 && recipients_letter(&l, &got, kp, 0), "for everyone");
	ok(l.count == 0 && memcmp(&want, &l.audience, sizeof want) == 0, "nobody by name");
	topology_free(t);
}

/* A root and n nodes below it. */
static struct topology *star(unsigned n)
{
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2027-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n    root\n");
	put_keys(&w, "root");
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		put(&w, "    %s\n        reports-to = root\n", name);
		put_keys(&w, name);
	}
	t = parse_or_bail(w.at);
	free(w.at);
	return t;
}

/* As the header of a message with that letter has them. */
static void address(struct header *h, const struct party *origin, const struct letter *l)
{
	*h = (struct header){.origin = origin->id,
			     .audience = l->audience,
			     .flags = l->direct ? FLAG_SEALED | FLAG_DIRECT : FLAG_SEALED,
			     .recipient_count = (uint16_t)l->count};
	for (size_t i = 0; i < l->count; i++)
		h->recipients[i] =
			(struct recipient){.party = l->to[i].party, .key = l->to[i].number};
}

static const struct seal_key *none_in_use(void *arg, const struct party *p)
{
	return p->kind == PARTY_ROLE ? NULL : *(const struct seal_key *const *)arg;
}

static void whoever_got_it_can_be_written_to_again(void)
{
	static struct letter l, again;
	static struct header h;
	const struct seal_book topology = {0};
	const struct seal_key changed = {.number = 9}, *key = &changed;
	const struct seal_book book = {none_in_use, &key};
	struct topology *t = plain(), *now = plain();
	const struct party *kp = topology_party(t, "kp");
	struct party *role = (struct party *)(uintptr_t)topology_party(now, "government");
	struct party_id missing;

	role->seal_key_count = 0;
	need(ask(t, "kp", "government", TLP_AMBER, false) == ERR_OK &&
	     recipients_letter(&l, &got, kp, 0));
	address(&h, kp, &l);
	ok(recipients_letter_again(&again, t, &topology, NULL, &h, &missing), "to the same");
	ok(again.count == l.count && memcmp(&again.audience, &l.audience, sizeof l.audience) == 0,
	   "which is the same audience");
	ok(!recipients_letter_again(&again, now, &topology, NULL, &h, &missing),
	   "not when one has no key any more");
	ok(party_id_equal(&missing, &topology_party(t, "government")->id), "who is named");
	ok(recipients_letter_again(&again, now, &topology, t, &h, &missing),
	   "unless the key that it had is known");
	ok(recipients_letter_again(&again, now, &book, t, &h, &missing), "a card has another key");
	for (size_t i = 0; i < again.count; i++)
		is_int(again.to[i].number, party_id_equal(&again.to[i].party, &kp->id) ? 9 : 4,
		       "the card's where there is one, else the one it had");
	topology_free(now);
	topology_free(t);
}

static void many_recipients_take_several_letters(void)
{
	static const unsigned sizes[] = {254, 255, 256, 510, 511};
	static struct letter l;

	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		struct topology *t = star(sizes[k]);
		const struct party *root = topology_party(t, "root");
		size_t others = 0, authors = 0, disorder = 0;
		need(ask(t, "root", "down", TLP_AMBER, false) == ERR_OK);
		is_int(recipients_letters(&got), (sizes[k] + 254) / 255, "%u below", sizes[k]);
		for (size_t i = 0; i < recipients_letters(&got); i++) {
			need(recipients_letter(&l, &got, root, i) && l.count <= RECIPIENTS_MAX);
			for (size_t r = 0; r < l.count; r++) {
				bool own = party_id_equal(&l.to[r].party, &root->id);
				authors += own;
				others += !own;
				disorder += r && memcmp(l.to[r - 1].party.b, l.to[r].party.b,
							PARTY_ID_BYTES) >= 0;
			}
		}
		is_int(others, sizes[k], "each once");
		is_int(authors, recipients_letters(&got), "the author in every one");
		is_int(disorder, 0, "all in order");
		topology_free(t);
	}
}

/* ---- what is shown ---- */

static const char *explained(const struct topology *t, const char *self)
{
	static char out[2000];
	struct explanation e;

	need(recipients_explain(&e, t, topology_party(t, self), &got) == ERR_OK);
	out[0] = '\0';
	for (size_t i = 0; i < e.node_count; i++)
		sprintf(out + strlen(out), "%s %s: %s\n", e.nodes[i].node->name,
			e.nodes[i].reads ? "reads" : "carries", e.nodes[i].why);
	for (size_t i = 0; i < e.link_count; i++)
		sprintf(out + strlen(out), "%s-%s%s\n", e.links[i].a->name, e.links[i].b->name,
			e.links[i].kind == LINK_BILATERAL ? " bilateral" : "");
	explanation_clear(&e);
	return out;
}

static void who_is_told_with_the_reason(void)
{
	struct topology *t = plain();

	need(ask(t, "telecom", "defense", TLP_AMBER, false) == ERR_OK);
	is_str(explained(t, "telecom"),
	       "national carries: on the way to defense, as cii\n"
	       "telecom reads: writes it\n"
	       "defense reads: named\n"
	       "national-telecom\nnational-defense\ntelecom-defense bilateral\n",
	       "telecom to defense");
	need(ask(t, "telecom", "defense", TLP_AMBER, true) == ERR_OK);
	is_str(explained(t, "telecom"),
	       "telecom reads: writes it\ndefense reads: named\ntelecom-defense bilateral\n",
	       "directly");
	need(ask(t, "kp-cerc", "government", TLP_AMBER, false) == ERR_OK);
	is_str(explained(t, "kp-cerc"),
	       "national reads: holds government (named)\n"
	       "kp carries: on the way to government\n"
	       "kp-cerc reads: writes it\n"
	       "national-kp\nkp-kp-cerc\n",
	       "to a role");
	need(ask(t, "telecom", "provinces kp-cerc", TLP_AMBER, false) == ERR_OK);
	is_str(explained(t, "telecom"),
	       "national carries: on the way to punjab, and to 3 more\n"
	       "punjab reads: group provinces\n"
	       "sindh reads: group provinces\n"
	       "kp reads: group provinces\n"
	       "kp-cerc reads: named\n"
	       "telecom reads: writes it\n"
	       "national-punjab\nnational-sindh\nnational-kp\nnational-telecom\nkp-kp-cerc\n",
	       "to a group");
	need(ask(t, "telecom", "all", TLP_GREEN, false) == ERR_OK);
	ok(strstr(explained(t, "telecom"), "gone") == NULL, "who left has nothing");
	ok(strstr(explained(t, "telecom"), "community reads: everyone\n"), "everyone reads");
	topology_free(t);
}

/* What is shown before is what the header then means. */
static void what_is_shown_is_what_the_header_says(void)
{
	static struct letter l;
	static struct header h;
	struct topology *t = plain();
	struct recipients read;
	char before[2000];

	need(ask(t, "kp", "government sectors", TLP_AMBER, false) == ERR_OK);
	need(recipients_letter(&l, &got, topology_party(t, "kp"), 0));
	h.origin = topology_party(t, "kp")->id;
	for (size_t i = 0; i < l.count; i++) {
		h.recipients[i].party = l.to[i].party;
		h.recipients[i].key = l.to[i].number;
	}
	h.recipient_count = (uint16_t)l.count;
	need(recipients_of(&read, t, &h) == ERR_OK);
	is_int(read.count, 3, "three of the header's four");
	for (size_t i = 0; i < got.count; i++)
		strcpy(got.chosen[i].how, "recipient");
	strcpy(before, explained(t, "kp"));
	recipients_clear(&got);
	got = read;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		char line[64];
		bool reads = audience_reads(t, p, &h), carries = audience_carries(t, p, &h);
		snprintf(line, sizeof line, "%s %s: ", p->name, reads ? "reads" : "carries");
		need((strstr(before, line) != NULL) == carries);
	}
	ok(true, "reads and carries alike");
	memset(h.recipients, 0xee, sizeof h.recipients);
	recipients_clear(&got);
	need(recipients_of(&got, t, &h) == ERR_OK);
	is_str(explained(t, "kp"), "kp reads: writes it\n", "strangers add nobody");
	h.recipient_count = 0;
	recipients_clear(&got);
	need(recipients_of(&got, t, &h) == ERR_OK);
	ok(got.all, "no recipients: everyone");
	topology_free(t);
}

/* Whatever the federation, who is resolved reads, and nobody else but the author. */
static void any_federation_resolves_to_readers(void)
{
	static const char *const words[] = {"up", "down", "n0", "n1", "r0", "n2 r1", "up down"};
	unsigned resolved = 0, wrong = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		char *text = random_federation(seed, 2 + seed % 20, seed % 6, seed % 4);
		struct topology *t = parse_or_bail(text);
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			static struct letter l;
			const struct party *self = topology_party(t, seed % 2 ? "n0" : "n1");
			if (self->left || ask(t, self->name, words[i], TLP_AMBER, seed % 3 == 0))
				continue;
			resolved++;
			wrong += got.count == 0 || !recipients_letter(&l, &got, self, 0);
			for (size_t c = 0; c < got.count; c++)
				wrong += got.chosen[c].party == self || got.chosen[c].party->left;
			explained(t, self->name);
		}
		topology_free(t);
		free(text);
	}
	ok(resolved > 100, "%u resolved", resolved);
	is_int(wrong, 0, "all to somebody else who is there");
}

int main(void)
{
	report_init(&report);
	RUN(words_name_parties);
	RUN(everyone_is_everyone);
	RUN(holders_look_up_and_down_from_their_roles);
	RUN(what_is_wrong_is_said_in_words);
	RUN(nobody_is_not_everybody);
	RUN(red_goes_to_named_parties_alone);
	RUN(an_alias_never_takes_the_name_of_a_party_or_group);
	RUN(a_role_without_a_key_is_refused_unless_its_holders_read);
	RUN(the_policy_may_say_not_yet);
	RUN(direct_needs_links);
	RUN(a_letter_has_the_keys_in_use_and_the_author);
	RUN(whoever_got_it_can_be_written_to_again);
	RUN(many_recipients_take_several_letters);
	RUN(who_is_told_with_the_reason);
	RUN(what_is_shown_is_what_the_header_says);
	RUN(any_federation_resolves_to_readers);
	recipients_clear(&got);
	report_clear(&report);
	return tap_done();
}
