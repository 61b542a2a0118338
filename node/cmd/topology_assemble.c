/* khabar topology assemble: a text and its signatures become one file, once enough of them are
 * good. */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/print.h"
#include "node/cmd/topology_file.h"

enum { SIGNATURE_FILE_MAX_BYTES = 64 << 10 };

struct assembly {
	const struct topology *text, *after; /* after: the version before, or NULL */
	const struct suspension *suspension; /* not NULL: it is the text, and text whose council
						signs it */
	char *file;                          /* the text and the signatures taken so far */
	size_t length, text_length;
};

/* Signatures that count: by the text's own council, or by that of the version before. */
static unsigned count_good(const struct assembly *a, const char *file, size_t n,
			   struct report *report)
{
	unsigned count = council_count(&a->text->council, file, n, a->after ? NULL : report);

	return a->after ? count + council_count(&a->after->council, file, n, NULL) : count;
}

/* Says about a signature that adds nothing why it does not. */
static void explain(const struct assembly *a, const char *path, const char *alone, size_t n)
{
	struct report report;

	report_init(&report);
	if (council_count(&a->text->council, alone, n, &report) > 0) {
		report_clear(&report);
		report_add(&report, "its member has signed already");
	}
	if (report.count == 0)
		report_add(&report, "no signature in it");
	for (size_t i = 0; i < report.count; i++) {
		print_safe(stderr, path, false);
		print_complaint(": left out", report.lines[i]);
	}
	report_clear(&report);
}

/* Adds what a file holds behind its text, if any member's signature comes with it. */
static enum err add_signatures(struct assembly *a, const char *path, const char *data, size_t n)
{
	size_t skip = council_text_length(data, n), tail = n - skip;
	char *alone = malloc(a->text_length + tail + 2), *more = malloc(a->length + tail + 2);

	if (!alone || !more) {
		free(alone);
		free(more);
		return ERR_MEMORY;
	}
	memcpy(alone, a->file, a->text_length);
	memcpy(alone + a->text_length, data + skip, tail);
	memcpy(more, a->file, a->length);
	memcpy(more + a->length, data + skip, tail);
	/* A last line without newline would swallow the first of the next signature. */
	if (tail > 0 && data[n - 1] != '\n')
		more[a->length + tail++] = '\n';
	if (count_good(a, more, a->length + tail, NULL) > count_good(a, a->file, a->length, NULL)) {
		free(a->file);
		a->file = more;
		a->length += tail;
	} else {
		explain(a, path, alone, a->text_length + n - skip);
		free(more);
	}
	free(alone);
	return ERR_OK;
}

static enum err add_file(struct assembly *a, const char *path, struct report *report)
{
	char *data;
	size_t n;
	enum err e = file_read(&data, &n, path, SIGNATURE_FILE_MAX_BYTES, report);

	if (e == ERR_OK)
		e = add_signatures(a, path, data, n);
	free(data);
	return e;
}

static enum err judge(const struct assembly *a, struct report *report)
{
	size_t most = a->suspension ? SUSPENSION_MAX_BYTES : TOPOLOGY_MAX_BYTES;
	struct topology *followed = NULL;
	enum err e;

	if (a->suspension) {
		unsigned count = count_good(a, a->file, a->length, report);
		e = ERR_OK;
		if (count < a->text->council.suspension) {
			report_add(report,
				   "the council of version %lu: %u of its %zu members signed this; "
				   "%u must",
				   (unsigned long)a->text->version, count,
				   a->text->council.member_count, a->text->council.suspension);
			e = ERR_SIGNATURE;
		}
	} else if (a->after)
		e = council_follow(&followed, a->after, a->file, a->length, report);
	else
		e = council_check(&a->text->council, a->file, a->length, a->text->version, report);
	topology_free(followed);
	if (e == ERR_OK && a->length > most) {
		report_add(report, "text and signatures are more than %zu bytes", most);
		e = ERR_LIMIT;
	}
	return e;
}

