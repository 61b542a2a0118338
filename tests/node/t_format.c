#include <dirent.h>

#include "tests/node/imported.h"

#define CONTENT "tests/data/content/"
#define REAL "../shared/data/"

static void what_is_not_text_is_refused_in_words(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *words;
	} bad[] = {
		{"", 0, "input: empty"},
		{"\n\n# only\r\n", 10, "no values in it"},
		{"\x1f\x8b\x08\x00zzz", 7, "compressed by gzip"},
		{"PK\x03\x04zzzz", 8, "a zip archive"},
		{"\x28\xb5\x2f\xfdzzzz", 8, "compressed by zstd"},
		{"\xff\xfe"
		 "a\0",
		 4, "UTF-16"},
		{"{\"a\":", 5, "line 1, column 6: the text ends"},
		{"{\"a\":1,\n \"a\":2}", 15, "line 2, column 2: the same key twice"},
		{"{\"duvelDetails\":{}}", 19, "its first key is \"duvelDetails\""},
		{"[{\"Event\":[}]", 13, "line 1, column 12"},
		{"{\"Event\":{}}", 12, "no Event with a uuid"},
		{"[{}]", 4, "no Event with a uuid"},
		{"{\"type\":\"bundle\"}", 17, "no id of the form"},
		{"{\"Event\":{\"\xff\"}}", 15, "not UTF-8"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ok(import_bytes(&plain, NULL, bad[i].bytes, bad[i].n) != ERR_OK, "refused");
		if (!ok(said_anywhere(bad[i].words), "%s", bad[i].words))
			printf("# said: %s\n", report_first(&said));
		is_int(imported.part_count, 0, "nothing to share");
	}
	forget();
}

static void options_are_checked(void)
{
	static const char *const labels[] = {"", "\xff"};
	struct import_options o = plain;
	struct import i;

	report_init(&said);
	o.node = "KP!";
	o.labels = labels;
	o.label_count = 2;
	o.confidence = 101;
	o.valid_days = 100000;
	is_int(import_init(&i, &o, &said), ERR_FORMAT, "refused");
	is_int(said.count, 5, "every mistake");
	import_clear(&i);
	o = plain;
	o.confidence = 101;
	is_int(import_init(&i, &o, NULL), ERR_FORMAT, "without words too");
	import_clear(&i);
	report_clear(&said);
}

static void values_of_an_operator_are_taken(void)
{
	struct import i;

	report_init(&said);
	need(import_init(&i, &plain, &said) == ERR_OK);
	is_int(import_value(&i, "evil[.]com", 1), ERR_OK, "a domain");
	is_int(import_value(&i, "nonsense", 2), ERR_OK, "nonsense is rejected later");
	is_int(import_finish(&i, &said), ERR_NOT_ALLOWED, "as a whole");
	ok(said_anywhere("line 2"), "by its place");
	import_clear(&i);
	report_clear(&said);
}

#define OBJECT(n, more) \
	"{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"malware--00000000-0000-4000-" \
	"8000-%012d\"," \
	"\"created\":\"2024-01-01T00:00:00Z\" , \"modified\":\"2024-01-01T00:00:00Z\"" more "}"
#define BUNDLE_START \
	"{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000000\"," \
	"\"objects\":["

static void a_small_stix_bundle_is_kept_byte_for_byte(void)
{
	char text[1000];
	int n = snprintf(text, sizeof text, "  " BUNDLE_START OBJECT(1, "") "]}\n", 1);

	is_int(import_bytes(&plain, NULL, text, (size_t)n), ERR_OK, "read");
	is_int(imported.part_count, 1, "one bundle");
	ok(imported.parts[0].length == (size_t)n &&
		   !memcmp(imported.parts[0].text, text, (size_t)n),
	   "the same bytes");
	is_int(parts_valid(), 1, "objects");
	forget();
}

