/* Forwards in the index: they make what they hand on, once, in whatever order things come. */
#include "keys/handover.h"
#include "tests/node/index_fixture.h"
#include "tests/protocol/federation.h"

enum { EXPIRY = 500000, PARTIES = 4 };
enum who { NATIONAL, KP, PUNJAB, SINDH };

static struct fixture home; /* punjab, below kp, below national; sindh is below national */
static const char *const names[PARTIES] = {"national", "kp", "punjab", "sindh"};
static struct identity *ids[PARTIES];
static struct topology *versions[2];
static char *texts[2];

/* ---- who there is ---- */

static char *text_of(unsigned version)
{
	struct writing w = {0};
	char hex[65];

	put(&w, "federation\n    name = Test\n    version = %u\n    expires = 2027-12-31\n",
	    version);
	if (version > 1) {
		put(&w, "    network = %s\n",
		    hex_encode(hex, versions[0]->network.b, NETWORK_ID_BYTES));
		put(&w, "    previous = %s\n", hex_encode(hex, versions[0]->hash.b, HASH_BYTES));
	}
	put_council(&w, 1, 1);
	put(&w, "node\n");
	for (size_t i = 0; i < PARTIES; i++) {
		const struct identity_public *public = identity_public(ids[i]);
		put(&w, "    %s\n", names[i]);
		if (i)
			put(&w, "        reports-to = %s\n", names[i == PUNJAB ? KP : NATIONAL]);
		put(&w, "        link = \"%s\"\n", hex_encode(hex, public->link, 32));
		put(&w, "        sign\n            1 = \"%s\"\n",
		    hex_encode(hex, public->sign, 32));
		put(&w, "        seal\n            1 = \"%s\"\n",
		    hex_encode(hex, public->seal, 32));
	}
	return w.at;
}

static void federation_make(void)
{
	char path[64];

	for (size_t i = 0; i < PARTIES; i++) {
		snprintf(path, sizeof path, "%s.key", names[i]);
		if (i == PUNJAB) {
			ids[i] = home.identity;
			continue;
		}
		need(!identity_create(path_in(&home, path), names[i], NULL, NULL));
		need(!identity_open(&ids[i], path_in(&home, path), NULL, NULL));
	}
	for (unsigned i = 0; i < 2; i++) {
		texts[i] = text_of(i + 1);
		versions[i] = parse_or_bail(texts[i]);
	}
}

/* The log comes to hold that version. */
static void version_put(struct pair *p, unsigned version)
{
	const char *text = texts[version - 1];
	struct hash hash = hash_of(text, strlen(text));
	char key[32];

	snprintf(key, sizeof key, "topology/%u", version);
	need(log_begin(p->log) == ERR_OK);
	need(log_put_topology(p->log, version, &hash, text, strlen(text)) == ERR_OK);
	need(log_put(p->log, key, hash.b, sizeof hash.b) == ERR_OK);
	need(log_commit(p->log) == ERR_OK);
}

/* ---- messages ---- */

struct message {
	struct header header;
	uint8_t row[HEADER_FIXED_BYTES + PARTIES * RECIPIENT_BYTES + SIGNATURE_BYTES];
	size_t length;
	struct message_id id;
	uint8_t *body;
};

static struct party_id id_of(enum who who)
{
	return party_id_of(&versions[1]->network, names[who]);
}

static struct letter *letter_to(enum who from, const enum who *to, size_t n)
{
	static struct letter l;
	struct party_id all[PARTIES], author = id_of(from);

	l.count = 0;
	for (size_t i = 0; i <= n; i++) {
		enum who who = i < n ? to[i] : from;
		struct addressee a = {
			.party = id_of(who), .number = 1, .key = identity_public(ids[who])->seal};
		size_t at = l.count++;
		for (; at > 0 && memcmp(l.to[at - 1].party.b, a.party.b, PARTY_ID_BYTES) > 0; at--)
			l.to[at] = l.to[at - 1];
		l.to[at] = a;
		all[i] = a.party;
	}
	l.audience = audience_of(&author, all, n + 1, false);
	return &l;
}

