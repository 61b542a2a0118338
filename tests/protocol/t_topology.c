/* Texts are read to the letter, every mistake is named, and links follow from lines. */
#include "protocol/topology.h"
#include "tests/protocol/federation.h"

#define FOLDER "tests/protocol/topology/"

/* ---- golden cases ---- */

enum { CASE_BYTES = 20000 };

struct golden {
	char name[200], from[CASE_BYTES], to[CASE_BYTES], report[CASE_BYTES];
};

static void append(char *out, const char *text)
{
	need(strlen(out) + strlen(text) < CASE_BYTES);
	strcat(out, text);
}

/* Lines of a block are joined by newlines, without one at the end. */
static void append_line(char *out, bool *any, const char *text)
{
	if (*any)
		append(out, "\n");
	*any = true;
	append(out, text);
}

static bool next_case(struct golden *g, char **at)
{
	bool from = false, to = false;

	memset(g, 0, sizeof *g);
	while (*at && **at) {
		char *line = strsep(at, "\n");
		const char *text = line[0] && line[1] ? line + 2 : "";
		if (line[0] == '=')
			snprintf(g->name, sizeof g->name, "%s", text);
		else if (line[0] == '<')
			append_line(g->from, &from, text);
		else if (line[0] == '>')
			append_line(g->to, &to, text);
		else if (line[0] == '!') {
			append(g->report, text);
			append(g->report, "\n");
		} else if (line[0] == '\0' && g->name[0]) {
			return true;
		}
	}
	return g->name[0] != '\0';
}

/* "\t" and the like become bytes; returns how many there are then. */
static size_t unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in;) {
		unsigned byte;
		if (in[0] == '\\' && in[1] == 'x' && sscanf(in + 2, "%2x", &byte) == 1) {
			*out++ = (char)byte;
			in += 4;
		} else if (in[0] == '\\' && strchr("tre0", in[1])) {
			*out++ = "\t\r\033\0"[strchr("tre0", in[1]) - "tre0"];
			in += 2;
		} else {
			*out++ = *in++;
		}
	}
	return (size_t)(out - text);
}

static void check_case(struct golden *g, const char *base)
{
	size_t to = unescape(g->to), n;
	const char *at = strcmp(g->from, "*") == 0 ? base : strstr(base, g->from);
	size_t from = strcmp(g->from, "*") == 0 ? strlen(base) : strlen(g->from);
	char *text = malloc(strlen(base) + to + 1), said[CASE_BYTES] = "";
	struct topology *t;
	struct report report;

	need(text && at);
	n = (size_t)(at - base);
	memcpy(text, base, n);
	memcpy(text + n, g->to, to);
	n += to;
	strcpy(text + n, at + from);
	n += strlen(at + from);
	report_init(&report);
	is_int(topology_parse(&t, text, n, &report), ERR_FORMAT, "%s is refused", g->name);
	ok(!t, "and gives no topology");
	for (size_t i = 0; i < report.count; i++) {
		append(said, report.lines[i]);
		append(said, "\n");
	}
	is_str(said, g->report, "in these words");
	is_int(topology_parse(&t, text, n, NULL), ERR_FORMAT, "and without a report too");
	report_clear(&report);
	free(text);
}

static void every_mistake_has_its_words(void)
{
	size_t n;
	char *base = slurp(FOLDER "base.zpl", &n), *cases = slurp(FOLDER "errors.txt", &n);
	char *at = cases;
	struct golden g;
	unsigned count = 0;

	for (; next_case(&g, &at); count++)
		check_case(&g, base);
	ok(count > 120, "%u cases", count);
	free(cases);
	free(base);
}

