/* The indexes: derived from the log, droppable at any time, rebuilt byte-equal.
 *
 * Guarantees.  Nothing here is needed to acknowledge a message.  What has been folded is committed
 * together with its watermark; what has not is in the tail, in memory, bounded, and rebuilt from
 * the log at open.  index_find() sees the tail; content look-ups see what has been folded, so call
 * index_fold() first when the answer must be current.
 *
 * Two watermarks: headers (tables id, ref, range, trie, sequence, reuse, beacon) and content
 * (object, value, held), since content needs bodies opened and parsed.  Every content key is a
 * keyed hash: a disk without the key file shows no value.
 *
 * Threads.  index_note() from the log's writer; index_fold() from any thread (one folds, others
 * wait); look-ups from any thread with a struct index_reader of its own. */
#ifndef NODE_INDEX_H
#define NODE_INDEX_H

#include "node/store/log.h"
#include "protocol/gaps.h"
#include "protocol/observable.h"
#include "protocol/receipt.h"
#include "protocol/trie.h"

struct index;
struct index_reader;

enum { FOLD_MESSAGES_MAX = 10000, FOLD_ENTRIES_MAX = 100000, TAIL_BYTES_MAX = 64 << 20 };

/* Opens dir, made when absent, follows the log and brings the headers up to it; content is left to
 * index_fold().  An index of another log or key, of an earlier format, or damaged is built again;
 * ERR_TOO_NEW when a later version wrote it, ERR_BUSY.  log and identity are borrowed. */
enum err index_open(struct index **index, const char *dir, struct log *log,
		    const struct identity *identity, struct report *report);
void index_close(struct index *index);

/* As log_is_broken(). */
bool index_is_broken(const struct index *index);

/* A message has been committed at lsn; in ascending order.  Cheap: memory only.  ERR_FULL at the
 * bound: fold, and note it again. */
enum err index_note(struct index *index, const struct message_id *id, uint64_t lsn);
/* True when the tail is at its bound: stop taking messages until a fold has run. */
bool index_tail_full(const struct index *index);
/* Messages committed and not yet searchable. */
uint64_t index_unfolded(const struct index *index);
/* The last position whose header is folded, with all before it. */
uint64_t index_followed(const struct index *index);
/* The last position that is searchable, with all before it. */
uint64_t index_searchable(const struct index *index);

/* Folds one batch; *more when the log goes on after it. */
enum err index_fold(struct index *index, bool *more);
/* With nothing to fold: one step towards quicker look-ups and a smaller file; *more when there is
 * another. */
enum err index_settle(struct index *index, bool *more);
/* Folds the headers, not the content, up to and with a committed position: what reconciliation
 * needs before it says or answers anything.  ERR_BUSY at once, when somebody else is folding, which
 * takes headers along: ask again for the same position. */
enum err index_follow(struct index *index, uint64_t until);
/* Takes what expires before the floor out of every table, one batch; *more when there may be more.
 * The floor never falls.  The rows of the log are then erasable. */
enum err index_purge(struct index *index, uint32_t floor, bool *more);
/* How often an index was built again, twice over; odd while that is going on.  Any thread. */
uint64_t index_rebuilds(const struct index *index);
/* Keys were drawn or destroyed with which nothing that is here can be opened: the index is theirs
 * as it is. */
enum err index_keys_changed(struct index *index);
/* Drops everything and folds the whole log.  Meanwhile look-ups answer ERR_BUSY. */
enum err index_rebuild(struct index *index);
/* Folds the log again, into a temporary environment beside the index, and compares every row:
 * ERR_DAMAGED, with the differences named.  Folding waits meanwhile. */
enum err index_check(struct index *index, struct report *report);

/* A reader sees the index as it was at its last renewal; index_find() and index_find_prefix() renew
 * it by themselves when what they look for may have left the tail since.  It holds old pages, so
 * renew or pause it often. */
