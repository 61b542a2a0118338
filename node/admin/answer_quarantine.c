/* quarantine and quarantine-end: links that the operator cuts, and lets stand again. */
#include <string.h>

#include "node/admin/answer.h"
#include "node/loop.h"
#include "node/duty/node_quarantine.h"

enum { SECONDS_MAX = 366 * 24 * 3600 };

/* The neighbour that "peer" names; NULL after saying why not. */
static const struct party *peer_named(struct answer *a, const char *name)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const struct party *self = t ? topology_party(t, node_config(a->node)->node) : NULL;
	const struct party *p = name ? answer_node_named(a, name) : NULL;

	a->where = "peer";
	if (!name)
		report_add(&a->report, "the name of a neighbour is wanted");
	if (!p)
		return NULL;
	if (self && topology_link(t, self, p) != LINK_NONE)
		return p;
	report_add(&a->report, "there is no link with %s", name);
	a->advice = "khabar links names the neighbours; only the council can suspend others";
	return NULL;
}

static enum err done(struct answer *a, enum err e, const struct party *p, uint64_t until,
		     const char *because)
{
	if (e)
		return e;
	a->where = NULL;
	admin_put_string(&a->reply, "peer", p->name);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "peer", p->name);
	if (until) {
		admin_put_time(&a->reply, "until", until == UINT64_MAX ? 0 : until);
		admin_put_time(&a->summary, "until", until == UINT64_MAX ? 0 : until);
		admin_put_string(&a->summary, "because", because);
	}
	text_str(&a->summary, "}");
	return ERR_OK;
}

enum err answer_quarantine(struct answer *a)
{
	const char *name = admin_string(&a->request, "peer");
	const char *because = admin_string(&a->request, "because");
	uint64_t seconds = admin_number(&a->request, "seconds", 1, SECONDS_MAX, 0), until;
	const struct party *p;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	if (because && strlen(because) > QUARANTINE_BECAUSE_BYTES) {
		a->where = "because";
		report_add(&a->report, "at most %d bytes", QUARANTINE_BECAUSE_BYTES);
		return ERR_FORMAT;
	}
	p = peer_named(a, name);
	if (!p)
		return ERR_NOT_FOUND;
	until = seconds ? clock_wall() + seconds * 1000 : UINT64_MAX;
	return done(a, node_quarantine(a->node, &p->id, until, because), p, until, because);
}

enum err answer_unquarantine(struct answer *a)
{
	const char *name = admin_string(&a->request, "peer");
	const struct party *p;
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	p = name ? answer_node_named(a, name) : NULL;
	a->where = "peer";
	if (!name)
		report_add(&a->report, "the name of a neighbour is wanted");
	if (!p)
		return ERR_NOT_FOUND;
	e = node_quarantine_end(a->node, &p->id);
	if (e == ERR_NOT_FOUND)
		report_add(&a->report, "%s is not in quarantine", name);
	return done(a, e, p, 0, NULL);
}
