/* What the files of the node share; nobody else includes it. */
#ifndef NODE_NODE_PARTS_H
#define NODE_NODE_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "node/author.h"
#include "node/desk.h"
#include "node/directory.h"
#include "node/duty/alarms.h"
#include "protocol/beacon.h"
#include "node/duty/folder.h"
#include "node/duty/holding.h"
#include "node/store/keep.h"
#include "node/node.h"
#include "node/duty/node_quarantine.h"
#include "node/duty/node_quota.h"
#include "node/duty/receipts.h"
#include "node/workers.h"

/* A neighbour's side of the sockets. */
struct neighbour {
	struct party_id id;
	char name[NAME_MAX_BYTES + 1];
	bool connected;
	bool done;   /* a link of an older version that has handed over the newest */
	bool ending; /* the conversation is over: reset the connection once its last frame is out */
	uint8_t *unsent; /* a frame that the socket would not take yet; owned */
	size_t unsent_length;
	bool refused;                 /* the last attempt to dial failed */
	char reason[LINK_TEXT_BYTES]; /* why */
	uint64_t refused_since;       /* wall ms */
	unsigned replaced;            /* connections that a newer one has replaced lately, and */
	uint64_t replaced_since;      /* since when: mono ms */
	uint64_t deaf;                /* mono ms: a connection on which it did not hear us ended */
};

struct warning {
	uint64_t at;           /* wall ms */
	struct party_id about; /* the neighbour that causes it, or zeros */
	char text[WARNING_BYTES];
};

/* How far receipts have been written; the folder's thread only. */
struct receipting {
	bool loaded;
	uint64_t done, saved;   /* positions: all before are answered; remembered as such */
	uint64_t at;            /* looked through, and what is to be stated of it */
	struct receipts out;    /* is here */
	uint32_t version;       /* of the topology, and */
	uint8_t seals[16];      /* mark of the seal keys, under which that was done */
	uint64_t seen, seen_at; /* head of the log, and since when (mono ms) it is that */
	uint64_t since;         /* mono ms: when the first that is not looked at came; 0: none */
};

/* How far it was looked for what is to be sealed again, under which version of the topology and
 * which cards; the folder's thread only. */
struct reseal_mark {
	uint64_t done;
	uint32_t version;
	uint64_t cards;         /* see directory_changes() */
	bool passing;           /* the log is being looked through from its beginning, since */
	uint64_t began, rested; /* mono ms; and when it may be again */
};

/* See node_restore.c. */
struct restoring {
	_Atomic bool on;          /* something waits, or was not compared */
	_Atomic bool waits;       /* something waits */
	_Atomic uint64_t waiting; /* messages that would be shown */
	_Atomic uint64_t changes; /* of what decides about them; never 0 while on */
	/* The loop's thread only. */
	uint64_t until;   /* what stands up to there waits */
	uint64_t opened;  /* the last position when this run began */
	bool handed_back; /* it was seen in this run that the store is old */
	/* The folder's thread only. */
	uint64_t counting, counted;         /* for which of the changes; 0: none */
	uint64_t at, count, shown, expired; /* all that wait, and those that would be shown */
	uint32_t purged;                    /* n->purged, as of the count */
};

/* Seal keys of roles that were taken in this run; the folder's thread only. */
enum { ROLEKEYS_TAKEN_MAX = 256 };
struct rolekeys {
	uint64_t next; /* position in the log from which to look for more; 0: not known yet */
	uint64_t saved;
	struct {
		struct party_id party;
		uint16_t number;
	} taken[ROLEKEYS_TAKEN_MAX];
	size_t count;
	uint64_t refused; /* mono ms: when the last attempt to hand keys on failed */
};

