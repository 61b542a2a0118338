/* status and links: how the node does. */
#include "node/admin/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/warnings.h"
#include "node/loop.h"

enum { HOUR_MS = 3600000 };

static const char *kind_str(enum link_kind kind)
{
	switch (kind) {
	case LINK_NONE:
		return "none";
	case LINK_REPORTING:
		return "reporting";
	case LINK_BILATERAL:
		return "bilateral";
	case LINK_FORMER:
		return "former";
	}
	return NULL;
}

static void put_link(struct text *t, const struct link_status *link)
{
	admin_put_string(t, "peer", link->peer);
	admin_put_string(t, "kind", kind_str(link->kind));
	admin_put_string(t, "state", link->state);
	admin_put_string(t, "reason", link->reason[0] ? link->reason : NULL);
	admin_put_time(t, "since", link->since);
	admin_put_number(t, "sent", link->sent);
	admin_put_number(t, "received", link->received);
	admin_put_number(t, "waiting", link->waiting);
}

static void put_reconciled(struct text *t, const struct reconciled *r)
{
	admin_put_name(t, "reconciled");
	if (!r->at) {
		text_str(t, "null");
		return;
	}
	text_str(t, "{");
	admin_put_time(t, "at", r->at);
	admin_put_number(t, "frames", r->frames);
	admin_put_number(t, "bytes", r->bytes);
	admin_put_number(t, "found", r->found);
	admin_put_number(t, "wanted", r->wanted);
	text_str(t, "}");
}

/* Whose messages this node wants held back. */
static void put_paused(struct answer *a, const struct quota_paused *p)
{
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES];

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", answer_party(a, name, &p->origin));
	admin_put_string(t, "by", node_config(a->node)->node);
	admin_put_string(t, "why", p->why == QUOTA_USED ? "quota" : "full");
	admin_put_number(t, "bytes", p->bytes);
	admin_put_number(t, "quota", p->quota);
	text_str(t, "}");
}

static void put_paused_by(struct answer *a, const char *peer, const struct party_id *origin)
{
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES];

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", answer_party(a, name, origin));
	admin_put_string(t, "by", peer);
	admin_put_string(t, "why", NULL);
	text_str(t, "}");
}

/* Whose messages the two ends hold back for each other's sake. */
static void put_slowed(struct answer *a, const struct node_status *s, const struct link_status *l)
{
	struct text *t = &a->reply;

	admin_put_name(t, "slowed");
	text_str(t, "[");
	for (size_t i = 0; i < s->paused_count; i++)
		put_paused(a, &s->paused[i]);
	for (size_t i = 0; i < l->paused_count; i++)
		put_paused_by(a, l->peer, &l->paused[i]);
	text_str(t, "]");
	admin_put_number(t, "held", l->held);
}

static void put_topology(struct text *t, const struct topology *topology)
{
	admin_put_name(t, "topology");
	if (!topology) {
		text_str(t, "null");
		return;
	}
	text_str(t, "{");
	admin_put_number(t, "version", topology->version);
	admin_put_time(t, "expires", topology->expires);
	admin_put_hex(t, "hash", topology->hash.b, HASH_BYTES);
	text_str(t, "}");
}

/* Only where there is a folder of them. */
static void put_warning_lists(struct text *t, struct node *node)
{
	struct warning_lists *lists;
	struct report report;

	if (!node_config(node)->warning_lists)
		return;
	report_init(&report);
	warning_guard_lists(node_warning_guard(node), &lists, &report);
	admin_put_name(t, "warning_lists");
	text_str(t, "{");
	admin_put_number(t, "lists", lists ? warning_lists_count(lists) : 0);
	admin_put_number(t, "entries", lists ? warning_lists_entries(lists) : 0);
	admin_put_number(t, "unread", lists ? warning_lists_unread(lists) : 0);
	admin_put_string(t, "failed", report.count ? report_first(&report) : NULL);
	text_str(t, "}");
	warning_lists_free(lists);
	report_clear(&report);
}

