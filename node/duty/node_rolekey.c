/* The seal keys of roles, handed from the first holder to the others.  SPEC.md 4.13.
 *
 * On the folder's thread.  What was handed to whom is a value in the log, written after the commit
 * of the message, so that a crash between the two hands it again.  How far the log was looked
 * through for keys is a value too, and only spares work: what is taken twice is there already. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "keys/rolekey.h"
#include "node/home.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "node/say.h"
#include "protocol/bytes.h"

enum {
	ROWS_A_TIME = 10000,
	SAVED_EVERY = 50000, /* rows without a key */
	LATER_MS = 10 * 1000,
	MARK_BYTES = 16,
	KEY_BYTES = 8 + 2 * MARK_BYTES + 1,
};

struct handing {
	struct node *node;
	const struct topology *topology;
	const struct party *self;
	struct log_reader *log;
	struct header header;
	struct letter letter;
};

/* ---- values in the log ---- */

struct value {
	struct desk_call call;
	struct node *node;
	const char *key;
	const uint8_t *bytes;
	size_t length;
	enum err e;
};

static void value_run(struct desk_call *call)
{
	struct value *v = call->arg;
	struct log *log = v->node->log;

	v->e = log_begin(log);
	if (!v->e)
		v->e = log_put(log, v->key, v->bytes, v->length);
	if (v->e)
		log_abort(log);
	else
		v->e = log_commit(log);
	keep_rest(v->node->keep);
	desk_done(v->node->desk, call);
}

static enum err value_put(struct node *n, const char *key, const uint8_t *bytes, size_t length)
{
	struct value v = {.call = {.run = value_run},
			  .node = n,
			  .key = key,
			  .bytes = bytes,
			  .length = length};

	v.call.arg = &v;
	return desk_call(n->desk, &v.call) ? v.e : ERR_STATE;
}

static bool value_is(struct log_reader *log, const char *key, const uint8_t *bytes, size_t length)
{
	uint8_t there[MARK_BYTES];
	size_t n;

	return length <= sizeof there &&
	       remembered_get(log, key, there, sizeof there, &n) == ERR_OK && n == length &&
	       memcmp(there, bytes, n) == 0;
}

/* ---- taking ---- */

static bool key_path(void *arg, char *out, size_t size, const char *role, uint16_t number)
{
	const struct node *n = arg;
	char name[NAME_MAX_BYTES + 32];

	snprintf(name, sizeof name, "role-%s-%u.key", role, number);
	return size >= PATH_MAX && home_path(out, n->home, name);
}

static void taken_add(struct node *n, const struct party_id *role, uint16_t number)
{
	struct rolekeys *k = &n->rolekeys;

	if (k->count == ROLEKEYS_TAKEN_MAX) {
		status_warn(n, NULL,
			    "many keys of roles were taken: start khabardar again, so "
			    "that what is sealed to all of them is read");
		return;
	}
	k->taken[k->count].party = *role;
	k->taken[k->count++].number = number;
}

/* A key that an operator has copied into the home of the running node. */
static enum err take_file(struct handing *x, const struct party *role, uint16_t number)
{
	struct node *n = x->node;
	char path[PATH_MAX], *passphrase = NULL;
	struct report report;
	enum err e;

	if (!key_path(n, path, sizeof path, role->name, number) || access(path, R_OK) != 0)
		return ERR_OK;
	report_init(&report);
	e = config_passphrase(n->config, &passphrase, &report);
	if (!e)
		e = identity_add_role(n->identity, path, passphrase, &report);
	passphrase_free(passphrase);
	if (!e) {
		say(LEVEL_INFO, "seal key %u of %s is held now", number, role->name);
		taken_add(n, &role->id, number);
	} else if (e != ERR_MEMORY && e != ERR_EXISTS && x->node->rolekeys.refused == 0) {
		status_warn(n, NULL, "%s", report_first(&report));
		x->node->rolekeys.refused = clock_monotonic();
	}
	report_clear(&report);
	return e == ERR_MEMORY ? e : ERR_OK;
}

static enum err take_files(struct handing *x, const struct party *role)
{
	struct rolekey held;
	enum err e = ERR_OK;

	rolekey_held(&held, x->node->identity, role);
	for (size_t i = 0, k = 0; i < role->seal_key_count && !e; i++) {
		uint16_t number = role->seal_keys[i].number;
		if (k < held.count && held.numbers[k] == number)
			k++;
		else
			e = take_file(x, role, number);
	}
	return e;
}