static void all_mistakes_come_at_once(void)
{
	static const char text[] = "federation\n"
				   "    name = x\n"
				   "    version = one\n"
				   "    expires = soon\n"
				   "council\n"
				   "    threshold = 1\n"
				   "    members\n"
				   "        a = b\n"
				   "node\n"
				   "    national\n"
				   "        colour = red\n"
				   "    punjab\n"
				   "        reports-to = nationl\n"
				   "        link = 1\n"
				   "\ttab\n"
				   "    Sindh\n"
				   "        reports-to = \"punjab\n"
				   "link\n"
				   "    x = \"punjab punjab\"\n";
	static const char *const wanted[] = {
		"line 15: a tab",
		"line 17: the closing",
		"version: \"one\"",
		"expires: \"soon\"",
		"council members: a: not a minisign",
		"node national: colour: unknown key",
		"node national: sign: missing",
		"node punjab: link: not a key",
		"node punjab: reports-to: no party named \"nationl\"; did you mean \"national\"?",
		"node Sindh: a name is",
		"link: x: punjab cannot have a link with itself"};
	struct topology *t;
	struct report report;

	report_init(&report);
	is_int(topology_parse(&t, text, strlen(text), &report), ERR_FORMAT, "refused");
	for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
		bool found = false;
		for (size_t i = 0; i < report.count; i++)
			found |= strstr(report.lines[i], wanted[k]) != NULL;
		ok(found, "said: %s", wanted[k]);
	}
	report_clear(&report);
}

/* ---- what a good text says ---- */

static void a_good_text_is_read_to_the_letter(void)
{
	size_t n;
	char *text = slurp(FOLDER "base.zpl", &n);
	struct topology *t = parse_or_bail(text);
	const struct party *national = topology_party(t, "national"),
			   *punjab = topology_party(t, "punjab"),
			   *sindh = topology_party(t, "sindh");
	struct hash hash = hash_of(text, n);
	struct party_id id;
	char hex[65];

	need(national && punjab && sindh);
	ok(t->text_length == n && memcmp(t->text, text, n) == 0, "the text is kept");
	ok(hash_equal(&t->hash, &hash), "and hashed");
	is_str(t->name, "Test federation", "name");
	is_int(t->version, 2, "version");
	is_str(hex_encode(hex, t->network.b, 8), "0011223344556677", "network");
	is_int(t->expires, 1830211200000LL, "expires");
	ok(t->previous_count == 1 && t->previous[0].b[31] == 0xab, "previous");
	ok(t->council.threshold == 2 && t->council.suspension == 1, "thresholds");
	ok(t->council.member_count == 3 && !strcmp(t->council.members[1].name, "defence"),
	   "members");
	ok(t->policy.expiry_days[TLP_CLEAR] == 300 && t->policy.expiry_days[TLP_GREEN] == 400 &&
		   t->policy.expiry_days[TLP_AMBER_STRICT] == 60,
	   "expiry, said and not said");
	ok(t->policy.early_warning_hours == 12 && t->policy.notification_hours == 72 &&
		   t->policy.final_days == 30 && t->policy.author_sealed,
	   "policy");
	is_int(t->party_count, 8, "parties");
	ok(t->parties[0].kind == PARTY_NODE && !strcmp(t->parties[7].name, "cii"), "in order");
	is_int(t->root, topology_index(t, national), "the root");
	id = party_id_of(&t->network, "punjab");
	ok(party_id_equal(&id, &punjab->id) && topology_party_by_id(t, &id) == punjab,
	   "found by id");
	is_str(punjab->title, "CERT Punjab", "title");
	is_str(sindh->title, "sindh", "a title that is not said is the name");
	is_str(punjab->endpoint, "tcp://192.0.2.1:5670", "endpoint");
	ok(!sindh->endpoint, "no endpoint");
	is_int(punjab->quota_bytes, 64 << 20, "quota");
	ok(punjab->emergencies == 10 && sindh->emergencies == 6, "emergencies");
	ok(punjab->network_count == 2 && !strcmp(punjab->networks[1], "2001:db8::/32"), "networks");
	ok(punjab->domain_count == 1 && punjab->as_number_count == 2 &&
		   punjab->as_numbers[1] == 64501,
	   "domains and AS numbers");
	ok(sindh->sign_key_count == 2 && sindh->sign_keys[0].number == 1 &&
		   sindh->sign_keys[0].revoked && !sindh->sign_keys[1].revoked,
	   "sign keys in order of number");
	ok(party_sign_key(sindh, 1)->revoked && !party_sign_key(sindh, 3), "sign keys by number");
	is_int(party_seal_key(sindh)->number, 2, "the seal key in use");
	ok(!party_seal_key(topology_party(t, "cii")), "a role without seal key");
	topology_free(t);
	free(text);
}

