/* Topologies as files, for the subcommands of khabar topology. */
#ifndef NODE_CMD_TOPOLOGY_FILE_H
#define NODE_CMD_TOPOLOGY_FILE_H

#include "node/cmd/cmd.h"
#include "node/file.h"
#include "protocol/council.h"
#include "protocol/suspension.h"
#include "protocol/zpl.h"

/* A plain or signed topology from a file. */
struct loaded {
	char *file;
	size_t length, text_length; /* with and without signatures */
	struct topology *t;
	struct cJSON *suspension; /* that the node which gave it knows of; NULL: none */
};
enum err loaded_read(struct loaded *l, const char *path, struct report *report);
/* The version in force: of the node that runs in this home, else of its topology.signed. */
enum err loaded_in_force(struct loaded *l, const struct cmd_context *c, struct report *report);
void loaded_clear(struct loaded *l);

/* A plain or signed suspension; ERR_NOT_FOUND when the file is something else. */
struct loaded_suspension {
	char *file;
	size_t length, text_length;
	struct suspension *s;
};
enum err suspension_read(struct loaded_suspension *l, const char *path, struct report *report);
void suspension_clear(struct loaded_suspension *l);
/* What it says, on standard output. */
void suspension_print(const struct suspension *s);
struct cJSON *suspension_json(const struct suspension *s);

/* Who is suspended, as the node says; nothing when nobody is. */
void status_suspension(const struct cJSON *s);

/* cmd_refused, with the error's own phrase where nobody said more. */
int topology_refused(const struct cmd_context *c, const char *where, enum err e,
		     struct report *report);

void topology_count(const struct topology *t, size_t *nodes, size_t *roles);
/* "2027-12-31": out is at least 32 bytes. */
char *date_text(char *out, size_t size, uint64_t ms);
/* Puts one line of JSON out and frees it. */
struct cJSON;
void json_print(struct cJSON *o);

/* The subcommands; argv[0] is their name. */
int topology_check_file(const struct cmd_context *c, int argc, char **argv);
int topology_show(const struct cmd_context *c, int argc, char **argv);
int topology_tree(const struct cmd_context *c, int argc, char **argv);
int topology_diff(const struct cmd_context *c, int argc, char **argv);
int topology_assemble(const struct cmd_context *c, int argc, char **argv);
int topology_accept(const struct cmd_context *c, int argc, char **argv);
int topology_drain(const struct cmd_context *c, int argc, char **argv);
int topology_suspend(const struct cmd_context *c, int argc, char **argv);
int topology_fill(const struct cmd_context *c, int argc, char **argv);

#endif
