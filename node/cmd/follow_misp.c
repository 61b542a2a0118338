/* A MISP instance's own publisher as a source: events that it publishes are kept in a folder of the
 * home, the newest of each, and imported from there, so that none is lost once it has come.
 *
 * PUB and SUB lose what is published while nobody listens: such an event is shared when it is
 * published again, or by khabar import --event. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "node/cmd/follow_inflow.h"
#include "node/file.h"
#include "node/format/misp_publish.h"
#include "node/home.h"
#include "node/loop.h"

enum {
	LOOK_MS = 500,
	PUBLISHED_MAX_BYTES = 256 << 20,
	WAITING_MAX = 100, /* messages in the socket */
	AT_ONCE = 32,
	RECONNECT_MS = 1000,
	RECONNECT_MAX_MS = 30 * 1000,
	SILENT_MS = 5 * 60 * 1000,
	TELL_AGAIN_MS = 60 * 1000,
	REST_MS = 1000,
	REST_MAX_MS = 60 * 1000,
	FOLDER_ROOM = PATH_MAX - 80,
	UUID_LENGTH = 36,
};

static const char waits[] = ".json", refused[] = ".refused", reason[] = ".why";

struct following {
	const struct inflow *f;
	void *socket;
	char folder[FOLDER_ROOM];
	int place;       /* the same, open */
	uint64_t heard;  /* mono ms */
	char wrong[256]; /* until the next that goes well */
	char told[256];
	uint64_t rest;   /* ms: how long nothing is shared after an event that cannot be put away */
	uint64_t rested; /* mono ms: when it is over */
	uint64_t tell;   /* mono ms: when to say it anyway */
	size_t taken;    /* that was not told */
};

static void journal(const struct following *x, const char *uuid, const char *what, const char *said)
{
	char line[512];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(said, "\n"), said);
	fprintf(stderr, "misp %s: event %s %s: ", x->f->name, uuid, what);
	print_safe(stderr, line, false);
	fputc('\n', stderr);
	fflush(stderr);
}

/* ---- what was published ---- */

static const char *path_of(char out[PATH_MAX], const struct following *x, const char *uuid,
			   const char *ending)
{
	snprintf(out, PATH_MAX, "%s/%.*s%s", x->folder, UUID_LENGTH, uuid, ending);
	return out;
}

/* The newest of an event is the one that counts. */
static void keep(struct following *x, const char *uuid, const char *text)
{
	char path[PATH_MAX];
	struct report report;

	report_init(&report);
	if (!x->rest)
		*x->wrong = '\0';
	if (file_write(path_of(path, x, uuid, waits), text, strlen(text), &report) != ERR_OK)
		snprintf(x->wrong, sizeof x->wrong,
			 "event %s was published, and cannot be kept: %.160s", uuid,
			 report.count ? report_first(&report) : "");
	unlink(path_of(path, x, uuid, refused));
	unlink(path_of(path, x, uuid, reason));
	report_clear(&report);
}

static void take(struct following *x, const char *bytes, size_t n)
{
	struct misp_event e;
	struct text text;

	switch (misp_publish_read(&e, bytes, n, x->f->org)) {
	case MISP_NOTHING:
	case MISP_ALIVE:
		break;
	case MISP_EVENT_CHANGED:
		if (e.why)
			journal(x, e.uuid, "is left alone", e.why);
		else
			keep(x, e.uuid, e.json);
		break;
	case MISP_EVENT_DELETED:
		text_init(&text);
		text_format(&text, "{\"Event\":{\"uuid\":\"%s\",\"info\":\"deleted\"}}", e.uuid);
		if (!text.bad)
			keep(x, e.uuid, text.at);
		text_clear(&text);
		break;
	}
	misp_event_clear(&e);
}

static void receive(struct following *x)
{
	for (size_t i = 0; i < AT_ONCE; i++) {
		zmq_msg_t m;
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, x->socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&m);
			return;
		}
		x->heard = clock_monotonic();
		take(x, zmq_msg_data(&m), zmq_msg_size(&m));
		zmq_msg_close(&m);
	}
}

/* ---- sharing it ---- */

