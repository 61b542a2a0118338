/* The section alarm of khabardar.zpl: after what time there is one, and who is told. */
#include "node/config_parts.h"
#include "protocol/topology_value.h"

enum { WEEK_MINUTES = 7 * 24 * 60, BACKUP_DAYS_MAX = 366, DAY_S = 86400 };

/* A number of minutes up to a week. */
static void read_minutes(struct reading *r, const struct zpl_item *item, unsigned least,
			 unsigned *out)
{
	uint64_t n;
	const char *wrong = value_number(&n, item->value, least, WEEK_MINUTES);

	if (wrong)
		config_complain(r, item, "\"%s\" is no number of minutes from %u to %d",
				item->value, least, WEEK_MINUTES);
	else
		*out = (unsigned)n;
}

static void read_missing(struct reading *r, const struct zpl_item *item)
{
	read_minutes(r, item, 0, &r->config->missing_minutes);
}

static void read_silent(struct reading *r, const struct zpl_item *item)
{
	read_minutes(r, item, 1, &r->config->silent_minutes);
}

static void read_unanswered(struct reading *r, const struct zpl_item *item)
{
	read_minutes(r, item, 0, &r->config->unanswered_minutes);
}

static void read_backup(struct reading *r, const struct zpl_item *item)
{
	uint64_t n;

	if (value_number(&n, item->value, 0, BACKUP_DAYS_MAX))
		config_complain(r, item, "\"%s\" is no number of days from 0 to %d", item->value,
				BACKUP_DAYS_MAX);
	else
		r->config->backup_days = (unsigned)n;
}

static void read_command(struct reading *r, const struct zpl_item *item)
{
	if (item->value[0] != '/')
		config_complain(r, item,
				"\"%s\": a program is named by its absolute path, and no shell is "
				"between",
				item->value);
	else
		config_keep(r, item, &r->config->alarm_command);
}

static void read_every(struct reading *r, const struct zpl_item *item)
{
	uint64_t n;

	if (value_number(&n, item->value, 1, DAY_S))
		config_complain(r, item, "\"%s\" is no number of seconds from 1 to %d", item->value,
				DAY_S);
	else
		r->config->alarm_every = (unsigned)n;
}

void config_read_alarm(struct reading *r, const struct zpl_item *section)
{
	static const struct key keys[] = {
		{"backup", false, read_backup}, {"command", false, read_command},
		{"every", false, read_every},   {"missing", false, read_missing},
		{"silent", false, read_silent}, {"unacknowledged", false, read_unanswered},
	};

	config_read_level(r, section->child, keys, sizeof keys / sizeof *keys);
}
