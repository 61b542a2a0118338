/* What the files of sightings share; nobody else includes it. */
#ifndef NODE_DUTY_SIGHTINGS_PARTS_H
#define NODE_DUTY_SIGHTINGS_PARTS_H

#include "node/duty/sightings.h"

/* A post that this node can read, at lsn. */
struct post_at {
	struct log_row row;
	struct header header;
	char *json; /* owned */
	struct post post;
};

/* ERR_NOT_FOUND where there is none.  On ERR_OK the caller closes it. */
enum err sighting_post_open(const struct sighting_look *l, struct post_at *p, uint64_t lsn);
void sighting_post_close(struct post_at *p);

/* As sightings_told(); created is when it was told first. */
enum err sightings_told_read(const struct sighting_look *l, const struct party *origin,
			     const char *object, struct sightings *s, uint64_t *created);
/* sightings_gather.c: the sum of all reports of an object of this node that are current. */
enum err sightings_gather(const struct sighting_look *l, const char *object, struct sightings *sum);

#endif
