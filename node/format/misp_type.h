/* What the types of MISP's attributes are as STIX patterns.  Only for node/format/. */
#ifndef NODE_FORMAT_MISP_TYPE_H
#define NODE_FORMAT_MISP_TYPE_H

#include "protocol/json.h"

/* Appends the pattern of an attribute.  *language is "stix" or a rule language of STIX's; *days how
 * long it holds unless somebody says otherwise.  False, with a reason, for what equality cannot
 * express and for values that are not what their type says. */
bool misp_pattern(struct text *pattern, const char **language, unsigned *days, const char *type,
		  const char *value, const char **why);

#endif
