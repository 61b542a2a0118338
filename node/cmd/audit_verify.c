/* khabar audit verify: every row against the one before, the last against what the log says is the
 * last, and all against what this node has told others, who hand it back where it is not here any
 * more. */
#include <stdlib.h>
#include <string.h>

#include "node/cmd/audit.h"
#include "node/cmd/client.h"
#include "protocol/admin.h"

enum { FAULTS_MAX = 20 };

struct row_hash {
	char hex[2 * HASH_BYTES + 1];
};

struct told {
	double number;
	struct row_hash hash;
	char of[160]; /* who says so */
};

struct verifying {
	struct row_hash *rows; /* owned; of number i + 1 */
	size_t count, room;
	size_t unchained;  /* from before there was a chain */
	struct told *told; /* owned */
	size_t told_count, told_room;
	size_t faults;
	bool bad; /* memory is short */
	struct report report;
};

/* One more of size bytes: NULL when memory is short. */
static void *grow(void *list, size_t count, size_t *room, size_t size)
{
	void *grown = list;

	if (count == *room) {
		*room = *room ? 2 * *room : 256;
		grown = realloc(list, *room * size);
	}
	return grown;
}

static void fault(struct verifying *v, const char *words)
{
	if (v->faults++ < FAULTS_MAX)
		report_add(&v->report, "%s", words);
}

static void hash_take(struct row_hash *out, const cJSON *json, const char *name)
{
	snprintf(out->hex, sizeof out->hex, "%.64s", member_text(json, name));
}

static void told_add(struct verifying *v, const struct told *told)
{
	struct told *grown = grow(v->told, v->told_count, &v->told_room, sizeof *grown);

	if (grown) {
		v->told = grown;
		v->told[v->told_count++] = *told;
	}
	v->bad = v->bad || !grown;
}

static void row_take(struct verifying *v, const cJSON *line)
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	const char *before = v->rows ? v->rows[v->count - 1].hex : zeros;
	double number = member_number(line, "number");
	struct row_hash *grown;
	char words[200];

	if (number == 0 && v->count == 0) {
		v->unchained++;
		return;
	}
	if (number != (double)v->count + 1 || strcmp(member_text(line, "before"), before) != 0) {
		snprintf(words, sizeof words,
			 "behind row %zu comes one of %.19sZ that does not follow it (number %.0f)",
			 v->count, member_text(line, "time"), number);
		fault(v, words);
	}
	grown = grow(v->rows, v->count, &v->room, sizeof *grown);
	if (grown) {
		v->rows = grown;
		hash_take(&v->rows[v->count++], line, "hash");
	}
	v->bad = v->bad || !grown;
}

static void line_take(struct verifying *v, const cJSON *line)
{
	const cJSON *told = cJSON_GetObjectItemCaseSensitive(line, "told");
	struct told t;
	char words[200];

	if (cJSON_IsObject(told)) {
		t.number = member_number(told, "number");
		hash_take(&t.hash, told, "hash");
		snprintf(t.of, sizeof t.of, "this node has told everyone in message %.12s",
			 member_text(line, "message"));
		told_add(v, &t);
	} else if (member_number(line, "damaged") > 0) {
		snprintf(words, sizeof words, "position %.0f of the log is damaged",
			 member_number(line, "damaged"));
		fault(v, words);
	} else {
		row_take(v, line);
	}
}

/* All pages, and of the last what is the head. */
static int rows_read(struct verifying *v, struct client *client, struct told *head)
{
	double after = -1;
	int code = EXIT_DONE;

	while (!code && !v->bad && after != 0) {
		struct text request;
		struct reply reply;
		const cJSON *line, *last, *next;
		request_init(&request, "audit");
		admin_put_bool(&request, "told", true);
		if (after > 0)
			admin_put_number(&request, "after", (uint64_t)after);
		code = client_ask(client, &request, NULL, 0, false, &reply);
		text_clear(&request);
		if (code)
			break;
		cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply.json, "lines"))
			line_take(v, line);
		last = cJSON_GetObjectItemCaseSensitive(reply.json, "head");
		head->number = member_number(last, "number");
		hash_take(&head->hash, last, "hash");
		next = cJSON_GetObjectItemCaseSensitive(reply.json, "next");
		after = cJSON_IsNumber(next) ? next->valuedouble : 0;
		reply_clear(&reply);
	}
	return code;
}

static void told_compare(struct verifying *v, const struct told *t)
{
	char words[400];

	if (t->number < 1 || t->number > (double)v->count)
		snprintf(words, sizeof words,
			 "%s that there are %.0f rows, and %zu are here: the end is missing", t->of,
			 t->number, v->count);
	else if (strcmp(v->rows[(size_t)t->number - 1].hex, t->hash.hex) != 0)
		snprintf(words, sizeof words, "row %.0f is not the one of which %s", t->number,
			 t->of);
	else
		return;
	fault(v, words);
}

static void compare(struct verifying *v, struct told *head)
{
	snprintf(head->of, sizeof head->of, "the log says");
	if (head->number > 0 || v->count > 0)
		told_compare(v, head);
	if (head->number > 0 && head->number < (double)v->count)
		fault(v, "there are rows behind the last that the log knows of");
	for (size_t i = 0; i < v->told_count; i++)
		told_compare(v, &v->told[i]);
}

static void print_good(const struct cmd_context *c, const struct verifying *v)
{
	struct text t;

	if (!c->json) {
		printf("the audit is whole: %zu rows in one chain", v->count);
		if (v->unchained)
			printf(", and %zu from before there was one", v->unchained);
		printf("; compared with what was told of it %zu times\n", v->told_count);
		return;
	}
	text_init(&t);
	text_str(&t, "{");
	admin_put_number(&t, "rows", v->count);
	admin_put_string(&t, "hash", v->count ? v->rows[v->count - 1].hex : NULL);
	admin_put_number(&t, "unchained", v->unchained);
	admin_put_number(&t, "told", v->told_count);
	text_str(&t, "}");
	print_built(&t);
}

/* "NUMBER:HASH" */
static bool head_read(struct told *out, const char *text)
{
	char *end;
	uint8_t hash[HASH_BYTES];

	out->number = (double)strtoull(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || *end != ':' || !hex_decode(hash, HASH_BYTES, end + 1))
		return false;
	hex_encode(out->hash.hex, hash, HASH_BYTES);
	snprintf(out->of, sizeof out->of, "--head says");
	return true;
}

int audit_verify(const struct cmd_context *c, const char *head)
{
	struct verifying v = {0};
	struct told known, last = {0};
	struct client client;
	int code;

	if (head && !head_read(&known, head))
		return cmd_misused("khabar audit verify",
				   "--head: NUMBER:HASH is wanted, as khabar audit heads of "
				   "another node has it");
	report_init(&v.report);
	if (head)
		told_add(&v, &known);
	code = client_open(&client, c, "khabar audit verify");
	if (!code)
		code = rows_read(&v, &client, &last);
	client_close(&client);
	if (!code && v.bad)
		fault(&v, "memory is short");
	if (!code && !v.bad)
		compare(&v, &last);
	if (!code && v.faults)
		code = client_refused(c, "khabar audit verify", &v.report);
	else if (!code)
		print_good(c, &v);
	report_clear(&v.report);
	free(v.rows);
	free(v.told);
	return code;
}
