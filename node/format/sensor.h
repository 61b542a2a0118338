/* What sensors write when something known was seen: which values a line is about, and when it was.
 * SPEC.md 9.13.
 *
 * Lines are hostile: attackers choose names that are looked up and URLs that are asked for. Nothing
 * here decides whether a value is known. */
#ifndef NODE_FORMAT_SENSOR_H
#define NODE_FORMAT_SENSOR_H

#include "protocol/json.h"

enum sensor_format {
	SENSOR_NONE,
	SENSOR_EVE,  /* Suricata's eve.json */
	SENSOR_RPZ,  /* Unbound or BIND, of what a response policy zone has answered */
	SENSOR_LIST, /* values, one a line */
	SENSOR_LOG,  /* anything with values in its lines */
	SENSOR_FORMATS,
};

/* "eve" "rpz" "list" "log"; static.  False where it is none of them. */
const char *sensor_str(enum sensor_format format);
bool sensor_parse(enum sensor_format *format, const char *text);
/* What the lines look like, the last of which may not be whole. */
enum sensor_format sensor_detect(struct slice lines);

/* The part of a line in which to look for values: the line itself, or what is written into scratch.
 * Empty when it says nothing of its kind. */
struct slice sensor_values(enum sensor_format format, struct slice line, struct text *scratch);

/* When a line says that it was, in ms since 1970; now is for years that are not written.  False
 * when it says nothing. */
bool sensor_time(uint64_t *ms, struct slice line, uint64_t now);

#endif
