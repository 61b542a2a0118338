/* What the answers share: the table, catching up, names, pages, opening a post. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

#include "node/store/forwarded.h"
#include "node/loop.h"

static const struct answer_entry entries[] = {
	{"status", RIGHT_READ, false, PACE_QUICK, answer_status},
	{"links", RIGHT_READ, false, PACE_QUICK, answer_links},
	{"list", RIGHT_READ, false, PACE_QUICK, answer_list},
	{"check", RIGHT_READ, false, PACE_QUICK, answer_check},
	{"sift", RIGHT_READ, false, PACE_QUICK, answer_sift},
	{"show", RIGHT_READ, false, PACE_QUICK, answer_show},
	{"verify", RIGHT_READ, false, PACE_QUICK, answer_verify},
	{"export", RIGHT_READ, false, PACE_QUICK, answer_export},
	{"exported", RIGHT_ADMIN, true, PACE_QUICK, answer_exported},
	{"carried", RIGHT_ADMIN, true, PACE_QUICK, answer_carried},
	{"position", RIGHT_READ, false, PACE_QUICK, answer_position},
	{"taken", RIGHT_ADMIN, false, PACE_QUICK, answer_taken},
	{"held", RIGHT_READ, false, PACE_QUICK, answer_held},
	{"evidence", RIGHT_READ, false, PACE_QUICK, answer_evidence},
	{"topology", RIGHT_READ, false, PACE_QUICK, answer_topology},
	{"drain", RIGHT_READ, false, PACE_QUICK, answer_drain},
	{"who", RIGHT_SHARE, false, PACE_QUICK, answer_who},
	{"receipts", RIGHT_READ, false, PACE_QUICK, answer_receipts},
	{"ack", RIGHT_SHARE, true, PACE_QUICK, answer_ack},
	{"inbox", RIGHT_READ, false, PACE_QUICK, answer_inbox},
	{"read", RIGHT_SHARE, false, PACE_QUICK, answer_read},
	{"alarms", RIGHT_READ, false, PACE_QUICK, answer_alarms},
	{"alarm-test", RIGHT_ADMIN, true, PACE_QUICK, answer_alarm_test},
	{"alarmed", RIGHT_ADMIN, false, PACE_QUICK, answer_alarmed},
	{"hunts", RIGHT_READ, false, PACE_QUICK, answer_hunts},
	{"hunted", RIGHT_ADMIN, false, PACE_QUICK, answer_hunted},
	{"hunt-done", RIGHT_SHARE, true, PACE_QUICK, answer_hunt_done},
	{"outbox", RIGHT_READ, false, PACE_QUICK, answer_outbox},
	{"cancel", RIGHT_SHARE, true, PACE_QUICK, answer_cancel},
	{"approve", RIGHT_APPROVE, true, PACE_QUICK, answer_approve},
	{"share", RIGHT_SHARE, true, PACE_LARGE, answer_share},
	{"forward", RIGHT_SHARE, true, PACE_QUICK, answer_forward},
	{"withdraw", RIGHT_SHARE, true, PACE_QUICK, answer_withdraw},
	{"sight", RIGHT_SHARE, true, PACE_QUICK, answer_sight},
	{"mute", RIGHT_SHARE, true, PACE_QUICK, answer_mute},
	{"unmute", RIGHT_SHARE, true, PACE_QUICK, answer_unmute},
	{"mutes", RIGHT_READ, false, PACE_QUICK, answer_mutes},
	{"incident", RIGHT_READ, false, PACE_QUICK, answer_incident},
	{"incidents", RIGHT_READ, false, PACE_QUICK, answer_incidents},
	{"incident-export", RIGHT_SHARE, true, PACE_QUICK, answer_incident_export},
	{"incident-say", RIGHT_SHARE, true, PACE_QUICK, answer_incident_say},
	{"report", RIGHT_READ, false, PACE_QUICK, answer_report},
	{"audit", RIGHT_ADMIN, false, PACE_QUICK, answer_audit},
	{"audit-heads", RIGHT_ADMIN, false, PACE_QUICK, answer_audit_heads},
	{"accept", RIGHT_ADMIN, true, PACE_QUICK, answer_accept},
	{"card", RIGHT_READ, false, PACE_QUICK, answer_card},
	{"whose", RIGHT_READ, false, PACE_QUICK, answer_whose},
	{"card-set", RIGHT_ADMIN, true, PACE_QUICK, answer_card_set},
	{"card-accept", RIGHT_ADMIN, true, PACE_QUICK, answer_card_accept},
	{"rotate", RIGHT_ADMIN, true, PACE_QUICK, answer_rotate},
	{"release", RIGHT_ADMIN, true, PACE_QUICK, answer_release},
	{"quarantine", RIGHT_ADMIN, true, PACE_QUICK, answer_quarantine},
	{"quarantine-end", RIGHT_ADMIN, true, PACE_QUICK, answer_unquarantine},
	{"backup", RIGHT_ADMIN, true, PACE_SLOW, answer_backup},
	{"check-store", RIGHT_ADMIN, false, PACE_SLOW, answer_check_store},
	{"reindex", RIGHT_ADMIN, true, PACE_SLOW, answer_reindex},
};

enum { PAGE_MS = 20, PAGE_BYTES = 4 << 20 };

const struct answer_entry *answer_find(const char *name)
{
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		if (strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

enum err answer_catch_up_to(struct answer *a, uint64_t position)
{
	enum err e = a->reindexing ? ERR_BUSY : ERR_OK;
	uint64_t until = 0;
	bool more = true;

	/* The log first: whatever this view of it shows has then been folded.  What comes behind is
	 * not waited for: while much comes in its end is never reached. */
	if (!e)
		e = log_reader_renew(a->log);
	if (!e) {
		until = log_head(node_log(a->node));
		until = position < until ? position : until;
		a->floor = log_floor(a->log);
		a->restored = restored_read(a->log);
	}
	while (!e && more && index_searchable(node_index(a->node)) < until)
		e = index_fold(node_index(a->node), &more);
	if (!e)
		e = index_reader_renew(a->index);
	if (e == ERR_BUSY) {
		report_add(&a->report, "the index is being rebuilt, and nothing can be looked up");
		a->advice = "try again when khabar reindex has finished";
	} else if (e) {
		report_add(&a->report, "nothing can be looked up, for the index cannot follow: %s",
			   index_trouble(e));
	}
	return e;
}

