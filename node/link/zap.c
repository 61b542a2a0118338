#include "node/link/zap.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

void zap_list_clear(struct zap_list *list)
{
	free(list->guests);
	*list = (struct zap_list){0};
}

static struct zap_guest *find_guest(const struct zap_list *list, const uint8_t *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (memcmp(list->guests[i].key, key, LINK_KEY_BYTES) == 0)
			return &list->guests[i];
	return NULL;
}

enum err zap_list_set(struct zap_list *list, const uint8_t (*keys)[LINK_KEY_BYTES], size_t n)
{
	struct zap_guest *guests = calloc(n ? n : 1, sizeof *guests);
	if (!guests)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const struct zap_guest *old = find_guest(list, keys[i]);
		if (old)
			guests[i] = *old;
		else
			memcpy(guests[i].key, keys[i], LINK_KEY_BYTES);
	}
	free(list->guests);
	*list = (struct zap_list){guests, n};
	return ERR_OK;
}

enum zap_verdict zap_judge(struct zap_list *list, const uint8_t key[LINK_KEY_BYTES], uint64_t now)
{
	struct zap_guest *guest = find_guest(list, key);
	if (!guest)
		return ZAP_STRANGER;
	/* SPEC 7.1: "A key is admitted at most 20 times in any 60 seconds." */
	if (guest->known == ZAP_HANDSHAKES_MAX && now - guest->came[guest->next] < ZAP_MINUTE_MS)
		return ZAP_TOO_OFTEN;
	guest->came[guest->next] = now;
	guest->next = (guest->next + 1) % ZAP_HANDSHAKES_MAX;
	if (guest->known < ZAP_HANDSHAKES_MAX)
		guest->known++;
	return ZAP_WELCOME;
}

/* The frames of a request, in the order of RFC 27. */
enum {
	ZAP_VERSION,
	ZAP_REQUEST_ID,
	ZAP_DOMAIN,
	ZAP_ADDRESS,
	ZAP_ROUTING_ID,
	ZAP_MECHANISM,
	ZAP_CREDENTIALS,
	ZAP_FRAMES
};

/* Reads all parts of one message, keeps the first ZAP_FRAMES; returns how many there were, 0 when
 * there is no message. */
static size_t receive_request(void *socket, zmq_msg_t frames[ZAP_FRAMES])
{
	size_t n = 0;
	bool more = true;
	while (more) {
		zmq_msg_t part;
		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, socket, n ? 0 : ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&part);
			return n;
		}
		more = zmq_msg_more(&part);
		if (n < ZAP_FRAMES)
			zmq_msg_move(&frames[n], &part);
		zmq_msg_close(&part);
		n++;
	}
	return n;
}

static bool frame_is(zmq_msg_t *frame, const char *word)
{
	size_t n = strlen(word);
	return zmq_msg_size(frame) == n && memcmp(zmq_msg_data(frame), word, n) == 0;
}

static void send_reply(void *socket, zmq_msg_t *request_id, const char *status, const char *text,
		       const char *user)
{
	zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(socket, zmq_msg_data(request_id), zmq_msg_size(request_id), ZMQ_SNDMORE);
	zmq_send(socket, status, 3, ZMQ_SNDMORE);
	zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
	zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
	zmq_send(socket, "", 0, 0);
}

bool zap_serve(void *socket, struct zap_list *list, uint64_t now, enum zap_verdict *verdict)
{
	zmq_msg_t frames[ZAP_FRAMES];
	for (size_t i = 0; i < ZAP_FRAMES; i++)
		zmq_msg_init(&frames[i]);
	size_t n = receive_request(socket, frames);
	char user[2 * LINK_KEY_BYTES + 1] = "";
	*verdict = ZAP_STRANGER;
	if (n == ZAP_FRAMES && frame_is(&frames[ZAP_MECHANISM], "CURVE") &&
	    zmq_msg_size(&frames[ZAP_CREDENTIALS]) == LINK_KEY_BYTES) {
		const uint8_t *key = zmq_msg_data(&frames[ZAP_CREDENTIALS]);
		*verdict = zap_judge(list, key, now);
		hex_encode(user, key, LINK_KEY_BYTES);
	}
	if (n > 0) {
		switch (*verdict) {
		case ZAP_WELCOME:
			send_reply(socket, &frames[ZAP_REQUEST_ID], "200", "welcome", user);
			break;
		case ZAP_STRANGER:
			send_reply(socket, &frames[ZAP_REQUEST_ID], "400", "unknown key", "");
			break;
		case ZAP_TOO_OFTEN:
			/* Not 300, which RFC 27 has for this: libzmq's client gets no word of a 300
			 * and neither connects again nor says so (4.3.4, measured). */
			send_reply(socket, &frames[ZAP_REQUEST_ID], "500", "too often", "");
			break;
		}
	}
	for (size_t i = 0; i < ZAP_FRAMES; i++)
		zmq_msg_close(&frames[i]);
	return n > 0;
}
