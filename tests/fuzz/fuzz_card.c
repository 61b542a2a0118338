/* Cards, and whose constituency a value is in: the input is a card's JSON, or after a zero byte a
 * value to look up in one. */
#include <string.h>

#include "protocol/constituency.h"
#include "tests/fuzz/fuzz.h"

static const struct party_id origin = {{1, 2, 3}};

/* What was read is written again as the same card. */
static void again(const struct card *c)
{
	struct card *copy = NULL;
	struct text t, u;

	text_init(&t);
	text_init(&u);
	card_write(&t, c);
	must(!t.bad && card_read(&copy, &origin, t.at, t.length, NULL) == ERR_OK);
	card_write(&u, copy);
	must(t.length == u.length && memcmp(t.at, u.at, t.length) == 0);
	must(copy->number == c->number && copy->seal_count == c->seal_count);
	card_free(copy);
	text_clear(&t);
	text_clear(&u);
}

static void look_up(const struct card *c, const char *value)
{
	char claim[CLAIM_MAX_BYTES];
	struct party bounds = {0};
	struct asset a;
	const char *why;

	if (asset_read(&a, value, &why) == ERR_OK &&
	    constituency_holds(&c->constituency, &bounds, &a, claim))
		must(strlen(claim) < sizeof claim);
}

static void claims_hold_themselves(const struct card *c)
{
	const struct card_constituency *of = &c->constituency;

	for (size_t i = 0; i < of->network_count; i++)
		look_up(c, of->networks[i]);
	for (size_t i = 0; i < of->domain_count; i++)
		look_up(c, of->domains[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *zero = n ? memchr(data, 0, n) : NULL;
	size_t length = zero ? (size_t)(zero - data) : n;
	struct card *c = NULL;
	char value[300] = "";

	if (card_read(&c, &origin, (const char *)data, length, NULL) != ERR_OK)
		return 0;
	must(c->number && c->link_count && c->link_count <= CARD_LINKS_MAX);
	for (size_t i = 1; i < c->seal_count; i++)
		must(c->seals[i - 1].number < c->seals[i].number);
	again(c);
	claims_hold_themselves(c);
	if (zero && n - length - 1 < sizeof value) {
		memcpy(value, zero + 1, n - length - 1);
		look_up(c, value);
	}
	card_free(c);
	return 0;
}
