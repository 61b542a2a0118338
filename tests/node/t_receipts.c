/* A node among messages that others have written, and what it answers: each state once, many in one
 * receipt, over and over again the same; and whose answers it believes. */
#include "keys/seal.h"
#include "node/admin/ask.h"
#include "node/author.h"
#include "node/loop.h"
#include "protocol/receipt.h"
#include "tests/node/index_fixture.h"
#include "tests/node/running_node.h"
#include "tests/protocol/federation.h"

enum { MANY = STATEMENTS_MAX + 200, LISTED_MAX = 2 * MANY };

/* punjab is the node; sindh writes to it, mallory is a member that lies, kp is above them all. */
static struct fixture punjab, sindh, mallory, kp;
static struct author by_punjab, by_sindh, by_mallory, by_kp;
static struct topology *topology;
static struct identity_public lost; /* whose seal key stands for one that punjab has no more */
static uint32_t expiry;
static enum verdict verdict; /* of what is kept next */

static struct running lone;

/* What the receipts in the log of the node say that it has written. */
static struct {
	size_t receipts, direct, count;
	struct statement all[LISTED_MAX];
} told;

/* ---- the federation ---- */

static void make_home(struct fixture *f, const char *name)
{
	fixture_init(f);
	identity_free(f->identity);
	remove(path_in(f, "node.key"));
	need(identity_create(path_in(f, "node.key"), name, NULL, NULL) == ERR_OK);
	need(identity_open(&f->identity, path_in(f, "node.key"), NULL, NULL) == ERR_OK);
}

static void put_node(struct writing *w, const struct fixture *f, const char *line)
{
	const struct identity_public *p = identity_public(f->identity);
	char sign[65], link[65], seal[65];

	put(w, "    %s\n%s        link = \"%s\"\n", p->name, line, hex_encode(link, p->link, 32));
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
	char seal[65];
	size_t n;

	put(&w, "federation\n    name = x\n    version = 1\n    expires = 2099-12-31\n");
	put_council(&w, 1, 1);
	put(&w, "node\n");
	put_node(&w, &kp, "");
	put_node(&w, &punjab, "        reports-to = kp\n");
	put_node(&w, &sindh, "        reports-to = kp\n");
	put_node(&w, &mallory, "        reports-to = kp\n");
	put(&w, "role\n    desk\n        reports-to = kp\n        holders = punjab\n");
	put(&w, "        seal\n            1 = \"%s\"\n", hex_encode(seal, lost.seal, 32));
	topology = parse_or_bail(w.at);
	n = w.length;
	put_signature(&w, "member0", n, "ED");
	write_file(path_in(&punjab, "topology.signed"), w.at, w.length);
	write_file(path_in(&punjab, "khabardar.zpl"), config, sizeof config - 1);
	free(w.at);
}

/* ---- messages ---- */

static struct party_id id_of(const char *name)
{
	return party_id_of(&topology->network, name);
}

static void letter_to(struct letter *l, const char *self, const char *words, enum tlp tlp)
{
	const struct party *author = topology_party(topology, self);
	struct recipients to;
	struct recipients_query q = {.topology = topology,
				     .self = author,
				     .words = &words,
				     .word_count = 1,
				     .tlp = tlp,
				     .direct = strcmp(self, "kp") == 0};

	need(recipients_resolve(&to, &q, NULL) == ERR_OK);
	need(recipients_letter(l, &to, author, 0));
	recipients_clear(&to);
}

static const char *name_of(const struct author *a)
{
	return identity_public(a->identity)->name;
}

/* Writes that body; the caller frees bytes. */
static struct written say_as(struct author *a, const char *words, enum message_kind kind,
			     const char *json, const struct message_id *ref)
{
	static struct letter l;
	enum tlp tlp = strcmp(words, "all") == 0 ? TLP_GREEN : TLP_AMBER;
	struct draft d = {.kind = kind, .tlp = tlp, .expiry = expiry};
	struct written w;
	uint8_t *body;

	letter_to(&l, name_of(a), words, tlp);
	if (ref)
		d.ref = *ref;
	need(body_pack(&body, &d.body_length, json, strlen(json)) == ERR_OK);
	d.body = body;
	need(author_write(a, topology, &l, &d, 1700000000000, &w) == ERR_OK);
	free(body);
	return w;
}

