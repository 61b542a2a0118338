/* What the version and the suspension in force make of messages that were stored before.
 *
 * Looked for in the whole log, on the folder's thread, whenever what is void or suspended has
 * changed; the loop's thread, which alone writes the log, changes the rows.  What has been looked
 * for is remembered in the log behind the last change, so a crash only looks again. */
#include <sodium.h>
#include <string.h>

#include "node/node_parts.h"
#include "node/remembered.h"
#include "node/say.h"
#include "protocol/bytes.h"

enum { CHANGED_AT_ONCE = 256, ROWS_AT_ONCE = 10000 };

struct review {
	struct desk_call call;
	struct node *node;
	const struct topology *topology;
	const struct suspension *suspension; /* NULL: none is in its time */
	struct hash state;
	bool voids;
	uint64_t next; /* position to look at */
	uint64_t lsns[CHANGED_AT_ONCE];
	enum verdict_change changes[CHANGED_AT_ONCE];
	size_t count, released, voided, opened;
	bool done;
	enum err e;
};

void verdicts_due(struct node *n)
{
	folder_wake(n->folder);
}

/* Everything that the outcome depends on; what only a topology without voids changed does not. */
static void review_begin(struct review *v, struct node *n)
{
	crypto_generichash_state hash;
	const struct suspension *s = versions_suspension(n->versions);

	v->node = n;
	v->topology = versions_newest(n->versions);
	v->suspension = n->suspending ? s : NULL;
	v->voids = topology_has_voids(v->topology);
	v->next = 1;
	crypto_generichash_init(&hash, NULL, 0, sizeof v->state);
	for (size_t i = 0; i < v->topology->party_count; i++) {
		const struct party *p = &v->topology->parties[i];
		for (size_t k = 0; k < p->sign_key_count; k++)
			if (p->sign_keys[k].is_void)
				crypto_generichash_update(&hash, p->sign_keys[k].key,
							  SIGN_KEY_BYTES);
		if (p->void_count) {
			crypto_generichash_update(&hash, p->id.b, sizeof p->id.b);
			crypto_generichash_update(&hash, (const uint8_t *)p->voids,
						  p->void_count * sizeof *p->voids);
		}
	}
	if (v->suspension)
		crypto_generichash_update(&hash, v->suspension->hash.b, HASH_BYTES);
	for (size_t i = 0; i < n->rolekeys.count; i++) {
		crypto_generichash_update(&hash, n->rolekeys.taken[i].party.b, PARTY_ID_BYTES);
		crypto_generichash_update(&hash, (const uint8_t *)&n->rolekeys.taken[i].number,
					  sizeof n->rolekeys.taken[i].number);
	}
	crypto_generichash_final(&hash, v->state.b, sizeof v->state.b);
}

static void state_load(struct node *n, struct log_reader *log)
{
	size_t length = 0;

	memset(&n->judged, 0, sizeof n->judged);
	n->judged_known = true;
	if (remembered_get(log, "verdicts", n->judged.b, sizeof n->judged.b, &length) != ERR_OK ||
	    length != sizeof n->judged.b)
		memset(&n->judged, 0, sizeof n->judged);
}

static bool released(const struct review *v, const struct log_row *row, const struct header *h)
{
	const char *why;

	/* SPEC 4.12: "What was held for a suspension alone is released when its origin is suspended
	 * no more." */
	return row->verdict == VERDICT_SUSPENDED &&
	       !(v->suspension &&
		 suspension_of_key(v->suspension, &h->origin, h->sign_key, v->suspension->from)) &&
	       judge_standing(v->topology, h, &why) == VERDICT_ACCEPTED;
}

/* Sealed to a key of a role that this node was handed in this run. */
static bool readable_now(const struct review *v, const struct header *h)
{
	const struct rolekeys *k = &v->node->rolekeys;

	for (size_t i = 0; i < h->recipient_count; i++)
		for (size_t j = 0; j < k->count; j++)
			if (h->recipients[i].key == k->taken[j].number &&
			    party_id_equal(&h->recipients[i].party, &k->taken[j].party))
				return true;
	return false;
}