/* What cannot be opened or is not what it should be is passed over, and said. */
static enum err take_message(struct handing *x, const struct log_row *row)
{
	struct node *n = x->node;
	struct rolekey r = {0};
	struct report report;
	char *passphrase = NULL;
	uint8_t *body = NULL;
	size_t length, taken = 0;
	enum err e = log_read_body(x->log, row, &body, &length);

	if (e)
		return e == ERR_MEMORY || e == ERR_IO ? e : ERR_OK;
	report_init(&report);
	e = config_passphrase(n->config, &passphrase, &report);
	if (!e)
		e = rolekey_take(n->identity, &x->header, body, length, x->topology, x->self,
				 passphrase, key_path, n, &r, &taken, &report);
	passphrase_free(passphrase);
	for (size_t i = 0; !e && taken && i < r.count; i++)
		taken_add(n, &r.id, r.numbers[i]);
	if (!e && taken)
		say(LEVEL_INFO, "%zu seal key%s of %s came to this node", taken,
		    taken == 1 ? "" : "s", r.name);
	else if (e && e != ERR_MEMORY)
		status_warn(n, NULL, "keys of a role were handed to this node and not taken: %s",
			    report.count ? report_first(&report) : err_str(e));
	report_clear(&report);
	free(body);
	return e == ERR_MEMORY || e == ERR_FULL || e == ERR_IO ? e : ERR_OK;
}

static bool names_self(const struct handing *x, const struct header *h)
{
	for (size_t i = 0; i < h->recipient_count; i++)
		if (party_id_equal(&h->recipients[i].party, &x->self->id))
			return true;
	return false;
}

/* SPEC 4.13: "A holder takes the keys that accepted messages of kind 7 hand to it, whoever sent
 * them" */
static enum err look_at(struct handing *x, const struct log_row *row)
{
	enum verdict_change change;
	struct log_row again;
	uint64_t lsn;

	if (log_verdict_changed(row, &change, &lsn) && change == VERDICT_RELEASED &&
	    log_read(x->log, lsn, &again) == ERR_OK && again.kind == LOG_MESSAGE)
		row = &again;
	if (row->kind != LOG_MESSAGE || row->length < SIGNATURE_BYTES || row->is_void ||
	    row->verdict != VERDICT_ACCEPTED || row->data[KIND_OFFSET] != KIND_ROLE_KEY ||
	    header_decode(&x->header, row->data, row->length - SIGNATURE_BYTES) != ERR_OK ||
	    party_id_equal(&x->header.origin, &x->self->id) || !names_self(x, &x->header))
		return ERR_OK;
	return take_message(x, row);
}

static enum err next_load(struct handing *x)
{
	struct rolekeys *k = &x->node->rolekeys;
	uint8_t bytes[8];
	size_t n;

	if (k->next)
		return ERR_OK;
	k->next = 1;
	if (remembered_get(x->log, "rolekey/next", bytes, sizeof bytes, &n) == ERR_OK &&
	    n == sizeof bytes)
		k->next = get_u64(bytes);
	k->saved = k->next;
	return ERR_OK;
}

static enum err take(struct handing *x)
{
	struct rolekeys *k = &x->node->rolekeys;
	size_t before = k->count;
	uint8_t bytes[8];
	enum err e = next_load(x);

	for (uint64_t rows = 1; !e; rows++) {
		struct log_row row = {0};
		if (rows % ROWS_A_TIME == 0)
			e = log_reader_renew(x->log);
		if (!e)
			e = log_read_from(x->log, k->next, &row);
		if (e == ERR_DAMAGED && row.lsn >= k->next)
			e = ERR_OK;
		else if (!e)
			e = look_at(x, &row);
		if (!e)
			k->next = row.lsn + 1;
	}
	if (e != ERR_NOT_FOUND)
		return e;
	if (k->count == before && k->next < k->saved + SAVED_EVERY)
		return ERR_OK;
	put_u64(bytes, k->next);
	e = value_put(x->node, "rolekey/next", bytes, sizeof bytes);
	if (!e)
		k->saved = k->next;
	return e;
}

/* ---- handing on ---- */

