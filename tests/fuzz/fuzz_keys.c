/* The keys of a node over its life: each two bytes of the input draw, switch or destroy one, open
 * the file again, damage it, or seal something.  What was sealed opens as long as its key is there
 * and no longer, and the file always holds what memory holds. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/disclose.h"
#include "keys/keyfile.h"
#include "keys/seal.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"

enum { NUMBERS = 200, LETTERS_MAX = 8, DEEDS_MAX = 200, BODY_BYTES = 256, ROLES = 3 };
enum deed {
	DRAW_LINK,
	SWITCH_LINK,
	DRAW_SEAL,
	DESTROY_SEAL,
	ROLE,
	SEAL,
	OPEN_AGAIN,
	DAMAGE,
	LOOSEN,
	CUT,
	STORE,
	WORDS,
	DEEDS
};

struct sealed {
	struct header header;
	uint8_t body[BODY_BYTES];
	unsigned role, number; /* role 0: the node's own */
};

static char home[] = "/dev/shm/khabardar-fuzz.XXXXXX", path[sizeof home + 16];
static struct network_id network;
static struct identity *id, *other;
static struct party_id self, peer;
static bool held[ROLES + 1][NUMBERS];
static uint8_t role_keys[ROLES + 1][SEAL_KEY_BYTES];
static struct sealed letters[LETTERS_MAX];
static size_t letter_count;

static const char *file_of(const char *name)
{
	static char out[sizeof home + 16];

	snprintf(out, sizeof out, "%s/%s", home, name);
	return out;
}

static void leave(void)
{
	rmdir(home);
}

static void prepare(void)
{
	if (other)
		return;
	if (access("/dev/shm", W_OK) != 0)
		memcpy(home, "/var/tmp", 8);
	must(mkdtemp(home) && atexit(leave) == 0);
	must(identity_create(file_of("other"), "punjab", NULL, NULL) == ERR_OK);
	must(identity_open(&other, file_of("other"), NULL, NULL) == ERR_OK);
	unlink(file_of("other"));
	self = party_id_of(&network, "national");
	peer = party_id_of(&network, "punjab");
	snprintf(path, sizeof path, "%s", file_of("key"));
}

static void begin(void)
{
	must(identity_create(path, "national", NULL, NULL) == ERR_OK);
	must(identity_create(path, "national", NULL, NULL) == ERR_EXISTS);
	must(identity_open(&id, path, NULL, NULL) == ERR_OK);
	memset(held, 0, sizeof held);
	held[0][1] = true;
	letter_count = 0;
}

static const char *role_name(unsigned i)
{
	static const char *const names[ROLES + 1] = {"national", "r1", "r2", "r3"};

	return names[i];
}

static void end(void)
{
	for (unsigned i = 1; i <= ROLES; i++)
		unlink(file_of(role_name(i)));
	unlink(path);
	identity_free(id);
}

/* To the newest key of the node, or to that of a role. */
static void seal(unsigned role)
{
	const struct identity_public *public = identity_public(id);
	struct sealed *s = &letters[letter_count];
	struct party_id to = party_id_of(&network, role_name(role)), ids[3] = {self, peer, to};
	struct letter letter = {.audience = audience_of(&self, ids, 3, false)};

	if (letter_count == LETTERS_MAX || (role && !held[role][1]))
		return;
	for (size_t i = 0; i < 3; i++) {
		struct addressee a = {ids[i], 1, identity_public(other)->seal};
		if (i && party_id_equal(&ids[i], &ids[i - 1]))
			continue;
		/* Of a letter to a role the author's own copy is garbage, or it would open that. */
		if (party_id_equal(&ids[i], &to))
			a.key = role ? role_keys[role] : public->seal;
		a.number = !role && party_id_equal(&ids[i], &to) ? public->seal_number : 1;
		letter.to[letter.count++] = a;
	}
	*s = (struct sealed){.role = role, .number = role ? 1 : public->seal_number};
	s->header = (struct header){.kind = KIND_POST,
				    .tlp = TLP_AMBER,
				    .topology = 1,
				    .network = network,
				    .origin = self,
				    .audience = letter.audience,
				    .incarnation = 1,
				    .sequence = 1,
				    .expiry = 500000,
				    .sign_key = 1};
	must(seal_body(&s->header, &letter, (const uint8_t *)"said", 4, s->body) == ERR_OK);
	must(s->header.body_length == sizeof s->body);
	letter_count++;
}