enum err index_reader_open(struct index_reader **reader, struct index *index);
enum err index_reader_renew(struct index_reader *reader);
void index_reader_pause(struct index_reader *reader);
void index_reader_close(struct index_reader *reader);

/* The trie of what is folded, as the reader sees it, for reading only; void once the reader is
 * renewed, by itself too: use one of its own.  ERR_BUSY while rebuilding. */
enum err index_trie(struct index_reader *reader, struct trie_store *out);

/* Where a message is; the tail is looked at first.  ERR_NOT_FOUND; ERR_BUSY while rebuilding. */
enum err index_find(struct index_reader *reader, const struct message_id *id, uint64_t *lsn);
/* The messages whose id starts with n hexadecimal digits: *count is 0, 1 or 2 (2: not unique), *lsn
 * the first. */
enum err index_find_prefix(struct index_reader *reader, const char *hex, uint64_t *lsn,
			   struct message_id *id, unsigned *count);
/* Folded messages that answer or recall id, one by one: *at starts at 0 and is moved on.
 * ERR_NOT_FOUND at the end. */
enum err index_answers(struct index_reader *reader, const struct message_id *id, uint64_t *at,
		       uint64_t *lsn);

/* The folded recall that takes the message back: its position, its header.  ERR_NOT_FOUND: it is
 * not recalled.  Moves log. */
enum err index_recall(struct index_reader *reader, struct log_reader *log,
		      const struct header *target, const struct message_id *id,
		      struct header *recall, uint64_t *lsn);
/* Something that nothing in the index is made from any more. */
struct erasable {
	uint64_t lsn;
	bool expired; /* the whole row may go; else the body alone */
};
/* Those behind the position after: at most max, ascending.  Each stays until a fold or a purge has
 * seen that it has gone. */
enum err index_erasable(struct index_reader *reader, uint64_t after, struct erasable *out,
			size_t max, size_t *n);
/* Changes when cards have come or gone; never 0.  Any thread. */
uint64_t index_cards_changed(const struct index *index);
/* A card of an origin, as the index knows it. */
struct card_at {
	struct party_id origin;
	uint16_t sign_key;
	uint64_t number;
	struct message_id id;
	uint64_t lsn;
	uint8_t body[24]; /* of its body's hash */
};
/* The first origin behind after (NULL: of all) that has a card.  ERR_NOT_FOUND. */
enum err index_card_origin(struct index_reader *reader, const struct party_id *after,
			   struct party_id *origin);
/* The cards of an origin, the newest first: at most max.  SPEC.md 4.11. */
enum err index_cards(struct index_reader *reader, const struct party_id *origin,
		     struct card_at *cards, size_t max, size_t *n);
/* The greatest number of a seal key that any card of the origin names.  ERR_NOT_FOUND. */
enum err index_card_greatest_seal(struct index_reader *reader, const struct party_id *origin,
				  uint16_t *number);
/* The key that the oldest card of the origin with that seal key number names, of those signed by
 * a key that counts.  ERR_NOT_FOUND. */
enum err index_card_seal(struct index_reader *reader, const struct party_id *origin,
			 uint16_t number, bool (*counts)(void *arg, uint16_t sign_key), void *arg,
			 uint8_t key[SEAL_KEY_BYTES]);

/* Changes when there may be more of them; never 0.  Any thread. */
uint64_t index_erasures(const struct index *index);

/* A place in what an origin says to an audience. */
struct place {
	uint64_t incarnation, sequence;
};
struct sequence_at {
	struct place place;
	uint64_t lsn;
	uint32_t expiry; /* hours */
};
/* Calls found for every message of the stream from one place to another, both included, in the
 * order of (incarnation, sequence, position), until it returns false. */
enum err index_sequences(struct index_reader *reader, const struct stream *s,
			 const struct place *from, const struct place *to,
			 bool (*found)(void *arg, const struct sequence_at *at), void *arg);
/* The greatest sequence of an incarnation in the stream.  ERR_NOT_FOUND. */
enum err index_sequence_last(struct index_reader *reader, const struct stream *s,
			     uint64_t incarnation, struct sequence_at *out);
