/* A role's keys, handed to the next holder. */
#include "keys/rolekey.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "tests/tap.h"

static char folder[] = "/tmp/khabardar-t_rolekey.XXXXXX";
static struct identity *national, *cert, *other;
static struct role_public first, second;
static struct topology *topology;

static const char *path_of(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned turn;

	snprintf(path[turn % 4], sizeof path[0], "%s/%s", folder, name);
	return path[turn++ % 4];
}

static struct identity *made(const char *name)
{
	struct identity *id;
	const char *path = path_of(name);

	need(!identity_create(path, name, NULL, NULL));
	need(!identity_open(&id, path, NULL, NULL));
	unlink(path);
	return id;
}

static void put_node(struct text *t, const struct identity *id, const char *line)
{
	const struct identity_public *p = identity_public(id);
	char hex[65];

	text_format(t, "    %s\n%s        link = %s\n", p->name, line,
		    hex_encode(hex, p->link, LINK_KEY_BYTES));
	text_format(t, "        sign\n            1 = %s\n",
		    hex_encode(hex, p->sign, SIGN_KEY_BYTES));
	text_format(t, "        seal\n            1 = %s\n",
		    hex_encode(hex, p->seal, SEAL_KEY_BYTES));
}

/* National holds the role and cert is to have it too; other does not. */
static struct topology *topology_of(const char *holders)
{
	static const char council[] =
		"council\n    threshold = 1\n    members\n"
		"        a = \"RWQAAQIDBAUGB1hmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZm\"\n";
	struct topology *t = NULL;
	struct report report;
	struct text text;
	char hex[65];

	text_init(&text);
	report_init(&report);
	text_format(&text,
		    "federation\n    name = x\n    version = 1\n    expires = 2030-01-01\n%s",
		    council);
	text_str(&text, "node\n");
	put_node(&text, national, "");
	put_node(&text, cert, "        reports-to = national\n");
	put_node(&text, other, "        reports-to = national\n");
	text_format(
		&text,
		"role\n    government\n        reports-to = national\n        holders = \"%s\"\n",
		holders);
	text_format(&text, "        seal\n            1 = \"%s revoked\"\n",
		    hex_encode(hex, first.seal, SEAL_KEY_BYTES));
	text_format(&text, "            7 = %s\n", hex_encode(hex, second.seal, SEAL_KEY_BYTES));
	topology_parse(&t, text.at, text.length, &report);
	for (size_t i = 0; i < report.count; i++)
		printf("# %s\n", report.lines[i]);
	need(t);
	report_clear(&report);
	text_clear(&text);
	return t;
}

static struct letter letter_to(const struct identity *to)
{
	const struct identity *both[] = {national, to};
	struct party_id ids[2], author = party_id_of(&topology->network, "national");
	struct letter l = {.count = 2};

	for (size_t i = 0; i < 2; i++) {
		const struct identity_public *public = identity_public(both[i]);
		ids[i] = party_id_of(&topology->network, public->name);
		l.to[i] = (struct addressee){
			.party = ids[i], .number = public->seal_number, .key = public->seal};
	}
	if (memcmp(ids[0].b, ids[1].b, PARTY_ID_BYTES) > 0) {
		struct addressee keep = l.to[0];
		l.to[0] = l.to[1];
		l.to[1] = keep;
	}
	l.audience = audience_of(&author, ids, 2, false);
	return l;
}

static struct header header_to(const struct letter *l)
{
	return (struct header){.kind = KIND_ROLE_KEY,
			       .tlp = TLP_RED,
			       .topology = 1,
			       .network = topology->network,
			       .origin = party_id_of(&topology->network, "national"),
			       .audience = l->audience,
			       .incarnation = 9,
			       .sequence = 1,
			       .expiry = 482136,
			       .sign_key = 1};
}

static bool in_folder(void *arg, char *out, size_t size, const char *role, uint16_t number)
{
	int n = snprintf(out, size, "%s/role-%s-%u.key", folder, role, number);

	(void)arg;
	return n > 0 && (size_t)n < size;
}

/* What national seals to somebody, opened by that one. */
static enum err handed(const struct rolekey *r, struct identity *to, const char *self,
		       size_t *taken)
{
	struct letter l = letter_to(to);
	struct header h = header_to(&l);
	struct rolekey got;
	uint8_t *body = malloc(rolekey_size(r->count));
	enum err e;

	need(body && rolekey_seal(national, &h, &l, r, body) == ERR_OK);
	e = rolekey_take(to, &h, body, h.body_length, topology, topology_party(topology, self),
			 NULL, in_folder, NULL, &got, taken, NULL);
	ok(e || (got.count == r->count && strcmp(got.name, "government") == 0), "what came");
	free(body);
	return e;
}

static struct rolekey all_keys(void)
{
	struct rolekey r;

	rolekey_held(&r, national, topology_party(topology, "government"));
	return r;
}

static void forget(const char *name)
{
	unlink(path_of(name));
}

static void what_is_held_is_handed_and_opens(void)
{
	struct rolekey r = all_keys(), held;
	struct stat st;
	size_t taken;

	ok(r.count == 2 && r.numbers[0] == 1 && r.numbers[1] == 7, "both keys, in order");
	rolekey_held(&held, cert, topology_party(topology, "government"));
	is_int(held.count, 0, "the other has none");
	is_int(handed(&r, cert, "cert", &taken), ERR_OK, "taken");
	is_int(taken, 2, "both");
	rolekey_held(&held, cert, topology_party(topology, "government"));
	is_int(held.count, 2, "and held");
	ok(stat(path_of("role-government-7.key"), &st) == 0 && (st.st_mode & 0777) == 0600,
	   "in a private file");
	is_int(handed(&r, cert, "cert", &taken), ERR_OK, "once more");
	is_int(taken, 0, "changes nothing");
	forget("role-government-1.key");
	forget("role-government-7.key");
}

