/* Incidents: each line of the input is an event, a letter for its origin and the JSON of its post.
 * Line i has the id of 32 bytes i.  In whatever order a node got them, it sees the same. */
#include <string.h>

#include "protocol/incident.h"
#include "tests/fuzz/fuzz.h"

enum { EVENTS_MAX = 64 };

static struct chain chain;

static void prepare(void)
{
	static char text[16 << 10];
	struct topology *t;
	FILE *f;

	if (chain.count)
		return;
	f = fopen("tests/protocol/topology/base.zpl", "r");
	must(f && topology_parse(&t, text, fread(text, 1, sizeof text, f), NULL) == ERR_OK);
	fclose(f);
	chain_init(&chain);
	must(chain_add(&chain, t) == ERR_OK);
}

static bool event_of(struct incident_event *e, const uint8_t *line, size_t n, size_t number)
{
	const struct topology *t = chain_newest(&chain);
	static struct header h;
	struct message_id id;
	struct post post;
	enum err err;

	memset(id.b, (int)number, sizeof id.b);
	h = (struct header){.kind = KIND_POST,
			    .topology = t->version,
			    .origin = t->parties[line[0] % t->party_count].id,
			    .created = UINT64_C(1795000000000) + number * 1000,
			    .sequence = number};
	if (number > 1)
		memset(h.ref.b, 1, sizeof h.ref.b);
	if (post_read(&post, (const char *)line + 1, n - 1, NULL) != ERR_OK)
		return false;
	err = incident_event_read(e, &h, &id, &post, NULL);
	post_clear(&post);
	return err == ERR_OK;
}

static size_t events_of(struct incident_event *out, const uint8_t *data, size_t n, bool backwards)
{
	size_t count = 0, number = 0;

	while (n && number < EVENTS_MAX) {
		const uint8_t *end = memchr(data, '\n', n);
		size_t length = end ? (size_t)(end - data) : n;
		number++;
		if (length && event_of(&out[count], data, length, number))
			count++;
		data += length;
		n -= length;
		if (n)
			data++, n--;
	}
	for (size_t i = 0; backwards && i < count / 2; i++) {
		struct incident_event swap = out[i];
		out[i] = out[count - 1 - i];
		out[count - 1 - i] = swap;
	}
	return count;
}

/* The state as text, and each event's part in it. */
static void fold(struct text *out, const uint8_t *data, size_t n, bool backwards)
{
	struct incident_event *events = calloc(EVENTS_MAX, sizeof *events);
	struct message_id heads[INCIDENT_AFTER_MAX];
	struct incident_clock clocks[INCIDENT_CLOCKS];
	struct report report;
	cJSON *state = NULL;
	char *printed;
	size_t count;

	must(events);
	count = events_of(events, data, n, backwards);
	must(incident_fold(&state, events, count, &chain) == ERR_OK);
	text_init(out);
	if (state) {
		report_init(&report);
		must(incident_state_valid(state, &report));
		must(report.total == 0);
		must(incident_clocks(clocks, state, &chain_newest(&chain)->policy) <=
		     INCIDENT_CLOCKS);
		printed = cJSON_PrintUnformatted(state);
		must(printed);
		text_str(out, printed);
		free(printed);
		report_clear(&report);
	}
	must(incident_heads(heads, events, count) <= INCIDENT_AFTER_MAX);
	for (size_t i = 0; i < count; i++) {
		text_format(out, "\n%d %d %s", events[i].id.b[0], events[i].applied,
			    events[i].why ? events[i].why : "");
		incident_event_clear(&events[i]);
	}
	cJSON_Delete(state);
	free(events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text forth, back;

	prepare();
	fold(&forth, data, n, false);
	fold(&back, data, n, true);
	must(forth.length == back.length &&
	     (forth.length == 0 || memcmp(forth.at, back.at, forth.length) == 0));
	text_clear(&forth);
	text_clear(&back);
	return 0;
}
