#include "protocol/forward.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "protocol/audience.h"
#include "protocol/bytes.h"
#include "protocol/recipients.h"

/* ---- bytes ---- */

bool reason_valid(const char *reason, size_t n)
{
	if (n > REASON_MAX_BYTES || (n && u8_check((const uint8_t *)reason, n)))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)reason[i] < 0x20 || reason[i] == 0x7f)
			return false;
	return true;
}

void forward_write(struct text *out, const struct forward *f)
{
	const struct message_view *m = &f->message;

	text_add(out, (const char *)m->header, m->header_length);
	text_add(out, (const char *)m->signature, SIGNATURE_BYTES);
	text_add(out, (const char *)m->body, m->body_length);
	text_add(out, f->reason.at, f->reason.length);
}

/* SPEC 5.10: "The reason is what is left" */
static enum err reason_read(struct forward *f, struct reader *r)
{
	size_t n = r->left;

	if (n > REASON_MAX_BYTES)
		return ERR_LIMIT;
	f->reason = (struct slice){(const char *)read_ref(r, n), n};
	return reason_valid(f->reason.at, n) ? ERR_OK : ERR_FORMAT;
}

enum err forward_read(struct forward *f, struct header *original, const uint8_t *in, size_t n)
{
	struct message_view *m = &f->message;
	size_t length = header_peek_length(in, n);
	struct reader r;
	enum err e;

	*f = (struct forward){0};
	if (n < HEADER_FIXED_BYTES)
		return ERR_TRUNCATED;
	if (length == 0)
		return ERR_FORMAT;
	e = length > n ? ERR_TRUNCATED : header_decode(original, in, length);
	if (e)
		return e;
	reader_init(&r, in, n);
	m->header_length = length;
	m->header = read_ref(&r, length);
	m->signature = read_ref(&r, SIGNATURE_BYTES);
	m->body_length = original->body_length;
	m->body = read_ref(&r, m->body_length);
	return r.bad ? ERR_TRUNCATED : reason_read(f, &r);
}

/* ---- rules ---- */

const char *forward_forbidden(const struct header *original)
{
	/* SPEC 5.10: "a forward hands on a post that is sealed, and nothing else" */
	if (original->kind == KIND_FORWARD)
		return "a forward itself, and a forward is not passed on";
	if (original->kind != KIND_POST)
		return "no post, and only posts are passed on";
	if (!(original->flags & FLAG_SEALED))
		return "for everyone, and needs no passing on";
	/* SPEC 5.10: "TLP:AMBER+STRICT and TLP:RED are never handed on, nor is what has the flag
	 * no-forward." */
	if (original->tlp > TLP_AMBER)
		return original->tlp == TLP_RED ? "TLP:RED, which is never passed on"
						: "TLP:AMBER+STRICT, which is never passed on";
	if (original->flags & FLAG_NO_FORWARD)
		return "marked no-forward by its author";
	return NULL;
}

bool forward_may_reach(const struct topology *t, const struct party *forwarder,
		       const struct party *to, enum tlp tlp)
{
	/* SPEC 5.10: "TLP:CLEAR and TLP:GREEN may be handed to any party, TLP:AMBER only to parties
	 * below the forwarder or below a role that it holds" */
	return tlp < TLP_AMBER || recipients_below(t, forwarder, to);
}

static bool wrong(char why[FORWARD_WHY_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool wrong(char why[FORWARD_WHY_BYTES], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, FORWARD_WHY_BYTES, format, args);
	va_end(args);
	return false;
}

bool forward_well_made(const struct forward_case *c, char why[FORWARD_WHY_BYTES])
{
	const struct header *h = c->header, *o = c->original;
	const struct message_view *m = &c->forward->message;

	if (!(h->flags & FLAG_SEALED))
		return wrong(why, "it is a forward and not sealed");
	if (forward_forbidden(o))
		return wrong(why, "what it hands on is %s", forward_forbidden(o));
	if (h->tlp != o->tlp || h->expiry != o->expiry)
		return wrong(why, "it does not have the TLP and the expiry of what it hands on");
	if (memcmp(h->network.b, o->network.b, NETWORK_ID_BYTES) != 0)
		return wrong(why, "what it hands on belongs to another federation");
	if (o->topology > h->topology)
		return wrong(why, "what it hands on is of a later topology version");
	if (header_violation(o) || !header_audience_valid(o))
		return wrong(why, "what it hands on is no proper message");
	if (!message_body_matches(o, m->body, m->body_length))
		return wrong(why, "what it hands on has another body than its author gave it");
	return true;
}

/* Who wrote it, by the version that it names, and that this still counts where it is handed on. */
static bool is_its_authors(const struct forward_case *c, char why[FORWARD_WHY_BYTES])
{
	const struct header *o = c->original;
	const struct message_view *m = &c->forward->message;
	const struct party *then = topology_party_by_id(c->then, &o->origin);
	const struct party *now = topology_party_by_id(c->now, &o->origin);
	const struct sign_key *key = then ? party_sign_key(then, o->sign_key) : NULL;
	struct message_id id = message_id_of(m->header, m->header_length);

	if (!key || then->kind != PARTY_NODE ||
	    !message_signature_valid(&id, m->signature, key->key))
		return wrong(why, "what it hands on is not signed by its author");
	key = now ? party_sign_key(now, o->sign_key) : NULL;
	/* SPEC 5.10: "the original's origin has not left, its sign key is not revoked, and it is
	 * not void" */
	if (!now || now->left)
		return wrong(why, "the author of what it hands on had left the federation");
	if (!key || key->revoked)
		return wrong(why, "what it hands on is signed with a key that was revoked");
	if (topology_voids(c->now, &o->origin, o->sign_key, o->incarnation))
		return wrong(why, "what it hands on is void");
	return true;
}

static bool reaches_whom_it_may(const struct forward_case *c, const struct party *forwarder,
				char why[FORWARD_WHY_BYTES])
{
	const struct header *h = c->header;

	for (size_t i = 0; i < h->recipient_count; i++) {
		const struct party *to = topology_party_by_id(c->now, &h->recipients[i].party);

		if (to == forwarder)
			continue;
		if (!to)
			return wrong(why, "it goes to a party that nobody knows");
		if (!forward_may_reach(c->now, forwarder, to, (enum tlp)h->tlp))
			return wrong(why, "TLP:%s goes on only to parties below %s, and %s is not",
				     tlp_str((enum tlp)h->tlp), forwarder->name, to->name);
	}
	return true;
}

bool forward_allowed(const struct forward_case *c, char why[FORWARD_WHY_BYTES])
{
	const struct party *forwarder = topology_party_by_id(c->now, &c->header->origin);

	if (!is_its_authors(c, why))
		return false;
	if (!forwarder)
		return wrong(why, "it is a forward of a party that nobody knows");
	/* SPEC 5.10: "the forwarder is a reader of the original (5.1) and not its origin" */
	if (party_id_equal(&c->header->origin, &c->original->origin) ||
	    !audience_reads(c->now, forwarder, c->original))
		return wrong(why, "%s hands on what was not sent to it", forwarder->name);
	return reaches_whom_it_may(c, forwarder, why);
}
