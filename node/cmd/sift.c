#include "node/cmd/sift.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/admin.h"
#include "protocol/bytes.h"
#include "protocol/scan.h"

enum {
	RECORD_FIXED_BYTES = 4,
	RECORDS_BYTES = 1 << 20,
	VALUES_MAX = 64 << 10,
	PLACES_MAX = 64 << 10,
	KEPT_BYTES = 48, /* of a piece that is remembered */
	KEPT_PIECES = 1 << 14,
	PIECES_AHEAD = 16,
	TOLD_MAX = 256,
};

_Static_assert(RECORDS_BYTES + RECORD_FIXED_BYTES + OBSERVABLE_MAX_BYTES <= ADMIN_SIFT_MAX_BYTES,
	       "what is flushed when it is full fits a request");

/* What a piece was found to hold: nothing known, or the values of this batch that it is made of. */
struct kept {
	uint32_t batch; /* 0: nothing known */
	uint32_t first;
	uint16_t count;
	uint8_t length; /* 0: nothing is kept here */
	char bytes[KEPT_BYTES];
};

struct value {
	struct slice text;
	bool known;
};

/* Where values stand. */
struct place {
	struct slice line;
	size_t number;
	uint32_t first, count; /* of the values */
	struct kept *kept;     /* that speaks of them, or NULL */
};

struct sift {
	struct client *client;
	hit_fn *found;
	void *arg;
	uint32_t batch;
	double position; /* of the node's log that the last answer was as of */
	bool moved;      /* it is another than before: what was nothing may be something */
	size_t told_number, told_count;
	struct slice told[TOLD_MAX]; /* of that line, known and handed over */
	struct writer records;
	size_t value_count, place_count;
	struct value values[VALUES_MAX];
	struct place places[PLACES_MAX];
	struct kept kept[KEPT_PIECES];
	uint8_t bytes[RECORDS_BYTES + RECORD_FIXED_BYTES + OBSERVABLE_MAX_BYTES];
};

struct sift *sift_new(struct client *client, hit_fn *found, void *arg)
{
	struct sift *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->client = client;
	s->found = found;
	s->arg = arg;
	s->batch = 1;
	writer_init(&s->records, s->bytes, sizeof s->bytes);
	return s;
}

void sift_free(struct sift *s)
{
	free(s);
}

/* ---- asking ---- */

/* Marks those that the reply says are known; *done moves behind the records that it speaks of. */
static void take_reply(struct sift *s, const struct reply *reply, size_t *done)
{
	const cJSON *next = cJSON_GetObjectItemCaseSensitive(reply->json, "next"), *number;
	double position = member_number(reply->json, "position");
	size_t from = *done;

	if (position != s->position || cJSON_HasObjectItem(reply->json, "unreconciled"))
		s->moved = true;
	s->position = position;
	cJSON_ArrayForEach(number, cJSON_GetObjectItemCaseSensitive(reply->json, "known"))
	{
		double n = cJSON_IsNumber(number) ? number->valuedouble : -1;
		if (n >= 0 && n < (double)(s->value_count - from))
			s->values[from + (size_t)n].known = true;
	}
	if (cJSON_IsNumber(next) && next->valuedouble >= 1 &&
	    next->valuedouble < (double)(s->value_count - from))
		*done += (size_t)next->valuedouble;
	else
		*done = s->value_count;
}

/* Where the record after so many begins. */
static size_t skip_records(const struct sift *s, size_t at, size_t n)
{
	while (n-- > 0)
		at += RECORD_FIXED_BYTES + (size_t)(s->bytes[at + 2] << 8 | s->bytes[at + 3]);
	return at;
}

/* SPEC 9.3: "while `next` is a number, the client asks again with the records from there on" */
static int ask_node(struct sift *s)
{
	size_t done = 0, before = 0, at = 0;
	int code = EXIT_DONE;

	while (!code && done < s->value_count) {
		struct text request;
		struct reply reply;
		struct slice frame;
		at = skip_records(s, at, done - before);
		before = done;
		frame = (struct slice){(const char *)s->bytes + at, s->records.used - at};
		request_init(&request, "sift");
		code = client_ask(s->client, &request, &frame, 1, false, &reply);
		text_clear(&request);
		if (code)
			break;
		take_reply(s, &reply, &done);
		reply_clear(&reply);
	}
	return code;
}

/* A value that stands twice in a line is one hit; of a line with very many, only these are told
 * apart. */
static bool told(struct sift *s, size_t number, struct slice value)
{
	if (s->told_number != number)
		s->told_count = 0;
	s->told_number = number;
	for (size_t i = 0; i < s->told_count; i++)
		if (s->told[i].length == value.length &&
		    memcmp(s->told[i].at, value.at, value.length) == 0)
			return true;
	if (s->told_count < TOLD_MAX)
		s->told[s->told_count++] = value;
	return false;
}