struct node {
	char home[PATH_MAX];
	struct config *config;
	struct identity *identity;
	struct porter *porter; /* borrowed; or NULL */
	pid_t follower;        /* or 0 */
	struct party_id self;  /* zeros: not in a federation yet */
	struct log *log;
	struct index *index;
	struct versions *versions;
	struct directory *directory;
	struct mutes *mutes;
	struct warning_guard *guard;
	struct keep *keep;
	struct folder *folder;
	_Atomic(const char *) stuck; /* which duty has failed, while one does; static */
	struct workers *workers;
	struct exchange *exchange;
	struct link *link;
	struct desk *desk;
	struct loop loop;
	struct author author;
	struct neighbour *neighbours; /* owned */
	size_t neighbour_count;
	struct receipting receipting;
	struct reseal_mark reseal;
	struct forwards *forwards; /* see node_forward.h; NULL: not looked after yet */
	struct passes *passes;
	struct beacons *beacons;
	struct watch *watch;
	struct evidence_book *evidence;
	struct holding *holding; /* see holding.h */
	struct alarm_book *alarm_book;
	struct beacon_audit audit; /* its last row, where audit_known; the loop's thread only */
	bool audit_known;
	struct audit_book *audits; /* the folder's thread only */
	struct restoring restoring;
	struct quota_book quotas;
	struct quarantines quarantines;        /* the loop's thread only */
	uint64_t unanswered, unanswered_saved; /* positions: looked at; remembered as such; the
						  folder's thread only */
	struct incident_book *incidents;       /* the folder's thread only */
	struct {
		bool loaded, more;
		uint64_t done, saved; /* positions: looked through; remembered as such */
		uint64_t rest, full;  /* mono ms: until then nothing is told; see rest() */
	} sightings;                  /* the folder's thread only */
	uint64_t erasures;            /* of the index, all done; the folder's thread only */
	uint32_t floor;               /* hours: that the folder was last woken for */
	uint32_t purged;     /* hours: to this floor everything was; the folder's thread only */
	uint64_t ways;       /* of the directory, that the links go by; the loop's thread only */
	uint64_t rebind;     /* mono ms: the listener is to be opened again; 0: it is open */
	char bind[256];      /* where, once it was opened again */
	uint64_t card_retry; /* mono ms: no card by itself before; the folder's thread only */
	struct {
		const struct topology *topology;
		const struct identity_public *keys;
		uint64_t cards; /* of the directory */
		uint64_t until; /* mono ms: then it is looked at in any case */
	} card_seen; /* under which this node's card was found good; the folder's thread only */
	bool judged_known; /* and what duty_verdicts() has done last; the folder's thread only */
	struct hash judged;
	uint64_t keys_due;       /* mono ms: old keys are looked at; the folder's thread only */
	uint64_t ways_told;      /* of the directory, to the links; the folder's thread only */
	pthread_mutex_t carding; /* one at a time writes a card, or changes a key */
	struct rolekeys rolekeys;
	enum err trouble; /* of the store, that was told of last; the loop's thread only */
	bool more;        /* the last turn left something to do */
	bool links_stale; /* a link of an older version is to be let go, or a suspension is new */
	_Atomic bool suspending; /* a suspension is in its time, as far as the links know */
	uint64_t started;

	pthread_mutex_t lock; /* of what follows: other threads read it */
	struct node_status status;
	uint64_t status_at; /* mono ms */
	bool status_stale;  /* something has happened since; the loop's thread only */
	struct export_status exports[EXPORTS_MAX];
	size_t export_count;
	struct inflow_status inflows[INFLOWS_MAX];
	size_t inflow_count;
	struct warning warnings[WARNINGS_MAX]; /* newest first */
	size_t warning_count;
	char alarms[WARNINGS_MAX][ALARM_BYTES]; /* what duty_watch() sees now */
	size_t alarm_count;
};

struct instant node_now(void);

/* node_links.c: frames between link and exchange. */
enum err links_update(struct node *n);
void links_clear(struct node *n);
/* Tells the link who the neighbours are. */
enum err links_set(struct node *n);
/* The directory may say other keys and endpoints. */
enum err links_ways(struct node *n);
/* Every connection has ended. */
void links_gone(struct node *n, const char *why);
/* node_reopen.c: ends every connection and opens the sockets again, under the link key of the
 * moment. */
void links_reopen(struct node *n);
/* Opens the listener again where that was not possible; returns when it wants to be called. */
uint64_t links_rebind(struct node *n, uint64_t now);
/* That neighbour of an older version has the newest. */
void links_former_done(struct node *n, const struct party_id *peer);
struct neighbour *links_find(struct node *n, const struct party_id *id);
/* One turn: takes what has come, lets the exchange run, sends what it has.  True when more is to do
 * at once. */
bool links_turn(struct node *n);

/* node_suspension.c */
/* A statement that was offered or handed in: the errors of versions_suspend(). */
enum err suspension_accept(struct node *n, const uint8_t *file, size_t length,
			   struct report *report);
/* Lets a suspension begin and end in its time; returns when it wants to be called again, in mono
 * ms. */
uint64_t suspension_tick(struct node *n, uint64_t now);

/* node_verdicts.c */
/* The topology or the suspension in force is another: what it makes of stored messages is due. */
void verdicts_due(struct node *n);

