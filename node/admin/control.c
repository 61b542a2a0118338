#include "node/admin/control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/admin/answer.h"
#include "node/admin/ask.h"
#include "node/admin/audit.h"
#include "node/home.h"

enum {
	SOCKET_MODE = 0666, /* who may do what is asked of every request, not of the file */
	RUN_MODE = 0755,
	QUEUE_MESSAGES = 4, /* of one client, either way: it asks, then it listens */
	HANDSHAKE_MS = 10000,
	BACKLOG = 100,
};

/* A request as it came, and what its answer needs as long as it is being made. */
struct request {
	zmq_msg_t from; /* the routing id of whoever asked */
	struct caller caller;
	cJSON *json;
	const struct answer_entry *entry;
	struct answer answer;
	enum err e;
};

/* The one slow request at a time; the control thread goes on meanwhile. */
struct job {
	struct request request;
	pthread_t thread;
	bool running;
	atomic_bool done;
	int wake;
};

struct control {
	struct node *node;
	void *context, *socket;
	int folder, wake; /* descriptors */
	atomic_bool quit;
	pthread_t thread;
	bool started;
	struct log_reader *log;
	struct index_reader *index;
	struct job job;
	/* Of the request being received. */
	zmq_msg_t frames[ADMIN_BUNDLES_MAX];
	struct slice slices[ADMIN_BUNDLES_MAX];
	size_t frame_count;
	const char *refused; /* why its frames are not even looked at; or NULL */
};

static void wake_up(int fd)
{
	uint64_t one = 1;

	/* Full means that it will wake up anyway. */
	if (write(fd, &one, sizeof one) < 0)
		return;
}

/* ---- receiving ---- */

/* Takes the frames behind a request; those beyond the bounds are dropped as they come. */
static void take_frames(struct control *c, bool more)
{
	size_t bytes = 0;

	c->frame_count = 0;
	c->refused = NULL;
	while (more) {
		zmq_msg_t *frame = &c->frames[c->frame_count], extra;
		bool drop = c->refused || c->frame_count == ADMIN_BUNDLES_MAX;

		if (drop)
			frame = &extra;
		zmq_msg_init(frame);
		if (zmq_msg_recv(frame, c->socket, 0) < 0) {
			zmq_msg_close(frame);
			return;
		}
		more = zmq_msg_more(frame);
		bytes += zmq_msg_size(frame);
		if (bytes > ADMIN_FRAMES_MAX_BYTES)
			c->refused = "the frames have more than 268,435,456 bytes together";
		if (drop) {
			if (!c->refused)
				c->refused = "more than 4,096 frames";
			zmq_msg_close(frame);
			continue;
		}
		c->slices[c->frame_count++] =
			(struct slice){zmq_msg_data(frame), zmq_msg_size(frame)};
	}
}

static void drop_frames(struct control *c)
{
	for (size_t i = 0; i < c->frame_count; i++)
		zmq_msg_close(&c->frames[i]);
	c->frame_count = 0;
}

/* ---- replying ---- */

