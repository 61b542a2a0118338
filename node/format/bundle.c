/* Filling bundles: the objects made here, their identity and marking, and where one bundle ends. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/format/import.h"

enum { FILL_BYTES = PART_PLAIN_BYTES - 100000, DAY_MS = 86400000 };

struct writer_state {
	struct text bundle; /* being filled; empty between bundles */
	size_t objects;     /* in it, without scaffolding */
	char ids[PART_OBJECTS_MAX][60];
	char now[TIME_BYTES];
	char identity[37];

	/* The uuids met, by keyed hash with open addressing: zero is a free place. */
	uint8_t (*seen)[16];
	size_t seen_count, seen_size;
	bool forgot; /* since the last part */
	uint8_t seen_key[crypto_shorthash_KEYBYTES];

	bundle_closing_fn *closing;
	void *closing_arg;
};

struct writer_state *writer_new(const struct import_options *options)
{
	struct writer_state *w = calloc(1, sizeof *w);
	struct text name;

	if (!w)
		return NULL;
	text_init(&name);
	text_format(&name, "identity|%s", options->node);
	if (!name.bad)
		uuid_of_text(w->identity, name.at);
	text_clear(&name);
	time_format(w->now, options->now);
	options->random(w->seen_key, sizeof w->seen_key);
	return w;
}

void writer_free(struct writer_state *w)
{
	if (!w)
		return;
	text_clear(&w->bundle);
	free(w->seen);
	free(w);
}

static size_t seen_place(const struct writer_state *w, const uint8_t uuid[16])
{
	uint8_t hash[crypto_shorthash_BYTES];
	size_t place;

	crypto_shorthash(hash, uuid, 16, w->seen_key);
	memcpy(&place, hash, sizeof place);
	place &= w->seen_size - 1;
	while (!bytes_zero(w->seen[place], 16) && memcmp(w->seen[place], uuid, 16) != 0)
		place = (place + 1) & (w->seen_size - 1);
	return place;
}

static enum err seen_grow(struct writer_state *w)
{
	size_t old_size = w->seen_size;
	uint8_t(*old)[16] = w->seen;

	if (w->seen_count * 2 < w->seen_size)
		return ERR_OK;
	/* Of more than that the node says which it has been told already. */
	if (w->seen_count >= MET_MAX) {
		memset(w->seen, 0, w->seen_size * sizeof *w->seen);
		w->seen_count = 0;
		w->forgot = true;
		return ERR_OK;
	}
	w->seen_size = old_size ? 2 * old_size : 1024;
	w->seen = calloc(w->seen_size, sizeof *w->seen);
	if (!w->seen) {
		w->seen = old;
		w->seen_size = old_size;
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < old_size; i++) {
		if (!bytes_zero(old[i], 16))
			memcpy(w->seen[seen_place(w, old[i])], old[i], 16);
	}
	free(old);
	return ERR_OK;
}

static enum err seen_add(struct writer_state *w, const char *uuid)
{
	char hex[33];
	uint8_t key[16];
	size_t place, n = 0;
	enum err err = seen_grow(w);

	if (err)
		return err;
	for (; *uuid && n < 32; uuid++) {
		if (*uuid != '-')
			hex[n++] = *uuid;
	}
	hex[n] = '\0';
	if (!hex_decode(key, sizeof key, hex))
		return ERR_FORMAT;
	/* Zero marks a free place. */
	if (bytes_zero(key, sizeof key))
		key[0] = 1;
	place = seen_place(w, key);
	if (!bytes_zero(w->seen[place], 16))
		return ERR_EXISTS;
	memcpy(w->seen[place], key, 16);
	w->seen_count++;
	return ERR_OK;
}

void object_start(struct text *t, const struct import *i, const char *type, const char *uuid,
		  uint64_t created)
{
	const struct writer_state *w = i->writer;
	char at[TIME_BYTES];

	text_str(t, "{\"type\":\"");
	text_str(t, type);
	text_str(t, "\",\"spec_version\":\"2.1\",\"id\":\"");
	text_str(t, type);
	text_str(t, "--");
	text_str(t, uuid);
	text_str(t, "\",\"created_by_ref\":\"identity--");
	text_str(t, w->identity);
	text_str(t, "\",\"created\":\"");
	text_str(t, created < i->options.now ? time_format(at, created) : w->now);
	text_str(t, "\",\"modified\":\"");
	text_str(t, w->now);
	text_str(t, "\"");
}

void object_author(struct text *t, const struct import *i)
{
	text_str(t, "identity--");
	text_str(t, i->writer->identity);
}

bool object_is_there(const struct import *i, const char *id)
{
	static const char type[] = "identity--";
	const struct writer_state *w = i->writer;

	for (size_t k = 0; k < w->objects; k++)
		if (strcmp(w->ids[k], id) == 0)
			return true;
	return strncmp(id, type, sizeof type - 1) == 0 &&
	       strcmp(id + sizeof type - 1, w->identity) == 0;
}

void object_end(struct text *t, const struct import *i)
{
	text_str(t, ",\"object_marking_refs\":[\"");
	text_str(t, tlp_marking_id(i->options.tlp));
	text_str(t, "\"]}");
}

