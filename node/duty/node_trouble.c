/* A disk that is full, fails or takes no writes: what is said about it, and when a node has to
 * stop. */
#include "node/node_parts.h"
#include "node/say.h"

static void store_tell(struct node *n, enum err e)
{
	if (e == n->trouble)
		return;
	if (e)
		say(LEVEL_ERROR, "nothing can be stored, and nothing is acknowledged: %s",
		    log_trouble(e));
	else
		say(LEVEL_INFO, "what comes is stored again");
	n->trouble = e;
}

void trouble_look(struct node *n)
{
	bool of_index;
	enum err store = exchange_store_state(n->exchange);
	enum err index = folder_state(n->folder, &of_index);

	store_tell(n, store);
	if (n->loop.over || (store != ERR_IO && index != ERR_IO) ||
	    (!log_is_broken(n->log) && !index_is_broken(n->index)))
		return;
	/* SPEC 6.1: "A node whose disk fails in the middle of a commit stops, and says so." */
	say(LEVEL_ERROR,
	    "the disk failed in the middle of a commit: nothing that was acknowledged is "
	    "lost, and khabardar has to be started again");
	loop_end(&n->loop, ERR_IO);
}
