/* What the files of the index share; nobody else includes it.
 *
 *     id      message id 32 -> lsn 8
 *     ref     message id 32 | lsn 8 -> nothing; that message refers to this one
 *     object  packed (index_packed.h): H(origin | object id) 12 | modified 6 | message id, first 8
 *                 | number 2 | 1 for the message itself, 0 for a forward of it | ~lsn 6
 *                 | valid until 6 | flags 1
 *     value   packed: H(type | value) 12 | lsn 6 | number 2 | the first 12 bytes of the object's
 *     run     "object", "value" -> the runs of those tables
 *     forward message id 32 | lsn 8 -> nothing; the forward at lsn hands that message on
 *     wait    topology version 4 | lsn 8 -> nothing; the forward at lsn is held until it is known
 *     held    lsn 8 -> why, in words
 *     card    origin 16 | seal key number 2 | sign key 2 | card number 8 | message id 32 -> key 32;
 *                 number 0: the card itself -> lsn 8 | its body's hash, first 24
 *     erase   lsn 8 -> what 1; 0: the message there is recalled, and its body may go; 1: it has
 *             expired, and all of it may go
 *     receipt message id 32 | node 16 | state 1 | lsn 8 | number 2 -> time 8 | reason 1; what that
 *                 node has stated of that message, in the receipt there; state 0: the message
 *                 itself, which asks for receipts
 *     sequence origin 16 | audience 16 | incarnation 8 | sequence 8 | lsn 8 -> expiry 4
 *     reuse   lsn 8 -> lsn 8; the message there has the place of that one, the last before it
 *     beacon  origin 16 | audience 16 | lsn 8 -> nothing; an accepted beacon
 *     incident  message id of what opened it 32 | lsn 8 -> H(its number) 16; that message is an
 *                 event of it
 *     unread  class 1 | lsn 8 -> nothing; what others have said and nobody here has looked at
 *     read    lsn 8 -> how far 1: an enum read_mark
 *     range   audience 16 | expiry 4 | id 32 -> lsn 8, and
 *     trie    audience 16 | depth 1 | prefix -> count 8 | sum 128: see protocol/trie.h
 *     meta    "format" -> u32, "log" -> the log's store id, "key" -> a mark of the store key,
 *             "seals" -> a mark of the seal keys that are held, "headers", "content" -> watermarks,
 *             "read" -> lsn, up to which everything was looked at, "purged" -> hours, "lengths" ->
 * how many values have each length */
#ifndef NODE_INDEX_PARTS_H
#define NODE_INDEX_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/store/index.h"
#include "node/store/index_packed.h"
#include "node/store/store.h"
#include "protocol/bytes.h"
#include "protocol/trie.h"

enum {
	INDEX_FORMAT = 13,
	HASH_KEY_BYTES = 16,
	SHORT_HASH_BYTES = 12,  /* of it, in packed tables */
	SHORT_NUMBER_BYTES = 6, /* there, of a position or a time */
	OBJECT_VERSION_BYTES = SHORT_HASH_BYTES + SHORT_NUMBER_BYTES + 8 + 2,
	OBJECT_BYTES = OBJECT_VERSION_BYTES + 1 + 2 * SHORT_NUMBER_BYTES + 1,
	VALUE_BYTES = SHORT_HASH_BYTES + SHORT_NUMBER_BYTES + 2 + SHORT_HASH_BYTES,
	REF_KEY_BYTES = MESSAGE_ID_BYTES + 8,
	ERASE_RECORD_BYTES = 8 + 1,
	INCIDENT_KEY_BYTES = MESSAGE_ID_BYTES + 8,
	FORWARD_KEY_BYTES = REF_KEY_BYTES, /* for reader_next() */
	WAIT_KEY_BYTES = 4 + 8,
	RECEIPT_KEY_BYTES = MESSAGE_ID_BYTES + PARTY_ID_BYTES + 1 + 8 + 2,
	RECEIPT_VALUE_BYTES = 8 + 1,
	STREAM_BYTES = PARTY_ID_BYTES + AUDIENCE_ID_BYTES, /* what an origin says to an audience */
	SEQUENCE_PLACE_BYTES = STREAM_BYTES + 8 + 8,
	SEQUENCE_KEY_BYTES = SEQUENCE_PLACE_BYTES + 8,
	SEQUENCE_RECORD_BYTES = SEQUENCE_KEY_BYTES + 4,
	BEACON_KEY_BYTES = STREAM_BYTES + 8,
	CARD_KEY_BYTES = PARTY_ID_BYTES + 2 + 2 + 8 + MESSAGE_ID_BYTES,
	CARD_VALUE_BYTES = SEAL_KEY_BYTES,
	UNREAD_KEY_BYTES = 1 + 8,
	READ_RECORD_BYTES = 8 + 1,
	HELD_TEXT_MAX = 240,
	/* Prefix lengths 0..32 and 0..128, and the number of labels of a domain. */
	LENGTHS_IPV4 = 0,
	LENGTHS_IPV6 = LENGTHS_IPV4 + 33,
	LENGTHS_DOMAIN = LENGTHS_IPV6 + 129,
	DOMAIN_LABELS_MAX = 127,
	LENGTHS = LENGTHS_DOMAIN + DOMAIN_LABELS_MAX + 1,
};

