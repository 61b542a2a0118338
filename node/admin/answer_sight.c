/* sight: tells the authors of indicators that they were seen here, or that they are none; and what
 * is said of sightings elsewhere. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/duty/sightings.h"
#include "node/loop.h"
#include "protocol/body.h"

enum {
	MATCHES_MAX = 256,
	SEEN_MATCHES_MAX = 512,
	SEEN_MAX = 100,
	DAY_HOURS = 24,
	HOUR_MS = 3600000
};

/* An object that values speak of, and how often these were seen. */
struct match {
	struct object_at at;
	size_t value;                /* number of the one that was added last */
	uint64_t count, first, last; /* times in ms */
};

struct sighting {
	struct answer *a;
	struct addressed who;
	struct sighting_look look;
	struct observable value;
	uint64_t count, now; /* now in ms */
	uint64_t first, last;
	bool false_positive, name_us, dry_run;
	const cJSON *seen; /* many values, each with its count and times; or NULL */
	size_t value_number;
	size_t match_count, match_max;
	struct match *matches; /* owned */
	bool more;
	/* Of the message whose objects are being reported. */
	struct opened post;
	char (*own)[OBJECT_ID_BYTES]; /* objects of this node; owned */
	size_t own_count;
	uint64_t counted;       /* of all that was seen */
	size_t objects, told;   /* that were seen, and of them those whose author is told */
	struct message_id *ids; /* owned */
	size_t id_count;
};

/* ---- what is meant ---- */

static uint64_t most(uint64_t n)
{
	return n > SIGHTINGS_COUNT_MAX ? SIGHTINGS_COUNT_MAX : n;
}

static bool note_match(void *arg, const struct object_at *at, enum match_how how)
{
	struct sighting *s = arg;

	(void)how;
	if (at->scaffolding)
		return true;
	for (size_t i = 0; i < s->match_count; i++) {
		struct match *m = &s->matches[i];
		if (m->at.lsn != at->lsn || m->at.number != at->number)
			continue;
		/* The same value may lead to it twice, another one adds to it. */
		if (m->value == s->value_number)
			return true;
		m->value = s->value_number;
		m->count = most(m->count + s->count);
		m->first = s->first < m->first ? s->first : m->first;
		m->last = s->last > m->last ? s->last : m->last;
		return true;
	}
	if (s->match_count == s->match_max) {
		s->more = true;
		return false;
	}
	s->matches[s->match_count++] =
		(struct match){*at, s->value_number, s->count, s->first, s->last};
	return true;
}

