/* Keys that change while a node runs. */
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "keys/seal.h"
#include "tests/tap.h"

static char folder[] = "/tmp/khabardar-t_change.XXXXXX";
static char path[64], beside[80];
static const struct network_id network = {{1, 2, 3}};

static struct identity *fresh(void)
{
	struct identity *id;

	unlink(path);
	need(!identity_create(path, "punjab", NULL, NULL));
	need(!identity_open(&id, path, NULL, NULL));
	return id;
}

static struct identity *again(struct identity *id)
{
	identity_free(id);
	need(!identity_open(&id, path, NULL, NULL));
	return id;
}

static void a_link_key_is_changed_in_two_steps(void)
{
	struct identity *id = fresh();
	struct identity_public first = *identity_public(id), second;

	ok(!first.link_changing, "at first there is one link key");
	is_int(identity_switch_link(id, path, NULL, NULL), ERR_NOT_FOUND, "nothing to switch to");
	is_int(identity_draw_link(id, path, NULL, NULL), ERR_OK, "the next is drawn");
	second = *identity_public(id);
	ok(second.link_changing && memcmp(second.link, first.link, 32) == 0,
	   "the one in use stays in use");
	ok(memcmp(second.link_next, first.link, 32) != 0, "the next is another");
	is_int(identity_draw_link(id, path, NULL, NULL), ERR_EXISTS, "not twice at once");
	id = again(id);
	ok(memcmp(identity_public(id)->link, first.link, 32) == 0 &&
		   memcmp(identity_public(id)->link_next, second.link_next, 32) == 0,
	   "after a restart it is the same");
	is_int(identity_switch_link(id, path, NULL, NULL), ERR_OK, "it is switched");
	id = again(id);
	ok(memcmp(identity_public(id)->link, second.link_next, 32) == 0 &&
		   !identity_public(id)->link_changing,
	   "the next is in use, after a restart too");
	is_int(identity_public(id)->link_number, 2, "under its own number");
	is_int(identity_draw_link(id, path, NULL, NULL), ERR_OK, "and can be changed again");
	is_int(identity_public(id)->seal_number, 1, "other keys are what they were");
	ok(memcmp(identity_public(id)->sign, first.sign, 32) == 0, "all of them");
	identity_free(id);
}

static void seal_to(struct header *h, uint8_t *body, uint16_t number, const uint8_t *key)
{
	struct letter l = {.count = 2};
	struct party_id self = party_id_of(&network, "sindh"), to = party_id_of(&network, "punjab");
	bool first = memcmp(self.b, to.b, sizeof self.b) < 0;
	struct addressee author = {self, 1, key}, reader = {to, number, key};
	struct party_id ids[] = {self, to};

	l.to[0] = first ? author : reader;
	l.to[1] = first ? reader : author;
	l.audience = audience_of(&self, ids, 2, false);
	*h = (struct header){.kind = KIND_POST,
			     .tlp = TLP_AMBER,
			     .topology = 1,
			     .network = network,
			     .origin = self,
			     .audience = l.audience,
			     .incarnation = 1,
			     .sequence = 1,
			     .expiry = 1,
			     .sign_key = 1};
	need(!seal_body(h, &l, (const uint8_t *)"news", 4, body));
}

static enum opening opened(const struct identity *id, const struct header *h, const uint8_t *body)
{
	uint8_t out[256];
	size_t length;

	return seal_open(id, h, body, sizeof out, out, &length);
}

static void old_seal_keys_open_until_they_are_destroyed(void)
{
	struct identity *id = fresh();
	struct header old, new;
	uint8_t old_body[256], new_body[256], before[16], after[16];

	seal_to(&old, old_body, 1, identity_public(id)->seal);
	seal_mark(id, before);
	is_int(identity_draw_seal(id, path, NULL, 1, NULL), ERR_EXISTS, "a number is used once");
	is_int(identity_draw_seal(id, path, NULL, 4, NULL), ERR_OK, "a new one, number 4");
	is_int(identity_public(id)->seal_number, 4, "is in use");
	seal_to(&new, new_body, 4, identity_public(id)->seal);
	seal_mark(id, after);
	ok(memcmp(before, after, 16) != 0, "the mark of the keys says so");
	is_int(opened(id, &old, old_body), OPENING_DONE, "what was sealed to the old one opens");
	is_int(opened(id, &new, new_body), OPENING_DONE, "and what is to the new one");
	is_int(identity_destroy_seal(id, path, NULL, 4, NULL), ERR_NOT_FOUND,
	       "the one in use is not destroyed");
	is_int(identity_destroy_seal(id, path, NULL, 2, NULL), ERR_NOT_FOUND,
	       "nor one that is not");
	is_int(identity_destroy_seal(id, path, NULL, 1, NULL), ERR_OK, "the old one is");
	is_int(opened(id, &old, old_body), OPENING_KEY_GONE, "and opens nothing any more");
	id = again(id);
	is_int(opened(id, &old, old_body), OPENING_KEY_GONE, "after a restart neither");
	is_int(opened(id, &new, new_body), OPENING_DONE, "the new one still does");
	identity_free(id);
}

