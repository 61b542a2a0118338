/* What the log remembers of evidence is damaged: its facts tell the same. */
#include "node/duty/evidence_book.h"
#include "tests/node/store_fixture.h"
#include "tests/tap.h"

enum { PAIRS = 3, AT = 1000 };

static struct fixture home;
static struct log *log_;
static uint64_t facts[PAIRS], seconds[PAIRS]; /* positions: of each fact, and its second message */
static struct party_id origins[PAIRS];

static void put_value(const void *value, size_t n)
{
	need(log_begin(log_) == ERR_OK);
	need(log_put(log_, "evidence", value, n) == ERR_OK);
	need(log_commit(log_) == ERR_OK);
}

static uint64_t append_fact(enum fact fact, const struct sample *first, const struct sample *second)
{
	uint8_t *bytes = malloc(4 + first->length + second->length);
	uint64_t lsn;

	need(bytes);
	put_u32(bytes, (uint32_t)first->length);
	memcpy(bytes + 4, first->row, first->length);
	memcpy(bytes + 4 + first->length, second->row, second->length);
	need(log_append_fact(log_, fact, AT, bytes, 4 + first->length + second->length, &lsn) ==
	     ERR_OK);
	free(bytes);
	return lsn;
}

static void log_make(void)
{
	log_ = open_log(&home);
	for (unsigned i = 0; i < PAIRS; i++) {
		struct sample first, second;
		sample_make(&first, 2 * i, 10);
		sample_make(&second, 2 * i + 1, 10);
		need(log_begin(log_) == ERR_OK);
		sample_append(log_, &first);
		seconds[i] = sample_append(log_, &second);
		append_fact(FACT_MUTE, &first, &second);
		facts[i] = append_fact(FACT_EVIDENCE, &first, &second);
		need(log_commit(log_) == ERR_OK);
		memcpy(origins[i].b, first.row + ORIGIN_OFFSET, PARTY_ID_BYTES);
		sample_clear(&first);
		sample_clear(&second);
	}
}

static void read_book(struct evidence_book *b)
{
	struct log_reader *reader;

	need(log_reader_open(&reader, log_) == ERR_OK);
	is_int(evidence_book_read(b, reader), ERR_OK, "it is read");
	log_reader_close(reader);
}

static void all_of_it_is_found_again(void)
{
	static struct evidence_book b;
	size_t wrong = 0;

	put_value("damaged", 7);
	read_book(&b);
	is_int(b.count, PAIRS, "each pair");
	for (size_t i = 0; i < b.count; i++)
		wrong += b.entries[i].lsn != facts[i] || b.entries[i].at != AT ||
			 !party_id_equal(&b.entries[i].origin, &origins[i]);
	is_int(wrong, 0, "as it was");
	is_int(b.done, seconds[PAIRS - 1], "what came after the last is looked at again");
}

static void so_it_is_when_the_messages_have_expired(void)
{
	static struct evidence_book b;

	need(log_begin(log_) == ERR_OK);
	need(log_expire(log_, &seconds[PAIRS - 1], 1) == ERR_OK);
	need(log_commit(log_) == ERR_OK);
	read_book(&b);
	is_int(b.count, PAIRS, "each pair");
	is_int(b.done, facts[PAIRS - 1], "and what came after the last fact is looked at again");
}

static void without_facts_the_log_is_looked_through_from_its_beginning(void)
{
	static struct evidence_book b;

	log_close(log_);
	remove_tree(path_in(&home, "log"));
	log_ = open_log(&home);
	put_value("damaged", 7);
	read_book(&b);
	is_int(b.count, 0, "there is none");
	is_int(b.done, 0, "from its beginning");
	ok(b.loaded, "and that is known");
}

int main(void)
{
	fixture_init(&home);
	log_make();
	RUN(all_of_it_is_found_again);
	RUN(so_it_is_when_the_messages_have_expired);
	RUN(without_facts_the_log_is_looked_through_from_its_beginning);
	log_close(log_);
	fixture_clear(&home);
	return tap_done();
}
