/* Peers that move, and that change their key. */
#include "node/link/link_peer.h"
#include "tests/node/links.h"

static bool greet(struct side *dialer, struct side *listener)
{
	return sees(dialer, LINK_UP) && from(listener) &&
	       !link_send(dialer->link, &listener->id, "hello", 5) && sees(listener, LINK_UP) &&
	       from(dialer) && sees(listener, LINK_FRAME) && strcmp(seen.frame, "hello") == 0;
}

/* As if the other had said of itself where it is and which keys it has. */
static void add_endpoint(struct link_peer *p, const char *endpoint)
{
	p->endpoints[p->endpoint_count++] = endpoint;
}

/* `key` is expected before those that are there. */
static void add_key(struct link_peer *p, const uint8_t key[LINK_KEY_BYTES])
{
	memcpy(p->keys[1], p->keys[0], LINK_KEY_BYTES);
	memcpy(p->keys[0], key, LINK_KEY_BYTES);
	p->key_count = 2;
}

static void a_peer_is_found_at_any_of_its_endpoints(void)
{
	struct side a, b;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_up(&a, NULL);
	side_up(&b, "tcp://127.0.0.1:*");
	struct link_peer down = as_peer(&a, NULL), up = as_peer(&b, "tcp://127.0.0.1:1");
	add_endpoint(&up, "tcp://no-such-host.invalid:5601");
	add_endpoint(&up, link_endpoint(b.link));
	need(!link_set_peers(b.link, &down, 1) && !link_set_peers(a.link, &up, 1));
	ok(greet(&a, &b), "up at the third");
	ok(!sees_within(&a, LINK_REFUSED, 0), "and no word of the other two");
	sides_free();
}

static void one_that_is_nowhere_is_told_of_once_a_round(void)
{
	struct side a, b;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_up(&a, NULL);
	struct link_peer up = as_peer(&b, "tcp://127.0.0.1:1");
	add_endpoint(&up, "tcp://127.0.0.1:2");
	need(!link_set_peers(a.link, &up, 1));
	for (int i = 0; i < 2; i++) {
		ok(sees(&a, LINK_REFUSED), "refused");
		is_str(seen.text, "nobody listens at tcp://127.0.0.1:1 (connection refused)",
		       "in words about the first");
	}
	sides_free();
}

static void a_connection_outlives_the_news_that_its_peer_moves(void)
{
	struct side a, b;
	char old[64];
	side_make(&a, "kp");
	side_make(&b, "national");
	side_up(&a, NULL);
	side_up(&b, "tcp://127.0.0.1:*");
	join(&a, &b);
	ok(greet(&a, &b), "up");
	struct link_peer down = as_peer(&a, NULL), up = as_peer(&b, "tcp://127.0.0.1:1");
	snprintf(old, sizeof old, "%s", link_endpoint(b.link));
	need(!link_set_peers(a.link, &up, 1));
	ok(!link_send(a.link, &b.id, "still", 5) && sees(&b, LINK_FRAME), "frames go on");
	ok(!sees_within(&a, LINK_DOWN, 50), "nothing went down");
	side_down(&b);
	ok(sees(&a, LINK_DOWN), "it stops");
	ok(sees(&a, LINK_REFUSED), "it is looked for at its new place");
	is_str(seen.text, "nobody listens at tcp://127.0.0.1:1 (connection refused)", "there");
	side_up(&b, "tcp://127.0.0.1:*");
	need(!link_set_peers(b.link, &down, 1));
	ok(strcmp(old, link_endpoint(b.link)) != 0, "it starts elsewhere");
	up = as_peer(&b, link_endpoint(b.link));
	need(!link_set_peers(a.link, &up, 1));
	ok(sees(&a, LINK_UP), "and is found as soon as that is known");
	sides_free();
}

