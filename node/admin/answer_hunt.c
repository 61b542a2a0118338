/* hunts, hunted and hunt-done: where a value was found in the logs of this CERT after it had become
 * known.  Each hit is a small value of the log, and told to no other node.  SPEC.md 9.16. */
#include "node/admin/answer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "node/loop.h"

static const char prefix[] = "hunt/", state_name[] = "hunt-state";

enum {
	HITS_MAX = 1000,
	HIT_ID_BYTES = 8,
	HIT_ID_DIGITS = 2 * HIT_ID_BYTES,
	ID_DIGITS_MIN = 4,
	NAME_BYTES = sizeof prefix + HIT_ID_DIGITS,
	STATE_BYTES = 2048,
	FAILED_BYTES = 512,
	INBOX_HITS = 20,
};

struct kept_hit {
	char id[HIT_ID_DIGITS + 1];
	cJSON *json; /* owned */
	double at;
};

struct kept_hits {
	size_t count;
	struct kept_hit hits[HITS_MAX];
};

static const char *text_of(const cJSON *json, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return s ? s : "";
}

static double number_of(const cJSON *json, const char *name)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 ? n->valuedouble : 0;
}

/* ---- what is kept ---- */

static bool take(void *arg, const char *key, const void *value, size_t n)
{
	struct kept_hits *k = arg;
	struct kept_hit *h = &k->hits[k->count];

	if (strlen(key) != strlen(prefix) + HIT_ID_DIGITS ||
	    json_parse(&h->json, value, n, NULL) != ERR_OK)
		return true;
	strcpy(h->id, key + strlen(prefix));
	h->at = number_of(h->json, "at");
	return ++k->count < HITS_MAX;
}

static int by_time(const void *a, const void *b)
{
	const struct kept_hit *x = a, *y = b;

	return x->at != y->at ? (x->at < y->at ? 1 : -1) : strcmp(x->id, y->id);
}

static void hits_free(struct kept_hits *k)
{
	for (size_t i = 0; k && i < k->count; i++)
		cJSON_Delete(k->hits[i].json);
	free(k);
}

/* All of them, the newest first. */
static enum err hits_read(struct kept_hits **out, struct answer *a)
{
	struct kept_hits *k = calloc(1, sizeof *k);
	enum err e = k ? log_reader_renew(a->log) : ERR_MEMORY;

	if (!e)
		e = log_values(a->log, prefix, take, k);
	/* Of those that are damaged check-store tells. */
	if (e == ERR_NOT_FOUND || (k && e == ERR_DAMAGED))
		e = ERR_OK;
	if (e) {
		hits_free(k);
		return e;
	}
	qsort(k->hits, k->count, sizeof *k->hits, by_time);
	*out = k;
	return ERR_OK;
}

static cJSON *state_read(struct answer *a)
{
	char bytes[STATE_BYTES];
	cJSON *json = NULL;
	size_t n;

	if (log_get(a->log, state_name, bytes, sizeof bytes, &n) == ERR_OK)
		json_parse(&json, bytes, n, NULL);
	return json;
}

static void exercise_put(struct text *t, const cJSON *hit)
{
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(hit, "exercise")))
		admin_put_bool(t, "exercise", true);
}

/* ---- hunts ---- */

static void hit_show(struct text *t, const struct kept_hit *h)
{
	static const char *const words[] = {"value", "object", "node", "tlp", "how", "file"};

	text_str(t, "{");
	admin_put_string(t, "id", h->id);
	admin_put_time(t, "at", (uint64_t)h->at);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		admin_put_string(t, words[i], text_of(h->json, words[i]));
	admin_put_number(t, "lines", (uint64_t)number_of(h->json, "lines"));
	admin_put_number(t, "line", (uint64_t)number_of(h->json, "line"));
	admin_put_string(t, "text", text_of(h->json, "text"));
	exercise_put(t, h->json);
	text_str(t, "}");
}

/* SPEC 9.16: "A hit is shown to whom `check` shows that its value is known, and for as long." */
static bool may_show(struct answer *a, const struct kept_hit *h)
{
	if (!answer_knows(a, text_of(h->json, "value")))
		return false;
	a->red_opened += strcmp(text_of(h->json, "tlp"), tlp_str(TLP_RED)) == 0;
	return true;
}