/* The base with a line behind another one, or that line in its place. */
static struct topology *edited(const char *line, const char *with)
{
	size_t n;
	char *text = slurp(FOLDER "base.zpl", &n), *at = strstr(text, line), *whole;
	struct topology *t;

	need(at);
	whole = malloc(n + strlen(with) + 1);
	need(whole);
	memcpy(whole, text, (size_t)(at - text));
	strcpy(whole + (at - text), with);
	strcat(whole, at + strlen(line));
	t = parse_or_bail(whole);
	free(whole);
	free(text);
	return t;
}

static void what_is_void_is_told_by_key_and_incarnation(void)
{
	struct topology *t = edited("139b6 revoked", "139b6 void");
	const struct party *sindh = topology_party(t, "sindh"), *fbr = topology_party(t, "fbr");

	ok(sindh->sign_keys[0].is_void && sindh->sign_keys[0].revoked, "void is revoked too");
	ok(topology_has_voids(t) && topology_voids(t, &sindh->id, 1, 7), "by its key");
	ok(!topology_voids(t, &sindh->id, 2, 7) && !topology_voids(t, &sindh->id, 3, 7),
	   "and no other key of it");
	ok(!topology_voids(t, &fbr->id, 1, 7), "and nobody else's");
	topology_free(t);
	t = edited("    fbr\n", "    fbr\n        void = \"ffffffffffffffff 0000000000000007\"\n");
	fbr = topology_party(t, "fbr");
	ok(topology_has_voids(t) && topology_voids(t, &fbr->id, 1, 7) &&
		   topology_voids(t, &fbr->id, 9, UINT64_MAX),
	   "by incarnation, under any key");
	ok(!topology_voids(t, &fbr->id, 1, 8), "and no other incarnation");
	topology_free(t);
	t = edited("    fbr\n", "    fbr\n");
	ok(!topology_has_voids(t), "mostly nothing is");
	topology_free(t);
}

static void who_cannot_sign_has_no_link(void)
{
	static const char key[] =
		"52b5f2bfb3057a77a18707061939a58d76fbf5c3df8e48d89340674038012090";
	char revoked[80];
	struct topology *t = edited(key, key);

	ok(topology_link(t, topology_party(t, "telecom"), topology_party(t, "national")) ==
		   LINK_REPORTING,
	   "linked");
	topology_free(t);
	snprintf(revoked, sizeof revoked, "%s revoked", key);
	t = edited(key, revoked);
	ok(!topology_link(t, topology_party(t, "telecom"), topology_party(t, "national")) &&
		   !topology_link(t, topology_party(t, "national"), topology_party(t, "telecom")),
	   "not when all its sign keys are revoked");
	ok(topology_link(t, topology_party(t, "sindh"), topology_party(t, "national")),
	   "one that is not revoked is enough");
	topology_free(t);
}

static void parties_refer_to_each_other(void)
{
	size_t n;
	char *text = slurp(FOLDER "base.zpl", &n);
	struct topology *t = parse_or_bail(text);
	const struct party *national = topology_party(t, "national"),
			   *fbr = topology_party(t, "fbr"), *gone = topology_party(t, "gone"),
			   *government = topology_party(t, "government");
	struct party_id id = {{0}};

	is_int(fbr->parent_count, 2, "two parents");
	ok(gone->left && gone->left_on == 20512 * 24, "left");
	ok(national->role_count == 2 && government->holder_count == 1, "roles held");
	ok(topology_group(t, "provinces")->member_count == 2 && !topology_group(t, "x"), "groups");
	ok(!topology_party(t, "nobody") && !topology_party(t, ""), "nobody");
	ok(!topology_party_by_id(t, &id), "no such id");
	topology_free(t);
	free(text);
}

static void the_shipped_example_lacks_only_keys(void)
{
	size_t n;
	char *text = slurp("scripts/federation.zpl", &n);
	struct topology *t;
	struct report report;

	report_init(&report);
	is_int(topology_parse(&t, text, n, &report), ERR_FORMAT, "it has no keys");
	is_int(report.count, 13 * 3 + 1, "one line for each");
	for (size_t i = 0; i < report.count; i++)
		if (!strstr(report.lines[i], ": missing; "))
			ok(false, "%s", report.lines[i]);
	report_clear(&report);
	free(text);
}

