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
#include "node/admin/clients.h"
#include "node/home.h"

enum { RUN_MODE = 0755 };

/* A request as it came, and what its answer needs as long as it is being made. */
struct request {
	uint64_t client;
	struct caller caller;
	cJSON *json;
	const struct answer_entry *entry;
	struct answer answer;
	enum err e;
};

/* A request that is answered while the control thread goes on: of each sort one at a time. */
struct job {
	struct request request;
	pthread_t thread;
	bool running;
	atomic_bool done;
	int wake;
	struct log_reader *log; /* owned, as index is; NULL: its answers need none */
	struct index_reader *index;
};

struct control {
	struct node *node;
	struct clients *clients;
	int folder, wake; /* descriptors */
	atomic_bool quit;
	pthread_t thread;
	bool started;
	struct log_reader *log;
	struct index_reader *index;
	struct job slow, large;
};

static void wake_up(int fd)
{
	uint64_t one = 1;

	/* Full means that it will wake up anyway. */
	if (write(fd, &one, sizeof one) < 0)
		return;
}

/* ---- replying ---- */

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
	struct slice frame = {(const char *)a->frame, a->frame_length};
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
	if (reply.bad)
		text_clear(&reply);
	clients_reply(c->clients, r->client, &(struct slice){reply.at, reply.length},
		      a->frame && !r->e ? &frame : NULL);
	text_clear(&reply);
	text_clear(&a->reply);
	text_clear(&a->summary);
	report_clear(&a->report);
	free(a->frame);
	cJSON_Delete(r->json);
}

/* ---- answering ---- */

static void pause_readers(struct log_reader *log, struct index_reader *index)
{
	if (!log)
		return;
	log_reader_pause(log);
	index_reader_pause(index);
}

static enum err answer_make(struct answer *a, const struct answer_entry *entry)
{
	return answer_holds(entry, a->request.json) ? answer_hold(a, entry) : entry->answer(a);
}

static void *job_run(void *arg)
{
	struct job *job = arg;

	job->request.e = answer_make(&job->request.answer, job->request.entry);
	atomic_store(&job->done, true);
	wake_up(job->wake);
	return NULL;
}

static const struct answer_entry *running(const struct job *job)
{
	return job->running ? job->request.entry : NULL;
}

/* Of large requests the clients let one in at a time; but while an index is built anew nothing is
 * looked up in it that decides what is sent. */
static const struct answer_entry *in_the_way(const struct control *c, const struct job *job,
					     const struct request *r)
{
	const struct answer_entry *other = running(job);

	return !other && r->entry->answer == answer_reindex ? running(&c->large) : other;
}

/* Moves the request into the job. */
static void job_start(struct control *c, struct job *job, struct request *r)
{
	const struct answer_entry *other = in_the_way(c, job, r);

	if (other) {
		report_add(&r->answer.report, "the node is busy with %s", other->name);
		r->answer.advice = "try again when that has finished";
		r->e = ERR_BUSY;
		finish(c, r);
		return;
	}
	job->request = *r;
	job->request.answer.caller = &job->request.caller;
	job->request.answer.request.report = &job->request.answer.report;
	job->request.answer.log = job->log;
	job->request.answer.index = job->index;
	atomic_store(&job->done, false);
	job->wake = c->wake;
	job->running = pthread_create(&job->thread, NULL, job_run, job) == 0;
	if (!job->running) {
		job->request.e = ERR_MEMORY;
		finish(c, &job->request);
	}
}

static void job_end(struct control *c, struct job *job)
{
	pthread_join(job->thread, NULL);
	job->running = false;
	pause_readers(job->log, job->index);
	finish(c, &job->request);
}

static void job_reap(struct control *c, struct job *job)
{
	if (job->running && atomic_load(&job->done))
		job_end(c, job);
}

/* What must hold before a request is answered at all. */
static enum err admit(struct control *c, struct request *r, const char *refused)
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
	if (refused) {
		report_add(&a->report, "%s", refused);
		return ERR_LIMIT;
	}
	return ERR_OK;
}