/* The newest beacon of the stream before that position.  ERR_NOT_FOUND. */
enum err index_beacon(struct index_reader *reader, const struct stream *s, uint64_t before,
		      uint64_t *lsn);
/* The next stream with beacons in it; zeros to begin with.  ERR_NOT_FOUND at the end. */
enum err index_beacon_stream(struct index_reader *reader, struct stream *s);

/* Two messages in one place: the one at lsn came when others were there, the last at before. */
struct reuse_at {
	uint64_t lsn, before;
};
/* The one at or after lsn.  ERR_NOT_FOUND at the end. */
enum err index_reuse(struct index_reader *reader, struct reuse_at *at);

/* The same as index_find_prefix() for what is here in a forward only; *lsn is the forward's. */
enum err index_forward_prefix(struct index_reader *reader, const char *hex, uint64_t *lsn,
			      struct message_id *id, unsigned *count);
/* Folded forwards that this node can read, that nobody had to hold, and that hand that message on,
 * one by one: as index_answers(). */
enum err index_forwards(struct index_reader *reader, const struct message_id *id, uint64_t *at,
			uint64_t *lsn);

/* An object of a message. */
struct object_at {
	uint64_t lsn;         /* of the message, or of a forward of it */
	uint16_t number;      /* of the object in its bundle, from 0 */
	uint64_t modified;    /* ms since 1970 */
	uint64_t valid_until; /* ms; 0: none */
	bool revoked;
	bool block; /* the envelope says use block */
	bool scaffolding;
};
/* The current version of the object (origin, object id): greatest modified, then greatest message
 * id. */
enum err index_object(struct index_reader *reader, const struct party_id *origin,
		      const char *object_id, struct object_at *out);
/* Calls found for every version of the object by that origin, the current one first, until it
 * returns false. */
enum err index_versions(struct index_reader *reader, const struct party_id *origin,
			const char *object_id, bool (*found)(void *arg, const struct object_at *at),
			void *arg);
/* Is this object the current version of its lineage?  One lookup. */
bool index_current(struct index_reader *reader, const struct party_id *origin,
		   const char *object_id, uint64_t lsn, uint16_t number);
/* A version of an object in a message that came once or, in forwards, several times: is what stands
 * at at->lsn the one that counts?  Of at, lsn, number and modified are asked. */
bool index_foremost(struct index_reader *reader, const struct party_id *origin,
		    const char *object_id, const struct message_id *id, const struct object_at *at);

enum match_how { MATCH_EXACT, MATCH_CIDR, MATCH_PARENT_DOMAIN };
/* Calls found for every current, unrevoked object with this value, a network that holds the address
 * or network, or a parent domain, nearest first, until found returns false.  An endpoint is looked
 * for, then its address.  Objects past valid_until are found too: the caller decides.  Networks
 * inside a network asked for cannot be found through hashes. */
enum err index_match(struct index_reader *reader, const struct observable *value,
		     bool (*found)(void *arg, const struct object_at *at, enum match_how how),
		     void *arg);

/* Makes it cheap, until the reader is closed, to learn that values are not there, at the price of
 * two to four bytes of memory for each value that is.  ERR_BUSY while somebody is folding: nothing
 * is lost but time.  Moves the reader. */
enum err index_filter(struct index_reader *reader);
/* False when index_match() would certainly find nothing.  What the reader knows of filters decides
 * how often it is true without need. */
bool index_may_match(struct index_reader *reader, const struct observable *value);
/* That will be asked of this value soon: what of the filter it needs is called for meanwhile. */
void index_expect(struct index_reader *reader, const struct observable *value);

/* Calls found for every message that says exactly this value, in whatever version of whatever
 * object, in the order of the log, until it returns false. */
enum err index_sayers(struct index_reader *reader, const struct observable *value,
		      bool (*found)(void *arg, uint64_t lsn), void *arg);

