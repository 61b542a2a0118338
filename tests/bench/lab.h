/* Real daemons for the benches: a federation that scripts/lab makes, homes that are filled while
 * their daemons are down, and what a node says of itself. */
#ifndef TESTS_BENCH_LAB_H
#define TESTS_BENCH_LAB_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/admin/ask.h"
#include "node/author.h"
#include "node/store/versions.h"
#include "tests/node/index_fixture.h"

struct lab {
	char dir[64];
	int alive; /* the end of a pipe that closes when this process ends, however it does */
	pid_t keeper;
};

__attribute__((format(printf, 2, 3))) static inline void lab_do(const struct lab *lab,
								const char *format, ...)
{
	char words[1024], command[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	snprintf(command, sizeof command, "D=%s; %s", lab->dir, words);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", words);
		exit(1);
	}
}

/* A process that ends the lab's daemons and removes its folder once this one has gone, be it that
 * somebody interrupted it. */
static inline void lab_keep(struct lab *lab)
{
	char command[256], byte;
	int ends[2];

	snprintf(command, sizeof command, "scripts/lab down %s/lab >/dev/null 2>&1; rm -rf %s",
		 lab->dir, lab->dir);
	need(pipe2(ends, O_CLOEXEC) == 0);
	lab->keeper = fork();
	need(lab->keeper >= 0);
	if (lab->keeper > 0) {
		close(ends[0]);
		lab->alive = ends[1];
		return;
	}
	/* What a terminal sends to those who run on it is not for this one. */
	setsid();
	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(1);
}

/* The names of the nodes, with a colon and to whom it reports behind each that is not the first:
 * "a b:a c:b".  All are down. */
static inline void lab_make(struct lab *lab, const char *nodes)
{
	char names[256], path[PATH_MAX];
	FILE *f;

	snprintf(lab->dir, sizeof lab->dir, "/tmp/khabardar-bench-XXXXXX");
	need(sodium_init() >= 0 && mkdtemp(lab->dir));
	lab_keep(lab);
	snprintf(path, sizeof path, "%s/text.zpl", lab->dir);
	f = fopen(path, "w");
	need(f);
	fprintf(f, "node\n");
	snprintf(names, sizeof names, "%s", nodes);
	for (char *at = names, *word; (word = strtok_r(at, " ", &at));) {
		char *above = strchr(word, ':');
		if (above)
			*above++ = '\0';
		fprintf(f, "    %s\n", word);
		if (above)
			fprintf(f, "        reports-to = %s\n", above);
	}
	need(fclose(f) == 0);
	lab_do(lab, "scripts/lab up $D/lab --topology $D/text.zpl >/dev/null && "
		    "scripts/lab down $D/lab >/dev/null");
}

static inline void lab_remove(struct lab *lab)
{
	close(lab->alive);
	need(waitpid(lab->keeper, NULL, 0) == lab->keeper);
}

/* A node of the lab begins again with an empty store; it is down. */
static inline void lab_empty(const struct lab *lab, const char *node)
{
	lab_do(lab, "rm -rf $D/lab/%s/log $D/lab/%s/index", node, node);
}

static inline void lab_start(const struct lab *lab, const char *nodes)
{
	lab_do(lab, "scripts/lab start $D/lab %s", nodes);
}

static inline void lab_stop(const struct lab *lab, const char *nodes)
{
	lab_do(lab, "scripts/lab stop $D/lab %s", nodes);
}

static inline struct ask *lab_ask(const struct lab *lab, const char *node)
{
	char home[PATH_MAX];
	struct ask *ask;

	snprintf(home, sizeof home, "%s/lab/%s", lab->dir, node);
	need(ask_open(&ask, home, NULL, NULL, NULL) == ERR_OK);
	return ask;
}

struct lab_status {
	double messages, objects, unfolded;
	double sent, received, waiting; /* over its first link */
};

static inline double lab_number(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static inline struct lab_status lab_status(struct ask *a)
{
	struct lab_status s = {0};
	struct reply reply;
	const cJSON *link;

	need(ask(a, "{\"do\":\"status\"}", NULL, 0, false, &reply, NULL) == ERR_OK && reply.ok);
	s.messages = lab_number(reply.json, "messages");
	s.objects = lab_number(reply.json, "objects");
	s.unfolded = lab_number(reply.json, "unfolded");
	link = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(reply.json, "links"), 0);
	s.sent = lab_number(link, "sent");
	s.received = lab_number(link, "received");
	s.waiting = lab_number(link, "waiting");
	reply_clear(&reply);
	return s;
}