static void a_file_has_room_for_so_many(void)
{
	struct identity *id = fresh();
	struct card card = {0};
	struct party_id self = party_id_of(&network, "punjab");
	uint16_t number = 2;

	while (identity_draw_seal(id, path, NULL, number, NULL) == ERR_OK)
		number++;
	is_int(number, 2 + SECRETS_MAX - 5, "as many seal keys as fit");
	is_int(identity_draw_link(id, path, NULL, NULL), ERR_LIMIT, "and then no other key");
	identity_card(id, &self, &card);
	is_int(card.seal_count, SECRETS_MAX - 4, "all of them fit a card");
	is_int(identity_destroy_seal(id, path, NULL, 7, NULL), ERR_OK, "one is destroyed");
	is_int(identity_draw_link(id, path, NULL, NULL), ERR_OK, "there is room again");
	id = again(id);
	is_int(identity_public(id)->seal_number, number - 1, "and the file is whole");
	identity_free(id);
}

static void the_file_is_replaced_as_a_whole(void)
{
	struct identity *id = fresh();
	struct stat st;
	int fd = open(beside, O_CREAT | O_WRONLY, 0644);

	/* What a crash has left of another attempt. */
	need(fd >= 0 && write(fd, "half", 4) == 4);
	close(fd);
	is_int(identity_draw_link(id, path, "secret", NULL), ERR_OK, "over what a crash has left");
	ok(access(beside, F_OK) != 0, "nothing is left beside it");
	need(stat(path, &st) == 0);
	is_int(st.st_mode & 0777, 0600, "nobody else reads it");
	identity_free(id);
	is_int(identity_open(&id, path, NULL, NULL), ERR_PASSPHRASE, "it has the passphrase given");
	is_int(identity_open(&id, path, "secret", NULL), ERR_OK, "and opens with it");
	need(chmod(folder, 0500) == 0);
	if (geteuid() != 0) {
		is_int(identity_switch_link(id, path, "secret", NULL), ERR_IO, "not written");
		ok(identity_public(id)->link_changing, "nothing has changed");
	}
	chmod(folder, 0700);
	fd = open(beside, O_CREAT | O_WRONLY, 0600);
	close(fd);
	keyfile_sweep(path);
	ok(access(beside, F_OK) != 0, "a start sweeps what was left");
	identity_free(id);
}

struct race {
	struct identity *id;
	struct header header;
	uint8_t body[256];
	_Atomic int done, wrong;
};

static void *open_again_and_again(void *arg)
{
	struct race *r = arg;

	while (!r->done) {
		const struct identity_public *public = identity_public(r->id);
		uint8_t mark[16];
		r->wrong += opened(r->id, &r->header, r->body) != OPENING_DONE;
		r->wrong += public->seal_number == 0;
		seal_mark(r->id, mark);
	}
	return NULL;
}

static void keys_change_under_the_eyes_of_other_threads(void)
{
	struct race r = {.id = fresh()};
	pthread_t threads[2];

	need(!identity_draw_seal(r.id, path, NULL, 2, NULL));
	seal_to(&r.header, r.body, 2, identity_public(r.id)->seal);
	for (int i = 0; i < 2; i++)
		need(pthread_create(&threads[i], NULL, open_again_and_again, &r) == 0);
	for (uint16_t n = 3; n < 20; n++)
		need(!identity_draw_seal(r.id, path, NULL, n, NULL));
	for (uint16_t n = 3; n < 19; n++)
		need(!identity_destroy_seal(r.id, path, NULL, n, NULL));
	need(!identity_draw_link(r.id, path, NULL, NULL));
	need(!identity_switch_link(r.id, path, NULL, NULL));
	r.done = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	is_int(r.wrong, 0, "what could be opened always could be");
	identity_free(r.id);
}

static void a_card_proves_its_link_keys(void)
{
	struct party_id self = party_id_of(&network, "punjab");
	struct party_id other = party_id_of(&network, "sindh");
	size_t failed = 0, altered = 0;

	for (int i = 0; i < 50; i++) {
		struct identity *id = fresh();
		struct card c = {0};
		need(!identity_draw_link(id, path, NULL, NULL));
		identity_card(id, &self, &c);
		failed += c.link_count != 2 || !card_link_proven(&c.links[0], &self) ||
			  !card_link_proven(&c.links[1], &self);
		failed += memcmp(c.links[0].key, identity_public(id)->link, 32) != 0 ||
			  memcmp(c.links[1].key, identity_public(id)->link_next, 32) != 0;
		altered += card_link_proven(&c.links[0], &other);
		memcpy(c.links[1].key, c.links[0].key, 32);
		altered += card_link_proven(&c.links[1], &self);
		c.links[0].proof[i] ^= 1;
		altered += card_link_proven(&c.links[0], &self);
		identity_free(id);
	}
	is_int(failed, 0, "every proof verifies");
	is_int(altered, 0, "not for another node, another key, or altered");
}

int main(void)
{
	need(sodium_init() >= 0 && mkdtemp(folder));
	snprintf(path, sizeof path, "%s/node.key", folder);
	snprintf(beside, sizeof beside, "%s.new", path);
	RUN(a_link_key_is_changed_in_two_steps);
	RUN(old_seal_keys_open_until_they_are_destroyed);
	RUN(a_file_has_room_for_so_many);
	RUN(the_file_is_replaced_as_a_whole);
	RUN(keys_change_under_the_eyes_of_other_threads);
	RUN(a_card_proves_its_link_keys);
	unlink(path);
	rmdir(folder);
	return tap_done();
}
