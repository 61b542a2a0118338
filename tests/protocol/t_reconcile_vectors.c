/* Known answers of tests/data/reconcile.txt, which another program has written. */
#include "tests/tap.h"
#include "tests/two_ends.h"
#include "tests/vectors.h"

static struct pool pool;
static struct memory_trie memory;
static uint8_t asking[NONCE_BYTES], answering[NONCE_BYTES];

static void check_expansion(const struct vector *v)
{
	struct message_id id;
	struct aggregate a;
	uint8_t bytes[AGGREGATE_BYTES], want[SUM_BYTES];

	vector_exact(v, "id", id.b, sizeof id.b);
	vector_exact(v, "expansion", want, sizeof want);
	aggregate_of_id(&a, &id);
	aggregate_encode(&a, bytes);
	ok(memcmp(bytes + 8, want, sizeof want) == 0, "line %u: expansion", v->line);
}

static void check_trie(const struct vector *v)
{
	struct trie_store s = memory_trie_store(&memory);
	size_t n = 0, right = 0;
	const char *text;

	memory_trie_init(&memory);
	while (vector_nth(v, "key", pool.count))
		pool.count++;
	pool.keys = malloc(pool.count * sizeof *pool.keys);
	need(pool.keys);
	for (size_t i = 0; i < pool.count; i++)
		need(hex_decode(pool.keys[i].b, TRIE_KEY_BYTES, vector_nth(v, "key", i)));
	pool_fold(&memory, &pool, 0, pool.count, false);
	for (; (text = vector_nth(v, "node", n)) != NULL; n++) {
		uint8_t key[TRIE_NODE_KEY_MAX], value[AGGREGATE_BYTES];
		size_t length = strlen(text) / 2;
		struct trie_entry e;
		need(length <= sizeof key && hex_decode(key, length, text));
		need(hex_decode(value, sizeof value, vector_nth(v, "value", n)));
		right += s.seek(s.self, TRIE_NODES, key, length, &e) == ERR_OK &&
			 e.key_length == length && memcmp(e.key, key, length) == 0 &&
			 memcmp(e.value, value, sizeof value) == 0;
	}
	ok(n > 10 && right == n, "line %u: %zu nodes", v->line, n);
	is_int(memory.tables[TRIE_NODES].rows, n, "and no others");
}

static void check_view(const struct vector *v)
{
	struct view view = {0};
	struct audience_id none = {{0}};
	struct message_id id;
	struct trie_key key;
	uint8_t want[8];

	vector_exact(v, "asking", asking, sizeof asking);
	vector_exact(v, "answering", answering, sizeof answering);
	vector_exact(v, "id", id.b, sizeof id.b);
	vector_exact(v, "short-id", want, sizeof want);
	view_keys(&view, asking, answering);
	key = trie_key_make(&none, 0, &id);
	ok(view_short_id(&view, &key) == get_u64(want), "line %u: short id", v->line);
}

static bool all(void *arg, const struct audience_id *audience, uint64_t lsn)
{
	(void)arg;
	(void)audience;
	return lsn > 0;
}

/* The next frame of r is the one of the vector. */
static void is_frame(struct reconcile *r, const struct reconcile_link *link, const struct vector *v,
		     const char *name, struct reconcile_frame *frame)
{
	enum reconcile_turn turn;
	size_t n;
	uint8_t *want = vector_bytes(v, name, &n);

	need(reconcile_step(r, link, &turn, frame) == ERR_OK);
	ok(turn == RECONCILE_FRAME && frame->length == n && memcmp(frame->payload, want, n) == 0,
	   "line %u: %s", v->line, name);
	free(want);
}

static void check_run(const struct vector *v)
{
	struct reconcile *a = reconcile_new(RECONCILE_ASKING);
	struct reconcile *b = reconcile_new(RECONCILE_ANSWERING);
	struct trie_store s = memory_trie_store(&memory);
	struct reconcile_link link = {.store = &s, .floor = POOL_HOUR, .carries = all};
	struct reconcile_frame frame;

	need(a && b);
	pool_fold(&memory, &pool, 0, 1, true);
	memcpy(link.own_nonce, asking, NONCE_BYTES);
	memcpy(link.peer_nonce, answering, NONCE_BYTES);
	need(reconcile_begin(a, &link) == ERR_OK);
	is_frame(a, &link, v, "begin", &frame);
	pool_fold(&memory, &pool, 0, 1, false);
	memcpy(link.own_nonce, answering, NONCE_BYTES);
	memcpy(link.peer_nonce, asking, NONCE_BYTES);
	is_int(reconcile_receive(b, frame.type, frame.payload, frame.length), ERR_OK, "is taken");
	is_frame(b, &link, v, "last", &frame);
	reconcile_free(a);
	reconcile_free(b);
}

int main(void)
{
	struct vector v;
	size_t blocks = 0;

	vectors_open("tests/data/reconcile.txt");
	for (; vector_next(&v); blocks++) {
		if (strcmp(v.kind, "expansion") == 0)
			check_expansion(&v);
		else if (strcmp(v.kind, "trie") == 0)
			check_trie(&v);
		else if (strcmp(v.kind, "view") == 0)
			check_view(&v);
		else if (strcmp(v.kind, "run") == 0)
			check_run(&v);
		else
			ok(false, "line %u: unknown kind %s", v.line, v.kind);
	}
	is_int(blocks, 4, "every kind");
	memory_trie_clear(&memory);
	pool_clear(&pool);
	vectors_close();
	return tap_done();
}
