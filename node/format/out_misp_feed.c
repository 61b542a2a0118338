/* The folder of a MISP feed.
 *
 * MISP fetches an event when the manifest gives it a later time than it had.  So an event keeps its
 * time, and its file, as long as it says the same, and gets a later one whenever it does not, also
 * when something was only taken out of it. */
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/file.h"
#include "node/format/out_misp.h"
#include "protocol/bytes.h"
#include "protocol/stix.h"

enum {
	EVENT_MAX_BYTES = 96 << 20,
	UUID_CHARS = 36,
	TIME_MAX_CHARS = 20,
	UUID_BYTES = 16,
	HEAD_BYTES = 128,
};

static const char before_uuid[] = "{\"Event\":{\"uuid\":\"", before_time[] = "\",\"timestamp\":\"";

struct event {
	const char *uuid;
	uint64_t time; /* seconds */
	struct slice summary, rest;
};

struct feed {
	struct export *x;
	struct out manifest, hashes;
	uint8_t (*kept)[UUID_BYTES]; /* the events written, ascending; 16 bytes each */
	size_t kept_count, kept_room;
};

static struct event event_read(struct slice record)
{
	struct event v = {.uuid = record.at + 1};
	const char *at = v.uuid + UUID_CHARS + 1;

	v.time = get_u64((const uint8_t *)at);
	v.summary = (struct slice){at + 12, get_u32((const uint8_t *)at + 8)};
	v.rest.at = v.summary.at + v.summary.length;
	v.rest.length = (size_t)(record.at + record.length - v.rest.at);
	return v;
}

static void event_text(struct text *t, const struct event *v, uint64_t time)
{
	t->length = 0;
	text_format(t, "%s%s%s%llu\",\"publish_timestamp\":\"%llu\",", before_uuid, v->uuid,
		    before_time, (unsigned long long)time, (unsigned long long)time);
	text_add(t, v->summary.at, v->summary.length);
	text_add(t, v->rest.at, v->rest.length);
	text_str(t, "}}\n");
}

/* The time of an event that we wrote; 0 when text does not begin as our events do. */
static uint64_t time_of(const char *text, const char *uuid)
{
	size_t n = sizeof before_uuid - 1;

	if (strncmp(text, before_uuid, n) != 0 || strncmp(text + n, uuid, UUID_CHARS) != 0)
		return 0;
	text += n + UUID_CHARS;
	n = sizeof before_time - 1;
	return strncmp(text, before_time, n) == 0 ? strtoull(text + n, NULL, 10) : 0;
}

static bool event_path(char out[PATH_MAX], const struct export *x, const char *uuid)
{
	return snprintf(out, PATH_MAX, "%s/%s.json", x->options.dir, uuid) < PATH_MAX;
}

/* Writes the event unless its file says the same already; *t is then what the file holds. */
static enum err event_write(struct feed *f, const struct event *v, struct text *t, uint64_t *time)
{
	char path[PATH_MAX], *old = NULL, name[UUID_CHARS + 6];
	size_t n = 0;
	uint64_t last = 0;
	bool same = false;
	struct out out;
	enum err e;

	*time = v->time;
	if (event_path(path, f->x, v->uuid) &&
	    file_read(&old, &n, path, EVENT_MAX_BYTES, NULL) == ERR_OK)
		last = time_of(old, v->uuid);
	if (old && last >= v->time && last < UINT32_MAX) {
		event_text(t, v, last);
		same = !t->bad && t->length == n && memcmp(t->at, old, n) == 0;
		*time = same ? last : last + 1;
	}
	free(old);
	if (same)
		return ERR_OK;
	event_text(t, v, *time);
	if (t->bad)
		return ERR_MEMORY;
	snprintf(name, sizeof name, "%s.json", v->uuid);
	e = out_open(&out, f->x, name);
	if (e)
		return e;
	out_bytes(&out, t->at, t->length);
	return out_close(&out, true);
}

static enum err keep(struct feed *f, const char *uuid)
{
	size_t room = f->kept_room ? 2 * f->kept_room : 256;
	char hex[2 * UUID_BYTES + 1];
	size_t n = 0;

