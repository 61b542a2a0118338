/* check: which of these values are known, from whom and since when. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/loop.h"
#include "protocol/bytes.h"

enum { MATCHES_MAX = 256, POSTS_KEPT = 16, CHECK_MS = 50, SIFT_TURN = 64, AHEAD = 16 };

struct match {
	struct object_at at;
	enum match_how how;
};

/* A message that holds matches.  Only ids are wanted of it, so its objects are found in the text
 * and nothing of them is read, nor of what stands behind the last that is asked for. */
struct skimmed {
	struct opened opened;
	struct slice *objects; /* owned */
	size_t count, room;    /* found so far */
	struct slice rest;     /* of their array */
};

/* The values of one request often meet the same few messages: those opened last are kept until its
 * end.  Bodies never change, so nothing kept is stale. */
struct check {
	struct answer *a;
	struct warning_lists *lists; /* or NULL */
	size_t match_count;
	struct match matches[MATCHES_MAX];
	struct header header;
	struct observable value;
	struct observable ahead[AHEAD]; /* of a sifting, by their number */
	struct skimmed *posts[POSTS_KEPT];
	size_t next_post;
};

static const char *how_str(enum match_how how)
{
	switch (how) {
	case MATCH_EXACT:
		return "exact";
	case MATCH_CIDR:
		return "cidr";
	case MATCH_PARENT_DOMAIN:
		return "parent-domain";
	}
	return NULL;
}

static bool note_match(void *arg, const struct object_at *at, enum match_how how)
{
	struct check *c = arg;

	if (at->scaffolding)
		return true;
	for (size_t i = 0; i < c->match_count; i++)
		if (c->matches[i].at.lsn == at->lsn && c->matches[i].at.number == at->number)
			return true;
	c->matches[c->match_count++] = (struct match){*at, how};
	return c->match_count < MATCHES_MAX;
}

/* Takes out what is hidden or not for this caller, before it is said that anything is known. */
static void matches_filter(struct check *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->match_count; i++) {
		struct log_row row;
		size_t n;
		if (log_read(c->a->log, c->matches[i].at.lsn, &row))
			continue;
		n = header_peek_length(row.data, row.length);
		if (n <= row.length && header_decode(&c->header, row.data, n) == ERR_OK &&
		    answer_may_open(c->a, &c->header) && !answer_hidden(c->a, &row, &c->header))
			c->matches[kept++] = c->matches[i];
	}
	c->match_count = kept;
}

static void skimmed_free(struct skimmed *s)
{
	if (!s)
		return;
	opened_clear(&s->opened);
	free(s->objects);
	free(s);
}

static enum err skim(struct skimmed *s)
{
	const struct slice json = {s->opened.json, s->opened.json_length};
	struct slice bundle, objects;

	if (!json_enter(&bundle, json, "bundle") || !json_enter(&objects, bundle, "objects") ||
	    !json_array(&s->rest, objects))
		return ERR_FORMAT;
	return ERR_OK;
}

/* ERR_NOT_FOUND when there is none of that number; ERR_MEMORY. */
static enum err object_find(struct slice *object, struct skimmed *s, size_t number)
{
	struct slice next;

	while (s->count <= number && json_next(&next, &s->rest)) {
		if (s->count == s->room) {
			size_t room = s->room ? 2 * s->room : 64;
			struct slice *objects = realloc(s->objects, room * sizeof *objects);
			if (!objects)
				return ERR_MEMORY;
			s->objects = objects;
			s->room = room;
		}
		s->objects[s->count++] = next;
	}
	if (number >= s->count)
		return ERR_NOT_FOUND;
	*object = s->objects[number];
	return ERR_OK;
}

/* NULL, with *e, when the message cannot be opened; ERR_OK then: it has gone meanwhile. */
static struct skimmed *post_at(struct check *c, uint64_t lsn, enum err *e)
{
	struct skimmed *s;
	struct log_row row;

	for (size_t i = 0; i < POSTS_KEPT; i++)
		if (c->posts[i] && c->posts[i]->opened.row.lsn == lsn)
			return c->posts[i];
	s = calloc(1, sizeof *s);
	*e = s ? log_read(c->a->log, lsn, &row) : ERR_MEMORY;
	if (!*e)
		*e = opened_text(&s->opened, c->a, &row);
	if (!*e)
		*e = skim(s);
	if (*e) {
		skimmed_free(s);
		if (*e != ERR_MEMORY)
			*e = ERR_OK;
		return NULL;
	}
	skimmed_free(c->posts[c->next_post]);
	c->posts[c->next_post] = s;
	c->next_post = (c->next_post + 1) % POSTS_KEPT;
	return s;
}

/* Its id, as a string, which the caller deletes; NULL where it has none. */
static enum err object_id(cJSON **json, struct skimmed *s, size_t number)
{
	struct slice object, id;
	enum err e = object_find(&object, s, number);