static int compare_matches(const void *a, const void *b)
{
	const struct object_at *x = &((const struct match *)a)->at;
	const struct object_at *y = &((const struct match *)b)->at;

	if (x->lsn != y->lsn)
		return x->lsn < y->lsn ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* SPEC 9.13: "Instead of `value` and `count` a request may have `seen`" */
static enum err seen_check(struct sighting *s, const char *value)
{
	struct answer *a = s->a;

	a->where = "seen";
	if (!cJSON_IsArray(s->seen) || cJSON_GetArraySize(s->seen) > SEEN_MAX ||
	    cJSON_GetArraySize(s->seen) == 0)
		report_add(&a->report, "a list of 1 to %d values is wanted", SEEN_MAX);
	else if (value || s->false_positive)
		report_add(&a->report, "it stands alone: there is no value beside it, and nothing "
				       "of it is false");
	else
		return ERR_OK;
	return ERR_FORMAT;
}

static enum err request_read(struct sighting *s)
{
	struct answer *a = s->a;
	struct admin_request *r = &a->request;
	const char *value = admin_string(r, "value"), *why;
	enum err e;

	s->count = admin_number(r, "count", 1, SIGHTINGS_COUNT_MAX, 1);
	s->false_positive = admin_flag(r, "false_positive");
	s->name_us = admin_flag(r, "name_us");
	s->dry_run = admin_flag(r, "dry_run");
	s->seen = admin_member(r, "seen");
	e = addressed_self(&s->who, a);
	if (!e && (!admin_request_done(r) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (e || s->seen)
		return e ? e : seen_check(s, value);
	a->where = value ? value : "value";
	if (value && observable_detect(&s->value, value, &why) == ERR_OK)
		return ERR_OK;
	report_add(&a->report, "%s", value ? why : "a value is wanted");
	return ERR_FORMAT;
}

static enum err match(struct sighting *s)
{
	enum err e = index_match(s->a->index, &s->value, note_match, s);

	s->value_number++;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static const char *text_of(const cJSON *item, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, name));

	return text ? text : "";
}

/* One of many values. */
static enum err seen_read(struct sighting *s, const cJSON *item)
{
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(item, "count");
	const char *value = text_of(item, "value"), *why = "no value";
	struct report *report = &s->a->report;

	s->a->where = *value ? value : "seen";
	if (observable_detect(&s->value, value, &why) != ERR_OK)
		report_add(report, "%s", why);
	else if (!cJSON_IsNumber(count) || count->valuedouble < 1 ||
		 count->valuedouble > SIGHTINGS_COUNT_MAX)
		report_add(report, "\"count\" is a number from 1 to %d", SIGHTINGS_COUNT_MAX);
	else if (!time_parse(&s->first, text_of(item, "first")) ||
		 !time_parse(&s->last, text_of(item, "last")) || s->first > s->last ||
		 s->last > s->now + HOUR_MS)
		report_add(report, "\"first\" and \"last\" are times, one after the other, and not "
				   "to come");
	else
		s->count = (uint64_t)count->valuedouble;
	return report->total ? ERR_FORMAT : ERR_OK;
}

static enum err find_all(struct sighting *s)
{
	const cJSON *item;
	enum err e = ERR_OK;

	if (!s->seen)
		return match(s);
	cJSON_ArrayForEach(item, s->seen)
	{
		if (!e)
			e = seen_read(s, item);
		/* SPEC 9.13: "What is muted (9.11) is left out" */
		if (!e && !mutes_hide(node_mutes(s->a->node), &s->value, NULL))
			e = match(s);
	}
	return e;
}

static enum err find(struct sighting *s)
{
	struct answer *a = s->a;
	enum err e = answer_catch_up(a);

	s->first = s->last = s->now;
	if (!e)
		e = find_all(s);
	if (e)
		return e;
	if (s->match_count)
		qsort(s->matches, s->match_count, sizeof *s->matches, compare_matches);
	s->look = (struct sighting_look){.node = a->node,
					 .log = a->log,
					 .index = a->index,
					 .topology = s->who.topology,
					 .self = s->who.self};
	return ERR_OK;
}

/* ---- one message: its author is told of all its objects at once ---- */

static void line_show(struct sighting *s, const struct stix_object *o, uint64_t count,
		      const char *to)
{
	struct text *t = &s->a->reply;
	char name[PARTY_TEXT_BYTES];

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "object", o->id);
	admin_put_string(t, "node", answer_party(s->a, name, &s->post.header.origin));
	admin_put_hex(t, "message", s->post.id.b, MESSAGE_ID_BYTES);
	admin_put_number(t, "count", count);
	admin_put_string(t, "to", to);
	text_str(t, "}");
}

/* What it is now, after what it was before. */
static void seen_add(const struct sighting *s, const struct match *m, struct sighted *said)
{
	if (s->false_positive) {
		said->false_positive = true;
	} else {
		said->count = most(said->count + m->count);
		if (!said->first || m->first < said->first)
			said->first = m->first;
		if (m->last > said->last)
			said->last = m->last;
	}
	said->named = s->name_us;
}

/* An object of this node's own: nobody is to be told but its readers, with all other reports. */
static enum err own_take(struct sighting *s, const struct match *m, const struct stix_object *o)
{
	struct sighted said = {0};
	enum err e = sighted_read(&s->look, o->id, &said);

	if (e && e != ERR_NOT_FOUND)
		return e;
	seen_add(s, m, &said);
	line_show(s, o, said.count, NULL);
	if (s->dry_run || strlen(o->id) >= OBJECT_ID_BYTES)
		return ERR_OK;
	strcpy(s->own[s->own_count++], o->id);
	return sighted_keep(&s->look, o->id, &said);
}

static enum err others_take(struct sighting *s, const struct match *m, const struct stix_object *o,
			    struct sighting_bundle *b, const char *to)
{
	struct sighted said;
	uint64_t seen, not ;
	enum err e = sighted_reported(&s->look, o->id, &said, &seen, &not );

	if (e && e != ERR_NOT_FOUND)
		return e;
	seen_add(s, m, &said);
	line_show(s, o, said.count, to);
	if (s->false_positive)
		sighting_add_false(b, o->id, not );
	else
		sighting_add_seen(b, o->id, &said, seen);
	return ERR_OK;
}

/* SPEC 8.12: "It is TLP:AMBER, or the TLP of the message where that is stricter, and sealed to the
 * origin alone" */
static enum tlp report_tlp(const struct sighting *s)
{
	enum tlp tlp = (enum tlp)s->post.header.tlp;

	return tlp > TLP_AMBER ? tlp : TLP_AMBER;
}

static enum err report_send(struct sighting *s, struct sighting_bundle *b, const char *to)
{
	struct answer *a = s->a;
	const struct envelope envelope = {.exercise = s->post.post.envelope.exercise};
	struct recipients_query q = {.topology = s->who.topology,
				     .self = s->who.self,
				     .words = &to,
				     .word_count = 1,
				     .tlp = b->tlp,
				     .book = directory_book(node_directory(a->node))};
	struct draft d = {.kind = KIND_POST, .tlp = b->tlp, .ref = s->post.id};
	struct recipients recipients = {0};
	uint8_t *body = NULL;
	struct text json;
	enum err e = recipients_resolve(&recipients, &q, &a->report);

	text_init(&json);
	if (!e && !b->text.bad)
		post_write(&json, &envelope, (struct slice){b->text.at, b->text.length});
	if (!e && (b->text.bad || json.bad))
		e = ERR_MEMORY;
	if (!e)
		e = body_pack(&body, &d.body_length, json.at, json.length);
	d.body = body;
	d.expiry = node_expiry(a->node, s->who.topology->policy.expiry_days[d.tlp] * DAY_HOURS);
	if (!e)
		e = node_publish(a->node, s->who.topology, &recipients, &d, 1, &s->ids[s->id_count],
				 &a->report);
	s->id_count += !e;
	free(body);
	text_clear(&json);
	recipients_clear(&recipients);
	return e;
}

static void bundle_begin(struct sighting *s, struct sighting_bundle *b)
{
	uint8_t random[16];
	char uuid[37];

	randombytes_buf(random, sizeof random);
	uuid_of_random(uuid, random);
	sighting_bundle_begin(b, s->who.self->name, s->who.self->title, report_tlp(s), s->now,
			      uuid);
}

/* The n matches in the opened message. */
static enum err message_take(struct sighting *s, const struct match *matches, size_t n)
{
	const struct party *origin = topology_party_by_id(s->who.topology, &s->post.header.origin);
	const char *to = origin && !origin->left ? origin->name : NULL;
	bool own = origin && origin == s->who.self;
	struct sighting_bundle b;
	size_t reports = 0;
	enum err e = ERR_OK;

	bundle_begin(s, &b);
	for (size_t i = 0; !e && i < n; i++) {
		const struct stix_object *o;
		if (matches[i].at.number >= bundle_count(s->post.post.bundle))
			continue;
		o = bundle_object(s->post.post.bundle, matches[i].at.number);
		if (strcmp(o->type, "indicator") != 0)
			continue;
		s->objects++;
		s->counted += matches[i].count;
		if (own) {
			e = own_take(s, &matches[i], o);
		} else {
			e = others_take(s, &matches[i], o, &b, to);
			reports++;
		}
	}
	sighting_bundle_end(&b);
	if (!e && reports && to && !s->dry_run)
		e = report_send(s, &b, to);
	s->told += to ? reports : 0;
	text_clear(&b.text);
	return e;
}

static enum err all_take(struct sighting *s)
{
	size_t same;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < s->match_count; i += same) {
		struct log_row row;
		for (same = 1; i + same < s->match_count &&
			       s->matches[i + same].at.lsn == s->matches[i].at.lsn;)
			same++;
		e = log_read(s->a->log, s->matches[i].at.lsn, &row);
		if (!e)
			e = opened_read(&s->post, s->a, &row);
		/* What is not for this caller, or hidden, is as if it were not there. */
		if (e) {
			e = e == ERR_MEMORY ? e : ERR_OK;
			continue;
		}
		e = message_take(s, &s->matches[i], same);
		opened_clear(&s->post);
	}
	return e;
}

