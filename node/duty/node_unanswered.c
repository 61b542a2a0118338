/* When an emergency stays unacknowledged, whoever is above its silent readers is told that it does,
 * and nothing of what it says.
 *
 * Each message is looked at once, when its time has come; how far is remembered, and is only an
 * optimisation.  A notice is known by the id of its note, so what was sent before a crash, or
 * before this store was restored, is not sent again. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/detect/sighting.h"
#include "node/store/forwarded.h"
#include "node/loop.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "protocol/audience.h"
#include "protocol/body.h"
#include "protocol/bytes.h"

enum {
	MINUTE_MS = 60000,
	LOOK_MS = 60000, /* at the latest: the wall clock may be set meanwhile */
	AT_ONCE_MS = 50,
	SAVED_EVERY = 5000, /* rows with nothing to do */
	DAY_HOURS = 24,
	NOTICE_DAYS = 30,
	NAMES_MAX = 255,
	VALUE_BYTES = 8,
	NOTE_ID_BYTES = sizeof "note--" + 36,
	NOTE_TEXT_BYTES = sizeof "unanswered|||" + 2 * NAME_MAX_BYTES + 2 * MESSAGE_ID_BYTES,
};

/* SPEC 5.9: "One whose time came more than seven days ago is left alone" */
#define STALE_MS (UINT64_C(7) * 24 * 3600 * 1000)

static const char value_name[] = "unanswered";

struct noticing {
	struct node *node;
	const struct topology *topology;
	const struct party *self;
	struct log_reader *log;
	struct index_reader *index;
	uint64_t wall;
	struct log_row row;
	struct header header, other;
	bool *silent; /* owned; by number of the party: reads it, and has not acknowledged it */
	uint64_t done, saved; /* positions: looked at; remembered as such */
};

/* ---- what is remembered ---- */

static enum err mark_load(struct noticing *x)
{
	uint8_t value[VALUE_BYTES];
	size_t n;
	enum err e = remembered_get(x->log, value_name, value, sizeof value, &n);

	if (!e && n == sizeof value)
		x->done = x->saved = get_u64(value);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err mark_save(struct noticing *x)
{
	uint8_t value[VALUE_BYTES];
	enum err e;

	put_u64(value, x->done);
	e = node_keep(x->node, value_name, value, sizeof value, 0, NULL, 0);
	if (!e)
		x->saved = x->done;
	return e;
}

/* ---- who is silent ---- */

struct heard {
	bool yes;
};

/* SPEC 5.9: "only when the origin of the message is a recipient of the receipt" is left to who
 * shows statements: here a lie only spares its author a notice. */
static bool hear(void *arg, const struct stated *s)
{
	struct heard *h = arg;

	h->yes = s->state == RECEIPT_ACKNOWLEDGED || s->state == RECEIPT_DEPLOYED;
	return !h->yes;
}

/* SPEC 5.9: "What a node states of a reseal counts for its target." */
static enum err hear_all(struct noticing *x, const struct party_id *by, struct heard *h)
{
	struct message_id id;
	uint64_t at = 0;
	enum err e = index_stated(x->index, &x->row.id, by, hear, h);