enum err hunts_show(struct answer *a)
{
	struct text *t = &a->reply;
	struct kept_hits *k;
	size_t count = 0;
	enum err e = hits_read(&k, a);

	if (e)
		return e;
	admin_put_name(t, "hunts");
	text_str(t, "[");
	for (size_t i = 0; i < k->count; i++) {
		if (!may_show(a, &k->hits[i]) || count++ >= INBOX_HITS)
			continue;
		admin_put_name(t, NULL);
		hit_show(t, &k->hits[i]);
	}
	text_str(t, "]");
	admin_put_number(t, "hunt_hits", count);
	hits_free(k);
	return ERR_OK;
}

enum err answer_hunts(struct answer *a)
{
	struct page p;
	struct kept_hits *k = NULL;
	cJSON *state = NULL;
	enum err e = answer_catch_up(a);

	page_open(&p, a);
	p.ended = true;
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = hits_read(&k, a);
	for (size_t i = 0; !e && i < k->count && p.lines < p.limit; i++)
		if (may_show(a, &k->hits[i]))
			hit_show(page_line(&p), &k->hits[i]);
	page_close(&p, false);
	if (!e)
		state = state_read(a);
	admin_put_string(&a->reply, "paths", node_config(a->node)->hunt);
	admin_put_number(&a->reply, "through", (uint64_t)number_of(state, "through"));
	admin_put_number(&a->reply, "left_out", (uint64_t)number_of(state, "left_out"));
	admin_put_string(&a->reply, "failed",
			 *text_of(state, "failed") ? text_of(state, "failed") : NULL);
	cJSON_Delete(state);
	hits_free(k);
	return e;
}

/* ---- hunted ---- */

/* The same find is one hit, however often it is told. */
static void hit_name(char out[NAME_BYTES], const cJSON *hit)
{
	static const char *const words[] = {"object", "value", "file"};
	crypto_generichash_state state;
	uint8_t id[HIT_ID_BYTES < crypto_generichash_BYTES_MIN ? crypto_generichash_BYTES_MIN
							       : HIT_ID_BYTES];

	crypto_generichash_init(&state, NULL, 0, sizeof id);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const char *s = text_of(hit, words[i]);
		crypto_generichash_update(&state, (const uint8_t *)s, strlen(s) + 1);
	}
	crypto_generichash_final(&state, id, sizeof id);
	strcpy(out, prefix);
	hex_encode(out + strlen(prefix), id, HIT_ID_BYTES);
}

static void hit_write(struct text *t, const cJSON *hit)
{
	static const char *const words[] = {"value", "object", "node", "tlp",
					    "how",   "file",   "text"};

	text_str(t, "{");
	admin_put_number(t, "at", clock_wall());
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		admin_put_string(t, words[i], text_of(hit, words[i]));
	admin_put_number(t, "lines", (uint64_t)number_of(hit, "lines"));
	admin_put_number(t, "line", (uint64_t)number_of(hit, "line"));
	exercise_put(t, hit);
	text_str(t, "}");
}

static bool is_kept(const struct kept_hits *k, const char *name)
{
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->hits[i].id, name + strlen(prefix)) == 0)
			return true;
	return false;
}

static enum err hit_keep(struct answer *a, const cJSON *hit, const struct kept_hits *k,
			 size_t *count, uint64_t *left_out)
{
	char name[NAME_BYTES];
	struct text t;
	enum err e;

	hit_name(name, hit);
	if (is_kept(k, name))
		return ERR_OK;
	if (*count >= HITS_MAX) {
		++*left_out;
		return ERR_OK;
	}
	text_init(&t);
	hit_write(&t, hit);
	e = t.bad ? ERR_MEMORY : node_keep(a->node, name, t.at, t.length, 0, NULL, 0);
	text_clear(&t);
	*count += !e;
	return e;
}

static enum err state_keep(struct answer *a, uint64_t through, uint64_t left_out,
			   const char *failed)
{
	char cut[FAILED_BYTES];
	struct text t;
	enum err e;

	snprintf(cut, sizeof cut, "%s", failed);
	utf8_trim(cut);
	text_init(&t);
	text_str(&t, "{");
	admin_put_number(&t, "through", through);
	admin_put_number(&t, "left_out", left_out);
	admin_put_string(&t, "failed", cut);
	text_str(&t, "}");
	e = t.bad ? ERR_MEMORY : node_keep(a->node, state_name, t.at, t.length, 0, NULL, 0);
	text_clear(&t);
	return e;
}