/* ---- the request ---- */

static void done_show(struct sighting *s)
{
	struct text *t = &s->a->reply, *summary = &s->a->summary;

	admin_put_name(t, "messages");
	text_str(t, "[");
	for (size_t i = 0; i < s->id_count; i++)
		admin_put_hex(t, NULL, s->ids[i].b, MESSAGE_ID_BYTES);
	text_str(t, "]");
	admin_put_bool(t, "more", s->more);
	if (s->dry_run || s->objects == 0)
		return;
	text_str(summary, "{");
	admin_put_number(summary, "objects", s->objects);
	admin_put_number(summary, "count", s->counted);
	admin_put_bool(summary, "false_positive", s->false_positive);
	admin_put_bool(summary, "name_us", s->name_us);
	text_str(summary, "}");
}

static enum err sight(struct sighting *s)
{
	struct answer *a = s->a;
	size_t sent = 0;
	enum err e = request_read(s);

	if (!e)
		e = find(s);
	admin_put_string(&a->reply, "value", s->seen ? NULL : s->value.text);
	admin_put_name(&a->reply, "sightings");
	text_str(&a->reply, "[");
	if (!e)
		e = all_take(s);
	text_str(&a->reply, "]");
	if (!e && s->objects == 0 && !s->seen) {
		report_add(&a->report, "no indicator that is here speaks of it");
		a->advice = "khabar share says what nobody has said yet";
		e = ERR_NOT_FOUND;
	}
	/* The readers of its own objects are told at once. */
	if (!e && s->own_count) {
		e = log_reader_renew(a->log);
		if (!e)
			e = sightings_tell(&s->look, s->own, s->own_count, &sent);
	}
	return e;
}

