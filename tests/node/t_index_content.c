/* Content: what is found by value, and what is held. */
#include "node/store/index.h"

#include "tests/node/index_fixture.h"

static struct fixture home;

struct matches {
	struct object_at at[16];
	enum match_how how[16];
	size_t count, stop_after;
};

static bool take_match(void *arg, const struct object_at *at, enum match_how how)
{
	struct matches *m = arg;
	need(m->count < 16);
	m->at[m->count] = *at;
	m->how[m->count++] = how;
	return m->count != m->stop_after;
}

static struct matches look_up(struct pair *p, enum observable_type type, const char *text)
{
	struct matches m = {.stop_after = 99};
	struct observable o;
	const char *why;
	need(observable_set(&o, type, text, &why) == ERR_OK);
	need(index_match(p->reader, &o, take_match, &m) == ERR_OK);
	return m;
}

/* How many objects match, each in the way that how spells: e, c or p. */
static void matches(struct pair *p, enum observable_type type, const char *text, const char *how)
{
	struct matches m = look_up(p, type, text);
	char got[17] = {0};
	for (size_t i = 0; i < m.count; i++)
		got[i] = "ecp"[m.how[i]];
	is_str(got, how, "%s: \"%s\"", text, how);
}

static void values_match_exactly_by_network_and_by_parent_domain(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	static const char *const patterns[] = {
		"[ipv4-addr:value = '198.51.100.7']",
		"[ipv4-addr:value = '198.51.100.0/24']",
		"[ipv4-addr:value = '198.51.0.0/16' OR ipv4-addr:value = '203.0.113.9']",
		"[ipv6-addr:value = '2001:db8::/32']",
		"[domain-name:value = 'evil.example']",
		"[domain-name:value = 'a.evil.example']",
		"[url:value = 'http://evil.example/x']",
		"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
		"[ipv4-addr:value = '198.0.0.0/8']",
	};
	for (unsigned i = 0; i < sizeof patterns / sizeof *patterns - 1; i++) {
		post(&p, 1, "{}", indicator(i, 1, patterns[i], ""));
		if (i % 3 == 0)
			fold_all(&p);
	}
	fold_all(&p);
	matches(&p, OBSERVABLE_IPV4, "198.51.100.7", "ecc");
	matches(&p, OBSERVABLE_IPV4, "198.51.100.8", "cc");
	matches(&p, OBSERVABLE_IPV4, "198.51.101.8", "c");
	matches(&p, OBSERVABLE_IPV4, "198.52.101.8", "");
	matches(&p, OBSERVABLE_IPV4, "203.0.113.9", "e");
	matches(&p, OBSERVABLE_IPV4, "198.51.100.0/24", "ec");
	matches(&p, OBSERVABLE_IPV4, "198.51.100.0/25", "cc");
	matches(&p, OBSERVABLE_IPV4, "198.0.0.0/8", "");
	matches(&p, OBSERVABLE_ENDPOINT, "198.51.100.7:443", "ecc");
	matches(&p, OBSERVABLE_ENDPOINT, "[2001:db8::1]:443", "c");
	matches(&p, OBSERVABLE_IPV6, "2001:db8:1:2::3", "c");
	matches(&p, OBSERVABLE_IPV6, "2001:db9::", "");
	matches(&p, OBSERVABLE_DOMAIN, "evil.example", "e");
	matches(&p, OBSERVABLE_DOMAIN, "a.evil.example", "ep");
	matches(&p, OBSERVABLE_DOMAIN, "b.a.evil.example", "pp");
	matches(&p, OBSERVABLE_DOMAIN, "notevil.example", "");
	matches(&p, OBSERVABLE_DOMAIN, "other.example", "");
	matches(&p, OBSERVABLE_URL, "http://evil.example/x", "e");
	matches(&p, OBSERVABLE_URL, "http://evil.example/y", "");
	matches(&p, OBSERVABLE_MD5, "d41d8cd98f00b204e9800998ecf8427e", "e");
	post(&p, 1, "{}", indicator(50, 1, patterns[8], ""));
	fold_all(&p);
	matches(&p, OBSERVABLE_IPV4, "198.0.0.0/8", "e");
	matches(&p, OBSERVABLE_IPV4, "198.51.100.7", "eccc");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	pair_close(&p);
}

