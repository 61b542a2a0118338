/* TLP as STIX writes it: the marking-definitions of TLP 2.0 and, to be read only, of TLP 1. */
#include <string.h>
#include <strings.h>

#include "protocol/stix.h"

#define TLP_2(uuid, name, word) \
	"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\"," \
	"\"id\":\"marking-definition--" uuid "\",\"created\":\"2022-10-01T00:00:00.000Z\"," \
	"\"name\":\"TLP:" name "\",\"extensions\":{" \
	"\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":{" \
	"\"extension_type\":\"property-extension\",\"tlp_2_0\":\"" word "\"}}}"

static const struct {
	const char *id, *object;
} markings[TLP_COUNT] = {
	[TLP_CLEAR] = {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
		       TLP_2("94868c89-83c2-464b-929b-a1a8aa3c8487", "CLEAR", "clear")},
	[TLP_GREEN] = {"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
		       TLP_2("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "GREEN", "green")},
	[TLP_AMBER] = {"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
		       TLP_2("55d920b0-5e8b-4f79-9ee9-91f868d9b421", "AMBER", "amber")},
	[TLP_AMBER_STRICT] = {"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
			      TLP_2("939a9414-2ddd-4d32-a0cd-375ea402b003", "AMBER+STRICT",
				    "amber+strict")},
	[TLP_RED] = {"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
		     TLP_2("e828b379-4e03-4974-9ac4-e53a884c97c1", "RED", "red")},
};

static const struct {
	const char *id;
	enum tlp tlp;
} tlp_1[] = {
	{"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP_CLEAR},
	{"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP_GREEN},
	{"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", TLP_AMBER},
	{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED},
};

const char *tlp_marking_id(enum tlp tlp)
{
	return markings[tlp].id;
}

const char *tlp_marking_object(enum tlp tlp)
{
	return markings[tlp].object;
}

bool tlp_of_marking(const char *id, enum tlp *tlp)
{
	for (int i = 0; i < TLP_COUNT; i++) {
		if (strcmp(id, markings[i].id) == 0) {
			*tlp = (enum tlp)i;
			return true;
		}
	}
	for (size_t i = 0; i < sizeof tlp_1 / sizeof *tlp_1; i++) {
		if (strcmp(id, tlp_1[i].id) == 0) {
			*tlp = tlp_1[i].tlp;
			return true;
		}
	}
	return false;
}

static const char *string_in(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Definitions with ids of their own occur in the wild, spelt in each of these ways. */
bool tlp_of_definition(const cJSON *definition, enum tlp *tlp)
{
	const cJSON *inner = cJSON_GetObjectItemCaseSensitive(definition, "definition");
	const cJSON *extensions = cJSON_GetObjectItemCaseSensitive(definition, "extensions");
	const cJSON *extension = cJSON_GetObjectItemCaseSensitive(
		extensions, "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d");
	const char *type = string_in(definition, "definition_type");
	const char *name = string_in(definition, "name");
	const char *words[] = {string_in(extension, "tlp_2_0"), string_in(inner, "tlp"), NULL,
			       NULL};

	if (type && strncasecmp(type, "tlp:", 4) == 0)
		words[2] = type;
	if (name && strncasecmp(name, "tlp:", 4) == 0)
		words[3] = name;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (words[i] && tlp_parse(words[i], tlp))
			return true;
	}
	return false;
}
