/* A directory as MISP publishes it: manifest.json, and a file for each event. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/file.h"
#include "node/format/import.h"

enum { PATH_BYTES = 4096 };

static bool integrity_holds(const cJSON *entry, const char *bytes, size_t n)
{
	const char *want =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "integrity:sha256"));
	uint8_t hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];

	if (!want || !*want)
		return true;
	crypto_hash_sha256(hash, (const uint8_t *)bytes, n);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	return strcasecmp(hex, want) == 0;
}

static enum err event_file_read(struct import *i, const char *folder, const cJSON *entry,
				struct report *report)
{
	char path[PATH_BYTES], *bytes = NULL;
	struct report inner;
	size_t n;
	enum err err;

	/* Nothing but a uuid names a file here. */
	if (!uuid_valid(entry->string)) {
		report_add(report, "%s/manifest.json: \"%.60s\" is not the uuid of an event",
			   folder, entry->string);
		return ERR_FORMAT;
	}
	if ((size_t)snprintf(path, sizeof path, "%s/%s.json", folder, entry->string) >= sizeof path)
		return ERR_LIMIT;
	report_init(&inner);
	err = file_read(&bytes, &n, path, IMPORT_MAX_BYTES, &inner);
	if (err) {
		report_add(report, "%s: %s", path,
			   inner.count ? report_first(&inner) : err_str(err));
	} else if (!integrity_holds(entry, bytes, n)) {
		report_add(report, "%s: not what manifest.json says (integrity:sha256)", path);
		err = ERR_DAMAGED;
	} else {
		err = import_read(i, "misp", bytes, n, path, report);
	}
	report_clear(&inner);
	free(bytes);
	return err;
}

enum err import_feed(struct import *i, const char *folder, struct report *report)
{
	char path[PATH_BYTES], *bytes = NULL;
	struct report inner;
	const cJSON *entry;
	cJSON *manifest = NULL;
	size_t n;
	enum err err;

	if ((size_t)snprintf(path, sizeof path, "%s/manifest.json", folder) >= sizeof path)
		return ERR_LIMIT;
	report_init(&inner);
	err = file_read(&bytes, &n, path, IMPORT_MAX_BYTES, &inner);
	if (!err)
		err = json_parse(&manifest, bytes, n, &inner);
	if (err)
		report_add(report, "%s: %s", path,
			   inner.count ? report_first(&inner) : err_str(err));
	report_clear(&inner);
	free(bytes);
	if (!err && !cJSON_IsObject(manifest)) {
		report_add(report, "%s: not an object of events", path);
		err = ERR_FORMAT;
	}
	if (!err) {
		cJSON_ArrayForEach(entry, manifest)
		{
			err = event_file_read(i, folder, entry, report);
			if (err)
				break;
		}
	}
	cJSON_Delete(manifest);
	if (err)
		i->failed = err;
	return err;
}
