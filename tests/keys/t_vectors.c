/* The key files, sealed messages and forwards of tests/data/vectors.txt, which a second encoder
 * wrote. */
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/handover.h"
#include "keys/keyfile.h"
#include "tests/vectors.h"

enum { SECRETS_TOLD_MAX = 8 };

static char path[] = "/tmp/khabardar-t_vectors.XXXXXX";

static void numbered(const struct vector *v, const char *name, unsigned number,
		     const uint8_t key[32])
{
	char hex[65], text[80];

	snprintf(text, sizeof text, "%u %s", number, hex_encode(hex, key, 32));
	is_str(text, vector_text(v, name), "its %s key", name);
}

static void is_node(const struct vector *v, const struct identity *id)
{
	const struct identity_public *public = identity_public(id);
	char hex[65];

	is_str(public->name, vector_text(v, "name"), "its name");
	numbered(v, "sign", public->sign_number, public->sign);
	is_str(hex_encode(hex, public->link, 32), vector_text(v, "link"), "its link key");
	numbered(v, "seal", public->seal_number, public->seal);
}

static void is_role(const struct vector *v, const struct role_public *role)
{
	is_str(role->name, vector_text(v, "name"), "its name");
	numbered(v, "seal", role->number, role->seal);
}

/* A node to which the roles are added: the first key file of the vectors is one. */
static void a_key_file(const struct vector *v, struct identity **node)
{
	char *passphrase = NULL;
	size_t n;
	uint8_t *file = vector_bytes(v, "file", &n);
	FILE *f = fopen(path, "w");

	need(f && fwrite(file, 1, n, f) == n && fclose(f) == 0);
	if (strcmp(vector_text(v, "passphrase"), "-") != 0)
		passphrase = (char *)vector_bytes(v, "passphrase", &n);
	if (strcmp(vector_text(v, "holder"), "node") == 0) {
		identity_free(*node);
		is_int(identity_open(node, path, passphrase, NULL), ERR_OK, "line %u: a node",
		       v->line);
		need(*node);
		is_node(v, *node);
	} else {
		need(*node);
		is_int(identity_add_role(*node, path, passphrase, NULL), ERR_OK, "line %u: a role",
		       v->line);
		need(identity_role_count(*node) == 1);
		is_role(v, identity_role(*node, 0));
	}
	free(passphrase);
	free(file);
}

/* ---- sealed messages ---- */

struct told {
	char name[NAME_MAX_BYTES + 1];
	unsigned number;
	uint8_t secret[SECRET_BYTES];
};

static size_t secrets_told(const struct vector *v, struct told *told)
{
	const char *text;
	char hex[2 * SECRET_BYTES + 1];
	size_t n = 0;

	while ((text = vector_nth(v, "secret", n)) != NULL) {
		need(n < SECRETS_TOLD_MAX);
		need(sscanf(text, "%31s %u %64s", told[n].name, &told[n].number, hex) == 3);
		need(hex_decode(told[n].secret, SECRET_BYTES, hex));
		n++;
	}
	return n;
}

static void keep_seals(struct keyring *k, const struct told *told, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(told[i].name, name) != 0)
			continue;
		keyring_draw(k, SECRET_SEAL, (uint16_t)told[i].number);
		memcpy(k->secrets[k->count - 1].bytes, told[i].secret, SECRET_BYTES);
	}
}

static void write_keys(struct keyring *k, enum key_holder holder, const char *name)
{
	k->holder = holder;
	strcpy(k->name, name);
	unlink(path);
	need(keyfile_write(path, k, NULL, NULL) == ERR_OK);
	keyring_free(k);
}

/* The node that holds what the vector says: the first name is the node's, others are roles. */
static struct identity *holder(const struct vector *v)
{
	struct told told[SECRETS_TOLD_MAX];
	size_t n = secrets_told(v, told);
	struct keyring *k = keyring_new();
	struct identity *id;

	need(n > 0 && k);
	keyring_draw(k, SECRET_SIGN, 1);
	keyring_draw(k, SECRET_LINK, 1);
	keep_seals(k, told, n, told[0].name);
	keyring_draw(k, SECRET_STORE, 1);
	keyring_draw(k, SECRET_INDEX, 1);
	write_keys(k, HOLDER_NODE, told[0].name);
	need(identity_open(&id, path, NULL, NULL) == ERR_OK);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(told[i].name, told[i - 1].name) == 0)
			continue;
		k = keyring_new();
		need(k);
		keep_seals(k, told, n, told[i].name);
		write_keys(k, HOLDER_ROLE, told[i].name);
		need(identity_add_role(id, path, NULL, NULL) == ERR_OK);
	}
	return id;
}

