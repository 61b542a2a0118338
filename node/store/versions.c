#include "node/store/versions.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/bytes.h"
#include "protocol/council.h"

struct versions {
	struct log *log;
	struct log_reader *reader;
	struct chain chain;
	struct suspension **suspensions; /* owned; the last one counts */
	size_t suspension_count;
	pthread_mutex_t lock; /* of what follows, which other threads read */
	const struct topology *newest;
	const struct suspension *suspension;
	uint8_t *file; /* what versions_file() lent last */
};

/* Which of the files under a number is ours, for there may be the evidence of a fork beside it. */
static void hash_key(char out[32], uint32_t version)
{
	snprintf(out, 32, "topology/%u", version);
}

enum err versions_stored(struct log_reader *reader, uint32_t version, const uint8_t **file,
			 size_t *n)
{
	char key[32];
	struct hash ours, hash;
	size_t length;
	enum err e;

	hash_key(key, version);
	e = log_get(reader, key, ours.b, sizeof ours.b, &length);
	for (size_t nth = 0; !e; nth++) {
		e = log_get_topology(reader, version, nth, file, n);
		if (e)
			break;
		hash = hash_of(*file, council_text_length((const char *)*file, *n));
		if (hash_equal(&hash, &ours))
			return ERR_OK;
	}
	return e;
}

static void newest_set(struct versions *v)
{
	pthread_mutex_lock(&v->lock);
	v->newest = chain_newest(&v->chain);
	pthread_mutex_unlock(&v->lock);
}

/* Takes s over. */
static enum err suspension_add(struct versions *v, struct suspension *s)
{
	struct suspension **grown =
		realloc(v->suspensions, (v->suspension_count + 1) * sizeof *grown);

	if (!grown) {
		suspension_free(s);
		return ERR_MEMORY;
	}
	v->suspensions = grown;
	grown[v->suspension_count++] = s;
	v->chain.suspension = s;
	pthread_mutex_lock(&v->lock);
	v->suspension = s;
	pthread_mutex_unlock(&v->lock);
	return ERR_OK;
}

/* Persists, then adds, at the end that it belongs to; takes t over. */
static enum err keep_version(struct versions *v, struct topology *t, const uint8_t *file, size_t n)
{
	const struct topology *oldest = chain_oldest(&v->chain);
	bool first = !oldest, older = oldest && t->version < oldest->version;
	char key[32];
	uint8_t number[4];
	enum err e = log_begin(v->log);

	hash_key(key, t->version);
	put_u32(number, t->version);
	if (!e)
		e = log_put_topology(v->log, t->version, &t->hash, file, n);
	if (!e)
		e = log_put(v->log, key, t->hash.b, sizeof t->hash.b);
	if (!e && (first || older))
		e = log_put(v->log, "topology/first", number, sizeof number);
	if (!e && !older)
		e = log_put(v->log, "topology/newest", number, sizeof number);
	if (e)
		log_abort(v->log);
	else
		e = log_commit(v->log);
	if (e) {
		topology_free(t);
		return e;
	}
	pthread_mutex_lock(&v->lock);
	e = older ? chain_add_older(&v->chain, t) : chain_add(&v->chain, t);
	pthread_mutex_unlock(&v->lock);
	newest_set(v);
	return e;
}

static enum err load(struct versions *v, uint32_t version, struct report *report)
{
	const uint8_t *file;
	size_t n;
	struct topology *t;
	enum err e = versions_stored(v->reader, version, &file, &n);

	if (e == ERR_NOT_FOUND)
		return ERR_DAMAGED;
	if (!e)
		e = topology_parse(&t, (const char *)file,
				   council_text_length((const char *)file, n), report);
	return e ? e : chain_add(&v->chain, t);
}

/* What was taken once counts until another one does, whoever is in the council since. */
static enum err load_suspension(struct versions *v, struct report *report)
{
	uint8_t *file = malloc(SUSPENSION_MAX_BYTES);
	const struct topology *t = NULL;
	struct suspension *s = NULL;
	size_t n = 0;
	enum err e = file ? log_get(v->reader, "suspension", file, SUSPENSION_MAX_BYTES, &n)
			  : ERR_MEMORY;

