/* The daemon's answers to the requests of the admin socket: one function each, one file a family.
 *
 * They are stateless, and whatever is long comes in pages that take milliseconds.  What cannot has
 * a thread of its own, so that nobody else waits for it (enum pace). */
#ifndef NODE_ANSWER_H
#define NODE_ANSWER_H

#include "node/node.h"
#include "node/store/restored.h"
#include "node/admin/rights.h"
#include "protocol/admin.h"
#include "protocol/stix.h"

/* One request and its reply while that is being made. */
struct answer {
	struct node *node;
	struct log_reader *log; /* answer_catch_up() renews both */
	struct index_reader *index;
	bool reindexing; /* look-ups of content would find nothing */
	/* As of answer_catch_up(). */
	uint32_t floor;           /* hours: what expires before is gone */
	struct restored restored; /* what waits to be shown again */
	const struct caller *caller;
	struct admin_request request;
	const struct slice *frames; /* that came with it */
	size_t frame_count;
	unsigned red_opened; /* messages of TLP:RED that were read for it: audited */

	struct text reply;    /* the members after "ok":true */
	struct text summary;  /* for the audit: a JSON object, of what changed */
	uint8_t *frame;       /* that goes with the reply; owned, or NULL */
	size_t frame_length;  /* bytes */
	struct report report; /* of a refusal: why */
	const char *where;    /* of a refusal: static, or as long as the request; or NULL */
	const char *advice;   /* of a refusal: what to do; static, or NULL */
	bool approved;        /* a second operator has approved it */
	bool awaits;          /* set by a dry run: that has to be */
	const struct before_sending *before; /* see struct draft; NULL but for what was held */
};

typedef enum err answer_fn(struct answer *a);

/* Where it is answered: on the control thread; on a thread for slow ones, one at a time, without
 * readers; or where the request is small on the first, and else on a thread for large ones. */
enum pace { PACE_QUICK, PACE_SLOW, PACE_LARGE };

struct answer_entry {
	const char *name;
	enum right right;
	bool changes; /* audited when it has a summary to tell */
	enum pace pace;
	answer_fn *answer;
};

/* Shall what it asks for be held in the outbox?  Then answer_hold() answers it. */
bool answer_holds(const struct answer_entry *entry, const cJSON *request);
enum err answer_hold(struct answer *a, const struct answer_entry *entry);
/* Holds it until a second operator has approved it; the reply so far is what he is shown. */
enum err answer_await(struct answer *a);

/* The request of that name, or NULL. */
const struct answer_entry *answer_find(const char *name);

answer_fn answer_status, answer_links;
answer_fn answer_list, answer_check, answer_sift, answer_show, answer_verify, answer_held,
	answer_audit, answer_audit_heads, answer_report;
answer_fn answer_evidence;
answer_fn answer_export, answer_exported, answer_carried, answer_position, answer_taken;
answer_fn answer_who, answer_share, answer_forward, answer_withdraw;
answer_fn answer_sight;
answer_fn answer_mute, answer_unmute, answer_mutes;
answer_fn answer_receipts, answer_ack, answer_inbox, answer_read;
answer_fn answer_outbox, answer_cancel, answer_approve;
answer_fn answer_hunts, answer_hunted, answer_hunt_done;
answer_fn answer_alarms, answer_alarm_test, answer_alarmed;
answer_fn answer_incident, answer_incidents, answer_incident_say, answer_incident_export;
answer_fn answer_topology, answer_accept, answer_drain;
answer_fn answer_card, answer_card_set, answer_card_accept, answer_rotate, answer_whose;
answer_fn answer_release;
answer_fn answer_quarantine, answer_unquarantine;
answer_fn answer_backup, answer_check_store, answer_reindex;

/* Folds what is committed and renews both readers, so that what was stored before the request is
 * found.  ERR_BUSY, with words, while the index is being rebuilt. */
