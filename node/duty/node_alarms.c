/* Sees alarms begin and end, and remembers what was told of them. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/duty/alarms.h"
#include "node/duty/warnings.h"
#include "node/node_parts.h"
#include "node/remembered.h"
#include "node/say.h"
#include "protocol/admin.h"
#include "protocol/bytes.h"

enum {
	LOOK_MS = 2000,
	/* What stood before a start may need so long to be seen again. */
	GRACE_MS = 2 * 60 * 1000,
	VALUE_MAX_BYTES = 1 << 20,
};

static const char value_name[] = "alarms";

struct alarm_book {
	pthread_mutex_t lock; /* of what follows */
	bool loaded;
	bool dirty; /* the log does not hold it yet */
	struct alarm alarms[ALARMS_MAX];
	size_t count;
	struct alarm_event events[ALARM_EVENTS_MAX]; /* the oldest first */
	size_t event_count;
	uint64_t last, told; /* numbers */
	uint64_t audited;    /* the same: the audit has the events up to there */
	char failed[ALARM_FAILED_BYTES];
	uint64_t next, begun; /* mono ms: to be looked at again; the first look */
};

const char *alarm_kind_str(enum alarm_kind kind)
{
	static const char *const words[ALARM_KINDS] = {"raised", "over", "test"};

	return words[kind];
}

struct alarm_book *alarm_book_new(void)
{
	struct alarm_book *b = calloc(1, sizeof *b);

	if (b)
		pthread_mutex_init(&b->lock, NULL);
	return b;
}

void alarm_book_free(struct alarm_book *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* ---- what happens; the caller holds the lock ---- */

static void event_add(struct alarm_book *b, enum alarm_kind kind, const char *text)
{
	struct alarm_event *e;

	if (b->event_count == ALARM_EVENTS_MAX)
		memmove(b->events, b->events + 1, --b->event_count * sizeof *b->events);
	e = &b->events[b->event_count++];
	*e = (struct alarm_event){.number = ++b->last, .at = clock_wall(), .kind = kind};
	snprintf(e->text, sizeof e->text, "%s", text);
	b->dirty = true;
}

/* Words that are numbers alone change while an alarm stays what it is. */
static void key_of(uint8_t key[16], const char *text)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 16);
	while (*text) {
		size_t n = strcspn(text, " "), digits = strspn(text, "0123456789.,:;+-");
		if (digits < n)
			crypto_generichash_update(&state, (const uint8_t *)text, n);
		crypto_generichash_update(&state, (const uint8_t *)" ", 1);
		text += n + (text[n] == ' ');
	}
	crypto_generichash_final(&state, key, 16);
}

static void see(struct alarm_book *b, const char *text)
{
	struct alarm *a;
	uint8_t key[16];
	size_t i = 0;

	key_of(key, text);
	while (i < b->count && memcmp(b->alarms[i].key, key, sizeof key) != 0)
		i++;
	if (i == ALARMS_MAX)
		return;
	a = &b->alarms[i];
	if (i == b->count) {
		*a = (struct alarm){.since = clock_wall()};
		memcpy(a->key, key, sizeof key);
		b->count++;
		event_add(b, ALARM_RAISED, text);
		say(LEVEL_INFO, "alarm: %s", text);
	}
	snprintf(a->text, sizeof a->text, "%s", text);
	a->seen = a->stands = true;
}

static void see_all(struct alarm_book *b, const cJSON *warnings, uint64_t now)
{
	const cJSON *text;
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++)
		b->alarms[i].stands = false;
	cJSON_ArrayForEach(text, warnings)
	{
		if (cJSON_IsString(text))
			see(b, text->valuestring);
	}
	for (size_t i = 0; i < b->count; i++) {
		struct alarm *a = &b->alarms[i];
		if (!a->stands && (a->seen || now >= b->begun + GRACE_MS))
			event_add(b, ALARM_OVER, a->text);
		else
			b->alarms[kept++] = *a;
	}
	b->count = kept;
}

/* ---- in the log ---- */

static void book_write(const struct alarm_book *b, struct text *t)
{
	text_str(t, "{");
	admin_put_number(t, "last", b->last);
	admin_put_number(t, "told", b->told);
	admin_put_name(t, "alarms");
	text_str(t, "[");
	for (size_t i = 0; i < b->count; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_number(t, "since", b->alarms[i].since);
		admin_put_string(t, "text", b->alarms[i].text);
		text_str(t, "}");
	}
	text_str(t, "]");
	admin_put_name(t, "events");
	text_str(t, "[");
	for (size_t i = 0; i < b->event_count; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_number(t, "number", b->events[i].number);
		admin_put_number(t, "at", b->events[i].at);
		admin_put_number(t, "kind", b->events[i].kind);
		admin_put_string(t, "text", b->events[i].text);
		text_str(t, "}");
	}
	text_str(t, "]}");
}

