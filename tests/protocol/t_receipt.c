/* Receipts: their JSON, and what statements about one message come to. */
#include "protocol/receipt.h"

#include "tests/tap.h"

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define AT "2026-11-21T22:00:00.000Z"
#define ONE "{\"message\":\"" ID "\",\"state\":\"stored\",\"at\":\"" AT "\"}"

static enum err reads(const char *json, struct report *report)
{
	struct receipt r;
	enum err e = receipt_read(&r, json, strlen(json), report);

	if (!e)
		receipt_clear(&r);
	return e;
}

static struct statement statement_of(uint8_t first, enum receipt_state state, uint64_t at)
{
	return (struct statement){.message = {{first, 2, 3}}, .state = state, .at = at};
}

static void what_is_written_is_read_back(void)
{
	static const char *const names[] = {"punjab", "kp-cerc"};
	struct statement all[RECEIPT_STATES];
	struct receipt r;
	struct text t;
	size_t n = 0;

	for (enum receipt_state s = RECEIPT_STORED; s < RECEIPT_STATES; s++)
		all[n++] = statement_of((uint8_t)s, s, 1764000000000 + (uint64_t)s);
	all[RECEIPT_CANNOT_OPEN - 1].reason = REASON_WRAP;
	all[RECEIPT_FORWARDED - 1].to = names;
	all[RECEIPT_FORWARDED - 1].to_count = 2;
	all[RECEIPT_FORWARDED - 1].because = "they run \"it\"";
	text_init(&t);
	receipt_write(&t, all, n);
	need(!t.bad);
	is_int(receipt_read(&r, t.at, t.length, NULL), ERR_OK, "it is read");
	is_int(r.count, n, "every statement");
	for (size_t i = 0; i < n; i++)
		ok(message_id_equal(&r.items[i].message, &all[i].message) &&
			   r.items[i].state == all[i].state && r.items[i].at == all[i].at &&
			   r.items[i].reason == all[i].reason &&
			   r.items[i].to_count == all[i].to_count,
		   "%s", receipt_state_str(all[i].state));
	is_str(r.items[n - 1].to[0], "punjab", "the first new reader");
	is_str(r.items[n - 1].to[1], "kp-cerc", "the second");
	is_str(r.items[n - 1].because, "they run \"it\"", "and why");
	receipt_clear(&r);
	text_clear(&t);
}

static void as_many_as_fit_are_read_and_no_more(void)
{
	static struct statement many[STATEMENTS_MAX + 1];
	struct receipt r;
	struct text t;

	for (size_t i = 0; i <= STATEMENTS_MAX; i++)
		many[i] = statement_of((uint8_t)i, RECEIPT_OPENED, i);
	text_init(&t);
	receipt_write(&t, many, STATEMENTS_MAX);
	is_int(receipt_read(&r, t.at, t.length, NULL), ERR_OK, "the most");
	is_int(r.count, STATEMENTS_MAX, "all of them");
	receipt_clear(&r);
	t.length = 0;
	receipt_write(&t, many, STATEMENTS_MAX + 1);
	is_int(receipt_read(&r, t.at, t.length, NULL), ERR_FORMAT, "one more is refused");
	text_clear(&t);
}

static void a_bad_receipt_is_refused(void)
{
	static const struct {
		const char *json, *words;
	} bad[] = {
		{"{}", "1 to 4096"},
		{"[]", "1 to 4096"},
		{"{\"receipts\":[]}", "1 to 4096"},
		{"{\"receipts\":{}}", "1 to 4096"},
		{"{\"receipts\":[7]}", "statement 1 of a receipt: \"message\""},
		{"{\"receipts\":[" ONE ",{}]}", "statement 2 of a receipt: \"message\""},
		{"{\"receipts\":[{\"message\":\"0011\",\"state\":\"stored\",\"at\":\"" AT "\"}]}",
		 "\"message\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"stored\"}]}", "\"at\""},
		{"{\"receipts\":[{\"message\":\"" ID
		 "\",\"state\":\"stored\",\"at\":\"yesterday\"}]}",
		 "\"at\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":3,\"at\":\"" AT "\"}]}",
		 "\"state\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"cannot-open\",\"at\":\"" AT
		 "\"}]}",
		 "\"reason\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"cannot-open\",\"at\":\"" AT
		 "\",\"reason\":\"lazy\"}]}",
		 "\"reason\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"forwarded\",\"at\":\"" AT
		 "\"}]}",
		 "\"to\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"forwarded\",\"at\":\"" AT
		 "\",\"to\":[]}]}",
		 "\"to\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"forwarded\",\"at\":\"" AT
		 "\",\"to\":[\"Punjab!\"]}]}",
		 "\"to\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"forwarded\",\"at\":\"" AT
		 "\",\"to\":{\"a\":\"punjab\"}}]}",
		 "\"to\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"forwarded\",\"at\":\"" AT
		 "\",\"to\":[\"kp\"],\"because\":\"two\\nlines\"}]}",
		 "\"because\""},
		{"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"forwarded\",\"at\":\"" AT
		 "\",\"to\":[\"kp\"],\"because\":3}]}",
		 "\"because\""},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct report report;
		report_init(&report);
		is_int(reads(bad[i].json, &report), ERR_FORMAT, "%s", bad[i].json);
		ok(strstr(report_first(&report), bad[i].words), "in words: %s",
		   report_first(&report));
		report_clear(&report);
	}
}

static void too_many_new_readers_are_refused(void)
{
	static const char *names[STATEMENT_NAMES_MAX + 1];
	struct statement s = statement_of(1, RECEIPT_FORWARDED, 1);

	for (size_t i = 0; i <= STATEMENT_NAMES_MAX; i++)
		names[i] = "sindh";
	s.to = names;
	for (size_t more = 0; more < 2; more++) {
		struct text t;
		text_init(&t);
		s.to_count = STATEMENT_NAMES_MAX + more;
		receipt_write(&t, &s, 1);
		need(!t.bad);
		is_int(reads(t.at, NULL), more ? ERR_FORMAT : ERR_OK, "%zu names", s.to_count);
		text_clear(&t);
	}
}

