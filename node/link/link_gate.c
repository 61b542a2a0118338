#include "node/link/link_gate.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/limits.h"
#include "node/loop.h"
#include "node/link/tcp.h"
#include "node/link/zap.h"
#include "protocol/bytes.h"

#define MONITOR_ENDPOINT "inproc://khabardar.listener"
#define NOTICE_ENDPOINT "inproc://khabardar.gate"

/* Words of the link's thread to the gate's, a byte each. */
enum { GATE_STOP = 'q', GATE_LOOK = 'l' };

enum caller_state {
	CALLER_WAITING, /* has not spoken: anyone, before or after the handshake */
	CALLER_SPOKEN,  /* a peer's */
	CALLER_DIALED,  /* ours */
	CALLER_LEAVING, /* not heard any more; ends once what we sent last is gone */
	CALLER_ENDING,  /* shut down; libzmq has not said yet that it is gone */
};

struct caller {
	int fd;
	enum caller_state state;
	bool dialed; /* by us; else accepted */
	bool spoke;
	bool heard; /* a frame of it was taken since the last look */
	uint64_t serial;
	uint64_t since; /* ms, monotonic */
	uint64_t mark;  /* tcp_taken() when a frame was last heard of */
	struct tcp_name name;
	struct source *source; /* of one accepted */
};

/* Where connections come from, by a keyed hash: nobody can choose whom to share a place with. */
struct source {
	uint64_t tokens, refilled; /* accepts left, in thousandths; ms, monotonic */
	size_t waiting;
};

struct gate {
	pthread_t thread;
	pthread_mutex_t mutex;
	void *zap, *monitor, *inner; /* the thread's; monitor may be NULL */
	void *outer;                 /* the link's */
	/* under the mutex */
	struct zap_list guests;
	struct caller *callers; /* owned */
	size_t count, size;
	size_t waiting, waiting_max;
	uint64_t serial;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	struct source sources[GATE_SOURCES];
	struct link_counts counts;
};

/* Among those accepted.  The number may be that of one we dialed as well, while word of the end of
 * the older of them is still on its way. */
static struct caller *find_fd(struct gate *g, int fd)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->callers[i].fd == fd && !g->callers[i].dialed)
			return &g->callers[i];
	return NULL;
}

static struct caller *find_serial(struct gate *g, uint64_t serial)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->callers[i].serial == serial)
			return &g->callers[i];
	return NULL;
}

static void set_state(struct gate *g, struct caller *c, enum caller_state state)
{
	size_t before = c->state == CALLER_WAITING, after = state == CALLER_WAITING;
	g->waiting = g->waiting - before + after;
	if (c->source)
		c->source->waiting = c->source->waiting - before + after;
	c->state = state;
}

/* On the gate's thread when it spoke, for the socket's sake. */
static void remove_caller(struct gate *g, struct caller *c)
{
	set_state(g, c, CALLER_ENDING);
	if (c->spoke)
		zmq_send(g->inner, &c->serial, sizeof c->serial, ZMQ_DONTWAIT);
	*c = g->callers[--g->count];
}

static void end_caller(struct gate *g, struct caller *c)
{
	if (c->state == CALLER_ENDING)
		return;
	set_state(g, c, CALLER_ENDING);
	tcp_end(c->fd, &c->name);
	g->counts.ended++;
}

static struct caller *add_caller(struct gate *g, int fd, enum caller_state state, uint64_t now)
{
	if (g->count == g->size) {
		size_t size = g->size ? 2 * g->size : 64;
		struct caller *callers = realloc(g->callers, size * sizeof *callers);
		if (!callers)
			return NULL;
		g->callers = callers;
		g->size = size;
	}
	struct caller *c = &g->callers[g->count++];
	*c = (struct caller){.fd = fd, .state = state, .serial = ++g->serial, .since = now};
	c->dialed = state == CALLER_DIALED;
	g->waiting += state == CALLER_WAITING;
	return c;
}

static struct source *source_of(struct gate *g, const struct tcp_name *name)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name->there;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name->there;
	uint8_t address[8] = {0}, hash[crypto_shorthash_BYTES];
	if (name->there.ss_family == AF_INET)
		memcpy(address, &v4->sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		memcpy(address, v6->sin6_addr.s6_addr + 12, 4);
	else
		memcpy(address, &v6->sin6_addr, 8);
	crypto_shorthash(hash, address, sizeof address, g->hash_key);
	return &g->sources[get_u32(hash) % GATE_SOURCES];
}

/* A bucket of accepts: full at GATE_ACCEPTS_BURST, as all are at first. */
static bool take_token(struct source *s, uint64_t now)
{
	const uint64_t full = GATE_ACCEPTS_BURST * 1000ull;
	uint64_t gained = (now - s->refilled) * GATE_ACCEPTS_PER_SECOND;
	s->tokens = !s->refilled || gained > full - s->tokens ? full : s->tokens + gained;
	s->refilled = now;
	if (s->tokens < 1000)
		return false;
	s->tokens -= 1000;
	return true;
}

/* Makes room where most are waiting, and there by chance: the oldest would be a neighbour far away
 * in its handshake, and the newest would let those who came first hold every place. */
