/* A node in this process, punjab, the only one of its federation. */
#ifndef TESTS_NODE_LONE_NODE_H
#define TESTS_NODE_LONE_NODE_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "node/node.h"
#include "tests/node/store_fixture.h"
#include "tests/protocol/federation.h"

enum { WAIT_MS = 300000 };

static struct fixture home;
static struct {
	struct node *node;
	volatile atomic_int quit;
	pthread_t thread;
} lone;
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

static void *run_node(void *arg)
{
	(void)arg;
	node_run(lone.node, &lone.quit);
	return NULL;
}

static void start(void)
{
	struct report report;

	report_init(&report);
	if (node_open(&lone.node, home.home, &report) != ERR_OK) {
		printf("Bail out! %s\n", report_first(&report));
		exit(1);
	}
	report_clear(&report);
	lone.quit = 0;
	need(pthread_create(&lone.thread, NULL, run_node, NULL) == 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void stop(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int left = WAIT_MS;

	lone.quit = 1;
	while (pthread_tryjoin_np(lone.thread, NULL) != 0 && left-- > 0) {
		pthread_kill(lone.thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	need(left > 0);
	node_close(lone.node);
}

#endif
