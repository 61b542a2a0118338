/* TAP for C tests that `prove` runs.  A test file is a set of functions named as sentences and a
 * main that runs them:
 *
 *     static void short_input_reads_zero_and_sticks(void) { ok(read_u32(&r) == 0, "zero"); }
 *     int main(void) { RUN(short_input_reads_zero_and_sticks); return tap_done(); }
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static bool tap_ok(bool passed, const char *file,
								 int line, const char *format, ...)
{
	va_list args;
	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (!passed) {
		tap_failed++;
		printf("# at %s:%d\n", file, line);
	}
	fflush(stdout);
	return passed;
}

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#define ok(condition, ...) tap_ok((condition), __FILE__, __LINE__, __VA_ARGS__)

#define is_int(got, want, ...) \
	do { \
		long long got_ = (long long)(got), want_ = (long long)(want); \
		if (!tap_ok(got_ == want_, __FILE__, __LINE__, __VA_ARGS__)) \
			printf("# got %lld, want %lld\n", got_, want_); \
	} while (0)

#define is_str(got, want, ...) \
	do { \
		const char *got_ = (got), *want_ = (want); \
		if (!tap_ok(got_ && strcmp(got_, want_) == 0, __FILE__, __LINE__, __VA_ARGS__)) \
			printf("# got \"%s\", want \"%s\"\n", got_ ? got_ : "(null)", want_); \
	} while (0)

/* Runs one test function under its own name. */
#define RUN(function) \
	do { \
		printf("# %s\n", #function); \
		function(); \
	} while (0)

/* Without these a test cannot go on. */
#define need(condition) \
	do { \
		if (!(condition)) { \
			printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

#endif
