/* whose: which node is there for an address, a domain, an AS number. */
#include "node/admin/answer.h"
#include "protocol/constituency.h"

struct looking {
	struct answer *a;
	struct text *lines; /* of the claims, or NULL */
	struct asset asset;
	size_t claims;
	const struct party *owner; /* the first who claims it */
};

static enum err look_at(struct looking *l, const struct party *p)
{
	struct directory *d = node_directory(l->a->node);
	struct text *t = l->lines;
	char claim[CLAIM_MAX_BYTES];
	struct directory_card at;
	struct card *c = NULL;
	enum err e = ERR_OK;

	if (p->kind != PARTY_NODE || p->left || !directory_card(d, &p->id, &at))
		return ERR_OK;
	e = directory_read(d, &at, &c);
	if (!e && constituency_holds(&c->constituency, p, &l->asset, claim)) {
		l->owner = l->claims++ ? l->owner : p;
		if (t) {
			admin_put_name(t, NULL);
			text_str(t, "{");
			admin_put_string(t, "node", p->name);
			admin_put_string(t, "title", p->title);
			admin_put_string(t, "claim", claim);
			text_str(t, "}");
		}
	}
	card_free(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* All who claim it, from the cards that are here now. */
static enum err look(struct looking *l, const struct topology *t)
{
	enum err e = directory_follow(node_directory(l->a->node), t);

	for (size_t i = 0; !e && t && i < t->party_count; i++)
		e = look_at(l, &t->parties[i]);
	return e;
}

const struct party *answer_owner(void *arg, const struct topology *t, const char *value,
				 struct report *report)
{
	struct looking l = {.a = arg};
	const char *why = NULL;
	enum err e = asset_read(&l.asset, value, &why);

	if (!e)
		e = look(&l, t);
	if (!e && l.claims == 1)
		return l.owner;
	if (e)
		report_add(report, "--to owner-of:%s: %s", value, why ? why : err_str(e));
	else if (l.claims == 0)
		report_add(report, "--to owner-of:%s: it is nobody's: no card claims it", value);
	else
		report_add(report, "--to owner-of:%s: it is nobody's: %zu nodes claim it", value,
			   l.claims);
	return NULL;
}

/* SPEC 4.11: "A value that several nodes claim is nobody's." */
enum err answer_whose(struct answer *a)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const char *value = admin_string(&a->request, "value"), *why = "a value is wanted";
	struct looking l = {.a = a, .lines = &a->reply};
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = value ? asset_read(&l.asset, value, &why) : ERR_FORMAT;
	if (e) {
		a->where = value;
		report_add(&a->report, "%s", why);
		return e;
	}
	e = answer_catch_up(a);
	admin_put_string(&a->reply, "value", value);
	admin_put_name(&a->reply, "claims");
	text_str(&a->reply, "[");
	if (!e)
		e = look(&l, t);
	text_str(&a->reply, "]");
	admin_put_string(&a->reply, "node", l.claims == 1 ? l.owner->name : NULL);
	return e;
}