static void evict_one(struct gate *g)
{
	size_t start = randombytes_uniform((uint32_t)g->count);
	struct caller *worst = NULL;
	for (size_t i = 0; i < g->count; i++) {
		struct caller *c = &g->callers[(start + i) % g->count];
		if (c->state == CALLER_WAITING && c->source &&
		    (!worst || c->source->waiting > worst->source->waiting))
			worst = c;
	}
	if (worst)
		end_caller(g, worst);
}

static void accept_caller(struct gate *g, int fd, uint64_t now)
{
	struct caller *old = find_fd(g, fd);
	if (old)
		remove_caller(g, old);
	struct caller *c = add_caller(g, fd, CALLER_WAITING, now);
	if (!c) {
		struct tcp_name name;
		if (tcp_name_of(&name, fd))
			tcp_end(fd, &name);
		return;
	}
	/* Without a name it has gone already, and libzmq will say so. */
	if (!tcp_name_of(&c->name, fd))
		return;
	c->source = source_of(g, &c->name);
	c->source->waiting++;
	if (!take_token(c->source, now))
		end_caller(g, c);
	else if (g->waiting > g->waiting_max)
		evict_one(g);
}

/* Takes what the listener's monitor says, all of it. */
static void read_monitor(struct gate *g, uint64_t now)
{
	for (;;) {
		uint16_t event = 0;
		int32_t fd = -1;
		uint8_t head[6];
		if (!g->monitor ||
		    zmq_recv(g->monitor, head, sizeof head, ZMQ_DONTWAIT) != sizeof head)
			return;
		zmq_recv(g->monitor, NULL, 0, 0); /* the endpoint */
		memcpy(&event, head, sizeof event);
		memcpy(&fd, head + sizeof event, sizeof fd);
		if (event == ZMQ_EVENT_ACCEPTED)
			accept_caller(g, fd, now);
		struct caller *c = event == ZMQ_EVENT_DISCONNECTED ? find_fd(g, fd) : NULL;
		if (c)
			remove_caller(g, c);
	}
}

static void serve_zap(struct gate *g, uint64_t now)
{
	enum zap_verdict verdict;
	while (zap_serve(g->zap, &g->guests, now, &verdict)) {
		switch (verdict) {
		case ZAP_WELCOME:
			g->counts.admitted++;
			break;
		case ZAP_STRANGER:
			g->counts.strangers++;
			break;
		case ZAP_TOO_OFTEN:
			g->counts.too_often++;
			break;
		}
	}
}

static void look_at_callers(struct gate *g, uint64_t now)
{
	for (size_t i = 0; i < g->count; i++) {
		struct caller *c = &g->callers[i];
		if (c->state == CALLER_ENDING)
			continue;
		uint64_t taken = tcp_taken(c->fd);
		if (c->heard)
			c->mark = taken;
		c->heard = false;
		/* SPEC 7.1: "A connection that sends more than 8 MiB without completing a frame is
		 * ended." */
		bool endless = taken > c->mark + GATE_ENDLESS_BYTES;
		/* SPEC 7.1: "The dialer sends the first frame; a connection whose first frame has
		 * not come 15 seconds after it was accepted is ended." */
		bool silent = c->state == CALLER_WAITING && now - c->since >= GATE_WAITING_MS;
		bool left = c->state == CALLER_LEAVING && now - c->since >= GATE_LEAVING_MS;
		if (endless || silent || left)
			end_caller(g, c);
	}
}

static void *run_gate(void *arg)
{
	struct gate *g = arg;
	uint64_t looked = 0;
	for (;;) {
		pthread_mutex_lock(&g->mutex);
		long wait = g->count ? GATE_LOOK_MS : -1;
		pthread_mutex_unlock(&g->mutex);
		zmq_pollitem_t items[] = {{.socket = g->inner, .events = ZMQ_POLLIN},
					  {.socket = g->zap, .events = ZMQ_POLLIN},
					  {.socket = g->monitor, .events = ZMQ_POLLIN}};
		zmq_poll(items, g->monitor ? 3 : 2, wait);
		char word;
		if (items[0].revents && zmq_recv(g->inner, &word, 1, ZMQ_DONTWAIT) == 1 &&
		    word == GATE_STOP)
			return NULL;
		uint64_t now = clock_monotonic();
		pthread_mutex_lock(&g->mutex);
		/* The monitor before ZAP: whoever passes is then known when its frames come. */
		read_monitor(g, now);
		serve_zap(g, now);
		if (now - looked >= GATE_LOOK_MS) {
			look_at_callers(g, now);
			looked = now;
		}
		g->counts.callers = g->count;
		pthread_mutex_unlock(&g->mutex);
	}
}

static void *open_pair(void *context, const char *endpoint, bool bind)
{
	void *socket = zmq_socket(context, ZMQ_PAIR);
	/* No mark: a full pipe would block libzmq's I/O thread in its monitor, and all links with
	 * it.  What waits here is bounded by the connections that there are. */
	const int none = 0;
	if (socket && zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none) == 0 &&
	    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none) == 0 &&
	    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
	    (bind ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) == 0)
		return socket;
	if (socket)
		zmq_close(socket);
	return NULL;
}