enum err answer_catch_up(struct answer *a)
{
	return answer_catch_up_to(a, UINT64_MAX);
}

const char *answer_party(const struct answer *a, char out[PARTY_TEXT_BYTES],
			 const struct party_id *id)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const struct party *p = t ? topology_party_by_id(t, id) : NULL;

	return p ? p->name : hex_encode(out, id->b, PARTY_ID_BYTES);
}

const struct party *answer_node_named(struct answer *a, const char *name)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const struct party *p = t ? topology_party(t, name) : NULL;
	const char **names, *nearest;

	if (p && p->kind == PARTY_NODE)
		return p;
	a->where = "node";
	if (p) {
		report_add(&a->report, "\"%s\" is a role: messages come from nodes", name);
		return NULL;
	}
	names = t ? calloc(t->party_count + 1, sizeof *names) : NULL;
	for (size_t i = 0; names && i < t->party_count; i++)
		names[i] = t->parties[i].name;
	nearest = names ? report_nearest(name, names, t->party_count) : NULL;
	if (nearest)
		report_add(&a->report, "no node named \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		report_add(&a->report, "no node named \"%s\"", name);
	free(names);
	return NULL;
}

bool answer_no_frames(struct answer *a)
{
	if (a->frame_count == 0)
		return true;
	report_add(&a->report, "%zu frames came with a request that takes none", a->frame_count);
	return false;
}

void page_open(struct page *p, struct answer *a)
{
	*p = (struct page){.a = a, .started = clock_monotonic()};
	p->from = p->at = admin_number(&a->request, "after", 0, UINT64_C(1) << 53, 0);
	p->limit = admin_number(&a->request, "limit", 1, UINT32_MAX, UINT64_MAX);
	admin_put_name(&a->reply, "lines");
	text_str(&a->reply, "[");
	p->reply_start = a->reply.length;
}