static void look_at(struct review *v, const struct log_row *row)
{
	static _Thread_local struct header h;
	enum verdict_change change;

	if (row->kind != LOG_MESSAGE || row->is_void ||
	    (!v->voids && !v->node->rolekeys.count && row->verdict != VERDICT_SUSPENDED) ||
	    header_decode(&h, row->data, row->length - SIGNATURE_BYTES) != ERR_OK)
		return;
	if (judge_void(v->topology, &h))
		change = VERDICT_VOIDED;
	else if (released(v, row, &h))
		change = VERDICT_RELEASED;
	else if (row->verdict == VERDICT_ACCEPTED && readable_now(v, &h))
		change = VERDICT_AGAIN;
	else
		return;
	v->lsns[v->count] = row->lsn;
	v->changes[v->count++] = change;
	v->voided += change == VERDICT_VOIDED;
	v->released += change == VERDICT_RELEASED;
	v->opened += change == VERDICT_AGAIN;
}

/* Reads on until there is enough to change, or nothing more. */
static enum err look(struct review *v, struct log_reader *log)
{
	enum err e = log_reader_renew(log);

	v->count = 0;
	for (size_t i = 0; !e && v->count < CHANGED_AT_ONCE && i < ROWS_AT_ONCE; i++) {
		struct log_row row;
		e = log_read_from(log, v->next, &row);
		if (e == ERR_DAMAGED && row.lsn < v->next)
			break;
		if (e && e != ERR_DAMAGED)
			break;
		if (!e)
			look_at(v, &row);
		e = ERR_OK;
		v->next = row.lsn + 1;
	}
	v->done = e == ERR_NOT_FOUND;
	log_reader_pause(log);
	return v->done ? ERR_OK : e;
}

static void change_run(struct desk_call *call)
{
	struct review *v = call->arg;
	struct node *n = v->node;
	uint64_t now = clock_wall();

	v->e = log_begin(n->log);
	for (size_t i = 0; i < v->count && !v->e; i++) {
		v->e = log_change_verdict(n->log, v->lsns[i], v->changes[i], now);
		if (v->e == ERR_STATE || v->e == ERR_DAMAGED || v->e == ERR_NOT_FOUND)
			v->e = ERR_OK;
	}
	if (!v->e && v->done)
		v->e = log_put(n->log, "verdicts", v->state.b, sizeof v->state.b);
	if (v->e)
		log_abort(n->log);
	else
		v->e = log_commit(n->log);
	keep_rest(n->keep);
	folder_wake(n->folder);
	desk_done(n->desk, call);
}

static enum err review_run(struct review *v, struct log_reader *log)
{
	enum err e;

	do {
		e = look(v, log);
		if (!e && (v->count || v->done) && !desk_call(v->node->desk, &v->call))
			return ERR_OK; /* the node is being closed: it looks again */
		if (!e)
			e = v->e;
	} while (!e && !v->done);
	if (e)
		return e;
	v->node->judged = v->state;
	if (v->released)
		say(LEVEL_INFO, "%zu messages are held no more: their suspension has ended",
		    v->released);
	if (v->opened)
		say(LEVEL_INFO, "%zu messages to a role can be read now", v->opened);
	if (v->voided)
		say(LEVEL_WARNING, "%zu messages are void and will be removed", v->voided);
	return ERR_OK;
}

enum err duty_verdicts(struct node *n, uint64_t now, uint64_t *next)
{
	struct review v = {.call = {.run = change_run}};
	struct log_reader *log = NULL;
	enum err e = ERR_OK;

	(void)now, (void)next;
	if (!versions_newest(n->versions))
		return ERR_OK;
	review_begin(&v, n);
	v.call.arg = &v;
	if (n->judged_known && hash_equal(&n->judged, &v.state))
		return ERR_OK;
	e = log_reader_open(&log, n->log);
	if (!e && !n->judged_known)
		state_load(n, log);
	if (!e && !hash_equal(&n->judged, &v.state))
		e = review_run(&v, log);
	/* The index is of these keys from now on; before, one that is opened is built again: as it
	 * has to be where the node was closed before all was looked at. */
	if (!e && n->rolekeys.count && hash_equal(&n->judged, &v.state))
		e = index_keys_changed(n->index);
	log_reader_close(log);
	return e;
}
