#include "node/duty/forwarding.h"

#include <stdlib.h>
#include <string.h>

#include "node/store/content.h"
#include "node/store/restored.h"
#include "protocol/audience.h"

static enum err refuse(struct forwarding *f, enum err e, const char *why)
{
	report_add(f->report, "%s", why);
	return e;
}

static const char *origin_name(const struct forwarding *f)
{
	const struct party *p = topology_party_by_id(f->topology, &f->header.origin);

	return p ? p->name : "its author";
}

/* What its readers would hold it for, is not sent. */
static enum err check_author(struct forwarding *f)
{
	const struct header *h = &f->header;
	const struct party *origin = topology_party_by_id(f->topology, &h->origin);
	const struct sign_key *key = origin ? party_sign_key(origin, h->sign_key) : NULL;

	if (!origin || origin->left)
		return refuse(f, ERR_NOT_ALLOWED, "its author has left the federation");
	if (!key || key->revoked ||
	    topology_voids(f->topology, &h->origin, h->sign_key, h->incarnation))
		return refuse(f, ERR_NOT_ALLOWED,
			      "it is signed with a key that has been revoked, or it is void");
	return ERR_OK;
}

static enum err check_header(struct forwarding *f)
{
	const struct header *h = &f->header;
	const char *forbidden = forward_forbidden(h);

	if (f->row.verdict != VERDICT_ACCEPTED)
		return refuse(f, ERR_NOT_ALLOWED, "it is held here: khabar held says why");
	if (party_id_equal(&h->origin, &f->self->id) && h->kind == KIND_POST)
		return refuse(f, ERR_NOT_ALLOWED,
			      "it is this node's own: what it says can be shared with others");
	if (h->kind == KIND_FORWARD) {
		report_add(f->report,
			   "it came here as a forward of %s, and is not passed on: ask the author "
			   "of what it brought",
			   origin_name(f));
		return ERR_NOT_ALLOWED;
	}
	if (forbidden) {
		report_add(f->report, "it is %s", forbidden);
		return ERR_NOT_ALLOWED;
	}
	if (!audience_reads(f->topology, f->self, h))
		return refuse(f, ERR_NOT_ALLOWED,
			      "it was not sent to this node, which only carries it");
	return check_author(f);
}

static enum err check_life(struct forwarding *f)
{
	struct node_status *status = malloc(sizeof *status);
	struct header recall;
	uint64_t lsn;
	bool expired;
	enum err e;

	if (!status)
		return ERR_MEMORY;
	node_status(f->node, status);
	expired = f->header.expiry < status->floor || f->header.expiry < status->hour;
	free(status);
	if (expired)
		return refuse(f, ERR_EXPIRED, "it has expired");
	if (restored_hides(f->log, f->row.lsn, &f->header))
		return refuse(f, ERR_NOT_ALLOWED,
			      "it was restored, and waits for reconciliation with a neighbour that "
			      "carries it");
	e = index_recall(f->index, f->log, &f->header, &f->row.id, &recall, &lsn);
	if (e == ERR_OK)
		return refuse(f, ERR_NOT_ALLOWED, "it has been recalled");
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err open_content(struct forwarding *f)
{
	const struct identity *id = node_identity(f->node);
	char why[CONTENT_WHY_BYTES], held[256];
	enum err e = content_body(id, f->log, &f->row, &f->header, &f->body, &f->body_length, why);

	if (e == ERR_NOT_FOUND)
		return refuse(f, e, "its body is not here, or the key to open it is not");
	if (!e)
		e = content_open(id, &f->header, f->body, f->body_length, &f->json, &f->json_length,
				 why);
	if (e == ERR_FORMAT)
		return refuse(f, ERR_NOT_ALLOWED, why);
	if (!e && index_held(f->index, f->row.lsn, held, sizeof held))
		return refuse(f, ERR_NOT_ALLOWED, held);
	return e;
}

enum err forwarding_take(struct forwarding *f, uint64_t lsn)
{
	size_t n;
	enum err e = log_read(f->log, lsn, &f->row);