static bool open_sockets(struct gate *g, void *context, void *router)
{
	const int none = 0;
	g->inner = open_pair(context, NOTICE_ENDPOINT, true);
	g->outer = open_pair(context, NOTICE_ENDPOINT, false);
	g->zap = zmq_socket(context, ZMQ_REP);
	if (!g->inner || !g->outer || !g->zap ||
	    zmq_setsockopt(g->zap, ZMQ_LINGER, &none, sizeof none) != 0 ||
	    zmq_bind(g->zap, ZAP_ENDPOINT) != 0)
		return false;
	if (!router)
		return true;
	if (zmq_socket_monitor(router, MONITOR_ENDPOINT,
			       ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0)
		return false;
	g->monitor = open_pair(context, MONITOR_ENDPOINT, false);
	return g->monitor != NULL;
}

static void free_gate(struct gate *g)
{
	void *sockets[] = {g->zap, g->monitor, g->inner, g->outer};
	for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
		if (sockets[i])
			zmq_close(sockets[i]);
	zap_list_clear(&g->guests);
	pthread_mutex_destroy(&g->mutex);
	free(g->callers);
	free(g);
}

enum err gate_open(struct gate **gate, void *context, void *router)
{
	struct gate *g = calloc(1, sizeof *g);
	*gate = NULL;
	if (!g)
		return ERR_MEMORY;
	g->waiting_max = limits_share(GATE_WAITING_MAX);
	randombytes_buf(g->hash_key, sizeof g->hash_key);
	pthread_mutex_init(&g->mutex, NULL);
	if (!open_sockets(g, context, router) || thread_start(&g->thread, run_gate, g) != ERR_OK) {
		free_gate(g);
		return ERR_IO;
	}
	*gate = g;
	return ERR_OK;
}

static void say(struct gate *g, char word)
{
	zmq_send(g->outer, &word, 1, ZMQ_DONTWAIT);
}

void gate_close(struct gate *g)
{
	if (!g)
		return;
	say(g, GATE_STOP);
	pthread_join(g->thread, NULL);
	free_gate(g);
}

enum err gate_set_keys(struct gate *g, const uint8_t (*keys)[LINK_KEY_BYTES], size_t n)
{
	pthread_mutex_lock(&g->mutex);
	enum err e = zap_list_set(&g->guests, keys, n);
	pthread_mutex_unlock(&g->mutex);
	return e;
}

uint64_t gate_heard(struct gate *g, int fd)
{
	uint64_t serial = 0;
	pthread_mutex_lock(&g->mutex);
	struct caller *c = find_fd(g, fd);
	if (c && c->state != CALLER_ENDING && c->state != CALLER_LEAVING) {
		if (c->state == CALLER_WAITING)
			set_state(g, c, CALLER_SPOKEN);
		c->spoke = true;
		c->heard = true;
		serial = c->serial;
	}
	pthread_mutex_unlock(&g->mutex);
	return serial;
}

uint64_t gate_watch(struct gate *g, int fd)
{
	uint64_t serial = 0;
	struct tcp_name name;
	if (!tcp_name_of(&name, fd))
		return 0;
	pthread_mutex_lock(&g->mutex);
	struct caller *c = add_caller(g, fd, CALLER_DIALED, clock_monotonic());
	if (c) {
		c->name = name;
		serial = c->serial;
	}
	pthread_mutex_unlock(&g->mutex);
	say(g, GATE_LOOK);
	return serial;
}

void gate_heard_dialed(struct gate *g, uint64_t serial)
{
	pthread_mutex_lock(&g->mutex);
	struct caller *c = find_serial(g, serial);
	if (c)
		c->heard = true;
	pthread_mutex_unlock(&g->mutex);
}

void gate_unwatch(struct gate *g, uint64_t serial)
{
	pthread_mutex_lock(&g->mutex);
	struct caller *c = find_serial(g, serial);
	if (c)
		remove_caller(g, c);
	pthread_mutex_unlock(&g->mutex);
}

void gate_drop(struct gate *g, uint64_t serial)
{
	pthread_mutex_lock(&g->mutex);
	struct caller *c = find_serial(g, serial);
	if (c)
		end_caller(g, c);
	pthread_mutex_unlock(&g->mutex);
}

void gate_drop_soon(struct gate *g, uint64_t serial)
{
	pthread_mutex_lock(&g->mutex);
	struct caller *c = find_serial(g, serial);
	if (c && c->state != CALLER_ENDING) {
		set_state(g, c, CALLER_LEAVING);
		c->since = clock_monotonic();
	}
	pthread_mutex_unlock(&g->mutex);
}

void *gate_socket(struct gate *g)
{
	return g->outer;
}

bool gate_ended(struct gate *g, uint64_t *serial)
{
	return zmq_recv(g->outer, serial, sizeof *serial, ZMQ_DONTWAIT) == sizeof *serial;
}

void gate_count(struct gate *g, struct link_counts *counts)
{
	pthread_mutex_lock(&g->mutex);
	*counts = g->counts;
	pthread_mutex_unlock(&g->mutex);
}
