/* What is accepted means the same to zconfig; what is hostile costs little. */
#include <czmq.h>

#include "protocol/zpl.h"
#include "tests/protocol/federation.h"

/* zconfig's tree and ours, item by item. */
static bool same_tree(zconfig_t *theirs, const struct zpl_item *ours)
{
	for (; theirs && ours; theirs = zconfig_next(theirs), ours = ours->next)
		if (strcmp(zconfig_name(theirs), ours->name) != 0 ||
		    strcmp(zconfig_value(theirs), ours->value ? ours->value : "") != 0 ||
		    !same_tree(zconfig_child(theirs), ours->child))
			return false;
	return !theirs && !ours;
}

/* What we accept zconfig accepts too, and reads as we do. */
static bool agrees_with_zconfig(const char *text, size_t n)
{
	zchunk_t *chunk = zchunk_new(text, n);
	zconfig_t *theirs = zconfig_chunk_load(chunk);
	struct zpl *ours;
	bool same = true;

	if (zpl_parse(&ours, text, n, NULL) == ERR_OK)
		same = theirs && same_tree(zconfig_child(theirs), zpl_first(ours));
	zpl_free(ours);
	zconfig_destroy(&theirs);
	zchunk_destroy(&chunk);
	return same;
}

static void what_is_accepted_means_the_same_to_zconfig(void)
{
	static const char *const texts[] = {"a = b\n",
					    "a=b\n",
					    "a =b # c\n",
					    "a = 'b # c' # d\n",
					    "a = \"'\"\n",
					    "a = b'c\n",
					    "a = b=c\n",
					    "a # c\n    b = c\n\n# x\n    # y\n    d = e  \n",
					    "a = \"\"\n",
					    "a = #x\n",
					    "a\n\n\n    b\n        c = d\nb = \"e\"#f\n",
					    "",
					    "\n",
					    "    \n",
					    "$a-_@.&+9 = 1\n"};
	size_t n;
	char *base = slurp("tests/protocol/topology/"
			   "base.zpl",
			   &n);
	uint64_t seed = 7;
	bool same = true;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ok(agrees_with_zconfig(texts[i], strlen(texts[i])), "text %zu", i);
	ok(agrees_with_zconfig(base, n), "a topology");
	need(freopen("/dev/null", "w", stderr)); /* zconfig talks */
	for (size_t round = 0; round < 3000; round++) {
		char *text = strdup(base);
		need(text);
		for (size_t k = 0; k < 3; k++)
			text[below(&seed, n)] = " =#\"'\n/ab\t"[below(&seed, 10)];
		same &= agrees_with_zconfig(text, n);
		free(text);
	}
	ok(same, "3,000 damaged ones");
	free(base);
}

static enum err parse(const char *text, size_t n)
{
	struct zpl *z;
	enum err e = zpl_parse(&z, text, n, NULL);

	zpl_free(z);
	return e;
}

static void hostile_sizes_are_refused_quickly(void)
{
	size_t n = ZPL_MAX_BYTES;
	char *text = malloc(n + 1);

	need(text);
	memset(text, '\n', n + 1);
	is_int(parse(text, n + 1), ERR_LIMIT, "more than 1 MiB");
	is_int(parse(text, n), ERR_LIMIT, "a million lines");
	for (size_t i = 0; i < n; i += 2)
		memcpy(text + i, "a\n", 2);
	is_int(parse(text, 2 * ZPL_LINES_MAX), ERR_FORMAT, "duplicates without end");
	memset(text, '[', n);
	is_int(parse(text, n), ERR_FORMAT, "one line");
	memset(text, ' ', n);
	is_int(parse(text, n), ERR_FORMAT, "nothing");
	/* Sections on many levels: what is below whom takes no search. */
	for (size_t i = 0; i + 16 <= n / 16; i += 16)
		memcpy(text + i, "a\n    b\n        ", 16);
	is_int(parse(text, n / 16), ERR_FORMAT, "a comb");
	free(text);
}

int main(void)
{
	RUN(hostile_sizes_are_refused_quickly);
	RUN(what_is_accepted_means_the_same_to_zconfig);
	return tap_done();
}