static uint64_t number_of(const cJSON *json, const char *name)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 && n->valuedouble < 0x1p64
		       ? (uint64_t)n->valuedouble
		       : 0;
}

static const char *text_of(const cJSON *json)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "text"));

	return s ? s : "";
}

static void book_read(struct alarm_book *b, const cJSON *json)
{
	const cJSON *item;

	b->last = b->audited = number_of(json, "last");
	b->told = number_of(json, "told");
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "alarms"))
	{
		struct alarm *a;
		if (b->count == ALARMS_MAX)
			break;
		a = &b->alarms[b->count++];
		*a = (struct alarm){.since = number_of(item, "since")};
		snprintf(a->text, sizeof a->text, "%s", text_of(item));
		key_of(a->key, a->text);
	}
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "events"))
	{
		uint64_t kind = number_of(item, "kind");
		struct alarm_event *e;
		if (b->event_count == ALARM_EVENTS_MAX)
			break;
		e = &b->events[b->event_count++];
		*e = (struct alarm_event){.number = number_of(item, "number"),
					  .at = number_of(item, "at"),
					  .kind = kind < ALARM_KINDS ? (enum alarm_kind)kind
								     : ALARM_RAISED};
		snprintf(e->text, sizeof e->text, "%s", text_of(item));
	}
}

static enum err load(struct alarm_book *b, struct log_reader *log)
{
	char *value;
	cJSON *json = NULL;
	size_t n = 0;
	enum err e;

	if (b->loaded)
		return ERR_OK;
	value = malloc(VALUE_MAX_BYTES);
	if (!value)
		return ERR_MEMORY;
	e = remembered_get(log, value_name, value, VALUE_MAX_BYTES, &n);
	if (!e && json_parse(&json, value, n, NULL) == ERR_OK)
		book_read(b, json);
	cJSON_Delete(json);
	free(value);
	b->loaded = !e || e == ERR_NOT_FOUND;
	return b->loaded ? ERR_OK : e;
}

struct save_call {
	struct desk_call call;
	struct node *node;
	const struct text *value;
	const struct alarm_event *events; /* that the audit does not have yet */
	size_t event_count;
	enum err e;
};

/* SPEC 9.2: "So is every event of an alarm (9.14), in the commit that keeps it" */
static enum err event_audit(struct node *n, const struct alarm_event *event)
{
	struct text t;
	enum err e = ERR_MEMORY;

	text_init(&t);
	text_str(&t, "{");
	admin_put_number(&t, "uid", (uint64_t)getuid());
	admin_put_signed(&t, "pid", (int64_t)getpid());
	admin_put_string(&t, "do", "alarm");
	admin_put_name(&t, "summary");
	text_str(&t, "{");
	admin_put_number(&t, "number", event->number);
	admin_put_string(&t, "what", alarm_kind_str(event->kind));
	admin_put_string(&t, "text", event->text);
	text_str(&t, "}}");
	if (!t.bad)
		e = node_audit_append(n, event->at, t.at, t.length);
	text_clear(&t);
	return e;
}

static void save_run(struct desk_call *call)
{
	struct save_call *s = call->arg;
	struct log *log = s->node->log;

	s->e = log_begin(log);
	if (!s->e) {
		s->e = log_put(log, value_name, s->value->at, s->value->length);
		for (size_t i = 0; i < s->event_count && !s->e; i++)
			s->e = event_audit(s->node, &s->events[i]);
		if (s->e)
			log_abort(log);
		else
			s->e = log_commit(log);
		if (s->e)
			s->node->audit_known = false;
	}
	keep_rest(s->node->keep);
	desk_done(s->node->desk, call);
}

static enum err save(struct node *n, struct alarm_book *b)
{
	struct text t;
	struct alarm_event *events = malloc(ALARM_EVENTS_MAX * sizeof *events);
	struct save_call s = {.call = {.run = save_run}, .node = n, .value = &t, .events = events};
	uint64_t last;
	bool dirty;

