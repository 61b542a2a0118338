/* Which signatures count, and which version may follow which. */
#include <unistd.h>

#include "protocol/council.h"
#include "tests/protocol/federation.h"

/* ---- signing without minisign ---- */

enum { PREHASH = 64 };

/* Appends the four lines that the member would write over the first n bytes of w. */
static void put_signature(struct writing *w, const char *member, size_t n, const char *algorithm)
{
	uint8_t seed[32], public[32], secret[64], prehash[PREHASH], block[74], global[64],
		over[100];
	const char comment[] = "timestamp:0";
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
	memcpy(over, block + 10, 64);
	memcpy(over + 64, comment, strlen(comment));
	crypto_sign_detached(global, NULL, over, 64 + strlen(comment), secret);
	sodium_bin2base64(one, sizeof one, block, sizeof block, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(two, sizeof two, global, sizeof global, sodium_base64_VARIANT_ORIGINAL);
	put(w, "untrusted comment: by hand\n%s\ntrusted comment: %s\n%s\n", one, comment, two);
}

static struct council council_of(unsigned members)
{
	struct council c = {.threshold = members, .member_count = members};

	for (unsigned i = 0; i < members; i++) {
		char key[64];
		snprintf(c.members[i].name, sizeof c.members[i].name, "member%u", i);
		need(council_read_key(council_key_text(key, c.members[i].name), c.members[i].key_id,
				      c.members[i].key));
	}
	return c;
}

static unsigned count(const struct council *c, const struct writing *w)
{
	return council_count(c, w->at, w->length, NULL);
}

/* The report must hold exactly one line that contains this. */
static void count_says(const struct council *c, const struct writing *w, const char *words)
{
	struct report report;

	report_init(&report);
	council_count(c, w->at, w->length, &report);
	ok(report.count == 1 && strstr(report_first(&report), words), "said: %s", words);
	report_clear(&report);
}

static void the_text_ends_where_the_first_comment_begins(void)
{
	static const struct {
		const char *file;
		size_t length;
	} cases[] = {
		{"", 0},
		{"a\n", 2},
		{"untrusted comment: x\n", 0},
		{"a\nuntrusted comment: x\n", 2},
		{"a untrusted comment: x\n", 23},
		{"a\nuntrusted comment:x\n", 22},
		{"a\nuntrusted comment: ", 2},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(council_text_length(cases[i].file, strlen(cases[i].file)), cases[i].length,
		       "case %zu", i);
}

static void keys_have_one_spelling(void)
{
	uint8_t id[8], key[32];
	char good[64], bad[70];

	council_key_text(good, "member0");
	ok(council_read_key(good, id, key), "good");
	for (size_t i = 0; i < strlen(good); i++) {
		snprintf(bad, sizeof bad, "%.*s", (int)i, good);
		if (council_read_key(bad, id, key))
			ok(false, "cut to %zu", i);
	}
	snprintf(bad, sizeof bad, "%s=", good);
	ok(!council_read_key(bad, id, key), "padded");
	snprintf(bad, sizeof bad, " %s", good);
	ok(!council_read_key(bad, id, key), "indented");
	snprintf(bad, sizeof bad, "RUQ%s", good + 3);
	ok(!council_read_key(bad, id, key), "of another algorithm");
	memset(bad, 'A', 56);
	memcpy(bad, "RWQ", 3);
	bad[56] = '\0';
	ok(!council_read_key(bad, id, key), "of small order");
}

static void good_signatures_count_once_a_key(void)
{
	struct council c = council_of(3);
	struct writing w = {0};

	put(&w, "text\n");
	is_int(count(&c, &w), 0, "none");
	put_signature(&w, "member0", 5, "ED");
	is_int(count(&c, &w), 1, "one");
	put_signature(&w, "member0", 5, "ED");
	is_int(count(&c, &w), 1, "the same again");
	count_says(&c, &w, "signature 2: member0 has signed already");
	put_signature(&w, "member2", 5, "ED");
	is_int(count(&c, &w), 2, "another");
	/* One key under two names, as the parser would refuse it. */
	c.members[1] = c.members[0];
	is_int(count(&c, &w), 2, "one key of two members is one");
	free(w.at);
}

static void bad_signatures_are_named_and_spoil_none(void)
{
	struct council c = council_of(2);
	struct writing w = {0};

	put(&w, "text\n");
	put_signature(&w, "stranger", 5, "ED");
	count_says(&c, &w, "is nobody's in the council");
	put_signature(&w, "member1", 5, "ED");
	is_int(count(&c, &w), 1, "a stranger's spoils none");
	w.length = 5;
	put_signature(&w, "member0", 4, "ED");
	count_says(&c, &w, "that of member0 does not verify");
	w.length = 5;
	put_signature(&w, "member0", 5, "Ed");
	count_says(&c, &w, "that of member0 is of minisign's old kind (Ed): sign again without -l");
	w.length = 5;
	put_signature(&w, "member0", 5, "EX");
	count_says(&c, &w, "of a kind unknown here");
	w.length = 5;
	put(&w, "untrusted comment: nothing else\n");
	put_signature(&w, "member0", 5, "ED");
	put(&w, "rubbish\n\nuntrusted comment: again\nAAAA\ntrusted comment: x\n");
	put_signature(&w, "member1", 5, "ED");
	is_int(count(&c, &w), 2, "rubbish between them spoils none");
	free(w.at);
}

static void the_sixty_fifth_is_not_looked_at(void)
{
	struct council c = council_of(1);
	struct writing w = {0};

	put(&w, "text\n");
	for (unsigned i = 0; i < SIGNATURES_MAX; i++)
		put(&w, "untrusted comment: rubbish\n");
	put_signature(&w, "member0", 5, "ED");
	is_int(count(&c, &w), 0, "behind 64 others");
	w.length = 5;
	for (unsigned i = 1; i < SIGNATURES_MAX; i++)
		put(&w, "untrusted comment: rubbish\n");
	put_signature(&w, "member0", 5, "ED");
	is_int(count(&c, &w), 1, "behind 63 others");
	free(w.at);
}

static void every_bit_and_every_byte_matters(void)
{
	struct council c = council_of(1);
	struct writing w = {0};
	size_t first;
	unsigned wrong = 0;

	put(&w, "text\n");
	put_signature(&w, "member0", 5, "ED");
	first = (size_t)(strchr(w.at + 5, '\n') - w.at);
	for (size_t i = 0; i < w.length * 8; i++) {
		size_t at = i / 8;
		bool free_text = at >= 5 + strlen("untrusted comment: ") && at < first;
		w.at[at] = (char)(w.at[at] ^ 1 << i % 8);
		/* Only the words behind "untrusted comment: " are nobody's business. */
		wrong += !free_text && count(&c, &w) != 0;
		w.at[at] = (char)(w.at[at] ^ 1 << i % 8);
	}
	is_int(wrong, 0, "no bit can be flipped");
	for (size_t n = 0; n < w.length - 1; n++) {
		char *copy = malloc(n ? n : 1);
		need(copy);
		memcpy(copy, w.at, n);
		wrong += council_count(&c, copy, n, NULL) != 0;
		free(copy);
	}
	is_int(wrong, 0, "no byte can be left out at the end");
	is_int(council_count(&c, w.at, w.length - 1, NULL), 1, "but the last newline can");
	free(w.at);
}

/* ---- the stock tool ---- */

static bool run(const char *format, const char *folder)
{
	char command[400];

	snprintf(command, sizeof command, format, folder);
	return system(command) == 0;
}

static void append_file(struct writing *w, const char *folder, const char *name)
{
	char path[200], line[400];
	FILE *in;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	in = fopen(path, "r");
	need(in);
	while (fgets(line, sizeof line, in))
		put(w, "%s", line);
	fclose(in);
}

static void what_minisign_signs_counts(void)
{
	char folder[] = "/tmp/t_council.XXXXXX", *line;
	struct council c = {.threshold = 1, .member_count = 1};
	struct writing pub = {0}, w = {0};

	if (system("command -v minisign >/dev/null") != 0) {
		ok(true, "# SKIP minisign is not installed");
		return;
	}
	need(mkdtemp(folder));
	ok(run("cd %s && minisign -G -W -p p -s s >/dev/null </dev/null", folder), "a key pair");
	ok(run("cd %s && echo 'some = text' >m && minisign -S -W -s s -m m -x good -t 'a comment' "
	       ">/dev/null </dev/null",
	       folder),
	   "a signature");
	ok(run("cd %s && minisign -S -W -l -s s -m m -x old >/dev/null </dev/null", folder),
	   "one of the old kind");
	append_file(&pub, folder, "p");
	line = strchr(pub.at, '\n') + 1;
	*strchr(line, '\n') = '\0';
	ok(council_read_key(line, c.members[0].key_id, c.members[0].key), "its key is read");
	append_file(&w, folder, "m");
	append_file(&w, folder, "good");
	is_int(count(&c, &w), 1, "its signature counts");
	*strstr(w.at, "a comment") = 'b';
	is_int(count(&c, &w), 0, "not with another trusted comment");
	*strstr(w.at, "b comment") = 'a';
	w.at[0] = 'S';
	is_int(count(&c, &w), 0, "not over another text");
	w.length = 0;
	append_file(&w, folder, "m");
	append_file(&w, folder, "old");
	is_int(count(&c, &w), 0, "the old kind does not");
	ok(run("cd %s && rm p s m good old && rmdir \"$PWD\"", folder), "tidied up");
	free(pub.at);
	free(w.at);
}

/* ---- versions ---- */

struct edition {
	const struct topology *after; /* NULL: version 1 */
	unsigned version;             /* 0: the one after `after` */
	unsigned threshold, members;
	const char *signers[6];
	const char *extra_nodes; /* ZPL behind the node national */
	const char *sign;        /* ZPL of national's sign keys; NULL: one */
	const char *network, *previous;
	const char *tail;
};

static void put_previous(struct writing *w, const struct edition *e)
{
	char hex[65];

	put(w, "    network = %s\n",
	    e->network ? e->network : hex_encode(hex, e->after->network.b, NETWORK_ID_BYTES));
	put(w, "    previous = %s\n",
	    e->previous ? e->previous : hex_encode(hex, e->after->hash.b, HASH_BYTES));
}

static struct writing edition_file(const struct edition *e)
{
	struct writing w = {0};
	char key[65];
	size_t n;

	put(&w, "federation\n    name = x\n    expires = 2027-12-31\n    version = %u\n",
	    e->version ? e->version
	    : e->after ? e->after->version + 1
		       : 1);
	if (e->after)
		put_previous(&w, e);
	put_council(&w, e->threshold, e->members);
	put(&w, "node\n    national\n        link = %s\n", key_text(key, "link", "national"));
	put(&w, "        seal\n            1 = %s\n", key_text(key, "seal", "national"));
	if (e->sign)
		put(&w, "%s", e->sign);
	else
		put(&w, "        sign\n            1 = %s\n", key_text(key, "sign", "national"));
	put(&w, "%s%s", e->extra_nodes ? e->extra_nodes : "", e->tail ? e->tail : "");
	n = w.length;
	for (size_t i = 0; i < 6 && e->signers[i]; i++)
		put_signature(&w, e->signers[i], n, "ED");
	return w;
}

static struct topology *first_edition(const struct edition *e)
{
	struct writing w = edition_file(e);
	struct hash hash = hash_of(w.at, council_text_length(w.at, w.length));
	struct topology *t = NULL;

	need(council_open(&t, w.at, w.length, &hash, NULL) == ERR_OK);
	free(w.at);
	return t;
}

static void follow_is(const struct topology *now, const struct edition *e, enum err want,
		      const char *words)
{
	struct writing w = edition_file(e);
	struct topology *t;
	struct report report;
	bool said = !words;

	report_init(&report);
	is_int(council_follow(&t, now, w.at, w.length, &report), want, "%s",
	       words ? words : "follows");
	for (size_t i = 0; words && i < report.count; i++)
		said |= strstr(report.lines[i], words) != NULL;
	ok(said, "in words");
	for (size_t i = 0; i < report.count && !said; i++)
		printf("# %s\n", report.lines[i]);
	ok((want == ERR_OK) == (t != NULL), "a topology exactly when it does");
	topology_free(t);
	report_clear(&report);
	free(w.at);
}

static void the_first_version_is_pinned(void)
{
	struct edition e = {.threshold = 2, .members = 3, .signers = {"member0", "member2"}};
	struct writing w = edition_file(&e);
	struct hash hash = hash_of(w.at, council_text_length(w.at, w.length));
	struct topology *t;
	struct report report;

	report_init(&report);
	is_int(council_open(&t, w.at, w.length, &hash, &report), ERR_OK, "pinned and signed");
	topology_free(t);
	hash.b[31] ^= 1;
	is_int(council_open(&t, w.at, w.length, &hash, &report), ERR_HASH, "another hash");
	ok(!t && strstr(report_first(&report), "was expected"), "in words");
	report_clear(&report);
	free(w.at);
	e.signers[1] = "member0";
	w = edition_file(&e);
	hash = hash_of(w.at, council_text_length(w.at, w.length));
	is_int(council_open(&t, w.at, w.length, &hash, &report), ERR_SIGNATURE, "one member twice");
	ok(!t, "gives nothing");
	report_clear(&report);
	free(w.at);
}

static void the_next_version_needs_both_councils(void)
{
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct topology *t = first_edition(&one);

	two = (struct edition){.after = t, .threshold = 3, .members = 5};
	follow_is(t, &two, ERR_SIGNATURE, "the council of version 1: 0 of its 1 members");
	two.signers[0] = "member0";
	follow_is(t, &two, ERR_SIGNATURE, "the council of version 2: 1 of its 5 members");
	two.signers[1] = "member1";
	two.signers[2] = "member4";
	follow_is(t, &two, ERR_OK, NULL);
	two.signers[0] = "member3";
	follow_is(t, &two, ERR_SIGNATURE, "the council of version 1: 0 of its 1 members");
	topology_free(t);
}

static void only_the_next_version_of_this_federation_follows(void)
{
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct topology *t = first_edition(&one);
	char both[140], hex[65];

	two = (struct edition){.after = t, .threshold = 1, .members = 1, .signers = {"member0"}};
	follow_is(t, &two, ERR_OK, NULL);
	two.version = 3;
	follow_is(t, &two, ERR_STATE, "3 cannot follow version 1");
	two.version = 0;
	two.network = "0123456789abcdef";
	follow_is(t, &two, ERR_NETWORK, "is another federation");
	two.network = NULL;
	two.previous = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	follow_is(t, &two, ERR_STATE, "previous: does not name");
	snprintf(both, sizeof both, "\"%s %s\"", two.previous, hex_encode(hex, t->hash.b, 32));
	two.previous = both;
	follow_is(t, &two, ERR_OK, NULL);
	two.previous = NULL;
	two.tail = "rubbish !\n";
	follow_is(t, &two, ERR_FORMAT, "\"=\" was expected after \"rubbish\"");
	two.signers[0] = NULL;
	follow_is(t, &two, ERR_SIGNATURE, "0 of its 1 members");
	/* An older version, and the same again. */
	one.signers[0] = "member0";
	follow_is(t, &one, ERR_STATE, "1 cannot follow version 1");
	topology_free(t);
}

static void nobody_vanishes_and_no_key_changes(void)
{
	char keys[6][65], punjab[600], left[700], role[300], sign[6][300];
	struct edition one = {.threshold = 1, .members = 1, .signers = {"member0"}}, two;
	struct topology *t;
	struct writing w = {0};

	for (unsigned i = 0; i < 6; i++) {
		char name[8];
		snprintf(name, sizeof name, "k%u", i);
		key_text(keys[i], "sign", name);
	}
	put(&w, "    punjab\n        reports-to = national\n");
	put_keys(&w, "punjab");
	snprintf(punjab, sizeof punjab, "%s", w.at);
	snprintf(left, sizeof left, "%s        left = 2026-06-01\n", w.at);
	snprintf(role, sizeof role,
		 "role\n    punjab\n        reports-to = national\n        holders = national\n");
	free(w.at);
	static const char format[] = "        sign\n            1 = \"%s%s\"\n            2 = %s\n";
	snprintf(sign[0], sizeof sign[0], format, keys[1], " revoked", keys[2]);
	snprintf(sign[1], sizeof sign[1], format, keys[1], "", keys[2]);
	snprintf(sign[2], sizeof sign[2], format, keys[3], " revoked", keys[2]);
	snprintf(sign[3], sizeof sign[3], "        sign\n            2 = %s\n", keys[2]);
	one.extra_nodes = punjab;
	one.sign = sign[0];
	t = first_edition(&one);
	two = one;
	two.after = t;
	follow_is(t, &two, ERR_OK, NULL);
	two.extra_nodes = left;
	follow_is(t, &two, ERR_OK, NULL);
	two.extra_nodes = NULL;
	follow_is(t, &two, ERR_STATE, "node punjab: is gone; a node that left stays listed");
	two.tail = role;
	follow_is(t, &two, ERR_STATE, "node punjab: cannot become a role");
	two = one;
	two.after = t;
	two.sign = sign[1];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 was revoked and stays so");
	two.sign = sign[2];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 is another key now");
	two.sign = sign[3];
	follow_is(t, &two, ERR_STATE, "node national: sign: key 1 is gone");
	topology_free(t);
}

/* ---- words ---- */

static void words_are_those_of_the_specification(void)
{
	struct hash h = {{0}};
	char words[WORDS_BYTES];

	council_words(words, sizeof words, &h);
	is_str(words, "baba baba baba baba baba baba baba baba baba baba baba bali", "of zeros");
	for (unsigned i = 0; i < HASH_BYTES; i++)
		h.b[i] = (uint8_t)i;
	council_words(words, sizeof words, &h);
	is_str(words, "baba boba mako boba jabu bata fabi falo bosa kabu hata duta", "of 0 to 31");
	council_words(words, 10, &h);
	is_str(words, "baba boba", "cut off where there is no room");
}

static void words_read_back_and_catch_mistakes(void)
{
	uint64_t seed = 1;
	unsigned lost = 0, missed = 0, wrong = 0;

	for (unsigned round = 0; round < 2000; round++) {
		struct hash h;
		char words[WORDS_BYTES];
		uint8_t back[WORDS_HASH_BYTES];
		for (unsigned i = 0; i < HASH_BYTES; i++)
			h.b[i] = (uint8_t)chance(&seed);
		council_words(words, sizeof words, &h);
		lost += council_words_read(back, words, NULL) || memcmp(back, h.b, sizeof back);
		words[5 * below(&seed, 12)] = "bdfghjklmnprstvz"[below(&seed, 16)];
		missed += council_words_read(back, words, NULL) == ERR_OK;
		words[1 + 5 * below(&seed, 12)] = 'e';
		wrong += council_words_read(back, words, NULL) != ERR_FORMAT;
	}
	is_int(lost, 0, "every hash comes back");
	ok(missed < 400, "a wrong word is missed %u times of 2,000", missed);
	is_int(wrong, 0, "what is no word is refused");
}

static void words_are_read_as_people_write_them(void)
{
	uint8_t back[WORDS_HASH_BYTES];
	struct report report;

	report_init(&report);
	is_int(council_words_read(
		       back, "  Baba boba, MAKO-boba jabu\tbata fabi falo\n bosa kabu hata duta ",
		       &report),
	       ERR_OK, "any case, any gaps");
	is_int(council_words_read(back, "baba boba", &report), ERR_FORMAT, "too few");
	is_str(report_first(&report), "2 words; there are 12", "in words");
	report_clear(&report);
	is_int(council_words_read(back, "", NULL), ERR_FORMAT, "none");
	is_int(council_words_read(
		       back, "baba boba mako boba jabu bata fabi falo bosa kabu hata duta baba",
		       NULL),
	       ERR_FORMAT, "too many");
	is_int(council_words_read(back,
				  "baba bobax mako boba jabu bata fabi falo bosa kabu hata duta",
				  &report),
	       ERR_FORMAT, "too long a word");
	ok(strstr(report_first(&report), "\"bobax\""), "which is named");
	report_clear(&report);
}

int main(void)
{
	RUN(the_text_ends_where_the_first_comment_begins);
	RUN(keys_have_one_spelling);
	RUN(good_signatures_count_once_a_key);
	RUN(bad_signatures_are_named_and_spoil_none);
	RUN(the_sixty_fifth_is_not_looked_at);
	RUN(every_bit_and_every_byte_matters);
	RUN(what_minisign_signs_counts);
	RUN(the_first_version_is_pinned);
	RUN(the_next_version_needs_both_councils);
	RUN(only_the_next_version_of_this_federation_follows);
	RUN(nobody_vanishes_and_no_key_changes);
	RUN(words_are_those_of_the_specification);
	RUN(words_read_back_and_catch_mistakes);
	RUN(words_are_read_as_people_write_them);
	return tap_done();
}