static void finish(struct message *m, enum who from)
{
	size_t n;

	need(header_encode(&m->header, m->row, sizeof m->row - SIGNATURE_BYTES, &n) == ERR_OK);
	m->id = message_id_of(m->row, n);
	identity_sign(ids[from], &m->id, m->row + n);
	m->length = n + SIGNATURE_BYTES;
}

static struct header header_from(uint8_t kind, enum who from, const struct letter *l)
{
	return (struct header){.kind = kind,
			       .tlp = TLP_AMBER,
			       .topology = kind == KIND_POST ? 1 : 2,
			       .network = versions[1]->network,
			       .origin = id_of(from),
			       .audience = l->audience,
			       .incarnation = 3,
			       .sequence = fixture_seed++,
			       .created = 1700000000000,
			       .expiry = EXPIRY,
			       .sign_key = 1};
}

/* Of national, to whom it is for. */
static void original(struct message *m, const char *objects, const enum who *to, size_t n)
{
	struct letter *l = letter_to(NATIONAL, to, n);
	uint8_t *packed;
	size_t length;
	struct text t;

	text_init(&t);
	text_format(&t,
		    "{\"envelope\":{},\"bundle\":{\"type\":\"bundle\",\"id\":\"bundle--"
		    "00000000-0000-4000-8000-000000000000\",\"objects\":[%s]}}",
		    objects);
	need(!t.bad && body_pack(&packed, &length, t.at, t.length) == ERR_OK);
	text_clear(&t);
	m->header = header_from(KIND_POST, NATIONAL, l);
	m->body = malloc(seal_size(KIND_POST, length));
	need(m->body && seal_body(&m->header, l, packed, length, m->body) == ERR_OK);
	free(packed);
	finish(m, NATIONAL);
}

/* By that node, to punjab and perhaps others. */
static void forward(struct message *m, const struct message *o, enum who by, const enum who *to,
		    size_t n)
{
	size_t length = header_size(&o->header);
	struct forward f = {.message = {.header = o->row,
					.header_length = length,
					.signature = o->row + length,
					.body = o->body,
					.body_length = o->header.body_length},
			    .reason = {"because", 7}};
	struct letter *l = letter_to(by, to, n);
	struct text t;

	text_init(&t);
	forward_write(&t, &f);
	m->header = header_from(KIND_FORWARD, by, l);
	m->header.ref = o->id;
	m->body = malloc(handover_size(t.length));
	need(!t.bad && m->body);
	need(handover_seal(ids[by], &m->header, l, (uint8_t *)t.at, t.length, m->body) == ERR_OK);
	text_clear(&t);
	finish(m, by);
}

/* The author's, of the message. */
static void recall(struct message *m, const struct message *target, enum who by, const enum who *to,
		   size_t n)
{
	struct letter *l = letter_to(by, to, n);

	m->header = header_from(KIND_RECALL, by, l);
	m->header.ref = target->id;
	m->body = malloc(seal_size(KIND_RECALL, 3));
	need(m->body && seal_body(&m->header, l, (const uint8_t *)"any", 3, m->body) == ERR_OK);
	finish(m, by);
}

static uint64_t commit(struct pair *p, const struct message *m)
{
	struct log_row row = {.data = m->row, .length = m->length};
	uint64_t lsn;

	need(log_begin(p->log) == ERR_OK);
	need(log_append(p->log, &row, &m->id, m->body, m->header.body_length, &lsn) == ERR_OK);
	need(log_commit(p->log) == ERR_OK);
	need(index_note(p->index, &m->id, lsn) == ERR_OK);
	return lsn;
}

/* ---- looking ---- */

static bool take_one(void *arg, const struct object_at *at, enum match_how how)
{
	uint64_t *lsns = arg;

	need(how == MATCH_EXACT && lsns[0] < 8);
	lsns[++lsns[0]] = at->lsn;
	return true;
}

/* Where the value is found: the position of the one message, 0 nowhere, 999 in several. */
static uint64_t found(struct pair *p, const char *value)
{
	uint64_t lsns[9] = {0};
	struct observable o;
	const char *why;

	need(observable_set(&o, OBSERVABLE_IPV4, value, &why) == ERR_OK);
	need(index_match(p->reader, &o, take_one, lsns) == ERR_OK);
	return lsns[0] > 1 ? 999 : lsns[1];
}

