#include "protocol/card.h"

#include <sodium.h>

#include "tests/tap.h"

static const struct party_id self = {{1, 2, 3}}, other = {{3, 2, 1}};

/* A link key of which the secret is known, as any implementation of Ed25519 proves it. */
static void link_make(struct card_link *link, uint8_t seed_byte)
{
	uint8_t seed[32], secret[64], text[CARD_PROOF_TEXT_BYTES];

	memset(seed, seed_byte, sizeof seed);
	crypto_sign_seed_keypair(link->point, secret, seed);
	need(crypto_sign_ed25519_pk_to_curve25519(link->key, link->point) == 0);
	card_proof_text(text, &self);
	crypto_sign_detached(link->proof, NULL, text, sizeof text, secret);
}

static void seal_make(struct card *c, uint16_t number)
{
	uint8_t secret[32] = {0, (uint8_t)number, (uint8_t)(number >> 8)};

	c->seals[c->seal_count].number = number;
	crypto_scalarmult_base(c->seals[c->seal_count++].key, secret);
}

static char *copy(const char *s)
{
	char *at = strdup(s);

	need(at);
	return at;
}

static void texts_make(char ***texts, size_t *n, const char *text)
{
	*texts = calloc(1, sizeof **texts);
	need(*texts);
	(*texts)[0] = copy(text);
	*n = 1;
}

static struct card *card_make(void)
{
	struct card *c = calloc(1, sizeof *c);
	struct card_constituency *of;

	need(c);
	c->number = 7;
	c->endpoints[c->endpoint_count++] = copy("tcp://cert.punjab.example:5670");
	c->endpoints[c->endpoint_count++] = copy("tcp://[2001:db8::1]:5670");
	link_make(&c->links[c->link_count++], 1);
	link_make(&c->links[c->link_count++], 2);
	seal_make(c, 1);
	seal_make(c, 5);
	c->contacts[0] =
		(struct card_contact){.name = copy("Duty \"desk\""), .phone = copy("+92 1")};
	c->contacts[1] = (struct card_contact){
		.name = copy("Head"), .email = copy("a@b.example"), .hours = copy("9-5")};
	c->contact_count = 2;
	of = &c->constituency;
	texts_make(&of->networks, &of->network_count, "203.0.113.0/24");
	texts_make(&of->domains, &of->domain_count, "punjab.example");
	of->as_numbers = calloc(1, sizeof *of->as_numbers);
	need(of->as_numbers);
	of->as_numbers[of->as_number_count++] = 64500;
	return c;
}

static char *written(const struct card *c)
{
	struct text t;

	text_init(&t);
	card_write(&t, c);
	need(!t.bad);
	return t.at;
}

static enum err reads(const char *json, const char *words)
{
	struct report report;
	struct card *c;
	enum err e;

	report_init(&report);
	e = card_read(&c, &self, json, strlen(json), &report);
	if (words && !strstr(report_first(&report), words))
		printf("# \"%s\"\n", report_first(&report));
	if (words && !strstr(report_first(&report), words))
		e = ERR_OK;
	card_free(c);
	report_clear(&report);
	return e;
}

static void what_was_written_is_read(void)
{
	struct card *c = card_make(), *back;
	char *json = written(c), *again;

	need(!card_read(&back, &self, json, strlen(json), NULL));
	again = written(back);
	is_str(again, json, "the same");
	is_int(back->number, 7, "its number");
	is_int(back->contact_count, 2, "its contacts");
	ok(!back->contacts[0].email, "what is not said is not there");
	ok(card_seal_numbered(back, 5) == &back->seals[1] && !card_seal_numbered(back, 2),
	   "seal keys by number");
	free(again);
	free(json);
	card_free(back);
	card_free(c);
}

/* Replaces the first `from` of the card's JSON. */
static char *with(const char *from, const char *to)
{
	struct card *c = card_make();
	char *json = written(c), *at = strstr(json, from), *out;

	card_free(c);
	need(at);
	out = malloc(strlen(json) + strlen(to) + 1);
	need(out);
	memcpy(out, json, (size_t)(at - json));
	strcpy(out + (at - json), to);
	strcat(out, at + strlen(from));
	free(json);
	return out;
}

static void refused(const char *from, const char *to, const char *words)
{
	char *json = with(from, to);

	ok(reads(json, words) != ERR_OK, "%.60s: %s", to, words);
	free(json);
}

static void what_breaks_a_rule_is_refused_in_words(void)
{
	refused("\"number\":7", "\"number\":0", "number: a whole number");
	refused("\"number\":7", "\"number\":1.5", "number: a whole number");
	refused("\"number\":7", "\"number\":9007199254740993000", "number: a whole number");
	refused("\"number\":7", "\"number\":\"7\"", "number: a whole number");
	refused("\"number\":7", "\"nummer\":7", "number: a whole number");
	refused("tcp://cert", "udp://cert", "endpoints: not an endpoint");
	refused("tcp://[2001:db8::1]:5670", "tcp://*:5670", "wildcard");
	refused("tcp://[2001:db8::1]:5670", "tcp://cert.punjab.example:5670", "twice");
	refused("[\"tcp://cert.punjab.example:5670\",", "[5,", "endpoints: no string");
	refused("\"endpoints\":[", "\"endpoints\":3,\"x\":[", "endpoints: no array");
	refused("\"link\":[", "\"x\":[", "link: missing");
	refused("\"seal\":[", "\"x\":[", "seal: missing");
	refused("\"number\":5,", "\"number\":1,", "do not ascend");
	refused("\"number\":5,", "\"number\":65536,", "1 to 65535");
	refused("\"name\":\"Head\"", "\"nome\":\"Head\"", "contacts: name: missing");
	refused("\"name\":\"Head\"", "\"name\":\"\"", "1 to 200 bytes");
	refused("\"name\":\"Head\"", "\"name\":\"Duty \\\"desk\\\"\"", "twice");
	refused("203.0.113.0/24", "203.0.113.1/24", "networks: bits are set");
	refused("punjab.example\"]", "Punjab.example\"]", "domains: not a domain");
	refused("64500", "4294967296", "as-numbers");
	refused("64500", "0", "as-numbers");
	refused("{", "{\"number\":7,", "");
	refused("{", "[{", "");
}

