/* What a suspension says, for status and topology. */
#include "node/admin/answer.h"
#include "node/duty/warnings.h"

static void put_suspended(struct text *t, const struct suspended *x)
{
	admin_put_name(t, NULL);
	text_str(t, "{");
	admin_put_string(t, "node", x->name);
	admin_put_name(t, "keys");
	text_str(t, "[");
	for (size_t i = 0; i < x->key_count; i++)
		admin_put_number(t, NULL, x->keys[i]);
	text_str(t, "]");
	admin_put_string(t, "because", x->because);
	text_str(t, "}");
}

void suspension_show(struct text *t, const struct suspension *s)
{
	admin_put_name(t, "suspension");
	if (!s) {
		text_str(t, "null");
		return;
	}
	text_str(t, "{");
	admin_put_number(t, "serial", s->serial);
	admin_put_hex(t, "hash", s->hash.b, HASH_BYTES);
	admin_put_time(t, "from", s->from);
	admin_put_time(t, "until", s->until);
	admin_put_bool(t, "in_force", suspension_in_force(s));
	admin_put_name(t, "nodes");
	text_str(t, "[");
	for (size_t i = 0; i < s->count; i++)
		put_suspended(t, &s->list[i]);
	text_str(t, "]}");
}