enum err answer_catch_up(struct answer *a);
/* The same as far as that position of the log. */
enum err answer_catch_up_to(struct answer *a, uint64_t position);
/* The party's name in the version in force, its id in hexadecimal where that has none; out has room
 * for 33 bytes. */
enum { PARTY_TEXT_BYTES = 2 * PARTY_ID_BYTES + 1 };
const char *answer_party(const struct answer *a, char out[PARTY_TEXT_BYTES],
			 const struct party_id *id);
/* The node that "node" of the request names, in the version in force; NULL after saying why not. */
const struct party *answer_node_named(struct answer *a, const char *name);
/* Appends "values", some of those in the bundles that came along, and "value_count". */
enum err bundles_show(struct answer *a);
/* True when no frames came along; else says that none are wanted. */
bool answer_no_frames(struct answer *a);

/* Whom "to" of a request names, with "tlp" and "direct", under the version in force. */
struct addressed {
	const struct topology *topology;
	const struct party *self;
	enum tlp tlp;
	struct recipients to;
	/* Of what is answered. */
	struct message_id answers; /* zeros: nothing is */
	uint64_t answers_lsn;
};
/* With "answers" too, which stands for what is not said.  The caller calls addressed_clear() in any
 * case. */
enum err addressed_read(struct addressed *w, struct answer *a);
/* In parts: the version in force and this node in it; and "to" for the TLP that is set. */
enum err addressed_self(struct addressed *w, struct answer *a);
enum err addressed_to(struct addressed *w, struct answer *a, bool direct);
/* What "answers" of a request names, and whom words name instead of "to". */
enum err addressed_answers(struct addressed *w, struct answer *a, bool direct);
enum err addressed_words(struct addressed *w, struct answer *a, const char *const *words, size_t n,
			 bool direct);
void addressed_clear(struct addressed *w);
/* Whose the value is in topology version t, arg being the answer; NULL after saying why it is
 * nobody's. */
const struct party *answer_owner(void *arg, const struct topology *t, const char *value,
				 struct report *report);
/* Appends "readers", "carriers", "nodes" and "links". */
void explanation_show(struct text *t, const struct explanation *e);
/* Appends "exports": those that have carried the message at lsn, and since when. */
void exports_show(struct answer *a, uint64_t lsn);
/* Appends "audience": names of parties, or "all". */
void audience_show(struct text *t, const struct recipients *to);

/* Reads the one frame of the request as a message, and judges whether it is authentic: its words go
 * into the report.  Both live as long as the frames. */
enum err answer_authentic(struct answer *a, struct message_view *m, struct header *h);

/* A page: "lines":[...] and "next".  It is full when it has lines or time enough. */
struct page {
	struct answer *a;
	uint64_t at;        /* position in the log from which to go on */
	uint64_t from;      /* where it began */
	uint64_t limit;     /* lines */
	uint64_t lines;     /* written */
	uint64_t started;   /* ms */
	size_t reply_start; /* bytes */
	bool ended;         /* nothing is left to look at */
};
/* Reads "after" and "limit". */
void page_open(struct page *p, struct answer *a);
bool page_full(struct page *p);
/* Begins a line: an object that the caller appends to the reply. */
struct text *page_line(struct page *p);
/* "next": null once everything was looked at, unless follow: then where to look later. */
void page_close(struct page *p, bool follow);

/* A post, opened: header, envelope and bundle.  One that a forward brought is the same, but for
 * where it was found. */
struct opened {
	struct log_row row;   /* of the post, or of the forward that brought it */
	struct header header; /* of the post */
	struct message_id id; /* of the post */
	bool forwarded;
	struct party_id forwarder;
	char *json; /* owned */
	size_t json_length;
	struct post post;
};
/* Reads the row's body.  ERR_NOT_FOUND when it is no post to show, or hidden, or sealed to
 * others; ERR_FORMAT when its content is held; ERR_NOT_ALLOWED when it is RED and not for this
 * caller.  On ERR_OK the caller calls opened_clear(). */
