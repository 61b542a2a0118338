#include "node/cmd/follow_carried.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/admin.h"
#include "protocol/bytes.h"

/* SPEC 9.7: at most so many in one request. */
enum { AT_ONCE = 512, SLOTS_MIN = 1024 };

/* ---- the set ---- */

static uint64_t key_of(const uint8_t *id)
{
	uint64_t key = get_u64(id);

	return key ? key : 1;
}

/* Where the key is, or would be; ids are hashes. */
static size_t slot_of(const struct told *t, uint64_t key)
{
	size_t at = key & (t->size - 1);

	while (t->slots[at] && t->slots[at] != key)
		at = (at + 1) & (t->size - 1);
	return at;
}

static bool told_has(const struct told *t, const uint8_t *id)
{
	uint64_t key = key_of(id);

	return t && t->size && t->slots[slot_of(t, key)] == key;
}

static bool told_grow(struct told *t)
{
	struct told grown = {.count = t->count, .size = t->size ? 2 * t->size : SLOTS_MIN};

	grown.slots = calloc(grown.size, sizeof *grown.slots);
	if (!grown.slots)
		return false;
	for (size_t i = 0; i < t->size; i++)
		if (t->slots[i])
			grown.slots[slot_of(&grown, t->slots[i])] = t->slots[i];
	free(t->slots);
	*t = grown;
	return true;
}

/* What cannot be noted is told again. */
static void told_add(struct told *t, const uint8_t *id)
{
	uint64_t key = key_of(id);
	size_t at;

	if (2 * (t->count + 1) > t->size && !told_grow(t))
		return;
	at = slot_of(t, key);
	t->count += t->slots[at] == 0;
	t->slots[at] = key;
}

/* ---- what is carried ---- */

enum err carried_add(struct carried_messages *m, const char *hex)
{
	uint8_t id[MESSAGE_ID_BYTES];

	if (!hex_decode(id, sizeof id, hex) || told_has(m->told, id))
		return ERR_OK;
	/* The lines of a message come together. */
	if (m->count && memcmp(m->ids + (m->count - 1) * sizeof id, id, sizeof id) == 0)
		return ERR_OK;
	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 256;
		uint8_t *ids = realloc(m->ids, room * sizeof id);
		if (!ids)
			return ERR_MEMORY;
		m->ids = ids;
		m->room = room;
	}
	memcpy(m->ids + m->count++ * sizeof id, id, sizeof id);
	return ERR_OK;
}

static bool tell(struct client *client, const char *name, const uint8_t *ids, size_t n)
{
	const struct slice frame = {(const char *)ids, n * MESSAGE_ID_BYTES};
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "carried");
	admin_put_string(&request, "name", name);
	code = client_ask(client, &request, &frame, 1, false, &reply);
	text_clear(&request);
	if (code)
		return false;
	reply_clear(&reply);
	return true;
}

void carried_tell(struct carried_messages *m, struct told *told, struct client *client,
		  const char *name)
{
	for (size_t i = 0; i < m->count; i += AT_ONCE) {
		size_t n = m->count - i < AT_ONCE ? m->count - i : AT_ONCE;
		if (!tell(client, name, m->ids + i * MESSAGE_ID_BYTES, n))
			break;
		for (size_t k = i; k < i + n; k++)
			told_add(told, m->ids + k * MESSAGE_ID_BYTES);
	}
	free(m->ids);
	*m = (struct carried_messages){0};
}