/* What a node has stated of a message: a row for each statement. */
struct stated {
	struct party_id by;
	enum receipt_state state;
	uint64_t at; /* ms since 1970, by its clock */
	enum receipt_reason reason;
	uint64_t lsn;    /* of the receipt, and */
	uint16_t number; /* the place of the statement in it, from 0 */
};
/* Calls found for every folded statement about the message that this node can read, by node, or for
 * those of one node, until it returns false.  Whose statement counts is the caller's to ask (SPEC
 * 5.9). */
enum err index_stated(struct index_reader *reader, const struct message_id *id,
		      const struct party_id *by, bool (*found)(void *arg, const struct stated *s),
		      void *arg);
/* Whether the folded post, which is for everyone, asks for receipts. */
bool index_asks(struct index_reader *reader, const struct message_id *id,
		const struct party_id *origin);
/* The position up to which content is folded, as the reader sees it. */
enum err index_folded(struct index_reader *reader, uint64_t *lsn);

/* Why the message's content is held, or NULL.  Returns out, at least 256 bytes. */
const char *index_held(struct index_reader *reader, uint64_t lsn, char *out, size_t size);

/* What others have said to people here and nobody has looked at yet, the most urgent first. */
enum unread_class {
	UNREAD_WANTED, /* an acknowledgement is asked for: stays until there is one */
	UNREAD_OURS,   /* sealed to this node, or an answer */
	UNREAD_PUBLIC, /* to everyone */
	UNREAD_CLASSES,
};
/* Data of a FACT_READ: a mark 1 | positions 8 each; of READ_UNTIL one. */
enum read_mark { READ_SEEN = 1, READ_ACKNOWLEDGED, READ_UNTIL };
enum { READ_MARKS_MAX = 10000 };
struct unread_at {
	enum unread_class class;
	uint64_t lsn;
	bool seen; /* of UNREAD_WANTED: it was looked at, and is not acknowledged yet */
};
/* The next: of the same class the newest before at->lsn, then those of the next classes.  Begin
 * with class 0 and UINT64_MAX.  ERR_NOT_FOUND at the end. */
enum err index_unread(struct index_reader *reader, struct unread_at *at);
enum err index_unread_count(struct index_reader *reader, uint64_t counts[UNREAD_CLASSES]);
/* Is the folded message at lsn among them?  It does not matter in which class. */
bool index_is_unread(struct index_reader *reader, uint64_t lsn);

/* How many events there are: it changes when one comes or goes. */
enum err index_incident_count(struct index_reader *reader, uint64_t *events);
/* Incidents, one by one, each by the message that opened it, in the order of ids: zeros begin.
 * ERR_NOT_FOUND at the end. */
enum err index_incident_next(struct index_reader *reader, struct message_id *root);
/* Calls found for each, until it returns false, with a mark of its events: another one when one
 * came or went. */
enum err index_incident_each(struct index_reader *reader,
			     bool (*found)(void *arg, const struct message_id *root, uint64_t mark),
			     void *arg);
/* The greatest n for which an incident of the number PREFIXn is here, of those that counts is true
 * for and that follow after without a gap of 1,024 or more; else after. */
enum err index_incident_last(struct index_reader *reader, const char *prefix, uint32_t after,
			     bool (*counts)(void *arg, const struct message_id *root), void *arg,
			     uint32_t *last);
/* The events of one, in the order of the log: *lsn is 0 to begin.  ERR_NOT_FOUND at the end. */
enum err index_incident_event(struct index_reader *reader, const struct message_id *root,
			      uint64_t *lsn);
/* Those with that number, at most max: the opener's node may have been restored, or lie. */
enum err index_incident_numbered(struct index_reader *reader, const char *number,
				 struct message_id *roots, size_t max, size_t *n);

struct index_counts {
	uint64_t messages; /* accepted or held, the tail included */
	uint64_t objects;  /* current versions, revoked ones included, scaffolding left out */
	uint64_t held;     /* content not shown, with a reason each */
};
enum err index_count(struct index_reader *reader, struct index_counts *out);

#endif