static void draw_seal(unsigned step)
{
	unsigned number = identity_public(id)->seal_number + step % 4;
	enum err e;

	if (number >= NUMBERS)
		return;
	e = identity_draw_seal(id, path, NULL, (uint16_t)number, NULL);
	must(e == ERR_OK || e == ERR_LIMIT || (e == ERR_EXISTS && step % 4 == 0));
	if (e == ERR_OK)
		held[0][number] = true;
}

static void destroy_seal(unsigned number)
{
	bool old =
		number < NUMBERS && held[0][number] && number != identity_public(id)->seal_number;
	enum err e = identity_destroy_seal(id, path, NULL, (uint16_t)number, NULL);

	must(e == (old ? ERR_OK : ERR_NOT_FOUND));
	if (old)
		held[0][number] = false;
}

static void change_link(bool draw)
{
	const struct identity_public before = *identity_public(id);
	enum err e = draw ? identity_draw_link(id, path, NULL, NULL)
			  : identity_switch_link(id, path, NULL, NULL);
	const struct identity_public *now = identity_public(id);

	must(e == ERR_OK || (draw && before.link_changing ? e == ERR_EXISTS : e == ERR_LIMIT) ||
	     (!draw && !before.link_changing && e == ERR_NOT_FOUND));
	if (e)
		return;
	must(now->link_changing == draw);
	must(memcmp(draw ? before.link : before.link_next, now->link, LINK_KEY_BYTES) == 0);
}

static void add_role(unsigned role)
{
	struct role_public made;
	enum err e = identity_create_role(file_of(role_name(role)), role_name(role), 1, NULL, &made,
					  NULL);

	must(e == (held[role][1] ? ERR_EXISTS : ERR_OK));
	if (!e) {
		must(identity_add_role(id, file_of(role_name(role)), NULL, NULL) == ERR_OK);
		memcpy(role_keys[role], made.seal, SEAL_KEY_BYTES);
	}
	held[role][1] = true;
	must(identity_add_role(id, file_of(role_name(role)), NULL, NULL) == ERR_EXISTS);
}

static void open_again(void)
{
	struct identity_public before = *identity_public(id);
	const struct identity_public *now;
	uint8_t mark[16], again[16];
	bool protected;

	seal_mark(id, mark);
	identity_free(id);
	must(identity_needs_passphrase(path, &protected, NULL) == ERR_OK && !protected);
	must(identity_open(&id, path, NULL, NULL) == ERR_OK);
	for (unsigned i = 1; i <= ROLES; i++)
		if (held[i][1])
			must(identity_add_role(id, file_of(role_name(i)), NULL, NULL) == ERR_OK);
	now = identity_public(id);
	must(now->seal_number == before.seal_number && now->link_number == before.link_number);
	must(now->link_changing == before.link_changing);
	must(memcmp(now->seal, before.seal, SEAL_KEY_BYTES) == 0);
	must(memcmp(now->link, before.link, LINK_KEY_BYTES) == 0);
	must(memcmp(now->sign, before.sign, SIGN_KEY_BYTES) == 0);
	seal_mark(id, again);
	must(memcmp(mark, again, sizeof mark) == 0);
}

static void must_be_refused(void)
{
	struct report report;
	struct identity *none;

	report_init(&report);
	must(identity_open(&none, path, NULL, &report) != ERR_OK && report.total == 1);
	report_clear(&report);
}

/* A byte of the file is another one, or the end of it is gone; then it is as it was. */
static void damage(unsigned where, bool cut)
{
	uint8_t file[KEYFILE_MAX_BYTES];
	int fd = open(path, O_RDWR);
	ssize_t n = read(fd, file, sizeof file);
	size_t at = (size_t)where * 37 % (size_t)n;

	must(fd >= 0 && n > 0);
	if (cut) {
		must(ftruncate(fd, (off_t)at) == 0);
	} else {
		uint8_t changed = file[at] ^ (uint8_t)(1 + where % 255);
		must(pwrite(fd, &changed, 1, (off_t)at) == 1);
	}
	must_be_refused();
	must(pwrite(fd, file, (size_t)n, 0) == n && close(fd) == 0);
}

