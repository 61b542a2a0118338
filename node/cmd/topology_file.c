#include "node/cmd/topology_file.h"
#include "protocol/json.h"

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

#include "node/cmd/print.h"

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
	cJSON_Delete(l->suspension);
	free(l->file);
	*l = (struct loaded){0};
}

enum err suspension_read(struct loaded_suspension *l, const char *path, struct report *report)
{
	enum err e;

	*l = (struct loaded_suspension){0};
	e = file_read(&l->file, &l->length, path, TOPOLOGY_MAX_BYTES, report);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_IO : e;
	l->text_length = council_text_length(l->file, l->length);
	if (!suspension_is(l->file, l->text_length)) {
		suspension_clear(l);
		return ERR_NOT_FOUND;
	}
	return suspension_parse(&l->s, l->file, l->text_length, report);
}

void suspension_clear(struct loaded_suspension *l)
{
	suspension_free(l->s);
	free(l->file);
	*l = (struct loaded_suspension){0};
}

void suspension_print(const struct suspension *s)
{
	char from[TIME_BYTES], until[TIME_BYTES];

	printf("suspension %lu, from %s until %s\n", (unsigned long)s->serial,
	       time_format(from, s->from), time_format(until, s->until));
	if (s->count == 0)
		printf("    nobody is suspended\n");
	for (size_t i = 0; i < s->count; i++) {
		const struct suspended *x = &s->list[i];
		printf("    %s", x->name);
		for (size_t k = 0; k < x->key_count; k++)
			printf("%s %u", k ? "" : ", only sign key", x->keys[k]);
		printf("%s%s\n", x->because ? ": " : "", x->because ? x->because : "");
	}
}

cJSON *suspension_json(const struct suspension *s)
{
	cJSON *o = cJSON_CreateObject(), *list;
	char time[TIME_BYTES], hex[2 * HASH_BYTES + 1];

	cJSON_AddNumberToObject(o, "serial", s->serial);
	cJSON_AddStringToObject(o, "hash", hex_encode(hex, s->hash.b, HASH_BYTES));
	cJSON_AddStringToObject(o, "topology", hex_encode(hex, s->topology.b, HASH_BYTES));
	cJSON_AddStringToObject(o, "from", time_format(time, s->from));
	cJSON_AddStringToObject(o, "until", time_format(time, s->until));
	list = cJSON_AddArrayToObject(o, "nodes");
	for (size_t i = 0; i < s->count; i++) {
		cJSON *node = cJSON_CreateObject(), *keys;
		cJSON_AddStringToObject(node, "node", s->list[i].name);
		keys = cJSON_AddArrayToObject(node, "keys");
		for (size_t k = 0; k < s->list[i].key_count; k++)
			cJSON_AddItemToArray(keys, cJSON_CreateNumber(s->list[i].keys[k]));
		if (s->list[i].because)
			cJSON_AddStringToObject(node, "because", s->list[i].because);
		cJSON_AddItemToArray(list, node);
	}
	return o;
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
		print_json((struct slice){text, strlen(text)});
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
