/* One beacon: what was said to an audience, summed up, and sent to it. */
#include <stdlib.h>
#include <string.h>

#include "node/duty/audit_chain.h"
#include "node/duty/beacons.h"
#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/beacon.h"
#include "protocol/body.h"

enum { BEACON_DAYS = 30, DAY_HOURS = 24 };

struct saying {
	struct node *node;
	const struct topology *topology;
	uint64_t until;       /* the last position that counts of former incarnations */
	struct header header; /* of a message to the same audience */
	struct letter letter;
	struct beacon_sum *sum;
	struct beacon beacon;
	enum err e;
};

static bool sum_add(void *arg, const struct sequence_at *at)
{
	struct saying *s = arg;
	const struct beacon_said said = {.incarnation = at->place.incarnation,
					 .sequence = at->place.sequence,
					 .at = at->lsn,
					 .expiry = at->expiry};

	if (said.incarnation != s->node->author.incarnation && at->lsn > s->until)
		return true;
	s->e = beacon_sum_add(s->sum, &said);
	return s->e == ERR_OK;
}

static enum err sum_up(struct saying *s, struct index_reader *index)
{
	const struct place first = {0, 0}, last = {UINT64_MAX, UINT64_MAX};
	struct stream stream = {.audience = s->letter.audience};
	enum err e;

	stream.origin =
		party_id_of(&s->topology->network, identity_public(s->node->identity)->name);
	s->sum = beacon_sum_new(node_hour(s->node));
	if (!s->sum)
		return ERR_MEMORY;
	e = index_sequences(index, &stream, &first, &last, sum_add, s);
	if (!e)
		e = s->e;
	if (!e)
		beacon_sum_up(s->sum, &s->beacon);
	return e;
}

/* To whoever got the message at lsn; to everybody where that is 0. */
static enum err letter_make(struct saying *s, struct log_reader *log, uint64_t lsn)
{
	const struct seal_book book = directory_book(s->node->directory);
	const struct topology *then;
	struct party_id missing;
	struct chain known;
	struct log_row row;
	enum err e = ERR_OK;
	bool made;

	s->letter.audience = audience_all();
	if (lsn)
		e = log_read(log, lsn, &row);
	if (!e && lsn && (row.kind != LOG_MESSAGE || row.length < SIGNATURE_BYTES))
		e = ERR_NOT_FOUND;
	if (!e && lsn)
		e = header_decode(&s->header, row.data, row.length - SIGNATURE_BYTES);
	if (e)
		return e == ERR_MEMORY || e == ERR_IO ? e : ERR_UNKNOWN_PARTY;
	if (!lsn || s->header.recipient_count == 0)
		return ERR_OK;
	e = versions_known(s->node->versions, &known);
	if (e)
		return e;
	then = chain_version(&known, s->header.topology);
	made = recipients_letter_again(&s->letter, s->topology, &book, then, &s->header, &missing);
	free(known.versions);
	return made ? ERR_OK : ERR_UNKNOWN_PARTY;
}

/* SPEC 5.11: "It expires after 30 days, or after the policy's days for its TLP (4.2) where these
 * are fewer." */
static uint32_t expiry_of(struct node *n, const struct topology *t, enum tlp tlp)
{
	uint32_t days = t->policy.expiry_days[tlp];

	return node_expiry(n, (days < BEACON_DAYS ? days : BEACON_DAYS) * DAY_HOURS);
}

static enum err publish(struct saying *s, const struct message_id *ref, struct message_id *id)
{
	enum tlp tlp = s->letter.count ? TLP_AMBER : TLP_GREEN;
	struct draft draft = {.kind = KIND_BEACON, .tlp = tlp, .ref = *ref};
	struct text json;
	uint8_t *body = NULL;
	enum err e;

	text_init(&json);
	beacon_write(&json, &s->beacon);
	e = json.bad ? ERR_MEMORY : body_pack(&body, &draft.body_length, json.at, json.length);
	draft.body = body;
	draft.expiry = expiry_of(s->node, s->topology, tlp);
	if (!e)
		e = node_publish_letter(s->node, s->topology, &s->letter, &draft, 1, id, NULL);
	free(body);
	text_clear(&json);
	return e;
}

enum err beacon_say(struct node *n, struct log_reader *log, struct index_reader *index,
		    uint64_t lsn, const struct message_id *ref, struct message_id *id)
{
	struct saying *s = calloc(1, sizeof *s);
	char hex[2 * MESSAGE_ID_BYTES + 1];
	enum err e;

	if (!s)
		return ERR_MEMORY;
	s->node = n;
	s->topology = versions_newest(n->versions);
	/* SPEC 5.11: "Of former incarnations it tells what the node's store held when the daemon
	 * was started" */
	s->until = lsn ? UINT64_MAX : n->restoring.opened;
	e = s->topology ? letter_make(s, log, lsn) : ERR_NOT_ALLOWED;
	if (!e)
		e = sum_up(s, index);
	/* SPEC 5.11: "One for everyone tells of the author's audit (9.2), once that has a row" */
	if (!e && s->letter.count == 0)
		e = audit_head_read(&s->beacon.audit, log);
	if (!e)
		e = publish(s, ref, id);
	if (!e)
		say(LEVEL_DEBUG, "%s to %s was sent: message %s",
		    lsn ? "a beacon" : "the heartbeat",
		    s->letter.count ? "an audience" : "everyone",
		    hex_encode(hex, id->b, MESSAGE_ID_BYTES));
	beacon_sum_free(s->sum);
	free(s);
	return e;
}
