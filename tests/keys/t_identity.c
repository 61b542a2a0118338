#include "keys/identity.h"

#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/message.h"
#include "tests/tap.h"

static char folder[] = "/tmp/khabardar-t_identity.XXXXXX";
static char path[64], role_path[64];

static struct identity *fresh(void)
{
	struct identity *id;

	unlink(path);
	need(!identity_create(path, "punjab", NULL, NULL));
	need(!identity_open(&id, path, NULL, NULL));
	return id;
}

static void an_identity_is_the_same_at_every_start(void)
{
	struct identity *id = fresh(), *again;

	need(!identity_open(&again, path, NULL, NULL));
	ok(memcmp(identity_public(id), identity_public(again), sizeof(struct identity_public)) == 0,
	   "the public half");
	is_str(identity_public(id)->name, "punjab", "its name");
	is_int(identity_public(id)->sign_number, 1, "sign key 1");
	is_int(identity_public(id)->seal_number, 1, "seal key 1");
	identity_free(again);
	identity_free(id);
}

static void two_identities_share_no_key(void)
{
	struct identity_public first;
	struct identity *id = fresh();

	first = *identity_public(id);
	identity_free(id);
	id = fresh();
	ok(memcmp(first.sign, identity_public(id)->sign, 32) != 0, "sign");
	ok(memcmp(first.link, identity_public(id)->link, 32) != 0, "link");
	ok(memcmp(first.seal, identity_public(id)->seal, 32) != 0, "seal");
	ok(memcmp(first.link, first.seal, 32) != 0, "link is not seal");
	identity_free(id);
}

static void names_outside_the_rules_are_refused(void)
{
	static const char *const names[] = {"",    "Punjab", "pun jab",
					    "a/b", "..",     "abcdefghijklmnopqrstuvwxyz-01234"};
	struct role_public made;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		is_int(identity_create(path, names[i], NULL, NULL), ERR_FORMAT, "node \"%s\"",
		       names[i]);
		is_int(identity_create_role(path, names[i], 1, NULL, &made, NULL), ERR_FORMAT,
		       "role \"%s\"", names[i]);
	}
	is_int(identity_create_role(path, "cii", 0, NULL, &made, NULL), ERR_FORMAT, "number 0");
}

static void a_signature_is_ed25519_over_the_label_and_the_id(void)
{
	struct identity *id = fresh();
	struct message_id message;
	uint8_t signature[SIGNATURE_BYTES], text[40] = "khabar-1";

	memset(message.b, 0xa5, sizeof message.b);
	memcpy(text + 8, message.b, 32);
	identity_sign(id, &message, signature);
	ok(crypto_sign_verify_detached(signature, text, sizeof text, identity_public(id)->sign) ==
		   0,
	   "verifies under the public key");
	ok(message_signature_valid(&message, signature, identity_public(id)->sign),
	   "and as a message's");
	ok(crypto_sign_verify_detached(signature, message.b, 32, identity_public(id)->sign) != 0,
	   "not without the label");
	identity_free(id);
}

static void take_secret(void *arg, const uint8_t secret[LINK_KEY_BYTES])
{
	crypto_scalarmult_base(arg, secret);
}

static void the_lent_link_secret_belongs_to_the_link_key(void)
{
	struct identity *id = fresh();
	uint8_t public[LINK_KEY_BYTES];

	identity_lend_link_secret(id, take_secret, public);
	ok(memcmp(public, identity_public(id)->link, sizeof public) == 0, "X25519 of it");
	identity_free(id);
}

