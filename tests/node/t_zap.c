#include "node/link/zap.h"

#include <zmq.h>

#include "tests/tap.h"

static const uint8_t keys[3][LINK_KEY_BYTES] = {{1}, {2}, {3}};

static void a_key_is_welcome_so_often_in_any_minute(void)
{
	struct zap_list list = {0};
	need(!zap_list_set(&list, keys, 2));
	for (uint64_t t = 0; t < ZAP_HANDSHAKES_MAX; t++)
		is_int(zap_judge(&list, keys[0], 1000 + 1000 * t), ZAP_WELCOME, "time %d",
		       (int)t + 1);
	is_int(zap_judge(&list, keys[0], 40000), ZAP_TOO_OFTEN, "one too many");
	is_int(zap_judge(&list, keys[1], 40000), ZAP_WELCOME, "another key has its own minute");
	is_int(zap_judge(&list, keys[0], 60999), ZAP_TOO_OFTEN,
	       "a millisecond before the minute is over");
	is_int(zap_judge(&list, keys[0], 61000), ZAP_WELCOME, "refusals did not count");
	is_int(zap_judge(&list, keys[0], 61001), ZAP_TOO_OFTEN, "the window slides");
	is_int(zap_judge(&list, keys[0], 62000), ZAP_WELCOME, "from the second on");
	zap_list_clear(&list);
}

static void strangers_are_strangers_however_often_they_come(void)
{
	struct zap_list list = {0};
	is_int(zap_judge(&list, keys[0], 1), ZAP_STRANGER, "an empty list knows nobody");
	need(!zap_list_set(&list, keys, 2));
	for (uint64_t t = 0; t < 10; t++)
		is_int(zap_judge(&list, keys[2], t), ZAP_STRANGER, "not on the list");
	need(!zap_list_set(&list, keys + 2, 1));
	is_int(zap_judge(&list, keys[2], 10), ZAP_WELCOME, "until it is");
	is_int(zap_judge(&list, keys[0], 10), ZAP_STRANGER, "and who left is one");
	zap_list_clear(&list);
}

static void a_new_list_does_not_forget_who_came(void)
{
	struct zap_list list = {0};
	need(!zap_list_set(&list, keys, 1));
	for (uint64_t t = 0; t < ZAP_HANDSHAKES_MAX; t++)
		zap_judge(&list, keys[0], t);
	need(!zap_list_set(&list, keys, 3));
	is_int(zap_judge(&list, keys[0], 30), ZAP_TOO_OFTEN, "the history stays");
	is_int(zap_judge(&list, keys[2], 5), ZAP_WELCOME, "new ones have none");
	zap_list_clear(&list);
}

/* Sends a request as libzmq does, but with this mechanism and these credentials; the status that
 * comes back, and whether User-Id is `user`. */
static int ask(struct zap_list *list, const char *mechanism, const void *credentials, size_t n,
	       const char *user)
{
	void *context = zmq_ctx_new(), *rep = zmq_socket(context, ZMQ_REP),
	     *req = zmq_socket(context, ZMQ_REQ);
	const char *head[] = {"1.0", "7", "khabardar", "127.0.0.1", "", mechanism};
	char part[6][128] = {{0}};
	enum zap_verdict verdict;
	need(zmq_bind(rep, ZAP_ENDPOINT) == 0 && zmq_connect(req, ZAP_ENDPOINT) == 0);
	ok(!zap_serve(rep, list, 0, &verdict), "no request, no answer");
	for (size_t i = 0; i < 6; i++)
		zmq_send(req, head[i], strlen(head[i]), i < 5 || credentials ? ZMQ_SNDMORE : 0);
	if (credentials)
		zmq_send(req, credentials, n, 0);
	ok(zap_serve(rep, list, 0, &verdict), "one request, one answer");
	for (size_t i = 0; i < 6; i++)
		zmq_recv(req, part[i], 127, 0);
	is_str(part[0], "1.0", "version");
	is_str(part[1], "7", "the request's id");
	is_str(part[4], user, "User-Id");
	zmq_close(rep);
	zmq_close(req);
	zmq_ctx_term(context);
	return atoi(part[2]);
}

static void only_curve_keys_are_answered_with_a_welcome(void)
{
	struct zap_list list = {0};
	char user[65];
	hex_encode(user, keys[0], LINK_KEY_BYTES);
	need(!zap_list_set(&list, keys, 1));
	is_int(ask(&list, "CURVE", keys[0], 32, user), 200, "a key on the list");
	is_int(ask(&list, "CURVE", keys[1], 32, ""), 400, "a key that is not");
	is_int(ask(&list, "CURVE", keys[0], 31, ""), 400, "a key that is short");
	is_int(ask(&list, "NULL", NULL, 0, ""), 400, "no mechanism");
	is_int(ask(&list, "PLAIN", "admin", 5, ""), 400, "a password");
	is_int(ask(&list, "PLAIN", keys[0], 32, ""), 400, "a key as a password");
	for (int i = 0; i < ZAP_HANDSHAKES_MAX - 1; i++)
		zap_judge(&list, keys[0], 0);
	is_int(ask(&list, "CURVE", keys[0], 32, ""), 500, "too often");
	zap_list_clear(&list);
}

int main(void)
{
	RUN(a_key_is_welcome_so_often_in_any_minute);
	RUN(strangers_are_strangers_however_often_they_come);
	RUN(a_new_list_does_not_forget_who_came);
	RUN(only_curve_keys_are_answered_with_a_welcome);
	return tap_done();
}