static void same_when_built_again(struct pair *p)
{
	struct report report;

	report_init(&report);
	is_int(index_check(p->index, &report), ERR_OK, "the check agrees: %s",
	       report.count ? report_first(&report) : "");
	report_clear(&report);
	need(index_rebuild(p->index) == ERR_OK && index_reader_renew(p->reader) == ERR_OK);
	is_int(index_check(p->index, NULL), ERR_OK, "rebuilt, too");
}

static void held(struct pair *p, uint64_t lsn, const char *words)
{
	char out[256] = "";

	ok(index_held(p->reader, lsn, out, sizeof out) && strstr(out, words), "held: %s", words);
	if (!strstr(out, words))
		printf("# got \"%s\"\n", out);
}

static bool is_erasable(struct pair *p, uint64_t lsn)
{
	struct erasable all[16];
	size_t n;

	need(index_erasable(p->reader, 0, all, 16, &n) == ERR_OK);
	for (size_t i = 0; i < n; i++)
		if (all[i].lsn == lsn)
			return true;
	return false;
}

static const char *one_indicator(void)
{
	return indicator(7, 1, "[ipv4-addr:value = '10.0.0.7']", "");
}

static const enum who to_kp[] = {KP}, to_punjab[] = {PUNJAB}, to_both[] = {KP, PUNJAB};

static void begin(struct pair *p)
{
	pair_fresh(p, &home);
	version_put(p, 1);
	version_put(p, 2);
}

static void clear(struct message *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(all[i].body);
}

/* ---- tests ---- */

static void a_forward_makes_what_it_hands_on(void)
{
	static struct message m[2];
	struct pair p;
	struct party_id national = id_of(NATIONAL), kp = id_of(KP);
	struct object_at at;
	uint64_t lsn, cursor = 0, other;

	begin(&p);
	original(&m[0], one_indicator(), to_kp, 1);
	forward(&m[1], &m[0], KP, to_punjab, 1);
	lsn = commit(&p, &m[1]);
	fold_all(&p);
	is_int(found(&p, "10.0.0.7"), lsn, "found where the forward is");
	need(index_object(p.reader, &national, indicator_id(7), &at) == ERR_OK);
	is_int(at.lsn, lsn, "in the lineage of its author");
	is_int(index_object(p.reader, &kp, indicator_id(7), &at), ERR_NOT_FOUND,
	       "not of who forwarded it");
	ok(index_forwards(p.reader, &m[0].id, &cursor, &other) == ERR_OK && other == lsn,
	   "the original knows its forward");
	same_when_built_again(&p);
	is_int(found(&p, "10.0.0.7"), lsn, "still found");
	pair_close(&p);
	clear(m, 2);
}

/* The original, and two forwards of it, in every order; then what counts goes, one by one. */
static void whatever_brings_it_counts_once(void)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static struct message m[5];
	struct index_counts counts;
	struct pair p;
	uint64_t lsn[3];

	for (size_t k = 0; k < 12; k++) {
		begin(&p);
		original(&m[0], one_indicator(), to_both, 2);
		forward(&m[1], &m[0], KP, to_punjab, 1);
		forward(&m[2], &m[0], KP, to_punjab, 1);
		recall(&m[3], &m[1], KP, to_punjab, 1);
		recall(&m[4], &m[2], KP, to_punjab, 1);
		for (size_t i = 0; i < 3; i++) {
			lsn[orders[k % 6][i]] = commit(&p, &m[orders[k % 6][i]]);
			if (k < 6)
				fold_all(&p);
		}
		fold_all(&p);
		is_int(found(&p, "10.0.0.7"), lsn[0], "the original counts");
		need(index_count(p.reader, &counts) == ERR_OK);
		is_int(counts.objects, 1, "once");
		same_when_built_again(&p);
		commit(&p, &m[lsn[1] < lsn[2] ? 3 : 4]);
		fold_all(&p);
		is_int(found(&p, "10.0.0.7"), lsn[0], "whichever forward is recalled");
		same_when_built_again(&p);
		pair_close(&p);
		clear(m, 5);
	}
}

