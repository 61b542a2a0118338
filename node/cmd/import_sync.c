#include "node/cmd/import_sync.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/loop.h"
#include "protocol/admin.h"

static const char what[] = "khabar import";

enum {
	AT_ONCE = 500,
	GUARDED_MIN = 10,
	ID_PREFIX = sizeof "indicator--" - 1,
	UUID_LENGTH = 36,
	UUID_BYTES = 16,
	MINUTE_MS = 60000,
};

static int refuse(const struct sending *s, const char *words, const char *name)
{
	struct report report;
	int code;

	report_init(&report);
	report_add(&report, words, name);
	code = client_refused(s->client.c, what, &report);
	report_clear(&report);
	return code;
}

/* ---- what was shared ---- */

static bool uuid_pack(uint8_t out[UUID_BYTES], const char *uuid)
{
	char digits[2 * UUID_BYTES + 1];
	size_t n = 0;

	for (; *uuid && n < 2 * UUID_BYTES; uuid++)
		if (*uuid != '-')
			digits[n++] = *uuid;
	digits[n] = '\0';
	return !*uuid && hex_decode(out, UUID_BYTES, digits);
}

static void id_write(char out[ID_PREFIX + UUID_LENGTH + 1], const uint8_t uuid[UUID_BYTES])
{
	char h[2 * UUID_BYTES + 1];

	hex_encode(h, uuid, UUID_BYTES);
	snprintf(out, ID_PREFIX + UUID_LENGTH + 1, "indicator--%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8,
		 h + 12, h + 16, h + 20);
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct sync_entry *)a)->uuid, ((const struct sync_entry *)b)->uuid,
		      UUID_BYTES);
}

/* Half of its time is still ahead: it need not be said again. */
static bool known(void *arg, const char *uuid, uint64_t until)
{
	struct sync *y = arg;
	struct sync_entry key, *e;
	uint64_t now = clock_wall(), there;

	if (!y->count || !uuid_pack(key.uuid, uuid))
		return false;
	e = bsearch(&key, y->entries, y->count, sizeof key, compare);
	if (!e)
		return false;
	e->met = true;
	there = (uint64_t)e->until * MINUTE_MS;
	return there > now && until > now && 2 * (there - now) >= until - now;
}

int sync_begin(struct sync *y, struct sending *s, const struct cmd_context *c)
{
	const char *f = s->format;

	if (y->shrink && !y->name)
		return cmd_misused(what, "--shrink goes with --sync");
	if (!y->name)
		return EXIT_DONE;
	if (!name_valid(y->name))
		return cmd_misused(what, "--sync %s: a name of 1 to 31 of a-z, 0-9 and -", y->name);
	if (s->exercise || (s->tlp && strcasecmp(s->tlp, "red") == 0))
		return cmd_misused(what, "--sync is neither for exercises nor for TLP:RED");
	/* What waits is not said yet, and would be said again next time. */
	if (c->hold)
		return cmd_misused(what, "--sync and --hold do not go together");
	if (f && (strcmp(f, "stix") == 0 || strcmp(f, "misp") == 0))
		return cmd_misused(what, "--sync is for values, not for --format %s", f);
	if (s->labels.count == OPTION_LIST_MAX)
		return cmd_misused(what, "--sync needs one of the %d labels", OPTION_LIST_MAX);
	snprintf(y->label, sizeof y->label, "sync:%s", y->name);
	s->labels.items[s->labels.count++] = y->label;
	s->known = known;
	s->known_arg = y;
	s->list = y->name;
	return EXIT_DONE;
}

static bool entry_add(struct sync *y, const cJSON *line)
{
	const char *id = member_text(line, "object");
	struct sync_entry *grown;
	uint64_t until = 0;

	if (strcmp(member_text(line, "type"), "indicator") != 0 ||
	    strlen(id) != ID_PREFIX + UUID_LENGTH)
		return true;
	if (y->count == y->room) {
		y->room = y->room ? y->room + y->room / 2 : 1024;
		grown = realloc(y->entries, y->room * sizeof *grown);
		if (!grown)
			return false;
		y->entries = grown;
	}
	grown = &y->entries[y->count];
	if (!uuid_pack(grown->uuid, id + ID_PREFIX))
		return true;
	(void)time_parse(&until, member_text(line, "valid_until"));
	grown->until = (uint32_t)(until / MINUTE_MS) & INT32_MAX;
	grown->met = false;
	y->count++;
	snprintf(y->message, sizeof y->message, "%s", member_text(line, "message"));
	return true;
}

