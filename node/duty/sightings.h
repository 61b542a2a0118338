/* Sightings of what this node has said: gathered from those who report them, told to all its
 * readers together.  SPEC.md 8.12.
 *
 * Nothing is counted beside the log: every sum is made anew from the reports that are current. */
#ifndef NODE_DUTY_SIGHTINGS_H
#define NODE_DUTY_SIGHTINGS_H

#include "node/detect/sighting.h"
#include "node/node.h"

/* With whose readers it is looked; all borrowed. */
struct sighting_look {
	struct node *node;
	struct log_reader *log;
	struct index_reader *index;
	const struct topology *topology;
	const struct party *self;
};

enum { SIGHTING_OBJECTS_MAX = 256, OBJECT_ID_BYTES = 292 };

/* Tells the readers of these objects of this node how often they have been seen, where that is
 * another number than they were told.  *sent: how many messages. */
enum err sightings_tell(const struct sighting_look *l, char (*objects)[OBJECT_ID_BYTES], size_t n,
			size_t *sent);
/* What the origin of an object has told its readers last.  ERR_NOT_FOUND. */
enum err sightings_told(const struct sighting_look *l, const struct party *origin,
			const char *object, struct sightings *s);

/* What this CERT has seen of an object of another: what it has reported last, and when it did so
 * first.  ERR_NOT_FOUND. */
enum err sighted_reported(const struct sighting_look *l, const char *object, struct sighted *s,
			  uint64_t *created_seen, uint64_t *created_false);
/* And of one of its own, which is kept among the small values of the log.  ERR_NOT_FOUND. */
enum err sighted_read(const struct sighting_look *l, const char *object, struct sighted *s);
enum err sighted_keep(const struct sighting_look *l, const char *object, const struct sighted *s);

#endif
