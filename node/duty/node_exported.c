/* What left by which export: kept for as long as the message itself. */
#include <stdlib.h>
#include <string.h>

#include "node/duty/exported.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "protocol/bytes.h"

/* SPEC 6.1: an entry is a time 8, the length of a name 1, and the name. */
enum { ENTRY_BYTES = 8 + 1 + NAME_MAX_BYTES, VALUE_MAX_BYTES = EXPORTS_MAX * ENTRY_BYTES };

struct entry_value {
	uint64_t lsn;
	uint8_t bytes[VALUE_MAX_BYTES];
	size_t length;
};

static void decode(const uint8_t *bytes, size_t length, struct carried *out, size_t *n)
{
	struct reader r;

	*n = 0;
	reader_init(&r, bytes, length);
	while (*n < EXPORTS_MAX && r.left > 0) {
		struct carried *c = &out[*n];
		uint8_t used;

		*c = (struct carried){.at = read_u64(&r)};
		used = read_u8(&r);
		if (used > NAME_MAX_BYTES)
			return;
		read_bytes(&r, c->name, used);
		if (r.bad)
			return;
		++*n;
	}
}

static enum err value_read(struct log_reader *log, struct entry_value *v)
{
	char key[LOG_EXPORTED_KEY_BYTES];
	enum err e = remembered_get(log, log_exported_key(key, v->lsn), v->bytes, sizeof v->bytes,
				    &v->length);

	if (e == ERR_NOT_FOUND) {
		v->length = 0;
		return ERR_OK;
	}
	return e;
}

enum err carried_read(struct log_reader *log, uint64_t lsn, struct carried out[EXPORTS_MAX],
		      size_t *n)
{
	struct entry_value *v = calloc(1, sizeof *v);
	enum err e = v ? ERR_OK : ERR_MEMORY;

	*n = 0;
	if (v)
		v->lsn = lsn;
	if (!e)
		e = value_read(log, v);
	if (!e)
		decode(v->bytes, v->length, out, n);
	free(v);
	return e;
}

/* False when the export is in it, or there is no room for another. */
static bool value_add(struct entry_value *v, const char *name, uint64_t at)
{
	struct carried known[EXPORTS_MAX];
	struct writer w;
	size_t n;

	decode(v->bytes, v->length, known, &n);
	if (n == EXPORTS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(known[i].name, name) == 0)
			return false;
	writer_init(&w, v->bytes + v->length, sizeof v->bytes - v->length);
	write_u64(&w, at);
	write_u8(&w, (uint8_t)strlen(name));
	write_bytes(&w, name, strlen(name));
	v->length += w.used;
	return true;
}

struct keep_call {
	struct desk_call call;
	struct node *node;
	const struct entry_value *values;
	size_t count;
	enum err e;
};

static void keep_run(struct desk_call *call)
{
	struct keep_call *k = call->arg;
	struct log *log = k->node->log;
	char key[LOG_EXPORTED_KEY_BYTES];

	k->e = log_begin(log);
	for (size_t i = 0; !k->e && i < k->count; i++)
		k->e = log_put(log, log_exported_key(key, k->values[i].lsn), k->values[i].bytes,
			       k->values[i].length);
	if (k->e)
		log_abort(log);
	else
		k->e = log_commit(log);
	keep_rest(k->node->keep);
	desk_done(k->node->desk, call);
}

enum err carried_keep(struct node *node, struct log_reader *log, const char *name,
		      const uint64_t *lsns, size_t n, size_t *fresh)
{
	struct entry_value *values = calloc(n + 1, sizeof *values);
	struct keep_call k = {.call = {.run = keep_run}, .node = node, .values = values};
	enum err e = values ? ERR_OK : ERR_MEMORY;
	uint64_t at = clock_wall();

	for (size_t i = 0; !e && i < n; i++) {
		values[k.count].lsn = lsns[i];
		e = value_read(log, &values[k.count]);
		if (!e && value_add(&values[k.count], name, at))
			k.count++;
	}
	k.call.arg = &k;
	if (!e && k.count)
		e = desk_call(node->desk, &k.call) ? k.e : ERR_STATE;
	*fresh = e ? 0 : k.count;
	free(values);
	return e;
}
