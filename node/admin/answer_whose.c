/* whose: which node is there for an address, a domain, an AS number. */
#include "node/admin/answer.h"
#include "protocol/constituency.h"

struct looking {
	struct answer *a;
	struct asset asset;
	size_t claims;
	const struct party *owner; /* the first who claims it */
};

static enum err look_at(struct looking *l, const struct party *p)
{
	struct directory *d = node_directory(l->a->node);
	struct text *t = &l->a->reply;
	char claim[CLAIM_MAX_BYTES];
	struct directory_card at;
	struct card *c = NULL;
	enum err e = ERR_OK;

	if (p->kind != PARTY_NODE || p->left || !directory_card(d, &p->id, &at))
		return ERR_OK;
	e = directory_read(d, &at, &c);
	if (!e && constituency_holds(&c->constituency, p, &l->asset, claim)) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "node", p->name);
		admin_put_string(t, "title", p->title);
		admin_put_string(t, "claim", claim);
		text_str(t, "}");
		l->owner = l->claims++ ? l->owner : p;
	}
	card_free(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* SPEC 4.11: "A value that several nodes claim is nobody's." */
enum err answer_whose(struct answer *a)
{
	const struct topology *t = versions_newest(node_versions(a->node));
	const char *value = admin_string(&a->request, "value"), *why = "a value is wanted";
	struct looking l = {.a = a};
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
	if (!e)
		e = directory_follow(node_directory(a->node), t);
	admin_put_string(&a->reply, "value", value);
	admin_put_name(&a->reply, "claims");
	text_str(&a->reply, "[");
	for (size_t i = 0; !e && t && i < t->party_count; i++)
		e = look_at(&l, &t->parties[i]);
	text_str(&a->reply, "]");
	admin_put_string(&a->reply, "node", l.claims == 1 ? l.owner->name : NULL);
	return e;
}