static void loosen(unsigned mode)
{
	must(chmod(path, 0600 | (mode & 077)) == 0);
	if (mode & 077)
		must_be_refused();
	must(chmod(path, 0600) == 0);
}

static void store(unsigned what)
{
	struct message_id a = {{(uint8_t)what}}, b = {{(uint8_t)(what + 1)}};
	uint8_t text[100], box[sizeof text + STORE_BOX_EXTRA], back[sizeof text];

	memset(text, (int)what, sizeof text);
	identity_store_box(id, &a, box, text, sizeof text);
	must(identity_store_unbox(id, &b, back, box, sizeof box) == ERR_DAMAGED);
	must(identity_store_unbox(id, &a, back, box, what % sizeof box) == ERR_DAMAGED);
	must(identity_store_unbox(id, &a, back, box, sizeof box) == ERR_OK);
	must(memcmp(back, text, sizeof text) == 0);
	box[what % sizeof box] ^= 1;
	must(identity_store_unbox(id, &a, back, box, sizeof box) == ERR_DAMAGED);
}

/* The first line of a file of passphrases. */
static void words(const struct reader *r, unsigned n)
{
	const char *file = file_of("words");
	int fd = open(file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	char *passphrase;

	n = n < r->left ? n : (unsigned)r->left;
	must(fd >= 0 && (n == 0 || write(fd, r->at, n) == (ssize_t)n) && close(fd) == 0);
	if (passphrase_read(&passphrase, file, false, NULL) == ERR_OK) {
		must(passphrase[0] && !strchr(passphrase, '\n'));
		must(strlen(passphrase) <= n);
		must(memcmp(passphrase, r->at, strlen(passphrase)) == 0);
		passphrase_free(passphrase);
	}
	unlink(file);
}

static void act(enum deed deed, unsigned arg, const struct reader *r)
{
	switch (deed) {
	case DRAW_LINK:
	case SWITCH_LINK:
		change_link(deed == DRAW_LINK);
		break;
	case DRAW_SEAL:
		draw_seal(arg);
		break;
	case DESTROY_SEAL:
		destroy_seal(arg);
		break;
	case ROLE:
		add_role(1 + arg % ROLES);
		break;
	case SEAL:
		seal(arg % (ROLES + 1));
		break;
	case OPEN_AGAIN:
		open_again();
		break;
	case DAMAGE:
	case CUT:
		damage(arg, deed == CUT);
		break;
	case LOOSEN:
		loosen(arg);
		break;
	case STORE:
		store(arg);
		break;
	case WORDS:
		words(r, arg);
		break;
	case DEEDS:
		break;
	}
}

/* What opens is what can be opened. */
static void look(const struct sealed *s)
{
	uint8_t out[BODY_BYTES], key[DISCLOSED_KEY_BYTES];
	bool there = held[s->role][s->number];
	size_t n;
	enum opening opening = seal_open(id, &s->header, s->body, sizeof s->body, out, &n);

	must((opening == OPENING_DONE) == there);
	must(seal_probe(id, &s->header) == opening && seal_is_ours(id, &s->header));
	must((disclose_key(id, &s->header, key) == OPENING_DONE) == there);
	if (!there)
		return;
	must(n == 4 && memcmp(out, "said", 4) == 0);
	must(disclosed_open(&s->header, key, s->body, sizeof s->body, out, &n));
	must(n == 4 && memcmp(out, "said", 4) == 0);
}

unsigned fuzz_cost(void)
{
	return 300;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reader r;

	prepare();
	begin();
	reader_init(&r, data, n);
	for (int i = 0; i < DEEDS_MAX && r.left >= 2; i++) {
		enum deed deed = (enum deed)(read_u8(&r) % DEEDS);
		unsigned arg = read_u8(&r);
		act(deed, arg, &r);
	}
	for (size_t i = 0; i < letter_count; i++)
		look(&letters[i]);
	open_again();
	for (size_t i = 0; i < letter_count; i++)
		look(&letters[i]);
	end();
	return 0;
}
