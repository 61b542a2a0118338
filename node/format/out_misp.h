/* The two halves of the exporter of MISP feeds: events (out_misp.c), files (out_misp_feed.c). */
#ifndef NODE_FORMAT_OUT_MISP_H
#define NODE_FORMAT_OUT_MISP_H

#include "node/format/export_parts.h"

/* The first byte of a record: an event, or a line of hashes.csv. */
enum { MISP_EVENT = 'E', MISP_HASH = 'H' };

/* Writes the events that are among the records, hashes.csv, manifest.json, and removes the events
 * of an earlier export that are no more. */
enum err misp_feed_write(struct export *x);

#endif
