/* Says what is not so, of messages and of sets of them. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/audience.h"
#include "protocol/json.h"
#include "tests/e2e/attack/deeds.h"
#include "tests/e2e/attack/talk.h"

/* One number for two messages. */
void twice(unsigned seconds)
{
	(void)seconds;
	meet();
	push_body("one", 3);
	me.sequence--;
	push_body("two", 3);
	printf("%s\n", answered() ? "both are answered" : "they were not answered");
}

/* Tells of messages that never were, as many as a beacon can: again and again. */
void boast(unsigned seconds)
{
	uint64_t end;
	unsigned told = 0;

	meet();
	end = clock_monotonic() + 1000 * seconds;
	for (; !me.down && clock_monotonic() < end; told++) {
		struct text t;
		size_t length;
		uint8_t *body;
		struct message m;
		text_init(&t);
		text_str(&t, "{\"incarnations\":[");
		for (unsigned i = 0; i < 64; i++) {
			text_format(&t,
				    "%s{\"incarnation\":\"%012x%04x\",\"last\":9007199254740991,"
				    "\"live\":[",
				    i ? "," : "", told + 1, i);
			for (unsigned k = 0; k < 16; k++)
				text_format(&t, "%s[%u,%u,%u]", k ? "," : "", 100 * k + 1,
					    100 * k + 99,
					    (unsigned)(clock_wall() / HOUR_MS) + 1000);
			text_str(&t, "]}");
		}
		text_str(&t, "]}");
		if (body_pack(&body, &length, t.at, t.length) != ERR_OK)
			die("a beacon that cannot be packed");
		m = write_message(me.self, body, length, KIND_BEACON);
		text_clear(&t);
		free(body);
		if (!push(&m))
			die("not pushed");
		free(m.bytes);
	}
	printf("%s\n", answered() ? "all of them are answered" : "some were not answered");
	fprintf(stderr, "# %u beacons\n", told);
}

static bool say_begin(void)
{
	uint8_t begin[4 + 16];

	randombytes_buf(begin, sizeof begin);
	memset(begin, 0, 3);
	begin[3] = 1;
	return say_claims(FRAME_BEGIN, begin, sizeof begin);
}

void lie_unasked(unsigned seconds)
{
	(void)seconds;
	meet();
	say_claims(FRAME_LAST, NULL, 0);
}

/* Children of a place, of which the bits behind the prefix are not zero. */
void lie_badly(unsigned seconds)
{
	uint8_t claims[300];

	(void)seconds;
	meet();
	say_begin();
	memset(claims, 3, sizeof claims);
	say_claims(FRAME_ASK, claims, sizeof claims);
}

/* One run after the other, each of which is answered. */
void begin_for_ever(unsigned seconds)
{
	uint64_t end, begun = 0;

	(void)seconds;
	meet();
	end = clock_monotonic() + WAIT_MS;
	for (; !me.down && clock_monotonic() < end; turn(5))
		if (me.lasts >= begun && say_begin())
			begun++;
}

/* Says again and again that it has nothing at all, and waits for each answer as an honest one does;
 * for the first as long as it takes. */
void ask_for_ever(unsigned seconds)
{
	uint64_t begun, asked = 0;
	uint8_t nothing[1 + 2 * AUDIENCE_ID_BYTES + 2] = {7};

	memset(nothing + 1 + AUDIENCE_ID_BYTES, 0xff, AUDIENCE_ID_BYTES);
	meet();
	begun = clock_monotonic();
	say_begin();
	while (!me.down && clock_monotonic() - begun < (asked ? 1000 * seconds : WAIT_MS)) {
		if (me.lasts > asked) {
			asked++;
			say_claims(FRAME_ASK, nothing, sizeof nothing);
		}
		turn(5);
	}
	printf("%s\n", asked ? "it is answered" : "it was never answered");
	fprintf(stderr, "# %llu times\n", (unsigned long long)asked);
}

/* Passes on what others have said: as much of it as it likes. */
void carry(unsigned seconds)
{
	struct message m;

	(void)seconds;
	meet();
	for (char **file = me.files; *file; file++) {
		m.bytes = (uint8_t *)slurp("", *file, &m.length);
		m.head = header_peek_length(m.bytes, m.length);
		if (m.head == 0 || !push(&m))
			die("not pushed");
		free(m.bytes);
	}
	printf("%s\n", answered() && me.nak == 0 ? "all of it is taken" : "it is not taken");
}
