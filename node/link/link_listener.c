#include "node/link/link_listener.h"

#include <errno.h>
#include <string.h>

enum { BACKLOG = 128 };

static void set_secret(void *arg, const uint8_t secret[LINK_KEY_BYTES])
{
	zmq_setsockopt(arg, ZMQ_CURVE_SECRETKEY, secret, LINK_KEY_BYTES);
}

bool socket_tune(void *socket, const struct identity *identity)
{
	const struct {
		int option, value;
	} options[] = {
		{ZMQ_LINGER, 0},
		/* Each way a pipe of so many frames of 64 KiB for every connection: what a peer
		 * that sends without being read, or does not read, can make us hold.  With fewer
		 * the threads wake each other for every few frames; a ROUTER that is full is asked
		 * again after a while, until which what goes out is what is in there. */
		{ZMQ_RCVHWM, 64},
		{ZMQ_SNDHWM, 128},
		/* SPEC 7.1: "A handshake that takes longer than 10 seconds is given up." */
		{ZMQ_HANDSHAKE_IVL, 10 * 1000},
		{ZMQ_HEARTBEAT_IVL, 10 * 1000},
		{ZMQ_HEARTBEAT_TIMEOUT, 30 * 1000},
		{ZMQ_HEARTBEAT_TTL, 30 * 1000},
	};
	/* ZMTP's CURVE adds 33 bytes to a frame, and libzmq measures it with them. */
	const int64_t frame_max = FRAME_MAX_BYTES + 33;
	identity_lend_link_secret(identity, set_secret, socket);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof(int)) != 0)
			return false;
	return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0;
}

void *listener_make(void *context, const struct identity *identity, const char *endpoint)
{
	const int on = 1, backlog = BACKLOG;
	/* Any address is of both families; a given one keeps its own, or 127.0.0.1 would be told as
	 * ::ffff:127.0.0.1. */
	const int ipv6 = strncmp(endpoint, "tcp://*", 7) == 0 || strchr(endpoint, '[') != NULL;
	void *router = zmq_socket(context, ZMQ_ROUTER);
	if (router && zmq_setsockopt(router, ZMQ_CURVE_SERVER, &on, sizeof on) == 0 &&
	    zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &on, sizeof on) == 0 &&
	    zmq_setsockopt(router, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 &&
	    zmq_setsockopt(router, ZMQ_BACKLOG, &backlog, sizeof backlog) == 0 &&
	    zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, "khabardar", 9) == 0 &&
	    socket_tune(router, identity))
		return router;
	if (router)
		zmq_close(router);
	return NULL;
}

bool listener_receive(void *router, zmq_msg_t *route, zmq_msg_t *frame, bool *whole)
{
	if (zmq_msg_recv(route, router, ZMQ_DONTWAIT) < 0 ||
	    zmq_msg_recv(frame, router, ZMQ_DONTWAIT) < 0)
		return false;
	*whole = !zmq_msg_more(frame);
	for (bool more = !*whole; more;) {
		zmq_msg_t part;
		zmq_msg_init(&part);
		more = zmq_msg_recv(&part, router, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&part);
		zmq_msg_close(&part);
	}
	return true;
}

enum err listener_send(void *router, const uint8_t *route, size_t route_length, const void *frame,
		       size_t n)
{
	if (zmq_send(router, route, route_length, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_BUSY : ERR_NOT_FOUND;
	return zmq_send(router, frame, n, ZMQ_DONTWAIT) >= 0 ? ERR_OK : ERR_NOT_FOUND;
}
