/* A running node: everything that is open, and the one thread that drives it.
 *
 * The loop's thread owns exchange, link and the log's writer.  The admin socket's thread
 * (control.h) reads log and index with readers of its own, and asks for everything else through the
 * functions below that say so. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <stdatomic.h>

#include "node/config.h"
#include "node/detect/mutes.h"
#include "node/detect/warning_list.h"
#include "node/directory.h"
#include "node/store/index.h"
#include "node/link/link.h"
#include "node/store/versions.h"
#include "protocol/exchange.h"
#include "protocol/quota.h"
#include "protocol/recipients.h"

/* scripts/debian/changelog says the same. */
#define NODE_VERSION "0.9.0"

struct node;
struct porter;

enum { PEERS_SHOWN_MAX = 256, WARNINGS_MAX = 32, WARNING_BYTES = 256, ALARM_BYTES = 512 };

/* One neighbour, as `status` shows it. */
struct link_status {
	char peer[NAME_MAX_BYTES + 1];
	enum link_kind kind;
	const char *state; /* "up" "connecting" "refused" "quarantined" */
	char reason[LINK_TEXT_BYTES];
	uint64_t since;                   /* wall ms */
	uint64_t sent, received, waiting; /* messages */
	int64_t clock_ahead;              /* ms */
	struct reconciled reconciled;
	struct party_id paused[PAUSED_MAX]; /* origins that it wants held back */
	size_t paused_count;
	size_t held; /* messages of it that wait, since it does not hold back */
};

/* A picture of the loop's side, taken at most a moment ago. */
struct node_status {
	size_t link_count;
	struct link_status links[PEERS_SHOWN_MAX];
	enum err store_state;  /* ERR_OK, or why nothing is taken */
	enum err folder_state; /* ERR_OK, or why the index cannot follow the log, or, where it is
				  not NULL, */
	const char *stuck;     /* why this duty cannot be seen to; static */
	unsigned fullness;     /* of disk or map, percent */
	uint32_t floor, hour;  /* hours since 1970: see exchange_floor, exchange_hour */
	uint64_t started;      /* wall ms */
	struct quota_paused paused[PAUSED_MAX]; /* origins that neighbours shall hold back */
	size_t paused_count;
	size_t alarm_count; /* of what goes on, and */
	size_t warning_count;
	char alarms[WARNINGS_MAX][ALARM_BYTES];
	char warnings[WARNINGS_MAX][WARNING_BYTES]; /* of the last day, newest first */
};

/* Opens everything in home and binds its sockets; runs nothing yet.  Every problem is in report. */
enum err node_open(struct node **node, const char *home, struct report *report);
void node_close(struct node *node);
/* Runs until *quit; then nobody who waits at the desk waits any longer. */
enum err node_run(struct node *node, const volatile atomic_int *quit);

const char *node_home(const struct node *node);
const struct config *node_config(const struct node *node);
const struct identity *node_identity(const struct node *node);
struct log *node_log(const struct node *node);
struct index *node_index(const struct node *node);
struct versions *node_versions(const struct node *node);
/* Who writes backups where the daemon may not; NULL, as it is at first: the daemon itself.
 * Borrowed. */
void node_set_porter(struct node *node, struct porter *porter);
struct porter *node_porter(const struct node *node);
/* The process that writes exports and tells alarms; 0, as it is at first: there is none. */
void node_set_follower(struct node *node, pid_t follower);
pid_t node_follower(const struct node *node);
struct directory *node_directory(const struct node *node);
struct mutes *node_mutes(const struct node *node);
struct warning_guard *node_warning_guard(const struct node *node);

/* --- for the admin socket's thread --- */

/* Copies the latest picture. */
void node_status(struct node *node, struct node_status *out);

/* --- for any thread but the loop's own --- */

/* The hour since 1970, as far as this node can tell. */
uint32_t node_hour(struct node *node);
/* When what is said now and kept so many hours expires.  SPEC.md 5.5. */
uint32_t node_expiry(struct node *node, uint32_t hours);

/* Told the ids of what was written before anything of it can be sent; an error stops it. */
struct before_sending {
	enum err (*tell)(void *arg, const struct message_id *ids, size_t n);
	void *arg;
};

