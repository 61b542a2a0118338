#include "node/detect/mutes.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/detect/value_set.h"
#include "protocol/admin.h"

enum { DOMAIN_MUTE = 'm', NONCE_ID_BYTES = MESSAGE_ID_BYTES };

static const char prefix[] = "mute/";

struct mutes {
	const struct identity *identity; /* borrowed */
	pthread_mutex_t lock;            /* of what follows */
	struct mute *list;               /* owned */
	size_t count, room;
	struct value_set *set; /* of list; tags are places in it */
};

/* ---- one of them, as bytes: a random id | the box, under it, of JSON ---- */

static void name_of(const struct mutes *m, const struct observable *v, char out[MUTE_NAME_BYTES])
{
	uint8_t key[MUTE_KEY_BYTES];
	struct text t;

	text_init(&t);
	text_format(&t, "%s|%s", observable_type_str(v->type), v->text);
	identity_index_key(m->identity, DOMAIN_MUTE, t.bad ? "" : t.at, t.length, key);
	text_clear(&t);
	memcpy(out, prefix, sizeof prefix);
	sodium_bin2hex(out + strlen(prefix), 2 * sizeof key + 1, key, sizeof key);
}

enum err mute_encode(const struct mutes *m, const struct observable *v, const char *because,
		     uint64_t now, uid_t uid, char name[MUTE_NAME_BYTES], uint8_t **bytes,
		     size_t *n)
{
	struct message_id id;
	struct text t;
	enum err e = ERR_MEMORY;

	name_of(m, v, name);
	text_init(&t);
	text_str(&t, "{");
	admin_put_string(&t, "type", observable_type_str(v->type));
	admin_put_string(&t, "value", v->text);
	admin_put_string(&t, "because", because);
	admin_put_number(&t, "at", now);
	admin_put_number(&t, "uid", uid);
	text_str(&t, "}");
	*n = sizeof id.b + t.length + STORE_BOX_EXTRA;
	*bytes = t.bad ? NULL : malloc(*n);
	if (*bytes) {
		randombytes_buf(id.b, sizeof id.b);
		memcpy(*bytes, id.b, sizeof id.b);
		identity_store_box(m->identity, &id, *bytes + sizeof id.b, (uint8_t *)t.at,
				   t.length);
		e = ERR_OK;
	}
	text_clear(&t);
	return e;
}

static void mute_clear(struct mute *one)
{
	free(one->value);
	free(one->because);
}

static enum err mute_read(struct mute *one, const cJSON *json)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "value"));
	const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
	const char *because =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "because"));
	const cJSON *at = cJSON_GetObjectItemCaseSensitive(json, "at");
	const cJSON *uid = cJSON_GetObjectItemCaseSensitive(json, "uid");

	if (!value || !type || !observable_type_parse(type, &one->type) || !cJSON_IsNumber(at) ||
	    !cJSON_IsNumber(uid) || !(at->valuedouble >= 0 && at->valuedouble < 0x1p64) ||
	    !(uid->valuedouble >= 0 && uid->valuedouble <= UINT32_MAX))
		return ERR_DAMAGED;
	one->at = (uint64_t)at->valuedouble;
	one->uid = (uid_t)uid->valuedouble;
	one->value = strdup(value);
	one->because = because ? strdup(because) : NULL;
	return one->value && (one->because || !because) ? ERR_OK : ERR_MEMORY;
}

static enum err mute_decode(const struct mutes *m, struct mute *one, const char *name,
			    const uint8_t *bytes, size_t n)
{
	struct message_id id;
	cJSON *json = NULL;
	size_t length = n - NONCE_ID_BYTES - STORE_BOX_EXTRA;
	char *text;
	enum err e;

	*one = (struct mute){0};
	if (n < NONCE_ID_BYTES + STORE_BOX_EXTRA || strlen(name) != MUTE_NAME_BYTES - 1 ||
	    sodium_hex2bin(one->key, sizeof one->key, name + strlen(prefix), 2 * sizeof one->key,
			   NULL, NULL, NULL) != 0)
		return ERR_DAMAGED;
	text = malloc(length + 1);
	if (!text)
		return ERR_MEMORY;
	memcpy(id.b, bytes, sizeof id.b);
	e = identity_store_unbox(m->identity, &id, (uint8_t *)text, bytes + sizeof id.b,
				 n - sizeof id.b);
	if (!e)
		e = json_parse(&json, text, length, NULL);
	if (!e)
		e = mute_read(one, json);
	if (e)
		mute_clear(one);
	cJSON_Delete(json);
	free(text);
	return e;
}

/* ---- all of them ---- */

static enum err list_add(struct mutes *m, const struct mute *one)
{
	if (m->count == MUTES_MAX)
		return ERR_LIMIT;
	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 16;
		struct mute *list = realloc(m->list, room * sizeof *list);
		if (!list)
			return ERR_MEMORY;
		m->list = list;
		m->room = room;
	}
	m->list[m->count++] = *one;
	return ERR_OK;
}

/* The set anew; the old one stays where that fails. */
static enum err set_make(struct mutes *m)
{
	struct value_set *set = value_set_new();
	struct observable *v = malloc(sizeof *v);
	enum err e = set && v ? ERR_OK : ERR_MEMORY;
	const char *why;

	for (size_t i = 0; !e && i < m->count; i++)
		if (observable_set(v, m->list[i].type, m->list[i].value, &why) == ERR_OK)
			e = value_set_add(set, v, false, (uint32_t)i);
	free(v);
	if (e) {
		value_set_free(set);
		return e;
	}
	value_set_close(set);
	value_set_free(m->set);
	m->set = set;
	return ERR_OK;
}