enum object_flag { OBJECT_REVOKED = 1, OBJECT_BLOCK = 2, OBJECT_SCAFFOLDING = 4 };

struct index_tables {
	MDB_dbi id, ref, object, value, forward, wait, held, erase, receipt, sequence, reuse,
		beacon, card, incident, unread, read, range, trie, run, meta;
};

struct index_env {
	struct store_env store;
	struct index_tables tables;
};

/* The watermarks, each committed with what it speaks of. */
struct header_mark {
	uint64_t lsn;      /* folded up to here */
	uint64_t rows;     /* messages met on the way */
	uint64_t messages; /* of them accepted or held, each counted once */
};
struct content_mark {
	uint64_t lsn, rows;
	uint64_t objects; /* lineages whose current version is no scaffolding */
	uint64_t held;
};

/* How many messages of a run stand behind a position. */
static inline uint64_t run_rows(const struct log_row *run, uint64_t after)
{
	return run->lsn - (run->first > after ? run->first - 1 : after);
}

/* Topology versions that forwards were judged by: a version never changes. */
struct versions_read {
	struct topology **at; /* owned */
	size_t count;
};
void versions_read_clear(struct versions_read *v);

/* Where a fold reads and writes; the index itself, or a temporary one to compare with. */
struct folding {
	struct index_env *env;
	struct log_reader *reader;
	const struct identity *identity;
	struct versions_read *versions;
	struct filter *filter; /* told of every new value; or NULL */
};

/* What a fold of content has done that others wait for. */
struct folded {
	size_t erasable; /* bodies that may go since */
	size_t cards;    /* rows of cards that came or went */
	size_t rows;     /* of content */
	bool crowded;    /* runs are to be merged before more is folded */
};
/* The index itself, under folding. */
struct folding folding_of(struct index *index);

/* True when a topology version has come that forwards are held for. */
bool waits_over(const struct folding *f);

/* Fold the next batch, up to and with position until; *more when there is more up to there.
 */
enum err fold_headers(const struct folding *f, uint64_t until, struct header_mark *mark,
		      bool *more);
enum err fold_content(const struct folding *f, uint64_t until, struct content_mark *mark,
		      struct folded *folded, bool *more);

/* One step of merging the runs of packed tables; *more when there is another.  Keen: so that
 * look-ups have few of them. */
enum err fold_merge(const struct folding *f, bool keen, bool *more);

/* Says so to whoever waits. */
void folded_tell(struct index *index, const struct folded *folded);

/* Folds content as far as headers are.  The caller holds folding. */
enum err content_catch_up(struct index *index);

/* Opens the tables, makes them in an empty environment.  ERR_NOT_FOUND: the index of another log,
 * or of an earlier format: drop it. */
enum err env_prepare(struct index_env *env, const struct identity *identity,
		     const struct store_id *log, const char *dir, struct report *report);
enum err env_drop(struct index_env *env);
int mark_read_headers(MDB_txn *txn, MDB_dbi meta, struct header_mark *mark);
int headers_write(MDB_txn *txn, MDB_dbi meta, const struct header_mark *mark);
int mark_read_content(MDB_txn *txn, MDB_dbi meta, struct content_mark *mark);
int lengths_read(MDB_txn *txn, MDB_dbi meta, uint64_t lengths[LENGTHS]);