static const cJSON *hits_of(struct answer *a)
{
	const cJSON *hits = cJSON_GetObjectItemCaseSensitive(a->request.json, "hits"), *hit;

	if (!hits || a->request.taken_count == ADMIN_MEMBERS_MAX)
		return NULL;
	a->request.taken[a->request.taken_count++] = hits;
	a->request.bad = a->request.bad || !cJSON_IsArray(hits);
	cJSON_ArrayForEach(hit, hits)
	{
		if (!cJSON_IsObject(hit))
			a->request.bad = true;
	}
	return hits;
}

enum err answer_hunted(struct answer *a)
{
	uint64_t through = admin_number(&a->request, "through", 0, UINT64_C(1) << 53, 0), left_out;
	const char *failed = admin_string(&a->request, "failed");
	const cJSON *hit, *hits = hits_of(a);
	struct kept_hits *k = NULL;
	cJSON *state;
	size_t count;
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = hits_read(&k, a);
	if (e)
		return e;
	state = state_read(a);
	count = k->count;
	left_out = (uint64_t)number_of(state, "left_out");
	cJSON_ArrayForEach(hit, hits)
	{
		if (!e)
			e = hit_keep(a, hit, k, &count, &left_out);
	}
	if (!e)
		e = state_keep(a, through, left_out, failed ? failed : text_of(state, "failed"));
	cJSON_Delete(state);
	hits_free(k);
	return e;
}

/* ---- hunt-done ---- */

static bool named(const struct kept_hit *h, const char *const *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(h->id, ids[i], strlen(ids[i])) == 0)
			return true;
	return false;
}

static enum err ids_check(struct answer *a, const struct kept_hits *k, const char *const *ids,
			  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t found = 0;
		for (size_t j = 0; j < k->count; j++)
			found += named(&k->hits[j], &ids[i], 1);
		a->where = ids[i];
		if (strlen(ids[i]) < ID_DIGITS_MIN || found == 0) {
			report_add(&a->report, "\"%s\": no hit has an id that begins so", ids[i]);
			return ERR_NOT_FOUND;
		}
		if (found > 1) {
			report_add(&a->report, "\"%s\": %zu hits have ids that begin so", ids[i],
				   found);
			return ERR_FORMAT;
		}
	}
	a->where = NULL;
	return ERR_OK;
}

static enum err hits_drop(struct answer *a, const struct kept_hits *k, const char *const *ids,
			  size_t n, bool all)
{
	uint64_t done = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < k->count; i++) {
		char name[NAME_BYTES];
		if (!all && !named(&k->hits[i], ids, n))
			continue;
		snprintf(name, sizeof name, "%s%s", prefix, k->hits[i].id);
		e = node_keep(a->node, name, NULL, 0, 0, NULL, 0);
		done += !e;
	}
	if (!e && all) {
		cJSON *state = state_read(a);
		e = state_keep(a, (uint64_t)number_of(state, "through"), 0,
			       text_of(state, "failed"));
		cJSON_Delete(state);
	}
	admin_put_number(&a->reply, "done", done);
	text_format(&a->summary, "{\"hits\":%llu}", (unsigned long long)done);
	return e;
}

enum err answer_hunt_done(struct answer *a)
{
	const char **ids = calloc(HITS_MAX, sizeof *ids);
	size_t n = ids ? admin_strings(&a->request, "ids", ids, HITS_MAX) : 0;
	bool all = admin_flag(&a->request, "all");
	struct kept_hits *k = NULL;
	enum err e = ids ? ERR_OK : ERR_MEMORY;

	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e && all == (n > 0)) {
		a->where = "ids";
		report_add(&a->report, "the ids of hits are wanted, or all");
		e = ERR_FORMAT;
	}
	if (!e)
		e = hits_read(&k, a);
	if (!e)
		e = ids_check(a, k, ids, n);
	if (!e)
		e = hits_drop(a, k, ids, n, all);
	hits_free(k);
	free(ids);
	return e;
}