static int place_tell(struct sift *s, const struct place *p)
{
	int code = EXIT_DONE;
	bool known = false;

	for (size_t i = p->first; !code && i < p->first + p->count; i++) {
		const struct value *v = &s->values[i];
		known = known || v->known;
		if (v->known && !told(s, p->number, v->text))
			code = s->found(s->arg, &(struct hit){v->text, p->line, p->number});
	}
	if (p->kept && p->kept->batch == s->batch && p->kept->first == p->first) {
		p->kept->batch = 0;
		if (known)
			p->kept->length = 0;
	}
	return code;
}

int sift_flush(struct sift *s)
{
	int code = s->value_count ? ask_node(s) : EXIT_DONE;

	for (size_t i = 0; !code && i < s->place_count; i++)
		code = place_tell(s, &s->places[i]);
	if (s->moved)
		sift_forget(s);
	s->moved = false;
	s->told_count = 0;
	s->value_count = s->place_count = 0;
	writer_init(&s->records, s->bytes, sizeof s->bytes);
	if (++s->batch == 0)
		s->batch = 1;
	return code;
}

void sift_forget(struct sift *s)
{
	memset(s->kept, 0, sizeof s->kept);
}

/* ---- cutting ---- */

static void value_found(void *arg, const struct candidate *c)
{
	struct sift *s = arg;

	/* What does not fit is taken out again, and comes in the next batch. */
	if (s->value_count == VALUES_MAX || s->records.used > RECORDS_BYTES) {
		s->records.bad = true;
		return;
	}
	s->values[s->value_count++] = (struct value){.text = {c->at, c->length}};
	write_u8(&s->records, (uint8_t)c->type);
	write_u8(&s->records, c->prefix);
	write_u16(&s->records, (uint16_t)c->size);
	write_bytes(&s->records, c->bytes, c->size);
}

static struct kept *kept_place(struct sift *s, const struct piece *p)
{
	uint64_t hash = p->length, word;
	size_t i = 0;

	if (p->length > KEPT_BYTES)
		return NULL;
	for (; i + sizeof word <= p->length; i += sizeof word) {
		memcpy(&word, p->at + i, sizeof word);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, p->at + i, p->length - i);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return &s->kept[(hash >> 40) % KEPT_PIECES];
}

/* True when what the piece holds is known to be nothing, or on its way. */
static bool kept_says(struct sift *s, const struct kept *k, const struct piece *p,
		      struct slice line, size_t number)
{
	if (!k || k->length != p->length || memcmp(k->bytes, p->at, p->length) != 0)
		return false;
	if (k->batch == 0)
		return true;
	if (k->batch != s->batch || s->place_count == PLACES_MAX)
		return false;
	s->places[s->place_count++] = (struct place){
		.line = line, .number = number, .first = k->first, .count = k->count};
	return true;
}

static void keep(struct sift *s, struct kept *k, const struct piece *p, size_t first)
{
	size_t count = s->value_count - first;

	if (!k)
		return;
	k->length = 0;
	if (count > UINT16_MAX)
		return;
	k->batch = count ? s->batch : 0;
	k->first = (uint32_t)first;
	k->count = (uint16_t)count;
	k->length = (uint8_t)p->length;
	memcpy(k->bytes, p->at, p->length);
}

/* False when there is no room for it in this batch. */
static bool piece_take(struct sift *s, const struct piece *p, struct kept *k, struct slice line,
		       size_t number)
{
	size_t first = s->value_count, used = s->records.used;

	if (kept_says(s, k, p, line, number))
		return true;
	if (s->place_count == PLACES_MAX)
		return false;
	piece_values(p, value_found, s);
	if (s->records.bad) {
		s->value_count = first;
		s->records.used = used;
		s->records.bad = false;
		return false;
	}
	keep(s, k, p, first);
	if (s->value_count > first)
		s->places[s->place_count++] =
			(struct place){.line = line,
				       .number = number,
				       .first = (uint32_t)first,
				       .count = (uint32_t)(s->value_count - first),
				       .kept = k};
	return true;
}

/* What is kept is far away in memory: it is called for while other pieces are cut. */
static size_t pieces_cut(struct sift *s, struct piece pieces[PIECES_AHEAD],
			 struct kept *kept[PIECES_AHEAD], const char **at, const char *end)
{
	size_t n = 0;

	while (n < PIECES_AHEAD && piece_next(&pieces[n], at, end)) {
		kept[n] = kept_place(s, &pieces[n]);
		if (kept[n])
			__builtin_prefetch(kept[n], 1);
		n++;
	}
	return n;
}

int sift_line(struct sift *s, struct slice line, size_t number)
{
	struct piece pieces[PIECES_AHEAD];
	struct kept *kept[PIECES_AHEAD];
	const char *at = line.at;
	int code = EXIT_DONE;
	size_t n = PIECES_AHEAD;

	while (!code && n == PIECES_AHEAD) {
		n = pieces_cut(s, pieces, kept, &at, line.at + line.length);
		for (size_t i = 0; !code && i < n; i++) {
			if (piece_take(s, &pieces[i], kept[i], line, number))
				continue;
			/* A piece holds fewer values than an empty batch has room for. */
			code = sift_flush(s);
			if (!code)
				piece_take(s, &pieces[i], kept[i], line, number);
		}
	}
	return code;
}
