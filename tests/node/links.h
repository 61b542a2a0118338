/* Nodes that are nothing but a link, for the tests of links: made, moved and asked in one thread.
 */
#ifndef TESTS_NODE_LINKS_H
#define TESTS_NODE_LINKS_H

#include <sodium.h>
#include <unistd.h>

#include "node/link/link.h"
#include "node/loop.h"
#include "tests/tap.h"

enum { SIDES_MAX = 8, KEPT_MAX = 256, WAIT_MS = 300000 };

/* An event, kept. */
struct seen {
	enum link_event_kind kind;
	enum link_cause cause;
	struct party_id peer;
	size_t length;
	char frame[64]; /* the beginning */
	char text[LINK_TEXT_BYTES];
};

struct side {
	char name[NAME_MAX_BYTES + 1];
	struct party_id id;
	struct identity *identity;
	struct link *link;          /* NULL while it is down */
	struct seen kept[KEPT_MAX]; /* what nobody has waited for yet, oldest first */
	size_t kept_count;
};

static struct side *sides[SIDES_MAX];
static size_t side_count;
static struct seen seen; /* the last event that was waited for */

static void side_make(struct side *s, const char *name)
{
	char folder[] = "/tmp/khabardar-link.XXXXXX", path[64];
	const struct network_id network = {{1}};
	need(sodium_init() >= 0 && mkdtemp(folder));
	memset(s, 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "%s", name);
	snprintf(path, sizeof path, "%s/node.key", folder);
	s->id = party_id_of(&network, name);
	need(!identity_create(path, name, NULL, NULL) &&
	     !identity_open(&s->identity, path, NULL, NULL));
	unlink(path);
	rmdir(folder);
	sides[side_count++] = s;
}

static void side_up_through(struct side *s, const char *bind, const char *proxy)
{
	struct report report;
	report_init(&report);
	struct link_options options = {
		.identity = s->identity, .self = s->id, .bind = bind, .proxy = proxy};
	enum err e = link_open(&s->link, &options, &report);
	if (e)
		printf("# %s: %s\n", s->name, report_first(&report));
	need(!e);
	report_clear(&report);
}

static void side_up(struct side *s, const char *bind)
{
	side_up_through(s, bind, NULL);
}

__attribute__((unused)) static void side_down(struct side *s)
{
	link_close(s->link);
	s->link = NULL;
}

__attribute__((unused)) static void sides_free(void)
{
	for (size_t i = 0; i < side_count; i++) {
		link_close(sides[i]->link);
		identity_free(sides[i]->identity);
	}
	side_count = 0;
}

/* `to` as a peer of someone who dials it (endpoint) or is dialed by it (NULL). */
static struct link_peer as_peer(const struct side *to, const char *endpoint)
{
	struct link_peer p = {.id = to->id,
			      .endpoints = {endpoint},
			      .endpoint_count = endpoint != NULL,
			      .key_count = 1,
			      .dial = endpoint != NULL};
	memcpy(p.name, to->name, sizeof p.name);
	memcpy(p.keys[0], identity_public(to->identity)->link, LINK_KEY_BYTES);
	return p;
}

/* Joins two sides: the first dials the second. */
__attribute__((unused)) static void join(struct side *dialer, struct side *listener)
{
	struct link_peer up = as_peer(listener, link_endpoint(listener->link)),
			 down = as_peer(dialer, NULL);
	need(!link_set_peers(dialer->link, &up, 1) && !link_set_peers(listener->link, &down, 1));
}

/* Lets a side run and keeps what it sees, as far as there is room. */
static void run_side(struct side *s)
{
	struct link_event e;
	if (!s->link)
		return;
	link_tick(s->link, clock_monotonic());
	while (s->kept_count < KEPT_MAX && link_next(s->link, &e)) {
		struct seen *k = &s->kept[s->kept_count++];
		*k = (struct seen){e.kind, e.cause, e.peer, e.length, "", ""};
		if (e.length)
			memcpy(k->frame, e.frame,
			       e.length < sizeof k->frame - 1 ? e.length : sizeof k->frame - 1);
		if (e.text)
			snprintf(k->text, sizeof k->text, "%s", e.text);
	}
}

/* Takes the first event of this kind and all before it. */
static bool take_kept(struct side *s, enum link_event_kind kind)
{
	size_t i = 0;
	while (i < s->kept_count && s->kept[i].kind != kind)
		i++;
	bool found = i < s->kept_count;
	if (found)
		seen = s->kept[i++];
	s->kept_count -= i;
	memmove(s->kept, s->kept + i, s->kept_count * sizeof *s->kept);
	return found;
}

static void wait_for_any(void)
{
	zmq_pollitem_t items[256];
	size_t n = 0;
	for (size_t i = 0; i < side_count; i++)
		if (sides[i]->link)
			n += link_poll_items(sides[i]->link, items + n, 256 - n);
	/* Short, for the sake of timers and of what link_next() has without a socket. */
	zmq_poll(items, (int)n, 2);
}

/* Runs all sides until `s` has an event of this kind, and remembers it; false after limit ms. */
static bool sees_within(struct side *s, enum link_event_kind kind, uint64_t limit)
{
	uint64_t start = clock_monotonic();
	while (!take_kept(s, kind)) {
		if (clock_monotonic() - start >= limit)
			return false;
		wait_for_any();
		for (size_t i = 0; i < side_count; i++)
			run_side(sides[i]);
	}
	return true;
}

__attribute__((unused)) static bool sees(struct side *s, enum link_event_kind kind)
{
	return sees_within(s, kind, WAIT_MS);
}

__attribute__((unused)) static bool from(const struct side *s)
{
	return party_id_equal(&seen.peer, &s->id);
}

#endif
