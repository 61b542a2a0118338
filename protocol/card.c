#include "protocol/card.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/admin.h"

static void contact_clear(struct card_contact *c)
{
	free(c->name);
	free(c->email);
	free(c->phone);
	free(c->hours);
}

static void texts_free(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void card_free(struct card *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->endpoint_count; i++)
		free(c->endpoints[i]);
	for (size_t i = 0; i < c->contact_count; i++)
		contact_clear(&c->contacts[i]);
	texts_free(c->constituency.networks, c->constituency.network_count);
	texts_free(c->constituency.domains, c->constituency.domain_count);
	free(c->constituency.as_numbers);
	free(c);
}

const struct card_seal *card_seal_numbered(const struct card *c, uint16_t number)
{
	for (size_t i = 0; i < c->seal_count; i++)
		if (c->seals[i].number == number)
			return &c->seals[i];
	return NULL;
}

void card_proof_text(uint8_t out[CARD_PROOF_TEXT_BYTES], const struct party_id *origin)
{
	static const char label[] = "khabar-link-1";

	memcpy(out, label, sizeof label - 1);
	memcpy(out + sizeof label - 1, origin->b, sizeof origin->b);
}

bool card_link_proven(const struct card_link *link, const struct party_id *origin)
{
	uint8_t text[CARD_PROOF_TEXT_BYTES], key[LINK_KEY_BYTES];

	card_proof_text(text, origin);
	/* SPEC 4.11: "The point is that of the link key: crypto_sign_ed25519_pk_to_curve25519 of
	 * libsodium 1.0.18 makes the one from the other." */
	return crypto_sign_ed25519_pk_to_curve25519(key, link->point) == 0 &&
	       memcmp(key, link->key, sizeof key) == 0 &&
	       crypto_sign_verify_detached(link->proof, text, sizeof text, link->point) == 0;
}

static void write_links(struct text *out, const struct card *c)
{
	admin_put_name(out, "link");
	text_str(out, "[");
	for (size_t i = 0; i < c->link_count; i++) {
		admin_put_name(out, NULL);
		text_str(out, "{");
		admin_put_hex(out, "key", c->links[i].key, LINK_KEY_BYTES);
		admin_put_hex(out, "point", c->links[i].point, SIGN_KEY_BYTES);
		admin_put_hex(out, "proof", c->links[i].proof, SIGNATURE_BYTES);
		text_str(out, "}");
	}
	text_str(out, "]");
}

static void write_seals(struct text *out, const struct card *c)
{
	admin_put_name(out, "seal");
	text_str(out, "[");
	for (size_t i = 0; i < c->seal_count; i++) {
		admin_put_name(out, NULL);
		text_str(out, "{");
		admin_put_number(out, "number", c->seals[i].number);
		admin_put_hex(out, "key", c->seals[i].key, SEAL_KEY_BYTES);
		text_str(out, "}");
	}
	text_str(out, "]");
}

static void write_contacts(struct text *out, const struct card *c)
{
	admin_put_name(out, "contacts");
	text_str(out, "[");
	for (size_t i = 0; i < c->contact_count; i++) {
		const struct card_contact *contact = &c->contacts[i];
		admin_put_name(out, NULL);
		text_str(out, "{");
		admin_put_string(out, "name", contact->name);
		if (contact->email)
			admin_put_string(out, "email", contact->email);
		if (contact->phone)
			admin_put_string(out, "phone", contact->phone);
		if (contact->hours)
			admin_put_string(out, "hours", contact->hours);
		text_str(out, "}");
	}
	text_str(out, "]");
}

static void write_texts(struct text *out, const char *name, char *const *texts, size_t n)
{
	admin_put_name(out, name);
	text_str(out, "[");
	for (size_t i = 0; i < n; i++)
		admin_put_string(out, NULL, texts[i]);
	text_str(out, "]");
}

void card_write(struct text *out, const struct card *c)
{
	const struct card_constituency *of = &c->constituency;

	text_str(out, "{");
	admin_put_number(out, "number", c->number);
	write_texts(out, "endpoints", c->endpoints, c->endpoint_count);
	write_links(out, c);
	write_seals(out, c);
	write_contacts(out, c);
	write_texts(out, "networks", of->networks, of->network_count);
	write_texts(out, "domains", of->domains, of->domain_count);
	admin_put_name(out, "as-numbers");
	text_str(out, "[");
	for (size_t i = 0; i < of->as_number_count; i++)
		admin_put_number(out, NULL, of->as_numbers[i]);
	text_str(out, "]}");
}
