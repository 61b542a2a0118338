/* The admin socket among clients that do anything, over real connections: each byte of the input
 * chooses one of them and what it does.  Whatever they did, whoever comes next is heard and
 * answered. */
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/admin/clients.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"

enum { CALLERS = 4, REPLY_MAX = 300 << 10, LARGE_BYTES = 70 << 10, TURNS_MAX = 50 };

enum deed { COME, GO, GREET, SEND, ASK, ASK_MUCH, TURN, REPLY, HEAR, CLOSE_HALF, DEEDS };

static struct clients *clients;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int always; /* readable, so that nobody waits */
static int fds[CALLERS + 1];
static bool open_now[CALLERS + 1];

/* Requests that are not answered yet. */
static struct client_request asked[CALLERS + 2];
static size_t asked_count;

static bool may_be_large(void *arg, const struct caller *caller)
{
	(void)arg;
	must(caller->uid == getuid());
	return true;
}

static void leave(void)
{
	clients_close(clients);
}

static void prepare(void)
{
	if (clients)
		return;
	snprintf(address.sun_path, sizeof address.sun_path, "/tmp/khabardar-fuzz.%d", getpid());
	must(clients_open(&clients, address.sun_path, may_be_large, NULL, NULL) == ERR_OK);
	always = eventfd(1, EFD_CLOEXEC);
	must(always >= 0 && atexit(leave) == 0);
}

static void come(size_t i)
{
	fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(fds[i] >= 0);
	must(connect(fds[i], (const struct sockaddr *)&address, sizeof address) == 0);
	open_now[i] = true;
}

/* What finds no room is not sent: then the rest means something else. */
static void say(size_t i, const void *bytes, size_t n)
{
	if (send(fds[i], bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static void greet(size_t i)
{
	static const char ready[] = "\4\34\5READY\13Socket-Type\0\0\0\6DEALER";
	uint8_t greeting[ZMTP_GREETING_BYTES];

	say(i, greeting, zmtp_greeting(greeting));
	say(i, ready, sizeof ready - 1);
}

static void ask(size_t i, const char text[2], size_t frame)
{
	static const uint8_t zeros[LARGE_BYTES];
	uint8_t head[ZMTP_HEAD_BYTES];

	say(i, head, zmtp_head(head, 2, frame > 0));
	say(i, text, 2);
	if (frame > 0) {
		say(i, head, zmtp_head(head, frame, false));
		say(i, zeros, frame);
	}
}

static void hear(size_t i)
{
	char heard[4096];

	for (int turn = 0; turn < TURNS_MAX; turn++)
		if (recv(fds[i], heard, sizeof heard, MSG_DONTWAIT) <= 0)
			return;
}

static void turn(void)
{
	struct client_request r;

	clients_wait(clients, always);
	while (clients_next(clients, &r)) {
		/* Each client has one request here at a time. */
		for (size_t i = 0; i < asked_count; i++)
			must(asked[i].client != r.client);
		must(asked_count < CALLERS + 2);
		must(r.text || r.refused);
		must(r.text || r.frame_count == 0);
		asked[asked_count++] = r;
	}
}

/* Looks at all that was lent before it goes. */
static void reply(size_t length)
{
	static char words[REPLY_MAX];
	struct client_request r;
	struct slice text = {words, length}, frame = {words, length / 2};
	unsigned sum = 0;

	if (asked_count == 0)
		return;
	r = asked[0];
	for (size_t i = 0; i < r.text_length; i++)
		sum += (uint8_t)r.text[i];
	for (size_t k = 0; k < r.frame_count; k++)
		for (size_t i = 0; i < r.frames[k].length; i++)
			sum += (uint8_t)r.frames[k].at[i];
	asked_count--;
	for (size_t i = 0; i < asked_count; i++)
		asked[i] = asked[i + 1];
	clients_reply(clients, r.client, &text, sum % 2 ? &frame : NULL);
}

static void act(size_t i, enum deed deed, struct reader *r)
{
	size_t n;

	if (!open_now[i] && deed != COME && deed != TURN && deed != REPLY)
		return;
	switch (deed) {
	case COME:
		if (!open_now[i])
			come(i);
		break;
	case GO:
		close(fds[i]);
		open_now[i] = false;
		break;
	case GREET:
		greet(i);
		break;
	case SEND:
		n = read_u8(r);
		n = n < r->left ? n : r->left;
		say(i, read_ref(r, n), n);
		break;
	case ASK:
		ask(i, "{}", 0);
		break;
	case ASK_MUCH:
		ask(i, "{}", LARGE_BYTES);
		break;
	case TURN:
		turn();
		break;
	case REPLY:
		n = (size_t)read_u8(r) << 11;
		reply(n < REPLY_MAX ? n : REPLY_MAX);
		break;
	case HEAR:
		hear(i);
		break;
	case CLOSE_HALF:
		shutdown(fds[i], SHUT_WR);
		break;
	case DEEDS:
		break;
	}
}

/* Is the first one that waits the newcomer's?  No SEND is as long. */
static bool is_newcomers(void)
{
	const struct client_request *r = &asked[0];

	return asked_count == 1 && r->text_length == 2 && memcmp(r->text, "[]", 2) == 0 &&
	       r->frame_count == 1 && r->frames[0].length == LARGE_BYTES;
}

/* Requests of those who have left are taken before, too. */
static void a_newcomer_is_answered(void)
{
	char answer[1024];
	ssize_t n = 0;

	come(CALLERS);
	greet(CALLERS);
	ask(CALLERS, "[]", LARGE_BYTES);
	for (int i = 0; i < TURNS_MAX && !is_newcomers(); i++) {
		reply(0);
		turn();
	}
	must(is_newcomers());
	while (recv(fds[CALLERS], answer, sizeof answer, MSG_DONTWAIT) > 0)
		;
	reply(100);
	n = recv(fds[CALLERS], answer, sizeof answer, MSG_DONTWAIT);
	must(n >= 102 && answer[1] == 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;

	prepare();
	reader_init(&r, data, n);
	while (r.left) {
		uint8_t what = read_u8(&r);
		act(what % CALLERS, (enum deed)(what / CALLERS % DEEDS), &r);
	}
	while (asked_count)
		reply(0);
	for (size_t i = 0; i < CALLERS; i++)
		if (open_now[i])
			act(i, GO, &r);
	a_newcomer_is_answered();
	act(CALLERS, GO, &r);
	turn();
	must(asked_count == 0);
	return 0;
}