	if (f->kept_count == f->kept_room) {
		uint8_t(*kept)[UUID_BYTES] = realloc(f->kept, room * sizeof *kept);
		if (!kept)
			return ERR_MEMORY;
		f->kept = kept;
		f->kept_room = room;
	}
	for (; *uuid && n < sizeof hex - 1; uuid++)
		if (*uuid != '-')
			hex[n++] = *uuid;
	hex[n] = '\0';
	return hex_decode(f->kept[f->kept_count++], UUID_BYTES, hex) ? ERR_OK : ERR_FORMAT;
}

static void put_manifest(struct feed *f, const struct event *v, uint64_t time, const struct text *t)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];

	crypto_hash_sha256(hash, (const uint8_t *)t->at, t->length);
	out_format(&f->manifest, "%s\"%s\":{\"timestamp\":\"%llu\",",
		   f->kept_count > 1 ? ",\n" : "", v->uuid, (unsigned long long)time);
	out_bytes(&f->manifest, v->summary.at, v->summary.length);
	out_format(&f->manifest, ",\"integrity:sha256\":\"%s\"}",
		   hex_encode(hex, hash, sizeof hash));
}

static enum err take_record(struct feed *f, struct slice record, struct text *t)
{
	struct event v;
	uint64_t time;
	enum err e;

	if (record.at[0] == MISP_HASH) {
		out_bytes(&f->hashes, record.at + 1, record.length - 1);
		out_text(&f->hashes, "\n");
		return ERR_OK;
	}
	v = event_read(record);
	e = event_write(f, &v, t, &time);
	if (!e)
		e = keep(f, v.uuid);
	if (!e)
		put_manifest(f, &v, time, t);
	return e;
}

/* ---- what is no more ---- */

static int compare_uuids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_BYTES);
}

static bool kept(const struct feed *f, const char *uuid)
{
	char hex[2 * UUID_BYTES + 1];
	uint8_t key[UUID_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < UUID_CHARS && n < sizeof hex - 1; i++)
		if (uuid[i] != '-')
			hex[n++] = uuid[i];
	hex[n] = '\0';
	return hex_decode(key, sizeof key, hex) && f->kept_count &&
	       bsearch(key, f->kept, f->kept_count, UUID_BYTES, compare_uuids);
}

/* SPEC 8.8: "A file of the folder that does not begin as an event of this exporter does is never
 * removed." */
static bool ours(const struct export *x, const char *uuid)
{
	char path[PATH_MAX], head[HEAD_BYTES] = "";
	FILE *file = event_path(path, x, uuid) ? fopen(path, "r") : NULL;

	if (!file)
		return false;
	head[fread(head, 1, sizeof head - 1, file)] = '\0';
	fclose(file);
	return time_of(head, uuid) != 0;
}

static void remove_others(const struct feed *f)
{
	DIR *dir = opendir(f->x->options.dir);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char uuid[UUID_CHARS + 1], path[PATH_MAX];

		if (strlen(entry->d_name) != UUID_CHARS + 5 ||
		    strcmp(entry->d_name + UUID_CHARS, ".json") != 0)
			continue;
		memcpy(uuid, entry->d_name, UUID_CHARS);
		uuid[UUID_CHARS] = '\0';
		if (uuid_valid(uuid) && !kept(f, uuid) && ours(f->x, uuid) &&
		    event_path(path, f->x, uuid))
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

enum err misp_feed_write(struct export *x)
{
	struct feed f = {.x = x};
	struct slice record;
	struct text t;
	enum err e = out_open(&f.manifest, x, "manifest.json"), closed;

	text_init(&t);
	if (!e)
		e = out_open(&f.hashes, x, "hashes.csv");
	if (!e)
		out_text(&f.manifest, "{");
	while (!e && !(e = sorter_next(x->sorter, &record)))
		e = take_record(&f, record, &t);
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	if (f.manifest.file)
		out_text(&f.manifest, "}\n");
	/* The manifest goes last: what it names is there. */
	closed = out_close(&f.hashes, !e);
	e = e ? e : closed;
	closed = out_close(&f.manifest, !e);
	e = e ? e : closed;
	if (!e)
		remove_others(&f);
	text_clear(&t);
	free(f.kept);
	return e;
}
