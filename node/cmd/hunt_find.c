#include "node/cmd/hunt_find.h"

#include <stdlib.h>
#include <string.h>

#include "node/cmd/hunt_log.h"
#include "node/cmd/sift.h"
#include "protocol/admin.h"

enum {
	SLOTS = 1 << 16, /* a power of two */
	FOUND_MAX = SLOTS / 2,
	TEXT_BYTES = 400,
	ASK_VALUES = 200,
	TELL_BYTES = 256 << 10,
};

/* A value that is known, and where it stands. */
struct found {
	char *value, *text; /* owned; text is of the first line */
	size_t line, lines;
};

struct finding {
	struct client *client;
	struct sift *sift;
	const struct hunted_objects *objects;
	uint64_t through;
	size_t line; /* from 1 */
	size_t count;
	bool full;
	struct text hits;
	uint32_t slots[SLOTS]; /* of found, from 1; 0: empty */
	struct found found[FOUND_MAX];
};

/* ---- the objects ---- */

bool hunted_add(struct hunted_objects *o, const char *id)
{
	if (o->count == o->room) {
		size_t room = o->room ? 2 * o->room : 256;
		char **ids = realloc(o->ids, room * sizeof *ids);
		if (!ids)
			return false;
		o->ids = ids;
		o->room = room;
	}
	o->ids[o->count] = strdup(id);
	return o->ids[o->count++] != NULL;
}

void hunted_clear(struct hunted_objects *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->ids[i]);
	free(o->ids);
	*o = (struct hunted_objects){0};
}

static int by_id(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void hunted_sort(struct hunted_objects *o)
{
	if (o->count)
		qsort(o->ids, o->count, sizeof *o->ids, by_id);
}

static bool is_hunted(const struct hunted_objects *o, const char *id)
{
	return o->count && bsearch(&id, o->ids, o->count, sizeof *o->ids, by_id);
}

/* ---- telling ---- */

int hunted_tell(struct client *client, uint64_t through, const struct text *hits,
		const char *failed)
{
	struct text request;
	struct reply reply;
	int code;

	request_init(&request, "hunted");
	admin_put_number(&request, "through", through);
	if (failed)
		client_put_text(&request, "failed", failed);
	admin_put_name(&request, "hits");
	text_str(&request, "[");
	if (hits && hits->length)
		text_add(&request, hits->at, hits->length);
	text_str(&request, "]");
	code = client_ask(client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code)
		reply_clear(&reply);
	return code;
}

static int tell(struct finding *f)
{
	int code = f->hits.length ? hunted_tell(f->client, f->through, &f->hits, NULL) : EXIT_DONE;

	text_clear(&f->hits);
	text_init(&f->hits);
	return code;
}

/* ---- what is found ---- */

static struct found *found_of(struct finding *f, struct slice value)
{
	uint64_t hash = 14695981039346656037u;
	size_t slot;

	for (size_t i = 0; i < value.length; i++)
		hash = (hash ^ (uint8_t)value.at[i]) * 1099511628211u;
	for (slot = hash % SLOTS; f->slots[slot]; slot = (slot + 1) % SLOTS) {
		struct found *x = &f->found[f->slots[slot] - 1];
		if (strlen(x->value) == value.length &&
		    memcmp(x->value, value.at, value.length) == 0)
			return x;
	}
	if (f->count == FOUND_MAX) {
		f->full = true;
		return NULL;
	}
	f->found[f->count].value = strndup(value.at, value.length);
	if (!f->found[f->count].value)
		return NULL;
	f->slots[slot] = (uint32_t)(f->count + 1);
	return &f->found[f->count++];
}

static int hit(void *arg, const struct hit *h)
{
	struct finding *f = arg;
	struct found *x = found_of(f, h->value);
	size_t n = h->line.length < TEXT_BYTES ? h->line.length : TEXT_BYTES;

	if (!x)
		return f->full ? EXIT_DONE : EXIT_REFUSED;
	if (x->lines++ > 0)
		return EXIT_DONE;
	x->line = h->number;
	x->text = strndup(h->line.at, n);
	return x->text ? EXIT_DONE : EXIT_REFUSED;
}

static int block(void *arg, struct slice b)
{
	struct finding *f = arg;
	const char *at = b.at, *end = b.at + b.length;
	int code = EXIT_DONE;

	while (!code && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);
		code = sift_line(f->sift, (struct slice){at, n}, f->line);
		f->line += stop != NULL;
		at = stop ? stop + 1 : end;
	}
	return code ? code : sift_flush(f->sift);
}