enum err opened_read(struct opened *o, struct answer *a, const struct log_row *row);
/* The same, but its JSON is only unpacked, not read: post is empty.  What is searchable was read
 * when it was folded. */
enum err opened_text(struct opened *o, struct answer *a, const struct log_row *row);
void opened_clear(struct opened *o);
/* False when what it says is TLP:RED and not for this caller. */
bool answer_may_open(const struct answer *a, const struct header *h);

/* Decodes the header of a message's row; false when it is damaged. */
bool row_header(const struct log_row *row, struct header *h);
/* 4 to 64 hexadecimal digits. */
bool answer_is_id(const char *text);
/* The message whose id begins so; says why when there is none, or several. */
enum err answer_find_id(struct answer *a, const char *id, uint64_t *lsn);
/* "accepted" "held" "header-only" "suspended"; static. */
const char *verdict_str(enum verdict verdict);
/* Why a message that is here is not shown, or NULL; out is at least 256 bytes. */
const char *message_held_why(struct answer *a, const struct log_row *row, const struct header *h,
			     char *out, size_t size);
/* Why a message is not to be shown, whatever it says. */
enum hidden { HIDDEN_NOT, HIDDEN_EXPIRED, HIDDEN_RECALLED, HIDDEN_WAITING };
/* Both readers are as answer_catch_up() left them, and log moves. */
enum hidden answer_hidden(struct answer *a, const struct log_row *row, const struct header *h);
/* Appends "unreconciled", how many messages wait, where any do. */
void answer_waiting(struct answer *a);
/* Is the message of that id and header taken back?  Both readers are as answer_catch_up() left
 * them, and log moves. */
bool answer_recalled(struct answer *a, const struct message_id *id, const struct header *h);
/* Appends "recalled": null, or by which message, whose, when and why; out has the same in words, or
 * nothing. */
enum { RECALL_TEXT_BYTES = 768 };
enum err recall_show(struct answer *a, const struct message_id *id, const struct header *h,
		     char out[RECALL_TEXT_BYTES]);
/* Does `check` say to this caller that the value is known?  Both readers are as answer_catch_up()
 * left them, and log moves. */
bool answer_knows(struct answer *a, const char *value);
/* Appends "hunts", the newest hits, and "hunt_hits", how many there are. */
enum err hunts_show(struct answer *a);
/* Appends what stands, as lines. */
void alarms_show(struct answer *a, const char *name);
/* Appends "inflows": how it goes with what is shared by itself. */
void inflows_show(struct text *t, struct node *node);
/* Appends "suspension": null, or what it says. */
void suspension_show(struct text *t, const struct suspension *s);
/* Appends "sightings", what its author and this CERT have told of an object being seen, where they
 * have. */
void answer_sightings(struct text *t, struct answer *a, const struct party_id *origin,
		      const char *object);
/* Appends "listed", the names of the warning lists that v is on, where it is on any. */
void answer_listed(struct text *t, const struct warning_lists *lists, const struct observable *v);
/* Appends what a header says, as members. */
void header_show(struct text *t, const struct answer *a, const struct header *h);

/* Appends "answers": what refers to that message, as far as it may be seen. */
enum err answers_show(struct answer *a, const struct message_id *id, const struct header *h);
/* What a person would read first in a bundle, or NULL. */
const char *bundle_words(const struct bundle *b);
/* Appends it, cut where it is long. */
void words_show(struct text *t, const char *name, const char *words);

/* Keeps that messages were looked at, at those positions: at most READ_MARKS_MAX. */
enum err read_mark(struct node *node, enum read_mark mark, const uint64_t *lsns, size_t n);

/* Appends an object as `list` shows it; scratch has room for OBSERVABLES_PER_OBJECT_MAX. */
void object_show(struct text *t, const struct answer *a, const struct opened *o,
		 const struct stix_object *object, struct observable *scratch);

#endif