static void a_large_stix_bundle_is_split_and_its_objects_are_kept(void)
{
	struct text t;
	size_t found = 0;
	char object[400];

	text_init(&t);
	text_format(&t, BUNDLE_START "%s", tlp_marking_object(TLP_GREEN));
	for (int i = 1; i <= 2500; i++)
		text_format(&t, "," OBJECT(i, ",\"object_marking_refs\":[\"%s\"]"), i,
			    tlp_marking_id(TLP_GREEN));
	text_str(&t, "]}");
	is_int(import_bytes(&plain, NULL, t.at, t.length), ERR_OK, "2,500 objects");
	is_int(imported.part_count, 3, "bundles");
	is_int(parts_valid(), 2500, "objects");
	for (int i = 1; i <= 2500; i++) {
		snprintf(object, sizeof object, OBJECT(i, ",\"object_marking_refs\":[\"%s\"]"), i,
			 tlp_marking_id(TLP_GREEN));
		found += strstr(imported.parts[(i - 1) / 1000].text, object) != NULL;
	}
	is_int(found, 2500, "byte for byte");
	for (size_t p = 0; p < 3; p++)
		ok(strstr(imported.parts[p].text, tlp_marking_object(TLP_GREEN)) != NULL,
		   "every part has the marking");
	text_clear(&t);
	forget();
}

static void a_stricter_marking_is_refused_by_name(void)
{
	char text[2000];
	int n = snprintf(
		text, sizeof text,
		BUNDLE_START OBJECT(1, ",\"object_marking_refs\":[\"%s\"]") "," OBJECT(2, "") "]}",
		1, tlp_marking_id(TLP_AMBER), 2);
	struct import_options o = plain;

	is_int(import_bytes(&o, NULL, text, (size_t)n), ERR_NOT_ALLOWED, "refused");
	ok(said_anywhere("object 1 (malware--00000000-0000-4000-8000-000000000001) is marked "
			 "TLP:amber"),
	   "names it");
	o.tlp = TLP_AMBER;
	is_int(import_bytes(&o, NULL, text, (size_t)n), ERR_OK, "an AMBER message may carry it");
	forget();
}

static void shipped_excerpts_are_read(void)
{
	static const struct {
		const char *file;
		size_t read, taken, context;
	} files[] = {
		{CONTENT "sshdoor-akiva.json", 5, 0, 5},
		{CONTENT "turla-crutch.json", 20, 0, 20},
		{CONTENT "novispy.stix2", 37, 37, 0},
		{CONTENT "ipsum.txt", 120, 120, 0},
	};

	for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
		if (!ok(import_file(&plain, files[f].file) == ERR_OK, "%s", files[f].file))
			printf("# %s\n", report_first(&said));
		is_int(imported.read, files[f].read, "read");
		is_int(imported.taken, files[f].taken, "taken");
		is_int(imported.context, files[f].context, "context");
		parts_valid();
	}
	ok(import_file(&plain, CONTENT "maltrail.txt") == ERR_OK, "maltrail.txt");
	is_int(imported.rejected_count, 0, "rejected");
	parts_valid();
	forget();
}

static void real_folder(const char *folder)
{
	struct import_options o = plain;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	o.skip_rejected = true;
	while (dir && (entry = readdir(dir)) != NULL) {
		char path[600];
		enum err err;

		if (entry->d_name[0] == '.' || strstr(entry->d_name, "LICENSE"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		err = import_file(&o, path);
		if (strstr(path, "dnsbirthday")) {
			is_int(err, ERR_FORMAT, "%s is no MISP event", path);
			continue;
		}
		if (!ok(err == ERR_OK, "%s", path))
			printf("# %s\n", report_first(&said));
		printf("# read %zu taken %zu merged %zu context %zu rejected %zu\n", imported.read,
		       imported.taken, imported.duplicates, imported.context,
		       imported.rejected_count);
		/* One address of the cobaltstrike list has the port 65626. */
		ok(imported.rejected_count <= 1, "all but one line at most");
		parts_valid();
	}
	if (dir)
		closedir(dir);
	else
		ok(true, "# SKIP no %s here", folder);
}

static void real_data_is_read_where_it_is(void)
{
	real_folder(REAL "misp");
	real_folder(REAL "stix");
	real_folder(REAL "lists");
	forget();
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(what_is_not_text_is_refused_in_words);
	RUN(options_are_checked);
	RUN(values_of_an_operator_are_taken);
	RUN(a_small_stix_bundle_is_kept_byte_for_byte);
	RUN(a_large_stix_bundle_is_split_and_its_objects_are_kept);
	RUN(a_stricter_marking_is_refused_by_name);
	RUN(shipped_excerpts_are_read);
	RUN(real_data_is_read_where_it_is);
	return tap_done();
}
