/* Posts with STIX in them, and a log with an index beside it, for the tests of both. */
#ifndef TESTS_NODE_INDEX_FIXTURE_H
#define TESTS_NODE_INDEX_FIXTURE_H

#include "node/store/index.h"
#include "protocol/body.h"
#include "protocol/stix.h"
#include "tests/node/store_fixture.h"

struct pair {
	struct log *log;
	struct index *index;
	struct index_reader *reader;
};

static void pair_open(struct pair *p, const struct fixture *f)
{
	p->log = open_log(f);
	need(index_open(&p->index, path_in(f, "index"), p->log, f->identity, NULL) == ERR_OK);
	need(index_reader_open(&p->reader, p->index) == ERR_OK);
}

static void pair_close(struct pair *p)
{
	index_reader_close(p->reader);
	index_close(p->index);
	log_close(p->log);
}

__attribute__((unused)) static void pair_fresh(struct pair *p, const struct fixture *f)
{
	remove_tree(path_in(f, "log"));
	remove_tree(path_in(f, "index"));
	pair_open(p, f);
}

__attribute__((unused)) static void pair_reopen(struct pair *p, const struct fixture *f)
{
	pair_close(p);
	pair_open(p, f);
}

__attribute__((unused)) static void fold_all(struct pair *p)
{
	bool more = true;
	while (more)
		need(index_fold(p->index, &more) == ERR_OK);
	need(index_reader_renew(p->reader) == ERR_OK);
}

/* Commits one message and notes it. */
__attribute__((unused)) static uint64_t commit_sample(struct pair *p, const struct sample *s,
						      enum verdict verdict)
{
	uint64_t lsn = 0;
	struct log_row row = {.data = s->row, .length = s->length, .verdict = verdict};
	need(log_begin(p->log) == ERR_OK);
	need(log_append(p->log, &row, &s->id, s->body, s->body_length, &lsn) == ERR_OK);
	need(log_commit(p->log) == ERR_OK);
	need(index_note(p->index, &s->id, lsn) == ERR_OK);
	return lsn;
}

/* A post whose bundle holds the objects, a list of JSON objects with commas. */
__attribute__((unused)) static void post_make(struct sample *s, uint64_t seed, unsigned origin,
					      const char *envelope, const char *objects)
{
	struct text t;
	text_init(&t);
	text_format(&t,
		    "{\"envelope\":%s,\"bundle\":{\"type\":\"bundle\",\"id\":\"bundle--"
		    "00000000-0000-4000-8000-000000000000\",\"objects\":[%s]}}",
		    envelope, objects);
	*s = (struct sample){0};
	need(!t.bad && body_pack(&s->body, &s->body_length, t.at, t.length) == ERR_OK);
	text_clear(&t);
	struct header *h = sample_header(seed);
	h->origin.b[0] = (uint8_t)origin;
	sample_finish(s, h);
}

/* One indicator as text; number names it, day orders its versions. */
__attribute__((unused)) static const char *indicator(unsigned number, unsigned day,
						     const char *pattern, const char *more)
{
	static char texts[8][4096];
	static unsigned turn;
	char *text = texts[turn++ % 8];
	snprintf(text, sizeof texts[0],
		 "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--"
		 "00000000-0000-4000-8000-%012u\",\"created\":\"2026-01-01T00:00:00.000Z\","
		 "\"modified\":\"2026-01-%02uT00:00:00.000Z\",\"pattern_type\":\"stix\","
		 "\"valid_from\":\"2026-01-01T00:00:00Z\",\"pattern\":\"%s\"%s}",
		 number, day, pattern, more);
	return text;
}

__attribute__((unused)) static const char *indicator_id(unsigned number)
{
	static char text[64];
	snprintf(text, sizeof text, "indicator--00000000-0000-4000-8000-%012u", number);
	return text;
}

static uint64_t fixture_seed = 1000;

/* Commits a post by that origin and returns its position. */
__attribute__((unused)) static uint64_t post(struct pair *p, unsigned origin, const char *envelope,
					     const char *objects)
{
	struct sample s;
	post_make(&s, fixture_seed++, origin, envelope, objects);
	uint64_t lsn = commit_sample(p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	return lsn;
}

__attribute__((unused)) static struct message_id plain(struct pair *p, uint64_t seed)
{
	struct sample s;
	sample_make(&s, seed, 20);
	commit_sample(p, &s, VERDICT_ACCEPTED);
	struct message_id id = s.id;
	sample_clear(&s);
	return id;
}

__attribute__((unused)) static struct message_id id_of_seed(uint64_t seed)
{
	struct sample s;
	sample_make(&s, seed, 20);
	struct message_id id = s.id;
	sample_clear(&s);
	return id;
}

#endif