static const char *post_json(const char *envelope, unsigned number)
{
	static char json[8192];

	snprintf(json, sizeof json,
		 "{\"envelope\":%s,\"bundle\":{\"type\":\"bundle\",\"id\":\"bundle--"
		 "00000000-0000-4000-8000-000000000000\",\"objects\":[%s]}}",
		 envelope, indicator(number, 1, "[domain-name:value = 'evil.example']", ""));
	return json;
}

/* Into the log of the node that is not running, and no index needs to know. */
static struct message_id keep(struct log *log, struct written *w, const char *from)
{
	size_t header = header_peek_length(w->bytes, w->length);
	size_t length = header + SIGNATURE_BYTES;
	struct log_row row = {.arrived = 1700000001234,
			      .from = id_of(from),
			      .verdict = verdict,
			      .data = w->bytes,
			      .length = length};
	uint64_t lsn;

	need(log_append(log, &row, &w->id, w->bytes + length, w->length - length, &lsn) == ERR_OK);
	free(w->bytes);
	return w->id;
}

static struct message_id arrives(struct log *log, struct author *a, const char *words,
				 enum message_kind kind, const char *json)
{
	struct written w = say_as(a, words, kind, json, NULL);

	return keep(log, &w, name_of(a));
}

static struct log *log_in(const struct fixture *f)
{
	struct log *log = open_log(f);

	need(log_begin(log) == ERR_OK);
	return log;
}

static void log_done(struct log *log)
{
	need(log_commit(log) == ERR_OK);
	log_close(log);
}

/* ---- the node ---- */

static void start(void)
{
	running_start(&lone, punjab.home, true);
}

static void stop(void)
{
	running_stop(&lone);
}

/* A home without store, and the node not running. */
static void fresh(void)
{
	remove_tree(path_in(&punjab, "log"));
	remove_tree(path_in(&punjab, "index"));
}

static void hear(const struct log_row *row, struct log_reader *log)
{
	static struct header h;
	const struct party_id self = id_of("punjab");
	uint8_t *body, *data;
	struct receipt r;
	size_t n, used, length;
	char *json;

	need(header_decode(&h, row->data, row->length - SIGNATURE_BYTES) == ERR_OK);
	if (h.kind != KIND_RECEIPT || !party_id_equal(&h.origin, &self))
		return;
	need(log_read_body(log, row, &body, &n) == ERR_OK);
	data = malloc(n);
	need(data && seal_open(punjab.identity, &h, body, n, data, &used) == OPENING_DONE);
	need(body_unpack(&json, &length, data, used) == ERR_OK);
	need(receipt_read(&r, json, length, NULL) == ERR_OK);
	told.receipts++;
	told.direct += h.flags & FLAG_DIRECT ? 1 : 0;
	for (size_t i = 0; i < r.count && told.count < LISTED_MAX; i++) {
		told.all[told.count] = r.items[i];
		told.all[told.count++].to = NULL;
	}
	receipt_clear(&r);
	free(json);
	free(data);
	free(body);
}

/* Everything that the node has stated so far. */
static void listen_to(struct log *log)
{
	struct log_reader *reader;
	struct log_row row;
	uint64_t at = 0;

	told.receipts = told.direct = told.count = 0;
	need(log_reader_open(&reader, log) == ERR_OK);
	while (log_read_from(reader, at + 1, &row) == ERR_OK) {
		at = row.lsn;
		if (row.kind == LOG_MESSAGE)
			hear(&row, reader);
	}
	log_reader_close(reader);
}

