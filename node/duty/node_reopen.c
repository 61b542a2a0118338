/* The sockets closed and opened again, when the link key has changed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/node_parts.h"
#include "node/say.h"

enum { REBIND_MS = 500, MEMORY_MS = 100 };

/* The listener closes when its socket does, in libzmq's own time, but before link_close() returns;
 * only somebody else can have taken the address since. */
static enum err open_bound(struct node *n, struct link_options *options)
{
	struct report report;
	enum err e;

	report_init(&report);
	options->bind = n->bind[0] ? n->bind : NULL;
	e = link_open(&n->link, options, &report);
	if (e)
		status_warn(n, NULL, "%s; it is tried again", report_first(&report));
	report_clear(&report);
	return e;
}

/* Without sockets there is no node: what is wanting is memory, and it is waited for. */
static void open_unbound(struct node *n, struct link_options *options)
{
	const struct timespec moment = {.tv_nsec = MEMORY_MS * 1000000L};

	options->bind = NULL;
	while (link_open(&n->link, options, NULL) != ERR_OK)
		nanosleep(&moment, NULL);
}

void links_reopen(struct node *n)
{
	const struct topology *t = versions_newest(n->versions);
	struct link_options options = {.identity = n->identity, .proxy = n->config->proxy};
	enum err e;

	if (t)
		options.self = party_id_of(&t->network, n->config->node);
	if (link_endpoint(n->link))
		snprintf(n->bind, sizeof n->bind, "%s", link_endpoint(n->link));
	links_gone(n, "the link key of this node has changed");
	link_close(n->link);
	n->rebind = 0;
	e = open_bound(n, &options);
	if (e) {
		open_unbound(n, &options);
		n->rebind = clock_monotonic() + REBIND_MS;
	}
	e = links_set(n);
	if (e)
		status_warn(n, NULL, "the links cannot be made: %s", err_str(e));
	n->more = true;
}

uint64_t links_rebind(struct node *n, uint64_t now)
{
	if (n->rebind && now >= n->rebind)
		links_reopen(n);
	return n->rebind ? n->rebind : LOOP_NEVER;
}