struct loading {
	struct mutes *m;
	enum err e;
};

static bool take(void *arg, const char *name, const void *bytes, size_t n)
{
	struct loading *l = arg;
	struct mute one;
	enum err e = mute_decode(l->m, &one, name, bytes, n);

	if (!e) {
		e = list_add(l->m, &one);
		if (e)
			mute_clear(&one);
	}
	if (e == ERR_MEMORY)
		l->e = e;
	return !l->e;
}

enum err mutes_open(struct mutes **out, struct log *log, const struct identity *identity)
{
	struct mutes *m = calloc(1, sizeof *m);
	struct loading l = {.m = m};
	struct log_reader *reader = NULL;
	enum err e;

	*out = NULL;
	if (!m)
		return ERR_MEMORY;
	m->identity = identity;
	pthread_mutex_init(&m->lock, NULL);
	e = log_reader_open(&reader, log);
	if (!e)
		e = log_values(reader, prefix, take, &l);
	if (reader)
		log_reader_close(reader);
	if (!e)
		e = l.e;
	if (!e)
		e = set_make(m);
	if (e)
		mutes_close(m);
	else
		*out = m;
	return e;
}

void mutes_close(struct mutes *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		mute_clear(&m->list[i]);
	free(m->list);
	value_set_free(m->set);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static size_t place_of(const struct mutes *m, const char *name)
{
	uint8_t key[MUTE_KEY_BYTES];
	size_t i = 0;

	if (sodium_hex2bin(key, sizeof key, name + strlen(prefix), 2 * sizeof key, NULL, NULL,
			   NULL) != 0)
		return m->count;
	while (i < m->count && memcmp(m->list[i].key, key, sizeof key) != 0)
		i++;
	return i;
}

static enum err add(struct mutes *m, const char *name, const uint8_t *bytes, size_t n)
{
	struct mute one;
	enum err e = mute_decode(m, &one, name, bytes, n);

	if (e)
		return e;
	e = list_add(m, &one);
	if (e) {
		mute_clear(&one);
		return e;
	}
	e = set_make(m);
	if (e)
		mute_clear(&m->list[--m->count]);
	return e;
}

static enum err remove_at(struct mutes *m, size_t i)
{
	struct mute one = m->list[i];
	enum err e;

	memmove(&m->list[i], &m->list[i + 1], (m->count - i - 1) * sizeof *m->list);
	m->count--;
	e = set_make(m);
	if (e) {
		memmove(&m->list[i + 1], &m->list[i], (m->count - i) * sizeof *m->list);
		m->list[i] = one;
		m->count++;
		return e;
	}
	mute_clear(&one);
	return ERR_OK;
}

enum err mutes_set(struct mutes *m, const char name[MUTE_NAME_BYTES], const uint8_t *bytes,
		   size_t n)
{
	size_t i;
	enum err e;

	pthread_mutex_lock(&m->lock);
	i = place_of(m, name);
	if (bytes)
		e = i < m->count ? ERR_EXISTS : add(m, name, bytes, n);
	else
		e = i < m->count ? remove_at(m, i) : ERR_NOT_FOUND;
	pthread_mutex_unlock(&m->lock);
	return e;
}

bool mutes_has(struct mutes *m, const struct observable *v)
{
	char name[MUTE_NAME_BYTES];
	bool has;

	name_of(m, v, name);
	pthread_mutex_lock(&m->lock);
	has = place_of(m, name) < m->count;
	pthread_mutex_unlock(&m->lock);
	return has;
}

size_t mutes_count(struct mutes *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->count;
	pthread_mutex_unlock(&m->lock);
	return n;
}

/* ---- asking ---- */

static bool first_only(void *arg, uint32_t tag)
{
	uint32_t *first = arg;

	*first = tag;
	return false;
}

static void mute_show(struct text *t, const struct mute *one)
{
	admin_put_string(t, "value", one->value);
	admin_put_string(t, "type", observable_type_str(one->type));
	admin_put_time(t, "at", one->at);
	admin_put_number(t, "uid", one->uid);
	admin_put_string(t, "because", one->because);
}

/* SPEC 9.11: "A mute hides the value itself; of an address or a network also every network that
 * holds it and everything in it; of a name also the names above it, since who blocks those blocks
 * it too; and each endpoint whose host it hides." */
bool mutes_hide(struct mutes *m, const struct observable *v, struct text *what)
{
	uint32_t first = UINT32_MAX;
	struct observable host;

	pthread_mutex_lock(&m->lock);
	if (m->count) {
		value_set_find(m->set, v, first_only, &first);
		if (first == UINT32_MAX && v->type == OBSERVABLE_ENDPOINT && value_host(v, &host))
			value_set_find(m->set, &host, first_only, &first);
	}
	if (first != UINT32_MAX && what)
		mute_show(what, &m->list[first]);
	pthread_mutex_unlock(&m->lock);
	return first != UINT32_MAX;
}

size_t mutes_show(struct mutes *m, struct text *t, size_t from, size_t max)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->count;
	for (size_t i = from; i < n && i - from < max; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		mute_show(t, &m->list[i]);
		admin_put_hex(t, "key", m->list[i].key, MUTE_KEY_BYTES);
		text_str(t, "}");
	}
	pthread_mutex_unlock(&m->lock);
	return n;
}
