/* Whom the evidence that a node keeps names to its operator, and for how long. */
#include "node/duty/evidence_book.h"
#include "node/loop.h"
#include "node/node_parts.h"
#include "tests/protocol/federation.h"
#include "tests/tap.h"

enum { DAY_MS = 24 * 3600 * 1000, SHOWN = 8 };

static struct node node;
static struct topology *topology;
static char shown[SHOWN][ALARM_BYTES];

static void begin(void)
{
	struct writing w = {0};

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2099-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put(&w, "    kp\n");
	put_keys(&w, "kp");
	put(&w, "    sindh\n        reports-to = kp\n");
	put_keys(&w, "sindh");
	put(&w, "    gone\n        reports-to = kp\n        left = 2026-01-01\n");
	put_keys(&w, "gone");
	topology = parse_or_bail(w.at);
	free(w.at);
	need((node.evidence = evidence_book_new()) != NULL);
}

static void seen(const char *name, uint64_t ago)
{
	struct evidence_book *b = node.evidence;

	b->entries[b->count] = (struct evidence_entry){
		.lsn = b->count + 1,
		.origin = party_id_of(&topology->network, name),
		.at = clock_wall() - ago,
	};
	b->count++;
}

static void names(size_t wanted, const char *sentence)
{
	is_int(evidence_alarms(&node, topology, shown, SHOWN), wanted, "%s", sentence);
	node.evidence->count = 0;
}

static void whoever_gave_one_number_twice_is_named_once_for_thirty_days(void)
{
	names(0, "nobody without evidence");
	seen("sindh", 0);
	names(1, "one");
	ok(strncmp(shown[0], "sindh ", 6) == 0, "by name");
	seen("sindh", 2 * (uint64_t)DAY_MS);
	seen("sindh", DAY_MS);
	seen("kp", DAY_MS);
	seen("sindh", 0);
	names(2, "each once, however often");
	seen("sindh", 29 * (uint64_t)DAY_MS);
	names(1, "for thirty days");
	seen("sindh", 31 * (uint64_t)DAY_MS);
	names(0, "and no longer");
	seen("sindh", 31 * (uint64_t)DAY_MS);
	seen("sindh", 0);
	names(1, "unless it is seen again");
	seen("gone", 0);
	seen("nobody", 0);
	names(0, "nobody who has left, or never was");
	for (int i = 0; i < 2; i++)
		seen(i ? "kp" : "sindh", 0);
	is_int(evidence_alarms(&node, topology, shown, 1), 1, "as many as there is room for");
}

int main(void)
{
	begin();
	RUN(whoever_gave_one_number_twice_is_named_once_for_thirty_days);
	evidence_book_free(node.evidence);
	topology_free(topology);
	return tap_done();
}