/* The tables range and trie in one transaction, behind protocol/trie.h. */
struct range_store {
	MDB_cursor *cursors[TRIE_TABLES];
};
int range_open(struct range_store *r, MDB_txn *txn, const struct index_tables *tables);
void range_close(struct range_store *r);
struct trie_store range_interface(struct range_store *r);
/* Inserts in order of arrival; changes are rearranged. */
enum err range_fold(MDB_txn *txn, const struct index_tables *tables, struct trie_change *changes,
		    size_t n);
/* Takes everything out that follows from the header of a row but range and trie. */
int header_remove(MDB_txn *txn, const struct index_tables *t, const struct header *h,
		  const struct log_row *row, struct header_mark *mark);
/* Hours: what expires before is, or is being, removed from every table. */
int purged_read(MDB_txn *txn, MDB_dbi meta, uint32_t *floor);
int purged_write(MDB_txn *txn, MDB_dbi meta, uint32_t floor);
/* How far a purge has come. */
struct purge {
	uint32_t floor;
	struct audience_id at;
};
/* Takes one batch of what expires before the floor, or the one purged to before, whichever is
 * higher, out of every table. */
enum err purge_batch(const struct folding *f, struct purge *p, uint32_t floor,
		     struct folded *folded, bool *more);
/* The floor that was purged to; a purge below it need not be through. */
enum err purged_floor(struct index_env *env, uint32_t *floor);
/* An empty index is to take nothing that expires before the floor. */
enum err purged_start(struct index_env *env, uint32_t floor);

void key_of_object(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		   const struct party_id *origin, const char *object_id);
void key_of_value(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		  const struct observable *value);
/* The same of what is looked up in its place: a network around it, a parent of it. */
struct value_part {
	enum observable_type type;
	uint8_t prefix;
	const void *bytes; /* the address, or the canonical text */
	size_t length;     /* at most OBSERVABLE_MAX_BYTES */
};
void key_of_part(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		 const struct value_part *part);
void key_of_incident(uint8_t out[HASH_KEY_BYTES], const struct identity *identity,
		     const char *number);
/* Which of the lengths a value counts for; LENGTHS: none. */
size_t length_of_value(const struct observable *value);
unsigned domain_labels(const char *domain);

/* index_filter.c */
struct filter;
bool filter_may(const struct filter *f, const uint8_t hash[SHORT_HASH_BYTES]);
void filter_expect(const struct filter *f, const uint8_t hash[SHORT_HASH_BYTES]);
/* The caller holds folding, and the table gets the value afterwards. */
void filter_add(struct filter *f, const uint8_t hash[SHORT_HASH_BYTES]);
/* Drops the filter when it is too full to be of use, or in any case; the caller holds folding. */
void filter_judge(struct index *index);
void filter_drop(struct index *index);
/* A reader takes the filter after its snapshot. */
void reader_filter_take(struct index_reader *reader);
void reader_filter_leave(struct index_reader *reader);

/* The packed tables, closed. */
struct packed objects_of(const struct index_tables *t);
struct packed values_of(const struct index_tables *t);
/* The current version of a lineage: its last record.  MDB_NOTFOUND. */
int lineage_last(struct packed *objects, const uint8_t hash[SHORT_HASH_BYTES],
		 uint8_t out[OBJECT_BYTES]);
/* A record, and what it says; of an object its version, number and position are given. */
void object_encode(uint8_t out[OBJECT_BYTES], const uint8_t hash[HASH_KEY_BYTES],
		   const struct message_id *id, bool forwarded, const struct object_at *at);
struct object_at object_decode(const uint8_t record[OBJECT_BYTES]);
void value_encode(uint8_t out[VALUE_BYTES], const uint8_t hash[HASH_KEY_BYTES], uint64_t lsn,
		  uint16_t number, const uint8_t object[OBJECT_BYTES]);
uint64_t value_lsn(const uint8_t record[VALUE_BYTES]);
/* Does the record of a value speak of that of an object? */
bool value_is_of(const uint8_t value[VALUE_BYTES], const uint8_t object[OBJECT_BYTES]);

