/* Opening and closing a node in one order, and what the exchange asks of it. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/keyfile.h"
#include "node/file.h"
#include "node/home.h"
#include "node/duty/node_drain.h"
#include "node/node_parts.h"
#include "node/say.h"
#include "protocol/council.h"

#define SOFTWARE "khabardar " NODE_VERSION

struct instant node_now(void)
{
	return (struct instant){.mono = clock_monotonic(), .wall = clock_wall()};
}

static void host_random(void *arg, void *out, size_t n)
{
	(void)arg;
	randombytes_buf(out, n);
}

static enum err host_topology_offered(void *arg, const uint8_t *file, size_t n,
				      struct report *report)
{
	struct node *node = arg;
	enum err e = versions_accept(node->versions, file, n, report);

	if (e)
		return e;
	say(LEVEL_INFO, "topology version %u is in force",
	    versions_newest(node->versions)->version);
	return links_update(node);
}

static enum err host_topology_file(void *arg, uint32_t version, const uint8_t **file, size_t *n)
{
	return versions_file(((struct node *)arg)->versions, version, file, n);
}

static enum err host_suspension_offered(void *arg, const uint8_t *file, size_t n,
					struct report *report)
{
	return suspension_accept(arg, file, n, report);
}

static enum err host_suspension_file(void *arg, const uint8_t **file, size_t *n)
{
	return versions_suspension_file(((struct node *)arg)->versions, file, n);
}

static size_t host_role_keys(void *arg, const struct party_id *role, uint16_t keys[KEYS_MAX])
{
	return drain_role_keys(arg, role, keys);
}

static void host_stored(void *arg, uint64_t lsn, const struct arrival *a)
{
	struct node *node = arg;

	quota_stored(node, lsn, a);
	/* What this node writes is here before anybody else has it. */
	if (!party_id_equal(&a->from, &node->self) &&
	    memcmp(a->message.header + ORIGIN_OFFSET, node->self.b, PARTY_ID_BYTES) == 0)
		restore_handed_back(node, &a->from);
	folder_wake(node->folder);
}

static void host_agreed(void *arg, const struct party_id *peer, uint32_t floor,
			const struct audience_id *audiences, size_t n)
{
	restore_agreed(arg, peer, floor, audiences, n);
}

static void host_submitted(void *arg, uint64_t ticket, const struct message_id *id, enum err e)
{
	(void)id;
	publish_submitted(arg, ticket, e);
}

static void host_settled(void *arg, const struct party_id *peer, uint64_t lsn)
{
	passes_note(((struct node *)arg)->passes, peer, lsn);
}

static void host_ended(void *arg, const struct party_id *peer, bool blame, const char *why)
{
	struct node *node = arg;
	struct neighbour *b = links_find(node, peer);

	if (!b)
		return;
	b->ending = true;
	if (blame)
		status_warn(node, &b->id, "%s broke the protocol: %s", b->name, why);
	else
		say(LEVEL_INFO, "the conversation with %s has ended: %s", b->name, why);
}

static void host_former_done(void *arg, const struct party_id *peer)
{
	links_former_done(arg, peer);
}

static void host_alarm(void *arg, const struct party_id *peer, const char *text)
{
	struct node *node = arg;
	struct neighbour *b = peer ? links_find(node, peer) : NULL;

	status_warn(node, b ? &b->id : NULL, "%s%s%s", b ? b->name : "", b ? " " : "", text);
}

static void host_work_begin(void *arg, void (*work)(void *, size_t), void *ctx, size_t n,
			    size_t bytes, bool leave_one)
{
	workers_begin(((struct node *)arg)->workers, work, ctx, n, bytes, leave_one);
}

static bool host_work_over(void *arg, bool wait)
{
	return workers_over(((struct node *)arg)->workers, wait);
}

/* A node that begins without what it was told, a quarantine or a mute, would be another one. */
static enum err remembered(const struct node *n, const char *what, enum err e,
			   struct report *report)
{
	if (e && report->total == 0)
		report_add(report, "%s/log: what it remembers of %s: %s; bring a backup back",
			   n->home, what, err_str(e));
	return e;
}

/* A wrong one would take messages for expired. */
static enum err floor_known(const struct node *n)
{
	struct log_reader *reader;
	uint8_t hours[4];
	size_t length;
	enum err e = log_reader_open(&reader, n->log);

