#include "node/cmd/sight_from.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/sift.h"
#include "node/cmd/sight_place.h"
#include "node/cmd/source.h"
#include "node/loop.h"
#include "protocol/admin.h"
#include "protocol/observable.h"

enum {
	BUFFER_BYTES = 128 << 10,
	SLOTS = 1 << 17, /* a power of two */
	SEEN_MAX = SLOTS / 2,
	VALUE_MIN_BYTES = 5,                              /* "a.bc" and what stands behind it */
	FULL = SEEN_MAX - BUFFER_BYTES / VALUE_MIN_BYTES, /* there is room for another block */
	AT_ONCE = 100,
	TEXTS_MAX = 1 << 14,
	HOUR_MS = 3600000,
};

/* A value in an hour. */
struct seen {
	char *value; /* owned; canonical */
	uint64_t hour, count;
};

struct sighting {
	struct client *client;
	const struct sight_from *from;
	struct report report;
	struct place place;
	bool midway; /* what is told is not kept yet */
	enum sensor_format format;
	struct sift *sift;
	uint64_t hour;                   /* of the line before */
	size_t lines, first, hours_room; /* lines; number of the first in the block */
	uint64_t *hours;                 /* owned; of the lines of the block */
	size_t text_count;
	char *texts[TEXTS_MAX]; /* owned; what of lines is looked through, until it was */
	size_t values, times, told, messages; /* in all */
	size_t count;
	uint32_t slots[SLOTS]; /* of seen, from 1; 0: empty */
	struct seen seen[SEEN_MAX];
};

/* Says what is wrong, once. */
static int fail(struct sighting *s)
{
	if (s->report.total)
		client_refused(s->client->c, s->client->what, &s->report);
	report_clear(&s->report);
	report_init(&s->report);
	return EXIT_REFUSED;
}

/* ---- counting ---- */

static struct seen *seen_of(struct sighting *s, const char *value, uint64_t hour)
{
	uint64_t hash = 14695981039346656037u ^ hour;
	size_t slot;

	for (const char *at = value; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 1099511628211u;
	for (slot = hash % SLOTS; s->slots[slot]; slot = (slot + 1) % SLOTS) {
		struct seen *x = &s->seen[s->slots[slot] - 1];
		if (x->hour == hour && strcmp(x->value, value) == 0)
			return x;
	}
	s->seen[s->count] = (struct seen){strdup(value), hour, 0};
	if (!s->seen[s->count].value)
		return NULL;
	s->slots[slot] = (uint32_t)(s->count + 1);
	return &s->seen[s->count++];
}

static int hit(void *arg, const struct hit *h)
{
	struct sighting *s = arg;
	char text[2 * OBSERVABLE_MAX_BYTES + 1];
	struct observable o;
	struct seen *x;

	if (h->value.length >= sizeof text)
		return EXIT_DONE;
	memcpy(text, h->value.at, h->value.length);
	text[h->value.length] = '\0';
	/* What reads as a value within a line need not stand for itself. */
	if (observable_detect(&o, text, NULL) != ERR_OK)
		return EXIT_DONE;
	if (s->count == SEEN_MAX)
		return EXIT_DONE;
	x = seen_of(s, o.text, s->hours[h->number - s->first]);
	if (!x)
		return EXIT_REFUSED;
	x->count++;
	return EXIT_DONE;
}

static void seen_forget(struct sighting *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->seen[i].value);
	s->count = 0;
	memset(s->slots, 0, sizeof s->slots);
}

/* ---- telling ---- */

static void print_told(const cJSON *line)
{
	const char *to = member_text(line, "to");

	fputs("    ", stdout);
	print_safe(stdout, member_text(line, "object"), false);
	printf(" of ");
	print_safe(stdout, member_text(line, "node"), false);
	printf(", %.0f times by now%s\n", member_number(line, "count"), *to ? "" : ", told nobody");
}

