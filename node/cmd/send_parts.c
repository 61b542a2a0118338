#include "node/cmd/send_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/admin/ask.h"
#include "protocol/admin.h"

/* What fits is one request, whatever it weighs; of what does not, each is smaller. */
enum { ALONE_BYTES = PARTS_HELD_BYTES, REQUEST_BYTES = 16 << 20, ONCE_KEY_BYTES = 16 };

/* Of several requests each has a key of its own; from: its first part. */
static void put_once(struct text *request, const char *words, size_t from)
{
	uint8_t key[ONCE_KEY_BYTES];
	struct text t;

	text_init(&t);
	text_str(&t, words);
	if (from)
		text_format(&t, "\n%zu", from);
	request->bad = request->bad || t.bad;
	if (!t.bad)
		crypto_generichash(key, sizeof key, (const uint8_t *)t.at, t.length, NULL, 0);
	if (!t.bad)
		admin_put_hex(request, "once", key, sizeof key);
	text_clear(&t);
}

static void put_options(struct text *request, const struct sending *s, bool dry_run)
{
	send_put_audience(request, s);
	if (s->use)
		admin_put_string(request, "use", s->use);
	if (s->keep_days)
		admin_put_number(request, "keep_days", s->keep_days);
	if (s->priority)
		admin_put_number(request, "priority", (uint64_t)send_priority(s->priority));
	if (s->exercise)
		admin_put_bool(request, "exercise", true);
	if (s->receipt)
		admin_put_bool(request, "receipt", true);
	if (s->ack_by)
		admin_put_string(request, "ack_by", s->ack_time);
	if (s->no_forward)
		admin_put_bool(request, "no_forward", true);
	if (s->force)
		admin_put_bool(request, "force", true);
	if (dry_run)
		admin_put_bool(request, "dry_run", true);
	else
		client_put_hold(&s->client, request);
}

/* SPEC 8.6: "An import leaves out what the node has said already (9.5, `new`)" */
static bool leaves_out(const struct sending *s)
{
	return s->from_files && !s->known && !s->receipt && !s->ack_by && !s->exercise &&
	       !s->answers && s->level != TLP_RED && cJSON_HasObjectItem(s->who.json, "position");
}

bool parts_many(const struct sending *s)
{
	return s->import.bytes > ALONE_BYTES || s->import.part_count > ADMIN_BUNDLES_MAX;
}

/* Which parts go into the request that begins with this one: up to, not including. */
static size_t request_end(const struct sending *s, size_t from)
{
	const struct import *i = &s->import;
	size_t bytes = 0, to = from;

	if (!parts_many(s))
		return i->part_count;
	for (; to < i->part_count && to - from < ADMIN_BUNDLES_MAX; to++) {
		bytes += i->parts[to].length;
		if (to > from && (bytes > REQUEST_BYTES || i->parts[to].forgot))
			break;
	}
	return to;
}

/* ---- one request ---- */

static int parts_load(struct sending *s, size_t from, size_t n, struct slice *frames, char **owned)
{
	struct report report;
	enum err e = ERR_OK;
	int code = EXIT_DONE;

	for (size_t p = 0; !e && p < n; p++)
		e = import_part(&s->import, from + p, &frames[p], &owned[p]);
	if (!e)
		return EXIT_DONE;
	report_init(&report);
	report_add(&report, "what was read before cannot be read again: %s", err_str(e));
	code = client_refused(s->client.c, s->client.what, &report);
	report_clear(&report);
	return code;
}

static void parts_free(char **owned, size_t n)
{
	if (!owned)
		return;
	for (size_t p = 0; p < n; p++)
		free(owned[p]);
	free(owned);
}

static int request_send(struct sending *s, size_t from, size_t to, bool dry_run,
			const struct sent *before, struct reply *reply)
{
	size_t n = to - from;
	struct slice *frames = calloc(n + 1, sizeof *frames);
	char **owned = calloc(n + 1, sizeof *owned);
	struct text request;
	int code = EXIT_DONE;

	request_init(&request, "share");
	put_options(&request, s, dry_run);
	if (s->once)
		put_once(&request, s->once, from);
	if (leaves_out(s))
		admin_put_number(&request, "new", before->position);
	if (before->first[0])
		admin_put_string(&request, "part_of", before->first);
	request.bad = request.bad || !frames || !owned;
	if (!request.bad && owned)
		code = parts_load(s, from, n, frames, owned);
	if (!code)
		code = client_ask(&s->client, &request, frames, request.bad ? 0 : n, false, reply);
	text_clear(&request);
	parts_free(owned, n);
	free(frames);
	return code;
}

static void sent_add(struct sent *all, const struct reply *reply)
{
	const cJSON *id;

	cJSON_ArrayForEach(id, cJSON_GetObjectItemCaseSensitive(reply->json, "messages"))
	{
		if (!cJSON_IsString(id))
			continue;
		if (!all->first[0])
			snprintf(all->first, sizeof all->first, "%s", id->valuestring);
		text_str(&all->ids, all->ids.length ? "," : "");
		text_json(&all->ids, id->valuestring);
		all->messages++;
	}
	all->objects += (size_t)member_number(reply->json, "objects");
	all->unchanged += (size_t)member_number(reply->json, "unchanged");
	all->forced += (size_t)member_number(reply->json, "forced");
	all->already = all->already ||
		       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply->json, "already"));
	all->held = all->held || *member_text(reply->json, "held");
}

/* ---- all of them ---- */