	while (!e && !h->yes) {
		e = receipts_reseal(x->index, x->log, &x->row.id, &x->header, &at, &id);
		if (!e)
			e = index_stated(x->index, &id, by, hear, h);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err silent_find(struct noticing *x, size_t *count)
{
	const struct topology *t = x->topology;

	*count = 0;
	for (size_t i = 0; i < t->party_count; i++) {
		const struct party *p = &t->parties[i];
		struct heard h = {false};
		enum err e;

		x->silent[i] = false;
		if (p->kind != PARTY_NODE || p->left || p == x->self ||
		    !audience_reads(t, p, &x->header))
			continue;
		e = hear_all(x, &p->id, &h);
		if (e)
			return e;
		x->silent[i] = !h.yes;
		*count += !h.yes;
	}
	return ERR_OK;
}

static bool reports_to(const struct party *p, size_t parent)
{
	for (size_t i = 0; i < p->parent_count; i++)
		if (p->parents[i] == parent)
			return true;
	return false;
}

static bool is_self(const struct noticing *x, const struct party *p)
{
	for (size_t i = 0; i < p->holder_count; i++)
		if (&x->topology->parties[p->holders[i]] == x->self)
			return true;
	return p == x->self;
}

/* The names of the silent ones that report to the party, with commas; false when there is none. */
static bool children_of(const struct noticing *x, size_t parent, struct text *names)
{
	size_t n = 0;

	for (size_t i = 0; i < x->topology->party_count; i++) {
		const struct party *p = &x->topology->parties[i];
		bool below = x->silent[i] && reports_to(p, parent);
		for (size_t k = 0; x->silent[i] && !below && k < p->role_count; k++)
			below = p->roles[k] != parent &&
				reports_to(&x->topology->parties[p->roles[k]], parent);
		if (below && n++ < NAMES_MAX) {
			text_str(names, names->length ? ", " : "");
			text_str(names, p->name);
		}
	}
	return n > 0;
}

/* ---- the notice ---- */

/* SPEC 5.9: "The note has the id (8.5) of the text `unanswered|<author>|<id of the message>|<party
 * that is told>`" */
static void note_id(const struct noticing *x, const struct party *parent, char out[NOTE_ID_BYTES])
{
	char text[NOTE_TEXT_BYTES], hex[2 * MESSAGE_ID_BYTES + 1], uuid[37];

	snprintf(text, sizeof text, "unanswered|%s|%s|%s", x->self->name,
		 hex_encode(hex, x->row.id.b, MESSAGE_ID_BYTES), parent->name);
	uuid_of_text(uuid, text);
	snprintf(out, NOTE_ID_BYTES, "note--%s", uuid);
}

/* Whether the emergency is one of an exercise. */
static enum err exercise_find(struct noticing *x, bool *yes)
{
	const struct identity *id = node_identity(x->node);
	struct forwarded f = {0};
	char *json = NULL, why[CONTENT_WHY_BYTES];
	struct post post;
	size_t n = 0;
	enum err e;

	*yes = false;
	if (x->header.kind == KIND_FORWARD) {
		e = forwarded_read(&f, id, x->log, &x->row, &x->header, why);
		json = f.json;
		n = f.json_length;
		f.json = NULL;
		forwarded_clear(&f);
	} else {
		e = content_read(id, x->log, &x->row, &x->header, &json, &n, why);
	}
	if (!e)
		e = post_read(&post, json, n, NULL);
	if (!e) {
		*yes = post.envelope.exercise;
		post_clear(&post);
	}
	free(json);
	return e == ERR_MEMORY ? e : ERR_OK;
}

static void words_make(const struct noticing *x, const char *names, struct text *out)
{
	char hex[2 * MESSAGE_ID_BYTES + 1], at[TIME_BYTES];

	text_format(out,
		    "%s: an emergency of %s has not been acknowledged there. It was sent at %s, "
		    "its id is %s. What it says is not for this notice.",
		    names, x->self->name, time_format(at, x->header.created),
		    hex_encode(hex, x->row.id.b, MESSAGE_ID_BYTES));
}

static void put_note(struct text *t, const char *identity, const char *id, uint64_t now,
		     const char *words)
{
	char at[TIME_BYTES];

	time_format(at, now);
	text_format(t,
		    ",{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"%s\","
		    "\"created_by_ref\":\"%s\",\"created\":\"%s\",\"modified\":\"%s\",\"content\":",
		    id, identity, at, at);
	text_json(t, words);
	text_format(t, ",\"object_refs\":[\"%s\"],\"object_marking_refs\":[\"%s\"]}", identity,
		    tlp_marking_id(TLP_AMBER));
}

static enum err body_make(const struct noticing *x, const char *id, const char *names,
			  const struct envelope *envelope, uint8_t **body, size_t *n)
{
	struct sighting_bundle b;
	struct text words, json;
	uint8_t random[16];
	char uuid[37];
	uint64_t now = clock_wall();
	enum err e = ERR_MEMORY;

	randombytes_buf(random, sizeof random);
	uuid_of_random(uuid, random);
	text_init(&words);
	text_init(&json);
	words_make(x, names, &words);
	sighting_bundle_begin(&b, x->self->name, x->self->title, TLP_AMBER, now, uuid);
	if (!words.bad)
		put_note(&b.text, b.identity, id, now, words.at);
	sighting_bundle_end(&b);
	if (!words.bad && !b.text.bad)
		post_write(&json, envelope, (struct slice){b.text.at, b.text.length});
	if (!words.bad && !b.text.bad && !json.bad)
		e = body_pack(body, n, json.at, json.length);
	text_clear(&b.text);
	text_clear(&json);
	text_clear(&words);
	return e;
}

static enum err notice_send(struct noticing *x, const struct party *parent, const char *names)
{
	struct directory *d = node_directory(x->node);
	struct chosen chosen = {.party = parent};
	struct recipients to = {.book = directory_book(d), .chosen = &chosen, .count = 1};
	uint32_t days = x->topology->policy.expiry_days[TLP_AMBER];
	struct draft draft = {.kind = KIND_POST, .tlp = TLP_AMBER, .priority = PRIORITY_HIGH};
	struct envelope envelope = {.block = false};
	struct message_id id;
	struct object_at sent;
	char note[NOTE_ID_BYTES];
	uint8_t *body = NULL;
	enum err e;

	note_id(x, parent, note);
	if (parent->left || !directory_seal_key(d, parent) ||
	    index_object(x->index, &x->self->id, note, &sent) == ERR_OK)
		return ERR_OK;
	draft.expiry = node_expiry(x->node, (days < NOTICE_DAYS ? days : NOTICE_DAYS) * DAY_HOURS);
	e = exercise_find(x, &envelope.exercise);
	if (!e)
		e = body_make(x, note, names, &envelope, &body, &draft.body_length);
	draft.body = body;
	if (!e)
		e = node_publish(x->node, x->topology, &to, &draft, 1, &id, NULL);
	free(body);
	return e;
}

/* What this node would tell itself its operators are told. */
static void warn(const struct noticing *x, const char *names)
{
	char hex[2 * MESSAGE_ID_BYTES + 1];

	status_warn(x->node, NULL, "emergency %.12s has not been acknowledged by %.160s",
		    hex_encode(hex, x->row.id.b, MESSAGE_ID_BYTES), names);
}

static enum err tell_parent(struct noticing *x, size_t parent)
{
	const struct party *p = &x->topology->parties[parent];
	struct text names;
	enum err e = ERR_OK;

	text_init(&names);
	text_str(&names, "");
	if (children_of(x, parent, &names)) {
		if (names.bad)
			e = ERR_MEMORY;
		else if (is_self(x, p))
			warn(x, names.at);
		else
			e = notice_send(x, p, names.at);
	}
	text_clear(&names);
	return e;
}

static enum err tell_parents(struct noticing *x)
{
	size_t count = 0;
	enum err e = silent_find(x, &count);

	for (size_t i = 0; !e && count && i < x->topology->party_count; i++)
		e = tell_parent(x, i);
	return e;
}

/* ---- which messages ---- */

/* Whether it says again what an earlier message of this node says. */
static bool says_again(struct noticing *x)
{
	struct log_row row;
	uint64_t lsn;

	return !bytes_zero(x->header.ref.b, MESSAGE_ID_BYTES) &&
	       index_find(x->index, &x->header.ref, &lsn) == ERR_OK &&
	       log_read(x->log, lsn, &row) == ERR_OK && row_accepted(&row, &x->other) &&
	       is_reseal(&x->header, &x->other, &row.id);
}

/* An emergency of this node that still counts. */
static bool is_emergency(struct noticing *x, uint32_t floor)
{
	const struct log_row *row = &x->row;
	struct header *h = &x->header;
	uint64_t lsn;

	return row_accepted(row, h) && (h->kind == KIND_POST || h->kind == KIND_FORWARD) &&
	       h->priority == PRIORITY_EMERGENCY && h->expiry >= floor &&
	       party_id_equal(&h->origin, &x->self->id) && !says_again(x) &&
	       index_recall(x->index, x->log, h, &row->id, &x->other, &lsn) == ERR_NOT_FOUND;
}

/* Goes on to the first that is not due; returns when that is, in mono ms. */
static enum err look_through(struct noticing *x, uint64_t now, uint64_t until, uint64_t *next)
{
	uint64_t after = (uint64_t)x->node->config->unanswered_minutes * MINUTE_MS, due;
	uint32_t floor = status_floor(x->node);
	enum err e = ERR_OK;

	while (!e && x->done < until && clock_monotonic() - now < AT_ONCE_MS) {
		e = log_read_from(x->log, x->done + 1, &x->row);
		if (e == ERR_DAMAGED && x->row.lsn > x->done) {
			x->done = x->row.lsn;
			e = ERR_OK;
			continue;
		}
		if (e)
			break;
		if (is_emergency(x, floor)) {
			uint64_t lsn = x->row.lsn, sent = x->header.created;
			/* What a neighbour has handed back has arrived later than it was sent. */
			due = (sent < x->row.arrived ? sent : x->row.arrived) + after;
			if (x->wall < due && due - x->wall <= after) {
				due = due - x->wall < LOOK_MS ? due - x->wall : LOOK_MS;
				*next = now + due < *next ? now + due : *next;
				break;
			}
			e = x->wall > due + STALE_MS ? ERR_OK : tell_parents(x);
			if (e)
				break;
			x->done = lsn;
			e = mark_save(x);
			continue;
		}
		x->done = x->row.lsn;
	}
	if (!e && x->done >= x->saved + SAVED_EVERY)
		e = mark_save(x);
	if (!e && x->done < until && clock_monotonic() - now >= AT_ONCE_MS)
		*next = now;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err look(struct noticing *x, uint64_t now, uint64_t *next)
{
	uint64_t until = 0;
	enum err e = index_folded(x->index, &until);

	/* What this node has said itself is looked for in the index. */
	if (!e && x->node->unanswered == 0) {
		if (until < log_head(x->node->log))
			return ERR_OK;
		e = mark_load(x);
	} else if (!e) {
		x->done = x->node->unanswered;
		x->saved = x->node->unanswered_saved;
	}
	if (!e)
		e = look_through(x, now, until, next);
	/* After an error the log says how far it is. */
	x->node->unanswered = e ? 0 : x->done;
	x->node->unanswered_saved = x->saved;
	return e == ERR_STATE || e == ERR_NOT_ALLOWED ? ERR_OK : e;
}

enum err duty_unanswered(struct node *n, uint64_t now, uint64_t *next)
{
	const struct topology *t = versions_newest(n->versions);
	const struct party *self = t ? topology_party(t, n->config->node) : NULL;
	struct noticing *x;
	uint64_t waiting;
	enum err e;

	if (!self || self->left || !t->policy.author_sealed || !n->config->unanswered_minutes ||
	    node_waits(n, &waiting))
		return ERR_OK;
	x = calloc(1, sizeof *x);
	if (!x)
		return ERR_MEMORY;
	x->node = n;
	x->topology = t;
	x->self = self;
	x->wall = clock_wall();
	x->silent = calloc(t->party_count, sizeof *x->silent);
	e = x->silent ? views_open(n, &x->index, &x->log) : ERR_MEMORY;
	if (!e)
		e = look(x, now, next);
	views_close(x->index, x->log);
	free(x->silent);
	free(x);
	return e;
}
