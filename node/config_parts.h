/* What the files that read khabardar.zpl share; nobody else includes it. */
#ifndef NODE_CONFIG_PARTS_H
#define NODE_CONFIG_PARTS_H

#include "node/config.h"
#include "protocol/zpl.h"

/* One reading of a file: what it fills, and what it has to say. */
struct reading {
	struct config *config;
	const char *path;
	struct report *report;
	size_t problems;
};

/* What a line of the file may be called, in one place of the file. */
struct key {
	const char *name;
	bool section; /* else it has a value */
	void (*read)(struct reading *r, const struct zpl_item *item);
};

void config_complain(struct reading *r, const struct zpl_item *item, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Gives every item of one level to its reader, and refuses those that no reader knows. */
void config_read_level(struct reading *r, const struct zpl_item *item, const struct key *keys,
		       size_t n);
/* Copies the value. */
void config_keep(struct reading *r, const struct zpl_item *item, char **to);
void config_keep_text(struct reading *r, const struct zpl_item *item, const char *text, char **to);
/* Adds an option by the item's name, with that value or NULL. */
void config_option_add(struct reading *r, const struct zpl_item *item, struct option_words *to,
		       const char *value);
void config_options_clear(struct option_words *o);

/* config_alarm.c */
void config_read_alarm(struct reading *r, const struct zpl_item *section);

/* config_export.c */
void config_read_exports(struct reading *r, const struct zpl_item *section);
void config_free_exports(struct config *c);

/* config_inflow.c */
void config_read_watch(struct reading *r, const struct zpl_item *section);
void config_read_misp(struct reading *r, const struct zpl_item *section);
void config_check_inflows(struct reading *r);
void config_free_inflows(struct config *c);

#endif
