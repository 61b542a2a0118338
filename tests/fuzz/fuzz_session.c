/* A conversation with a peer that says anything: the input is frames, each after its length in two
 * bytes.  The peer greets properly first unless the input begins with an odd byte. */
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/session.h"
#include "tests/fuzz/fuzz.h"

static const struct version_hash version = {.version = 1, .hash = {{7}}};

static bool holds(void *arg, const struct message_id *id)
{
	(void)arg;
	return id->b[0] & 1;
}

static void greet(struct session *s, const struct session_config *config,
		  const struct session_greeting *greeting)
{
	static uint8_t out[FRAME_MAX_BYTES];
	struct frame f = {.type = FRAME_HELLO};
	size_t n;

	f.hello.network = config->network;
	f.hello.self = config->peer;
	f.hello.nonce[0] = 9;
	memcpy(f.hello.echo, greeting->nonce, NONCE_BYTES);
	f.hello.credit_bytes = WINDOW_BYTES;
	f.hello.credit_messages = WINDOW_MESSAGES;
	f.hello.version_count = 1;
	f.hello.versions[0] = version;
	strcpy(f.hello.software, "fuzz");
	n = frame_encode(&f, out);
	must(n > 0);
	session_receive(s, out, n, 1);
}

/* Takes everything that the session has to say, and answers as a host would. */
static void drain(struct session *s, uint64_t now)
{
	static uint8_t out[FRAME_MAX_BYTES];
	static struct frame f;
	struct session_event event;
	size_t n;

	while (session_next(s, &event)) {
		if (event.kind == SESSION_MESSAGE)
			session_settle(s, event.number, SETTLED_STORED, 0);
		else if (event.kind == SESSION_TOPOLOGY_ASKED)
			session_give_topology(s, 0, NULL, 0);
		free(event.data);
	}
	while ((n = session_output(s, out, now)) > 0)
		must(frame_decode(&f, out, n) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct session_config config = {.window_bytes = MESSAGE_MAX_BYTES,
					.window_messages = 4,
					.software = "fuzz",
					.holds = holds};
	struct session_greeting greeting = {.nonce = {1}, .versions = &version, .version_count = 1};
	struct session *s;
	struct reader r;
	uint64_t now = 1;

	config.self.b[0] = 1;
	config.peer.b[0] = 2;
	s = session_new(&config);
	must(s);
	session_start(s, &greeting, now);
	drain(s, now);
	reader_init(&r, data, n);
	if ((read_u8(&r) & 1) == 0)
		greet(s, &config, &greeting);
	while (r.left && !r.bad) {
		size_t length = read_u16(&r);
		const uint8_t *frame;
		if (length > r.left)
			length = r.left;
		frame = read_ref(&r, length);
		now += 1000;
		session_tick(s, now);
		session_receive(s, frame, length, now);
		drain(s, now);
		must(session_deadline(s) > 0);
	}
	session_free(s);
	return 0;
}
