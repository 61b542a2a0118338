/* Other programs at the same work, where they are installed: messages of so many bytes, one program
 * sending another over TCP on this machine, until the last is acknowledged.
 *
 * Messages a second; 0 when the program is not installed. */
#ifndef TESTS_BENCH_PEER_H
#define TESTS_BENCH_PEER_H

#include <stddef.h>

/* redis-server, one stream, appendfsync always: durable before it is acknowledged; no encryption,
 * signature or author. */
double peer_redis(size_t bytes, size_t count);
/* nats-server, a JetStream stream in files: written and not synced before it is acknowledged; no
 * encryption, signature or author. */
double peer_nats(size_t bytes, size_t count);

#endif
