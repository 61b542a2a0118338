#include "protocol/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/forward.h"

static const char *const states[RECEIPT_STATES] = {
	[RECEIPT_STORED] = "stored",      [RECEIPT_CANNOT_OPEN] = "cannot-open",
	[RECEIPT_OPENED] = "opened",      [RECEIPT_ACKNOWLEDGED] = "acknowledged",
	[RECEIPT_DEPLOYED] = "deployed",  [RECEIPT_ERASED] = "erased",
	[RECEIPT_FORWARDED] = "forwarded"};

static const char *const reasons[REASON_COUNT] = {
	[REASON_GONE] = "gone", [REASON_WRAP] = "wrap", [REASON_BODY] = "body"};

const char *receipt_state_str(enum receipt_state state)
{
	return state >= RECEIPT_STORED && state < RECEIPT_STATES ? states[state] : "unknown";
}

const char *receipt_reason_str(enum receipt_reason reason)
{
	return reason < REASON_COUNT ? reasons[reason] : NULL;
}

/* The place of the word in the list, 0 when it is not there. */
static unsigned word_find(const char *const *words, unsigned n, const char *word)
{
	for (unsigned i = 1; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return 0;
}

/* ---- reading ---- */

static const char *member(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* The names of the new readers go to the end of r->names, of which used are taken. */
static bool names_read(struct statement *s, struct receipt *r, size_t *used, const cJSON *json)
{
	const cJSON *to = cJSON_GetObjectItemCaseSensitive(json, "to"), *name;
	size_t first = *used;

	if (!cJSON_IsArray(to) || cJSON_GetArraySize(to) > STATEMENT_NAMES_MAX)
		return false;
	cJSON_ArrayForEach(name, to)
	{
		if (!cJSON_IsString(name) || !name_valid(name->valuestring))
			return false;
		r->names[(*used)++] = name->valuestring;
	}
	s->to = r->names + first;
	s->to_count = *used - first;
	return s->to_count > 0;
}

static bool forwarded_read(struct statement *s, struct receipt *r, size_t *used, const cJSON *json,
			   const char **why)
{
	const cJSON *because = cJSON_GetObjectItemCaseSensitive(json, "because");

	s->because = cJSON_GetStringValue(because);
	*why = "\"because\" is not a line of text";
	if (because && (!s->because || !reason_valid(s->because, strlen(s->because))))
		return false;
	*why = "\"to\" is not a list of 1 to 255 names";
	return names_read(s, r, used, json);
}

/* False, with *why, when it is none. */
static bool statement_read(struct statement *s, struct receipt *r, size_t *used, const cJSON *json,
			   const char **why)
{
	const char *message = member(json, "message"), *state = member(json, "state");
	const char *at = member(json, "at"), *reason = member(json, "reason");

	*s = (struct statement){0};
	*why = "\"message\" is not the id of a message";
	if (!message || !hex_decode(s->message.b, sizeof s->message.b, message))
		return false;
	*why = "\"at\" is not a time";
	if (!at || !time_parse(&s->at, at))
		return false;
	*why = "\"state\" is not a word";
	if (!state)
		return false;
	s->state = (enum receipt_state)word_find(states, RECEIPT_STATES, state);
	s->reason = reason ? (enum receipt_reason)word_find(reasons, REASON_COUNT, reason)
			   : REASON_NONE;
	*why = "\"reason\" is neither \"gone\" nor \"wrap\" nor \"body\"";
	if (s->state == RECEIPT_CANNOT_OPEN && s->reason == REASON_NONE)
		return false;
	return s->state != RECEIPT_FORWARDED || forwarded_read(s, r, used, json, why);
}

/* How many names there are at most: each is an element of some array. */
static size_t names_room(const cJSON *list)
{
	const cJSON *json;
	size_t n = 0;

	cJSON_ArrayForEach(json, list)
	{
		n += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "to"));
	}
	return n;
}

static enum err statements_read(struct receipt *r, const cJSON *list, struct report *report)
{
	size_t used = 0, number = 0;
	const cJSON *json;
	const char *why;

	cJSON_ArrayForEach(json, list)
	{
		struct statement *s = &r->items[r->count];

		number++;
		if (!statement_read(s, r, &used, json, &why)) {
			report_add(report, "statement %zu of a receipt: %s", number, why);
			return ERR_FORMAT;
		}
		/* SPEC 5.9: "A reader passes over a statement whose state it does not know." */
		r->count += s->state != 0;
	}
	return ERR_OK;
}

