/* Inputs that are longer than what is held of them: the same comes of them as of one that is held
 * whole.  The first byte chooses a format, the second where in the text the window ends and in what
 * pieces it comes; what is before it is a long comment. */
#include "node/format/stream.h"
#include "tests/fuzz/importing.h"

enum { TEXT_MAX = 64 << 10, COMMENT_LINE_BYTES = 60000 };

static const char *const formats[] = {NULL, "list", "zeek", "rpz", "hosts", "abusech", "text"};

struct pieces {
	const char *at;
	size_t left, most;
};

static char text[WINDOW_BYTES + TEXT_MAX];

static ssize_t piece_read(void *arg, void *out, size_t n, struct report *report)
{
	struct pieces *p = arg;

	(void)report;
	n = n < p->left ? n : p->left;
	n = n < p->most ? n : p->most;
	memcpy(out, p->at, n);
	p->at += n;
	p->left -= n;
	return (ssize_t)n;
}

/* A head that says what the file is, and comment from there on. */
static size_t begin(const char *format, size_t n)
{
	const char *head = format && strcmp(format, "zeek") == 0
				   ? "#fields\tindicator\tindicator_type\n"
				   : "# a list\n";
	char comment = format && strcmp(format, "rpz") == 0 ? ';' : '#';
	size_t at = strlen(head);

	memset(text, 'x', n);
	memcpy(text, head, at);
	for (; at < n; at += COMMENT_LINE_BYTES)
		text[at] = comment;
	for (at = strlen(head) + COMMENT_LINE_BYTES; at < n; at += COMMENT_LINE_BYTES)
		text[at - 1] = '\n';
	text[n - 1] = '\n';
	return n;
}

static void same_parts(const struct import *a, const struct import *b)
{
	must(a->part_count == b->part_count);
	for (size_t i = 0; i < a->part_count; i++) {
		const struct part *p = &a->parts[i], *q = &b->parts[i];
		must(p->objects == q->objects && p->length == q->length);
		must(memcmp(p->text, q->text, p->length) == 0);
	}
}

static void same_rejected(const struct import *a, const struct import *b)
{
	must(a->rejected_count == b->rejected_count);
	for (size_t i = 0; i < a->rejected_count && i < REJECTED_KEPT_MAX; i++) {
		const struct rejected *p = &a->rejected[i], *q = &b->rejected[i];
		must(p->line == q->line && strcmp(p->reason, q->reason) == 0);
		must(strcmp(p->text, q->text) == 0);
	}
}

static void read_twice(const char *format, size_t n, size_t most)
{
	struct pieces p = {.at = text, .left = n, .most = most};
	struct importing whole, pieces;
	enum err e, f;

	importing_begin(&whole, TLP_GREEN);
	importing_begin(&pieces, TLP_GREEN);
	e = import_read(&whole.import, format, text, n, "file", &whole.report);
	f = import_stream(&pieces.import, format, piece_read, &p, "file", &pieces.report);
	must(e == f && (e || p.left == 0));
	must(strcmp(report_first(&whole.report), report_first(&pieces.report)) == 0);
	if (!e) {
		must(whole.import.read == pieces.import.read);
		must(whole.import.taken == pieces.import.taken);
		same_rejected(&whole.import, &pieces.import);
	}
	must(importing_check(&whole, e) == importing_check(&pieces, f));
	same_parts(&whole.import, &pieces.import);
	importing_end(&whole);
	importing_end(&pieces);
}

unsigned fuzz_cost(void)
{
	return 2000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *format;
	size_t before;

	if (n < 3 || n > TEXT_MAX)
		return 0;
	format = formats[data[0] % (sizeof formats / sizeof *formats)];
	/* As many bytes of it are in the window: none, to all but one. */
	before = WINDOW_BYTES - (n - 2) * (data[1] & 15) / 16;
	begin(format, before);
	memcpy(text + before, data + 2, n - 2);
	read_twice(format, before + n - 2, (size_t)1 << (8 + data[1] % 16));
	return 0;
}