/* A page; what was said otherwise than it would be said now is another list. */
static int page_take(void *arg, struct sending *s, const struct reply *reply)
{
	struct sync *y = arg;
	const char *use = s->use ? s->use : "detect";
	const cJSON *line;

	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(reply->json, "lines"))
	{
		if (strcmp(member_text(line, "tlp"), tlp_str(s->level)) != 0 ||
		    strcmp(member_text(line, "use"), use) != 0)
			return refuse(s,
				      "%s was shared with another --tlp or --use: take another "
				      "name, or withdraw it",
				      y->name);
		if (!entry_add(y, line))
			return refuse(s, "%s: not enough memory", y->name);
	}
	return EXIT_DONE;
}

/* Are all of these but ourselves among those? */
static bool within(const cJSON *these, const cJSON *those, const char *self)
{
	const cJSON *a, *b;

	cJSON_ArrayForEach(a, these)
	{
		const char *name = cJSON_IsString(a) ? a->valuestring : "";
		bool found = strcmp(name, self) == 0;

		cJSON_ArrayForEach(b, those)
		{
			found = found || (cJSON_IsString(b) && strcmp(b->valuestring, name) == 0);
		}
		if (!found)
			return false;
	}
	return true;
}

/* Who was told last time is who will be told now. */
static int audience_check(struct sync *y, struct sending *s)
{
	const cJSON *now = cJSON_GetObjectItemCaseSensitive(s->who.json, "audience"), *then;
	const char *self = member_text(s->who.json, "node");
	struct text request;
	struct reply reply;
	bool same;
	int code;

	if (y->count == 0 || member_number(s->who.json, "copies") > 1)
		return EXIT_DONE;
	request_init(&request, "show");
	admin_put_string(&request, "id", y->message);
	code = client_ask(&s->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (code)
		return code;
	then = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(reply.json, "message"), "to");
	same = within(now, then, self) && within(then, now, self);
	reply_clear(&reply);
	return same ? EXIT_DONE
		    : refuse(s,
			     "%s was shared with others than --to says: take another name, or "
			     "withdraw it",
			     y->name);
}

int sync_ask(struct sync *y, struct sending *s)
{
	int code = y->name ? send_labelled(s, y->label, page_take, y) : EXIT_DONE;

	if (!code && y->name)
		code = audience_check(y, s);
	if (!code && y->count)
		qsort(y->entries, y->count, sizeof *y->entries, compare);
	return code;
}

int sync_compare(struct sync *y, struct sending *s)
{
	if (!y->name)
		return EXIT_DONE;
	if (s->import.foreign)
		return refuse(s, "%s: bundles and events cannot be shared with --sync", y->name);
	for (size_t e = 0; e < y->count; e++)
		y->leaving += !y->entries[e].met;
	s->leaving = y->leaving;
	if (!y->shrink && y->count >= GUARDED_MIN && 2 * y->leaving > y->count)
		return refuse(s,
			      "more than half of %s would go, and nothing was sent; where it is "
			      "meant say --shrink",
			      y->name);
	return EXIT_DONE;
}

static int revoke(struct sync *y, struct sending *s, size_t *at)
{
	struct text request;
	struct reply reply;
	size_t n = 0;
	int code = EXIT_DONE;

	request_init(&request, "withdraw");
	admin_put_string(&request, "because", "wrong");
	admin_put_name(&request, "objects");
	text_str(&request, "[");
	for (; *at < y->count && n < AT_ONCE; (*at)++) {
		char id[ID_PREFIX + UUID_LENGTH + 1];
		if (y->entries[*at].met)
			continue;
		id_write(id, y->entries[*at].uuid);
		admin_put_string(&request, NULL, id);
		n++;
	}
	text_str(&request, "]");
	if (s->dry_run)
		admin_put_bool(&request, "dry_run", true);
	if (n > 0)
		code = client_ask(&s->client, &request, NULL, 0, false, &reply);
	text_clear(&request);
	if (n == 0 || code)
		return code;
	y->gone += (size_t)member_number(reply.json, "objects");
	reply_clear(&reply);
	return EXIT_DONE;
}

int sync_finish(struct sync *y, struct sending *s)
{
	int code = EXIT_DONE;

	if (!y->name)
		return EXIT_DONE;
	for (size_t at = 0; !code && at < y->count;)
		code = revoke(y, s, &at);
	if (code)
		return code;
	if (s->client.c->json)
		printf("{\"sync\":\"%s\",\"unchanged\":%zu,\"withdrawn\":%zu}\n", y->name,
		       s->import.unchanged, y->gone);
	else
		printf("%zu unchanged, %s%zu withdrawn\n", s->import.unchanged,
		       s->dry_run ? "would be " : "", y->gone);
	return EXIT_DONE;
}

void sync_clear(struct sync *y)
{
	free(y->entries);
}
