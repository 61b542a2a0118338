/* A file: magic "KBRO" | version 1 | zeros 3 | nonce 32 | the box.
 *
 * In the box: length 4 | JSON of what is known of it, length 4 | the request, length 4 | what a dry
 * run said, then length 4 | frame, as many as there are. */
#include "node/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "protocol/admin.h"
#include "protocol/bytes.h"

enum { HEAD_BYTES = 4 + 4 + MESSAGE_ID_BYTES, OUTBOX_VERSION = 1 };

static const uint8_t head_start[8] = {'K', 'B', 'R', 'O', OUTBOX_VERSION};

struct outbox_memory {
	char *bytes; /* owned */
	cJSON *meta; /* owned */
	struct slice frames[OUTBOX_FRAMES_MAX];
};

static bool path_of(char out[PATH_MAX], const char *home, const char *id)
{
	int n = snprintf(out, PATH_MAX, "%s/outbox%s%s", home, *id ? "/" : "", id);

	return n > 0 && n < PATH_MAX;
}

static enum err sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good ? ERR_OK : ERR_IO;
}

static enum err folder_make(const char *home, struct report *report)
{
	char path[PATH_MAX];

	if (!path_of(path, home, ""))
		return ERR_LIMIT;
	if (mkdir(path, 0700) == 0)
		return sync_folder(home);
	if (errno == EEXIST)
		return ERR_OK;
	report_add(report, "%s: cannot be made: %s", path, strerror(errno));
	return ERR_IO;
}

/* ---- writing ---- */

static void put_part(struct text *t, const char *at, size_t n)
{
	uint8_t length[4];

	put_u32(length, (uint32_t)n);
	text_add(t, (const char *)length, sizeof length);
	text_add(t, at, n);
}

static void put_meta(struct text *t, const struct outbox_item *item)
{
	struct text meta;

	text_init(&meta);
	text_str(&meta, "{");
	admin_put_number(&meta, "made", item->made);
	admin_put_number(&meta, "due", item->due);
	admin_put_number(&meta, "uid", (uint64_t)item->uid);
	admin_put_number(&meta, "gid", (uint64_t)item->gid);
	admin_put_number(&meta, "pid", (uint64_t)item->pid);
	if (item->wants_approval)
		admin_put_bool(&meta, "wants_approval", true);
	if (item->approved)
		admin_put_number(&meta, "approver", (uint64_t)item->approver);
	admin_put_string(&meta, "failed", item->failed);
	admin_put_name(&meta, "sending");
	text_str(&meta, "[");
	for (size_t i = 0; i < item->sending_count; i++)
		admin_put_hex(&meta, NULL, item->sending[i].b, MESSAGE_ID_BYTES);
	text_str(&meta, "]}");
	t->bad = t->bad || meta.bad;
	if (!meta.bad)
		put_part(t, meta.at, meta.length);
	text_clear(&meta);
}

/* The nonce is new every time: no two texts share one. */
static enum err box_write(const char *path, const struct identity *identity, const struct text *t,
			  struct report *report)
{
	size_t n = HEAD_BYTES + t->length + STORE_BOX_EXTRA;
	uint8_t *file = malloc(n);
	struct message_id nonce;
	enum err e;

	if (!file)
		return ERR_MEMORY;
	randombytes_buf(nonce.b, sizeof nonce.b);
	memcpy(file, head_start, sizeof head_start);
	memcpy(file + sizeof head_start, nonce.b, sizeof nonce.b);
	identity_store_box(identity, &nonce, file + HEAD_BYTES, (const uint8_t *)t->at, t->length);
	e = file_write(path, (const char *)file, n, report);
	free(file);
	return e;
}

enum err outbox_write(const char *home, const struct identity *identity,
		      const struct outbox_item *item, struct report *report)
{
	char path[PATH_MAX], folder[PATH_MAX];
	struct text t;
	enum err e = folder_make(home, report);

	if (!e && (!path_of(path, home, item->id) || !path_of(folder, home, "")))
		e = ERR_LIMIT;
	if (e)
		return e;
	text_init(&t);
	put_meta(&t, item);
	put_part(&t, item->request.at, item->request.length);
	put_part(&t, item->shown.at, item->shown.length);
	for (size_t i = 0; i < item->frame_count; i++)
		put_part(&t, item->frames[i].at, item->frames[i].length);
	if (!t.bad && t.length > OUTBOX_BYTES_MAX) {
		report_add(report, "more than %d bytes cannot be held", OUTBOX_BYTES_MAX);
		e = ERR_LIMIT;
	} else {
		e = t.bad ? ERR_MEMORY : box_write(path, identity, &t, report);
	}
	text_clear(&t);
	return e ? e : sync_folder(folder);
}

/* ---- reading ---- */

static bool take_part(struct reader *r, struct slice *out)
{
	size_t n = read_u32(r);

	if (r->bad || n > r->left)
		return false;
	*out = (struct slice){(const char *)read_ref(r, n), n};
	return !r->bad;
}

static uint64_t number_of(const cJSON *meta, const char *name)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(meta, name);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 0x1p64
		       ? (uint64_t)n->valuedouble
		       : 0;
}

