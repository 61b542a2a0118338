/* restored            -> until 8
 * restored/floor      -> hours 4
 * restored/a/AUDIENCE -> hours 4: the lowest floor at which that audience was found to be the same
 */
#include "node/store/restored.h"

#include <stdio.h>
#include <string.h>

#include "node/store/log_parts.h"
#include "protocol/trie.h"

#define FLOOR_KEY RESTORED_KEY "/floor"
#define AUDIENCE_KEYS RESTORED_KEY "/a/"

enum { AUDIENCE_KEY_BYTES = sizeof AUDIENCE_KEYS + 2 * AUDIENCE_ID_BYTES };

static void audience_key(char out[AUDIENCE_KEY_BYTES], const struct audience_id *audience)
{
	memcpy(out, AUDIENCE_KEYS, sizeof AUDIENCE_KEYS);
	hex_encode(out + sizeof AUDIENCE_KEYS - 1, audience->b, AUDIENCE_ID_BYTES);
}

/* 0: there is none. */
static uint32_t hours_get(struct log_reader *reader, const char *key)
{
	uint8_t hours[4];
	size_t n = 0;
	enum err e = log_get(reader, key, hours, sizeof hours, &n);
	return !e && n == sizeof hours ? get_u32(hours) : 0;
}

/* Keeps the lowest. */
static enum err hours_put(struct log *log, struct log_reader *reader, const char *key,
			  uint32_t floor)
{
	uint8_t hours[4];
	uint32_t before = hours_get(reader, key);
	if (before && before <= floor)
		return ERR_OK;
	put_u32(hours, floor);
	return log_put(log, key, hours, sizeof hours);
}

struct restored restored_read(struct log_reader *reader)
{
	struct restored r = {0};
	uint8_t until[8];
	size_t n = 0;
	enum err e = log_get(reader, RESTORED_KEY, until, sizeof until, &n);
	if (e == ERR_NOT_FOUND)
		return r;
	/* When nobody can tell, nothing is shown. */
	r.until = !e && n == sizeof until ? get_u64(until) : UINT64_MAX;
	r.floor = hours_get(reader, FLOOR_KEY);
	return r;
}

enum restored_view restored_look(struct log_reader *reader, const struct restored *r, uint64_t lsn,
				 const struct header *h)
{
	struct message_id any = {{0}};
	char name[AUDIENCE_KEY_BYTES];
	if (lsn > r->until)
		return RESTORED_SHOWN;
	struct trie_key key = trie_key_of(h, &any);
	struct audience_id audience = trie_key_audience(&key);
	audience_key(name, &audience);
	uint32_t floor = hours_get(reader, name);
	/* SPEC 6.6: "What expires before the floor of such a run was not compared by it" */
	if (floor)
		return h->expiry < floor ? RESTORED_EXPIRED : RESTORED_SHOWN;
	return h->expiry < r->floor ? RESTORED_EXPIRED : RESTORED_WAITS;
}

bool restored_hides(struct log_reader *reader, uint64_t lsn, const struct header *h)
{
	struct restored r = restored_read(reader);
	return h->expiry < log_floor(reader) || restored_look(reader, &r, lsn, h) != RESTORED_SHOWN;
}

enum err restored_begin(struct log *log, uint64_t until)
{
	uint8_t bytes[8];
	enum err e = log_drop(log, RESTORED_KEY);
	put_u64(bytes, until);
	return e ? e : log_put(log, RESTORED_KEY, bytes, sizeof bytes);
}

enum err restored_agreed(struct log *log, struct log_reader *reader, uint32_t floor,
			 const struct audience_id *audiences, size_t n)
{
	char name[AUDIENCE_KEY_BYTES];
	enum err e = hours_put(log, reader, FLOOR_KEY, floor);
	for (size_t i = 0; !e && i < n; i++) {
		audience_key(name, &audiences[i]);
		e = hours_put(log, reader, name, floor);
	}
	return e;
}

enum err restored_end(struct log *log)
{
	return log_drop(log, RESTORED_KEY);
}