static void only_who_knows_the_secret_names_a_link_key(void)
{
	struct card *c = card_make(), *back;
	char *json = written(c);

	is_int(card_read(&back, &other, json, strlen(json), NULL), ERR_SIGNATURE,
	       "the proof is the origin's");
	free(json);
	c->links[1].proof[63] ^= 1;
	json = written(c);
	is_int(reads(json, "proof"), ERR_SIGNATURE, "an altered one is none");
	free(json);
	c->links[1] = c->links[0];
	json = written(c);
	is_int(reads(json, "same key twice"), ERR_FORMAT, "now and next are two");
	free(json);
	memset(&c->links[1], 0, sizeof c->links[1]);
	json = written(c);
	is_int(reads(json, "usable"), ERR_FORMAT, "a key of small order");
	free(json);
	c->links[1] = c->links[0];
	memcpy(c->links[1].key, c->seals[0].key, 32);
	json = written(c);
	is_int(reads(json, "proof"), ERR_SIGNATURE, "another's key under one's own proof");
	free(json);
	card_free(c);
}

static void seal_keys_are_usable_and_distinct(void)
{
	struct card *c = card_make();
	char *json;

	memcpy(c->seals[1].key, c->seals[0].key, 32);
	json = written(c);
	is_int(reads(json, "are the same"), ERR_FORMAT, "two numbers, one key");
	free(json);
	memset(c->seals[1].key, 0, 32);
	json = written(c);
	is_int(reads(json, "usable"), ERR_FORMAT, "small order");
	free(json);
	card_free(c);
}

static void too_many_of_anything_are_refused(void)
{
	struct text t;

	text_init(&t);
	text_str(&t, "{\"number\":1,\"endpoints\":[\"tcp://a:1\"");
	for (int i = 2; i <= 3000; i++)
		text_format(&t, ",\"tcp://a:%d\"", i);
	text_str(&t, "]}");
	is_int(reads(t.at, "endpoints: 3000 of them; at most 8"), ERR_LIMIT, "3,000 endpoints");
	text_clear(&t);
	text_str(&t, "{\"number\":1,\"endpoints\":[");
	for (int i = 0; i < 10000; i++)
		text_str(&t, i ? ",1" : "1");
	text_str(&t, "]}");
	is_int(reads(t.at, NULL), ERR_LIMIT, "10,000 values");
	text_clear(&t);
	text_format(&t, "{\"x\":\"%0*d\"}", CARD_JSON_MAX_BYTES, 0);
	is_int(reads(t.at, "at most 262144"), ERR_LIMIT, "too long");
	text_clear(&t);
}

static void cut_or_flipped_it_does_no_harm(void)
{
	struct card *c = card_make(), *back;
	char *json = written(c);
	size_t n = strlen(json), taken = 0;

	for (size_t i = 0; i < n; i++)
		taken += card_read(&back, &self, json, i, NULL) == ERR_OK;
	is_int(taken, 0, "no prefix is a card");
	for (size_t bit = 0; bit < 8 * n; bit++) {
		json[bit / 8] ^= (char)(1 << bit % 8);
		if (card_read(&back, &self, json, n, NULL) == ERR_OK) {
			char *again = written(back), *once = again;
			card_free(back);
			need(!card_read(&back, &self, once, strlen(once), NULL));
			again = written(back);
			taken += strcmp(again, once) != 0;
			free(again);
			free(once);
		}
		card_free(back);
		json[bit / 8] ^= (char)(1 << bit % 8);
	}
	is_int(taken, 0, "what still reads, reads the same again");
	free(json);
	card_free(c);
}

static void members_that_it_does_not_know_are_passed_over(void)
{
	char *json = with("{\"number\"", "{\"later\":{\"a\":[1]},\"number\"");

	is_int(reads(json, NULL), ERR_OK, "a later version's card");
	free(json);
	json = with("\"as-numbers\":[64500]", "\"x\":1");
	is_int(reads(json, NULL), ERR_OK, "lists that are not there");
	free(json);
}

int main(void)
{
	need(sodium_init() >= 0);
	RUN(what_was_written_is_read);
	RUN(what_breaks_a_rule_is_refused_in_words);
	RUN(only_who_knows_the_secret_names_a_link_key);
	RUN(seal_keys_are_usable_and_distinct);
	RUN(too_many_of_anything_are_refused);
	RUN(cut_or_flipped_it_does_no_harm);
	RUN(members_that_it_does_not_know_are_passed_over);
	return tap_done();
}
