/* What a fold of content gathers before it touches a table; nobody but the fold includes it. */
#ifndef NODE_INDEX_BATCH_H
#define NODE_INDEX_BATCH_H

#include "node/store/index_parts.h"
#include "protocol/stix.h"

/* The sheets of rows. */
enum { OBJECTS, VALUES, RECEIPTS, CARDS, INCIDENTS, FORWARDS, WAITS, UNREADS, READS, HELD, SHEETS };

enum {
	VALUE_RECORD_BYTES = VALUE_BYTES + 2, /* and its length's place */
	RECEIPT_RECORD_BYTES = RECEIPT_KEY_BYTES + RECEIPT_VALUE_BYTES,
	CARD_RECORD_BYTES = CARD_KEY_BYTES + CARD_VALUE_BYTES,
	INCIDENT_RECORD_BYTES = INCIDENT_KEY_BYTES + HASH_KEY_BYTES,
	HELD_RECORD_BYTES = 8 + 1 + HELD_TEXT_MAX,
};

/* Everything that is made is made again to be taken out, for the same message by the same rules: so
 * that must not depend on other messages.  To remove what is not there is no error. */
struct batch {
	const struct folding *f;
	MDB_txn *txn;
	uint64_t from;             /* folded up to here before */
	struct sheet made[SHEETS]; /* rows of what is new */
	struct sheet gone[SHEETS]; /* rows that what is recalled or expires now had made */
	struct sheet *to;          /* one of the two */
	bool forwarded;            /* what is added is of a forward */
	bool original_gone;        /* to is gone, for the sake of what a forward hands on */
	bool again;                /* of what is made, some may have been made before */
	bool crowded;              /* see struct folded */
	size_t retried;      /* of what waited for a topology version; nothing else is taken */
	struct sheet erase;  /* positions, and what of them may go */
	uint32_t floor;      /* hours: what expires before was purged */
	uint64_t read_until; /* position: it was said that everything up to there was looked at */
	size_t messages, bytes;
	struct unpacker *unpacker; /* or NULL */
	struct header header, recall, original;
	struct observable found[OBSERVABLES_PER_OBJECT_MAX];
};

struct batch *batch_new(const struct folding *f);
void batch_free(struct batch *b);
struct folded batch_folded(const struct batch *b);
/* Adds to the sheets b->to the rows that the message makes; its header is in b->header. */
enum err batch_make(struct batch *b, const struct log_row *row);
/* A row whose id stands elsewhere repeats an earlier one. */
enum err batch_repeats(const struct batch *b, const struct log_row *row, bool *repeats);
/* Adds what a message that is met on the way through the log makes, or takes out. */
enum err batch_take(struct batch *b, const struct log_row *row);
/* Takes the message again whose verdict has changed. */
enum err batch_verdict(struct batch *b, const struct log_row *fact);
/* Sets a message aside, with the reason; nothing ever stops the fold. */
enum err batch_hold(struct batch *b, uint64_t lsn, const char *why);
/* The body of a receipt; a post that asks for receipts.  Those rows go in and out like others. */
enum err batch_receipt(struct batch *b, const struct log_row *row, const char *json, size_t n);
enum err batch_asks(struct batch *b, const struct log_row *row);
int receipts_put(struct batch *b);
enum err batch_beacon(struct batch *b, const struct log_row *row, const char *json, size_t n);
/* The body of a card. */
enum err batch_card(struct batch *b, const struct log_row *row, const char *json, size_t n);
int cards_put(struct batch *b);
/* What a post says of an incident, if anything.  ERR_FORMAT: why, in at most HELD_TEXT_MAX. */
enum err batch_incident(struct batch *b, const struct log_row *row, const struct post *post,
			char why[HELD_TEXT_MAX + 1]);
/* A post of somebody else, which is in b->header, is to be looked at by people; who has done so. */
enum err batch_unread(struct batch *b, const struct log_row *row, const struct post *post);
enum err batch_read(struct batch *b, const struct log_row *fact);
/* What was made from the message is taken out: its mark goes, too. */
enum err batch_unmark(struct batch *b, const struct log_row *row);
int unread_put(struct batch *b);
/* index_objects.c: the packed tables. */
int objects_change(struct batch *b, struct content_mark *mark);
int values_change(struct batch *b);
/* Rows that are what their sheet says go into the table, and out of it. */
int batch_change(struct batch *b, int sheet, MDB_dbi table, size_t key_bytes);
/* The rows that a post makes, whose header is in b->header. */
enum err batch_post(struct batch *b, const struct log_row *row, const char *json, size_t n);
/* The same for a forward; b->header is then that of the message it hands on. */
enum err batch_forward(struct batch *b, const struct log_row *row);
/* The recall in b->recall takes something back: takes out what forwards of that have made. */
enum err batch_recall_forwards(struct batch *b);
/* Folds again what was held for the sake of a topology version that has come since. */
enum err batch_retry(struct batch *b);
/* The message of that id and header is recalled, as far as headers are folded. */
enum err batch_recalled(struct batch *b, const struct header *h, const struct message_id *id,
			bool *yes);
/* True when what stands there was folded before this batch, and is not recalled itself. */
bool batch_was_folded(const struct batch *b, uint64_t lsn);
/* The message whose header is in b->header is a recall: takes out what its target has made. */
enum err batch_recall(struct batch *b);
/* Its body may go, if there is one. */
enum err batch_erase(struct batch *b, const struct log_row *row);
/* All of it may go. */
enum err batch_expire(struct batch *b, const struct log_row *row);

/* Puts everything into the tables, with the mark. */
enum err batch_put(struct batch *b, struct content_mark *mark);
/* Puts the positions to be erased, and forgets those of what has gone. */
int erase_put(struct batch *b);

#endif