/* SPEC 9.3: "A page ends after 1,000 lines, or earlier, at the end of a message."
 * However late it is, something was looked at: or the next page would begin where this one has. */
bool page_full(struct page *p)
{
	return p->ended || p->lines >= p->limit || p->lines >= ADMIN_PAGE_LINES ||
	       p->a->reply.length - p->reply_start >= PAGE_BYTES ||
	       (p->at != p->from && clock_monotonic() - p->started >= PAGE_MS);
}

struct text *page_line(struct page *p)
{
	p->lines++;
	admin_put_name(&p->a->reply, NULL);
	return &p->a->reply;
}

void page_close(struct page *p, bool follow)
{
	struct text *t = &p->a->reply;

	text_str(t, "]");
	if (p->lines >= p->limit || (p->ended && !follow))
		admin_put_string(t, "next", NULL);
	else
		admin_put_number(t, "next", p->at);
	answer_waiting(p->a);
}

bool answer_may_open(const struct answer *a, const struct header *h)
{
	/* SPEC 9.2: "What is TLP:RED is opened only for who has the right `red`" */
	return h->tlp != TLP_RED || rights_allow(node_config(a->node), a->caller, RIGHT_RED);
}

/* Takes the post out of the forward whose header is in o->header. */
static enum err unpack_forward(struct opened *o, struct answer *a)
{
	struct forwarded *f = malloc(sizeof *f);
	char why[CONTENT_WHY_BYTES];
	enum err e = f ? ERR_OK : ERR_MEMORY;

	if (!e)
		e = forwarded_read(f, node_identity(a->node), a->log, &o->row, &o->header, why);
	if (!e) {
		o->forwarder = o->header.origin;
		o->header = f->handover.original;
		o->id = f->id;
		o->json = f->json;
		o->json_length = f->json_length;
		f->json = NULL;
		forwarded_clear(f);
		/* SPEC 5.10: "What is recalled (5.8) by its author is shown in no forward of it
		 * either" */
		if (answer_recalled(a, &o->id, &o->header))
			e = ERR_NOT_FOUND;
	}
	free(f);
	return e;
}

static enum err unpack(struct opened *o, struct answer *a)
{
	char why[CONTENT_WHY_BYTES];
	enum err e;

	if (o->forwarded)
		e = unpack_forward(o, a);
	else
		e = content_read(node_identity(a->node), a->log, &o->row, &o->header, &o->json,
				 &o->json_length, why);
	if (!e && o->header.tlp == TLP_RED)
		a->red_opened++;
	return e;
}

enum err opened_text(struct opened *o, struct answer *a, const struct log_row *row)
{
	char why[256];
	enum err e;

	o->row = *row;
	o->json = NULL;
	o->post = (struct post){0};
	if (row->kind != LOG_MESSAGE || row->verdict != VERDICT_ACCEPTED || row->is_void ||
	    !row->has_body)
		return ERR_NOT_FOUND;
	if (!row_header(row, &o->header))
		return ERR_DAMAGED;
	o->id = row->id;
	o->forwarded = o->header.kind == KIND_FORWARD;
	if ((o->header.kind != KIND_POST && !o->forwarded) || answer_hidden(a, row, &o->header))
		return ERR_NOT_FOUND;
	if (!answer_may_open(a, &o->header))
		return ERR_NOT_ALLOWED;
	if (index_held(a->index, row->lsn, why, sizeof why))
		return ERR_FORMAT;
	e = unpack(o, a);
	if (e)
		opened_clear(o);
	return e;
}

enum err opened_read(struct opened *o, struct answer *a, const struct log_row *row)
{
	unsigned red = a->red_opened;
	enum err e = opened_text(o, a, row);

	if (e)
		return e;
	e = post_read(&o->post, o->json, o->json_length, NULL);
	if (!e)
		return ERR_OK;
	a->red_opened = red;
	opened_clear(o);
	return e == ERR_MEMORY ? e : ERR_FORMAT;
}

void opened_clear(struct opened *o)
{
	post_clear(&o->post);
	free(o->json);
	o->json = NULL;
}