/* Until the running node has stated that many things. */
static void wait_for(size_t statements)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	uint64_t until = clock_monotonic() + WAIT_MS;

	do {
		nanosleep(&pause, NULL);
		listen_to(node_log(lone.node));
	} while (told.count < statements && clock_monotonic() < until);
	is_int(told.count, statements, "it states %zu things", statements);
}

static size_t stated(const struct message_id *id, enum receipt_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < told.count; i++)
		n += message_id_equal(&told.all[i].message, id) && told.all[i].state == state;
	return n;
}

static enum receipt_reason reason_for(const struct message_id *id)
{
	for (size_t i = 0; i < told.count; i++)
		if (message_id_equal(&told.all[i].message, id))
			return told.all[i].reason;
	return REASON_NONE;
}

/* ---- answering ---- */

static void forget_how_far(void)
{
	struct log *log = log_in(&punjab);
	uint8_t nothing[28] = {0};

	need(log_put(log, "receipts", nothing, sizeof nothing) == ERR_OK);
	log_done(log);
}

static void many_messages_are_answered_once_in_few_receipts(void)
{
	struct log *log;
	struct message_id id, last = {{0}};
	size_t twice = 0;

	fresh();
	log = log_in(&punjab);
	for (unsigned i = 0; i < MANY; i++)
		last = arrives(log, &by_sindh, "punjab", KIND_POST, post_json("{}", i));
	log_done(log);
	start();
	wait_for(MANY);
	stop();
	is_int(stated(&last, RECEIPT_OPENED), 1, "opened, the last one too");
	is_int(told.receipts, 2, "two receipts hold them");
	for (size_t i = 0; i < told.count; i += 97)
		twice += stated(&told.all[i].message, RECEIPT_OPENED) != 1;
	is_int(twice, 0, "none is stated twice");
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		if (forgotten)
			forget_how_far();
		log = log_in(&punjab);
		id = arrives(log, &by_sindh, "punjab", KIND_POST, post_json("{}", 1));
		log_done(log);
		start();
		wait_for((size_t)MANY + 1 + (size_t)forgotten);
		stop();
		is_int(stated(&id, RECEIPT_OPENED), 1, "after a start only what is new is stated");
		is_int(told.receipts, 3 + forgotten, "in one receipt more");
	}
}

/* A post for the role desk, sealed under a key that this node does not hold. */
static struct message_id to_the_role(struct log *log)
{
	return arrives(log, &by_sindh, "desk", KIND_POST, post_json("{}", 1));
}

/* One whose share for punjab, or whose body, is garbage. */
static struct message_id spoilt(struct log *log, bool wrap)
{
	struct written w = say_as(&by_sindh, "punjab", KIND_POST, post_json("{}", 1), NULL);
	size_t n = header_peek_length(w.bytes, w.length);
	static struct header h;
	struct party_id self = id_of("punjab");

	need(header_decode(&h, w.bytes, n) == ERR_OK);
	for (size_t i = 0; wrap && i < h.recipient_count; i++)
		if (party_id_equal(&h.recipients[i].party, &self))
			h.recipients[i].wrap[50] ^= 1;
	if (!wrap)
		w.bytes[n + SIGNATURE_BYTES + 20] ^= 1;
	h.body_hash = hash_of(w.bytes + n + SIGNATURE_BYTES, h.body_length);
	need(header_encode(&h, w.bytes, n, &n) == ERR_OK);
	w.id = message_id_of(w.bytes, n);
	return keep(log, &w, "sindh");
}