static void take_reply(struct sighting *s, const struct reply *reply)
{
	const cJSON *line;

	s->messages += (size_t)cJSON_GetArraySize(
		cJSON_GetObjectItemCaseSensitive(reply->json, "messages"));
	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply->json, "sightings"))
	{
		s->told += *member_text(line, "to") != '\0';
		if (!s->client->c->json)
			print_told(line);
	}
}

/* The first of what is pending; they are taken off it. */
static int tell_some(struct sighting *s, cJSON *pending)
{
	cJSON *some = cJSON_CreateArray();
	struct text request;
	struct reply reply;
	char *text;
	int code;

	for (int i = 0; some && i < AT_ONCE && cJSON_GetArraySize(pending) > 0; i++)
		cJSON_AddItemToArray(some, cJSON_DetachItemFromArray(pending, 0));
	text = some ? cJSON_PrintUnformatted(some) : NULL;
	request_init(&request, "sight");
	admin_put_name(&request, "seen");
	text_str(&request, text ? text : "[]");
	if (s->from->name_us)
		admin_put_bool(&request, "name_us", true);
	if (s->from->dry_run)
		admin_put_bool(&request, "dry_run", true);
	code = client_ask(s->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (!code) {
		take_reply(s, &reply);
		reply_clear(&reply);
	}
	cJSON_Delete(some);
	free(text);
	return code;
}

static bool kept(const struct sighting *s)
{
	return *s->place.state && !s->from->dry_run && !s->midway;
}

static int place_keep(struct sighting *s)
{
	if (!kept(s) || place_write(&s->place, s->from->path, &s->report) == ERR_OK)
		return EXIT_DONE;
	return fail(s);
}

/* What was told is kept at once: at most a hundred values are told twice when this is ended. */
static int tell_all(struct sighting *s)
{
	int code = EXIT_DONE;

	while (!code && cJSON_GetArraySize(s->place.pending) > 0) {
		code = tell_some(s, s->place.pending);
		if (!code)
			code = place_keep(s);
	}
	if (!code)
		place_clear(&s->place);
	return code;
}

static int by_value(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int order = strcmp(x->value, y->value);

	return order ? order : (x->hour > y->hour) - (x->hour < y->hour);
}

static void print_seen(const struct sighting *s, const struct seen *x)
{
	char time[TIME_BYTES];
	struct text t;

	time_format(time, x->hour * HOUR_MS);
	if (!s->client->c->json) {
		print_column(x->value, 40);
		printf("%.13s:00  %" PRIu64 "\n", time, x->count);
		return;
	}
	text_init(&t);
	text_str(&t, "{");
	admin_put_string(&t, "value", x->value);
	admin_put_string(&t, "hour", time);
	admin_put_number(&t, "count", x->count);
	text_str(&t, "}");
	print_built(&t);
}

/* One element of "seen" for all hours of a value: those from at on; *at moves behind them. */
static cJSON *element(struct sighting *s, size_t *at)
{
	cJSON *x = cJSON_CreateObject();
	const struct seen *first = &s->seen[*at], *last = first;
	char begin[TIME_BYTES], end[TIME_BYTES];
	uint64_t count = 0;

	for (; *at < s->count && strcmp(s->seen[*at].value, first->value) == 0; (*at)++) {
		last = &s->seen[*at];
		count += last->count;
		print_seen(s, last);
	}
	s->values++;
	s->times += count;
	cJSON_AddStringToObject(x, "value", first->value);
	cJSON_AddNumberToObject(x, "count", (double)count);
	cJSON_AddStringToObject(x, "first", time_format(begin, first->hour * HOUR_MS));
	cJSON_AddStringToObject(x, "last", time_format(end, last->hour * HOUR_MS));
	return x;
}

/* Keeps what was counted together with where that ended, then tells it. */
static int commit(struct sighting *s)
{
	int code;

	if (s->count)
		qsort(s->seen, s->count, sizeof *s->seen, by_value);
	s->place.pending = cJSON_CreateArray();
	for (size_t i = 0; i < s->count;)
		cJSON_AddItemToArray(s->place.pending, element(s, &i));
	seen_forget(s);
	s->place.format = s->format;
	code = place_keep(s);
	return code ? code : tell_all(s);
}

/* ---- reading ---- */

static bool hour_add(struct sighting *s, size_t number, struct slice line)
{
	uint64_t now = clock_wall(), ms;

	if (number - s->first == s->hours_room) {
		size_t room = s->hours_room ? 2 * s->hours_room : 4096;
		uint64_t *hours = realloc(s->hours, room * sizeof *hours);
		if (!hours)
			return false;
		s->hours = hours;
		s->hours_room = room;
	}
	if (s->format != SENSOR_LIST && sensor_time(&ms, line, now))
		s->hour = (ms < now ? ms : now) / HOUR_MS;
	s->hours[number - s->first] = s->hour;
	return true;
}

static int flush(struct sighting *s)
{
	int code = sift_flush(s->sift);

	for (size_t i = 0; i < s->text_count; i++)
		free(s->texts[i]);
	s->text_count = 0;
	return code;
}

static int take_line(struct sighting *s, struct slice line)
{
	struct slice values;
	struct text scratch;
	size_t number = s->lines++;
	int code = EXIT_DONE;

	if (!hour_add(s, number, line))
		return EXIT_REFUSED;
	text_init(&scratch);
	values = sensor_values(s->format, line, &scratch);
	if (values.length && values.at == scratch.at) {
		if (s->text_count == TEXTS_MAX)
			code = flush(s);
		s->texts[s->text_count++] = scratch.at;
		text_init(&scratch);
	}
	if (!code && values.length)
		code = sift_line(s->sift, values, number);
	text_clear(&scratch);
	return code;
}

static int take_block(struct sighting *s, struct slice b)
{
	const char *at = b.at, *end = b.at + b.length;
	int code = EXIT_DONE;

	if (s->format == SENSOR_NONE)
		s->format = sensor_detect(b);
	s->first = s->lines;
	while (!code && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		code = take_line(s, (struct slice){at, (size_t)((stop ? stop : end) - at)});
		at = stop ? stop + 1 : end;
	}
	return code ? code : flush(s);
}

/* How many of the n bytes are whole lines. */
static size_t whole(const char *bytes, size_t n)
{
	const char *last = n ? memrchr(bytes, '\n', n) : NULL;

	return last ? (size_t)(last + 1 - bytes) : 0;
}

/* How many of the bytes are to be taken now; n is what was read last. */
static size_t usable(struct sighting *s, const struct part *p, const char *buffer, size_t filled,
		     ssize_t n, bool packed)
{
	size_t used = whole(buffer, filled);

	if (n == 0 && s->format == SENSOR_NONE)
		s->format = sensor_detect((struct slice){buffer, filled});
	/* A log that is still written to ends with a line that is not whole. */
	if (n == 0 && (p->final || packed || s->format == SENSOR_LIST))
		return filled;
	return used == 0 && filled == BUFFER_BYTES ? filled : used;
}

static int read_source(struct sighting *s, const struct part *p, struct source *in, char *buffer)
{
	uint64_t through = p->from;
	size_t filled = 0, used;
	bool packed = source_packed(in);
	int code = EXIT_DONE;
	ssize_t n = 1;

	/* Of a packed one there is no middle to go on from. */
	s->midway = packed;
	while (!code && n > 0) {
		n = source_read(in, buffer + filled, BUFFER_BYTES - filled, &s->report);
		filled += n > 0 ? (size_t)n : 0;
		used = usable(s, p, buffer, filled, n, packed);
		if (used)
			code = take_block(s, (struct slice){buffer, used});
		through += used;
		memmove(buffer, buffer + used, filled - used);
		filled -= used;
		progress_show(&s->client->progress, source_done(in), source_total(in));
		if (!packed)
			place_set(&s->place, p->path, &p->st, through);
		if (!code && n > 0 && s->count > FULL)
			code = commit(s);
	}
	progress_end(&s->client->progress);
	s->midway = false;
	if (packed)
		place_set(&s->place, p->path, &p->st, (uint64_t)p->st.st_size);
	if (!code && n < 0)
		code = EXIT_REFUSED;
	return code ? code : commit(s);
}

static int read_part(struct sighting *s, const struct part *p)
{
	char *buffer = malloc(BUFFER_BYTES);
	struct source *in = NULL;
	int code = EXIT_REFUSED;

	if (!buffer)
		report_add(&s->report, "%s: %s", p->path, err_str(ERR_MEMORY));
	else if (source_open(&in, p->path, &s->report) == ERR_OK && p->from > 0 &&
		 source_packed(in) && p->from == (uint64_t)p->st.st_size)
		code = EXIT_DONE;
	else if (in && (p->from == 0 || source_skip(in, p->from, &s->report)))
		code = read_source(s, p, in, buffer);
	if (code == EXIT_REFUSED)
		fail(s);
	source_close(in);
	free(buffer);
	return code;
}

/* ---- which files ---- */

/* The rest of the file that the log was, and those between. */
static int rotated_read(struct sighting *s)
{
	struct part *parts = calloc(ROTATED_MAX, sizeof *parts);
	size_t n = parts ? place_rotated(s->from->path, parts) : 0, at = 0;
	int code = EXIT_DONE;

	while (at < n && !place_was(&s->place, parts[at].path, &parts[at].st))
		at++;
	if (at == n)
		fprintf(stderr,
			"%s: %s is another file than it was, and what came behind byte %" PRIu64
			" of that is not found\n",
			s->client->what, s->from->path, s->place.offset);
	else
		parts[at].from = s->place.offset;
	for (; !code && at < n; at++)
		code = read_part(s, &parts[at]);
	for (size_t i = 0; i < n; i++)
		free(parts[i].path);
	free(parts);
	return code;
}

static int read_log(struct sighting *s)
{
	struct part p = {.path = (char *)(uintptr_t)s->from->path};
	int code = EXIT_DONE;

	if (strcmp(p.path, "-") == 0) {
		p.final = true;
		return read_part(s, &p);
	}
	if (stat(p.path, &p.st) != 0 || !S_ISREG(p.st.st_mode)) {
		report_add(&s->report, "%s: there is no such file", p.path);
		return fail(s);
	}
	if (place_read(&s->place, s->client->c->home, p.path, &s->report))
		return fail(s);
	if (s->format == SENSOR_NONE)
		s->format = s->place.format;
	/* A dry run leaves what was counted before to the next that is none. */
	if (kept(s))
		code = tell_all(s);
	else
		place_clear(&s->place);
	if (!code && place_is(&s->place, p.path, &p.st))
		p.from = s->place.offset;
	else if (!code && s->place.known && s->format != SENSOR_LIST)
		code = rotated_read(s);
	return code ? code : read_part(s, &p);
}

static void print_sum(const struct sighting *s)
{
	if (s->client->c->json)
		printf("{\"format\":\"%s\",\"lines\":%zu,\"values\":%zu,\"times\":%zu,\"told\":%zu,"
		       "\"messages\":%zu}\n",
		       sensor_str(s->format), s->lines, s->values, s->times, s->told, s->messages);
	else
		printf("%zu line%s%s%s: %zu value%s seen %zu times, %zu message%s\n", s->lines,
		       plural(s->lines), s->format ? " of " : "", sensor_str(s->format), s->values,
		       plural(s->values), s->times, s->messages, plural(s->messages));
}

int sight_from(struct client *client, const struct sight_from *from)
{
	struct sighting *s = calloc(1, sizeof *s);
	int code = EXIT_REFUSED;

	if (!s)
		return code;
	s->client = client;
	s->from = from;
	s->format = from->format;
	s->hour = clock_wall() / HOUR_MS;
	report_init(&s->report);
	s->sift = sift_new(client, hit, s);
	if (s->sift)
		code = read_log(s);
	if (!code)
		print_sum(s);
	sift_free(s->sift);
	seen_forget(s);
	for (size_t i = 0; i < s->text_count; i++)
		free(s->texts[i]);
	free(s->hours);
	place_clear(&s->place);
	report_clear(&s->report);
	free(s);
	return code;
}
