#include "protocol/topology_read.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/council.h"
#include "protocol/topology_value.h"

void reading_wrong(struct reading *r, const struct zpl_item *item, const char *format, ...)
{
	char path[ZPL_PATH_BYTES], sentence[ZPL_LINE_MAX_BYTES + 500];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	report_add(r->report, "%s: %s", zpl_path(path, item), sentence);
	r->problems++;
}

void reading_missing(struct reading *r, const struct zpl_item *section, const char *key,
		     const char *hint)
{
	char path[ZPL_PATH_BYTES];

	report_add(r->report, "%s: %s: missing%s%s", zpl_path(path, section), key,
		   *hint ? "; " : "", hint);
	r->problems++;
}

void *reading_alloc(struct reading *r, size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	r->memory |= !p;
	return p;
}

static const struct rule *find_rule(const struct rule *rules, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

static void unknown_key(struct reading *r, const struct zpl_item *item, const struct rule *rules,
			size_t n)
{
	const char *words[16], *nearest;

	for (size_t i = 0; i < n && i < COUNT(words); i++)
		words[i] = rules[i].name;
	nearest = report_nearest(item->name, words, n < COUNT(words) ? n : COUNT(words));
	/* SPEC 4.1: "Unknown names are refused." */
	if (nearest)
		reading_wrong(r, item, "unknown key; did you mean \"%s\"?", nearest);
	else
		reading_wrong(r, item, "unknown key");
}

void reading_items(struct reading *r, const struct zpl_item *first, const struct rule *rules,
		   size_t n, void *target)
{
	for (const struct zpl_item *item = first; item; item = item->next) {
		const struct rule *rule = find_rule(rules, n, item->name);
		if (!rule)
			unknown_key(r, item, rules, n);
		else if (item->broken)
			continue;
		else if (rule->section && item->value)
			reading_wrong(r, item, "has lines below it, not a value");
		else if (!rule->section && !item->value)
			reading_wrong(r, item, "has no value: write %s = \"...\"", item->name);
		else if (rule->read)
			rule->read(r, item, target);
	}
}

void reading_text(struct reading *r, const struct zpl_item *item, char **out, size_t most)
{
	size_t n = strlen(item->value);

	if (n == 0)
		reading_wrong(r, item, "empty");
	else if (n > most)
		reading_wrong(r, item, "%zu bytes; at most %zu are allowed", n, most);
	free(*out);
	*out = strdup(item->value);
	r->memory |= !*out;
}

uint64_t reading_number(struct reading *r, const struct zpl_item *item, uint64_t least,
			uint64_t most)
{
	uint64_t n;

	if (!value_number(&n, item->value, least, most))
		return n;
	reading_wrong(r, item, "\"%s\": a plain number from %llu to %llu was expected", item->value,
		      (unsigned long long)least, (unsigned long long)most);
	return 0;
}

uint32_t reading_date(struct reading *r, const struct zpl_item *item)
{
	uint32_t days = 0;
	const char *why = value_date(&days, item->value);

	if (why)
		reading_wrong(r, item, "\"%s\": %s", item->value, why);
	return days;
}

/* ---- federation, council, policy ---- */

static void read_name(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	reading_text(r, item, &r->t->name, TITLE_MAX_BYTES);
}

static void read_version(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->version = (uint32_t)reading_number(r, item, 1, UINT32_MAX);
}

static void read_network(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	if (!hex_decode(r->t->network.b, NETWORK_ID_BYTES, item->value))
		reading_wrong(r, item, "not %d hexadecimal digits", 2 * NETWORK_ID_BYTES);
}

static void read_expires(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	/* SPEC 4.2: "A date means its first instant, 00:00:00 UTC." */
	r->t->expires = reading_date(r, item) * UINT64_C(86400000);
}

static void read_previous(struct reading *r, const struct zpl_item *item, void *target)
{
	struct topology *t = target;
	const char *at = item->value;
	char word[2 * HASH_BYTES + 2];

	while (value_word(word, sizeof word, &at)) {
		struct hash h = {{0}};
		if (!hex_decode(h.b, HASH_BYTES, word)) {
			reading_wrong(r, item, "not a hash of %d hexadecimal digits",
				      2 * HASH_BYTES);
		} else if (t->previous_count == PREVIOUS_MAX) {
			reading_wrong(r, item, "more than %d hashes", PREVIOUS_MAX);
			return;
		} else {
			t->previous[t->previous_count++] = h;
		}
	}
	if (item->value[strspn(item->value, " ")] == '\0')
		reading_wrong(r, item, "empty");
}

static void read_federation(struct reading *r, const struct zpl_item *section, void *target)
{
	static const struct rule rules[] = {
		{"name", read_name, false},         {"version", read_version, false},
		{"network", read_network, false},   {"expires", read_expires, false},
		{"previous", read_previous, false},
	};

	reading_items(r, section->child, rules, COUNT(rules), target);
	for (size_t i = 0; i < COUNT(rules); i++)
		if (i != 2 && i != 4 && !zpl_child(section, rules[i].name))
			reading_missing(r, section, rules[i].name, "");
}

static void read_threshold(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->council.threshold = (unsigned)reading_number(r, item, 1, COUNCIL_MAX);
}

static void read_suspension(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->council.suspension = (unsigned)reading_number(r, item, 1, COUNCIL_MAX);
}

static void read_member(struct reading *r, const struct zpl_item *item)
{
	struct council *c = &r->t->council;
	struct council_member m = {0};

	if (!name_valid(item->name))
		reading_wrong(r, item, "a name is 1 to %d of a-z, 0-9 and -", NAME_MAX_BYTES);
	if (!item->value) {
		reading_wrong(r, item, "has no value: write %s = \"<minisign public key>\"",
			      item->name);
		return;
	}
	snprintf(m.name, sizeof m.name, "%s", item->name);
	if (!council_read_key(item->value, m.key_id, m.key)) {
		reading_wrong(r, item,
			      "not a minisign public key (the second line of its .pub file)");
		return;
	}
	for (size_t i = 0; i < c->member_count; i++)
		/* SPEC 4.3: "No two members have the same key." */
		if (memcmp(c->members[i].key, m.key, sizeof m.key) == 0)
			reading_wrong(r, item, "the same key as \"%s\"", c->members[i].name);
	if (c->member_count < COUNCIL_MAX)
		c->members[c->member_count++] = m;
	else
		reading_wrong(r, item, "a council has at most %d members", COUNCIL_MAX);
}

static void read_members(struct reading *r, const struct zpl_item *section, void *target)
{
	(void)target;
	for (const struct zpl_item *item = section->child; item; item = item->next)
		if (!item->broken)
			read_member(r, item);
}

static void read_council(struct reading *r, const struct zpl_item *section, void *target)
{
	static const struct rule rules[] = {
		{"threshold", read_threshold, false},
		{"suspension", read_suspension, false},
		{"members", read_members, true},
	};
	struct council *c = &r->t->council;
	const struct zpl_item *threshold = zpl_child(section, "threshold"),
			      *members = zpl_child(section, "members");
	size_t n = 0;

	for (const struct zpl_item *m = members ? members->child : NULL; m; m = m->next)
		n++;
	reading_items(r, section->child, rules, COUNT(rules), target);
	if (!threshold)
		reading_missing(r, section, "threshold", "how many members must sign a version");
	if (!members)
		reading_missing(r, section, "members", "who may sign, with their minisign keys");
	else if (threshold && c->threshold > n)
		reading_wrong(r, threshold, "%u of %zu members cannot sign", c->threshold, n);
	if (!zpl_child(section, "suspension"))
		c->suspension = c->threshold;
	else if (c->threshold > 0 && c->suspension > c->threshold)
		reading_wrong(r, zpl_child(section, "suspension"), "larger than the threshold");
}

static void read_expiry_days(struct reading *r, const struct zpl_item *section, void *target)
{
	(void)target;
	for (const struct zpl_item *item = section->child; item; item = item->next) {
		bool known = false;
		for (unsigned i = 0; i < TLP_COUNT; i++) {
			if (strcmp(item->name, tlp_str((enum tlp)i)) != 0)
				continue;
			known = true;
			if (!item->value)
				reading_wrong(r, item, "has no value");
			else if (!item->broken)
				r->t->policy.expiry_days[i] =
					(uint32_t)reading_number(r, item, 1, EXPIRY_DAYS_MAX);
		}
		if (!known)
			reading_wrong(r, item,
				      "unknown key; clear, green, amber, amber+strict or "
				      "red was expected");
	}
}

static void read_early_warning(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->policy.early_warning_hours = (uint32_t)reading_number(r, item, 1, 8784);
}

static void read_notification(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->policy.notification_hours = (uint32_t)reading_number(r, item, 1, 8784);
}

static void read_final(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->policy.final_days = (uint32_t)reading_number(r, item, 1, 366);
}

static void read_sealed(struct reading *r, const struct zpl_item *item, void *target)
{
	(void)target;
	r->t->policy.author_sealed = strcmp(item->value, "yes") == 0;
	if (!r->t->policy.author_sealed && strcmp(item->value, "no") != 0)
		reading_wrong(r, item, "\"%s\": yes or no was expected", item->value);
}

static void read_policy(struct reading *r, const struct zpl_item *section, void *target)
{
	static const struct rule rules[] = {
		{"expiry-days", read_expiry_days, true},
		{"early-warning-hours", read_early_warning, false},
		{"notification-hours", read_notification, false},
		{"final-days", read_final, false},
		{"sealed", read_sealed, false},
	};

	reading_items(r, section->child, rules, COUNT(rules), target);
}

/* ---- the outermost level ---- */

void topology_read(struct reading *r)
{
	static const struct rule rules[] = {
		{"federation", read_federation, true},
		{"council", read_council, true},
		{"policy", read_policy, true},
		{"node", NULL, true}, /* topology_read_parties */
		{"role", NULL, true},
		{"group", NULL, true}, /* topology_refer */
		{"link", NULL, true},
	};

	/* SPEC 4.2: "What policy does not say is: expiry-days clear 400, green 400, amber 180,
	 * amber+strict 180, red 90; early-warning-hours 24; notification-hours 72; final-days 30;
	 * sealed yes." */
	r->t->policy = (struct policy){.expiry_days = {400, 400, 180, 180, 90},
				       .early_warning_hours = 24,
				       .notification_hours = 72,
				       .final_days = 30,
				       .author_sealed = true};
	reading_items(r, zpl_first(r->z), rules, COUNT(rules), r->t);
	for (size_t i = 0; i < 4; i++) {
		if (i == 2 || zpl_find(r->z, rules[i].name))
			continue;
		report_add(r->report, "%s: missing", rules[i].name);
		r->problems++;
	}
	topology_read_parties(r);
}
