/* stix: one bundle of all objects, byte for byte as their authors wrote them. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/format/export_parts.h"
#include "protocol/bytes.h"
#include "protocol/stix.h"

/* A record: the id and a NUL, a byte that is 0 for scaffolding, 8 bytes of modified, the object. */
enum { AFTER_ID_BYTES = 1 + 1 + 8 };

static enum err stix_object(struct export *x, const struct export_object *o)
{
	uint8_t after[AFTER_ID_BYTES] = {0, !o->scaffolding};
	struct text record;
	enum err e;

	if (!o->json || o->raw.length == 0)
		return export_leave(x, "objects that cannot be read");
	put_u64(after + 2, o->modified);
	text_init(&record);
	text_str(&record, o->id);
	text_add(&record, (const char *)after, sizeof after);
	text_add(&record, o->raw.at, o->raw.length);
	e = export_text(x, &record);
	text_clear(&record);
	return e;
}

struct writing {
	struct export *x;
	struct out out;
	crypto_generichash_state hash;
	struct text waiting; /* scaffolding, of which the newest alone is written */
};

static void put_object(struct writing *w, const char *record, size_t n)
{
	size_t skip = strlen(record) + AFTER_ID_BYTES;

	out_text(&w->out, w->x->result.written++ ? ",\n" : ",\"objects\":[\n");
	out_bytes(&w->out, record + skip, n - skip);
	crypto_generichash_update(&w->hash, (const uint8_t *)record, n);
}

static void flush_waiting(struct writing *w)
{
	if (w->waiting.length)
		put_object(w, w->waiting.at, w->waiting.length);
	w->waiting.length = 0;
}

/* SPEC 8.8: "Of identities and markings that several messages carry, the one with the greatest
 * modified is written" */
static enum err take_record(struct writing *w, struct slice record)
{
	size_t id = strlen(record.at);

	if (w->waiting.length && strcmp(w->waiting.at, record.at) != 0)
		flush_waiting(w);
	if (record.at[id + 1] != 0) {
		flush_waiting(w);
		put_object(w, record.at, record.length);
		return ERR_OK;
	}
	w->waiting.length = 0;
	text_add(&w->waiting, record.at, record.length);
	return w->waiting.bad ? ERR_MEMORY : ERR_OK;
}

/* The bundle's id is that of its contents, and so stays while they do. */
static void put_end(struct writing *w)
{
	uint8_t hash[crypto_generichash_BYTES];
	char hex[2 * sizeof hash + 1], uuid[37];

	crypto_generichash_final(&w->hash, hash, sizeof hash);
	uuid_of_text(uuid, hex_encode(hex, hash, sizeof hash));
	if (w->x->result.written)
		out_text(&w->out, "\n]");
	out_format(&w->out, ",\"id\":\"bundle--%s\"}\n", uuid);
}

static enum err stix_finish(struct export *x)
{
	struct writing w = {.x = x};
	struct slice record;
	enum err e = out_open(&w.out, x, x->exporter->format.file), closed;

	if (e)
		return e;
	crypto_generichash_init(&w.hash, NULL, 0, crypto_generichash_BYTES);
	out_text(&w.out, "{\"type\":\"bundle\"");
	while (!(e = sorter_next(x->sorter, &record)) && !(e = take_record(&w, record)))
		;
	if (e == ERR_NOT_FOUND) {
		e = ERR_OK;
		flush_waiting(&w);
		put_end(&w);
	}
	text_clear(&w.waiting);
	closed = out_close(&w.out, !e);
	return e ? e : closed;
}

const struct exporter exporter_stix = {
	.format = {.name = "stix", .file = "khabardar.json", .whole = true},
	.object = stix_object,
	.finish = stix_finish,
};