static void each_message_gets_the_answer_that_is_due(void)
{
	static const char receipt[] =
		"{\"receipts\":[{\"message\":"
		"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\","
		"\"state\":\"opened\",\"at\":\"2026-11-21T22:00:00Z\"}]}";
	struct message_id good, asks, bad, wrap, body, gone, direct, recalled, recall;
	struct log *log;

	fresh();
	log = log_in(&punjab);
	good = arrives(log, &by_sindh, "punjab", KIND_POST, post_json("{}", 1));
	asks = arrives(log, &by_sindh, "all", KIND_POST, post_json("{\"receipt\":true}", 1));
	bad = arrives(log, &by_sindh, "punjab", KIND_POST, "{\"envelope\":3}");
	wrap = spoilt(log, true);
	body = spoilt(log, false);
	gone = to_the_role(log);
	direct = arrives(log, &by_kp, "punjab", KIND_POST, post_json("{}", 1));
	/* None of these is answered. */
	arrives(log, &by_sindh, "all", KIND_POST, post_json("{}", 1));
	arrives(log, &by_sindh, "all", KIND_POST, post_json("{\"receipt\":false}", 1));
	arrives(log, &by_sindh, "kp", KIND_POST, post_json("{}", 1));
	arrives(log, &by_sindh, "punjab", KIND_RECEIPT, receipt);
	arrives(log, &by_sindh, "punjab", KIND_CARD, "{}");
	arrives(log, &by_punjab, "sindh", KIND_POST, post_json("{}", 1));
	recalled = arrives(log, &by_sindh, "all", KIND_POST, post_json("{}", 1));
	struct written w =
		say_as(&by_sindh, "all", KIND_RECALL, "{\"because\":\"leaked\"}", &recalled);
	recall = keep(log, &w, "sindh");
	log_done(log);
	start();
	wait_for(8);
	stop();
	is_int(stated(&good, RECEIPT_OPENED), 1, "what can be read is opened");
	is_int(stated(&asks, RECEIPT_OPENED), 1, "what asks is answered");
	is_int(stated(&bad, RECEIPT_STORED), 1, "what fails its checks is only stored");
	is_int(stated(&wrap, RECEIPT_CANNOT_OPEN), 1, "a wrong share cannot be opened");
	is_int(reason_for(&wrap), REASON_WRAP, "which is its author's fault");
	is_int(stated(&body, RECEIPT_CANNOT_OPEN), 1, "nor a wrong body");
	is_int(reason_for(&body), REASON_BODY, "which is so for all");
	is_int(stated(&gone, RECEIPT_CANNOT_OPEN), 1, "nor what is sealed to a key that is lost");
	is_int(reason_for(&gone), REASON_GONE, "which can be mended");
	is_int(stated(&direct, RECEIPT_OPENED), 1, "what came directly is answered");
	is_int(told.direct, 1, "directly, in a receipt of its own");
	is_int(told.receipts, 2, "and all others in one");
	is_int(stated(&recalled, RECEIPT_ERASED), 1, "what is recalled is erased, asked or not");
	is_int(stated(&recall, RECEIPT_STORED), 0, "the recall is not answered by itself");
}

/* Nobody is suspended, so the node releases it as soon as it runs. */
static void what_was_suspended_is_answered_when_it_is_released(void)
{
	struct message_id held;
	struct log *log;

	fresh();
	log = log_in(&punjab);
	verdict = VERDICT_SUSPENDED;
	held = arrives(log, &by_sindh, "punjab", KIND_POST, post_json("{}", 1));
	verdict = VERDICT_ACCEPTED;
	arrives(log, &by_sindh, "punjab", KIND_POST, post_json("{}", 2));
	log_done(log);
	start();
	wait_for(2);
	stop();
	is_int(stated(&held, RECEIPT_OPENED), 1, "opened");
}

/* ---- believing ---- */

static struct reply ask_for(const struct message_id *id)
{
	char request[128], hex[65];
	struct report report;
	struct reply reply;
	struct ask *a;

	snprintf(request, sizeof request, "{\"do\":\"receipts\",\"id\":\"%s\"}",
		 hex_encode(hex, id->b, sizeof id->b));
	report_init(&report);
	need(ask_open(&a, punjab.home, NULL, NULL, &report) == ERR_OK);
	need(ask(a, request, NULL, 0, false, &reply, &report) == ERR_OK);
	ask_close(a);
	report_clear(&report);
	need(reply.ok);
	return reply;
}