	*json = NULL;
	if (e || !json_member(&id, object, "id"))
		return e == ERR_MEMORY ? e : ERR_OK;
	*json = cJSON_ParseWithLength(id.at, id.length);
	return *json ? ERR_OK : ERR_MEMORY;
}

/* Of what was only skimmed the envelope is not read; when it was folded it was found to be good. */
static bool is_exercise(const struct opened *o)
{
	const struct slice json = {o->json, o->json_length};
	struct slice envelope, exercise;

	return json_member(&envelope, json, "envelope") &&
	       json_member(&exercise, envelope, "exercise") && exercise.length == 4 &&
	       memcmp(exercise.at, "true", 4) == 0;
}

static enum err match_show(struct check *c, const struct match *m)
{
	struct text *t = &c->a->reply;
	char name[PARTY_TEXT_BYTES];
	enum err e = ERR_OK;
	struct skimmed *s = post_at(c, m->at.lsn, &e);
	cJSON *json;
	const char *id;

	if (!s)
		return e;
	e = object_id(&json, s, m->at.number);
	id = cJSON_GetStringValue(json);
	if (id) {
		const struct opened *o = &s->opened;
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "object", id);
		admin_put_string(t, "node", answer_party(c->a, name, &o->header.origin));
		admin_put_string(t, "tlp", tlp_str((enum tlp)o->header.tlp));
		admin_put_time(t, "since", o->row.arrived);
		admin_put_string(t, "how", how_str(m->how));
		if (is_exercise(o))
			admin_put_bool(t, "exercise", true);
		answer_sightings(t, c->a, &o->header.origin, id);
		text_str(t, "}");
	}
	cJSON_Delete(json);
	return e;
}

/* What keeps it out of this node's exports, where something does. */
static void muted_show(struct check *c)
{
	struct text *t = &c->a->reply, mute;

	text_init(&mute);
	text_str(&mute, "{");
	if (mutes_hide(node_mutes(c->a->node), &c->value, &mute)) {
		admin_put_name(t, "muted");
		text_add(t, mute.bad ? "{" : mute.at, mute.bad ? 1 : mute.length);
		text_str(t, "}");
	}
	text_clear(&mute);
	if (c->lists)
		answer_listed(t, c->lists, &c->value);
}

static void check_free(struct check *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < POSTS_KEPT; i++)
		skimmed_free(c->posts[i]);
	warning_lists_free(c->lists);
	free(c);
}

bool answer_knows(struct answer *a, const char *value)
{
	struct check *c = calloc(1, sizeof *c);
	bool known = false;

	if (!c)
		return false;
	c->a = a;
	if (observable_detect(&c->value, value, NULL) == ERR_OK &&
	    index_match(a->index, &c->value, note_match, c) == ERR_OK) {
		matches_filter(c);
		known = c->match_count > 0;
	}
	check_free(c);
	return known;
}

static enum err value_check(struct check *c, const char *typed)
{
	struct text *t = &c->a->reply;
	const char *why = NULL;
	enum err e = ERR_OK;

	c->match_count = 0;
	if (observable_detect(&c->value, typed, &why) == ERR_OK) {
		why = NULL;
		e = index_match(c->a->index, &c->value, note_match, c);
		if (e == ERR_NOT_FOUND)
			e = ERR_OK;
		matches_filter(c);
	}
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "value", typed);
	admin_put_bool(t, "known", c->match_count > 0);
	admin_put_name(t, "matches");
	text_str(t, "[");
	for (size_t i = 0; !e && i < c->match_count; i++)
		e = match_show(c, &c->matches[i]);
	text_str(t, "]");
	if (why)
		admin_put_string(t, "error", why);
	else
		muted_show(c);
	text_str(t, "}");
	return e;
}

/* SPEC 9.3: "`next` is the number of values answered when there are more" */
static enum err values_check(struct check *c, const char **values, size_t n)
{
	uint64_t started = clock_monotonic();
	enum err e = ERR_OK;
	size_t done = 0;

	admin_put_name(&c->a->reply, "lines");
	text_str(&c->a->reply, "[");
	while (!e && done < n && (done == 0 || clock_monotonic() - started < CHECK_MS))
		e = value_check(c, values[done++]);
	text_str(&c->a->reply, "]");
	if (done < n)
		admin_put_number(&c->a->reply, "next", done);
	else
		admin_put_string(&c->a->reply, "next", NULL);
	answer_waiting(c->a);
	return e;
}

enum err answer_check(struct answer *a)
{
	const char **values = calloc(ADMIN_VALUES_MAX, sizeof *values);
	struct check *c = calloc(1, sizeof *c);
	enum err e = values && c ? ERR_OK : ERR_MEMORY;
	size_t n = 0;

