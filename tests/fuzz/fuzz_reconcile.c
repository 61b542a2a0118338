/* Frames of a peer that reconciles.  The first byte says which part is fed; then each frame is
 * type 1 | length 2 | payload.  Whatever it says, a step does no more work than it may, and what it
 * is answered is in proportion to what it said. */
#include <string.h>

#include "tests/claims_again.h"
#include "tests/fuzz/fuzz.h"
#include "tests/two_ends.h"

enum { FUZZ_KEYS = 600, FUZZ_AUDIENCES = 90, STEPS_MAX = 100 };

/* What opens a run, and the most that a byte may cost: a place is a dozen bytes, and what is there
 * is listed once: LIST_MAX short ids, LISTED_AUDIENCES_MAX audiences, places below it. */
enum { OPENING_BYTES = 2000, ANSWER_BYTES = 100 };

static struct two_ends ends;
static struct memory_trie memory;
static uint64_t heard, said; /* bytes */

static void prepare(void)
{
	static struct pool pool;
	struct trie_store store = memory_trie_store(&memory);

	if (pool.count == 0) {
		memory_trie_init(&memory);
		pool_make(&pool, 1, FUZZ_KEYS, FUZZ_AUDIENCES, 400);
		pool_fold(&memory, &pool, 0, pool.count, false);
	}
	ends = (struct two_ends){0};
	end_init(&ends.asking, RECONCILE_ASKING, &store, FUZZ_KEYS, POOL_HOUR);
	end_init(&ends.answering, RECONCILE_ANSWERING, &store, FUZZ_KEYS, POOL_HOUR);
	ends.asking.reads = ends.answering.reads = &memory.reads;
}

/* The frames that it makes are written again as they are, and go nowhere. */
static void run(struct end *e)
{
	static uint8_t scratch[RECONCILE_PAYLOAD_MAX];
	struct reconcile_frame frame;
	enum reconcile_turn turn = RECONCILE_MORE;
	bool well;

	e->link.store = &e->store;
	e->link.arg = e;
	for (unsigned i = 0; turn == RECONCILE_MORE || turn == RECONCILE_FRAME; i++) {
		uint64_t reads = memory.reads;
		e->step_pushes = 0;
		must(reconcile_step(e->run, &e->link, &turn, &frame) == ERR_OK);
		must(i < STEPS_MAX && memory.reads - reads <= STEP_READS_MAX);
		must(e->step_pushes <= STEP_PUSHES_MAX);
		if (turn == RECONCILE_FRAME)
			said += FRAME_HEAD + frame.length;
		if (turn == RECONCILE_FRAME && frame.type != RECONCILE_BEGIN)
			must(claims_again(frame.payload, frame.length, scratch, &well) && well);
	}
	must(said <= OPENING_BYTES + ANSWER_BYTES * heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t scratch[FRAME_MAX_BYTES];
	struct reader r;
	struct end *e;
	bool well;

	prepare();
	reader_init(&r, data, n);
	e = read_u8(&r) & 1 ? &ends.asking : &ends.answering;
	e->link.store = &e->store;
	heard = said = 0;
	if (e == &ends.asking)
		must(reconcile_begin(e->run, &e->link) == ERR_OK);
	run(e);
	while (r.left >= 3) {
		enum reconcile_type type = (enum reconcile_type)read_u8(&r);
		size_t length = read_u16(&r);
		const uint8_t *payload;
		length = length < r.left ? length : r.left;
		payload = read_ref(&r, length);
		heard += FRAME_HEAD + length;
		must(claims_again(payload, length, scratch, &well));
		if (reconcile_receive(e->run, type, payload, length) != ERR_OK)
			break;
		run(e);
	}
	end_clear(&ends.asking);
	end_clear(&ends.answering);
	return 0;
}