void object_labels(struct text *t, const struct import *i, const char *const *labels, size_t n)
{
	const struct import_options *o = &i->options;

	if (o->label_count + n == 0)
		return;
	text_str(t, ",\"labels\":[");
	for (size_t l = 0; l < o->label_count + n; l++) {
		if (l)
			text_str(t, ",");
		text_json(t, l < o->label_count ? o->labels[l] : labels[l - o->label_count]);
	}
	text_str(t, "]");
}

static void bundle_open(struct import *i)
{
	struct writer_state *w = i->writer;
	struct text *t = &w->bundle;
	uint8_t random[16];
	char uuid[37];

	i->options.random(random, sizeof random);
	uuid_of_random(uuid, random);
	text_str(t, "{\"type\":\"bundle\",\"id\":\"bundle--");
	text_str(t, uuid);
	text_str(t, "\",\"objects\":[");
	text_str(t, tlp_marking_object(i->options.tlp));
	text_str(t, ",{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--");
	text_str(t, w->identity);
	text_format(
		t, "\",\"created\":\"" IDENTITY_CREATED "\",\"modified\":\"%s\",\"name\":", w->now);
	text_json(t, i->options.title ? i->options.title : i->options.node);
	text_str(t, ",\"identity_class\":\"organization\"");
	object_end(t, i);
}

/* Makes sure that a bundle with room for n more bytes is open. */
static enum err bundle_room(struct import *i, size_t n)
{
	struct writer_state *w = i->writer;
	enum err err = ERR_OK;

	if (w->objects == PART_OBJECTS_MAX || (w->objects && w->bundle.length + n > FILL_BYTES))
		err = bundle_close(i);
	if (!err && w->bundle.length == 0)
		bundle_open(i);
	return err;
}

static void id_note(struct writer_state *w, const char *type, const char *uuid)
{
	snprintf(w->ids[w->objects++], sizeof *w->ids, "%.12s--%.36s", type, uuid);
}

enum err object_add(struct import *i, const char *id, const struct text *object)
{
	struct writer_state *w = i->writer;
	enum err err = bundle_room(i, object->length);

	if (err)
		return err;
	text_str(&w->bundle, ",");
	text_add(&w->bundle, object->at, object->length);
	snprintf(w->ids[w->objects++], sizeof *w->ids, "%s", id);
	return w->bundle.bad || object->bad ? ERR_MEMORY : ERR_OK;
}

enum err indicator_add(struct import *i, const struct indicator *n)
{
	struct writer_state *w = i->writer;
	struct text *t = &w->bundle;
	unsigned days = i->options.valid_days ? i->options.valid_days : n->valid_days;
	uint64_t from = n->valid_from < i->options.now ? n->valid_from : i->options.now;
	uint64_t until = i->options.now + (uint64_t)days * DAY_MS;
	char at[TIME_BYTES];
	enum err err = seen_add(w, n->uuid);

	if (!err && i->options.known && i->options.known(i->options.known_arg, n->uuid, until)) {
		i->unchanged++;
		return ERR_EXISTS;
	}
	if (!err)
		err = bundle_room(i, 6 * strlen(n->pattern) + 4096);
	if (err)
		return err;
	text_str(t, ",");
	object_start(t, i, "indicator", n->uuid, n->created);
	text_str(t, ",\"name\":");
	text_json(t, n->name);
	if (n->description && *n->description) {
		text_str(t, ",\"description\":");
		text_json(t, n->description);
	}
	object_labels(t, i, n->labels, n->label_count);
	if (i->options.confidence >= 0)
		text_format(t, ",\"confidence\":%d", i->options.confidence);
	text_str(t, ",\"pattern\":");
	text_json(t, n->pattern);
	text_str(t, ",\"pattern_type\":\"");
	text_str(t, n->pattern_type);
	text_str(t, strcmp(n->pattern_type, "stix") == 0 ? "\",\"pattern_version\":\"2.1\"" : "\"");
	text_str(t, ",\"valid_from\":\"");
	text_str(t, time_format(at, from));
	text_str(t, "\",\"valid_until\":\"");
	text_str(t, time_format(at, until));
	text_str(t, "\"");
	object_end(t, i);
	id_note(w, "indicator", n->uuid);
	return t->bad ? ERR_MEMORY : ERR_OK;
}

void bundle_closing(struct import *i, bundle_closing_fn *closing, void *arg)
{
	i->writer->closing = closing;
	i->writer->closing_arg = arg;
}

enum err bundle_close(struct import *i)
{
	struct writer_state *w = i->writer;
	size_t objects = w->objects;
	struct text object;
	enum err err = ERR_OK;

	if (objects == 0)
		return ERR_OK;
	text_init(&object);
	if (w->closing) {
		w->closing(i, w->closing_arg, &object, (const char(*)[60])w->ids, objects);
		text_str(&w->bundle, ",");
		text_add(&w->bundle, object.at, object.length);
		objects++;
	}
	text_str(&w->bundle, "]}");
	w->objects = 0;
	err = object.bad ? ERR_MEMORY : part_add(i, &w->bundle, objects);
	text_clear(&object);
	if (!err && w->forgot)
		i->parts[i->part_count - 1].forgot = true;
	w->forgot = false;
	return err;
}