/* SPEC 9.17: "of the strictest TLP that any tag of it says" */
static int import_event(struct following *x, const struct cmd_context *c, const char *uuid,
			char said[IMPORT_SAID_BYTES])
{
	const char *more[] = {"--event", uuid};
	char path[PATH_MAX], name[64], *text = NULL;
	struct misp_tlp tlp = {.has = false};
	size_t n;

	snprintf(name, sizeof name, "%s%s", uuid, waits);
	if (file_read(&text, &n, path_of(path, x, uuid, waits), PUBLISHED_MAX_BYTES, NULL) ==
	    ERR_OK)
		tlp = misp_event_tlp(text, n);
	free(text);
	/* Where nothing is said, there is nothing to mark. */
	if (tlp.empty)
		tlp = (struct misp_tlp){.has = true, .tlp = TLP_GREEN};
	if (!tlp.has && !x->f->has_tlp) {
		snprintf(said, IMPORT_SAID_BYTES,
			 "it has no tag of TLP, and the section misp has no tlp for such\n");
		return EXIT_REFUSED;
	}
	return inflow_import(c, x->f, tlp.has ? tlp.tlp : x->f->tlp, x->place, name, more, said);
}

/* An event that stays where it is would be tried without end. */
static void put_away(struct following *x, const char *uuid, bool done)
{
	*x->wrong = '\0';
	if (done) {
		x->rest = 0;
		return;
	}
	snprintf(x->wrong, sizeof x->wrong, "event %s cannot be put away in %.120s: %s", uuid,
		 x->folder, strerror(errno));
	x->rest = x->rest ? 2 * x->rest : REST_MS;
	if (x->rest > REST_MAX_MS)
		x->rest = REST_MAX_MS;
	x->rested = clock_monotonic() + x->rest;
}

static int share_one(struct following *x, const struct cmd_context *c, const char *uuid)
{
	char *said = calloc(1, IMPORT_SAID_BYTES), from[PATH_MAX], to[PATH_MAX];
	int code = said ? import_event(x, c, uuid, said) : EXIT_UNREACHABLE;
	struct report report;

	report_init(&report);
	path_of(from, x, uuid, waits);
	if (code == EXIT_DONE) {
		put_away(x, uuid, unlink(from) == 0);
		x->taken++;
		journal(x, uuid, "was taken", said);
	} else if (code != EXIT_UNREACHABLE) {
		put_away(x, uuid, rename(from, path_of(to, x, uuid, refused)) == 0);
		(void)file_write(path_of(to, x, uuid, reason), said, strlen(said), &report);
		journal(x, uuid, "was not taken", said);
	}
	report_clear(&report);
	free(said);
	return code;
}

