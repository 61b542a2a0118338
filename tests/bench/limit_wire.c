/* Two processes and CURVE: the bare prototype of a transfer. */
#include <pthread.h>
#include <sodium.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/limit.h"
#include "tests/bench/limit_parts.h"

enum {
	HEADER_BYTES = 188,
	SIGNED = 64,
	HEAD_BYTES = HEADER_BYTES + SIGNED,
	WINDOW = 1024,
	BATCH = 512,
	THREADS_MAX = 8,
	TRIPS = 300,
};

struct keys {
	char server_public[41], server_secret[41], client_public[41], client_secret[41];
};

static void keys_make(struct keys *k)
{
	must(zmq_curve_keypair(k->server_public, k->server_secret) == 0);
	must(zmq_curve_keypair(k->client_public, k->client_secret) == 0);
}

static void tune(void *socket)
{
	const int mark = WINDOW + 16, none = 0;

	zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof mark);
	zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark);
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
}

static void *serve(void *context, const struct keys *k, char endpoint[64])
{
	const int on = 1;
	size_t n = 64;
	void *s = zmq_socket(context, ZMQ_PAIR);

	tune(s);
	must(zmq_setsockopt(s, ZMQ_CURVE_SERVER, &on, sizeof on) == 0 &&
	     zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, k->server_secret, 41) == 0 &&
	     zmq_bind(s, "tcp://127.0.0.1:*") == 0 &&
	     zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, endpoint, &n) == 0);
	return s;
}

static void *dial(void *context, const struct keys *k, const char *endpoint)
{
	void *s = zmq_socket(context, ZMQ_PAIR);

	tune(s);
	must(zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, k->server_public, 41) == 0 &&
	     zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, k->client_public, 41) == 0 &&
	     zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, k->client_secret, 41) == 0 &&
	     zmq_connect(s, endpoint) == 0);
	return s;
}

