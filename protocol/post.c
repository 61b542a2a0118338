/* The body of a post: an envelope for what STIX has no word for, and one bundle. */
#include <string.h>

#include "protocol/stix.h"

/* SPEC 8.1: "A reader ignores members that it does not know, and refuses a known member with a
 * value that it does not know." */
static enum err envelope_read(struct envelope *e, const cJSON *json, struct report *report)
{
	const cJSON *use = cJSON_GetObjectItemCaseSensitive(json, "use");
	const cJSON *exercise = cJSON_GetObjectItemCaseSensitive(json, "exercise");
	const cJSON *receipt = cJSON_GetObjectItemCaseSensitive(json, "receipt");
	const cJSON *role = cJSON_GetObjectItemCaseSensitive(json, "as-role");
	const cJSON *by = cJSON_GetObjectItemCaseSensitive(json, "ack-by");
	const char *word = cJSON_GetStringValue(use), *name = cJSON_GetStringValue(role);

	if (!cJSON_IsObject(json)) {
		report_add(report, "\"envelope\" is not an object");
		return ERR_FORMAT;
	}
	if (use && (!word || (strcmp(word, "detect") != 0 && strcmp(word, "block") != 0))) {
		report_add(report, "envelope: \"use\" is neither \"detect\" nor \"block\"");
		return ERR_FORMAT;
	}
	if (exercise && !cJSON_IsBool(exercise)) {
		report_add(report, "envelope: \"exercise\" is neither true nor false");
		return ERR_FORMAT;
	}
	if (receipt && !cJSON_IsBool(receipt)) {
		report_add(report, "envelope: \"receipt\" is neither true nor false");
		return ERR_FORMAT;
	}
	if (role && (!name || !name_valid(name))) {
		report_add(report, "envelope: \"as-role\" is not the name of a role");
		return ERR_FORMAT;
	}
	/* SPEC 8.1: "It stands only beside a `receipt` that is true." */
	if (by && (!cJSON_IsString(by) || !time_parse(&e->ack_by, by->valuestring) || !e->ack_by ||
		   !cJSON_IsTrue(receipt))) {
		report_add(report, "envelope: \"ack-by\" is no time, or no receipt is asked for");
		return ERR_FORMAT;
	}
	e->block = word && strcmp(word, "block") == 0;
	e->exercise = cJSON_IsTrue(exercise);
	e->receipt = cJSON_IsTrue(receipt);
	strcpy(e->as_role, name ? name : "");
	return ERR_OK;
}

enum err post_read(struct post *p, const char *json, size_t n, struct report *report)
{
	cJSON *root;
	const cJSON *bundle;
	enum err err = json_parse_bounded(&root, json, n, BODY_VALUES_MAX, report);

	*p = (struct post){0};
	if (err)
		return err;
	bundle = cJSON_GetObjectItemCaseSensitive(root, "bundle");
	err = envelope_read(&p->envelope, cJSON_GetObjectItemCaseSensitive(root, "envelope"),
			    report);
	if (!err && !json_member(&p->text, (struct slice){json, n}, "bundle")) {
		report_add(report, "a post without a bundle");
		err = ERR_FORMAT;
	}
	if (!err)
		err = bundle_read_parsed(&p->bundle, root, bundle, p->text, BUNDLE_OBJECTS_MAX,
					 report);
	if (err) {
		cJSON_Delete(root);
		*p = (struct post){0};
	}
	return err;
}

void post_clear(struct post *p)
{
	bundle_free(p->bundle);
	*p = (struct post){0};
}

void post_write(struct text *out, const struct envelope *envelope, struct slice bundle)
{
	text_str(out, "{\"envelope\":{\"use\":");
	text_str(out, envelope->block ? "\"block\"" : "\"detect\"");
	if (envelope->exercise)
		text_str(out, ",\"exercise\":true");
	if (envelope->receipt)
		text_str(out, ",\"receipt\":true");
	if (envelope->receipt && envelope->ack_by) {
		char time[TIME_BYTES];
		text_format(out, ",\"ack-by\":\"%s\"", time_format(time, envelope->ack_by));
	}
	if (*envelope->as_role) {
		text_str(out, ",\"as-role\":");
		text_json(out, envelope->as_role);
	}
	text_str(out, "},\"bundle\":");
	text_add(out, bundle.at, bundle.length);
	text_str(out, "}");
}