/* ---- hostile input ---- */

static void a_truncated_text_is_refused_nearly_everywhere(void)
{
	size_t n, alone, parties;
	char *text = slurp(FOLDER "base.zpl", &n);
	unsigned wrong = 0;

	/* One node is a federation too, and so are the parties without groups and links. */
	alone = (size_t)(strstr(text, "    punjab\n") - text);
	parties = (size_t)(strstr(text, "\ngroup\n") - text);
	for (size_t i = 0; i < n; i++) {
		struct topology *t;
		char *copy = malloc(i ? i : 1); /* so that an overrun is seen */
		bool whole = i == alone || (i >= parties && text[i - 1] == '\n');
		need(copy);
		memcpy(copy, text, i);
		wrong += (topology_parse(&t, copy, i, NULL) == ERR_OK) != whole;
		topology_free(t);
		free(copy);
	}
	is_int(wrong, 0, "taken only where what is left is whole");
	free(text);
}

static void flipped_bits_never_break_the_reader(void)
{
	size_t n;
	char *text = slurp(FOLDER "base.zpl", &n);
	bool wrong = false;

	for (size_t i = 0; i < n; i++) {
		struct topology *t;
		struct report report;
		enum err e;
		text[i] = (char)(text[i] ^ 1 << i % 8);
		report_init(&report);
		e = topology_parse(&t, text, n, &report);
		wrong |= (e == ERR_OK) != (t != NULL) || (e != ERR_OK) != (report.count > 0);
		topology_free(t);
		report_clear(&report);
		text[i] = (char)(text[i] ^ 1 << i % 8);
	}
	ok(!wrong, "a topology or words, never both, never neither");
	free(text);
}

static void too_many_parties_are_refused(void)
{
	struct writing w = {0};
	struct topology *t;
	struct report report;
	bool said = false;

	put(&w, "node\n");
	for (unsigned i = 0; i <= PARTIES_MAX; i++)
		put(&w, "    n%u\n        reports-to = n%u\n", i, (i * 7) % PARTIES_MAX);
	report_init(&report);
	is_int(topology_parse(&t, w.at, w.length, &report), ERR_FORMAT, "refused");
	for (size_t i = 0; i < report.count; i++)
		said |= strstr(report.lines[i], "more than 4096 parties") != NULL;
	ok(said, "in words");
	ok(report.total > report.count, "what does not fit is counted");
	report_clear(&report);
	free(w.at);
}

static void a_long_line_of_command_needs_no_stack(void)
{
	struct writing w = {0};
	struct topology *t;
	enum { LONG = 1500 };

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2027-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (unsigned i = LONG; i-- > 0;) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		put(&w, "    %s\n", name);
		if (i > 0)
			put(&w, "        reports-to = n%u\n", i - 1);
		put_keys(&w, name);
	}
	t = parse_or_bail(w.at);
	ok(topology_above(t, 0, LONG - 1) && !topology_above(t, LONG - 1, 0), "the whole line");
	topology_free(t);
	free(w.at);
}

/* ---- links ---- */

static enum link_kind link_of(const struct topology *t, const char *a, const char *b)
{
	enum link_kind one = topology_link(t, topology_party(t, a), topology_party(t, b));

	need(one == topology_link(t, topology_party(t, b), topology_party(t, a)));
	return one;
}

static void links_follow_lines_roles_and_bilateral_lines(void)
{
	size_t n;
	char *text = slurp(FOLDER "base.zpl", &n);
	struct topology *t = parse_or_bail(text);

	is_int(link_of(t, "punjab", "national"), LINK_REPORTING, "through the role national holds");
	is_int(link_of(t, "fbr", "national"), LINK_REPORTING, "through two roles");
	is_int(link_of(t, "telecom", "sindh"), LINK_BILATERAL, "a bilateral line");
	is_int(link_of(t, "punjab", "sindh"), LINK_NONE, "none");
	is_int(link_of(t, "gone", "national"), LINK_NONE, "a node that left");
	is_int(link_of(t, "punjab", "punjab"), LINK_NONE, "with itself");
	is_int(link_of(t, "punjab", "government"), LINK_NONE, "with a role");
	topology_free(t);
	free(text);
}