static void put_exports(struct text *t, struct node *node)
{
	struct export_status exports[EXPORTS_MAX];
	size_t n = node_exports(node, exports);

	admin_put_name(t, "exports");
	text_str(t, "[");
	for (size_t i = 0; i < n; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "name", exports[i].name);
		admin_put_time(t, "at", exports[i].at);
		admin_put_number(t, "written", exports[i].written);
		admin_put_string(t, "failed", *exports[i].failed ? exports[i].failed : NULL);
		text_str(t, "}");
	}
	text_str(t, "]");
}

static void put_status(struct answer *a, const struct node_status *s,
		       const struct index_counts *counts)
{
	const struct topology *topology = versions_newest(node_versions(a->node));
	struct text *t = &a->reply;
	uint64_t waiting;

	node_waits(a->node, &waiting);
	admin_put_string(t, "node", node_config(a->node)->node);
	admin_put_string(t, "version", NODE_VERSION);
	put_topology(t, topology);
	suspension_show(t, versions_suspension(node_versions(a->node)));
	admin_put_number(t, "messages", counts->messages);
	admin_put_number(t, "objects", counts->objects);
	admin_put_number(t, "held", counts->held);
	admin_put_number(t, "unreconciled", waiting);
	admin_put_number(t, "unfolded", index_unfolded(node_index(a->node)));
	admin_put_time(t, "floor", (uint64_t)s->floor * HOUR_MS);
	admin_put_time(t, "started", s->started);
	admin_put_number(t, "fullness", s->fullness);
	admin_put_name(t, "links");
	text_str(t, "[");
	for (size_t i = 0; i < s->link_count; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		put_link(t, &s->links[i]);
		text_str(t, "}");
	}
	text_str(t, "]");
	admin_put_name(t, "slowed");
	text_str(t, "[");
	for (size_t i = 0; i < s->paused_count; i++)
		put_paused(a, &s->paused[i]);
	text_str(t, "]");
	put_exports(t, a->node);
	inflows_show(t, a->node);
	put_warning_lists(t, a->node);
	warnings_show(t, a->node, a->log, s);
}

enum err answer_status(struct answer *a)
{
	struct node_status *s;
	struct index_counts counts = {0};
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	s = calloc(1, sizeof *s);
	if (!s)
		return ERR_MEMORY;
	node_status(a->node, s);
	e = index_reader_renew(a->index);
	if (!e)
		e = index_count(a->index, &counts);
	/* While the index is rebuilt the counts are not known, and all the rest is. */
	if (e == ERR_BUSY)
		e = ERR_OK;
	if (!e)
		put_status(a, s, &counts);
	free(s);
	return e;
}

/* The one that is tried first. */
static void put_endpoint(struct text *t, const struct answer *a, const struct party *p)
{
	struct directory_card card;
	struct link_peer ways = {0};

	if (p)
		directory_ways(node_directory(a->node), p, &card, &ways);
	admin_put_string(t, "endpoint", ways.endpoint_count ? ways.endpoints[0] : NULL);
}

enum err answer_links(struct answer *a)
{
	const struct topology *topology = versions_newest(node_versions(a->node));
	struct text *t = &a->reply;
	struct node_status *s;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	s = calloc(1, sizeof *s);
	if (!s)
		return ERR_MEMORY;
	node_status(a->node, s);
	admin_put_name(t, "lines");
	text_str(t, "[");
	for (size_t i = 0; i < s->link_count; i++) {
		const struct link_status *link = &s->links[i];
		const struct party *p = topology ? topology_party(topology, link->peer) : NULL;

		admin_put_name(t, NULL);
		text_str(t, "{");
		put_link(t, link);
		admin_put_string(t, "title", p ? p->title : NULL);
		put_endpoint(t, a, p);
		admin_put_signed(t, "clock_ahead_ms", link->clock_ahead);
		put_reconciled(t, &link->reconciled);
		put_slowed(a, s, link);
		text_str(t, "}");
	}
	text_str(t, "]");
	admin_put_string(t, "next", NULL);
	free(s);
	return ERR_OK;
}