static void a_boxed_body_opens_only_for_its_message(void)
{
	struct identity *id = fresh();
	struct message_id a = {{1}}, b = {{1}};
	uint8_t body[100], box[100 + STORE_BOX_EXTRA], out[100];
	size_t wrong = 0;

	b.b[31] = 1; /* the same nonce, another message */
	memset(body, 0x42, sizeof body);
	identity_store_box(id, &a, box, body, sizeof body);
	is_int(identity_store_unbox(id, &a, out, box, sizeof box), ERR_OK, "opens");
	ok(memcmp(out, body, sizeof body) == 0, "what was stored");
	is_int(identity_store_unbox(id, &b, out, box, sizeof box), ERR_DAMAGED,
	       "not under another id");
	for (size_t i = 0; i < sizeof box; i++)
		wrong += identity_store_unbox(id, &a, out, box, i) != ERR_DAMAGED;
	for (size_t i = 0; i < 8 * sizeof box; i++) {
		box[i / 8] ^= (uint8_t)(1U << i % 8);
		wrong += identity_store_unbox(id, &a, out, box, sizeof box) != ERR_DAMAGED;
		box[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	is_int(wrong, 0, "not cut, not altered");
	identity_store_box(id, &a, box, body, 0);
	is_int(identity_store_unbox(id, &a, out, box, STORE_BOX_EXTRA), ERR_OK, "an empty body");
	identity_free(id);
}

static void index_keys_depend_on_domain_value_and_node(void)
{
	struct identity *id = fresh();
	uint8_t a[16], b[16], c[16], d[16], again[16];

	identity_index_key(id, 1, "evil.example", 12, a);
	identity_index_key(id, 1, "evil.example", 12, again);
	identity_index_key(id, 2, "evil.example", 12, b);
	identity_index_key(id, 1, "evil.exampl", 11, c);
	identity_free(id);
	id = fresh();
	identity_index_key(id, 1, "evil.example", 12, d);
	identity_free(id);
	ok(memcmp(a, again, 16) == 0, "the same for the same");
	ok(memcmp(a, b, 16) && memcmp(a, c, 16) && memcmp(a, d, 16), "else another");
}

static void index_hashes_depend_on_value_and_node(void)
{
	struct identity *id = fresh();
	uint8_t a[16], b[16], c[16], d[16], again[16], key[16], siphash[16];

	identity_index_hash(id, "evil.example", 12, a);
	identity_index_hash(id, "evil.example", 12, again);
	identity_index_hash(id, "evil.exampl", 11, b);
	identity_index_key(id, 0, "evil.example", 12, c);
	identity_index_key(id, 6, "", 0, key);
	crypto_shorthash_siphashx24(siphash, (const uint8_t *)"evil.example", 12, key);
	identity_free(id);
	id = fresh();
	identity_index_hash(id, "evil.example", 12, d);
	identity_free(id);
	ok(memcmp(a, again, 16) == 0, "the same for the same");
	ok(memcmp(a, siphash, 16) == 0, "SipHash-2-4-128 under H(6)");
	ok(memcmp(a, b, 16) && memcmp(a, c, 16) && memcmp(a, d, 16), "else another");
}

static void a_node_holds_the_keys_of_its_roles(void)
{
	struct identity *id = fresh();
	struct role_public made;

	unlink(role_path);
	is_int(identity_create_role(role_path, "cii", 7, "sesame", &made, NULL), ERR_OK, "made");
	is_int(made.number, 7, "with its number");
	is_int(identity_add_role(id, role_path, NULL, NULL), ERR_PASSPHRASE,
	       "needs its passphrase");
	is_int(identity_add_role(id, role_path, "sesame", NULL), ERR_OK, "is added");
	is_int(identity_role_count(id), 1, "once");
	ok(memcmp(identity_role(id, 0), &made, sizeof made) == 0, "with the key that was made");
	is_int(identity_add_role(id, role_path, "sesame", NULL), ERR_EXISTS, "not twice");
	is_int(identity_add_role(id, path, NULL, NULL), ERR_FORMAT, "a node's file is no role's");
	identity_free(id);
	is_int(identity_open(&id, role_path, "sesame", NULL), ERR_FORMAT,
	       "a role's file is no node's");
	ok(id == NULL, "and nothing is returned");
}

static void memory_that_cannot_be_locked_is_told(void)
{
	struct rlimit limit = {0, 0};
	struct identity *id = fresh();

	identity_free(id);
	if (geteuid() == 0) {
		ok(true, "no memory may be locked # SKIP the limit does not bind root");
		return;
	}
	need(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	id = fresh();
	ok(!identity_locked(id), "not locked, and it says so");
	identity_free(id);
}

int main(void)
{
	need(sodium_init() >= 0 && mkdtemp(folder));
	snprintf(path, sizeof path, "%s/node.key", folder);
	snprintf(role_path, sizeof role_path, "%s/role-cii-7.key", folder);
	RUN(an_identity_is_the_same_at_every_start);
	RUN(two_identities_share_no_key);
	RUN(names_outside_the_rules_are_refused);
	RUN(a_signature_is_ed25519_over_the_label_and_the_id);
	RUN(the_lent_link_secret_belongs_to_the_link_key);
	RUN(a_boxed_body_opens_only_for_its_message);
	RUN(index_keys_depend_on_domain_value_and_node);
	RUN(index_hashes_depend_on_value_and_node);
	RUN(a_node_holds_the_keys_of_its_roles);
	RUN(memory_that_cannot_be_locked_is_told);
	unlink(path);
	unlink(role_path);
	rmdir(folder);
	return tap_done();
}
