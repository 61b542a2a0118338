/* What the files behind json.h share: a key's decoded bytes.  Not for others. */
#ifndef PROTOCOL_JSON_TEXT_H
#define PROTOCOL_JSON_TEXT_H

#include "protocol/json.h"

/* Orders two keys, given without their quotes, by the UTF-8 bytes that they stand for.  Where
 * escaped is false the key holds no backslash and its bytes are compared as they are. */
int json_key_compare(const struct slice *a, bool a_escaped, const struct slice *b, bool b_escaped);

#endif