static void what_a_later_version_states_is_passed_over(void)
{
	static const char json[] =
		"{\"receipts\":[{\"message\":\"" ID "\",\"state\":\"framed\",\"at\":\"" AT
		"\"}," ONE "],\"mood\":\"good\"}";
	struct receipt r;

	need(receipt_read(&r, json, sizeof json - 1, NULL) == ERR_OK);
	is_int(r.count, 1, "one is known");
	is_int(r.items[0].state, RECEIPT_STORED, "that one");
	receipt_clear(&r);
}

static void a_cut_or_flipped_text_is_never_read_past_its_end(void)
{
	static const char json[] = "{\"receipts\":[" ONE "]}";
	char *copy;

	for (size_t n = 0; n < sizeof json - 1; n++) {
		struct receipt r;
		copy = malloc(n + 1);
		need(copy);
		memcpy(copy, json, n);
		if (receipt_read(&r, copy, n, NULL) == ERR_OK) {
			ok(false, "%zu bytes were taken", n);
			receipt_clear(&r);
		}
		free(copy);
	}
	for (size_t bit = 0; bit < 8 * (sizeof json - 1); bit++) {
		struct receipt r;
		copy = malloc(sizeof json - 1);
		need(copy);
		memcpy(copy, json, sizeof json - 1);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		if (receipt_read(&r, copy, sizeof json - 1, NULL) == ERR_OK) {
			need(r.count <= 1);
			receipt_clear(&r);
		}
		free(copy);
	}
	ok(true, "no read was wrong");
}

static void the_greatest_state_counts_in_whatever_order(void)
{
	static const struct {
		enum receipt_state state;
		uint64_t at;
		enum receipt_reason reason;
	} said[] = {{RECEIPT_STORED, 10, 0},
		    {RECEIPT_CANNOT_OPEN, 20, REASON_WRAP},
		    {RECEIPT_CANNOT_OPEN, 15, REASON_GONE},
		    {RECEIPT_OPENED, 30, 0},
		    {RECEIPT_OPENED, 25, 0},
		    {RECEIPT_FORWARDED, 5, 0}};
	enum { N = sizeof said / sizeof *said };
	struct receipt_fold first = {0};
	bool same = true;

	is_int(receipt_fold_state(&first), 0, "nothing is nothing");
	for (unsigned start = 0; start < N; start++) {
		for (unsigned step = 1; step < N; step += 4) {
			struct receipt_fold f = {0};
			for (unsigned i = 0; i < N; i++) {
				unsigned k = (start + i * step) % N;
				receipt_fold_add(&f, said[k].state, said[k].at, said[k].reason);
			}
			if (start == 0 && step == 1)
				first = f;
			same = same && memcmp(&f, &first, sizeof f) == 0;
		}
	}
	ok(same, "every order gives the same");
	is_int(receipt_fold_state(&first), RECEIPT_OPENED, "opened, though forwarded too");
	is_int(first.at[RECEIPT_OPENED], 25, "when it was opened first");
	is_int(first.reason, REASON_GONE, "the reason that was given first");
	ok(first.said[RECEIPT_FORWARDED], "forwarded stands beside it");
	receipt_fold_add(&first, RECEIPT_ERASED, 1, 0);
	is_int(receipt_fold_state(&first), RECEIPT_ERASED, "what is erased is erased");
}

static struct header target_header(void)
{
	return (struct header){.kind = KIND_POST,
			       .tlp = TLP_AMBER,
			       .flags = FLAG_SEALED,
			       .priority = 2,
			       .origin = {{1}},
			       .created = 7,
			       .expiry = 9,
			       .recipient_count = 3,
			       .recipients = {{.party = {{1}}, .key = 1},
					      {.party = {{2}}, .key = 1},
					      {.party = {{3}}, .key = 1}}};
}

static void a_reseal_is_told_by_its_header(void)
{
	const struct message_id id = {{42}};
	const struct header target = target_header();
	struct header good = target;

	good.ref = id;
	good.recipient_count = 2;
	good.recipients[1].key = 2;
	good.sequence = 77;
	ok(is_reseal(&good, &target, &id), "the same again to one of its recipients");
	for (unsigned i = 0; i < 9; i++) {
		struct header h = good;
		h.ref.b[0] ^= i == 0;
		h.kind = i == 1 ? KIND_FORWARD : h.kind;
		h.tlp = i == 2 ? TLP_RED : h.tlp;
		h.flags |= i == 3 ? FLAG_DIRECT : 0;
		h.priority = i == 4 ? 0 : h.priority;
		h.origin.b[0] ^= i == 5;
		h.created += i == 6;
		h.expiry += i == 7;
		h.recipients[1].party.b[0] ^= i == 8 ? 8 : 0;
		ok(!is_reseal(&h, &target, &id), "another header is none: %u", i);
	}
	good.recipient_count = 3;
	ok(!is_reseal(&good, &target, &id), "nor is one to several");
}

int main(void)
{
	RUN(what_is_written_is_read_back);
	RUN(as_many_as_fit_are_read_and_no_more);
	RUN(a_bad_receipt_is_refused);
	RUN(too_many_new_readers_are_refused);
	RUN(what_a_later_version_states_is_passed_over);
	RUN(a_cut_or_flipped_text_is_never_read_past_its_end);
	RUN(the_greatest_state_counts_in_whatever_order);
	RUN(a_reseal_is_told_by_its_header);
	return tap_done();
}
