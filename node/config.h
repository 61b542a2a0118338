/* khabardar.zpl, the configuration of a node.  SPEC.md 10.2, khabardar.zpl(5).
 *
 * Reads and checks; changes nothing and applies nothing.  Every problem of a file is found at once
 * and named by path and key, so that `khabardar -n` is worth running. */
#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

#include <sys/types.h>

#include "protocol/error.h"
#include "protocol/report.h"
#include "protocol/types.h"

/* What a user of the admin socket may do. */
enum right { RIGHT_READ, RIGHT_SHARE, RIGHT_APPROVE, RIGHT_RED, RIGHT_ADMIN, RIGHT_COUNT };

enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG, LEVEL_COUNT };

enum {
	CONFIG_MAX_BYTES = 64 << 10,
	RIGHT_GROUPS_MAX = 8,
	ALIASES_MAX = 256,
	EXPORTS_MAX = 64,
	INFLOWS_MAX = 32,
	OPTIONS_MAX = 64
};

struct right_groups {
	gid_t gids[RIGHT_GROUPS_MAX];
	size_t count;
};

struct alias {
	char name[NAME_MAX_BYTES + 1];
	char *audience; /* as it would be given to --to: words separated by spaces */
};

/* Options as a command is given them, a word each: "--format=rpz", "--exercise". */
struct option_words {
	char *words[OPTIONS_MAX]; /* owned */
	size_t count;
};

/* An export that follows what is known: what khabar export would be given, and what is run after.
 */
struct followed {
	char name[NAME_MAX_BYTES + 1];
	struct option_words options;
	char *then;     /* words of a command, run without a shell; or NULL */
	unsigned every; /* seconds at least between two runs */
};

/* What is shared by itself: the files of a folder, or what a MISP instance publishes. */
enum inflow_kind { INFLOW_WATCH, INFLOW_MISP };
struct inflow {
	char name[NAME_MAX_BYTES + 1];
	enum inflow_kind kind;
	char *from;                  /* absolute path of the folder, or endpoint of the publisher */
	char org[37];                /* uuid of whose events they are */
	bool has_tlp;                /* always, of a folder */
	enum tlp tlp;                /* of an event: where it has none itself */
	bool sync;                   /* the options have --sync */
	struct option_words options; /* without --tlp */
	unsigned settle; /* seconds for which a file is left alone after its last change */
};

struct config {
	char node[NAME_MAX_BYTES + 1];
	char *bind;  /* "tcp://HOST:PORT", or NULL: the node only dials */
	char *proxy; /* SOCKS "HOST:PORT", or NULL */
	enum log_level level;
	bool sandbox;                /* see sandbox.h */
	unsigned missing_minutes;    /* after which a message that is not here is reported */
	unsigned silent_minutes;     /* after which a neighbour that is not heard of is */
	unsigned unanswered_minutes; /* after which parents are told that an emergency is not
					acknowledged; 0: never */
	unsigned backup_days;        /* after which a backup is too old; 0: never */
	char *alarm_command;         /* words of a command, run without a shell; or NULL */
	unsigned alarm_every;        /* seconds at least between two runs of it */
	char *passphrase_file;       /* or NULL */
	char *passphrase_credential; /* or NULL; never both */
	struct right_groups rights[RIGHT_COUNT]; /* root and the daemon's own user have them all */
	bool approve_block;  /* what is to be blocked elsewhere wants a second operator */
	char *hunt;          /* absolute paths and patterns, separated by spaces, or NULL */
	char *warning_lists; /* folder of lists in MISP's format, or NULL */
	struct followed *exports;
	size_t export_count;
	struct inflow *inflows;
	size_t inflow_count;
	struct alias *aliases;
	size_t alias_count;
};

/* Reads n bytes; path is for the words.  ERR_FORMAT when there is any problem.  On ERR_OK the
 * caller frees *c with config_free(). */
enum err config_parse(struct config **c, const char *text, size_t n, const char *path,
		      struct report *report);
/* The same of a file.  ERR_NOT_FOUND, ERR_IO, ERR_LIMIT besides. */
enum err config_read(struct config **c, const char *path, struct report *report);
void config_free(struct config *c);

/* Is there anything for khabar follow to do? */
bool config_follows(const struct config *c);

/* The passphrase from where the configuration says, NULL when it says nothing; freed with
 * passphrase_free() of keyfile.h. */
enum err config_passphrase(const struct config *c, char **passphrase, struct report *report);

/* What is wrong with an endpoint to listen at, which, unlike one to dial, may be every address:
 * a static phrase, or NULL. */
const char *bind_endpoint_wrong(const char *endpoint);

/* "read" "share" "approve" "red" "admin", "error" "warning" "info" "debug"; static. */
const char *right_str(enum right right);
const char *log_level_str(enum log_level level);

#endif
