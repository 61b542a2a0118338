/* The folder of warning lists, as it is now. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "node/detect/warning_list.h"

/* ---- a folder ---- */

struct paths {
	char **at; /* owned, and what it points to */
	size_t count;
};

static void paths_clear(struct paths *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->at[i]);
	free(p->at);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* name is a list where it is a file, or a folder with one. */
static enum err path_add(struct paths *p, const char *dir, const char *name)
{
	char path[PATH_MAX];
	size_t n = strlen(name);
	char **at;
	bool json = n > 5 && strcmp(name + n - 5, ".json") == 0;
	struct stat st;

	if (name[0] == '.' ||
	    snprintf(path, sizeof path, json ? "%s/%s" : "%s/%s/list.json", dir, name) >=
		    (int)sizeof path ||
	    (!json && stat(path, &st) != 0))
		return ERR_OK;
	at = realloc(p->at, (p->count + 1) * sizeof *at);
	if (!at)
		return ERR_MEMORY;
	p->at = at;
	p->at[p->count] = strdup(path);
	return p->at[p->count] ? (p->count++, ERR_OK) : ERR_MEMORY;
}

static enum err paths_find(struct paths *p, const char *dir, struct report *report)
{
	char below[PATH_MAX];
	DIR *folder;
	struct dirent *entry;
	enum err e = ERR_OK;

	if (snprintf(below, sizeof below, "%s/lists", dir) < (int)sizeof below && is_folder(below))
		dir = below;
	folder = opendir(dir);
	if (!folder) {
		report_add(report, "%s: %s", dir, strerror(errno));
		return ERR_IO;
	}
	while (!e && (entry = readdir(folder)) != NULL)
		e = path_add(p, dir, entry->d_name);
	closedir(folder);
	if (!e && p->count == 0) {
		report_add(report, "%s: there is no warning list in it", dir);
		return ERR_NOT_FOUND;
	}
	if (!e)
		qsort(p->at, p->count, sizeof *p->at, compare_paths);
	return e;
}

static enum err lists_read(struct warning_lists **out, const struct paths *paths,
			   struct report *report)
{
	struct warning_lists *w = warning_lists_new();
	enum err e = ERR_OK, first = ERR_OK;

	*out = NULL;
	if (!w)
		return ERR_MEMORY;
	for (size_t i = 0; i < paths->count && e != ERR_MEMORY; i++) {
		e = warning_lists_take(w, paths->at[i], report);
		first = first ? first : e;
	}
	if (first) {
		warning_lists_free(w);
		return first;
	}
	warning_lists_close(w);
	*out = w;
	return ERR_OK;
}

enum err warning_lists_read(struct warning_lists **lists, const char *dir, struct report *report)
{
	struct paths paths = {0};
	enum err e = paths_find(&paths, dir, report);

	*lists = NULL;
	if (!e)
		e = lists_read(lists, &paths, report);
	paths_clear(&paths);
	return e;
}

struct warning_guard {
	const char *dir;
	pthread_mutex_t lock;        /* of what follows */
	struct warning_lists *lists; /* owned */
	uint8_t seen[16];            /* mark of the files when they were read last */
	bool ever;
	enum err e; /* of that reading, and */
	char why[512];
};

struct warning_guard *warning_guard_new(const char *dir)
{
	struct warning_guard *g = calloc(1, sizeof *g);

	if (g) {
		g->dir = dir;
		pthread_mutex_init(&g->lock, NULL);
	}
	return g;
}

void warning_guard_free(struct warning_guard *g)
{
	if (!g)
		return;
	warning_lists_free(g->lists);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* Of names, sizes and times: a file that is replaced has another. */
static void mark_of(const struct paths *paths, uint8_t mark[16])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 16);
	for (size_t i = 0; i < paths->count; i++) {
		struct stat st;
		char line[96];
		if (stat(paths->at[i], &st) != 0)
			memset(&st, 0, sizeof st);
		snprintf(line, sizeof line, "%lld %lld %lld.%09ld", (long long)st.st_ino,
			 (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		crypto_generichash_update(&state, (const uint8_t *)paths->at[i],
					  strlen(paths->at[i]) + 1);
		crypto_generichash_update(&state, (const uint8_t *)line, strlen(line) + 1);
	}
	crypto_generichash_final(&state, mark, 16);
}

static void read_again(struct warning_guard *g, const struct paths *paths)
{
	struct report words;

	report_init(&words);
	warning_lists_free(g->lists);
	g->lists = NULL;
	g->e = lists_read(&g->lists, paths, &words);
	snprintf(g->why, sizeof g->why, "%s", words.count ? report_first(&words) : err_str(g->e));
	report_clear(&words);
	g->ever = true;
}

/* The caller holds the lock. */
static enum err read_changed(struct warning_guard *g, const struct paths *paths,
			     struct report *report)
{
	uint8_t mark[16];

	mark_of(paths, mark);
	if (!g->ever || memcmp(mark, g->seen, sizeof mark) != 0) {
		memcpy(g->seen, mark, sizeof mark);
		read_again(g, paths);
	}
	if (g->e)
		report_add(report, "%s", g->why);
	return g->e;
}

enum err warning_guard_lists(struct warning_guard *g, struct warning_lists **lists,
			     struct report *report)
{
	struct paths paths = {0};
	enum err e;

	*lists = NULL;
	if (!g->dir)
		return ERR_OK;
	e = paths_find(&paths, g->dir, report);
	if (!e) {
		pthread_mutex_lock(&g->lock);
		e = read_changed(g, &paths, report);
		if (!e)
			*lists = warning_lists_hold(g->lists);
		pthread_mutex_unlock(&g->lock);
	}
	paths_clear(&paths);
	return e;
}
