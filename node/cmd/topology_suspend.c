/* khabar topology suspend: the text of a suspension, for members of the council to sign. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cmd/client.h"
#include "node/cmd/options.h"
#include "node/cmd/topology_file.h"
#include "node/loop.h"
#include "protocol/suspension.h"

static const char what[] = "khabar topology suspend";

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS, UNTIL_DAYS = 3, KEYS_TEXT_BYTES = 512 };

struct wish {
	const char *from, *until, *because, *topology, *out;
	struct option_list keys;
	unsigned long serial; /* 0: one more than the node's */
	bool lift;
	char **nodes;
	size_t node_count;
	const char *where; /* what a refusal is about: the file that was read, or the command */
};

/* A time, or how long after `from`: "36h", "14d". */
static bool until_read(uint64_t *ms, const char *text, uint64_t from)
{
	char *end;
	unsigned long n;

	if (time_parse(ms, text))
		return true;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || n > 1000 ||
	    (strcmp(end, "h") != 0 && strcmp(end, "d") != 0))
		return false;
	*ms = from + n * (uint64_t)(*end == 'h' ? HOUR_MS : DAY_MS);
	return true;
}

/* The serial after that of the suspension that counts for the node of this home; 0 when nobody
 * answers there. */
static unsigned long next_serial(const struct cmd_context *c)
{
	struct client client;
	struct text request;
	struct reply reply;
	unsigned long serial = 0;

	if (!client_node_runs(c))
		return 0;
	request_init(&request, "status");
	if (!client_open(&client, c, what) &&
	    !client_ask(&client, &request, NULL, 0, false, &reply)) {
		const cJSON *s = cJSON_GetObjectItemCaseSensitive(reply.json, "suspension");
		serial = (unsigned long)member_number(s, "serial") + 1;
		reply_clear(&reply);
	}
	client_close(&client);
	text_clear(&request);
	return serial;
}

static void write_nodes(struct text *t, const struct wish *w)
{
	char keys[KEYS_TEXT_BYTES] = "";

	for (size_t i = 0; i < w->keys.count; i++) {
		size_t used = strlen(keys);
		snprintf(keys + used, sizeof keys - used, "%s%s", i ? " " : "", w->keys.items[i]);
	}
	if (w->node_count)
		text_str(t, "\nnode\n");
	for (size_t i = 0; i < w->node_count; i++) {
		text_format(t, "    %s\n", w->nodes[i]);
		if (w->keys.count)
			text_format(t, "        sign = \"%s\"\n", keys);
		if (w->because)
			text_format(t, "        because = %c%s%c\n",
				    strchr(w->because, '"') ? '\'' : '"', w->because,
				    strchr(w->because, '"') ? '\'' : '"');
	}
}

static enum err write_text(struct text *t, const struct wish *w, const struct topology *topology,
			   struct report *report)
{
	char hex[2 * HASH_BYTES + 1], time[TIME_BYTES];
	uint64_t from = clock_wall() / 1000 * 1000, until = from + UNTIL_DAYS * (uint64_t)DAY_MS;

	if (w->from && !time_parse(&from, w->from)) {
		report_add(report, "--from %s: a time like 2026-11-22T01:00:00Z is wanted",
			   w->from);
		return ERR_FORMAT;
	}
	if (w->until && !until_read(&until, w->until, from)) {
		report_add(report,
			   "--until %s: a time like 2026-11-22T01:00:00Z is wanted, or 36h, or 14d",
			   w->until);
		return ERR_FORMAT;
	}
	text_format(t, "suspension\n    network = %s\n",
		    hex_encode(hex, topology->network.b, NETWORK_ID_BYTES));
	text_format(t, "    topology = %s\n", hex_encode(hex, topology->hash.b, HASH_BYTES));
	text_format(t, "    serial = %lu\n", w->serial);
	text_format(t, "    from = \"%s\"\n", time_format(time, from));
	text_format(t, "    until = \"%s\"\n", time_format(time, until));
	write_nodes(t, w);
	return t->bad ? ERR_MEMORY : ERR_OK;
}

/* What is written must be what everybody will read. */
static enum err check_text(const struct text *t, const struct topology *topology,
			   struct report *report)
{
	struct suspension *s;
	enum err e = suspension_parse(&s, t->at, t->length, report);

	if (!e)
		e = suspension_bind(s, topology, report);
	suspension_free(s);
	return e;
}

static bool read_wish(struct wish *w, int argc, char **argv)
{
	const struct option_rule rules[] = {
		{"from", OPTION_TEXT, &w->from, 0, 0},
		{"until", OPTION_TEXT, &w->until, 0, 0},
		{"because", OPTION_TEXT, &w->because, 0, 0},
		{"key", OPTION_LIST, &w->keys, 0, 0},
		{"serial", OPTION_NUMBER, &w->serial, 1, UINT32_MAX},
		{"topology", OPTION_TEXT, &w->topology, 0, 0},
		{"lift", OPTION_FLAG, &w->lift, 0, 0},
		{"output", OPTION_TEXT, &w->out, 0, 0},
	};
	int first;

	if (options_read(what, rules, sizeof rules / sizeof *rules, argc, argv, &first))
		return false;
	w->nodes = argv + first;
	w->node_count = (size_t)(argc - first);
	if (w->lift == (w->node_count > 0)) {
		cmd_misused(what, "the nodes to suspend are wanted, or --lift and none");
		return false;
	}
	return true;
}

static void print_done(const struct cmd_context *c, const struct wish *w, const struct topology *t)
{
	if (c->json && w->out)
		printf("{\"serial\":%lu,\"topology\":%" PRIu32 "}\n", w->serial, t->version);
	else
		fprintf(stderr,
			"suspension %lu: %u of %zu members must sign it, then khabar "
			"topology assemble\n",
			w->serial, t->council.suspension, t->council.member_count);
}

static enum err make(const struct cmd_context *c, struct wish *w, struct report *report)
{
	struct loaded in_force;
	struct text text;
	enum err e = w->topology ? loaded_read(&in_force, w->topology, report)
				 : loaded_in_force(&in_force, c, report);

	text_init(&text);
	w->where = e && w->topology ? w->topology : what;
	if (!e && !w->serial)
		w->serial = next_serial(c);
	if (!e && !w->serial) {
		report_add(report, "the node of this home does not run, and only it knows the last "
				   "serial: give --serial");
		e = ERR_STATE;
	}
	if (!e)
		e = write_text(&text, w, in_force.t, report);
	if (!e)
		e = check_text(&text, in_force.t, report);
	if (!e)
		e = file_write(w->out, text.at, text.length, report);
	if (!e)
		print_done(c, w, in_force.t);
	text_clear(&text);
	loaded_clear(&in_force);
	return e;
}

int topology_suspend(const struct cmd_context *c, int argc, char **argv)
{
	struct wish w = {0};
	struct report report;
	enum err e;
	int code = EXIT_DONE;

	if (!read_wish(&w, argc, argv))
		return EXIT_USAGE;
	report_init(&report);
	e = make(c, &w, &report);
	if (e)
		code = topology_refused(c, w.where, e, &report);
	report_clear(&report);
	return code;
}