/* What was handed to that holder, and under which name that is remembered. */
static void mark_make(char key[KEY_BYTES], uint8_t mark[MARK_BYTES], const struct rolekey *r,
		      const struct party *holder)
{
	uint8_t name[MARK_BYTES];
	crypto_generichash_state hash;

	crypto_generichash_init(&hash, NULL, 0, sizeof name);
	crypto_generichash_update(&hash, r->id.b, sizeof r->id.b);
	crypto_generichash_update(&hash, holder->id.b, sizeof holder->id.b);
	crypto_generichash_final(&hash, name, sizeof name);
	memcpy(key, "rolekey/", 8);
	hex_encode(key + 8, name, sizeof name);
	crypto_generichash_init(&hash, NULL, 0, MARK_BYTES);
	for (size_t i = 0; i < r->count; i++) {
		uint8_t number[2] = {(uint8_t)(r->numbers[i] >> 8), (uint8_t)r->numbers[i]};
		crypto_generichash_update(&hash, number, sizeof number);
	}
	crypto_generichash_final(&hash, mark, MARK_BYTES);
}

static bool letter_make(struct handing *x, const struct party *holder)
{
	struct recipients to;
	const char *words[] = {holder->name};
	struct recipients_query q = {.topology = x->topology,
				     .self = x->self,
				     .words = words,
				     .word_count = 1,
				     .tlp = TLP_RED};
	bool made;

	if (recipients_resolve(&to, &q, NULL) != ERR_OK)
		return false;
	made = recipients_letter(&x->letter, &to, x->self, 0);
	recipients_clear(&to);
	if (made)
		directory_renew(x->node->directory, x->topology, &x->letter);
	return made;
}

/* SPEC 4.13: "The first holder of a role hands its seal keys to every other" */
static enum err hand(struct handing *x, const struct rolekey *r, const struct party *holder)
{
	struct node *n = x->node;
	struct draft draft = {.kind = KIND_ROLE_KEY,
			      .tlp = TLP_RED,
			      .no_forward = true,
			      .body = (const uint8_t *)r,
			      .body_length = sizeof *r};
	struct message_id id;
	char key[KEY_BYTES];
	uint8_t mark[MARK_BYTES];
	enum err e;

	mark_make(key, mark, r, holder);
	if (value_is(x->log, key, mark, sizeof mark) || !letter_make(x, holder))
		return ERR_OK;
	draft.expiry = node_expiry(n, x->topology->policy.expiry_days[TLP_RED] * 24);
	e = node_publish_letter(n, x->topology, &x->letter, &draft, 1, &id, NULL);
	if (!e)
		e = value_put(n, key, mark, sizeof mark);
	if (!e)
		say(LEVEL_INFO, "%zu seal key%s of %s handed to %s", r->count,
		    r->count == 1 ? "" : "s", r->name, holder->name);
	return e;
}

static enum err hand_all(struct handing *x, const struct party *role)
{
	struct rolekey r;
	enum err e = ERR_OK;

	if (role->holders[0] != topology_index(x->topology, x->self) ||
	    !x->topology->policy.author_sealed)
		return ERR_OK;
	rolekey_held(&r, x->node->identity, role);
	for (size_t i = 1; r.count && i < role->holder_count && !e; i++)
		e = hand(x, &r, &x->topology->parties[role->holders[i]]);
	/* This node may not speak now; it will. */
	return e == ERR_NOT_ALLOWED || e == ERR_STATE ? ERR_OK : e;
}

enum err duty_rolekeys(struct node *n, uint64_t now, uint64_t *next)
{
	struct handing *x = NULL;
	const struct topology *t = versions_newest(n->versions);
	const struct party *self = t ? topology_party(t, n->config->node) : NULL;
	enum err e = ERR_OK;

	if (!self || self->kind != PARTY_NODE || self->left || !self->role_count)
		return ERR_OK;
	x = calloc(1, sizeof *x);
	if (!x)
		return ERR_MEMORY;
	*x = (struct handing){.node = n, .topology = t, .self = self};
	e = log_reader_open(&x->log, n->log);
	for (size_t i = 0; i < self->role_count && !e; i++)
		e = take_files(x, &t->parties[self->roles[i]]);
	if (!e)
		e = take(x);
	for (size_t i = 0; i < self->role_count && !e; i++)
		e = hand_all(x, &t->parties[self->roles[i]]);
	log_reader_close(x->log);
	free(x);
	if (*next > now + LATER_MS)
		*next = now + LATER_MS;
	return e;
}
