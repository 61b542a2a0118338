/* Times as logs write them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "node/format/sensor.h"

enum { LOOK_BYTES = 256, DAY_MS = 86400000, YEAR_MIN = 1970, YEAR_MAX = 9999 };

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* 1 to 12, or 0. */
static int month_of(const char *text)
{
	for (int i = 0; i < 12; i++)
		if (strncasecmp(text, months[i], 3) == 0)
			return i + 1;
	return 0;
}

/* Exactly n digits; *at moves behind them.  -1 when they are none. */
static int digits(const char **at, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*at)[i]))
			return -1;
		value = 10 * value + ((*at)[i] - '0');
	}
	*at += n;
	return value;
}

static bool skip(const char **at, const char *any)
{
	if (!**at || !strchr(any, **at))
		return false;
	(*at)++;
	return true;
}

/* "07:12:22", with a fraction or without. */
static bool clock_read(struct tm *tm, const char **at)
{
	tm->tm_hour = digits(at, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !skip(at, ":"))
		return false;
	tm->tm_min = digits(at, 2);
	if (tm->tm_min < 0 || tm->tm_min > 59 || !skip(at, ":"))
		return false;
	tm->tm_sec = digits(at, 2);
	if (tm->tm_sec < 0 || tm->tm_sec > 60)
		return false;
	if (skip(at, ".,"))
		while (isdigit((unsigned char)**at))
			(*at)++;
	return true;
}

/* "Z", "+0500", "+05:00" behind a space or not; otherwise the time is of this machine's zone. */
static bool finish(uint64_t *ms, struct tm *tm, const char *at)
{
	time_t seconds;
	int sign, hours = -1, minutes = 0;

	if (*at == ' ' && (at[1] == '+' || at[1] == '-'))
		at++;
	sign = *at == '-' ? -1 : 1;
	if (*at == 'Z' || *at == 'z') {
		hours = 0;
	} else if (*at == '+' || *at == '-') {
		at++;
		hours = digits(&at, 2);
		skip(&at, ":");
		minutes = digits(&at, 2);
		if (hours > 14 || minutes > 59)
			return false;
		minutes = minutes < 0 ? 0 : minutes;
	}
	tm->tm_isdst = -1;
	seconds = hours < 0 ? mktime(tm) : timegm(tm) - sign * (hours * 3600 + minutes * 60);
	*ms = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
	return seconds > 0;
}

static bool date_set(struct tm *tm, int year, int month, int day)
{
	*tm = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	return year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
	       day <= 31;
}

/* "2026-11-22T07:12:22.123456+0000", "2026-11-22 07:12:22" */
static bool iso_read(uint64_t *ms, const char *at)
{
	struct tm tm;
	int year = digits(&at, 4), month, day;

	if (year < 0 || !skip(&at, "-/"))
		return false;
	month = digits(&at, 2);
	if (!skip(&at, "-/"))
		return false;
	day = digits(&at, 2);
	return date_set(&tm, year, month, day) && skip(&at, "Tt -") && clock_read(&tm, &at) &&
	       finish(ms, &tm, at);
}

/* "22-Nov-2026 07:12:22.123", "22/Nov/2026:07:12:22 +0000" */
static bool day_first_read(uint64_t *ms, const char *at)
{
	struct tm tm;
	int day = digits(&at, 2), month;

	if (day < 0 || !skip(&at, "-/"))
		return false;
	month = month_of(at);
	if (!month)
		return false;
	at += 3;
	return skip(&at, "-/") && date_set(&tm, digits(&at, 4), month, day) && skip(&at, " :T") &&
	       clock_read(&tm, &at) && finish(ms, &tm, at);
}

/* "Nov 22 07:12:22", "Nov  2 07:12:22": the last time that it was that day. */
static bool syslog_read(uint64_t *ms, const char *at, uint64_t now)
{
	time_t seconds = (time_t)(now / 1000);
	struct tm tm, today;
	int month = month_of(at), day;

	if (!month || !localtime_r(&seconds, &today))
		return false;
	at += 3;
	if (!skip(&at, " "))
		return false;
	day = skip(&at, " ") ? digits(&at, 1) : digits(&at, 2);
	if (day < 0 || !skip(&at, " ") || !date_set(&tm, today.tm_year + 1900, month, day) ||
	    !clock_read(&tm, &at))
		return false;
	if (finish(ms, &tm, "") && *ms <= now + DAY_MS)
		return true;
	tm.tm_year = today.tm_year - 1;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	return finish(ms, &tm, "");
}

/* "1795331542", "1795331542.123": seconds since 1970, alone or in brackets. */
static bool epoch_read(uint64_t *ms, const char *at)
{
	uint64_t seconds = 0;
	size_t n = 0;

	for (; isdigit((unsigned char)at[n]); n++) {
		if (n == 10)
			return false;
		seconds = 10 * seconds + (uint64_t)(at[n] - '0');
	}
	*ms = seconds * 1000;
	return n >= 9 && (!at[n] || strchr(".] \t", at[n]));
}

static bool any_read(uint64_t *ms, const char *at, uint64_t now)
{
	return iso_read(ms, at) || day_first_read(ms, at) || syslog_read(ms, at, now) ||
	       epoch_read(ms, at);
}

bool sensor_time(uint64_t *ms, struct slice line, uint64_t now)
{
	static const char eve[] = "\"timestamp\":";
	char text[LOOK_BYTES + 1];
	size_t n = line.length < LOOK_BYTES ? line.length : LOOK_BYTES;
	const char *at;

	memcpy(text, n ? line.at : "", n);
	text[n] = '\0';
	at = text + strspn(text, " \t\"");
	if (any_read(ms, at, now))
		return true;
	at = strstr(text, eve);
	if (at && *text == '{') {
		at += sizeof eve - 1;
		return iso_read(ms, at + strspn(at, " \""));
	}
	/* In brackets, where logs of the web have it. */
	for (at = strchr(text, '['); at; at = strchr(at + 1, '['))
		if (any_read(ms, at + 1, now))
			return true;
	return false;
}