static void a_second_holder_is_linked_up_and_down(void)
{
	size_t n;
	char *base = slurp(FOLDER "base.zpl", &n), *text = malloc(n + 20), *at;
	struct topology *t;

	at = strstr(base, "holders = national");
	need(text && at);
	snprintf(text, n + 20, "%.*sholders = \"national fbr\"%s", (int)(at - base), base, at + 18);
	t = parse_or_bail(text);
	is_int(link_of(t, "punjab", "fbr"), LINK_REPORTING, "a child with the second holder");
	is_int(link_of(t, "punjab", "national"), LINK_REPORTING, "and with the first");
	is_int(link_of(t, "fbr", "national"), LINK_REPORTING, "the holder where the role reports");
	topology_free(t);
	free(text);
	free(base);
}

/* The rule of SPEC 4.6 once more, without shortcuts. */
static bool naive_above(const struct topology *t, size_t a, size_t b)
{
	for (size_t v = 0; v < t->party_count; v++) {
		bool mine = v == a;
		for (size_t h = 0; h < t->parties[v].holder_count; h++)
			mine |= t->parties[v].holders[h] == a;
		for (size_t k = 0; mine && k < t->parties[v].parent_count; k++) {
			const struct party *x = &t->parties[t->parties[v].parents[k]];
			if (topology_index(t, x) == b)
				return true;
			for (size_t h = 0; h < x->holder_count; h++)
				if (x->holders[h] == b)
					return true;
		}
	}
	return false;
}

static bool dialing_is_right(const struct topology *t, size_t i, size_t k)
{
	const struct party *a = &t->parties[i], *b = &t->parties[k];
	bool up = naive_above(t, i, k), down = naive_above(t, k, i), joined = false, ab, ba;
	bool nodes =
		i != k && a->kind == PARTY_NODE && b->kind == PARTY_NODE && !a->left && !b->left;

	for (size_t l = 0; l < t->link_count; l++)
		joined |= (t->links[l].a == i && t->links[l].b == k) ||
			  (t->links[l].a == k && t->links[l].b == i);
	if (topology_link(t, a, b) != (!nodes       ? LINK_NONE
				       : up || down ? LINK_REPORTING
				       : joined     ? LINK_BILATERAL
						    : LINK_NONE))
		return false;
	ab = topology_dials(t, a, b);
	ba = topology_dials(t, b, a);
	if (topology_link(t, a, b) == LINK_NONE || (!a->endpoint && !b->endpoint))
		return !ab && !ba;
	if (!a->endpoint || !b->endpoint)
		return ab == (b->endpoint != NULL) && ba == (a->endpoint != NULL);
	return ab != ba && ab == (up != down ? up : strcmp(a->name, b->name) < 0);
}

static void exactly_one_of_two_dials(void)
{
	unsigned wrong = 0;

	for (uint64_t seed = 1; seed <= 150; seed++) {
		char *text = random_federation(seed, 2 + seed % 12, seed % 5, seed % 7);
		struct topology *t = parse_or_bail(text);
		for (size_t i = 0; i < t->party_count; i++)
			for (size_t k = 0; k < t->party_count; k++)
				wrong += !dialing_is_right(t, i, k);
		topology_free(t);
		free(text);
	}
	is_int(wrong, 0, "in 150 random federations");
}

int main(void)
{
	RUN(every_mistake_has_its_words);
	RUN(all_mistakes_come_at_once);
	RUN(a_good_text_is_read_to_the_letter);
	RUN(what_is_void_is_told_by_key_and_incarnation);
	RUN(who_cannot_sign_has_no_link);
	RUN(parties_refer_to_each_other);
	RUN(the_shipped_example_lacks_only_keys);
	RUN(a_truncated_text_is_refused_nearly_everywhere);
	RUN(flipped_bits_never_break_the_reader);
	RUN(too_many_parties_are_refused);
	RUN(a_long_line_of_command_needs_no_stack);
	RUN(links_follow_lines_roles_and_bilateral_lines);
	RUN(a_second_holder_is_linked_up_and_down);
	RUN(exactly_one_of_two_dials);
	return tap_done();
}