enum err receipt_read(struct receipt *r, const char *json, size_t n, struct report *report)
{
	const cJSON *list;
	int count;
	enum err e;

	*r = (struct receipt){0};
	e = json_parse_bounded(&r->json, json, n, BODY_VALUES_MAX, report);
	if (e)
		return e;
	list = cJSON_GetObjectItemCaseSensitive(r->json, "receipts");
	count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
	if (count < 1 || count > STATEMENTS_MAX) {
		report_add(report, "a receipt has 1 to %d statements", STATEMENTS_MAX);
		e = ERR_FORMAT;
	}
	if (!e) {
		r->items = calloc((size_t)count, sizeof *r->items);
		r->names = calloc(names_room(list) + 1, sizeof *r->names);
		e = r->items && r->names ? statements_read(r, list, report) : ERR_MEMORY;
	}
	if (e)
		receipt_clear(r);
	return e;
}

void receipt_clear(struct receipt *r)
{
	free(r->items);
	free(r->names);
	cJSON_Delete(r->json);
	*r = (struct receipt){0};
}

/* ---- writing ---- */

static void statement_write(struct text *out, const struct statement *s)
{
	char id[2 * MESSAGE_ID_BYTES + 1], time[TIME_BYTES];
	const char *reason = receipt_reason_str(s->reason);

	text_format(out, "{\"message\":\"%s\",\"state\":\"%s\",\"at\":\"%s\"",
		    hex_encode(id, s->message.b, sizeof s->message.b), receipt_state_str(s->state),
		    time_format(time, s->at));
	if (s->state == RECEIPT_CANNOT_OPEN && reason)
		text_format(out, ",\"reason\":\"%s\"", reason);
	if (s->state == RECEIPT_FORWARDED) {
		text_str(out, ",\"to\":[");
		for (size_t i = 0; i < s->to_count; i++) {
			text_str(out, i ? "," : "");
			text_json(out, s->to[i]);
		}
		text_str(out, "]");
		if (s->because) {
			text_str(out, ",\"because\":");
			text_json(out, s->because);
		}
	}
	text_str(out, "}");
}

void receipt_write(struct text *out, const struct statement *statements, size_t n)
{
	text_str(out, "{\"receipts\":[");
	for (size_t i = 0; i < n; i++) {
		text_str(out, i ? "," : "");
		statement_write(out, &statements[i]);
	}
	text_str(out, "]}");
}

/* ---- what they come to ---- */

void receipt_fold_add(struct receipt_fold *f, enum receipt_state state, uint64_t at,
		      enum receipt_reason reason)
{
	bool earlier = !f->said[state] || at < f->at[state];

	if (state == RECEIPT_CANNOT_OPEN && (earlier || (at == f->at[state] && reason < f->reason)))
		f->reason = reason;
	if (earlier)
		f->at[state] = at;
	f->said[state] = true;
}

enum receipt_state receipt_fold_state(const struct receipt_fold *f)
{
	/* SPEC 5.9: "The state of a message at a node is the greatest that it has stated, in
	 * whatever order the receipts came" */
	for (enum receipt_state s = RECEIPT_ERASED; s >= RECEIPT_STORED; s--)
		if (f->said[s])
			return s;
	return 0;
}

static bool names_party(const struct header *h, const struct party_id *party)
{
	for (size_t i = 0; i < h->recipient_count; i++)
		if (party_id_equal(&h->recipients[i].party, party))
			return true;
	return false;
}

bool is_reseal(const struct header *h, const struct header *target, const struct message_id *id)
{
	/* SPEC 5.9: "A reseal has its target's id as `ref`, and its target's kind, TLP, flags,
	 * priority, origin, `created` and expiry; its recipients are the origin and one other
	 * recipient of the target." */
	if (!message_id_equal(&h->ref, id) || h->kind != target->kind || h->tlp != target->tlp ||
	    h->flags != target->flags || h->priority != target->priority ||
	    !party_id_equal(&h->origin, &target->origin) || h->created != target->created ||
	    h->expiry != target->expiry || h->recipient_count != 2)
		return false;
	return names_party(target, &h->recipients[0].party) &&
	       names_party(target, &h->recipients[1].party);
}
