/* A library to preload that makes the wall clock wrong by CLOCK_AHEAD seconds.  The monotonic clock
 * stays what it is, as on a machine whose battery has died.  Where there is a file CLOCK_FILE, two
 * numbers in it say by how many seconds more the wall clock and the monotonic clock are ahead, from
 * one moment to the next: time that passes without being waited for. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static void file_read(long long *wall, long long *mono)
{
	const char *path = getenv("CLOCK_FILE");
	FILE *file = path ? fopen(path, "re") : NULL;

	*wall = *mono = 0;
	if (!file)
		return;
	if (fscanf(file, "%lld %lld", wall, mono) != 2)
		*wall = *mono = 0;
	fclose(file);
}

static time_t ahead(clockid_t id)
{
	const char *seconds = getenv("CLOCK_AHEAD");
	long long wall, mono;

	file_read(&wall, &mono);
	if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)
		return (time_t)mono;
	return (time_t)((seconds ? strtoll(seconds, NULL, 10) : 0) + wall);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int (*real)(clockid_t, struct timespec *);
	int result;

	/* The conversion that POSIX asks for where C knows none. */
	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(id, t);
	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ||
			    id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE))
		t->tv_sec += ahead(id);
	return result;
}

/* What waits until a time waits by the kernel's clock. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict until)
{
	int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	struct timespec at = *until;

	at.tv_sec -= ahead(CLOCK_MONOTONIC);
	if (at.tv_sec < 0)
		at.tv_sec = 0;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	return real(cond, mutex, &at);
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;
	int result = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	*t = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return result;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