/* Calls each() with the uuid of every file of that ending, or counts them. */
static size_t files(const struct following *x, const char *ending,
		    bool (*each)(void *arg, const char *uuid), void *arg)
{
	struct dirent **names = NULL;
	int n = scandir(x->folder, &names, NULL, alphasort);
	size_t count = 0;
	bool more = true;

	for (int i = 0; i < n; i++) {
		char *name = names[i]->d_name;
		if (strlen(name) == UUID_LENGTH + strlen(ending) &&
		    strcmp(name + UUID_LENGTH, ending) == 0) {
			name[UUID_LENGTH] = '\0';
			count++;
			more = more && (!each || each(arg, name));
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return count;
}

struct sharing {
	struct following *x;
	const struct cmd_context *c;
	int code;
};

static bool share_next(void *arg, const char *uuid)
{
	struct sharing *s = arg;

	s->code = share_one(s->x, s->c, uuid);
	/* One at a time: meanwhile something newer may have come. */
	return false;
}

static bool try_again(void *arg, const char *uuid)
{
	const struct following *x = arg;
	char from[PATH_MAX], to[PATH_MAX];

	(void)rename(path_of(from, x, uuid, refused), path_of(to, x, uuid, waits));
	unlink(path_of(from, x, uuid, reason));
	return true;
}

/* ---- telling ---- */

static int tell(struct following *x, struct client *client)
{
	size_t n = files(x, refused, NULL, NULL);
	char wrong[sizeof x->wrong];
	int code;

	snprintf(wrong, sizeof wrong, "%s", x->wrong);
	if (!*wrong && n)
		snprintf(wrong, sizeof wrong,
			 "%zu event%s could not be shared: what ends in .why in %.120s says why", n,
			 n == 1 ? "" : "s", x->folder);
	if (!*wrong && clock_monotonic() > x->heard + SILENT_MS)
		snprintf(wrong, sizeof wrong, "nothing is heard from %.200s", x->f->from);
	if (x->taken == 0 && strcmp(wrong, x->told) == 0 && clock_monotonic() < x->tell)
		return EXIT_DONE;
	code = inflow_tell(client, x->f, x->taken, wrong);
	if (code)
		return code;
	snprintf(x->told, sizeof x->told, "%s", wrong);
	x->tell = clock_monotonic() + TELL_AGAIN_MS;
	x->taken = 0;
	return EXIT_DONE;
}

/* ---- all of them ---- */

static bool socket_open(struct following *x, void *context)
{
	static const char *const topics[] = {"misp_json ", "misp_json_event ", "misp_json_self"};
	const int waiting = WAITING_MAX, linger = 0, ipv6 = 1, on = 1;
	const int again = RECONNECT_MS, again_max = RECONNECT_MAX_MS;
	const int64_t most = PUBLISHED_MAX_BYTES;

	x->socket = zmq_socket(context, ZMQ_SUB);
	if (!x->socket || zmq_setsockopt(x->socket, ZMQ_RCVHWM, &waiting, sizeof waiting) != 0 ||
	    zmq_setsockopt(x->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
	    zmq_setsockopt(x->socket, ZMQ_IPV6, &ipv6, sizeof ipv6) != 0 ||
	    zmq_setsockopt(x->socket, ZMQ_TCP_KEEPALIVE, &on, sizeof on) != 0 ||
	    zmq_setsockopt(x->socket, ZMQ_RECONNECT_IVL, &again, sizeof again) != 0 ||
	    zmq_setsockopt(x->socket, ZMQ_RECONNECT_IVL_MAX, &again_max, sizeof again_max) != 0 ||
	    zmq_setsockopt(x->socket, ZMQ_MAXMSGSIZE, &most, sizeof most) != 0)
		return false;
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
		if (zmq_setsockopt(x->socket, ZMQ_SUBSCRIBE, topics[i], strlen(topics[i])) != 0)
			return false;
	return zmq_connect(x->socket, x->f->from) == 0;
}

static bool following_open(struct following *x, const struct inflow *f, const char *home,
			   void *context)
{
	char misp[PATH_MAX];

	*x = (struct following){.f = f, .heard = clock_monotonic()};
	if (!home_path(misp, home, "misp") || (size_t)snprintf(x->folder, sizeof x->folder, "%s/%s",
							       misp, f->name) >= sizeof x->folder)
		return false;
	(void)mkdir(misp, 0700);
	if ((mkdir(x->folder, 0700) != 0 && errno != EEXIST) ||
	    (x->place = open(x->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    !socket_open(x, context)) {
		fprintf(stderr, "misp %s: %s: %s\n", f->name, x->folder, strerror(errno));
		return false;
	}
	/* What was wrong may have been put right. */
	files(x, refused, try_again, x);
	return true;
}

static int turn(struct following *x, const struct cmd_context *c, struct client *client)
{
	struct sharing s = {x, c, EXIT_DONE};

	if (!x->rest || clock_monotonic() >= x->rested)
		files(x, waits, share_next, &s);
	return s.code == EXIT_UNREACHABLE ? s.code : tell(x, client);
}

static void follow_for_ever(const struct cmd_context *c, const struct config *config)
{
	zmq_pollitem_t items[INFLOWS_MAX] = {{0}};
	struct following *all = calloc(config->inflow_count, sizeof *all);
	void *context = zmq_ctx_new();
	struct client client;
	bool open = false;
	int n = 0;

	for (size_t i = 0; all && context && i < config->inflow_count; i++) {
		if (config->inflows[i].kind != INFLOW_MISP ||
		    !following_open(&all[n], &config->inflows[i], c->home, context))
			continue;
		items[n].socket = all[n].socket;
		items[n++].events = ZMQ_POLLIN;
	}
	/* Where none can be had, in a while one may. */
	for (int turns = 0; n > 0 || turns < RECONNECT_MAX_MS / LOOK_MS; turns++) {
		zmq_poll(items, n, LOOK_MS);
		for (int i = 0; i < n; i++)
			receive(&all[i]);
		if (!open && client_node_runs(c)) {
			open = client_open(&client, c, "khabar follow") == EXIT_DONE;
			if (!open)
				client_close(&client);
		}
		for (int i = 0; open && i < n; i++) {
			if (turn(&all[i], c, &client) == EXIT_DONE)
				continue;
			client_close(&client);
			open = false;
		}
	}
}

pid_t follow_misp_start(const struct cmd_context *c, const struct config *config)
{
	return inflow_start(c, config, INFLOW_MISP, follow_for_ever);
}
