/* Breaks a rule of the conversation, once. */
#include <sodium.h>
#include <stdlib.h>

#include "tests/e2e/attack/deeds.h"
#include "tests/e2e/attack/talk.h"

void garbage(unsigned seconds)
{
	uint8_t noise[300];

	(void)seconds;
	meet();
	randombytes_buf(noise, sizeof noise);
	noise[0] = 200;
	say_bytes(noise, sizeof noise);
}

void another_name(unsigned seconds)
{
	(void)seconds;
	if (wait_for(&me.up))
		say_hello(me.peer, 0);
}

void early_push(unsigned seconds)
{
	struct message m = write_message(me.self, "x", 1, KIND_POST);

	(void)seconds;
	if (wait_for(&me.up) && say_hello(me.self, 0) && wait_for(&me.greeted))
		push_part(&m, 1, m.length);
	free(m.bytes);
}

/* In another's name, with a signature of one's own. */
void forge(unsigned seconds)
{
	const struct party *other = topology_party(me.topology, "punjab");
	struct message m = write_message(other, "x", 1, KIND_POST);

	(void)seconds;
	meet();
	push(&m);
	free(m.bytes);
}

void change_body(unsigned seconds)
{
	struct message m = write_message(me.self, "block it", 8, KIND_POST);

	(void)seconds;
	meet();
	m.bytes[m.length - 1] ^= 1;
	push(&m);
	free(m.bytes);
}

void false_ack(unsigned seconds)
{
	(void)seconds;
	meet();
	say_answer(FRAME_ACK, UINT64_MAX);
}

/* Everything that it is pushed is answered twice. */
void second_answer(unsigned seconds)
{
	uint64_t end;

	(void)seconds;
	meet();
	for (end = clock_monotonic() + WAIT_MS; !me.pushed_to_us && clock_monotonic() < end;)
		turn(20);
	say_answer(FRAME_ACK, 1);
	say_answer(FRAME_NAK, 1);
}

void overrun(unsigned seconds)
{
	static uint8_t body[BODY_MAX_BYTES];
	struct message m;

	(void)seconds;
	meet();
	/* Only beginnings, so that nothing can be settled and raise the credit. */
	m = write_message(me.self, body, sizeof body, KIND_POST);
	for (uint64_t number = 1; number <= 5; number++)
		push_part(&m, number, 1);
	free(m.bytes);
}

void incomplete(unsigned seconds)
{
	static uint8_t body[100000];

	(void)seconds;
	meet();
	for (uint64_t number = 1; number <= 6; number++) {
		struct message m = write_message(me.self, body, sizeof body, KIND_POST);
		push_part(&m, number, 1);
		free(m.bytes);
	}
}

void skip_number(unsigned seconds)
{
	struct message m = write_message(me.self, "x", 1, KIND_POST);

	(void)seconds;
	meet();
	push_part(&m, 2, m.length);
	free(m.bytes);
}

void take_credit_back(unsigned seconds)
{
	(void)seconds;
	meet();
	say_credit(1, 1);
}

void greet_for_ever(unsigned seconds)
{
	uint64_t end;

	(void)seconds;
	if (!wait_for(&me.up))
		die("no connection");
	tell_begun();
	end = clock_monotonic() + WAIT_MS;
	while (!me.down && clock_monotonic() < end && say_hello(me.self, 0))
		turn(0);
}

void give_a_topology(unsigned seconds)
{
	static uint8_t file[TOPOLOGY_MAX_BYTES];

	(void)seconds;
	randombytes_buf(file, sizeof file);
	if (!wait_for(&me.up) || !say_hello(me.self, 2) || !wait_for(&me.greeted))
		die("no conversation came about");
	for (size_t at = 0; at < sizeof file;) {
		struct frame f = {.type = FRAME_TOPOLOGY};
		f.piece.number = 2;
		f.piece.offset = (uint32_t)at;
		f.piece.total = sizeof file;
		f.piece.data = file + at;
		f.piece.length =
			sizeof file - at < PIECE_MAX_BYTES ? sizeof file - at : PIECE_MAX_BYTES;
		at += f.piece.length;
		if (!say(&f))
			return;
	}
}
