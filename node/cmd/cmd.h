/* One subcommand of khabar: one function in the table of khabar.c, one file per family.
 *
 * Exit codes: 0 done, 1 the node (or the rules) refused, 2 the node cannot be reached, 3 usage. */
#ifndef NODE_CMD_CMD_H
#define NODE_CMD_CMD_H

#include <stdbool.h>

#include "protocol/report.h"

enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_UNREACHABLE = 2, EXIT_USAGE = 3 };

struct cmd_context {
	const char *home; /* the node's home folder */
	bool json;        /* --json: one object, or one a line */
	bool yes;         /* --yes: never ask */
	unsigned long
		hold; /* --hold: seconds for which what is sent waits in the outbox; 0: none */
};

/* argv[0] is the subcommand's own name; the options above have been taken out wherever they stood.
 * Whoever returns EXIT_USAGE has said what is wrong; khabar.c adds the usage. */
int cmd_init(const struct cmd_context *c, int argc, char **argv);
int cmd_join(const struct cmd_context *c, int argc, char **argv);
int cmd_card(const struct cmd_context *c, int argc, char **argv);
int cmd_keys(const struct cmd_context *c, int argc, char **argv);
int cmd_topology(const struct cmd_context *c, int argc, char **argv);
int cmd_who(const struct cmd_context *c, int argc, char **argv);
int cmd_ack(const struct cmd_context *c, int argc, char **argv);
int cmd_inbox(const struct cmd_context *c, int argc, char **argv);
int cmd_doctor(const struct cmd_context *c, int argc, char **argv);
int cmd_alarms(const struct cmd_context *c, int argc, char **argv);
int cmd_alarm(const struct cmd_context *c, int argc, char **argv);
int cmd_hunt(const struct cmd_context *c, int argc, char **argv);
int cmd_outbox(const struct cmd_context *c, int argc, char **argv);
int cmd_approve(const struct cmd_context *c, int argc, char **argv);
int cmd_cancel(const struct cmd_context *c, int argc, char **argv);
int cmd_ask(const struct cmd_context *c, int argc, char **argv);
int cmd_reply(const struct cmd_context *c, int argc, char **argv);
int cmd_whose(const struct cmd_context *c, int argc, char **argv);
int cmd_share(const struct cmd_context *c, int argc, char **argv);
int cmd_import(const struct cmd_context *c, int argc, char **argv);
int cmd_export(const struct cmd_context *c, int argc, char **argv);
int cmd_forward(const struct cmd_context *c, int argc, char **argv);
int cmd_follow(const struct cmd_context *c, int argc, char **argv);
int cmd_withdraw(const struct cmd_context *c, int argc, char **argv);
int cmd_sight(const struct cmd_context *c, int argc, char **argv);
int cmd_mute(const struct cmd_context *c, int argc, char **argv);
int cmd_unmute(const struct cmd_context *c, int argc, char **argv);
int cmd_incident(const struct cmd_context *c, int argc, char **argv);
int cmd_advisory(const struct cmd_context *c, int argc, char **argv);
int cmd_notify_victims(const struct cmd_context *c, int argc, char **argv);
int cmd_compliance(const struct cmd_context *c, int argc, char **argv);
int cmd_list(const struct cmd_context *c, int argc, char **argv);
int cmd_show(const struct cmd_context *c, int argc, char **argv);
int cmd_search(const struct cmd_context *c, int argc, char **argv);
int cmd_check(const struct cmd_context *c, int argc, char **argv);
int cmd_status(const struct cmd_context *c, int argc, char **argv);
int cmd_links(const struct cmd_context *c, int argc, char **argv);
int cmd_watch(const struct cmd_context *c, int argc, char **argv);
int cmd_held(const struct cmd_context *c, int argc, char **argv);
int cmd_report(const struct cmd_context *c, int argc, char **argv);
int cmd_audit(const struct cmd_context *c, int argc, char **argv);
int cmd_evidence(const struct cmd_context *c, int argc, char **argv);
int cmd_verify(const struct cmd_context *c, int argc, char **argv);
int cmd_backup(const struct cmd_context *c, int argc, char **argv);
int cmd_restore(const struct cmd_context *c, int argc, char **argv);
int cmd_release(const struct cmd_context *c, int argc, char **argv);
int cmd_check_store(const struct cmd_context *c, int argc, char **argv);
int cmd_reindex(const struct cmd_context *c, int argc, char **argv);

/* Tells the report's lines as the reason why what ("khabar init") was refused: on standard error,
 * or with --json as {"ok":false,"error":{"what":..,"why":..,"lines":[..]}}.  One without a
 * line says that memory is short.  Returns EXIT_REFUSED. */
int cmd_refused(const struct cmd_context *c, const char *what, const struct report *report);

/* Root becomes who owns the home, for good: what it puts there is the owner's.  False after a
 * complaint. */
bool cmd_become_owner(const struct cmd_context *c);

/* Prints a sentence about the use of what, returns EXIT_USAGE. */
int cmd_misused(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