static void only_the_current_unrevoked_version_matches(void)
{
	struct pair p;
	struct object_at at;
	struct index_counts counts;
	struct party_id one = {{1}}, two = {{2}};
	pair_fresh(&p, &home);
	uint64_t second = post(&p, 1, "{}", indicator(7, 2, "[ipv4-addr:value = '10.0.0.2']", ""));
	uint64_t first = post(&p, 1, "{}", indicator(7, 1, "[ipv4-addr:value = '10.0.0.1']", ""));
	fold_all(&p);
	matches(&p, OBSERVABLE_IPV4, "10.0.0.2", "e");
	matches(&p, OBSERVABLE_IPV4, "10.0.0.1", "");
	ok(index_current(p.reader, &one, indicator_id(7), second, 0), "the later is current");
	ok(!index_current(p.reader, &one, indicator_id(7), first, 0), "not what came last");
	post(&p, 2, "{\"use\":\"block\"}", indicator(7, 5, "[ipv4-addr:value = '10.0.0.2']", ""));
	fold_all(&p);
	matches(&p, OBSERVABLE_IPV4, "10.0.0.2", "ee");
	need(index_object(p.reader, &two, indicator_id(7), &at) == ERR_OK);
	ok(at.block && at.lsn == 3 && !at.revoked, "another origin has a lineage of its own");
	need(index_object(p.reader, &one, indicator_id(7), &at) == ERR_OK);
	ok(!at.block && at.lsn == second && at.number == 0, "which does not touch the first");
	post(&p, 1, "{}", indicator(7, 3, "[ipv4-addr:value = '10.0.0.2']", ",\"revoked\":true"));
	fold_all(&p);
	struct matches m = look_up(&p, OBSERVABLE_IPV4, "10.0.0.2");
	ok(m.count == 1 && m.at[0].lsn == 3, "what is revoked matches no more");
	need(index_object(p.reader, &one, indicator_id(7), &at) == ERR_OK);
	ok(at.revoked, "and says so");
	need(index_count(p.reader, &counts) == ERR_OK);
	is_int(counts.objects, 2, "two lineages are counted");
	is_int(index_object(p.reader, &one, indicator_id(8), &at), ERR_NOT_FOUND, "no third");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	pair_close(&p);
}

static void equal_times_are_decided_by_the_message_id(void)
{
	struct pair p;
	struct sample a, b;
	struct party_id one = {{1}};
	struct object_at at;
	const char *text = indicator(9, 4, "[ipv4-addr:value = '10.0.0.3']", "");
	for (int turn = 0; turn < 2; turn++) {
		pair_fresh(&p, &home);
		post_make(&a, 77, 1, "{}", text);
		post_make(&b, 78, 1, "{}", text);
		const struct sample *greater = memcmp(a.id.b, b.id.b, sizeof a.id.b) > 0 ? &a : &b;
		uint64_t of_a = 0, of_b = 0;
		if (turn == 0)
			of_a = commit_sample(&p, &a, VERDICT_ACCEPTED);
		of_b = commit_sample(&p, &b, VERDICT_ACCEPTED);
		if (turn == 1)
			of_a = commit_sample(&p, &a, VERDICT_ACCEPTED);
		fold_all(&p);
		need(index_object(p.reader, &one, indicator_id(9), &at) == ERR_OK);
		is_int(at.lsn, greater == &a ? of_a : of_b, "the greater id, in either order");
		matches(&p, OBSERVABLE_IPV4, "10.0.0.3", "e");
		sample_clear(&a);
		sample_clear(&b);
		pair_close(&p);
	}
}

static void validity_comes_with_the_match_and_a_caller_can_stop(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	const char *pattern = "[ipv4-addr:value = '10.9.9.9']";
	post(&p, 1, "{}", indicator(1, 1, pattern, ",\"valid_until\":\"2026-02-01T00:00:00Z\""));
	post(&p, 1, "{}", indicator(2, 1, pattern, ""));
	post(&p, 1, "{}", indicator(3, 1, pattern, ""));
	fold_all(&p);
	struct matches m = look_up(&p, OBSERVABLE_IPV4, "10.9.9.9");
	ok(m.count == 3 && m.at[0].valid_until == 1769904000000 && m.at[1].valid_until == 0,
	   "an end, and none");
	m = (struct matches){.stop_after = 2};
	struct observable o;
	const char *why;
	need(observable_set(&o, OBSERVABLE_IPV4, "10.9.9.9", &why) == ERR_OK);
	need(index_match(p.reader, &o, take_match, &m) == ERR_OK);
	is_int(m.count, 2, "stopped after two");
	pair_close(&p);
}

struct meddler {
	struct pair *p;
	unsigned seen;
};

struct crowd {
	unsigned times[64]; /* that the message at that position was found */
	size_t found, sayers;
};

static bool count_match(void *arg, const struct object_at *at, enum match_how how)
{
	struct crowd *c = arg;
	(void)how;
	need(at->lsn < 64);
	c->times[at->lsn]++;
	return ++c->found < 200;
}

static bool count_sayer(void *arg, uint64_t lsn)
{
	struct crowd *c = arg;
	(void)lsn;
	return ++c->sayers < 200;
}

static void however_many_say_a_value_each_is_found_once(void)
{
	struct crowd c = {.found = 0};
	struct observable o;
	struct pair p;
	const char *why;
	size_t once = 0;
	pair_fresh(&p, &home);
	for (unsigned i = 0; i < 48; i++)
		post(&p, 1, "{}", indicator(i, 1, "[ipv4-addr:value = '10.0.0.4']", ""));
	fold_all(&p);
	need(observable_set(&o, OBSERVABLE_IPV4, "10.0.0.4", &why) == ERR_OK);
	need(index_match(p.reader, &o, count_match, &c) == ERR_OK);
	for (size_t i = 0; i < 64; i++)
		once += c.times[i] == 1;
	ok(c.found == 48 && once == 48, "%zu matches, of %zu once", c.found, once);
	need(index_sayers(p.reader, &o, count_sayer, &c) == ERR_OK);
	is_int(c.sayers, 48, "and so are their messages");
	pair_close(&p);
}