/* What shall be said: everything that the author decides. */
struct draft {
	enum message_kind kind;
	enum tlp tlp;
	uint8_t priority;
	bool no_forward;
	uint32_t expiry;  /* hours since 1970 */
	uint64_t created; /* ms since 1970; 0: now */
	/* Before it is sealed; of a forward, what forward_write() wrote.  Borrowed until
	 * node_publish returns.  Of a role key it is the struct rolekey that says what is handed
	 * on. */
	const uint8_t *body;
	size_t body_length;
	struct message_id ref;               /* zeros: none */
	const struct before_sending *before; /* of the first of them, for all; NULL: nobody */
};

/* Writes, seals, signs and keeps count drafts for the recipients, who were resolved under t, in one
 * commit: all messages are durable, or none is there.  A draft takes as many messages as there are
 * letters: ids[count * recipients_letters(to)] are theirs.  Waits for the commit.  ERR_NOT_ALLOWED
 * when this node is not in t, ERR_LIMIT when a body is too long. */
enum err node_publish(struct node *node, const struct topology *t, const struct recipients *to,
		      const struct draft *drafts, size_t count, struct message_id *ids,
		      struct report *report);
/* The same for the readers of one letter: ids[count] are theirs. */
enum err node_publish_letter(struct node *node, const struct topology *t,
			     const struct letter *letter, const struct draft *drafts, size_t count,
			     struct message_id *ids, struct report *report);
/* Between these two it is looked whether what has a key was sent, and it is sent where not: by one
 * thread at a time, since operators and the outbox may want to at once. */
void node_once_begin(struct node *node);
void node_once_end(struct node *node);
/* Keeps a message that somebody has brought as a file, header | signature | body, as if a neighbour
 * had; the caller has judged it.  ERR_OK too when it is here. */
enum err node_bring(struct node *node, const uint8_t *bytes, size_t length);
/* True while this node's store was restored and not everything in it was reconciled since: then
 * messages are not shown yet; *messages: so many.  SPEC.md 6.6.  Any thread. */
bool node_waits(const struct node *node, uint64_t *messages);
/* False, with words, as long as it waits: what was said since the backup is not known, so nothing
 * may be said that must never be said twice, such as the number of a new key. */
bool node_may_number(const struct node *node, struct report *report);
/* Shows them unseen: the operator's word stands for that of the neighbours. */
enum err node_release(struct node *node);
/* Accepts the next topology: checks, persists, puts in force, greets everyone anew. */
enum err node_accept(struct node *node, const uint8_t *file, size_t length, struct report *report);
/* How the message of that origin at lsn stands with each neighbour, at most max of them. */
struct link_passing {
	struct party_id peer;
	enum passing passing;
	uint64_t at; /* wall ms, when the neighbour took it; 0: not known any more */
};
enum err node_passing(struct node *node, const struct party_id *origin, uint64_t lsn,
		      struct link_passing *out, size_t max, size_t *count);
/* The last run of an export that follows what is known. */
enum { EXPORT_FAILED_BYTES = 128 };
struct export_status {
	char name[NAME_MAX_BYTES + 1];
	uint64_t at; /* wall ms */
	uint64_t written;
	char failed[EXPORT_FAILED_BYTES]; /* why; or empty */
};
void node_exported(struct node *node, const struct export_status *status);
/* At most EXPORTS_MAX; returns how many. */
size_t node_exports(struct node *node, struct export_status *out);
/* How it goes with what is shared by itself. */
enum { INFLOW_FAILED_BYTES = 256 };
struct inflow_status {
	char name[NAME_MAX_BYTES + 1];
	enum inflow_kind kind;
	uint64_t at;    /* wall ms: when something was taken last; 0: not since the start */
	uint64_t taken; /* files or events since the start */
	char failed[INFLOW_FAILED_BYTES]; /* what is wrong now; or empty */
};
/* Adds to what was taken, and says what is wrong. */
void node_inflow(struct node *node, const struct inflow_status *status);
/* At most INFLOWS_MAX; returns how many. */
size_t node_inflows(struct node *node, struct inflow_status *out);
/* Of what is held in the outbox, how much could not be sent. */
size_t node_held_failed(struct node *node);
/* Why the alarm command failed when it was run last, or "". */
enum { ALARM_FAILED_BYTES = 128 };
void node_alarm_failed(struct node *node, char out[ALARM_FAILED_BYTES]);
/* Keeps a local fact: an audit row, a mute. */
enum err node_note(struct node *node, enum fact fact, const void *data, size_t length);
/* The same, and in the same commit a small value of the log is set, or goes where value is NULL; of
 * fact 0 there is no fact. */
enum err node_keep(struct node *node, const char *key, const void *value, size_t value_length,
		   enum fact fact, const void *data, size_t length);

#endif