enum err answer_sight(struct answer *a)
{
	struct sighting *s = calloc(1, sizeof *s);
	enum err e = ERR_MEMORY;

	if (s) {
		s->a = a;
		s->now = clock_wall();
		s->match_max = cJSON_HasObjectItem(a->request.json, "seen") ? SEEN_MATCHES_MAX
									    : MATCHES_MAX;
		s->matches = calloc(s->match_max, sizeof *s->matches);
		s->own = calloc(s->match_max, sizeof *s->own);
		s->ids = calloc(s->match_max, sizeof *s->ids);
	}
	if (s && s->matches && s->own && s->ids)
		e = sight(s);
	if (!e) {
		a->where = NULL;
		done_show(s);
	}
	if (s) {
		free(s->matches);
		free(s->own);
		free(s->ids);
	}
	free(s);
	return e;
}

/* ---- elsewhere ---- */

void answer_sightings(struct text *t, struct answer *a, const struct party_id *origin,
		      const char *object)
{
	struct sighting_look l = {.node = a->node,
				  .log = a->log,
				  .index = a->index,
				  .topology = versions_newest(node_versions(a->node))};
	const struct party *from = l.topology ? topology_party_by_id(l.topology, origin) : NULL;
	struct sightings sum;
	struct sighted own = {0};
	uint64_t seen, not ;
	bool told, ours;

	l.self = from ? topology_party(l.topology, node_config(a->node)->node) : NULL;
	if (!l.self)
		return;
	told = sightings_told(&l, from, object, &sum) == ERR_OK;
	ours = from == l.self ? sighted_read(&l, object, &own) == ERR_OK
			      : sighted_reported(&l, object, &own, &seen, &not ) == ERR_OK;
	if (!told && !ours)
		return;
	if (!told)
		sum = (struct sightings){0};
	admin_put_name(t, "sightings");
	text_str(t, "{");
	sightings_show(t, &sum);
	admin_put_number(t, "own", own.count);
	admin_put_bool(t, "own_false_positive", own.false_positive);
	text_str(t, "}");
}