static bool fold_and_look(void *arg, const struct object_at *at, enum match_how how)
{
	struct meddler *m = arg;
	uint64_t lsn;
	(void)how;
	struct message_id id = plain(m->p, 5000 + m->seen);
	fold_all(m->p); /* renews the reader that is matching */
	need(index_find(m->p->reader, &id, &lsn) == ERR_OK);
	m->seen |= 1u << at->lsn;
	return true;
}

static void a_snapshot_may_move_while_matches_are_handed_out(void)
{
	struct pair p;
	struct meddler m = {&p, 0};
	struct observable o;
	const char *why;
	pair_fresh(&p, &home);
	for (unsigned i = 1; i <= 3; i++)
		post(&p, 1, "{}", indicator(i, 1, "[ipv4-addr:value = '10.9.9.9']", ""));
	fold_all(&p);
	need(observable_set(&o, OBSERVABLE_IPV4, "10.9.9.9", &why) == ERR_OK);
	need(index_match(p.reader, &o, fold_and_look, &m) == ERR_OK);
	is_int(m.seen, 0xe, "each of three objects once");
	pair_close(&p);
}

static void what_cannot_be_read_is_held_with_its_reason(void)
{
	struct pair p;
	struct sample s;
	struct index_counts counts;
	char out[256];
	pair_fresh(&p, &home);
	sample_make(&s, 1, 50);
	uint64_t garbage = commit_sample(&p, &s, VERDICT_ACCEPTED);
	sample_clear(&s);
	post(&p, 1, "{}", indicator(1, 1, "[ipv4-addr:value = '10.0.0.1']", ""));
	uint64_t broken = post(&p, 1, "{}", "{\"type\":\"indicator\"}");
	uint64_t stricter =
		post(&p, 1, "{}",
		     indicator(2, 1, "[ipv4-addr:value = '10.0.0.2']",
			       ",\"object_marking_refs\":["
			       "\"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003\"]"));
	post_make(&s, 55, 1, "{}", indicator(3, 1, "[ipv4-addr:value = '10.0.0.3']", ""));
	uint64_t held = commit_sample(&p, &s, VERDICT_HELD);
	sample_clear(&s);
	fold_all(&p);
	ok(index_held(p.reader, garbage, out, sizeof out), "not zstd: %s", out);
	ok(index_held(p.reader, broken, out, sizeof out), "not STIX: %s", out);
	ok(index_held(p.reader, stricter, out, sizeof out) && strstr(out, "amber"), "%s", out);
	ok(index_held(p.reader, held, out, sizeof out), "held by the header: %s", out);
	ok(!index_held(p.reader, 2, out, sizeof out), "a good one is not");
	matches(&p, OBSERVABLE_IPV4, "10.0.0.1", "e");
	matches(&p, OBSERVABLE_IPV4, "10.0.0.2", "");
	matches(&p, OBSERVABLE_IPV4, "10.0.0.3", "");
	need(index_count(p.reader, &counts) == ERR_OK);
	ok(counts.held == 4 && counts.objects == 1 && counts.messages == 5, "counted");
	is_int(index_check(p.index, NULL), ERR_OK, "the check agrees");
	pair_close(&p);
}

static void no_value_stands_on_the_disk_in_clear(void)
{
	struct pair p;
	pair_fresh(&p, &home);
	post(&p, 1, "{}", indicator(1, 1, "[domain-name:value = 'very.secret.example']", ""));
	fold_all(&p);
	pair_close(&p);
	static const char *const files[] = {"index/data.mdb", "log/data.mdb"};
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(path_in(&home, files[i]), "r");
		need(f);
		char *all = malloc(1 << 22);
		size_t n = fread(all, 1, 1 << 22, f);
		fclose(f);
		ok(!memmem(all, n, "secret", 6) && !memmem(all, n, "indicator", 9), "%s", files[i]);
		free(all);
	}
}

int main(void)
{
	fixture_init(&home);
	RUN(values_match_exactly_by_network_and_by_parent_domain);
	RUN(only_the_current_unrevoked_version_matches);
	RUN(equal_times_are_decided_by_the_message_id);
	RUN(validity_comes_with_the_match_and_a_caller_can_stop);
	RUN(however_many_say_a_value_each_is_found_once);
	RUN(a_snapshot_may_move_while_matches_are_handed_out);
	RUN(what_cannot_be_read_is_held_with_its_reason);
	RUN(no_value_stands_on_the_disk_in_clear);
	fixture_clear(&home);
	return tap_done();
}