/* A client that has gone, or does not listen, gets nothing, and nobody waits for it. */
static void send_reply(struct control *c, zmq_msg_t *to, const struct text *reply,
		       const struct answer *answer)
{
	bool frame = answer && answer->frame;

	if (zmq_msg_send(to, c->socket, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
		return;
	if (zmq_send(c->socket, reply->at, reply->length,
		     (frame ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) < 0)
		return;
	if (frame)
		zmq_send(c->socket, answer->frame, answer->frame_length, ZMQ_DONTWAIT);
}

/* SPEC 9.2: "A request that has changed something is kept in the audit before it is answered" */
static void audit(struct control *c, struct request *r)
{
	struct answer *a = &r->answer;
	enum err e;

	if (r->e)
		return;
	/* SPEC 9.2: "and so is every request that opened such a message." */
	if (a->red_opened && a->summary.length == 0)
		text_format(&a->summary, "{\"red\":%u}", a->red_opened);
	else if (!r->entry->changes || a->summary.length == 0)
		return;
	e = a->summary.bad ? ERR_MEMORY
			   : audit_write(c->node, &r->caller, r->entry->name, a->summary.at);
	if (e)
		admin_put_string(&a->reply, "warning",
				 "this was done, and could not be written to the audit");
}

static void finish(struct control *c, struct request *r)
{
	struct answer *a = &r->answer;
	struct text reply;

	audit(c, r);
	text_init(&reply);
	if (!r->e && a->reply.bad)
		r->e = ERR_MEMORY;
	if (r->e) {
		admin_refuse(&reply, r->json ? admin_do(r->json) : NULL, a->where, r->e, &a->report,
			     a->advice);
	} else {
		text_str(&reply, "{\"ok\":true");
		if (a->reply.length) {
			text_str(&reply, ",");
			text_add(&reply, a->reply.at, a->reply.length);
		}
		text_str(&reply, "}");
	}
	if (!reply.bad)
		send_reply(c, &r->from, &reply, r->e ? NULL : a);
	text_clear(&reply);
	text_clear(&a->reply);
	text_clear(&a->summary);
	report_clear(&a->report);
	free(a->frame);
	cJSON_Delete(r->json);
	zmq_msg_close(&r->from);
}

/* ---- answering ---- */

static void *job_run(void *arg)
{
	struct job *job = arg;

	job->request.e = job->request.entry->answer(&job->request.answer);
	atomic_store(&job->done, true);
	wake_up(job->wake);
	return NULL;
}

/* Moves the request into the job. */
static void job_start(struct control *c, struct request *r)
{
	struct job *job = &c->job;

	if (job->running) {
		report_add(&r->answer.report, "the node is busy with %s", job->request.entry->name);
		r->answer.advice = "try again when that has finished";
		r->e = ERR_BUSY;
		finish(c, r);
		return;
	}
	job->request = *r;
	zmq_msg_init(&job->request.from);
	zmq_msg_move(&job->request.from, &r->from);
	zmq_msg_close(&r->from);
	job->request.answer.caller = &job->request.caller;
	job->request.answer.request.report = &job->request.answer.report;
	job->request.answer.log = NULL;
	job->request.answer.index = NULL;
	atomic_store(&job->done, false);
	job->wake = c->wake;
	job->running = pthread_create(&job->thread, NULL, job_run, job) == 0;
	if (!job->running) {
		job->request.e = ERR_MEMORY;
		finish(c, &job->request);
	}
}

static void job_reap(struct control *c)
{
	if (!c->job.running || !atomic_load(&c->job.done))
		return;
	pthread_join(c->job.thread, NULL);
	c->job.running = false;
	finish(c, &c->job.request);
}

static void pause_readers(struct control *c)
{
	log_reader_pause(c->log);
	index_reader_pause(c->index);
}

/* What must hold before a request is answered at all. */
static enum err admit(struct control *c, struct request *r)
{
	struct answer *a = &r->answer;
	const char *name = admin_do(r->json);

	r->entry = answer_find(name);
	if (!r->entry) {
		report_add(&a->report, "this node does not know the request \"%s\"", name);
		return ERR_UNSUPPORTED;
	}
	if (!rights_allow(node_config(c->node), &r->caller, r->entry->right)) {
		rights_refuse(node_config(c->node), &r->caller, r->entry->right, &a->report);
		return ERR_NOT_ALLOWED;
	}
	if (c->refused) {
		report_add(&a->report, "%s", c->refused);
		return ERR_LIMIT;
	}
	return ERR_OK;
}

/* Answers one request; text is its JSON, address the kernel's word of who sent it. */
static void serve(struct control *c, struct request *r, const char *text, size_t n,
		  const char *address)
{
	struct answer *a = &r->answer;

	*a = (struct answer){.node = c->node,
			     .log = c->log,
			     .index = c->index,
			     .caller = &r->caller,
			     .frames = c->slices,
			     .frame_count = c->frame_count};
	a->reindexing = c->job.running && c->job.request.entry->answer == answer_reindex;
	r->e = admin_parse(&r->json, text, n, &a->report);
	if (!r->e && !caller_read(&r->caller, address)) {
		report_add(&a->report, "the system does not tell who asks");
		r->e = ERR_NOT_ALLOWED;
	}
	if (!r->e)
		r->e = admit(c, r);
	admin_request_init(&a->request, r->json, &a->report);
	if (!r->e && r->entry->slow) {
		job_start(c, r);
		return;
	}
	if (!r->e)
		r->e = answer_holds(r->entry, r->json) ? answer_hold(a, r->entry)
						       : r->entry->answer(a);
	pause_readers(c);
	finish(c, r);
}

/* One request, if there is one. */
static bool receive(struct control *c)
{
	struct request r = {0};
	zmq_msg_t request;

	zmq_msg_init(&r.from);
	if (zmq_msg_recv(&r.from, c->socket, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&r.from);
		return false;
	}
	zmq_msg_init(&request);
	if (!zmq_msg_more(&r.from) || zmq_msg_recv(&request, c->socket, 0) < 0) {
		zmq_msg_close(&request);
		zmq_msg_close(&r.from);
		return true;
	}
	take_frames(c, zmq_msg_more(&request));
	serve(c, &r, zmq_msg_data(&request), zmq_msg_size(&request),
	      zmq_msg_gets(&request, "Peer-Address"));
	drop_frames(c);
	zmq_msg_close(&request);
	return true;
}

static void *control_run(void *arg)
{
	struct control *c = arg;
	zmq_pollitem_t items[] = {{c->socket, 0, ZMQ_POLLIN, 0}, {NULL, c->wake, ZMQ_POLLIN, 0}};
	uint64_t count;

	while (!atomic_load(&c->quit)) {
		if (zmq_poll(items, 2, -1) < 0 && zmq_errno() != EINTR)
			break;
		if (items[1].revents && read(c->wake, &count, sizeof count) < 0)
			continue;
		job_reap(c);
		if (items[0].revents)
			receive(c);
	}
	if (c->job.running) {
		pthread_join(c->job.thread, NULL);
		c->job.running = false;
		finish(c, &c->job.request);
	}
	return NULL;
}

/* ---- starting and stopping ---- */

static bool groups_named(const struct config *config)
{
	for (size_t i = 0; i < RIGHT_COUNT; i++)
		if (config->rights[i].count)
			return true;
	return false;
}

/* HOME/run, and a way to it for those to whom the configuration gives rights: a home is closed,
 * and they must be able to pass through it, not to look around. */
static enum err make_run(const char *home, const struct config *config, struct report *report)
{
	char run[PATH_MAX];
	struct stat st;

	if (!home_path(run, home, "run")) {
		report_add(report, "%s: the path is too long", home);
		return ERR_LIMIT;
	}
	if ((mkdir(run, RUN_MODE) != 0 && errno != EEXIST) || chmod(run, RUN_MODE) != 0) {
		report_add(report, "%s: cannot be made: %s", run, strerror(errno));
		return ERR_IO;
	}
	if (groups_named(config) && stat(home, &st) == 0 && !(st.st_mode & 011) &&
	    chmod(home, (st.st_mode & 07777) | 011) != 0) {
		report_add(report, "%s: cannot be opened to the groups of \"rights\": %s", home,
			   strerror(errno));
		return ERR_IO;
	}
	return ERR_OK;
}

static bool set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(void *socket)
{
	int64_t frame = ADMIN_FRAME_MAX_BYTES;

	return set_int(socket, ZMQ_LINGER, 0) && set_int(socket, ZMQ_ROUTER_MANDATORY, 1) &&
	       set_int(socket, ZMQ_SNDHWM, QUEUE_MESSAGES) &&
	       set_int(socket, ZMQ_RCVHWM, QUEUE_MESSAGES) &&
	       set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
	       set_int(socket, ZMQ_BACKLOG, BACKLOG) &&
	       zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame, sizeof frame) == 0;
}

static enum err bind_socket(struct control *c, struct report *report)
{
	const char *home = node_home(c->node);
	char endpoint[ADMIN_ENDPOINT_BYTES];
	enum err e = make_run(home, node_config(c->node), report);

	if (!e)
		e = admin_endpoint(endpoint, &c->folder, home, report);
	if (e)
		return e;
	c->context = zmq_ctx_new();
	c->socket = c->context ? zmq_socket(c->context, ZMQ_ROUTER) : NULL;
	/* A file that a dead daemon left is replaced: the log's lock says that there is no other.
	 */
	if (!c->socket || !set_options(c->socket) || zmq_bind(c->socket, endpoint) != 0 ||
	    chmod(endpoint + strlen("ipc://"), SOCKET_MODE) != 0) {
		report_add(report, "%s/run/admin.sock: cannot be bound: %s", home,
			   zmq_strerror(zmq_errno()));
		return ERR_IO;
	}
	return ERR_OK;
}

/* Signals are for the loop's thread. */
static bool start_thread(struct control *c)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->started = pthread_create(&c->thread, NULL, control_run, c) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return c->started;
}

enum err control_start(struct control **control, struct node *node, struct report *report)
{
	struct control *c = calloc(1, sizeof *c);
	enum err e;

	*control = NULL;
	if (!c)
		return ERR_MEMORY;
	c->node = node;
	c->folder = -1;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e = c->wake < 0 ? ERR_IO : log_reader_open(&c->log, node_log(node));
	if (!e)
		e = index_reader_open(&c->index, node_index(node));
	if (!e) {
		pause_readers(c);
		e = bind_socket(c, report);
	} else {
		report_add(report, "the admin socket: %s", err_str(e));
	}
	if (!e && !start_thread(c)) {
		report_add(report, "the admin socket: no thread for it");
		e = ERR_MEMORY;
	}
	if (e)
		control_stop(c);
	else
		*control = c;
	return e;
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	atomic_store(&c->quit, true);
	if (c->started) {
		wake_up(c->wake);
		pthread_join(c->thread, NULL);
	}
	if (c->socket)
		zmq_close(c->socket);
	if (c->context)
		zmq_ctx_term(c->context);
	if (c->index)
		index_reader_close(c->index);
	if (c->log)
		log_reader_close(c->log);
	if (c->folder >= 0)
		close(c->folder);
	if (c->wake >= 0)
		close(c->wake);
	free(c);
}
