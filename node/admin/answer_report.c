/* report: what came and went in a span of time, as numbers: no values, no victims. */
#include "node/admin/answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TYPES_MAX = 24, TYPE_BYTES = 48, OWN_RECALLS_MAX = 1000 };

/* What one node has said, as far as this page has come. */
struct tally {
	uint64_t posts, recalls, forwards, other; /* of kinds that are not said by people */
	uint64_t exercises, closed; /* posts: of exercises; whose content is not read */
	uint64_t objects, sightings;
	uint64_t heard; /* wall ms: the last of whatever kind */
	size_t type_count;
	struct {
		char name[TYPE_BYTES];
		uint64_t count;
	} types[TYPES_MAX];
};

struct tallying {
	struct page page;
	const struct topology *topology;
	uint64_t from, until;
	struct tally *tallies; /* owned; one for each party of the topology */
	size_t recalls;        /* of this node's own, that were named */
	struct opened post;
};

/* The types of a stranger's making are one. */
static void type_count(struct tally *t, const char *type)
{
	const char *name = strncmp(type, "x-", 2) == 0 ? "other" : type;
	size_t i = 0;

	if (strlen(name) >= TYPE_BYTES || t->type_count == TYPES_MAX - 1)
		name = "other";
	while (i < t->type_count && strcmp(t->types[i].name, name) != 0)
		i++;
	if (i == TYPES_MAX)
		return;
	if (i == t->type_count)
		strcpy(t->types[t->type_count++].name, name);
	t->types[i].count++;
}

/* Which version of a sighting was the last to come before the end of the span. */
struct latest {
	struct log_reader *log;
	uint64_t until;
	struct object_at at;
};

static bool take_latest(void *arg, const struct object_at *at)
{
	struct latest *l = arg;
	struct log_row row;

	if (log_read(l->log, at->lsn, &row) || row.arrived >= l->until)
		return true;
	l->at = *at;
	return false;
}

/* A sighting says how often in all, so that of its versions one counts.  A number that nobody could
 * have counted is once. */
static uint64_t times_seen(struct tallying *y, struct answer *a, const struct stix_object *o,
			   uint64_t lsn, size_t number)
{
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(o->json, "count");
	double n = cJSON_IsNumber(count) ? count->valuedouble : 1;
	struct latest l = {.log = a->log, .until = y->until};

	if (index_versions(a->index, &y->post.header.origin, o->id, take_latest, &l) ||
	    l.at.lsn != lsn || l.at.number != number || l.at.revoked)
		return 0;
	return n >= 1 && n <= 999999999 && n == floor(n) ? (uint64_t)n : 1;
}

static enum err post_count(struct tallying *y, struct answer *a, struct tally *t,
			   const struct log_row *row)
{
	enum err e = opened_read(&y->post, a, row);

	if (e) {
		t->posts++;
		t->closed++;
		return e == ERR_MEMORY ? e : ERR_OK;
	}
	/* SPEC 9.18: "Of an exercise nothing is counted but its messages, apart." */
	if (y->post.post.envelope.exercise)
		t->exercises++;
	else
		t->posts++;
	for (size_t i = 0; !y->post.post.envelope.exercise && i < bundle_count(y->post.post.bundle);
	     i++) {
		const struct stix_object *o = bundle_object(y->post.post.bundle, i);
		if (o->scaffolding)
			continue;
		t->objects++;
		type_count(t, o->type);
		if (strcmp(o->type, "sighting") == 0)
			t->sightings += times_seen(y, a, o, row->lsn, i);
	}
	opened_clear(&y->post);
	return ERR_OK;
}

static void recall_name(struct tallying *y, struct answer *a, const struct header *h,
			const struct log_row *row)
{
	const struct party_id self = party_id_of(&y->topology->network, node_config(a->node)->node);

	if (!party_id_equal(&h->origin, &self) || y->recalls == OWN_RECALLS_MAX)
		return;
	y->recalls++;
	text_str(page_line(&y->page), "{");
	admin_put_hex(&a->reply, "recall", row->id.b, MESSAGE_ID_BYTES);
	text_str(&a->reply, "}");
}

