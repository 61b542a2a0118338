/* who: whom a message would reach, before anything is sent; and how requests name them. */
#include "node/admin/answer.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256 };

enum err addressed_self(struct addressed *w, struct answer *a)
{
	const char *name = node_config(a->node)->node;

	w->topology = versions_newest(node_versions(a->node));
	if (!w->topology) {
		report_add(&a->report, "this node has not joined a federation yet");
		a->advice = "khabar join FILE, then start khabardar again";
		return ERR_STATE;
	}
	w->self = topology_party(w->topology, name);
	if (w->self && w->self->kind == PARTY_NODE && !w->self->left)
		return ERR_OK;
	report_add(&a->report, "topology version %u does not list %s as a member",
		   w->topology->version, name);
	return ERR_NOT_ALLOWED;
}

static enum err tlp_wanted(struct addressed *w, struct answer *a)
{
	const char *word = admin_string(&a->request, "tlp");

	if (word && tlp_parse(word, &w->tlp))
		return ERR_OK;
	a->where = "tlp";
	if (word)
		report_add(&a->report, "\"%s\" is none of clear, green, amber, amber+strict, red",
			   word);
	else
		report_add(&a->report, "a TLP is wanted: clear, green, amber, amber+strict or red");
	return ERR_FORMAT;
}

enum err addressed_words(struct addressed *w, struct answer *a, const char *const *words, size_t n,
			 bool direct)
{
	const struct config *config = node_config(a->node);
	struct recipients_alias *aliases = calloc(config->alias_count + 1, sizeof *aliases);
	struct recipients_query q = {.topology = w->topology,
				     .self = w->self,
				     .words = words,
				     .word_count = n,
				     .aliases = aliases,
				     .alias_count = config->alias_count,
				     .tlp = w->tlp,
				     .direct = direct,
				     .owner = answer_owner,
				     .owner_arg = a,
				     .book = directory_book(node_directory(a->node))};
	enum err e;

	if (!aliases)
		return ERR_MEMORY;
	for (size_t i = 0; i < config->alias_count; i++)
		aliases[i] = (struct recipients_alias){config->aliases[i].name,
						       config->aliases[i].audience};
	e = recipients_resolve(&w->to, &q, &a->report);
	free(aliases);
	if (e)
		a->where = "to";
	return e;
}

enum err addressed_to(struct addressed *w, struct answer *a, bool direct)
{
	const char *words[NAMES_MAX];
	size_t n = admin_strings(&a->request, "to", words, NAMES_MAX);

	return addressed_words(w, a, words, n, direct);
}

enum err addressed_read(struct addressed *w, struct answer *a)
{
	bool direct = admin_flag(&a->request, "direct");
	enum err e;

	*w = (struct addressed){0};
	e = addressed_self(w, a);
	if (!e && cJSON_HasObjectItem(a->request.json, "answers"))
		return addressed_answers(w, a, direct);
	if (!e)
		e = tlp_wanted(w, a);
	return e ? e : addressed_to(w, a, direct);
}

void addressed_clear(struct addressed *w)
{
	recipients_clear(&w->to);
}

void audience_show(struct text *t, const struct recipients *to)
{
	admin_put_name(t, "audience");
	text_str(t, "[");
	if (to->all)
		admin_put_string(t, NULL, "all");
	for (size_t i = 0; i < to->count; i++)
		admin_put_string(t, NULL, to->chosen[i].party->name);
	text_str(t, "]");
}

static void names_show(struct text *t, const char *name, const struct explanation *e, bool reads)
{
	admin_put_name(t, name);
	text_str(t, "[");
	for (size_t i = 0; i < e->node_count; i++)
		if (e->nodes[i].reads == reads)
			admin_put_string(t, NULL, e->nodes[i].node->name);
	text_str(t, "]");
}

static void nodes_show(struct text *t, const struct explanation *e)
{
	admin_put_name(t, "nodes");
	text_str(t, "[");
	for (size_t i = 0; i < e->node_count; i++) {
		const struct explained_node *n = &e->nodes[i];
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "node", n->node->name);
		admin_put_string(t, "title", n->node->title);
		admin_put_bool(t, "reads", n->reads);
		admin_put_string(t, "why", n->why);
		text_str(t, "}");
	}
	text_str(t, "]");
}

static void links_show(struct text *t, const struct explanation *e)
{
	admin_put_name(t, "links");
	text_str(t, "[");
	for (size_t i = 0; i < e->link_count; i++) {
		const struct explained_link *l = &e->links[i];
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "a", l->a->name);
		admin_put_string(t, "b", l->b->name);
		admin_put_string(t, "kind", l->kind == LINK_BILATERAL ? "bilateral" : "reporting");
		text_str(t, "}");
	}
	text_str(t, "]");
}

void explanation_show(struct text *t, const struct explanation *e)
{
	names_show(t, "readers", e, true);
	names_show(t, "carriers", e, false);
	nodes_show(t, e);
	links_show(t, e);
}

enum err answer_who(struct answer *a)
{
	struct addressed w;
	struct explanation explained = {0};
	struct text *out = &a->reply;
	enum err e = addressed_read(&w, a);

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = recipients_explain(&explained, w.topology, w.self, &w.to);
	if (!e) {
		admin_put_string(out, "node", w.self->name);
		admin_put_string(out, "title", w.self->title);
		admin_put_number(out, "topology", w.topology->version);
		admin_put_string(out, "tlp", tlp_str(w.tlp));
		admin_put_number(out, "keep_days", w.topology->policy.expiry_days[w.tlp]);
		admin_put_bool(out, "sealed", !w.to.all);
		admin_put_number(out, "copies", recipients_letters(&w.to));
		admin_put_number(out, "position", log_head(node_log(a->node)));
		audience_show(out, &w.to);
		explanation_show(out, &explained);
	}
	explanation_clear(&explained);
	addressed_clear(&w);
	return e;
}