static void summary_is(const struct message_id *id, const char *wanted, const char *what)
{
	struct reply reply = ask_for(id);

	is_str(cJSON_GetStringValue(cJSON_GetObjectItem(reply.json, "summary")), wanted, "%s",
	       what);
	reply_clear(&reply);
}

static void states(struct log *log, struct author *a, const char *to, const struct message_id *id,
		   enum receipt_state state)
{
	static const char *const names[] = {"kp"};
	struct statement s = {.message = *id, .state = state, .at = 1700000005000};
	struct text t;

	if (state == RECEIPT_FORWARDED) {
		s.to = names;
		s.to_count = 1;
	}
	text_init(&t);
	receipt_write(&t, &s, 1);
	need(!t.bad);
	arrives(log, a, to, KIND_RECEIPT, t.at);
	text_clear(&t);
}

static void only_readers_are_believed_and_only_by_the_origin(void)
{
	struct message_id lied, early, others, fine;
	struct written later;
	struct log *log;

	fresh();
	log = log_in(&punjab);
	lied = arrives(log, &by_punjab, "sindh", KIND_POST, post_json("{}", 1));
	fine = arrives(log, &by_punjab, "sindh", KIND_POST, post_json("{}", 2));
	others = arrives(log, &by_sindh, "punjab mallory", KIND_POST, post_json("{}", 3));
	/* Somebody who does not read it says whatever he likes. */
	for (enum receipt_state s = RECEIPT_STORED; s < RECEIPT_STATES; s++)
		if (s != RECEIPT_CANNOT_OPEN)
			states(log, &by_mallory, "punjab", &lied, s);
	/* A reader says it to somebody else than the origin. */
	states(log, &by_mallory, "punjab", &others, RECEIPT_ACKNOWLEDGED);
	states(log, &by_sindh, "punjab", &fine, RECEIPT_ACKNOWLEDGED);
	states(log, &by_sindh, "punjab", &fine, RECEIPT_STORED);
	/* A receipt that is here before its message. */
	later = say_as(&by_punjab, "sindh", KIND_POST, post_json("{}", 4), NULL);
	early = later.id;
	states(log, &by_sindh, "punjab", &early, RECEIPT_OPENED);
	keep(log, &later, "punjab");
	states(log, &by_sindh, "punjab", &early, RECEIPT_FORWARDED);
	log_done(log);
	start();
	summary_is(&lied, "0 stored, 1 waiting", "who does not read it states nothing");
	summary_is(&fine, "1 stored, 1 opened, 1 acknowledged",
		   "what was said last does not undo it");
	summary_is(&early, "1 stored, 1 opened, 1 forwarded", "the order does not matter");
	wait_for(1);
	summary_is(&others, "1 stored, 1 opened, 1 waiting",
		   "of others' messages only what it states itself");
	stop();
}

int main(void)
{
	make_home(&punjab, "punjab");
	make_home(&sindh, "sindh");
	make_home(&mallory, "mallory");
	make_home(&kp, "kp");
	lost = *identity_public(kp.identity);
	randombytes_buf(lost.seal, sizeof lost.seal);
	need(crypto_scalarmult_base(lost.seal, lost.sign) == 0);
	make_federation();
	expiry = (uint32_t)(clock_wall() / 3600000) + 240;
	author_init(&by_punjab, punjab.identity);
	author_init(&by_sindh, sindh.identity);
	author_init(&by_mallory, mallory.identity);
	author_init(&by_kp, kp.identity);
	RUN(many_messages_are_answered_once_in_few_receipts);
	RUN(each_message_gets_the_answer_that_is_due);
	RUN(what_was_suspended_is_answered_when_it_is_released);
	RUN(only_readers_are_believed_and_only_by_the_origin);
	author_clear(&by_punjab);
	author_clear(&by_sindh);
	author_clear(&by_mallory);
	author_clear(&by_kp);
	topology_free(topology);
	fixture_clear(&punjab);
	fixture_clear(&sindh);
	fixture_clear(&mallory);
	fixture_clear(&kp);
	return tap_done();
}