/* Records of one width, in memory, sorted by their bytes before they are put. */
struct sheet {
	uint8_t *at; /* owned */
	size_t width, count, room;
};
uint8_t *sheet_add(struct sheet *s); /* NULL: no memory */
void sheet_sort(struct sheet *s);
static inline const uint8_t *sheet_row(const struct sheet *s, size_t i)
{
	return s->at + i * s->width;
}

/* Does it count among what people have said? */
bool is_counted(enum verdict verdict, enum message_kind kind);

/* index_sequence.c: rows of the table sequence, as they are put, and their putting. */
void sequence_record(uint8_t out[SEQUENCE_RECORD_BYTES], const struct header *h, uint64_t lsn);
int sequences_put(MDB_txn *txn, const struct index_tables *t, struct sheet *records);
/* Takes out of the three tables what the message at lsn has made, as if it had never been. */
int sequence_remove(MDB_txn *txn, const struct index_tables *t, const struct header *h,
		    uint64_t lsn);
int beacons_put(MDB_txn *txn, MDB_dbi beacon, struct sheet *records);

/* The tail: ids committed and not yet folded, in order of position.  A ring with chained buckets,
 * so that the oldest go without moving the rest.  The caller holds the lock. */
struct tail_entry {
	struct message_id id;
	uint64_t lsn;
	uint32_t next; /* of the same bucket; TAIL_NONE: the last */
};
enum { TAIL_ENTRIES_MAX = 1 << 20 };
#define TAIL_NONE UINT32_MAX
struct tail {
	struct tail_entry *entries; /* owned; a ring */
	uint32_t *buckets;          /* owned; as many as entries */
	size_t size, first, count;
	uint8_t key[16]; /* of the bucket hash: strangers choose ids */
};
void tail_clear(struct tail *t);
enum err tail_add(struct tail *t, const struct message_id *id, uint64_t lsn);
bool tail_find(const struct tail *t, const struct message_id *id, uint64_t *lsn);
/* Forgets at most max of what stands at or below lsn; true when there may be more. */
bool tail_trim(struct tail *t, uint64_t lsn, size_t max);
/* How many stand above lsn, and the i-th entry. */
size_t tail_above(const struct tail *t, uint64_t lsn);
const struct tail_entry *tail_at(const struct tail *t, size_t i);

struct index {
	struct index_env env;
	char *dir; /* owned */
	struct log *log;
	const struct identity *identity;
	struct log_reader *reader;     /* of the folder */
	pthread_mutex_t folding;       /* one folds, others wait */
	_Atomic uint64_t erasures;     /* see index_erasures() */
	_Atomic uint64_t cards;        /* see index_cards_changed() */
	struct purge purge;            /* under folding */
	bool crowded;                  /* likewise: of the last fold */
	size_t seen;                   /* likewise: rows made since pages were let go of */
	struct versions_read versions; /* likewise */
	_Atomic uint64_t rebuilds; /* odd while rebuilding: what is not found may yet be there */
	pthread_mutex_t lock;      /* of what follows; never held over LMDB */
	struct filter *filter;     /* or NULL; changes under folding too */
	struct tail tail;
	struct header_mark headers; /* of the last commit */
	struct content_mark content;
};

struct index_reader {
	struct index *index;
	MDB_txn *txn;
	bool paused;
	uint64_t lsn;      /* what its snapshot has folded of the headers */
	uint64_t renewals; /* cursors of an earlier one are void */
	struct range_store range;
	uint64_t range_renewal; /* that its cursors are of */
	struct filter *filter;  /* of what may be in the snapshot; or NULL */
	struct packed values, objects;
	uint64_t match_renewal; /* that these are of, and */
	bool lengths[LENGTHS];  /* which are in use */
};

/* index_match.c: what look-ups of one snapshot share is ready after that, and gone. */
int match_ready(struct index_reader *reader);
void match_close(struct index_reader *reader);

/* ERR_STATE: paused. */
enum err reader_ready(const struct index_reader *reader);

/* In a table of message ids, each with positions of the log: the next position of that id above
 * *at, into both.  ERR_NOT_FOUND: no more. */
enum err reader_next(struct index_reader *reader, MDB_dbi table, const struct message_id *id,
		     uint64_t *at, uint64_t *lsn);

#endif