	if (e)
		return e;
	e = log_get(reader, "floor", hours, sizeof hours, &length);
	log_reader_close(reader);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err open_store(struct node *n, struct report *report)
{
	struct log_options options = {.create = true};
	struct store_id id;
	char path[PATH_MAX];
	enum err e;

	randombytes_buf(id.b, sizeof id.b);
	if (!home_path(path, n->home, "log"))
		return ERR_LIMIT;
	e = home_log_there(n->home, report);
	if (!e)
		e = log_open(&n->log, path, &options, n->identity, &id, report);
	if (!e)
		e = remembered(n, "the floor", floor_known(n), report);
	if (!e && !home_path(path, n->home, "index"))
		e = ERR_LIMIT;
	if (!e)
		e = index_open(&n->index, path, n->log, n->identity, report);
	if (!e)
		e = remembered(n, "topologies", versions_open(&n->versions, n->log, report),
			       report);
	if (!e)
		e = remembered(n, "cards",
			       directory_open(&n->directory, n->index, n->log, n->identity),
			       report);
	if (!e)
		e = remembered(n, "mutes", mutes_open(&n->mutes, n->log, n->identity), report);
	if (!e)
		e = remembered(n, "recalls", keep_open(&n->keep, n->log, n->index), report);
	if (!e)
		e = remembered(n, "quarantines", quarantine_load(n), report);
	if (!e)
		quota_open(n);
	return e;
}

/* What `khabar join` left: the operator has vouched for its hash. */
static enum err join(struct node *n, struct report *report)
{
	char path[PATH_MAX];
	char *file;
	size_t length;
	struct hash pinned;
	enum err e;

	if (versions_newest(n->versions) || !home_path(path, n->home, "topology.signed"))
		return ERR_OK;
	e = file_read_named(&file, &length, path, TOPOLOGY_MAX_BYTES, report);
	if (e == ERR_NOT_FOUND) {
		report_clear(report);
		say(LEVEL_WARNING, "no federation joined yet: khabar join FILE, then start again");
		return ERR_OK;
	}
	if (e)
		return e;
	pinned = hash_of(file, council_text_length(file, length));
	e = versions_join(n->versions, (const uint8_t *)file, length, &pinned, report);
	free(file);
	return e;
}

static enum err open_exchange(struct node *n, struct report *report)
{
	struct link_options link_options = {
		.identity = n->identity, .bind = n->config->bind, .proxy = n->config->proxy};
	struct exchange_options options = {.software = SOFTWARE};
	struct exchange_host host = {.store = keep_store(n->keep),
				     .chain = versions_chain(n->versions),
				     .arg = n,
				     .random = host_random,
				     .topology_offered = host_topology_offered,
				     .topology_file = host_topology_file,
				     .suspension_offered = host_suspension_offered,
				     .suspension_file = host_suspension_file,
				     .role_keys = host_role_keys,
				     .stored = host_stored,
				     .submitted = host_submitted,
				     .settled = host_settled,
				     .ended = host_ended,
				     .former_done = host_former_done,
				     .agreed = host_agreed,
				     .alarm = host_alarm,
				     .work_begin = host_work_begin,
				     .work_over = host_work_over};
	const struct topology *t = versions_newest(n->versions);
	enum err e;

	if (t)
		n->self = party_id_of(&t->network, n->config->node);
	options.self = link_options.self = n->self;
	n->exchange = exchange_new(&options, &host);
	n->workers = workers_new();
	n->desk = desk_new();
	n->passes = passes_new();
	n->beacons = beacons_new();
	n->watch = watch_new();
	n->evidence = evidence_book_new();
	n->audits = audit_book_new();
	n->incidents = incident_book_new();
	n->holding = holding_new();
	n->alarm_book = alarm_book_new();
	if (!n->exchange || !n->workers || !n->desk || !n->passes || !n->beacons || !n->watch ||
	    !n->evidence || !n->audits || !n->incidents || !n->holding || !n->alarm_book)
		return ERR_MEMORY;
	restore_open(n);
	n->folder = folder_start(n->index, duties_run, n);
	if (!n->folder)
		return ERR_MEMORY;
	e = link_open(&n->link, &link_options, report);
	/* Until the index is whole again a node goes by the topology. */
	if (!e && directory_follow(n->directory, t) == ERR_MEMORY)
		e = ERR_MEMORY;
	if (!e && t)
		e = links_update(n);
	return e;
}

static uint64_t tick(void *arg, uint64_t now)
{
	struct node *n = arg;
	uint64_t link = link_tick(n->link, now), exchange = exchange_deadline(n->exchange);
	uint64_t status = status_refresh(n), next = link < exchange ? link : exchange;
	uint64_t rebind = links_rebind(n, now), quota = quota_tick(n, now);
	uint64_t suspension = suspension_tick(n, now), quarantine = quarantine_tick(n, now);

	if (n->more || n->links_stale)
		return now;
	next = rebind < next ? rebind : next;
	next = suspension < next ? suspension : next;
	next = quarantine < next ? quarantine : next;
	next = quota < next ? quota : next;
	return status < next ? status : next;
}

static size_t items(void *arg, zmq_pollitem_t *out, size_t max)
{
	struct node *n = arg;
	size_t count = link_poll_items(n->link, out, max);

	if (count < max)
		out[count++] =
			(zmq_pollitem_t){.fd = keep_descriptor(n->keep), .events = ZMQ_POLLIN};
	if (count < max)
		out[count++] = (zmq_pollitem_t){.fd = workers_descriptor(n->workers),
						.events = ZMQ_POLLIN};
	return count;
}

static void run(void *arg)
{
	struct node *n = arg;

	n->more = links_turn(n);
	/* What has expired goes now, not when something is folded again. */
	if (exchange_own_floor(n->exchange) != n->floor) {
		n->floor = exchange_own_floor(n->exchange);
		folder_wake(n->folder);
	}
	n->status_stale = true;
}

/* Before anybody asks, since very many of them take seconds.  A node starts without them: it shares
 * and exports nothing that they would have to be asked about until they can be read. */
static enum err open_guard(struct node *n)
{
	struct warning_lists *lists;
	struct report report;

