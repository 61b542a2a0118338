#include "node/backup_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/file.h"
#include "node/home.h"
#include "protocol/admin.h"
#include "protocol/bytes.h"

enum { NOTE_MAX_BYTES = 16 << 10 };

static void take(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	snprintf(out, size, "%s", s ? s : "");
}

static uint64_t take_time(const cJSON *json, const char *name)
{
	char text[TIME_BYTES];
	uint64_t ms;

	take(json, name, text, sizeof text);
	return time_parse(&ms, text) ? ms : 0;
}

enum err backup_note_read(const char *home, struct backup_note *note)
{
	char path[PATH_MAX], hex[2 * HASH_BYTES + 1], *text;
	cJSON *json = NULL;
	size_t n;

	*note = (struct backup_note){0};
	if (!home_path(path, home, "backup.json") ||
	    file_read(&text, &n, path, NOTE_MAX_BYTES, NULL))
		return ERR_NOT_FOUND;
	if (json_parse(&json, text, n, NULL) == ERR_OK) {
		note->made = take_time(json, "made");
		take(json, "dir", note->dir, sizeof note->dir);
		note->checked = take_time(json, "checked");
		note->keys = take_time(json, "keys");
		take(json, "keys_dir", note->keys_dir, sizeof note->keys_dir);
		take(json, "keys_hash", hex, sizeof hex);
		if (!hex_decode(note->keys_hash.b, HASH_BYTES, hex))
			note->keys = 0;
	}
	cJSON_Delete(json);
	free(text);
	return note->made || note->checked || note->keys ? ERR_OK : ERR_NOT_FOUND;
}

enum err backup_note_write(const char *home, const struct backup_note *note)
{
	char path[PATH_MAX];
	struct text t;
	enum err e = home_path(path, home, "backup.json") ? ERR_OK : ERR_LIMIT;

	text_init(&t);
	text_str(&t, "{");
	admin_put_time(&t, "made", note->made);
	admin_put_string(&t, "dir", note->dir);
	admin_put_time(&t, "checked", note->checked);
	admin_put_time(&t, "keys", note->keys);
	admin_put_string(&t, "keys_dir", note->keys_dir);
	admin_put_hex(&t, "keys_hash", note->keys_hash.b, HASH_BYTES);
	text_str(&t, "}\n");
	if (!e)
		e = t.bad ? ERR_MEMORY : file_write(path, t.at, t.length, NULL);
	text_clear(&t);
	return e;
}

enum err backup_note_made(const char *home, const char *dir, uint64_t made)
{
	struct backup_note note;

	(void)backup_note_read(home, &note);
	note.made = made;
	snprintf(note.dir, sizeof note.dir, "%s", dir);
	return backup_note_write(home, &note);
}

enum err backup_note_checked(const char *home, uint64_t checked)
{
	struct backup_note note;

	(void)backup_note_read(home, &note);
	note.checked = checked;
	return backup_note_write(home, &note);
}