/* Starts a process that is told the endpoint and never returns. */
static pid_t client_start(const struct keys *k, int from, void (*client)(void *socket, void *arg),
			  void *arg)
{
	pid_t pid = fork();
	char endpoint[64];
	void *context, *socket;

	must(pid >= 0);
	if (pid > 0)
		return pid;
	/* It ends with its parent, even where that is interrupted. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(read(from, endpoint, sizeof endpoint) == sizeof endpoint);
	context = zmq_ctx_new();
	socket = dial(context, k, endpoint);
	client(socket, arg);
	zmq_close(socket);
	zmq_ctx_term(context);
	_exit(0);
}

/* ---- round trips ---- */

static void echo(void *socket, void *arg)
{
	char frame[1024];
	int n;

	(void)arg;
	for (int i = 0; i < TRIPS; i++) {
		must((n = zmq_recv(socket, frame, sizeof frame, 0)) >= 0);
		must(zmq_send(socket, frame, (size_t)n, 0) == n);
	}
	must(zmq_recv(socket, frame, sizeof frame, 0) >= 0);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double limit_round_trip_ms(void)
{
	struct keys keys;
	int pipe_ends[2];
	char endpoint[64] = "", frame[700] = "";
	double took[TRIPS];
	void *context, *socket;
	pid_t pid;

	keys_make(&keys);
	must(pipe(pipe_ends) == 0);
	pid = client_start(&keys, pipe_ends[0], echo, NULL);
	context = zmq_ctx_new();
	socket = serve(context, &keys, endpoint);
	must(write(pipe_ends[1], endpoint, sizeof endpoint) == sizeof endpoint);
	for (int i = 0; i < TRIPS; i++) {
		double begun = limit_now();
		must(zmq_send(socket, frame, sizeof frame, 0) == sizeof frame);
		must(zmq_recv(socket, frame, sizeof frame, 0) == sizeof frame);
		took[i] = (limit_now() - begun) * 1e3;
	}
	must(zmq_send(socket, frame, 1, 0) == 1);
	must(waitpid(pid, NULL, 0) == pid);
	zmq_close(socket);
	zmq_ctx_term(context);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	qsort(took, TRIPS, sizeof *took, by_size);
	return took[TRIPS / 2];
}

/* ---- a transfer ---- */

struct load {
	uint8_t *messages;
	size_t length, count;
	uint8_t public[32];
};

static void signed_text(uint8_t out[40], const uint8_t *message)
{
	memcpy(out, "khabar-1", 8);
	crypto_generichash(out + 8, 32, message, HEADER_BYTES, NULL, 0);
}

static void load_make(struct load *l, size_t body_bytes, size_t count)
{
	uint8_t secret[64], text[40];

	l->length = HEAD_BYTES + body_bytes;
	l->count = count;
	l->messages = malloc(l->length * count);
	must(l->messages);
	randombytes_buf(l->messages, l->length * count);
	crypto_sign_keypair(l->public, secret);
	for (size_t i = 0; i < count; i++) {
		uint8_t *m = l->messages + i * l->length;
		crypto_generichash(m + 88, 32, m + HEAD_BYTES, body_bytes, NULL, 0);
		signed_text(text, m);
		crypto_sign_detached(m + HEADER_BYTES, NULL, text, sizeof text, secret);
	}
}

static void send_all(void *socket, void *arg)
{
	const struct load *l = arg;
	uint64_t acknowledged = 0;

	for (size_t i = 0; acknowledged < l->count;) {
		bool room = i < l->count && i - acknowledged < WINDOW;
		uint64_t number;
		if (room) {
			must(zmq_send(socket, l->messages + i * l->length, l->length, 0) >= 0);
			i++;
		}
		if (zmq_recv(socket, &number, sizeof number, room ? ZMQ_DONTWAIT : 0) ==
		    sizeof number)
			acknowledged = number;
	}
}

struct batch {
	zmq_msg_t frames[BATCH];
	size_t count;
	uint64_t first;
};

struct receiver {
	const struct load *load;
	MDB_env *env;
	MDB_dbi row, body;
	struct batch batches[2];
	pthread_barrier_t begun, done; /* of a verification */
	struct batch *verifying;       /* NULL: the threads end */
	unsigned threads;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct batch *committing; /* NULL: none */
	bool ending;
};

static void verify_share(struct receiver *r, unsigned share)
{
	for (size_t i = share; i < r->verifying->count; i += r->threads) {
		const uint8_t *m = zmq_msg_data(&r->verifying->frames[i]);
		uint8_t text[40], hash[32];
		crypto_generichash(hash, sizeof hash, m + HEAD_BYTES, r->load->length - HEAD_BYTES,
				   NULL, 0);
		must(memcmp(hash, m + 88, sizeof hash) == 0);
		signed_text(text, m);
		must(crypto_sign_verify_detached(m + HEADER_BYTES, text, sizeof text,
						 r->load->public) == 0);
	}
}

struct helper {
	struct receiver *receiver;
	unsigned share;
};

static void *helper_main(void *arg)
{
	struct helper *h = arg;

	for (;;) {
		pthread_barrier_wait(&h->receiver->begun);
		if (!h->receiver->verifying)
			return NULL;
		verify_share(h->receiver, h->share);
		pthread_barrier_wait(&h->receiver->done);
	}
}

static void append(struct receiver *r, struct batch *b)
{
	MDB_txn *txn;

	must(mdb_txn_begin(r->env, NULL, 0, &txn) == 0);
	for (size_t i = 0; i < b->count; i++) {
		uint64_t at = __builtin_bswap64(b->first + i);
		uint8_t *m = zmq_msg_data(&b->frames[i]);
		MDB_val key = {sizeof at, &at}, head = {HEAD_BYTES, m},
			rest = {r->load->length - HEAD_BYTES, m + HEAD_BYTES};
		must(mdb_put(txn, r->row, &key, &head, MDB_APPEND) == 0);
		must(mdb_put(txn, r->body, &key, &rest, MDB_APPEND) == 0);
	}
	must(mdb_txn_commit(txn) == 0);
	for (size_t i = 0; i < b->count; i++)
		zmq_msg_close(&b->frames[i]);
}

static void *committer_main(void *arg)
{
	struct receiver *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (!r->committing && !r->ending)
			pthread_cond_wait(&r->changed, &r->lock);
		if (!r->committing)
			break;
		pthread_mutex_unlock(&r->lock);
		append(r, r->committing);
		pthread_mutex_lock(&r->lock);
		r->committing = NULL;
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void commit_waited(struct receiver *r, struct batch *next)
{
	pthread_mutex_lock(&r->lock);
	while (r->committing)
		pthread_cond_wait(&r->changed, &r->lock);
	r->committing = next;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* What has come, at least one message. */
static void take(struct receiver *r, void *socket, struct batch *b, uint64_t first)
{
	b->first = first;
	for (b->count = 0; b->count < BATCH && first + b->count < r->load->count; b->count++) {
		zmq_msg_init(&b->frames[b->count]);
		if (zmq_msg_recv(&b->frames[b->count], socket, b->count ? ZMQ_DONTWAIT : 0) < 0)
			break;
	}
}

static void receive_all(struct receiver *r, void *socket)
{
	uint64_t taken = 0, durable = 0;

	for (unsigned turn = 0; taken < r->load->count; turn++) {
		struct batch *b = &r->batches[turn % 2];
		take(r, socket, b, taken);
		r->verifying = b;
		pthread_barrier_wait(&r->begun);
		verify_share(r, 0);
		pthread_barrier_wait(&r->done);
		commit_waited(r, b);
		/* The batch before this one is durable now. */
		durable = taken;
		taken += b->count;
		if (durable)
			must(zmq_send(socket, &durable, sizeof durable, 0) >= 0);
	}
	commit_waited(r, NULL);
	must(zmq_send(socket, &taken, sizeof taken, 0) >= 0);
}

/* ---- its parts ---- */

static void wire_all(struct receiver *r, void *socket)
{
	struct batch *b = &r->batches[0];

	for (uint64_t taken = 0; taken < r->load->count;) {
		take(r, socket, b, taken);
		taken += b->count;
		for (size_t i = 0; i < b->count; i++)
			zmq_msg_close(&b->frames[i]);
		must(zmq_send(socket, &taken, sizeof taken, 0) >= 0);
	}
}

/* The next messages of the load as if they had come; false when there are none. */
static bool here(struct receiver *r, struct batch *b)
{
	const struct load *l = r->load;

	b->first += b->count;
	for (b->count = 0; b->count < BATCH && b->first + b->count < l->count; b->count++)
		must(zmq_msg_init_data(&b->frames[b->count],
				       l->messages + (b->first + b->count) * l->length, l->length,
				       NULL, NULL) == 0);
	return b->count > 0;
}

static void check_all(struct receiver *r, void *socket)
{
	struct batch *b = &r->batches[0];

	(void)socket;
	for (r->verifying = b; here(r, b);) {
		pthread_barrier_wait(&r->begun);
		verify_share(r, 0);
		pthread_barrier_wait(&r->done);
	}
}

static void append_all(struct receiver *r, void *socket)
{
	(void)socket;
	while (here(r, &r->batches[0]))
		append(r, &r->batches[0]);
}

static void receiver_open(struct receiver *r, const struct load *load, char dir[32])
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	MDB_txn *txn;

	r->load = load;
	r->threads = cores > THREADS_MAX ? THREADS_MAX : cores < 1 ? 1 : (unsigned)cores;
	r->env = limit_env(dir, true);
	must(mdb_txn_begin(r->env, NULL, 0, &txn) == 0 &&
	     mdb_dbi_open(txn, "row", MDB_CREATE, &r->row) == 0 &&
	     mdb_dbi_open(txn, "body", MDB_CREATE, &r->body) == 0 && mdb_txn_commit(txn) == 0);
	pthread_barrier_init(&r->begun, NULL, r->threads);
	pthread_barrier_init(&r->done, NULL, r->threads);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
}

static double receive_timed(struct receiver *r, void *socket,
			    void (*all)(struct receiver *r, void *socket))
{
	pthread_t threads[THREADS_MAX], committer;
	struct helper helpers[THREADS_MAX];
	zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
	double begun, took;

	for (unsigned i = 1; i < r->threads; i++) {
		helpers[i] = (struct helper){r, i};
		must(pthread_create(&threads[i], NULL, helper_main, &helpers[i]) == 0);
	}
	must(pthread_create(&committer, NULL, committer_main, r) == 0);
	must(!socket || zmq_poll(&item, 1, -1) == 1);
	begun = limit_now();
	all(r, socket);
	took = limit_now() - begun;
	r->verifying = NULL;
	pthread_barrier_wait(&r->begun);
	for (unsigned i = 1; i < r->threads; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	pthread_join(committer, NULL);
	return took;
}

/* From another process. */
static double sent_timed(struct receiver *r, struct load *load,
			 void (*all)(struct receiver *r, void *socket))
{
	struct keys keys;
	int ends[2];
	char endpoint[64] = "";
	void *context, *socket;
	double took;
	pid_t pid;

	keys_make(&keys);
	must(pipe(ends) == 0);
	pid = client_start(&keys, ends[0], send_all, load);
	context = zmq_ctx_new();
	socket = serve(context, &keys, endpoint);
	must(write(ends[1], endpoint, sizeof endpoint) == sizeof endpoint);
	took = receive_timed(r, socket, all);
	must(waitpid(pid, NULL, 0) == pid);
	zmq_close(socket);
	zmq_ctx_term(context);
	close(ends[0]);
	close(ends[1]);
	return took;
}

static double cpu_used(void)
{
	const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	double seconds = 0;

	for (size_t i = 0; i < 2; i++) {
		struct rusage u;
		must(getrusage(whose[i], &u) == 0);
		seconds += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	}
	return seconds;
}

double limit_transfer(size_t body_bytes, size_t count, enum limit_part part, double *cpu)
{
	static void (*const all[LIMIT_PARTS])(struct receiver *, void *) = {
		[LIMIT_WHOLE] = receive_all,
		[LIMIT_WIRE] = wire_all,
		[LIMIT_CHECKS] = check_all,
		[LIMIT_APPENDS] = append_all,
	};
	static struct receiver r;
	struct load load;
	char dir[32];
	double took, before;

	load_make(&load, body_bytes, count);
	memset(&r, 0, sizeof r);
	receiver_open(&r, &load, dir);
	before = cpu_used();
	if (part == LIMIT_WHOLE || part == LIMIT_WIRE)
		took = sent_timed(&r, &load, all[part]);
	else
		took = receive_timed(&r, NULL, all[part]);
	*cpu = (cpu_used() - before) / (double)count;
	limit_env_close(r.env, dir);
	free(load.messages);
	return (double)count / took;
}
