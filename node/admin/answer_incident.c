/* incident and incidents: what is known of one, and of all. */
#include "node/admin/answer_incident.h"

#include <string.h>

#include "node/case_file.h"
#include "node/loop.h"

enum { ROOTS_MAX = 2, PREFIX_MIN = 4 };

static bool may_read_red(const struct answer *a)
{
	return rights_allow(node_config(a->node), a->caller, RIGHT_RED);
}

/* The incident that the message opened, or is an event of. */
static enum err root_of_message(struct answer *a, const char *hex, struct message_id *root)
{
	struct log_row row;
	struct header h;
	uint64_t lsn = 0;
	unsigned count = 0;
	enum err e = index_find_prefix(a->index, hex, &lsn, root, &count);

	if (!e && count > 1) {
		report_add(&a->report, "several messages have an id that starts with %s", hex);
		a->advice = "give more digits";
		return ERR_LIMIT;
	}
	if (!e)
		e = log_read(a->log, lsn, &row);
	if (!e && row_header(&row, &h) && !bytes_zero(h.ref.b, MESSAGE_ID_BYTES))
		*root = h.ref;
	return e;
}

static bool hexadecimal(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n >= PREFIX_MIN && n <= 2 * MESSAGE_ID_BYTES && !s[n];
}

static enum err root_named(struct answer *a, const char *name, struct message_id *root)
{
	struct message_id roots[ROOTS_MAX];
	size_t n;
	enum err e = index_incident_numbered(a->index, name, roots, ROOTS_MAX, &n);

	if (e)
		return e;
	if (n > 1) {
		report_add(&a->report, "several incidents have the number %s", name);
		a->advice = "give the id of the message that opened it: khabar incident list";
		return ERR_LIMIT;
	}
	if (n == 1) {
		*root = roots[0];
		return ERR_OK;
	}
	return hexadecimal(name) ? root_of_message(a, name, root) : ERR_NOT_FOUND;
}

enum err answer_case(struct incident_case *c, struct answer *a)
{
	const char *name = admin_string(&a->request, "id");
	struct message_id root;
	enum err e = name ? root_named(a, name, &root) : ERR_FORMAT;

	*c = (struct incident_case){0};
	if (!e)
		e = case_read(c, a->node, a->log, a->index, &root, may_read_red(a));
	a->red_opened += c->red_opened;
	if (e == ERR_NOT_FOUND)
		report_add(&a->report, "no incident \"%s\" is known here", name);
	if (!name)
		report_add(&a->report, "\"id\" is missing: an incident's number, or a message id");
	if (e)
		a->where = "id";
	return e;
}

static void put_json(struct text *t, const char *name, const cJSON *value)
{
	char *printed = value ? cJSON_PrintUnformatted(value) : NULL;

	admin_put_name(t, name);
	text_str(t, printed ? printed : "null");
	cJSON_free(printed);
}

static void clocks_show(struct text *t, const struct incident_case *c, const struct topology *top,
			uint64_t now)
{
	struct incident_clock clocks[INCIDENT_CLOCKS];
	size_t n = c->state && top ? incident_clocks(clocks, c->state, &top->policy) : 0;

	admin_put_name(t, "clocks");
	text_str(t, "[");
	for (size_t i = 0; i < n; i++) {
		bool late = (clocks[i].done ? clocks[i].done : now) > clocks[i].due;
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_string(t, "what", clocks[i].what);
		admin_put_string(t, "by", clocks[i].parents ? "parents" : "owner");
		admin_put_time(t, "due", clocks[i].due);
		admin_put_time(t, "done", clocks[i].done);
		admin_put_bool(t, "late", late);
		text_str(t, "}");
	}
	text_str(t, "]");
}

/* What list shows of it, too: one line is enough for a watch. */
static void case_show(struct text *t, const struct answer *a, const struct incident_case *c)
{
	static const char *const shown[] = {
		"title",    "status", "severity", "class",         "type",
		"owner",    "opener", "offered",  "assignee",      "critical_infrastructure",
		"exercise", "opened", "aware",    "determination", "parties"};

	admin_put_hex(t, "id", c->root.b, MESSAGE_ID_BYTES);
	admin_put_string(t, "number", c->state ? incident_text(c->state, "number") : NULL);
	for (size_t i = 0; c->state && i < sizeof shown / sizeof *shown; i++)
		put_json(t, shown[i], cJSON_GetObjectItemCaseSensitive(c->state, shown[i]));
	admin_put_string(t, "tlp", tlp_str(c->tlp));
	admin_put_number(t, "events", c->count);
	admin_put_number(t, "hidden", c->hidden);
	clocks_show(t, c, versions_newest(node_versions(a->node)), clock_wall());
}

