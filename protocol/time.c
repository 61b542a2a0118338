#include "protocol/json.h"

#include <stdio.h>

enum { DAY_MS = 86400000, YEAR_MIN = 1970, YEAR_MAX = 9999 };

static bool leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first of January. */
static uint64_t days_before_year(unsigned year)
{
	uint64_t y = year - 1;

	return 365 * (uint64_t)(year - YEAR_MIN) + (y / 4 - y / 100 + y / 400) - 477;
}

char *time_format(char out[TIME_BYTES], uint64_t ms)
{
	uint64_t days = ms / DAY_MS, rest = ms % DAY_MS;
	unsigned year, month = 1;

	/* Past the last year that four digits can write, the last moment they can. */
	if (days >= days_before_year(YEAR_MAX + 1)) {
		days = days_before_year(YEAR_MAX + 1) - 1;
		rest = DAY_MS - 1;
	}
	year = YEAR_MIN + (unsigned)(days / 366);
	while (days_before_year(year + 1) <= days)
		year++;
	days -= days_before_year(year);
	while (days >= month_days(year, month))
		days -= month_days(year, month++);
	/* The modulo changes nothing and tells the compiler that the text fits. */
	snprintf(out, TIME_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000, month % 100,
		 (unsigned)(days + 1) % 100, (unsigned)(rest / 3600000) % 100,
		 (unsigned)(rest / 60000 % 60), (unsigned)(rest / 1000 % 60),
		 (unsigned)(rest % 1000));
	return out;
}

/* Exactly n digits, then the character that must follow; moves on behind both. */
static bool take(const char **at, unsigned n, char follow, unsigned *value)
{
	*value = 0;
	for (; n; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*value = *value * 10 + (unsigned)(**at - '0');
	}
	if (!follow)
		return true;
	return *(*at)++ == follow;
}

/* ".1" to ".123456789", or nothing. */
static bool take_fraction(const char **at, unsigned *ms)
{
	unsigned digits = 0, scale = 100;

	*ms = 0;
	if (**at != '.')
		return true;
	for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, digits++) {
		*ms += (unsigned)(**at - '0') * scale;
		scale /= 10;
	}
	return digits >= 1 && digits <= 9;
}

bool time_parse(uint64_t *ms, const char *text)
{
	unsigned year, month, day, hour, minute, second, fraction;
	uint64_t days;

	if (!take(&text, 4, '-', &year) || !take(&text, 2, '-', &month) ||
	    !take(&text, 2, 'T', &day) || !take(&text, 2, ':', &hour) ||
	    !take(&text, 2, ':', &minute) || !take(&text, 2, 0, &second) ||
	    !take_fraction(&text, &fraction) || text[0] != 'Z' || text[1])
		return false;
	if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour > 23 || minute > 59 || second > 59)
		return false;
	days = days_before_year(year) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += month_days(year, m);
	*ms = days * DAY_MS + hour * 3600000ULL + minute * 60000ULL + second * 1000ULL + fraction;
	return true;
}