static enum opening outcome_of(const struct vector *v)
{
	static const struct {
		const char *word;
		enum opening opening;
	} outcomes[] = {{"opened", OPENING_DONE},
			{"relay", OPENING_NOT_OURS},
			{"gone", OPENING_KEY_GONE},
			{"wrap", OPENING_WRAP_BAD},
			{"body", OPENING_BODY_BAD}};

	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
		if (strcmp(outcomes[i].word, vector_text(v, "outcome")) == 0)
			return outcomes[i].opening;
	need(false);
	return OPENING_COUNT;
}

static void a_sealed_message(const struct vector *v)
{
	static struct header h;
	struct identity *id = holder(v);
	size_t n, length, data_length = 0;
	uint8_t *encoded = vector_bytes(v, "encoded", &n), *body, *data, *out;
	enum opening want = outcome_of(v);

	is_int(header_decode(&h, encoded, n), ERR_OK, "line %u: a header", v->line);
	body = vector_bytes(v, "body", &n);
	out = malloc(n);
	need(out);
	is_int(seal_open(id, &h, body, n, out, &length), want, "%s: %s", vector_text(v, "why"),
	       vector_text(v, "outcome"));
	if (want == OPENING_DONE) {
		data = vector_bytes(v, "data", &data_length);
		ok(length == data_length && memcmp(out, data, length) == 0, "its data");
		free(data);
	}
	is_int(length, data_length, "%zu bytes", data_length);
	free(out);
	free(body);
	free(encoded);
	identity_free(id);
}

/* Are the bytes those of the field? */
static bool told_so(const struct vector *v, const char *name, const void *bytes, size_t n)
{
	size_t length;
	uint8_t *told = vector_bytes(v, name, &length);
	bool same = length == n && memcmp(told, bytes, n) == 0;

	free(told);
	return same;
}

static void a_forward(const struct vector *v)
{
	static struct header h;
	static struct handover x;
	struct identity *id = holder(v);
	const struct message_view *m = &x.forward.message;
	size_t n;
	uint8_t *encoded = vector_bytes(v, "encoded", &n), *body;
	enum opening want = outcome_of(v);
	const char *why;

	is_int(header_decode(&h, encoded, n), ERR_OK, "line %u: a header", v->line);
	body = vector_bytes(v, "body", &n);
	is_int(handover_open(&x, id, &h, body, n, &why), want, "%s: %s", vector_text(v, "why"),
	       vector_text(v, "outcome"));
	if (want == OPENING_DONE) {
		ok(told_so(v, "original", m->header, m->header_length), "the original");
		ok(told_so(v, "carried", m->body, m->body_length), "its body");
		ok(told_so(v, "reason", x.forward.reason.at, x.forward.reason.length), "why");
		ok(told_so(v, "data", x.data, x.data_length), "what it says");
	}
	handover_clear(&x);
	free(body);
	free(encoded);
	identity_free(id);
}

static void every_known_answer_is_ours(void)
{
	static struct vector v;
	struct identity *node = NULL;
	unsigned files = 0, sealed = 0, forwards = 0;

	while (vector_next(&v)) {
		if (strcmp(v.kind, "key-file") == 0) {
			a_key_file(&v, &node);
			files++;
		} else if (strcmp(v.kind, "sealed") == 0) {
			a_sealed_message(&v);
			sealed++;
		} else if (strcmp(v.kind, "forward") == 0) {
			a_forward(&v);
			forwards++;
		}
	}
	is_int(files, 4, "a node and a role, with and without passphrase");
	ok(sealed >= 30, "%u sealed messages", sealed);
	ok(forwards >= 13, "%u forwards", forwards);
	identity_free(node);
}

int main(void)
{
	int fd;

	need(sodium_init() >= 0 && (fd = mkstemp(path)) >= 0 && close(fd) == 0);
	vectors_open("tests/data/vectors.txt");
	RUN(every_known_answer_is_ours);
	vectors_close();
	unlink(path);
	return tap_done();
}