static void event_show(struct text *t, const struct answer *a, const struct incident_event *e)
{
	static const char *const words[] = {"text", "stage", "set", "parties", "party"};
	char name[PARTY_TEXT_BYTES];

	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_hex(t, "message", e->id.b, MESSAGE_ID_BYTES);
	admin_put_time(t, "at", e->created);
	admin_put_string(t, "node", answer_party(a, name, &e->origin));
	admin_put_string(t, "as", *e->as_role ? e->as_role : NULL);
	admin_put_string(t, "action", incident_action_str(e->action));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const cJSON *word = cJSON_GetObjectItemCaseSensitive(e->said, words[i]);
		if (word)
			put_json(t, words[i], word);
	}
	admin_put_bool(t, "counts", e->applied);
	admin_put_string(t, "why", e->why);
	text_str(t, "}");
}

enum err answer_incident(struct answer *a)
{
	struct incident_case c = {0};
	struct text *t = &a->reply;
	enum err e = answer_catch_up(a);

	if (!e)
		e = answer_case(&c, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e) {
		case_show(t, a, &c);
		put_json(t, "state", c.state);
		admin_put_name(t, "said");
		text_str(t, "[");
		for (size_t i = 0; i < c.count; i++)
			event_show(t, a, &c.events[i]);
		text_str(t, "]");
		admin_put_number(t, "surplus", c.surplus);
	}
	case_clear(&c);
	return e;
}

/* SPEC 8.10: "Whoever has the file can read what is in it" */
enum err answer_incident_export(struct answer *a)
{
	struct incident_case c = {0};
	struct text file;
	enum err e = answer_catch_up(a);

	text_init(&file);
	if (!e)
		e = answer_case(&c, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	if (!e)
		e = case_file_write(&file, a->node, a->log, &c, &a->report);
	if (!e) {
		const char *number = c.state ? incident_text(c.state, "number") : "";
		admin_put_hex(&a->reply, "id", c.root.b, MESSAGE_ID_BYTES);
		admin_put_string(&a->reply, "number", number);
		admin_put_string(&a->reply, "tlp", tlp_str(c.tlp));
		admin_put_number(&a->reply, "messages", c.count);
		text_str(&a->summary, "{");
		admin_put_string(&a->summary, "incident", number);
		admin_put_number(&a->summary, "messages", c.count);
		text_str(&a->summary, "}");
		a->frame = (uint8_t *)file.at;
		a->frame_length = file.length;
		text_init(&file);
	}
	text_clear(&file);
	case_clear(&c);
	return e;
}

/* ---- all of them ---- */

static bool wanted(const struct incident_case *c, bool open, const char *owner)
{
	if (!c->state)
		return !open && !owner;
	if (open && incident_closed(c->state))
		return false;
	return !owner || strcmp(incident_text(c->state, "owner"), owner) == 0;
}

enum err answer_incidents(struct answer *a)
{
	bool open = admin_flag(&a->request, "open");
	const char *owner = admin_string(&a->request, "owner");
	struct message_id root = {{0}};
	struct incident_case c;
	struct page page;
	enum err e = answer_catch_up(a);

	page_open(&page, a);
	if (!e && (!admin_request_done(&a->request) || !answer_no_frames(a)))
		e = ERR_FORMAT;
	for (uint64_t i = 0; !e && !page_full(&page); i++) {
		e = index_incident_next(a->index, &root);
		if (e)
			break;
		if (i < page.at)
			continue;
		page.at = i + 1;
		e = case_read(&c, a->node, a->log, a->index, &root, may_read_red(a));
		/* Nothing of it is to be seen. */
		if (e == ERR_NOT_FOUND) {
			e = ERR_OK;
			continue;
		}
		if (e)
			break;
		a->red_opened += c.red_opened;
		if (wanted(&c, open, owner)) {
			struct text *t = page_line(&page);
			text_str(t, "{");
			case_show(t, a, &c);
			text_str(t, "}");
		}
		case_clear(&c);
	}
	if (e == ERR_NOT_FOUND) {
		page.ended = true;
		e = ERR_OK;
	}
	page_close(&page, false);
	return e;
}