static void a_listener_changes_its_key(void)
{
	struct side a, b, c;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_make(&c, "national"); /* the same node, later: another key */
	side_up(&a, NULL);
	side_up(&b, "tcp://127.0.0.1:*");
	join(&a, &b);
	ok(greet(&a, &b), "up under the old key");
	char endpoint[64];
	snprintf(endpoint, sizeof endpoint, "%s", link_endpoint(b.link));
	struct link_peer down = as_peer(&a, NULL), up = as_peer(&b, endpoint);
	add_key(&up, identity_public(c.identity)->link);
	need(!link_set_peers(a.link, &up, 1));
	ok(!sees_within(&a, LINK_DOWN, 50), "the news of the next key ends nothing");
	link_reset(a.link, &b.id);
	ok(sees(&a, LINK_DOWN) && sees(&a, LINK_UP),
	   "as long as the old one is in use, that is taken");
	ok(!sees_within(&a, LINK_REFUSED, 0), "without a word about the next");
	side_down(&b);
	need(sees(&a, LINK_DOWN));
	side_up(&c, endpoint);
	need(!link_set_peers(c.link, &down, 1));
	ok(greet(&a, &c), "up under the new key");
	up = as_peer(&c, endpoint);
	need(!link_set_peers(a.link, &up, 1));
	ok(!sees_within(&a, LINK_DOWN, 50), "which is the only one from then on");
	up = as_peer(&b, endpoint);
	need(!link_set_peers(a.link, &up, 1));
	ok(sees(&a, LINK_DOWN), "a key that is taken away ends what stands under it");
	sides_free();
}

static void a_dialer_changes_its_key(void)
{
	struct side a, b, c;
	side_make(&a, "kp");
	side_make(&b, "national");
	side_make(&c, "kp");
	side_up(&a, NULL);
	side_up(&b, "tcp://127.0.0.1:*");
	join(&a, &b);
	ok(greet(&a, &b), "up under the old key");
	struct link_peer down = as_peer(&a, NULL), up = as_peer(&b, link_endpoint(b.link));
	add_key(&down, identity_public(c.identity)->link);
	need(!link_set_peers(b.link, &down, 1));
	ok(!sees_within(&b, LINK_DOWN, 50), "the news of the next key ends nothing");
	side_up(&c, NULL);
	need(!link_set_peers(c.link, &up, 1));
	ok(greet(&c, &b), "both are let in: the new one");
	ok(sees(&a, LINK_DOWN), "the newest connection is the peer's");
	ok(greet(&a, &b), "and the old one");
	side_down(&c);
	down = as_peer(&c, NULL);
	need(!link_set_peers(b.link, &down, 1));
	ok(sees(&b, LINK_DOWN), "a key that is taken away ends what stands under it");
	ok(sees(&a, LINK_REFUSED), "and is not let in again");
	is_int(seen.cause, LINK_CAUSE_KEY_REFUSED, "for its key");
	sides_free();
}

static void every_way_is_tried_in_turn(void)
{
	struct link_peer p = {.endpoints = {"a", "b"}, .endpoint_count = 2, .key_count = 2};
	struct ways w = {0};
	p.keys[1][0] = 1;
	is_int(ways_count(&w), 1, "none is one that fails");
	ok(!ways_endpoint(&w) && ways_fail(&w, true), "at once");
	need(!ways_set(&w, &p));
	is_int(ways_count(&w), 4, "two endpoints, two keys");
	ok(*ways_endpoint(&w) == 'a' && ways_key(&w)[0] == 0, "first, first");
	ok(!ways_fail(&w, false) && *ways_endpoint(&w) == 'a' && ways_key(&w)[0] == 1,
	   "first, second");
	ok(!ways_fail(&w, false) && *ways_endpoint(&w) == 'b' && ways_key(&w)[0] == 0,
	   "second, first");
	ok(ways_fail(&w, true) && *ways_endpoint(&w) == 'a' && ways_key(&w)[0] == 0,
	   "where nobody answers no other key is tried; the round is over");
	ok(!ways_fail(&w, true) && *ways_endpoint(&w) == 'b', "and another begins");
	need(!ways_set(&w, &p));
	ok(*ways_endpoint(&w) == 'a', "new ways begin with the first");
	ways_clear(&w);
}

int main(void)
{
	RUN(every_way_is_tried_in_turn);
	RUN(a_peer_is_found_at_any_of_its_endpoints);
	RUN(one_that_is_nowhere_is_told_of_once_a_round);
	RUN(a_connection_outlives_the_news_that_its_peer_moves);
	RUN(a_listener_changes_its_key);
	RUN(a_dialer_changes_its_key);
	return tap_done();
}
