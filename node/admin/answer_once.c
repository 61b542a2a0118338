#include "node/admin/answer_once.h"

#include <string.h>

#include "node/remembered.h"

static const char name[] = "once";

/* Whoever asks again does so after a crash, not after so many other requests. */
enum { ONCE_KEYS_MAX = 256, ENTRY_BYTES = ONCE_KEY_BYTES + MESSAGE_ID_BYTES };

struct keys {
	size_t count;                                  /* newest first */
	uint8_t bytes[ONCE_KEYS_MAX + 1][ENTRY_BYTES]; /* key | id of the first message */
};

static enum err keys_read(struct keys *k, struct log_reader *log)
{
	size_t n = 0;
	enum err e = log_reader_renew(log);

	if (!e)
		e = remembered_get(log, name, k->bytes, sizeof k->bytes, &n);
	k->count = e ? 0 : n / ENTRY_BYTES;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static size_t keys_find(const struct keys *k, const uint8_t key[ONCE_KEY_BYTES])
{
	size_t i = 0;

	while (i < k->count && memcmp(k->bytes[i], key, ONCE_KEY_BYTES) != 0)
		i++;
	return i;
}

/* SPEC 9.5: "The key is kept with the id of the first message before any message can be sent" */
static enum err tell(void *arg, const struct message_id *ids, size_t n)
{
	struct once *o = arg;
	struct keys k;
	size_t at;
	enum err e = keys_read(&k, o->a->log);

	/* Keys that cannot be read are not to be written over. */
	if (e)
		return e;
	at = keys_find(&k, o->key);
	for (size_t i = at; i > 0; i--)
		memcpy(k.bytes[i], k.bytes[i - 1], ENTRY_BYTES);
	k.count += at == k.count;
	if (k.count > ONCE_KEYS_MAX)
		k.count = ONCE_KEYS_MAX;
	memcpy(k.bytes[0], o->key, ONCE_KEY_BYTES);
	memcpy(k.bytes[0] + ONCE_KEY_BYTES, ids[0].b, MESSAGE_ID_BYTES);
	e = node_keep(o->a->node, name, k.bytes, k.count * ENTRY_BYTES, 0, NULL, 0);
	if (!e && o->next)
		e = o->next->tell(o->next->arg, ids, n);
	return e;
}

enum err once_read(struct once *o, struct answer *a)
{
	const char *key = admin_string(&a->request, "once");

	*o = (struct once){.a = a, .wanted = key != NULL, .before = {tell, o}, .next = a->before};
	if (!key || hex_decode(o->key, ONCE_KEY_BYTES, key))
		return ERR_OK;
	report_add(&a->report, "\"%s\" is not %d hexadecimal digits", key, 2 * ONCE_KEY_BYTES);
	a->where = "once";
	return ERR_FORMAT;
}

enum err part_read(const char **part_of, struct answer *a)
{
	struct message_id first;

	*part_of = admin_string(&a->request, "part_of");
	if (!*part_of || hex_decode(first.b, sizeof first.b, *part_of))
		return ERR_OK;
	report_add(&a->report, "\"%s\" is not the id of a message", *part_of);
	a->where = "part_of";
	return ERR_FORMAT;
}

enum err once_begin(struct once *o)
{
	struct message_id first;
	struct keys k;
	uint64_t lsn;
	size_t at;
	enum err e;

	if (!o->wanted)
		return ERR_OK;
	node_once_begin(o->a->node);
	o->begun = true;
	/* As long as it is not known, it is better not sent. */
	e = keys_read(&k, o->a->log);
	if (e)
		return e;
	at = keys_find(&k, o->key);
	if (at == k.count)
		return ERR_OK;
	memcpy(first.b, k.bytes[at] + ONCE_KEY_BYTES, MESSAGE_ID_BYTES);
	e = index_reader_renew(o->a->index);
	if (!e)
		e = index_find(o->a->index, &first, &lsn);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	return e ? e : ERR_EXISTS;
}

void once_end(struct once *o)
{
	if (o->begun)
		node_once_end(o->a->node);
	o->begun = false;
}