	n->guard = warning_guard_new(n->config->warning_lists);
	if (!n->guard)
		return ERR_MEMORY;
	report_init(&report);
	if (warning_guard_lists(n->guard, &lists, &report))
		say(LEVEL_ERROR, "warning lists: %s", report_first(&report));
	else if (lists)
		say(LEVEL_INFO, "%zu warning lists with %zu entries", warning_lists_count(lists),
		    warning_lists_entries(lists));
	warning_lists_free(lists);
	report_clear(&report);
	return ERR_OK;
}

/* Nobody else changes keys here from now on: the log keeps them out. */
static void sweep(const struct node *n)
{
	char path[PATH_MAX];

	if (home_path(path, n->home, "node.key"))
		keyfile_sweep(path);
}

enum err node_open(struct node **node, const char *home, struct report *report)
{
	struct node *n = calloc(1, sizeof *n);
	struct loop_source source = {.tick = tick, .items = items, .run = run, .arg = n}, desk;
	enum err e;

	if (!n)
		return ERR_MEMORY;
	pthread_mutex_init(&n->lock, NULL);
	pthread_mutex_init(&n->carding, NULL);
	snprintf(n->home, sizeof n->home, "%s", home);
	n->started = clock_wall();
	e = home_open(&n->config, &n->identity, home, report);
	if (!e) {
		say_level(n->config->level);
		author_init(&n->author, n->identity);
		e = open_store(n, report);
	}
	if (!e)
		e = open_guard(n);
	if (!e)
		sweep(n);
	if (!e)
		e = join(n, report);
	if (!e)
		e = open_exchange(n, report);
	if (!e) {
		loop_init(&n->loop);
		desk = desk_source(n->desk);
		e = loop_add(&n->loop, &source);
	}
	if (!e)
		e = loop_add(&n->loop, &desk);
	if (!e) {
		n->status_stale = true;
		status_refresh(n);
	}
	if (e) {
		node_close(n);
		return e;
	}
	*node = n;
	return ERR_OK;
}

void node_close(struct node *n)
{
	if (!n)
		return;
	if (n->link)
		link_close(n->link);
	if (n->desk)
		desk_close(n->desk);
	folder_stop(n->folder);
	beacons_free(n->beacons);
	watch_free(n->watch);
	evidence_book_free(n->evidence);
	audit_book_free(n->audits);
	incident_book_free(n->incidents);
	holding_free(n->holding);
	alarm_book_free(n->alarm_book);
	forwards_free(n->forwards);
	exchange_free(n->exchange);
	workers_free(n->workers);
	keep_close(n->keep);
	mutes_close(n->mutes);
	warning_guard_free(n->guard);
	directory_close(n->directory);
	versions_close(n->versions);
	if (n->index)
		index_close(n->index);
	if (n->log)
		log_close(n->log);
	desk_free(n->desk);
	passes_free(n->passes);
	receipts_clear(&n->receipting.out);
	links_clear(n);
	quarantine_clear(n);
	quota_close(n);
	author_clear(&n->author);
	identity_free(n->identity);
	config_free(n->config);
	pthread_mutex_destroy(&n->carding);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

enum err node_run(struct node *n, const volatile atomic_int *quit)
{
	enum err e;

	n->more = true;
	e = loop_run(&n->loop, quit);
	desk_close(n->desk);
	return e;
}

const char *node_home(const struct node *n)
{
	return n->home;
}

const struct config *node_config(const struct node *n)
{
	return n->config;
}

const struct identity *node_identity(const struct node *n)
{
	return n->identity;
}

struct log *node_log(const struct node *n)
{
	return n->log;
}

struct index *node_index(const struct node *n)
{
	return n->index;
}

struct versions *node_versions(const struct node *n)
{
	return n->versions;
}

void node_set_porter(struct node *n, struct porter *porter)
{
	n->porter = porter;
}

struct porter *node_porter(const struct node *n)
{
	return n->porter;
}

void node_set_follower(struct node *n, pid_t follower)
{
	n->follower = follower;
}

pid_t node_follower(const struct node *n)
{
	return n->follower;
}

struct directory *node_directory(const struct node *n)
{
	return n->directory;
}

struct warning_guard *node_warning_guard(const struct node *n)
{
	return n->guard;
}

struct mutes *node_mutes(const struct node *n)
{
	return n->mutes;
}