static void take_meta(struct outbox_item *item, const cJSON *meta)
{
	const char *failed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(meta, "failed"));
	const cJSON *id;

	item->made = number_of(meta, "made");
	item->due = number_of(meta, "due");
	item->uid = (uid_t)number_of(meta, "uid");
	item->gid = (gid_t)number_of(meta, "gid");
	item->pid = (pid_t)number_of(meta, "pid");
	item->wants_approval =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(meta, "wants_approval"));
	item->approved = cJSON_HasObjectItem(meta, "approver");
	item->approver = (uid_t)number_of(meta, "approver");
	snprintf(item->failed, sizeof item->failed, "%s", failed ? failed : "");
	cJSON_ArrayForEach(id, cJSON_GetObjectItemCaseSensitive(meta, "sending"))
	{
		if (item->sending_count < OUTBOX_SENDING_MAX && cJSON_IsString(id) &&
		    hex_decode(item->sending[item->sending_count].b, MESSAGE_ID_BYTES,
			       id->valuestring))
			item->sending_count++;
	}
}

static enum err parts_read(struct outbox_item *item, struct outbox_memory *m, size_t n)
{
	struct slice meta;
	struct reader r;

	reader_init(&r, (const uint8_t *)m->bytes, n);
	if (!take_part(&r, &meta) || !take_part(&r, &item->request) ||
	    !take_part(&r, &item->shown) ||
	    json_parse(&m->meta, meta.at, meta.length, NULL) != ERR_OK)
		return ERR_DAMAGED;
	take_meta(item, m->meta);
	while (r.left && item->frame_count < OUTBOX_FRAMES_MAX)
		if (!take_part(&r, &m->frames[item->frame_count++]))
			return ERR_DAMAGED;
	item->frames = m->frames;
	return reader_done(&r) ? ERR_OK : ERR_DAMAGED;
}

static enum err unbox(struct outbox_memory *m, const struct identity *identity, size_t *n)
{
	struct message_id nonce;
	char *plain;
	enum err e;

	if (*n < HEAD_BYTES + STORE_BOX_EXTRA ||
	    memcmp(m->bytes, head_start, sizeof head_start) != 0)
		return ERR_DAMAGED;
	plain = malloc(*n - HEAD_BYTES - STORE_BOX_EXTRA + 1);
	if (!plain)
		return ERR_MEMORY;
	memcpy(nonce.b, m->bytes + sizeof head_start, sizeof nonce.b);
	e = identity_store_unbox(identity, &nonce, (uint8_t *)plain,
				 (const uint8_t *)m->bytes + HEAD_BYTES, *n - HEAD_BYTES);
	*n -= HEAD_BYTES + STORE_BOX_EXTRA;
	free(m->bytes);
	m->bytes = plain;
	return e;
}

enum err outbox_read(const char *home, const struct identity *identity, const char *id,
		     struct outbox_item *item, struct outbox_memory **memory)
{
	struct outbox_memory *m = calloc(1, sizeof *m);
	char path[PATH_MAX];
	size_t n;
	enum err e = m ? ERR_OK : ERR_MEMORY;

	*memory = NULL;
	*item = (struct outbox_item){0};
	if (!e && !path_of(path, home, id))
		e = ERR_LIMIT;
	if (!e)
		e = file_read(&m->bytes, &n, path, OUTBOX_BYTES_MAX + HEAD_BYTES + STORE_BOX_EXTRA,
			      NULL);
	if (!e)
		e = unbox(m, identity, &n);
	if (!e)
		e = parts_read(item, m, n);
	if (e) {
		outbox_forget(m);
		return e;
	}
	snprintf(item->id, sizeof item->id, "%s", id);
	*memory = m;
	return ERR_OK;
}

void outbox_forget(struct outbox_memory *m)
{
	if (!m)
		return;
	free(m->bytes);
	cJSON_Delete(m->meta);
	free(m);
}

/* ---- the folder ---- */

enum err outbox_remove(const char *home, const char *id)
{
	char path[PATH_MAX], folder[PATH_MAX];

	if (!path_of(path, home, id) || !path_of(folder, home, ""))
		return ERR_LIMIT;
	if (unlink(path) != 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	return sync_folder(folder);
}

static bool is_id(const char *name)
{
	return strlen(name) == OUTBOX_ID_DIGITS &&
	       strspn(name, "0123456789abcdef") == OUTBOX_ID_DIGITS;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

enum err outbox_list(const char *home, char (*ids)[OUTBOX_ID_DIGITS + 1], size_t *count)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	DIR *d;

	*count = 0;
	if (!path_of(folder, home, ""))
		return ERR_LIMIT;
	d = opendir(folder);
	if (!d)
		return errno == ENOENT ? ERR_OK : ERR_IO;
	while ((entry = readdir(d)) && *count < OUTBOX_MAX) {
		if (is_id(entry->d_name))
			strcpy(ids[(*count)++], entry->d_name);
		else if (strlen(entry->d_name) == OUTBOX_ID_DIGITS + 7)
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	closedir(d);
	qsort(ids, *count, sizeof *ids, compare);
	return ERR_OK;
}
