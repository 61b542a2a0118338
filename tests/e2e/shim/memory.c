/* A library to preload that lets memory be short.
 *
 * MEMORY_FAULT="NTH once|on": the NTH allocation (counted from 1) fails, and with "on" all after it
 * too.  Only what the program itself, cJSON, LMDB and zstd ask for counts: libzmq and czmq end a
 * program that has no memory for them.  The first time is told on standard error, as "memory
 * fails". */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPANS_MAX = 32 };

static struct {
	unsigned long nth;
	bool on;
	atomic_ulong calls;
	/* Where the code is whose memory is short. */
	struct {
		uintptr_t begin, end;
	} spans[SPANS_MAX];
	size_t span_count;
} fault;

/* glibc's own. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static int span_note(struct dl_phdr_info *info, size_t size, void *arg)
{
	static const char *const libraries[] = {"libcjson", "liblmdb", "libzstd"};
	bool wanted = info->dlpi_name[0] == '\0';

	(void)size, (void)arg;
	for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
		wanted |= strstr(info->dlpi_name, libraries[i]) != NULL;
	for (int i = 0; wanted && i < info->dlpi_phnum && fault.span_count < SPANS_MAX; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		fault.spans[fault.span_count].begin = info->dlpi_addr + p->p_vaddr;
		fault.spans[fault.span_count++].end = info->dlpi_addr + p->p_vaddr + p->p_memsz;
	}
	return 0;
}

__attribute__((constructor)) static void fault_read(void)
{
	const char *said = getenv("MEMORY_FAULT");
	char how[8] = "";

	if (!said || sscanf(said, "%lu %7s", &fault.nth, how) != 2)
		return;
	fault.on = strcmp(how, "on") == 0;
	dl_iterate_phdr(span_note, NULL);
}

static bool is_short(const void *caller)
{
	static const char line[] = "memory fails\n";
	uintptr_t at = (uintptr_t)caller;
	bool counts = false;
	unsigned long n;

	for (size_t i = 0; i < fault.span_count; i++)
		counts |= at >= fault.spans[i].begin && at < fault.spans[i].end;
	if (!counts)
		return false;
	n = atomic_fetch_add(&fault.calls, 1) + 1;
	if (n < fault.nth || (n > fault.nth && !fault.on))
		return false;
	if (n == fault.nth && write(STDERR_FILENO, line, sizeof line - 1) < 0)
		abort();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return is_short(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_short(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_short(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = is_short(__builtin_return_address(0)) ? NULL : __libc_malloc(n);

	return copy ? memcpy(copy, s, n) : NULL;
}
