/* Asks much of the peer, by rules that it keeps. */
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "protocol/json.h"
#include "tests/e2e/attack/deeds.h"
#include "tests/e2e/attack/talk.h"

/* The same message over and over: it costs the peer nothing, and is no crime. */
void replay(unsigned seconds)
{
	struct message m = write_message(me.self, "once", 4, KIND_POST);
	uint64_t end;

	(void)seconds;
	meet();
	for (int i = 0; i < 50; i++)
		push(&m);
	for (end = clock_monotonic() + WAIT_MS;
	     !me.down && me.have < 49 && clock_monotonic() < end;)
		turn(20);
	idle(500);
	printf("%llu of 50 had already, %s\n", (unsigned long long)me.have,
	       me.down ? "cut off" : "still connected");
	free(m.bytes);
}

/* Text that is small on the wire and large in memory; each is the author's own affair. */
void bombs(unsigned seconds)
{
	const size_t n = 64 << 20, most = BODY_PLAIN_MAX_BYTES;
	char *text = malloc(n);

	(void)seconds;
	if (!text)
		die("no memory");
	meet();
	memset(text, ' ', n);
	push_compressed(text, n);
	push_compressed(text, most);
	memset(text, '[', most);
	push_compressed(text, most);
	for (size_t i = 0; i < most; i++)
		text[i] = "[],"[i % 3];
	text[0] = '[';
	push_compressed(text, most);
	for (size_t i = 0; i < most; i++)
		text[i] = "{\"\":"[i % 4];
	push_compressed(text, most);
	memset(text, '"', most);
	push_compressed(text, most);
	free(text);
	printf("%s\n", answered() ? "all of them are answered" : "some were not answered");
}

/* As much as an index can be made to hold for one message: 64 values in each of 1,024 objects. */
void dense(unsigned seconds)
{
	static const char id[] = "01234567-89ab-4def-8123-";
	struct text t;

	(void)seconds;
	meet();
	for (unsigned round = 0; round < 4; round++) {
		text_init(&t);
		text_format(&t,
			    "{\"envelope\":{\"use\":\"detect\"},\"bundle\":{\"type\":\"bundle\","
			    "\"id\":\"bundle--%s%012x\",\"objects\":[",
			    id, round);
		for (unsigned i = 0; i < BUNDLE_OBJECTS_MAX; i++) {
			text_format(&t,
				    "%s{\"type\":\"indicator\",\"spec_version\":\"2.1\","
				    "\"id\":\"indicator--%s%04x%08x\",\"created\":"
				    "\"2026-01-01T00:00:00.000Z\",\"modified\":"
				    "\"2026-01-01T00:00:00.000Z\",\"pattern_type\":\"stix\","
				    "\"valid_from\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[",
				    i ? "," : "", id, round, i);
			for (unsigned k = 0; k < 64; k++)
				text_format(&t, "%sipv4-addr:value = '10.%u.%u.%u'",
					    k ? " OR " : "", round, i & 255, k + (i >> 8) * 64);
			text_str(&t, "]\"}");
		}
		text_str(&t, "]}}");
		if (!push_compressed(t.at, t.length))
			die("not pushed");
		text_clear(&t);
	}
	printf("%s\n", answered() ? "all of them are answered" : "some were not answered");
}

/* Messages of 1 MiB as fast as they are taken. */
void flood(unsigned seconds)
{
	static uint8_t body[BODY_MAX_BYTES];
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	randombytes_buf(body, sizeof body);
	while (!me.down && clock_monotonic() < end) {
		memcpy(body, &me.sequence, sizeof me.sequence);
		push_body(body, sizeof body);
	}
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

/* So many messages of 1 MiB. */
void pour(unsigned messages)
{
	static uint8_t body[BODY_MAX_BYTES];

	meet();
	randombytes_buf(body, sizeof body);
	while (!me.down && me.number < messages) {
		memcpy(body, &me.sequence, sizeof me.sequence);
		if (!push_body(body, sizeof body))
			die("not pushed");
	}
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

/* The smallest of messages as fast as they are taken: their price is the signatures. */
void drizzle(unsigned seconds)
{
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	while (!me.down && clock_monotonic() < end)
		push_body("x", 1);
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

/* Takes everything and acknowledges nothing. */
void never_ack(unsigned seconds)
{
	meet();
	idle(1000 * seconds);
	printf("%s\n", me.down ? "cut off" : "still connected");
}

/* Asks for everything, again and again, and reads nothing. */
void deaf(unsigned seconds)
{
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	me.mute = true;
	for (int i = 0; i < 60; i++)
		say_hello(me.self, 0);
	while (clock_monotonic() < end)
		poll(NULL, 0, 50);
}

/* Takes back what never was, as fast as it is taken. */
void recall_all(unsigned seconds)
{
	uint64_t end;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	while (!me.down && clock_monotonic() < end) {
		struct message m;
		randombytes_buf(me.ref.b, sizeof me.ref.b);
		m = write_message(me.self, "x", 1, KIND_RECALL);
		push(&m);
		free(m.bytes);
	}
	answered();
	printf("%llu acknowledged\n", (unsigned long long)me.acked);
}

static void keep_key(void *arg, const uint8_t secret[LINK_KEY_BYTES])
{
	memcpy(arg, secret, LINK_KEY_BYTES);
}

/* A thousand connections with one good key, each of which sends what no frame is. */
void crowd(unsigned seconds)
{
	enum { CROWD = 1000 };
	static void *sockets[CROWD];
	uint64_t end = clock_monotonic() + 1000 * seconds;
	void *context = zmq_ctx_new();
	uint8_t secret[LINK_KEY_BYTES];
	const int none = 0;

	identity_lend_link_secret(me.identity, keep_key, secret);
	zmq_ctx_set(context, ZMQ_MAX_SOCKETS, CROWD + 10);
	for (size_t i = 0; i < CROWD; i++) {
		void *s = sockets[i] = zmq_socket(context, ZMQ_DEALER);
		if (!s)
			die("no sockets");
		zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, me.peer->link_key, LINK_KEY_BYTES);
		zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, identity_public(me.identity)->link,
			       LINK_KEY_BYTES);
		zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, secret, sizeof secret);
		zmq_setsockopt(s, ZMQ_LINGER, &none, sizeof none);
		zmq_connect(s, me.peer->endpoint);
	}
	tell_begun();
	while (clock_monotonic() < end) {
		for (size_t i = 0; i < CROWD; i++)
			zmq_send(sockets[i], "hello?", 6, ZMQ_DONTWAIT);
		poll(NULL, 0, 50);
	}
	for (size_t i = 0; i < CROWD; i++)
		zmq_close(sockets[i]);
	zmq_ctx_term(context);
	printf("gone\n");
}