	if (!e) {
		c->a = a;
		n = admin_strings(&a->request, "values", values, ADMIN_VALUES_MAX);
		if (!admin_request_done(&a->request) || !answer_no_frames(a))
			e = ERR_FORMAT;
	}
	if (!e)
		e = answer_catch_up(a);
	/* What cannot be read now is told by those whom it stops. */
	if (!e && warning_guard_lists(node_warning_guard(a->node), &c->lists, NULL))
		c->lists = NULL;
	if (!e)
		e = values_check(c, values, n);
	check_free(c);
	free(values);
	return e;
}

/* ---- many, of which few are known ---- */

/* SPEC 9.4: "type 1 | prefix length 1 | length 2 | address, or canonical text" */
static bool record_read(struct reader *r, struct observable *o)
{
	unsigned type = read_u8(r), prefix = read_u8(r);
	size_t n = read_u16(r);
	bool v4 = type == OBSERVABLE_IPV4, address = v4 || type == OBSERVABLE_IPV6;
	const uint8_t *bytes = n <= OBSERVABLE_MAX_BYTES ? read_ref(r, n) : NULL;

	if (r->bad || !bytes || type <= OBSERVABLE_NONE || type >= OBSERVABLE_TYPES)
		return false;
	if (address ? n != (v4 ? 4 : 16) || prefix > 8 * n : prefix > 0 || n == 0)
		return false;
	o->type = (enum observable_type)type;
	o->prefix = (uint8_t)prefix;
	o->length = (uint16_t)(address ? 0 : n);
	memcpy(address ? (void *)o->address : (void *)o->text, bytes, n);
	o->text[o->length] = '\0';
	return true;
}

/* Reads the next of the records, and calls for what of memory the answer hangs on. */
static bool record_expect(struct check *c, struct reader *r, struct observable *o)
{
	char text[OBSERVABLE_MAX_BYTES + 1];

	if (!record_read(r, o))
		return false;
	/* An endpoint is looked for by its address too, which its text tells. */
	if (o->type == OBSERVABLE_ENDPOINT) {
		memcpy(text, o->text, o->length + 1u);
		if (observable_set(o, OBSERVABLE_ENDPOINT, text, NULL))
			o->type = OBSERVABLE_NONE;
	}
	index_expect(c->a->index, o);
	return true;
}

static enum err record_sift(struct check *c, const struct observable *o, bool *known)
{
	enum err e;

	*known = false;
	if (!index_may_match(c->a->index, o))
		return ERR_OK;
	c->match_count = 0;
	e = index_match(c->a->index, o, note_match, c);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	matches_filter(c);
	*known = c->match_count > 0;
	return ERR_OK;
}

static enum err records_sift(struct check *c, struct slice frame)
{
	uint64_t started = clock_monotonic(), done = 0, read = 0, position = 0;
	struct text *t = &c->a->reply;
	enum err e = ERR_OK;
	struct reader r;
	bool known;

	reader_init(&r, frame.at, frame.length);
	admin_put_name(t, "known");
	text_str(t, "[");
	for (; !e && (done < read || r.left > 0); done++) {
		if (done % SIFT_TURN == SIFT_TURN - 1 && clock_monotonic() - started >= CHECK_MS)
			break;
		for (; r.left > 0 && read < done + AHEAD; read++) {
			if (record_expect(c, &r, &c->ahead[read % AHEAD]))
				continue;
			report_add(&c->a->report, "record %llu is none", (unsigned long long)read);
			return ERR_FORMAT;
		}
		e = record_sift(c, &c->ahead[done % AHEAD], &known);
		if (!e && known)
			admin_put_number(t, NULL, done);
	}
	text_str(t, "]");
	if (done < read || r.left > 0)
		admin_put_number(t, "next", done);
	else
		admin_put_string(t, "next", NULL);
	if (!e)
		e = index_folded(c->a->index, &position);
	admin_put_number(t, "position", position);
	answer_waiting(c->a);
	return e;
}

enum err answer_sift(struct answer *a)
{
	struct check *c;
	enum err e;

	if (!admin_request_done(&a->request) || a->frame_count != 1 ||
	    a->frames[0].length > ADMIN_SIFT_MAX_BYTES) {
		report_add(&a->report, "one frame of records is wanted, of at most %d bytes",
			   ADMIN_SIFT_MAX_BYTES);
		return ERR_FORMAT;
	}
	e = answer_catch_up(a);
	if (e)
		return e;
	c = calloc(1, sizeof *c);
	if (!c)
		return ERR_MEMORY;
	c->a = a;
	/* Without the filter it takes longer, and says the same. */
	e = index_filter(a->index);
	if (!e || e == ERR_BUSY || e == ERR_MEMORY)
		e = records_sift(c, a->frames[0]);
	check_free(c);
	return e;
}
