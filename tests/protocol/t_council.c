/* Which signatures count. */
#include <unistd.h>

#include "protocol/council.h"
#include "tests/protocol/federation.h"

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

static void comments_are_bounded(void)
{
	static char comment[8194];
	struct council c = council_of(2);
	struct writing w = {0};

	memset(comment, 'x', sizeof comment - 1);
	comment[8192] = '\0';
	put(&w, "text\n");
	put_signature_with(&w, "member0", 5, "ED", comment);
	is_int(count(&c, &w), 1, "8,192 bytes of a trusted comment are taken");
	free(w.at);
	comment[8192] = 'x';
	w = (struct writing){0};
	put(&w, "text\n");
	put_signature_with(&w, "member0", 5, "ED", comment);
	count_says(&c, &w, "more than 8192 bytes");
	put_signature(&w, "member1", 5, "ED");
	is_int(count(&c, &w), 1, "one more spoils only its own signature");
	free(w.at);
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
	RUN(comments_are_bounded);
	return tap_done();
}