	f->body = NULL;
	f->json = NULL;
	if (e)
		return e;
	n = header_peek_length(f->row.data, f->row.length);
	if (f->row.kind != LOG_MESSAGE || n > f->row.length ||
	    header_decode(&f->header, f->row.data, n) != ERR_OK)
		return ERR_DAMAGED;
	e = check_header(f);
	if (!e)
		e = check_life(f);
	/* The index has moved the log's reader. */
	if (!e)
		e = log_read(f->log, lsn, &f->row);
	return e ? e : open_content(f);
}

void forwarding_clear(struct forwarding *f)
{
	free(f->body);
	free(f->json);
	f->body = NULL;
	f->json = NULL;
}

/* ---- to whom ---- */

static bool names(const struct header *h, const struct party_id *id)
{
	for (size_t i = 0; i < h->recipient_count; i++)
		if (party_id_equal(&h->recipients[i].party, id))
			return true;
	return false;
}

/* This node has handed it to that party before, and not taken it back. */
static enum err handed_before(struct forwarding *f, const struct party *p, bool *yes)
{
	uint64_t at = 0, lsn, recalled;
	struct header *recall = malloc(sizeof *recall);
	struct log_row row;
	enum err e = recall ? ERR_OK : ERR_MEMORY;

	*yes = false;
	while (!e && !*yes && (e = index_forwards(f->index, &f->row.id, &at, &lsn)) == ERR_OK) {
		e = log_read(f->log, lsn, &row);
		if (e || header_decode(&f->other, row.data, row.length - SIGNATURE_BYTES) ||
		    !party_id_equal(&f->other.origin, &f->self->id) || !names(&f->other, &p->id))
			continue;
		e = index_recall(f->index, f->log, &f->other, &row.id, recall, &recalled);
		*yes = e == ERR_NOT_FOUND;
		if (*yes)
			e = ERR_OK;
	}
	free(recall);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err has_it(struct forwarding *f, const struct party *p, bool *yes)
{
	*yes = names(&f->header, &p->id) || audience_reads(f->topology, p, &f->header);
	return *yes ? ERR_OK : handed_before(f, p, yes);
}

enum err forwarding_address(struct forwarding *f, struct recipients *to, const struct party **had,
			    size_t *had_count)
{
	enum err e = ERR_OK, refused = ERR_OK;
	size_t kept = 0;
	bool has;

	*had_count = 0;
	for (size_t i = 0; !e && i < to->count; i++) {
		const struct party *p = to->chosen[i].party;

		e = has_it(f, p, &has);
		if (e || has) {
			had[*had_count] = p;
			*had_count += !e;
			continue;
		}
		if (!forward_may_reach(f->topology, f->self, p, (enum tlp)f->header.tlp)) {
			report_add(f->report,
				   "%s is not below %s: TLP:%s is passed on only to parties below "
				   "who passes it on",
				   p->name, f->self->name, tlp_str((enum tlp)f->header.tlp));
			refused = ERR_NOT_ALLOWED;
		}
		to->chosen[kept++] = to->chosen[i];
	}
	to->count = kept;
	if (e || refused || kept)
		return e ? e : refused;
	return refuse(f, ERR_NOT_ALLOWED, "everybody who is named has it already");
}

/* ---- doing it ---- */

enum err forwarding_send(struct forwarding *f, const struct recipients *to, struct slice reason,
			 struct message_id *ids)
{
	struct forward forward = {.reason = reason};
	struct draft draft = {.kind = KIND_FORWARD,
			      .tlp = (enum tlp)f->header.tlp,
			      .priority = f->header.priority,
			      .expiry = f->header.expiry,
			      .ref = f->row.id};
	struct text bytes;
	enum err e = log_read(f->log, f->row.lsn, &f->row);

	if (e)
		return e;
	forward.message = (struct message_view){.header = f->row.data,
						.header_length = header_size(&f->header),
						.body = f->body,
						.body_length = f->body_length};
	forward.message.signature = f->row.data + forward.message.header_length;
	text_init(&bytes);
	forward_write(&bytes, &forward);
	draft.body = (const uint8_t *)bytes.at;
	draft.body_length = bytes.length;
	e = bytes.bad ? ERR_MEMORY
		      : node_publish(f->node, f->topology, to, &draft, 1, ids, f->report);
	text_clear(&bytes);
	return e;
}