static inline void lab_pause(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Everything is searchable. */
static inline void lab_folded(struct ask *a)
{
	while (lab_status(a).unfolded > 0)
		lab_pause();
}

/* ---- what is durable ---- */

/* A view of a node's log beside its daemon: it shows what is durable there and costs the daemon
 * nothing. */
struct watcher {
	struct identity *identity;
	struct log *log;
	struct log_reader *reader;
	uint64_t next;
};

static inline void watcher_open(struct watcher *w, const struct lab *lab, const char *node)
{
	char path[PATH_MAX];

	*w = (struct watcher){.next = 1};
	snprintf(path, sizeof path, "%s/lab/%s/node.key", lab->dir, node);
	need(identity_open(&w->identity, path, NULL, NULL) == ERR_OK);
	snprintf(path, sizeof path, "%s/lab/%s/log", lab->dir, node);
	need(log_open(&w->log, path, &(struct log_options){.read_only = true}, w->identity, NULL,
		      NULL) == ERR_OK);
	need(log_reader_open(&w->reader, w->log) == ERR_OK);
}

static inline void watcher_close(struct watcher *w)
{
	log_reader_close(w->reader);
	log_close(w->log);
	identity_free(w->identity);
}

/* Reads on; how many posts have come. */
static inline size_t watcher_posts(struct watcher *w)
{
	struct log_row row;
	size_t n = 0;

	need(log_reader_renew(w->reader) == ERR_OK);
	while (log_read_from(w->reader, w->next, &row) == ERR_OK) {
		n += row.kind == LOG_MESSAGE && row.data[KIND_OFFSET] == KIND_POST;
		w->next = row.lsn + 1;
	}
	log_reader_pause(w->reader);
	return n;
}

/* Between two looks: what is measured takes many times as long. */
static inline void moment(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* ---- filling a home ---- */

struct home {
	struct identity *identity;
	struct log *log;
	struct versions *versions;
	struct author author;
	unsigned number; /* of indicators, so far */
};

static inline void home_fill_begin(struct home *h, const struct lab *lab, const char *node)
{
	char path[PATH_MAX];

	*h = (struct home){0};
	snprintf(path, sizeof path, "%s/lab/%s/node.key", lab->dir, node);
	need(identity_open(&h->identity, path, NULL, NULL) == ERR_OK);
	snprintf(path, sizeof path, "%s/lab/%s/log", lab->dir, node);
	need(log_open(&h->log, path, &(struct log_options){0}, h->identity, NULL, NULL) == ERR_OK);
	need(versions_open(&h->versions, h->log, NULL) == ERR_OK);
	author_init(&h->author, h->identity);
}

static inline void home_fill_end(struct home *h)
{
	author_clear(&h->author);
	versions_close(h->versions);
	log_close(h->log);
	identity_free(h->identity);
}

/* Addresses that look drawn and never come twice. */
static inline void lab_value(char out[16], unsigned number)
{
	unsigned x = number * 2654435761u;

	snprintf(out, 16, "%u.%u.%u.%u", x >> 24, x >> 16 & 255, x >> 8 & 255, x & 255);
}

/* An indicator as importers make them; its id is drawn from its number. */
static inline void lab_indicator(struct text *t, unsigned number)
{
	uint8_t key[randombytes_SEEDBYTES] = {0}, id[16];
	char value[16];

	put_u32(key, number);
	randombytes_buf_deterministic(id, sizeof id, key);
	lab_value(value, number);
	text_format(t,
		    "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--"
		    "%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x\","
		    "\"created\":\"2026-11-01T00:00:00.000Z\","
		    "\"modified\":\"2026-11-01T00:00:00.000Z\",\"pattern_type\":\"stix\","
		    "\"valid_from\":\"2026-11-01T00:00:00Z\","
		    "\"pattern\":\"[ipv4-addr:value = '%s']\"}",
		    id[0], id[1], id[2], id[3], id[4], id[5], id[6] & 15, id[7], id[8] & 15, id[9],
		    id[10], id[11], id[12], id[13], id[14], id[15], value);
}

/* The body of a post of so many indicators, all of them new. */
static inline void home_body(struct home *h, size_t indicators, uint8_t **body, size_t *n)
{
	struct text t;

	text_init(&t);
	text_format(&t, "{\"envelope\":{},\"bundle\":{\"type\":\"bundle\",\"id\":\"bundle--"
			"00000000-0000-4000-8000-000000000000\",\"objects\":[");
	for (size_t i = 0; i < indicators; i++) {
		text_str(&t, i ? "," : "");
		lab_indicator(&t, h->number++);
	}
	text_str(&t, "]}}");
	need(!t.bad && body_pack(body, n, t.at, t.length) == ERR_OK);
	text_clear(&t);
}

/* Returns the length of the body. */
static inline size_t home_say(struct home *h, size_t indicators)
{
	const struct topology *t = versions_newest(h->versions);
	struct letter letter = {.audience = audience_all()};
	struct draft draft = {.kind = KIND_POST, .tlp = TLP_GREEN};
	struct written w;
	struct header header;
	uint8_t *body;
	uint64_t lsn, now = (uint64_t)time(NULL) * 1000;
	size_t head;

	home_body(h, indicators, &body, &draft.body_length);
	draft.body = body;
	draft.expiry = (uint32_t)(now / 3600000) + 90 * 24;
	need(author_write(&h->author, t, &letter, &draft, now, &w) == ERR_OK);
	head = header_peek_length(w.bytes, w.length);
	need(header_decode(&header, w.bytes, head) == ERR_OK);
	struct log_row row = {.arrived = now,
			      .from = header.origin,
			      .verdict = VERDICT_ACCEPTED,
			      .data = w.bytes,
			      .length = head + SIGNATURE_BYTES};
	need(log_append(h->log, &row, &w.id, body, draft.body_length, &lsn) == ERR_OK);
	free(w.bytes);
	free(body);
	return draft.body_length;
}

/* So many messages of so many indicators each, as if the node had written them; returns the average
 * length of their bodies. */
static inline size_t lab_fill(const struct lab *lab, const char *node, size_t messages,
			      size_t indicators)
{
	struct home h;
	size_t bytes = 0;

	home_fill_begin(&h, lab, node);
	for (size_t i = 0; i < messages;) {
		need(log_begin(h.log) == ERR_OK);
		for (size_t k = 0; k < 1000 && i < messages; k++, i++)
			bytes += home_say(&h, indicators);
		need(log_commit(h.log) == ERR_OK);
	}
	home_fill_end(&h);
	return bytes / messages;
}

#endif
