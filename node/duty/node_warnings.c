/* The warnings: each is true at this moment and goes with its cause; what has merely happened stays
 * for a day. */
#include "node/duty/warnings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/backup_note.h"
#include "node/duty/follower.h"
#include "node/duty/holding.h"
#include "node/loop.h"
#include "node/store/porter.h"
#include "protocol/admin.h"

enum {
	FULLNESS_WARN_PERCENT = 85,
	CLOCK_WARN_MS = 2 * 3600 * 1000,
	HOUR_MS = 3600000,
	MINUTE_MS = 60000,
	DAY_MS = 86400000
};
#define EXPIRY_GRACE_MS (90 * UINT64_C(86400000))
#define EXPIRY_SOON_MS (30 * UINT64_C(86400000))

static void warn(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct text *t, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	utf8_trim(sentence);
	admin_put_string(t, NULL, sentence);
}

static void warn_of_silence(struct text *t, const struct link_status *link, unsigned minutes)
{
	uint64_t now = clock_wall();
	char since[TIME_BYTES];

	if (strcmp(link->state, "quarantined") == 0)
		warn(t, "%s is %s", link->peer, link->reason);
	else if (strcmp(link->state, "up") != 0 &&
		 link->since + (uint64_t)minutes * MINUTE_MS <= now)
		warn(t, "nothing was heard of %s since %s", link->peer,
		     time_format(since, link->since));
}

static void warn_of_links(struct text *t, const struct node_status *s, const struct config *c)
{
	for (size_t i = 0; i < s->link_count; i++) {
		int64_t ahead = s->links[i].clock_ahead;
		warn_of_silence(t, &s->links[i], c->silent_minutes);
		if (ahead > CLOCK_WARN_MS || ahead < -CLOCK_WARN_MS)
			warn(t,
			     "the clock of %s is %" PRId64 " hours %s ours: one of the two is "
			     "wrong",
			     s->links[i].peer, (ahead < 0 ? -ahead : ahead) / HOUR_MS,
			     ahead < 0 ? "behind" : "ahead of");
	}
}

bool suspension_in_force(const struct suspension *s)
{
	return s && s->from <= clock_wall() && clock_wall() < s->until;
}

static void warn_of_suspension(struct text *t, const struct suspension *s)
{
	char until[TIME_BYTES];

	for (size_t i = 0; suspension_in_force(s) && i < s->count; i++)
		warn(t, "%s%s is suspended until %s%s%s", s->list[i].key_count ? "a key of " : "",
		     s->list[i].name, time_format(until, s->until), s->list[i].because ? ": " : "",
		     s->list[i].because ? s->list[i].because : "");
}

static void warn_of_age(struct text *t, const struct topology *topology)
{
	uint64_t now = clock_wall(), grace = topology->expires + EXPIRY_GRACE_MS;

	/* SPEC 4.9: "`expires` ends nothing: after it, and a grace of 90 days, the node goes on and
	 * says so." */
	if (now >= grace)
		warn(t,
		     "ALARM: topology version %lu expired more than 90 days ago: the council must "
		     "sign the next one; until then nobody can be added or revoked",
		     (unsigned long)topology->version);
	else if (now >= topology->expires)
		warn(t, "topology version %lu has expired: the council must sign the next one",
		     (unsigned long)topology->version);
	else if (now + EXPIRY_SOON_MS >= topology->expires)
		warn(t,
		     "topology version %lu expires in %" PRIu64 " days: the council must sign the "
		     "next one",
		     (unsigned long)topology->version, (topology->expires - now) / DAY_MS);
}

static void warn_of_slowed(struct text *t, const struct node *node, const struct topology *topology,
			   const struct node_status *s)
{
	const struct party *self =
		topology ? topology_party(topology, node_config(node)->node) : NULL;
	char hex[2 * PARTY_ID_BYTES + 1];

	for (size_t i = 0; i < s->paused_count; i++) {
		const struct quota_paused *p = &s->paused[i];
		const struct party *origin =
			topology ? topology_party_by_id(topology, &p->origin) : NULL;
		const char *who =
			origin ? origin->name : hex_encode(hex, p->origin.b, PARTY_ID_BYTES);
		if (p->why == QUOTA_USED)
			warn(t,
			     "neighbours are asked to hold back what %s says: %" PRIu64
			     " bytes of it are here, its quota is %" PRIu64,
			     who, p->bytes, p->quota);
		else
			warn(t,
			     "neighbours are asked to hold back what %s says: the disk or the "
			     "store is nearly full, and %" PRIu64 " bytes of it are here",
			     who, p->bytes);
	}
	for (size_t i = 0; i < s->link_count; i++)
		for (size_t k = 0; self && k < s->links[i].paused_count; k++)
			if (party_id_equal(&s->links[i].paused[k], &self->id))
				warn(t,
				     "%s holds as much of this node as it may: what is new waits "
				     "here until something expires there or is withdrawn",
				     s->links[i].peer);
}

