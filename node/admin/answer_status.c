/* status and links: how the node does. */
#include "node/admin/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/loop.h"

enum {
	FULLNESS_WARN_PERCENT = 85,
	CLOCK_WARN_MS = 2 * 3600 * 1000,
	HOUR_MS = 3600000,
	MINUTE_MS = 60000
};
#define EXPIRY_GRACE_MS (90 * UINT64_C(86400000))

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

static void warn(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct text *t, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	admin_put_string(t, NULL, sentence);
}

static void warn_of_silence(struct text *t, const struct link_status *link, unsigned minutes)
{
	uint64_t now = clock_wall();
	char since[TIME_BYTES];

	if (strcmp(link->state, "quarantined") == 0)
		warn(t, "%s is %s", link->peer, link->reason);
	else if (strcmp(link->state, "up") != 0 &&
		 link->since + (uint64_t)minutes * MINUTE_MS <= now)
		warn(t, "nothing was heard of %s since %s", link->peer,
		     time_format(since, link->since));
}

static void warn_of_links(struct text *t, const struct node_status *s, const struct config *c)
{
	for (size_t i = 0; i < s->link_count; i++) {
		int64_t ahead = s->links[i].clock_ahead;
		warn_of_silence(t, &s->links[i], c->silent_minutes);
		if (ahead > CLOCK_WARN_MS || ahead < -CLOCK_WARN_MS)
			warn(t,
			     "the clock of %s is %" PRId64 " hours %s ours: one of the two is "
			     "wrong",
			     s->links[i].peer, (ahead < 0 ? -ahead : ahead) / HOUR_MS,
			     ahead < 0 ? "behind" : "ahead of");
	}
}

static void warn_of_suspension(struct text *t, const struct suspension *s)
{
	char until[TIME_BYTES];

	for (size_t i = 0; suspension_in_force(s) && i < s->count; i++)
		warn(t, "%s%s is suspended until %s%s%s", s->list[i].key_count ? "a key of " : "",
		     s->list[i].name, time_format(until, s->until), s->list[i].because ? ": " : "",
		     s->list[i].because ? s->list[i].because : "");
}

static void warn_of_age(struct text *t, const struct topology *topology)
{
	uint64_t now = clock_wall(), grace = topology->expires + EXPIRY_GRACE_MS;

	/* SPEC 4.9: "`expires` ends nothing: after it, and a grace of 90 days, the node goes on and
	 * says so." */
	if (now >= grace)
		warn(t,
		     "ALARM: topology version %lu expired more than 90 days ago: the council must "
		     "sign the next one; until then nobody can be added or revoked",
		     (unsigned long)topology->version);
	else if (now >= topology->expires)
		warn(t, "topology version %lu has expired: the council must sign the next one",
		     (unsigned long)topology->version);
}

static void warn_of_slowed(struct answer *a, const struct topology *topology,
			   const struct node_status *s)
{
	const struct party *self =
		topology ? topology_party(topology, node_config(a->node)->node) : NULL;
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES];

	for (size_t i = 0; i < s->paused_count; i++) {
		const struct quota_paused *p = &s->paused[i];
		const char *who = answer_party(a, name, &p->origin);
		if (p->why == QUOTA_USED)
			warn(t,
			     "neighbours are asked to hold back what %s says: %" PRIu64
			     " bytes of it are here, its quota is %" PRIu64,
			     who, p->bytes, p->quota);
		else
			warn(t,
			     "neighbours are asked to hold back what %s says: the disk or the "
			     "store is nearly full, and %" PRIu64 " bytes of it are here",
			     who, p->bytes);
	}
	for (size_t i = 0; i < s->link_count; i++)
		for (size_t k = 0; self && k < s->links[i].paused_count; k++)
			if (party_id_equal(&s->links[i].paused[k], &self->id))
				warn(t,
				     "%s holds as much of this node as it may: what is new waits "
				     "here until something expires there or is withdrawn",
				     s->links[i].peer);
}

static void put_warnings(struct text *t, struct answer *a, const struct topology *topology,
			 const struct node_status *s, uint64_t waiting)
{
	const char *name = node_config(a->node)->node;

	admin_put_name(t, "warnings");
	text_str(t, "[");
	if (!topology)
		warn(t, "this node has not joined a federation: khabar join FILE, then start "
			"khabardar again");
	else if (!topology_party(topology, name))
		warn(t, "topology version %lu has no node named %s",
		     (unsigned long)topology->version, name);
	if (topology)
		warn_of_age(t, topology);
	warn_of_suspension(t, versions_suspension(node_versions(a->node)));
	if (!identity_locked(node_identity(a->node)))
		warn(t, "secrets are not locked in memory and may reach the swap: raise "
			"LimitMEMLOCK");
	if (s->store_state)
		warn(t, "nothing is stored at the moment: %s", err_str(s->store_state));
	if (s->fullness > FULLNESS_WARN_PERCENT)
		warn(t, "the disk or the store is %u %% full", s->fullness);
	warn_of_links(t, s, node_config(a->node));
	warn_of_slowed(a, topology, s);
	for (size_t i = 0; i < s->alarm_count; i++)
		admin_put_string(t, NULL, s->alarms[i]);
	if (waiting)
		warn(t,
		     "%" PRIu64 " messages wait for reconciliation with a neighbour that carries "
		     "them, and are not shown: this node was restored",
		     waiting);
	for (size_t i = 0; i < s->warning_count; i++)
		admin_put_string(t, NULL, s->warnings[i]);
	text_str(t, "]");
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
	put_warning_lists(t, a->node);
	put_warnings(t, a, topology, s, waiting);
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