static void of_forwards_the_first_counts_then_the_next(void)
{
	static struct message m[4];
	struct pair p;
	uint64_t first, second;

	begin(&p);
	original(&m[0], one_indicator(), to_kp, 1);
	forward(&m[1], &m[0], KP, to_punjab, 1);
	forward(&m[2], &m[0], KP, to_punjab, 1);
	recall(&m[3], &m[1], KP, to_punjab, 1);
	first = commit(&p, &m[1]);
	second = commit(&p, &m[2]);
	fold_all(&p);
	is_int(found(&p, "10.0.0.7"), first, "the first");
	commit(&p, &m[3]);
	fold_all(&p);
	is_int(found(&p, "10.0.0.7"), second, "then the second");
	ok(is_erasable(&p, first) && !is_erasable(&p, second), "the first may go");
	same_when_built_again(&p);
	pair_close(&p);
	clear(m, 4);
}

/* When its author recalls it, no forward says it any more; and then the forward goes, too. */
static void a_recall_of_the_original_reaches_its_forwards(void)
{
	static struct message m[4];
	struct pair p;
	uint64_t lsn = 0;

	for (int turn = 0; turn < 3; turn++) {
		begin(&p);
		original(&m[0], one_indicator(), to_kp, 1);
		forward(&m[1], &m[0], KP, to_punjab, 1);
		recall(&m[2], &m[0], NATIONAL, to_kp, 1);
		recall(&m[3], &m[1], KP, to_punjab, 1);
		if (turn == 1)
			commit(&p, &m[2]);
		lsn = commit(&p, &m[1]);
		if (turn == 0)
			fold_all(&p);
		if (turn != 1)
			commit(&p, &m[2]);
		fold_all(&p);
		is_int(found(&p, "10.0.0.7"), 0, "nobody finds it");
		ok(!is_erasable(&p, lsn), "its body stays as long as it is not recalled itself");
		same_when_built_again(&p);
		commit(&p, &m[3]);
		fold_all(&p);
		ok(is_erasable(&p, lsn), "and goes when it is");
		same_when_built_again(&p);
		pair_close(&p);
		clear(m, 4);
	}
}

/* A recall by somebody else than its author. */
static void only_its_author_recalls_it(void)
{
	static struct message m[3];
	struct pair p;
	uint64_t lsn;

	begin(&p);
	original(&m[0], one_indicator(), to_kp, 1);
	forward(&m[1], &m[0], KP, to_punjab, 1);
	recall(&m[2], &m[0], SINDH, to_punjab, 1);
	lsn = commit(&p, &m[1]);
	fold_all(&p);
	commit(&p, &m[2]);
	fold_all(&p);
	is_int(found(&p, "10.0.0.7"), lsn, "it holds");
	same_when_built_again(&p);
	pair_close(&p);
	clear(m, 3);
}

static void what_is_not_allowed_is_held(void)
{
	static const enum who to_sindh[] = {PUNJAB, SINDH};
	static struct message m[6];
	struct pair p;
	uint64_t lsn[5];

	begin(&p);
	original(&m[0], one_indicator(), to_kp, 1);
	forward(&m[1], &m[0], KP, to_sindh, 2);
	lsn[1] = commit(&p, &m[1]);
	original(&m[2], indicator(8, 1, "[ipv4-addr:value = '10.0.0.8']", ""), to_kp, 1);
	m[2].row[m[2].length - 1] ^= 1;
	forward(&m[3], &m[2], KP, to_punjab, 1);
	lsn[2] = commit(&p, &m[3]);
	original(&m[4], "{\"type\":\"indicator\"}", to_kp, 1);
	forward(&m[5], &m[4], KP, to_punjab, 1);
	lsn[3] = commit(&p, &m[5]);
	fold_all(&p);
	held(&p, lsn[1], "sindh is not");
	held(&p, lsn[2], "not signed by its author");
	held(&p, lsn[3], "object 1");
	is_int(found(&p, "10.0.0.7") + found(&p, "10.0.0.8"), 0, "and found nowhere");
	same_when_built_again(&p);
	pair_close(&p);
	clear(m, 6);
}

