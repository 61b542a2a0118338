/* A node in this process, punjab, the only one of its federation. */
#ifndef TESTS_NODE_LONE_NODE_H
#define TESTS_NODE_LONE_NODE_H

#include "tests/node/running_node.h"
#include "tests/node/store_fixture.h"
#include "tests/protocol/federation.h"

static struct fixture home;
static struct running lone;
static struct party_id self;

static void put_node(struct writing *w, const struct identity_public *p)
{
	char sign[65], link[65], seal[65];

	put(w, "    %s\n        link = \"%s\"\n", p->name, hex_encode(link, p->link, 32));
	put(w, "        sign\n            1 = \"%s\"\n", hex_encode(sign, p->sign, 32));
	put(w, "        seal\n            1 = \"%s\"\n", hex_encode(seal, p->seal, 32));
}

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "w");

	need(out && fwrite(text, 1, n, out) == n && fclose(out) == 0);
}

static void make_federation(void)
{
	static const char config[] = "node = punjab\nlog = error\n";
	struct writing w = {0};
	struct topology *t;

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2099-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put_node(&w, identity_public(home.identity));
	t = parse_or_bail(w.at);
	self = topology_party(t, "punjab")->id;
	topology_free(t);
	put_signature(&w, "member0", w.length, "ED");
	write_file(path_in(&home, "topology.signed"), w.at, w.length);
	write_file(path_in(&home, "khabardar.zpl"), config, sizeof config - 1);
	free(w.at);
}

static void start(void)
{
	running_start(&lone, home.home, false);
}

static void stop(void)
{
	running_stop(&lone);
}

#endif