static void print_done(const struct cmd_context *c, const struct assembly *a, const char *out)
{
	const struct council *council = &a->text->council;
	unsigned count = council_count(council, a->file, a->length, NULL);
	unsigned must = a->suspension ? council->suspension : council->threshold;
	unsigned long number = a->suspension ? a->suspension->serial : a->text->version;
	cJSON *o;

	if (!out || !c->json) {
		fprintf(stderr, "%s %lu: signed by %u of %zu members (%u must)\n",
			a->suspension ? "suspension" : "version", number, count,
			council->member_count, must);
		return;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "file", out);
	cJSON_AddNumberToObject(o, a->suspension ? "suspension" : "version", (double)number);
	cJSON_AddNumberToObject(o, "signatures", count);
	cJSON_AddNumberToObject(o, "members", (double)council->member_count);
	cJSON_AddNumberToObject(o, "threshold", must);
	json_print(o);
}

struct options {
	const char *out, *after;
	char **files; /* the text, then the signatures */
	int count;
};

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {{"output", required_argument, NULL, 'o'},
					      {"after", required_argument, NULL, 'a'},
					      {0}};
	int option;

	*o = (struct options){0};
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", names, NULL)) != -1) {
		if (option == 'o')
			o->out = optarg;
		else if (option == 'a')
			o->after = optarg;
		else
			return false;
	}
	o->files = argv + optind;
	o->count = argc - optind;
	return true;
}

/* Adds the signatures, judges and writes. */
static enum err assemble_file(const struct cmd_context *c, const struct options *o,
			      struct assembly *a, const char *text, size_t n, const char **where,
			      struct report *report)
{
	enum err e = ERR_OK;

	a->file = malloc(a->text_length + 1);
	if (!a->file)
		return ERR_MEMORY;
	a->length = a->text_length;
	memcpy(a->file, text, a->text_length);
	/* A text that is signed already keeps its good signatures. */
	if (n > a->text_length)
		e = add_signatures(a, o->files[0], text, n);
	for (int i = 1; i < o->count && e == ERR_OK; i++) {
		*where = o->files[i];
		e = add_file(a, o->files[i], report);
	}
	if (!e) {
		*where = o->files[0];
		e = judge(a, report);
	}
	if (!e)
		e = file_write(o->out, a->file, a->length, report);
	if (!e)
		print_done(c, a, o->out);
	free(a->file);
	return e;
}

/* A suspension is signed by the council of the version in force, or of the one given. */
static enum err assemble_suspension(const struct cmd_context *c, const struct options *o,
				    const struct loaded_suspension *l, const char **where,
				    struct report *report)
{
	struct loaded t;
	struct assembly a = {.suspension = l->s, .text_length = l->text_length};
	enum err e = o->after ? loaded_read(&t, o->after, report) : loaded_in_force(&t, c, report);

	if (o->after)
		*where = o->after;
	if (!e)
		e = suspension_bind(l->s, t.t, report);
	a.text = t.t;
	if (!e)
		e = assemble_file(c, o, &a, l->file, l->length, where, report);
	loaded_clear(&t);
	return e;
}

static enum err assemble(const struct cmd_context *c, const struct options *o, const char **where,
			 struct report *report)
{
	struct loaded_suspension suspension;
	struct loaded text = {0}, after = {0};
	struct assembly a = {0};
	enum err e;

	*where = o->files[0];
	e = suspension_read(&suspension, o->files[0], report);
	if (e != ERR_NOT_FOUND) {
		if (!e)
			e = assemble_suspension(c, o, &suspension, where, report);
		suspension_clear(&suspension);
		return e;
	}
	suspension_clear(&suspension);
	e = loaded_read(&text, o->files[0], report);
	if (!e && o->after) {
		*where = o->after;
		e = loaded_read(&after, o->after, report);
	}
	a = (struct assembly){.text = text.t, .after = after.t, .text_length = text.text_length};
	if (!e)
		e = assemble_file(c, o, &a, text.file, text.length, where, report);
	loaded_clear(&text);
	loaded_clear(&after);
	return e;
}

int topology_assemble(const struct cmd_context *c, int argc, char **argv)
{
	struct options o;
	struct report report;
	const char *where;
	enum err e;
	int code = EXIT_DONE;

	if (!read_options(&o, argc, argv))
		return EXIT_USAGE;
	if (o.count < 1)
		return cmd_misused("khabar topology assemble", "the text is missing");
	report_init(&report);
	e = assemble(c, &o, &where, &report);
	if (e)
		code = topology_refused(c, where, e, &report);
	report_clear(&report);
	return code;
}
