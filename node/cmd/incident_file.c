/* khabar incident export, and verify of what it wrote: that needs no node. */
#include <stdlib.h>
#include <string.h>

#include "node/case_file.h"
#include "node/cmd/incident.h"
#include "node/cmd/verify.h"
#include "node/file.h"
#include "protocol/admin.h"
#include "protocol/council.h"

int incident_export(struct incident_call *call)
{
	struct client client;
	struct text request;
	struct reply reply;
	struct report report;
	bool out = call->o.out && strcmp(call->o.out, "-") == 0;
	int code;

	if (call->argc != 1 || !call->o.out)
		return cmd_misused(call->what, "one incident, and --out FILE, are wanted");
	code = client_open(&client, call->c, call->what);
	request_init(&request, "incident-export");
	admin_put_string(&request, "id", call->argv[0]);
	if (!code)
		code = client_ask(&client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	client_close(&client);
	if (code)
		return code;
	report_init(&report);
	if (file_write(out ? NULL : call->o.out, (const char *)reply.frame, reply.frame_length,
		       &report))
		code = client_refused(call->c, call->what, &report);
	else if (!out && call->c->json)
		client_print_json(&reply);
	else if (!out)
		printf("%s: %.0f messages of %s, TLP:%s; who has the file can read them\n",
		       call->o.out, member_number(reply.json, "messages"),
		       member_text(reply.json, "number"), member_text(reply.json, "tlp"));
	report_clear(&report);
	reply_clear(&reply);
	return code;
}

/* ---- verify ---- */

/* The first version that the file brings is the one that the reader has from elsewhere. */
static bool is_pinned(const struct verify_pin *pin, const struct hash *h, struct report *report)
{
	uint8_t start[WORDS_HASH_BYTES];
	struct hash wanted;

	if (pin->words) {
		if (council_words_read(start, pin->words, report))
			return false;
		if (memcmp(start, h->b, sizeof start) == 0)
			return true;
	} else if (pin->hash) {
		if (hex_decode(wanted.b, sizeof wanted.b, pin->hash) && hash_equal(&wanted, h))
			return true;
	} else {
		return true;
	}
	report_add(report, "it begins with another topology than the one that you name");
	return false;
}

static void print_json_of(const struct case_file *f, const char *words)
{
	const struct topology *first = chain_oldest(&f->chain);
	char *state = f->c.state ? cJSON_PrintUnformatted(f->c.state) : NULL;
	struct text t;

	text_init(&t);
	text_str(&t, "{");
	admin_put_hex(&t, "id", f->c.root.b, MESSAGE_ID_BYTES);
	admin_put_string(&t, "federation", first->name);
	admin_put_string(&t, "by", f->by->name);
	admin_put_hex(&t, "topology", first->hash.b, HASH_BYTES);
	admin_put_string(&t, "words", words);
	admin_put_string(&t, "tlp", tlp_str(f->c.tlp));
	admin_put_number(&t, "messages", f->c.count);
	admin_put_name(&t, "state");
	text_str(&t, state ? state : "null");
	text_str(&t, "}");
	print_built(&t);
	cJSON_free(state);
}

static void print_case(const struct case_file *f, const char *words, bool pinned)
{
	const struct topology *first = chain_oldest(&f->chain);

	printf("the file of %s ", f->c.state ? incident_text(f->c.state, "number") : "an incident");
	printf("was written by %s; its %zu messages are as their authors signed them\n",
	       f->by->name, f->c.count);
	if (!pinned)
		printf("if these are the words of topology version %u of ", first->version);
	else
		printf("under topology version %u of ", first->version);
	print_safe(stdout, first->name, false);
	printf(":\n    %s\n", words);
	if (f->c.state) {
		print_safe(stdout, incident_text(f->c.state, "title"), false);
		printf("\n    %s, severity %s, owner %s\n", incident_text(f->c.state, "status"),
		       incident_text(f->c.state, "severity"), incident_text(f->c.state, "owner"));
	}
	for (size_t i = 0; i < f->c.count; i++) {
		const struct incident_event *e = &f->c.events[i];
		const struct party *p = topology_party_by_id(chain_newest(&f->chain), &e->origin);
		char at[TIME_BYTES];
		printf("    %s  %s%s%s  %s", time_format(at, e->created), p ? p->name : "?",
		       *e->as_role ? " as " : "", e->as_role, incident_action_str(e->action));
		incident_print_said(e->said);
		printf("%s%s%s\n", e->applied ? "" : "  [does not count: ", e->why ? e->why : "",
		       e->applied ? "" : "]");
	}
}

int verify_case(const struct cmd_context *c, const char *what, const struct verify_pin *pin,
		const void *bytes, size_t n)
{
	struct report report;
	struct case_file f;
	char words[2 * WORDS_BYTES];
	int code = EXIT_DONE;
	enum err e;

	report_init(&report);
	e = case_file_read(&f, bytes, n, &report);
	if (e && report.count == 0)
		report_add(&report, "%s", err_str(e));
	if (!e && !is_pinned(pin, &chain_oldest(&f.chain)->hash, &report)) {
		case_file_clear(&f);
		e = ERR_HASH;
	}
	if (e) {
		code = client_refused(c, what, &report);
	} else {
		council_words(words, sizeof words, &chain_oldest(&f.chain)->hash);
		if (c->json)
			print_json_of(&f, words);
		else
			print_case(&f, words, pin->words || pin->hash);
		case_file_clear(&f);
	}
	report_clear(&report);
	return code;
}
