#include "node/cmd/topology_file.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum err loaded_read(struct loaded *l, const char *path, struct report *report)
{
	enum err e;

	*l = (struct loaded){0};
	e = file_read(&l->file, &l->length, path, TOPOLOGY_MAX_BYTES, report);
	if (e)
		return e;
	l->text_length = council_text_length(l->file, l->length);
	return topology_parse(&l->t, l->file, l->text_length, report);
}

void loaded_clear(struct loaded *l)
{
	topology_free(l->t);
	free(l->file);
	*l = (struct loaded){0};
}

void topology_count(const struct topology *t, size_t *nodes, size_t *roles)
{
	*nodes = 0;
	for (size_t i = 0; i < t->party_count; i++)
		*nodes += t->parties[i].kind == PARTY_NODE;
	*roles = t->party_count - *nodes;
}

char *date_text(char *out, size_t size, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || strftime(out, size, "%Y-%m-%d", &tm) == 0)
		out[0] = '\0';
	return out;
}

void json_print(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	if (text)
		puts(text);
	free(text);
	cJSON_Delete(o);
}

int topology_refused(const struct cmd_context *c, const char *where, enum err e,
		     struct report *report)
{
	if (report->total == 0)
		report_add(report, "%s", err_str(e));
	return cmd_refused(c, where, report);
}
