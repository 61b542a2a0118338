/* Requests of the admin socket, to a node that runs in this process and is in a federation: the
 * JSON of a request, then its frames, each behind a zero byte.  Whatever is asked, the reply is
 * JSON, and what is refused is refused in words. */
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/admin/answer.h"
#include "node/home.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocol/federation.h"

enum { FRAMES_MAX = 4 };

static struct node *node;
static struct log_reader *log_reader;
static struct index_reader *index_reader;
static volatile atomic_int quit;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void put_hex(struct writing *w, const char *name, const uint8_t *key)
{
	char hex[65];

	put(w, "%s = \"%s\"\n", name, hex_encode(hex, key, 32));
}

static void put_stranger(struct writing *w, const char *name, const char *more)
{
	put(w, "    %s\n        title = \"%s\"\n        reports-to = national\n%s", name, name,
	    more);
	put_keys(w, name);
}

/* The text of a federation in which the node is the root, signed by a council of one. */
static void write_topology(const char *home, const struct identity_public *own)
{
	struct writing w = {0};
	char path[PATH_MAX];
	FILE *f;

	put(&w, "federation\n    name = Fuzz\n    version = 1\n"
		"    expires = 2037-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n    national\n        title = National\n"
		"        endpoint = \"tcp://192.0.2.1:5670\"\n");
	put_hex(&w, "        link", own->link);
	put(&w, "        sign\n");
	put_hex(&w, "            1", own->sign);
	put(&w, "        seal\n");
	put_hex(&w, "            1", own->seal);
	put_stranger(&w, "punjab", "        networks = \"192.0.2.0/24\"\n");
	put_stranger(&w, "sindh", "");
	put_signature(&w, "member0", w.length, "ED");
	must(home_path(path, home, "topology.signed"));
	f = fopen(path, "w");
	must(f && fwrite(w.at, 1, w.length, f) == w.length && fclose(f) == 0);
	free(w.at);
}

static void *run_node(void *arg)
{
	(void)arg;
	must(node_run(node, &quit) == ERR_OK);
	return NULL;
}

static void prepare(void)
{
	char home[] = "/tmp/khabardar-fuzz.XXXXXX", path[PATH_MAX];
	struct identity *id;
	struct report report;
	pthread_t thread;
	FILE *f;

	if (node)
		return;
	must(mkdtemp(home) && home_path(path, home, "node.key"));
	must(identity_create(path, "national", NULL, NULL) == ERR_OK);
	must(identity_open(&id, path, NULL, NULL) == ERR_OK);
	write_topology(home, identity_public(id));
	identity_free(id);
	must(home_path(path, home, "khabardar.zpl"));
	f = fopen(path, "w");
	must(f && fputs("node = national\nlog = error\n", f) > 0 && fclose(f) == 0);
	report_init(&report);
	if (node_open(&node, home, &report)) {
		fprintf(stderr, "%s\n", report_first(&report));
		abort();
	}
	must(log_reader_open(&log_reader, node_log(node)) == ERR_OK);
	must(index_reader_open(&index_reader, node_index(node)) == ERR_OK);
	/* What is open stays; nothing is left behind. */
	nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	must(pthread_create(&thread, NULL, run_node, NULL) == 0);
	pthread_detach(thread);
}

/* Those that write files, or take long by design, are not for here. */
static bool wanted(const struct answer_entry *entry)
{
	return entry && entry->pace != PACE_SLOW && entry->answer != answer_rotate;
}

static void check_reply(struct answer *a, enum err e)
{
	struct text reply;
	cJSON *json = NULL;

	text_init(&reply);
	if (e) {
		admin_refuse(&reply, "fuzz", a->where, e, &a->report, a->advice);
	} else {
		text_str(&reply, "{\"ok\":true");
		if (a->reply.length)
			text_str(&reply, ",");
		text_add(&reply, a->reply.at ? a->reply.at : "", a->reply.length);
		text_str(&reply, "}");
	}
	must(!reply.bad && json_parse(&json, reply.at, reply.length, NULL) == ERR_OK);
	cJSON_Delete(json);
	text_clear(&reply);
}

static void serve(const char *text, size_t n, const struct slice *frames, size_t frame_count)
{
	struct caller caller = {.uid = getuid()};
	const struct answer_entry *entry;
	struct answer a = {.node = node,
			   .log = log_reader,
			   .index = index_reader,
			   .caller = &caller,
			   .frames = frames,
			   .frame_count = frame_count};
	cJSON *json = NULL;

	if (admin_parse(&json, text, n, &a.report) == ERR_OK) {
		entry = answer_find(admin_do(json));
		admin_request_init(&a.request, json, &a.report);
		if (wanted(entry))
			check_reply(&a, entry->answer(&a));
		log_reader_pause(log_reader);
		index_reader_pause(index_reader);
	}
	text_clear(&a.reply);
	text_clear(&a.summary);
	report_clear(&a.report);
	free(a.frame);
	cJSON_Delete(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice frames[FRAMES_MAX];
	const uint8_t *zero = n ? memchr(data, 0, n) : NULL;
	size_t count = 0, length = zero ? (size_t)(zero - data) : n;

	prepare();
	while (zero && count < FRAMES_MAX) {
		const uint8_t *at = zero + 1, *end = data + n;
		zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
		/* The last one may have zeros in it. */
		if (!zero || count == FRAMES_MAX - 1)
			zero = NULL;
		frames[count++] =
			(struct slice){(const char *)at, (size_t)((zero ? zero : end) - at)};
	}
	serve((const char *)data, length, frames, count);
	return 0;
}