static int requests(struct sending *s, bool dry_run, struct sent *all,
		    void (*each)(struct sending *s, const struct reply *reply))
{
	const struct import *i = &s->import;
	int code = EXIT_DONE;

	all->position = (uint64_t)member_number(s->who.json, "position");
	for (size_t from = 0, to; !code && from < i->part_count; from = to) {
		struct reply reply;
		to = request_end(s, from);
		progress_show(&s->client.progress, from, i->part_count);
		code = request_send(s, from, to, dry_run, all, &reply);
		if (code)
			break;
		sent_add(all, &reply);
		if (to < i->part_count && i->parts[to].forgot && !dry_run)
			all->position = (uint64_t)member_number(reply.json, "position");
		if (each)
			each(s, &reply);
		reply_clear(&reply);
	}
	progress_end(&s->client.progress);
	return code;
}

int parts_survey(struct sending *s, struct sent *all)
{
	struct report report;
	int code;

	*all = (struct sent){0};
	if (s->client.c->hold) {
		report_init(&report);
		report_add(&report, "that is too much to be held: share it in parts, or without "
				    "--hold");
		code = client_refused(s->client.c, s->client.what, &report);
		report_clear(&report);
		return code;
	}
	text_init(&all->ids);
	code = requests(s, true, all, NULL);
	text_clear(&all->ids);
	return code;
}

/* ---- saying so ---- */

/* What was found in prose is looked at by a person. */
void parts_print_guessed(FILE *out, const struct import *i)
{
	for (size_t p = 0; i->guessed && p < i->part_count; p++) {
		struct slice text;
		char *owned;
		const cJSON *object;
		cJSON *bundle = NULL;

		if (import_part(i, p, &text, &owned) == ERR_OK)
			bundle = cJSON_ParseWithLength(text.at, text.length);
		cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(bundle, "objects"))
		{
			if (strcmp(member_text(object, "type"), "indicator") != 0)
				continue;
			fputs("    ", out);
			print_safe(out, member_text(object, "name"), false);
			fputc('\n', out);
		}
		cJSON_Delete(bundle);
		free(owned);
	}
}

void parts_print_counts(const struct import *i, size_t unchanged)
{
	for (size_t n = 0; n < i->count_count; n++) {
		fprintf(stderr, "    %zu ", i->counts[n].count);
		print_safe(stderr, i->counts[n].what, false);
		fputc('\n', stderr);
	}
	if (unchanged)
		fprintf(stderr, "    %zu said already, and left out\n", unchanged);
	if (i->duplicates > i->unchanged)
		fprintf(stderr, "    %zu met more than once\n", i->duplicates - i->unchanged);
	if (i->rejected_count)
		fprintf(stderr, "    %zu rejected and left out:\n", i->rejected_count);
	for (size_t n = 0; n < i->rejected_count && n < REJECTED_KEPT_MAX; n++) {
		const struct rejected *r = &i->rejected[n];
		fputs("        ", stderr);
		print_safe(stderr, r->input, false);
		fprintf(stderr, ":%zu: %s: ", r->line, r->reason);
		print_safe(stderr, r->text, false);
		fputc('\n', stderr);
	}
}

static void print_json_sent(const struct sending *s, const struct sent *all)
{
	char *audience =
		cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(s->who.json, "audience"));
	struct text t;

	text_init(&t);
	text_format(&t, "{\"messages\":[%s],\"objects\":%zu", all->messages ? all->ids.at : "",
		    all->objects);
	text_format(&t, ",\"audience\":%s", audience ? audience : "[]");
	if (all->unchanged)
		text_format(&t, ",\"unchanged\":%zu", all->unchanged);
	if (s->force)
		text_format(&t, ",\"forced\":%zu", all->forced);
	text_str(&t, "}");
	print_built(&t);
	free(audience);
}

static void print_each(struct sending *s, const struct reply *reply)
{
	if (!client_print_held(&s->client, reply) && s->client.c->json && !parts_many(s))
		client_print_json(reply);
}

static void print_sent(const struct sending *s, const struct sent *all)
{
	const cJSON *readers = cJSON_GetObjectItemCaseSensitive(s->who.json, "readers");
	size_t copies = (size_t)member_number(s->who.json, "copies") * s->import.part_count;

	if (s->dry_run)
		printf("would share %zu object%s in %zu message%s", all->objects,
		       plural(all->objects), copies, plural(copies));
	else
		printf("shared %zu object%s in %zu message%s", all->objects, plural(all->objects),
		       all->messages, plural(all->messages));
	printf(", TLP:%s, to ", tlp_str(s->level));
	who_print_audience(stdout, s->who.json);
	printf(" (%d node%s)\n", cJSON_GetArraySize(readers),
	       plural((size_t)cJSON_GetArraySize(readers)));
	/* As elements of an array: "id","id" */
	for (size_t m = 0; m < all->messages; m++)
		printf("    %.12s\n", all->ids.at + 1 + m * 67);
}

void parts_say(const struct sending *s, const struct sent *all)
{
	bool json = s->client.c->json;

	if (s->dry_run)
		parts_print_guessed(json ? stderr : stdout, &s->import);
	if (json && parts_many(s))
		print_json_sent(s, all);
	if (json)
		return;
	if (all->already && !all->objects)
		printf("sent before, as %s\n", s->once);
	else if (all->unchanged && !all->objects)
		puts("nothing new");
	else
		print_sent(s, all);
	fflush(stdout);
	if (all->forced)
		fprintf(stderr, "%s: %zu of the values are on warning lists\n", s->client.what,
			all->forced);
	parts_print_counts(&s->import, all->unchanged);
}

int parts_send(struct sending *s)
{
	struct sent all = {0};
	int code;

	text_init(&all.ids);
	code = requests(s, s->dry_run, &all, print_each);
	if (code && all.messages)
		fprintf(stderr,
			"%s: %zu objects were shared before that; the same command goes on with "
			"the rest\n",
			s->client.what, all.objects);
	if (!code && !all.held)
		parts_say(s, &all);
	text_clear(&all.ids);
	return code;
}