/* ---- whose it is ---- */

static void hit_put(struct finding *f, const struct found *x, const cJSON *match, const char *path)
{
	struct text *t = &f->hits;

	text_str(t, t->length ? ",{" : "{");
	client_put_text(t, "value", x->value);
	admin_put_string(t, "object", member_text(match, "object"));
	admin_put_string(t, "node", member_text(match, "node"));
	admin_put_string(t, "tlp", member_text(match, "tlp"));
	admin_put_string(t, "how", member_text(match, "how"));
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(match, "exercise")))
		admin_put_bool(t, "exercise", true);
	client_put_text(t, "file", path);
	client_put_text(t, "text", x->text);
	admin_put_number(t, "line", x->line);
	admin_put_number(t, "lines", x->lines);
	text_str(t, "}");
}

static int take_answer(struct finding *f, const struct found *x, const cJSON *answer,
		       const char *path)
{
	const cJSON *match;

	/* What is muted here is known to be harmless. */
	if (cJSON_HasObjectItem(answer, "muted"))
		return EXIT_DONE;
	cJSON_ArrayForEach(match, cJSON_GetObjectItemCaseSensitive(answer, "matches"))
	{
		if (is_hunted(f->objects, member_text(match, "object")))
			hit_put(f, x, match, path);
	}
	return f->hits.length > TELL_BYTES ? tell(f) : EXIT_DONE;
}

/* The first of the values from that one on; *from moves behind those that were answered. */
static int ask_whose(struct finding *f, size_t *from, const char *path)
{
	const cJSON *answer;
	struct text request;
	struct reply reply;
	size_t end = *from + ASK_VALUES < f->count ? *from + ASK_VALUES : f->count, first = *from;
	int code;

	request_init(&request, "check");
	admin_put_name(&request, "values");
	text_str(&request, "[");
	for (size_t i = *from; i < end && (i == *from || request.length < TELL_BYTES); i++)
		admin_put_string(&request, NULL, f->found[i].value);
	text_str(&request, "]");
	code = client_ask(f->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	cJSON_ArrayForEach(answer, cJSON_GetObjectItemCaseSensitive(reply.json, "lines"))
	{
		if (!code && *from < end)
			code = take_answer(f, &f->found[(*from)++], answer, path);
	}
	reply_clear(&reply);
	if (*from == first)
		*from = end;
	return code;
}

static int find(struct finding *f, const char *path, struct report *report)
{
	uint64_t end;
	int code = hunt_log_read(path, 0, block, f, &end, report);

	for (size_t i = 0; !code && i < f->count;)
		code = ask_whose(f, &i, path);
	if (!code)
		code = tell(f);
	if (f->full)
		report_add(report, "%s: holds more than %d values that are known", path, FOUND_MAX);
	return code;
}

int hunt_find(struct client *client, const char *path, const struct hunted_objects *objects,
	      uint64_t through, struct report *report)
{
	struct finding *f = calloc(1, sizeof *f);
	int code = EXIT_REFUSED;

	if (!f)
		return code;
	f->client = client;
	f->objects = objects;
	f->through = through;
	f->line = 1;
	text_init(&f->hits);
	f->sift = sift_new(client, hit, f);
	if (f->sift)
		code = find(f, path, report);
	sift_free(f->sift);
	for (size_t i = 0; i < f->count; i++) {
		free(f->found[i].value);
		free(f->found[i].text);
	}
	text_clear(&f->hits);
	free(f);
	return code;
}