/* How long what is here has been without a backup; a log that is new needs none yet. */
static void warn_of_backup(struct text *t, const struct node *node, struct log_reader *log)
{
	uint64_t most = (uint64_t)node_config(node)->backup_days * DAY_MS, now = clock_wall();
	struct backup_note note;
	struct log_row row;
	char made[TIME_BYTES];

	if (!most)
		return;
	if (backup_note_read(node_home(node), &note) == ERR_OK) {
		if (note.made + most < now)
			warn(t, "the last backup is of %s: khabar backup DIR makes another",
			     time_format(made, note.made));
	} else if (log_reader_renew(log) == ERR_OK && log_read_from(log, 1, &row) == ERR_OK &&
		   row.arrived && row.arrived + most < now) {
		warn(t, "this node has never had a backup: khabar backup DIR makes one");
	}
}

/* The daemon starts nothing once it runs. */
static void warn_of_helpers(struct text *t, const struct node *node)
{
	if (follower_gone(node_follower(node)))
		warn(t, "nothing is exported or taken in, and nobody is told of alarms: "
			"khabar follow was ended; restart khabardar");
	if (porter_gone(node_porter(node)))
		warn(t, "no backup can be made: the process that makes them was ended; "
			"restart khabardar");
}

static void warn_of_inflows(struct text *t, struct node *node)
{
	struct inflow_status *all = calloc(INFLOWS_MAX, sizeof *all);
	size_t n = all ? node_inflows(node, all) : 0;

	for (size_t i = 0; i < n; i++)
		if (*all[i].failed)
			warn(t, "%s %s: %s", all[i].kind == INFLOW_WATCH ? "watch" : "misp",
			     all[i].name, all[i].failed);
	free(all);
}

static void warn_of_outputs(struct text *t, struct node *node)
{
	struct export_status *exports = calloc(EXPORTS_MAX, sizeof *exports);
	size_t n = exports ? node_exports(node, exports) : 0;
	size_t held = node_held_failed(node);
	char failed[ALARM_FAILED_BYTES];

	for (size_t i = 0; i < n; i++)
		if (*exports[i].failed)
			warn(t, "export %s: %s", exports[i].name, exports[i].failed);
	free(exports);
	warn_of_inflows(t, node);
	if (held)
		warn(t, "%zu of what was held cannot be sent: khabar outbox says why", held);
	node_alarm_failed(node, failed);
	if (*failed)
		warn(t, "the alarm command failed: %s", failed);
}

static void warn_of_store(struct text *t, const struct node_status *s)
{
	if (s->store_state)
		warn(t, "nothing is stored at the moment: %s", log_trouble(s->store_state));
	if (s->folder_state && s->stuck)
		warn(t, "%s cannot be seen to: %s", s->stuck, index_trouble(s->folder_state));
	else if (s->folder_state)
		warn(t, "the index cannot follow the log: %s", index_trouble(s->folder_state));
	if (s->fullness > FULLNESS_WARN_PERCENT)
		warn(t, "the disk or the store is %u %% full", s->fullness);
}

static void warn_of_membership(struct text *t, const struct node *node,
			       const struct topology *topology)
{
	const char *name = node_config(node)->node;

	if (!topology)
		warn(t, "this node has not joined a federation: khabar join FILE, then start "
			"khabardar again");
	else if (!topology_party(topology, name))
		warn(t, "topology version %lu has no node named %s",
		     (unsigned long)topology->version, name);
	if (topology)
		warn_of_age(t, topology);
	warn_of_suspension(t, versions_suspension(node_versions(node)));
	if (!identity_locked(node_identity(node)))
		warn(t, "secrets are not locked in memory and may reach the swap: raise "
			"LimitMEMLOCK");
}

void warnings_show(struct text *t, struct node *node, struct log_reader *log,
		   const struct node_status *s)
{
	const struct topology *topology = versions_newest(node_versions(node));
	uint64_t waiting;

	admin_put_name(t, "warnings");
	text_str(t, "[");
	warn_of_membership(t, node, topology);
	warn_of_store(t, s);
	warn_of_links(t, s, node_config(node));
	warn_of_slowed(t, node, topology, s);
	for (size_t i = 0; i < s->alarm_count; i++)
		admin_put_string(t, NULL, s->alarms[i]);
	node_waits(node, &waiting);
	if (waiting)
		warn(t,
		     "%" PRIu64 " messages wait for reconciliation with a neighbour that carries "
		     "them, and are not shown: this node was restored",
		     waiting);
	warn_of_backup(t, node, log);
	warn_of_helpers(t, node);
	warn_of_outputs(t, node);
	for (size_t i = 0; i < s->warning_count; i++)
		admin_put_string(t, NULL, s->warnings[i]);
	text_str(t, "]");
}
