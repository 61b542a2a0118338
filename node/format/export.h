/* Exporters: what this node knows becomes files that other programs read.  SPEC.md 8.8.
 *
 * They run in the command: the node gives lines (SPEC.md 9.7), an export turns them into files,
 * each replaced at once when all is written.  One table, one file per family of formats:
 *
 *     stix        one STIX 2.1 bundle, its objects byte for byte
 *     misp-feed   a MISP feed: manifest.json, one file for each message, hashes.csv
 *     csv         a table of values
 *     list        a value a line
 *     suricata    hash lists, datasets and the rules that load them
 *     zeek        a file of Zeek's intelligence framework
 *     rpz         a response policy zone
 *     nftables    sets of addresses
 *     hosts       names of a hosts file
 *
 * Lines come in any order; what is written depends on their set alone (but for the serial of a
 * zone and the times of a feed, which rise), and memory does not grow with their number.  Values
 * were written by strangers: nothing of them can become syntax of a format.
 *
 *     export_open(&x, &options, &report);
 *     export_line(x, line, raw);                any number of times
 *     export_finish(x, &result, &report);
 *     export_close(x);
 */
#ifndef NODE_FORMAT_EXPORT_H
#define NODE_FORMAT_EXPORT_H

#include "protocol/json.h"
#include "protocol/report.h"

struct export;

enum { EXPORT_REASONS_MAX = 16, EXPORT_ZONE_MAX_BYTES = 200 };

struct export_options {
	const char *format; /* a name of the table */
	const char *dir;    /* made when absent; NULL: standard output */
	const char *zone;   /* of rpz: the zone's name; NULL: whatever it is loaded as */
	uint64_t now;       /* ms since 1970 */
	size_t memory;      /* bytes of records in memory; 0: 32 MiB */
};

struct export_reason {
	const char *why; /* static */
	size_t count;
};

/* What came of it. */
struct export_result {
	size_t objects; /* that were of the format's kind */
	size_t written; /* lines, addresses, names, objects: what the format is made of */
	size_t reason_count;
	struct export_reason reasons[EXPORT_REASONS_MAX]; /* why values were left out */
};

/* What a format is and takes, for whoever asks the node. */
struct export_format {
	const char *name;
	const char *file; /* of its one file; NULL: it makes several, and needs a folder */
	bool blocks;      /* takes nothing but what is meant to be blocked */
	bool whole;       /* needs whole objects */
};

/* The formats one by one; NULL at the end. */
const struct export_format *export_format(size_t number);
/* By name, or NULL. */
const struct export_format *export_format_named(const char *name);

/* ERR_FORMAT for options that do not fit, ERR_IO, with words. */
enum err export_open(struct export **x, const struct export_options *options,
		     struct report *report);
/* One line of the node; raw are the bytes of its object, or empty.  What cannot be read is left
 * out and counted.  ERR_MEMORY, ERR_IO. */
enum err export_line(struct export *x, const cJSON *line, struct slice raw);
/* True when the last line is in what will be written, or what says the same. */
bool export_took(const struct export *x);
/* Writes and replaces the files.  On an error, with words, those that were not replaced are as
 * they were. */
enum err export_finish(struct export *x, struct export_result *result, struct report *report);
void export_close(struct export *x);

#endif
