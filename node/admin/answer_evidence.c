/* evidence: numbers that were used twice, and the file that proves it. */
#include <stdlib.h>
#include <string.h>

#include "node/admin/answer.h"
#include "node/duty/evidence_book.h"

enum { DIGITS_MIN = 4 };

/* An entry of the book, open. */
struct proof {
	struct evidence evidence;
	struct header header, second;
	struct message_id ids[2];
};

static enum err proof_open(struct proof *p, struct answer *a, const struct evidence_entry *entry)
{
	enum err e = evidence_book_open(&p->evidence, a->log, entry);

	for (int i = 0; i < 2 && !e; i++) {
		const struct evidence_part *part = &p->evidence.parts[i];
		e = header_decode(i ? &p->second : &p->header, part->header, part->length);
		p->ids[i] = message_id_of(part->header, part->length);
	}
	return e;
}

/* Evidence is named by the id of the message that came second. */
static void proof_show(struct answer *a, const struct proof *p, const struct evidence_entry *entry)
{
	const struct header *h = &p->header;
	struct audience_id all = audience_all();
	struct text *t = &a->reply;
	char name[PARTY_TEXT_BYTES];

	text_str(t, "{");
	admin_put_hex(t, "id", p->ids[1].b, MESSAGE_ID_BYTES);
	admin_put_string(t, "node", answer_party(a, name, &h->origin));
	if (memcmp(h->audience.b, all.b, AUDIENCE_ID_BYTES) == 0)
		admin_put_string(t, "audience", "all");
	else
		admin_put_hex(t, "audience", h->audience.b, AUDIENCE_ID_BYTES);
	admin_put_name(t, "incarnation"); /* 64 bits are no JSON number */
	text_format(t, "\"%016llx\"", (unsigned long long)h->incarnation);
	admin_put_number(t, "sequence", h->sequence);
	admin_put_name(t, "messages");
	text_str(t, "[");
	admin_put_hex(t, NULL, p->ids[0].b, MESSAGE_ID_BYTES);
	admin_put_hex(t, NULL, p->ids[1].b, MESSAGE_ID_BYTES);
	text_str(t, "]");
	admin_put_time(t, "seen", entry->at);
	text_str(t, "}");
}

static enum err list(struct answer *a, const struct evidence_book *b, struct proof *p)
{
	struct page page;
	enum err e = ERR_OK;

	page_open(&page, a);
	if (!admin_request_done(&a->request))
		return ERR_FORMAT;
	for (size_t i = 0; i < b->count && !page_full(&page) && !e; i++) {
		if (b->entries[i].lsn < page.at)
			continue;
		page.at = b->entries[i].lsn + 1;
		e = proof_open(p, a, &b->entries[i]);
		if (!e) {
			page_line(&page);
			proof_show(a, p, &b->entries[i]);
		}
		/* What the disk has lost is check-store's to name. */
		if (e == ERR_DAMAGED)
			e = ERR_OK;
		page.ended = i + 1 == b->count;
	}
	page.ended = page.ended || b->count == 0 || page.at > b->entries[b->count - 1].lsn;
	page_close(&page, false);
	return e;
}

static bool is_named(const struct proof *p, const char *id)
{
	char hex[2 * MESSAGE_ID_BYTES + 1];

	for (int i = 0; i < 2; i++) {
		if (strncmp(hex_encode(hex, p->ids[i].b, MESSAGE_ID_BYTES), id, strlen(id)) == 0)
			return true;
	}
	return false;
}

static enum err give(struct answer *a, const struct proof *p, const struct evidence_entry *entry)
{
	struct text file;
	char name[PARTY_TEXT_BYTES];

	text_init(&file);
	evidence_write(&file, &p->evidence, answer_party(a, name, &p->header.origin));
	text_str(&file, "\n");
	if (file.bad) {
		text_clear(&file);
		return ERR_MEMORY;
	}
	a->frame = (uint8_t *)file.at;
	a->frame_length = file.length;
	admin_put_name(&a->reply, "evidence");
	proof_show(a, p, entry);
	return ERR_OK;
}

static enum err one(struct answer *a, const struct evidence_book *b, struct proof *p,
		    const char *id)
{
	const struct evidence_entry *found = NULL;

	a->where = id;
	if (!admin_request_done(&a->request))
		return ERR_FORMAT;
	if (strlen(id) < DIGITS_MIN) {
		report_add(&a->report, "at least %d digits of an id are wanted", DIGITS_MIN);
		return ERR_FORMAT;
	}
	for (size_t i = 0; i < b->count; i++) {
		if (proof_open(p, a, &b->entries[i]) != ERR_OK || !is_named(p, id))
			continue;
		found = &b->entries[i];
		break;
	}
	if (found)
		return give(a, p, found);
	report_add(&a->report, "no evidence about a message whose id begins with \"%s\"", id);
	a->advice = "khabar evidence list";
	return ERR_NOT_FOUND;
}

enum err answer_evidence(struct answer *a)
{
	const char *id = admin_string(&a->request, "id");
	struct evidence_book *b = malloc(sizeof *b);
	struct proof *p = malloc(sizeof *p);
	enum err e = b && p && answer_no_frames(a) ? ERR_OK : ERR_FORMAT;

	if (!b || !p)
		e = ERR_MEMORY;
	if (!e)
		e = log_reader_renew(a->log);
	if (!e)
		e = evidence_book_read(b, a->log);
	if (!e)
		e = id ? one(a, b, p, id) : list(a, b, p);
	free(b);
	free(p);
	return e;
}