/* NULL: it is answered at once. */
static struct job *job_for(struct control *c, const struct answer_entry *entry,
			   const struct client_request *from)
{
	switch (entry->pace) {
	case PACE_QUICK:
		break;
	case PACE_SLOW:
		return &c->slow;
	/* SPEC 9.1: "While a `share` of that size is answered, so are others that are smaller." */
	case PACE_LARGE:
		return from->large ? &c->large : NULL;
	}
	return NULL;
}

static void serve(struct control *c, const struct client_request *from)
{
	struct request r = {.client = from->client, .caller = from->caller};
	struct answer *a = &r.answer;
	struct job *job;

	*a = (struct answer){.node = c->node,
			     .log = c->log,
			     .index = c->index,
			     .caller = &r.caller,
			     .frames = from->frames,
			     .frame_count = from->frame_count};
	a->reindexing = c->slow.running && c->slow.request.entry->answer == answer_reindex;
	if (from->text) {
		r.e = admin_parse(&r.json, from->text, from->text_length, &a->report);
	} else {
		report_add(&a->report, "%s",
			   from->refused ? from->refused : "no right, and so large a request");
		r.e = ERR_LIMIT;
	}
	if (!r.e)
		r.e = admit(c, &r, from->refused);
	admin_request_init(&a->request, r.json, &a->report);
	job = r.e ? NULL : job_for(c, r.entry, from);
	if (job) {
		job_start(c, job, &r);
		return;
	}
	if (!r.e)
		r.e = answer_make(a, r.entry);
	pause_readers(c->log, c->index);
	finish(c, &r);
}

/* SPEC 9.1: "what is more is kept only of those who have some right, and of one at a time" */
static bool has_a_right(void *arg, const struct caller *caller)
{
	const struct control *c = arg;

	for (int right = 0; right < RIGHT_COUNT; right++)
		if (rights_allow(node_config(c->node), caller, (enum right)right))
			return true;
	return false;
}

static void *control_run(void *arg)
{
	struct control *c = arg;
	struct client_request request;
	uint64_t count;

	while (!atomic_load(&c->quit)) {
		clients_wait(c->clients, c->wake);
		while (read(c->wake, &count, sizeof count) > 0)
			;
		job_reap(c, &c->slow);
		job_reap(c, &c->large);
		while (!atomic_load(&c->quit) && clients_next(c->clients, &request))
			serve(c, &request);
	}
	if (c->slow.running)
		job_end(c, &c->slow);
	if (c->large.running)
		job_end(c, &c->large);
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

static enum err bind_socket(struct control *c, struct report *report)
{
	const char *home = node_home(c->node);
	char endpoint[ADMIN_ENDPOINT_BYTES];
	struct report why;
	enum err e = make_run(home, node_config(c->node), report);

	if (!e)
		e = admin_endpoint(endpoint, &c->folder, home, report);
	if (e)
		return e;
	report_init(&why);
	e = clients_open(&c->clients, endpoint + strlen("ipc://"), has_a_right, c, &why);
	if (e)
		report_add(report, "%s/run/admin.sock: cannot be bound: %s", home,
			   report_first(&why));
	report_clear(&why);
	return e;
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

static enum err open_readers(struct node *node, struct log_reader **log,
			     struct index_reader **index)
{
	enum err e = log_reader_open(log, node_log(node));

	if (!e)
		e = index_reader_open(index, node_index(node));
	if (!e)
		pause_readers(*log, *index);
	return e;
}

static void close_readers(struct log_reader *log, struct index_reader *index)
{
	if (index)
		index_reader_close(index);
	if (log)
		log_reader_close(log);
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
	e = c->wake < 0 ? ERR_IO : open_readers(node, &c->log, &c->index);
	if (!e)
		e = open_readers(node, &c->large.log, &c->large.index);
	if (!e) {
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
	clients_close(c->clients);
	close_readers(c->log, c->index);
	close_readers(c->large.log, c->large.index);
	if (c->folder >= 0)
		close(c->folder);
	if (c->wake >= 0)
		close(c->wake);
	free(c);
}
