/* What the exporters share.  Only for node/format/. */
#ifndef NODE_FORMAT_EXPORT_PARTS_H
#define NODE_FORMAT_EXPORT_PARTS_H

#include <limits.h>
#include <stdio.h>

#include "node/format/export.h"
#include "node/format/export_sort.h"
#include "protocol/observable.h"

/* One object, as the node gave it; pointers live as long as the line. */
struct export_object {
	const char *id, *type, *name, *node, *message;
	const cJSON *values, *labels;
	bool alone; /* each of its values means what the whole pattern does */
	bool block, scaffolding;
	enum tlp tlp;
	int confidence;                         /* -1: none */
	uint64_t created;                       /* of the message; ms */
	uint64_t modified, valid_until;         /* ms; 0: none */
	const char *modified_text, *valid_text; /* "" where there is none */
	struct slice raw;
	const cJSON *json; /* of raw, or NULL */
};

struct exporter {
	struct export_format format;
	/* One of the two: for every object, or for every value of every indicator. */
	enum err (*object)(struct export *x, const struct export_object *o);
	enum err (*value)(struct export *x, const struct export_object *o,
			  const struct observable *v);
	enum err (*finish)(struct export *x);
	void (*close)(struct export *x); /* frees x->own; NULL: nothing to free */
};

/* A file being written beside the one that it replaces; standard output where there is no
 * folder. */
struct out {
	struct export *x;
	FILE *file;
	char path[PATH_MAX], aside[PATH_MAX];
	bool bad;
};

struct export
{
	const struct exporter *exporter;
	struct export_options options;
	struct sorter *sorter;
	struct export_result result;
	struct report *report; /* of export_finish() */
	struct observable value;
	size_t left; /* values and objects that were left out */
	bool took;   /* something of the last line is written */
	void *own;   /* of the exporter */
};

extern const struct exporter exporter_stix, exporter_misp, exporter_csv, exporter_list,
	exporter_suricata, exporter_zeek, exporter_rpz, exporter_nftables, exporter_hosts;

/* Counts a value that is left out; why is static. */
enum err export_leave(struct export *x, const char *why);
/* Adds a record to be sorted. */
enum err export_record(struct export *x, const void *record, size_t n);
enum err export_text(struct export *x, const struct text *record);

/* The host and the port of an endpoint; false when v is none. */
bool export_host(const struct observable *v, struct observable *host, unsigned *port);

/* True when v, which somebody wants to be blocked, never may be; *why is static. */
bool export_protected(const struct observable *v, const char **why);

/* ERR_IO, with words.  What is written is checked once, by out_close(), which replaces the file:
 * call it for every file that was opened, with keep false to throw it away. */
enum err out_open(struct out *o, struct export *x, const char *name);
void out_text(struct out *o, const char *s);
void out_bytes(struct out *o, const void *p, size_t n);
void out_format(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum err out_close(struct out *o, bool keep);

/* Writes the records, each with before in front of it and after behind it, into the one file of
 * the format, below head. */
enum err export_lines(struct export *x, const char *head, const char *before, const char *after);

#endif
