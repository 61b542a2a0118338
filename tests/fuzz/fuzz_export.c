/* Values and names that a stranger wrote become files of other programs' formats: none of them
 * becomes syntax there.  The first byte chooses the format and the second the type of the value;
 * then come the value, and behind a zero byte a name. */
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/format/export.h"
#include "protocol/observable.h"
#include "tests/fuzz/fuzz.h"

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void line_write(struct text *t, const char *type, const char *value, const char *name)
{
	text_str(t, "{\"object\":\"indicator--00000000-0000-4000-8000-000000000001\","
		    "\"type\":\"indicator\",\"name\":");
	text_json(t, name);
	text_str(t, ",\"values\":[{\"type\":");
	text_json(t, type);
	text_str(t, ",\"value\":");
	text_json(t, value);
	text_format(t,
		    "}],\"alone\":true,\"tlp\":\"green\",\"node\":\"kp\",\"message\":\"%064d\","
		    "\"created\":\"2026-11-20T10:00:00.000Z\",\"use\":\"block\",\"labels\":[",
		    1);
	text_json(t, name);
	text_str(t, "],\"modified\":\"2026-11-21T10:00:00.000Z\",\"valid_until\":null,"
		    "\"scaffolding\":false}");
}

/* Lines of a file that hold a word; with none, all lines that are not empty or comments. */
static size_t lines_with(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[8192];
	size_t count = 0;

	while (f && fgets(line, sizeof line, f))
		count += word ? strstr(line, word) != NULL : line[0] != '\n' && line[0] != '#';
	if (f)
		fclose(f);
	return count;
}

/* One value makes one line of these. */
static void check(const char *dir, const char *format, const struct export_result *result)
{
	static const struct {
		const char *format, *file, *word;
	} lines[] = {{"list", "khabardar.list", NULL},
		     {"hosts", "khabardar.hosts", NULL},
		     {"rpz", "khabardar.rpz", " CNAME "}};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (strcmp(lines[i].format, format) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, lines[i].file);
		/* A zone has a name, and what is below it. */
		must(lines_with(path, lines[i].word) <= 2 * result->written + 1);
	}
}

static void export_value(const char *dir, const char *format, const struct text *line)
{
	struct export_options options = {
		.format = format, .dir = dir, .now = UINT64_C(1795298400000)};
	struct export_result result = {0};
	struct report report;
	struct export *x;
	cJSON *json = cJSON_ParseWithLength(line->at, line->length);

	must(json);
	report_init(&report);
	must(export_open(&x, &options, &report) == ERR_OK);
	must(export_line(x, json, (struct slice){line->at, line->length}) == ERR_OK);
	must(export_finish(x, &result, &report) == ERR_OK);
	must(report.total == 0 && result.objects <= 1);
	check(dir, format, &result);
	export_close(x);
	report_clear(&report);
	cJSON_Delete(json);
}

static bool utf8(const char *s)
{
	struct text t;
	cJSON *json = NULL;
	bool good;

	text_init(&t);
	text_json(&t, s);
	good = json_parse(&json, t.at, t.length, NULL) == ERR_OK;
	cJSON_Delete(json);
	text_clear(&t);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char dir[64], value[600] = "", name[600] = "";
	const uint8_t *zero;
	struct text line;
	size_t formats = 0, length;

	if (n < 2)
		return 0;
	while (export_format(formats))
		formats++;
	zero = memchr(data + 2, 0, n - 2);
	length = zero ? (size_t)(zero - data - 2) : n - 2;
	if (length >= sizeof value || (zero && n - length - 3 >= sizeof name))
		return 0;
	memcpy(value, data + 2, length);
	if (zero)
		memcpy(name, zero + 1, n - length - 3);
	if (!utf8(value) || !utf8(name))
		return 0;
	/* Where a sync costs nothing, if there is such a place. */
	snprintf(dir, sizeof dir, "%s/khabardar-fuzz.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(dir));
	text_init(&line);
	line_write(&line, observable_type_str((enum observable_type)(data[1] % OBSERVABLE_TYPES)),
		   value, name);
	must(!line.bad);
	export_value(dir, export_format(data[0] % formats)->name, &line);
	text_clear(&line);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
