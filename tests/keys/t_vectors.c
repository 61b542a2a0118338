/* The key files of tests/data/vectors.txt, which a second encoder wrote. */
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/identity.h"
#include "tests/vectors.h"

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

static void every_key_file_opens(void)
{
	static struct vector v;
	struct identity *node = NULL;
	unsigned files = 0;

	while (vector_next(&v)) {
		if (strcmp(v.kind, "key-file") == 0) {
			a_key_file(&v, &node);
			files++;
		}
	}
	is_int(files, 4, "a node and a role, with and without passphrase");
	identity_free(node);
}

int main(void)
{
	int fd;

	need(sodium_init() >= 0 && (fd = mkstemp(path)) >= 0 && close(fd) == 0);
	vectors_open("tests/data/vectors.txt");
	RUN(every_key_file_opens);
	vectors_close();
	unlink(path);
	return tap_done();
}