	if (!events)
		return ERR_MEMORY;
	text_init(&t);
	pthread_mutex_lock(&b->lock);
	dirty = b->dirty;
	last = b->last;
	if (dirty)
		book_write(b, &t);
	for (size_t i = 0; i < b->event_count; i++)
		if (b->events[i].number > b->audited)
			events[s.event_count++] = b->events[i];
	b->dirty = false;
	pthread_mutex_unlock(&b->lock);
	s.call.arg = &s;
	if (t.bad)
		s.e = ERR_MEMORY;
	else if (dirty && !desk_call(n->desk, &s.call))
		s.e = ERR_STATE;
	text_clear(&t);
	free(events);
	pthread_mutex_lock(&b->lock);
	if (s.e)
		b->dirty = true;
	else
		b->audited = last;
	pthread_mutex_unlock(&b->lock);
	/* At the end of the node there is nothing that could be tried again. */
	return s.e == ERR_STATE ? ERR_OK : s.e;
}

/* ---- the duty ---- */

/* The warnings of `status`, as JSON. */
static enum err warnings_take(struct node *n, struct log_reader *log, cJSON **json)
{
	struct node_status *s = calloc(1, sizeof *s);
	struct text t;
	enum err e = s ? ERR_OK : ERR_MEMORY;

	text_init(&t);
	text_str(&t, "{");
	if (!e) {
		node_status(n, s);
		warnings_show(&t, n, log, s);
		text_str(&t, "}");
		e = t.bad ? ERR_MEMORY : json_parse(json, t.at, t.length, NULL);
	}
	text_clear(&t);
	free(s);
	return e;
}

static enum err look(struct node *n, uint64_t now)
{
	struct alarm_book *b = n->alarm_book;
	struct log_reader *log;
	cJSON *json = NULL;
	enum err e = log_reader_open(&log, n->log);

	if (!e) {
		pthread_mutex_lock(&b->lock);
		e = load(b, log);
		pthread_mutex_unlock(&b->lock);
	}
	if (!e)
		e = warnings_take(n, log, &json);
	log_reader_close(log);
	if (e)
		return e;
	pthread_mutex_lock(&b->lock);
	see_all(b, cJSON_GetObjectItemCaseSensitive(json, "warnings"), now);
	pthread_mutex_unlock(&b->lock);
	cJSON_Delete(json);
	return save(n, b);
}

enum err duty_alarms(struct node *n, uint64_t now, uint64_t *next)
{
	struct alarm_book *b = n->alarm_book;
	enum err e = ERR_OK;

	if (!b->begun)
		b->begun = now;
	if (now >= b->next) {
		b->next = now + LOOK_MS;
		e = look(n, now);
	}
	if (b->next < *next)
		*next = b->next;
	return e;
}

/* ---- what others ask for ---- */

size_t alarms_standing(struct node *n, struct alarm *out)
{
	struct alarm_book *b = n->alarm_book;
	size_t count;

	pthread_mutex_lock(&b->lock);
	count = b->count;
	memcpy(out, b->alarms, count * sizeof *out);
	pthread_mutex_unlock(&b->lock);
	return count;
}

size_t alarms_events(struct node *n, uint64_t after, struct alarm_event *out, uint64_t *told)
{
	struct alarm_book *b = n->alarm_book;
	size_t count = 0;

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->event_count; i++)
		if (b->events[i].number > after)
			out[count++] = b->events[i];
	*told = b->told;
	pthread_mutex_unlock(&b->lock);
	return count;
}

uint64_t alarms_test(struct node *n, const char *text)
{
	struct alarm_book *b = n->alarm_book;
	uint64_t number = 0;

	pthread_mutex_lock(&b->lock);
	if (b->loaded) {
		event_add(b, ALARM_TEST, text);
		b->failed[0] = '\0';
		number = b->last;
	}
	pthread_mutex_unlock(&b->lock);
	return number;
}

void alarms_told(struct node *n, uint64_t through, const char *failed)
{
	struct alarm_book *b = n->alarm_book;

	pthread_mutex_lock(&b->lock);
	if (!*failed && through > b->told && through <= b->last) {
		b->told = through;
		b->dirty = true;
	}
	snprintf(b->failed, sizeof b->failed, "%s", failed);
	pthread_mutex_unlock(&b->lock);
}

void node_alarm_failed(struct node *n, char out[ALARM_FAILED_BYTES])
{
	struct alarm_book *b = n->alarm_book;

	pthread_mutex_lock(&b->lock);
	memcpy(out, b->failed, ALARM_FAILED_BYTES);
	pthread_mutex_unlock(&b->lock);
}