static void a_file_from_before_a_crash_is_taken_up(void)
{
	struct identity *before;
	struct rolekey r;
	size_t taken;

	identity_free(cert);
	need(!identity_create(path_of("cert"), "cert", NULL, NULL));
	need(!identity_open(&before, path_of("cert"), NULL, NULL));
	need(!identity_open(&cert, path_of("cert"), NULL, NULL));
	topology_free(topology);
	topology = topology_of("national cert");
	r = all_keys();
	is_int(handed(&r, before, "cert", &taken), ERR_OK, "taken");
	is_int(handed(&r, cert, "cert", &taken), ERR_OK, "and by one that knows of no files");
	is_int(taken, 2, "both are held");
	identity_free(before);
	forget("cert");
	forget("role-government-1.key");
	forget("role-government-7.key");
}

static void who_does_not_hold_the_role_takes_nothing(void)
{
	struct rolekey r = all_keys();
	size_t taken;

	is_int(handed(&r, other, "other", &taken), ERR_FORMAT, "refused");
	ok(taken == 0 && access(path_of("role-government-1.key"), F_OK) != 0, "no file");
}

static void what_is_not_held_cannot_be_handed(void)
{
	struct letter l = letter_to(cert);
	struct header h = header_to(&l);
	struct rolekey r = all_keys();
	uint8_t body[1024];

	r.numbers[1] = 8;
	is_int(rolekey_seal(national, &h, &l, &r, body), ERR_NOT_FOUND, "an unknown number");
	is_int(rolekey_seal(other, &h, &l, &r, body), ERR_NOT_FOUND, "by who holds none");
}

/* Data of a stranger's making, sealed as it should be. */
static enum err made_up(const uint8_t *data, size_t n)
{
	struct letter l = letter_to(cert);
	struct header h = header_to(&l);
	struct rolekey got;
	size_t taken;
	uint8_t body[4096];

	need(seal_size(KIND_ROLE_KEY, n) <= sizeof body);
	need(seal_body(&h, &l, data, n, body) == ERR_OK);
	return rolekey_take(cert, &h, body, h.body_length, topology,
			    topology_party(topology, "cert"), NULL, in_folder, NULL, &got, &taken,
			    NULL);
}

static void hostile_data_is_refused_whole(void)
{
	uint8_t data[16 + 1 + 2 * 34] = {0}, random[16 + 1 + 64 * 34];
	const struct party *role = topology_party(topology, "government");
	size_t refused = 0;

	memcpy(data, role->id.b, sizeof role->id.b);
	data[16] = 1;
	data[18] = 1;
	randombytes_buf(data + 19, 32);
	is_int(made_up(data, 16 + 1 + 34), ERR_FORMAT, "another secret than the listed key's");
	data[16] = 0;
	is_int(made_up(data, 16 + 1), ERR_FORMAT, "none");
	data[16] = 2;
	is_int(made_up(data, 16 + 1 + 34), ERR_FORMAT, "fewer than it says");
	is_int(made_up(data, 0), ERR_FORMAT, "nothing");
	memcpy(data, topology_party(topology, "cert")->id.b, 16);
	is_int(made_up(data, 16 + 1 + 34), ERR_FORMAT, "of a node");
	for (unsigned i = 0; i < 64; i++) {
		randombytes_buf(random, sizeof random);
		memcpy(random, role->id.b, 16);
		refused += made_up(random, i * 34 + 17) == ERR_FORMAT;
	}
	is_int(refused, 64, "and noise");
	ok(access(path_of("role-government-1.key"), F_OK) != 0, "no file of it");
}

static void every_flipped_bit_of_a_body_is_refused(void)
{
	struct letter l = letter_to(cert);
	struct header h = header_to(&l);
	struct rolekey r = all_keys(), got;
	size_t taken, n, opened = 0;
	uint8_t body[1024];

	need(rolekey_seal(national, &h, &l, &r, body) == ERR_OK);
	n = h.body_length;
	for (size_t bit = 0; bit < 8 * n; bit += 7) {
		body[bit / 8] ^= (uint8_t)(1 << bit % 8);
		opened +=
			rolekey_take(cert, &h, body, n, topology, topology_party(topology, "cert"),
				     NULL, in_folder, NULL, &got, &taken, NULL) != ERR_NOT_FOUND;
		body[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	is_int(opened, 0, "none opens");
}

int main(void)
{
	need(sodium_init() >= 0 && mkdtemp(folder));
	national = made("national");
	cert = made("cert");
	other = made("other");
	need(!identity_create_role(path_of("one"), "government", 1, NULL, &first, NULL));
	need(!identity_create_role(path_of("seven"), "government", 7, NULL, &second, NULL));
	need(!identity_add_role(national, path_of("one"), NULL, NULL));
	need(!identity_add_role(national, path_of("seven"), NULL, NULL));
	topology = topology_of("national cert");
	RUN(what_is_held_is_handed_and_opens);
	RUN(a_file_from_before_a_crash_is_taken_up);
	RUN(who_does_not_hold_the_role_takes_nothing);
	RUN(what_is_not_held_cannot_be_handed);
	RUN(hostile_data_is_refused_whole);
	RUN(every_flipped_bit_of_a_body_is_refused);
	forget("one");
	forget("seven");
	identity_free(national);
	identity_free(cert);
	identity_free(other);
	topology_free(topology);
	rmdir(folder);
	return tap_done();
}
