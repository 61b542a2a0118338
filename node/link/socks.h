/* A tunnel through a SOCKS 5 proxy (RFC 1928, without authentication), as an endpoint of our own
 * that libzmq connects to.
 *
 * libzmq has a SOCKS client, but in 4.3.4 it ends the program whenever the proxy fails: refused,
 * silent, or with a refusal of its own (measured).  Here a thread takes one connection of this
 * process over a Unix socket, and moves bytes; what it moves is CURVE's. */
#ifndef NODE_SOCKS_H
#define NODE_SOCKS_H

#include "protocol/error.h"
#include "protocol/types.h"

struct socks;

enum { SOCKS_WAIT_MS = 10 * 1000 }; /* for each step until the tunnel stands */

/* proxy is "host:port", endpoint "tcp://host:port"; a name in it is the proxy's to look up.
 * ERR_FORMAT: one of them is not. */
enum err socks_open(struct socks **socks, const char *proxy, const char *endpoint);
/* Forgets the tunnel, which ends when libzmq closes its end; NULL is accepted. */
void socks_close(struct socks *socks);

/* "ipc://@..." */
const char *socks_endpoint(const struct socks *socks);
/* Why there is no tunnel: a static phrase, or NULL once it has stood. */
const char *socks_why(struct socks *socks);
/* The TCP connection with the proxy, borrowed; -1 while there is none. */
int socks_descriptor(struct socks *socks);

#endif