static enum err row_count(struct tallying *y, struct answer *a, const struct log_row *row)
{
	const struct party *p;
	struct header h;
	struct tally *t;

	if (row->kind != LOG_MESSAGE || row->verdict != VERDICT_ACCEPTED || row->is_void ||
	    row->arrived >= y->until || !row_header(row, &h))
		return ERR_OK;
	p = topology_party_by_id(y->topology, &h.origin);
	if (!p)
		return ERR_OK;
	t = &y->tallies[p - y->topology->parties];
	if (row->arrived > t->heard)
		t->heard = row->arrived;
	if (row->arrived < y->from)
		return ERR_OK;
	switch ((enum message_kind)h.kind) {
	case KIND_POST:
		return post_count(y, a, t, row);
	case KIND_RECALL:
		t->recalls++;
		recall_name(y, a, &h, row);
		break;
	case KIND_FORWARD:
		t->forwards++;
		break;
	case KIND_RECEIPT:
	case KIND_BEACON:
	case KIND_CARD:
	case KIND_ROLE_KEY:
		t->other++;
		break;
	}
	return ERR_OK;
}

static void tally_show(struct text *t, const struct tally *y, const char *node)
{
	text_str(t, "{");
	admin_put_string(t, "node", node);
	admin_put_number(t, "posts", y->posts);
	admin_put_number(t, "recalls", y->recalls);
	admin_put_number(t, "forwards", y->forwards);
	admin_put_number(t, "other", y->other);
	admin_put_number(t, "exercises", y->exercises);
	admin_put_number(t, "closed", y->closed);
	admin_put_number(t, "objects", y->objects);
	admin_put_number(t, "sightings", y->sightings);
	admin_put_time(t, "heard", y->heard);
	admin_put_name(t, "types");
	text_str(t, "{");
	for (size_t i = 0; i < y->type_count; i++)
		admin_put_number(t, y->types[i].name, y->types[i].count);
	text_str(t, "}}");
}

/* Of the last page every member has a line, also who has said nothing. */
static void tallies_show(struct tallying *y)
{
	for (size_t i = 0; i < y->topology->party_count; i++) {
		const struct party *p = &y->topology->parties[i];
		const struct tally *t = &y->tallies[i];
		if (p->kind == PARTY_NODE && (t->heard || (y->page.ended && !p->left)))
			tally_show(page_line(&y->page), t, p->name);
	}
}

static enum err span_read(struct tallying *y, struct answer *a)
{
	const char *from = admin_string(&a->request, "from");
	const char *until = admin_string(&a->request, "until");

	if (from && until && time_parse(&y->from, from) && time_parse(&y->until, until) &&
	    y->from < y->until)
		return ERR_OK;
	report_add(&a->report, "\"from\" and \"until\" are wanted, two times in that order");
	return ERR_FORMAT;
}

static enum err count_page(struct tallying *y, struct answer *a)
{
	struct log_row row;
	enum err e = answer_catch_up(a);

	while (!e && !page_full(&y->page)) {
		e = log_read_from(a->log, y->page.at, &row);
		if (e == ERR_NOT_FOUND) {
			y->page.ended = true;
			return ERR_OK;
		}
		if (!e) {
			y->page.at = row.lsn + 1;
			e = row_count(y, a, &row);
		}
	}
	return e;
}

enum err answer_report(struct answer *a)
{
	struct tallying *y = calloc(1, sizeof *y);
	enum err e;

	if (!y)
		return ERR_MEMORY;
	y->topology = versions_newest(node_versions(a->node));
	e = span_read(y, a);
	page_open(&y->page, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e && !y->topology) {
		report_add(&a->report, "this node is in no federation yet");
		e = ERR_NOT_FOUND;
	}
	if (!e) {
		y->tallies = calloc(y->topology->party_count + 1, sizeof *y->tallies);
		e = y->tallies ? count_page(y, a) : ERR_MEMORY;
	}
	if (!e)
		tallies_show(y);
	page_close(&y->page, false);
	free(y->tallies);
	free(y);
	return e;
}