static void one_that_cannot_be_judged_waits(void)
{
	static struct message m[4];
	struct index_counts counts;
	struct pair p;
	uint64_t lsn;

	for (int turn = 0; turn < 3; turn++) {
		pair_fresh(&p, &home);
		version_put(&p, 2);
		original(&m[0], one_indicator(), to_kp, 1);
		forward(&m[1], &m[0], KP, to_punjab, 1);
		recall(&m[2], &m[0], NATIONAL, to_kp, 1);
		recall(&m[3], &m[1], KP, to_punjab, 1);
		lsn = commit(&p, &m[1]);
		fold_all(&p);
		held(&p, lsn, "of topology version 1, which is not here");
		is_int(found(&p, "10.0.0.7"), 0, "not yet");
		same_when_built_again(&p);
		if (turn > 0)
			commit(&p, &m[1 + turn]);
		if (turn == 2)
			fold_all(&p);
		version_put(&p, 1);
		fold_all(&p);
		is_int(found(&p, "10.0.0.7"), turn == 0 ? lsn : 0,
		       turn == 0   ? "found when the version has come"
		       : turn == 1 ? "or not, when it was recalled by its author"
				   : "or by who forwarded it");
		need(index_count(p.reader, &counts) == ERR_OK);
		is_int(counts.held, 0, "nothing is held any more");
		same_when_built_again(&p);
		pair_close(&p);
		clear(m, 4);
	}
}

static void what_expires_leaves_nothing(void)
{
	static struct message m[2];
	struct index_counts counts;
	struct pair p;
	bool more = true;

	for (int turn = 0; turn < 2; turn++) {
		pair_fresh(&p, &home);
		version_put(&p, 2);
		if (turn == 0)
			version_put(&p, 1);
		original(&m[0], one_indicator(), to_kp, 1);
		forward(&m[1], &m[0], KP, to_punjab, 1);
		commit(&p, &m[1]);
		fold_all(&p);
		/* A version that has come, and that nothing was folded under yet. */
		if (turn == 1)
			version_put(&p, 1);
		for (more = true; more;)
			need(index_purge(p.index, EXPIRY + 1, &more) == ERR_OK);
		fold_all(&p);
		is_int(found(&p, "10.0.0.7"), 0, "it is gone");
		need(index_count(p.reader, &counts) == ERR_OK);
		ok(counts.held == 0 && counts.objects == 0, "from the counts, too");
		same_when_built_again(&p);
		pair_close(&p);
		clear(m, 2);
	}
}

static void one_for_others_makes_nothing(void)
{
	static const enum who to_sindh[] = {SINDH};
	static struct message m[2];
	struct pair p;
	uint64_t lsn;
	char out[256];

	begin(&p);
	original(&m[0], one_indicator(), to_kp, 1);
	forward(&m[1], &m[0], KP, to_sindh, 1);
	lsn = commit(&p, &m[1]);
	fold_all(&p);
	ok(!index_held(p.reader, lsn, out, sizeof out) && found(&p, "10.0.0.7") == 0,
	   "a relay sees nothing of it");
	same_when_built_again(&p);
	pair_close(&p);
	clear(m, 2);
}

int main(void)
{
	fixture_init(&home);
	federation_make();
	RUN(a_forward_makes_what_it_hands_on);
	RUN(whatever_brings_it_counts_once);
	RUN(of_forwards_the_first_counts_then_the_next);
	RUN(a_recall_of_the_original_reaches_its_forwards);
	RUN(only_its_author_recalls_it);
	RUN(what_is_not_allowed_is_held);
	RUN(one_that_cannot_be_judged_waits);
	RUN(what_expires_leaves_nothing);
	RUN(one_for_others_makes_nothing);
	for (size_t i = 0; i < PARTIES; i++)
		if (i != PUNJAB)
			identity_free(ids[i]);
	for (size_t i = 0; i < 2; i++) {
		topology_free(versions[i]);
		free(texts[i]);
	}
	fixture_clear(&home);
	return tap_done();
}
