/* Reads tests/data/vectors.txt (SPEC.md 11): blocks of "name value" lines, in which a name may come
 * more than once. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include "protocol/types.h"
#include "tests/tap.h"

enum { VECTOR_FIELDS_MAX = 300 };

struct vector {
	const char *kind;
	unsigned line; /* of the kind */
	size_t count;
	const char *names[VECTOR_FIELDS_MAX], *values[VECTOR_FIELDS_MAX];
};

static char *vectors_text, *vectors_at;
static unsigned vectors_line;

static void vectors_open(const char *path)
{
	FILE *f = fopen(path, "r");
	long n;

	need(f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0 && fseek(f, 0, SEEK_SET) == 0);
	vectors_text = malloc((size_t)n + 1);
	need(vectors_text && fread(vectors_text, 1, (size_t)n, f) == (size_t)n && fclose(f) == 0);
	vectors_text[n] = '\0';
	vectors_at = vectors_text;
	vectors_line = 0;
}

static void vectors_close(void)
{
	free(vectors_text);
}

/* The next line, ended by a NUL in place; NULL at the end. */
static char *vectors_next_line(void)
{
	char *line = vectors_at, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	need(end);
	*end = '\0';
	vectors_at = end + 1;
	vectors_line++;
	return line;
}

/* The next block; false at the end. */
static bool vector_next(struct vector *v)
{
	char *line, *space;

	do
		line = vectors_next_line();
	while (line && (*line == '\0' || *line == '#'));
	if (!line)
		return false;
	*v = (struct vector){.kind = line, .line = vectors_line};
	while ((line = vectors_next_line()) != NULL && *line) {
		need((space = strchr(line, ' ')) != NULL && v->count < VECTOR_FIELDS_MAX);
		*space = '\0';
		v->names[v->count] = line;
		v->values[v->count++] = space + 1;
	}
	return true;
}

/* The nth value of that name, from 0, or NULL. */
static const char *vector_nth(const struct vector *v, const char *name, size_t nth)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->names[i], name) == 0 && nth-- == 0)
			return v->values[i];
	return NULL;
}

static const char *vector_text(const struct vector *v, const char *name)
{
	const char *value = vector_nth(v, name, 0);

	need(value);
	return value;
}

/* Bytes of unknown length; the caller frees them.  "-" is none. */
static uint8_t *vector_bytes(const struct vector *v, const char *name, size_t *n)
{
	const char *value = vector_text(v, name);
	uint8_t *bytes;

	*n = strcmp(value, "-") == 0 ? 0 : strlen(value) / 2;
	bytes = malloc(*n + 1);
	need(bytes && (*n == 0 || hex_decode(bytes, *n, value)));
	bytes[*n] = '\0';
	return bytes;
}

/* Exactly n bytes. */
__attribute__((unused)) static void vector_exact(const struct vector *v, const char *name,
						 void *out, size_t n)
{
	need(hex_decode(out, n, vector_text(v, name)));
}

#endif