/* node_status.c */
/* about: the neighbour that causes it, or NULL. */
void status_warn(struct node *n, const struct party_id *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes back what begins so and was not said again since then (wall ms). */
void status_unwarn(struct node *n, const char *prefix, uint64_t since);
/* Takes the picture anew when something has happened and it is older than a moment; returns when it
 * wants to be called again. */
uint64_t status_refresh(struct node *n);
/* Says what the store runs into, and ends the loop when it can go on no more. */
void trouble_look(struct node *n);

/* The floor as of the last picture, 0 while there is none; any thread. */
uint32_t status_floor(struct node *n);

/* node_passing.c: what neighbours have taken lately.  NULL when memory is short. */
struct passes *passes_new(void);
void passes_free(struct passes *p);
void passes_note(struct passes *p, const struct party_id *peer, uint64_t lsn);

/* node_views.c */
/* Opens both, the index first: whatever it has folded, a later view of the log shows.  In any case
 * the caller calls views_close(). */
enum err views_open(struct node *n, struct index_reader **index, struct log_reader **log);
void views_close(struct index_reader *index, struct log_reader *log);
/* Whether the row is a message that counts, and is not void; its header is then in h. */
bool row_accepted(const struct log_row *row, struct header *h);

/* node_audit.c: appends a row of the audit to the transaction of the log that is open, on the
 * loop's thread.  Who sees that transaction fail sets audit_known to false. */
enum err node_audit_append(struct node *n, uint64_t now, const char *json, size_t length);

/* node_publish.c: calls that other threads hand in at the desk, and what the exchange says of them.
 */
void publish_submitted(struct node *n, uint64_t ticket, enum err e);

/* node_restore.c.  Before the first turn, with the exchange open: does anything wait? */
void restore_open(struct node *n);
/* A peer has brought a message that this node is to have written and that was not here. */
void restore_handed_back(struct node *n, const struct party_id *peer);
/* See exchange_host. */
void restore_agreed(struct node *n, const struct party_id *peer, uint32_t floor,
		    const struct audience_id *audiences, size_t count);

/* node_duties.c: what a node does by itself, on the folder's thread, after every fold and when it
 * is due; arg is the node.  See folder_then. */
enum err duties_run(void *arg, uint64_t now, uint64_t *next);

/* A duty is called after every fold and at its *next (mono ms; UINT64_MAX before), which it lowers
 * only.  Whatever it must remember is in the log, so that a crash between any two steps repeats
 * and never loses.  It may publish and note: the loop's thread runs that.  When it fails it is
 * called again in a while; the others run all the same. */
typedef enum err duty(struct node *n, uint64_t now, uint64_t *next);

duty duty_card;       /* node_card.c: follows the cards, renews and corrects one's own */
duty duty_purge;      /* node_purge.c: what has expired leaves index and log */
duty duty_rolekeys;   /* node_rolekey.c: hands the keys of roles on, and takes them */
duty duty_verdicts;   /* node_verdicts.c: releases what was suspended, removes what is void */
duty duty_quota;      /* node_quota.c: counts what is here of each origin */
duty duty_erase;      /* node_erase.c: removes the bodies that the index says may go */
duty duty_unanswered; /* node_unanswered.c: tells parents that emergencies are not acknowledged */
duty duty_receipts;   /* node_receipts.c: tells origins what has become of their messages */
duty duty_reseal;     /* node_reseal.c: seals again what a reader lacks the key to */
duty duty_forwards;   /* node_forward.c: looks after what this node has forwarded */
duty duty_beacon;     /* node_beacon.c: says what was said, and that this node has begun */
duty duty_incidents;  /* node_incidents.c: renews those that would expire, warns of what is due */
duty duty_outbox;     /* node_outbox.c: sends what was held, when its time has come */
duty duty_sightings;  /* node_sightings.c: tells who reads this node what others have seen of it */
duty duty_alarms;     /* node_alarms.c: sees what somebody should look at */
duty duty_restore;    /* node_restore.c: counts what waits to be shown again */

duty duty_watch;    /* node_watch.c: sees what is withheld, and who runs twice */
duty duty_audits;   /* node_audit.c: remembers what others have told of their audits */
duty duty_evidence; /* node_evidence.c: keeps what proves that a number was used twice */

/* NULL is accepted. */
void forwards_free(struct forwards *f);

/* NULL when memory is short. */
struct beacons *beacons_new(void);
void beacons_free(struct beacons *b);
struct watch *watch_new(void);
void watch_free(struct watch *w);
struct evidence_book *evidence_book_new(void);
void evidence_book_free(struct evidence_book *b);
struct audit_book *audit_book_new(void);
void audit_book_free(struct audit_book *b);
struct incident_book *incident_book_new(void);
void incident_book_free(struct incident_book *b);

/* Sentences on those of whom there is evidence lately; at most max, returns how many. */
size_t evidence_alarms(struct node *n, const struct topology *t, char (*out)[ALARM_BYTES],
		       size_t max);
/* The same on those whose audit was cut or written anew. */
size_t audit_alarms(struct node *n, const struct topology *t, char (*out)[ALARM_BYTES], size_t max);

#endif