	if (!e)
		e = suspension_parse(&s, (const char *)file,
				     council_text_length((const char *)file, n), report);
	if (!e) {
		t = chain_by_hash(&v->chain, &s->topology);
		e = t ? suspension_bind(s, t, report) : ERR_DAMAGED;
	}
	if (!e)
		e = suspension_add(v, s);
	else
		suspension_free(s);
	free(file);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err load_all(struct versions *v, struct report *report)
{
	uint8_t first[4] = {0}, newest[4] = {0};
	size_t n;
	enum err e = log_reader_renew(v->reader);

	if (!e)
		e = log_get(v->reader, "topology/first", first, sizeof first, &n);
	if (!e)
		e = log_get(v->reader, "topology/newest", newest, sizeof newest, &n);
	for (uint32_t i = get_u32(first); !e && i <= get_u32(newest); i++) {
		e = load(v, i, report);
		if (e)
			report_add(report,
				   "topology version %u in the log: %s; bring a backup back", i,
				   err_str(e));
	}
	if (!e) {
		e = load_suspension(v, report);
		if (e)
			report_add(report, "the suspension in the log: %s; bring a backup back",
				   err_str(e));
	}
	log_reader_pause(v->reader);
	newest_set(v);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err versions_open(struct versions **versions, struct log *log, struct report *report)
{
	struct versions *v = calloc(1, sizeof *v);
	enum err e;

	if (!v)
		return ERR_MEMORY;
	v->log = log;
	chain_init(&v->chain);
	pthread_mutex_init(&v->lock, NULL);
	e = log_reader_open(&v->reader, log);
	if (!e)
		e = load_all(v, report);
	if (e) {
		versions_close(v);
		return e;
	}
	*versions = v;
	return ERR_OK;
}

void versions_close(struct versions *v)
{
	if (!v)
		return;
	if (v->reader)
		log_reader_close(v->reader);
	chain_clear(&v->chain);
	for (size_t i = 0; i < v->suspension_count; i++)
		suspension_free(v->suspensions[i]);
	free(v->suspensions);
	pthread_mutex_destroy(&v->lock);
	free(v->file);
	free(v);
}

const struct topology *versions_newest(struct versions *v)
{
	const struct topology *t;

	pthread_mutex_lock(&v->lock);
	t = v->newest;
	pthread_mutex_unlock(&v->lock);
	return t;
}

enum err versions_known(struct versions *v, struct chain *out)
{
	enum err e = ERR_OK;

	pthread_mutex_lock(&v->lock);
	*out = (struct chain){.count = v->chain.count};
	out->versions = calloc(out->count + 1, sizeof(struct topology *));
	if (!out->versions)
		e = ERR_MEMORY;
	for (size_t i = 0; i < out->count && !e; i++)
		out->versions[i] = v->chain.versions[i];
	pthread_mutex_unlock(&v->lock);
	return e;
}

const struct suspension *versions_suspension(struct versions *v)
{
	const struct suspension *s;

	pthread_mutex_lock(&v->lock);
	s = v->suspension;
	pthread_mutex_unlock(&v->lock);
	return s;
}

const struct chain *versions_chain(const struct versions *v)
{
	return &v->chain;
}

enum err versions_join(struct versions *v, const uint8_t *file, size_t n, const struct hash *pinned,
		       struct report *report)
{
	struct topology *t;
	enum err e;

	if (chain_newest(&v->chain)) {
		report_add(report, "this node has joined already: version %u is in force",
			   chain_newest(&v->chain)->version);
		return ERR_STATE;
	}
	e = council_open(&t, (const char *)file, n, pinned, report);
	return e ? e : keep_version(v, t, file, n);
}

/* SPEC 4.9: the same number with another hash and good signatures is a fork: ours stays, theirs is
 * evidence. */
static bool fork_keep(struct versions *v, const uint8_t *file, size_t n, struct report *report)
{
	const struct topology *newest = chain_newest(&v->chain);
	struct topology *t = NULL;
	struct report ignored;
	size_t length = council_text_length((const char *)file, n);
	bool fork = false;

	report_init(&ignored);
	if (council_check(&newest->council, (const char *)file, n, newest->version, &ignored) ==
		    ERR_OK &&
	    topology_parse(&t, (const char *)file, length, &ignored) == ERR_OK) {
		const struct topology *ours = chain_version(&v->chain, t->version);
		fork = ours && !hash_equal(&ours->hash, &t->hash);
	}
	if (fork && log_begin(v->log) == ERR_OK) {
		if (log_put_topology(v->log, t->version, &t->hash, file, n) == ERR_OK)
			log_commit(v->log);
		else
			log_abort(v->log);
		report_add(report,
			   "the council has signed two different versions %u: ours stays in force, "
			   "the "
			   "other is kept as evidence; ask the council which one counts",
			   t->version);
	}
	topology_free(t);
	report_clear(&ignored);
	return fork;
}

enum err versions_accept(struct versions *v, const uint8_t *file, size_t n, struct report *report)
{
	const struct topology *newest = chain_newest(&v->chain);
	struct topology *t;
	enum err e;

	if (!newest) {
		report_add(report, "this node has not joined a federation: khabar join FILE first");
		return ERR_STATE;
	}
	if (council_precede(&t, chain_oldest(&v->chain), (const char *)file, n, NULL) == ERR_OK)
		return keep_version(v, t, file, n);
	e = council_follow(&t, newest, (const char *)file, n, report);
	if (e)
		return fork_keep(v, file, n, report) ? ERR_EXISTS : e;
	return keep_version(v, t, file, n);
}

enum err versions_file(struct versions *v, uint32_t version, const uint8_t **file, size_t *n)
{
	const uint8_t *lent;
	enum err e = log_reader_renew(v->reader);

	if (!e)
		e = versions_stored(v->reader, version, &lent, n);
	if (!e) {
		free(v->file);
		v->file = malloc(*n);
		e = v->file ? ERR_OK : ERR_MEMORY;
	}
	if (!e) {
		memcpy(v->file, lent, *n);
		*file = v->file;
	}
	log_reader_pause(v->reader);
	return e;
}

enum err versions_suspend(struct versions *v, const uint8_t *file, size_t n, struct report *report)
{
	struct suspension *s;
	enum err e;

	if (!chain_newest(&v->chain)) {
		report_add(report, "this node has not joined a federation: khabar join FILE first");
		return ERR_STATE;
	}
	e = suspension_take(&s, &v->chain, v->chain.suspension, (const char *)file, n, report);
	if (e)
		return e;
	e = log_begin(v->log);
	if (!e)
		e = log_put(v->log, "suspension", file, n);
	if (e)
		log_abort(v->log);
	else
		e = log_commit(v->log);
	if (e) {
		suspension_free(s);
		return e;
	}
	return suspension_add(v, s);
}

enum err versions_suspension_file(struct versions *v, const uint8_t **file, size_t *n)
{
	enum err e = log_reader_renew(v->reader);

	free(v->file);
	v->file = malloc(SUSPENSION_MAX_BYTES);
	if (!v->file)
		return ERR_MEMORY;
	if (!e)
		e = log_get(v->reader, "suspension", v->file, SUSPENSION_MAX_BYTES, n);
	*file = v->file;
	log_reader_pause(v->reader);
	return e;
}
