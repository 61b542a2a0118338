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
	struct clients *clients;
	int folder, wake; /* descriptors */
	atomic_bool quit;
	pthread_t thread;
	bool started;
	struct log_reader *log;
	struct index_reader *index;
	struct job job;
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

static void serve(struct control *c, const struct client_request *from)
{
	struct request r = {.client = from->client, .caller = from->caller};
	struct answer *a = &r.answer;

	*a = (struct answer){.node = c->node,
			     .log = c->log,
			     .index = c->index,
			     .caller = &r.caller,
			     .frames = from->frames,
			     .frame_count = from->frame_count};
	a->reindexing = c->job.running && c->job.request.entry->answer == answer_reindex;
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
	if (!r.e && r.entry->slow) {
		job_start(c, &r);
		return;
	}
	if (!r.e)
		r.e = answer_holds(r.entry, r.json) ? answer_hold(a, r.entry) : r.entry->answer(a);
	pause_readers(c);
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
		job_reap(c);
		while (!atomic_load(&c->quit) && clients_next(c->clients, &request))
			serve(c, &request);
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
	clients_close(c->clients);
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
