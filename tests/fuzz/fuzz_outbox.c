/* A file of the outbox: the input is what is in its box, and an odd first byte says that the box is
 * damaged.  Only what is whole is read, and what was read is written again as the same. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/outbox.h"
#include "protocol/bytes.h"
#include "tests/fuzz/fuzz.h"

enum { PLAIN_MAX = 64 << 10, HEAD_MAX = 64 };

static char home[] = "/dev/shm/khabardar-fuzz.XXXXXX";
static const char id[] = "00112233445566778899aabbccddeeff";
static struct identity *identity;
static uint8_t head[HEAD_MAX]; /* what stands before the nonce */
static size_t head_bytes;

static const char *path_of(const char *name)
{
	static char path[sizeof home + 64];

	snprintf(path, sizeof path, "%s/%s", home, name);
	return path;
}

static const char *file_path(void)
{
	static char path[sizeof home + 64];

	snprintf(path, sizeof path, "%s/outbox/%s", home, id);
	return path;
}

static void leave(void)
{
	outbox_remove(home, id);
	rmdir(path_of("outbox"));
	rmdir(home);
}

static size_t file_take(uint8_t *out, size_t size)
{
	FILE *f = fopen(file_path(), "rb");
	size_t n;

	must(f);
	n = fread(out, 1, size, f);
	fclose(f);
	return n;
}

/* What a file begins with is taken from one; its nonce and box follow. */
static void learn_head(void)
{
	static const struct slice nothing = {"{}", 2};
	struct outbox_item item = {.request = nothing, .shown = nothing};
	static uint8_t one[1024], two[1024];

	memcpy(item.id, id, sizeof id);
	must(outbox_write(home, identity, &item, NULL) == ERR_OK);
	must(file_take(one, sizeof one) > 0);
	must(outbox_write(home, identity, &item, NULL) == ERR_OK);
	must(file_take(two, sizeof two) > 0);
	while (one[head_bytes] == two[head_bytes])
		head_bytes++;
	must(head_bytes <= HEAD_MAX);
	memcpy(head, one, head_bytes);
}

static void prepare(void)
{
	if (identity)
		return;
	if (access("/dev/shm", W_OK) != 0)
		memcpy(home, "/var/tmp", 8);
	must(mkdtemp(home) && atexit(leave) == 0);
	must(identity_create(path_of("key"), "national", NULL, NULL) == ERR_OK);
	must(identity_open(&identity, path_of("key"), NULL, NULL) == ERR_OK);
	unlink(path_of("key"));
	learn_head();
}

static void save(const uint8_t *plain, size_t n, bool damaged)
{
	static uint8_t box[PLAIN_MAX + STORE_BOX_EXTRA];
	struct message_id nonce = {{7}};
	FILE *f = fopen(file_path(), "wb");

	identity_store_box(identity, &nonce, box, plain, n);
	box[n / 2] ^= damaged;
	must(f && fwrite(head, 1, head_bytes, f) == head_bytes);
	must(fwrite(nonce.b, 1, sizeof nonce.b, f) == sizeof nonce.b);
	must(fwrite(box, 1, n + STORE_BOX_EXTRA, f) == n + STORE_BOX_EXTRA && fclose(f) == 0);
}

static void same(const struct slice *a, const struct slice *b)
{
	must(a->length == b->length && (a->length == 0 || !memcmp(a->at, b->at, a->length)));
}

static void write_again(const struct outbox_item *item)
{
	struct outbox_item again;
	struct outbox_memory *memory;

	must(item->sending_count <= OUTBOX_SENDING_MAX && item->frame_count <= OUTBOX_FRAMES_MAX);
	must(strlen(item->failed) < sizeof item->failed && strcmp(item->id, id) == 0);
	if (outbox_write(home, identity, item, NULL) != ERR_OK)
		return;
	must(outbox_read(home, identity, id, &again, &memory) == ERR_OK);
	must(again.uid == item->uid && again.approved == item->approved);
	must(again.wants_approval == item->wants_approval && again.due == item->due);
	must(again.sending_count == item->sending_count);
	must(memcmp(again.sending, item->sending, item->sending_count * sizeof *item->sending) ==
	     0);
	must(again.frame_count == item->frame_count);
	same(&again.request, &item->request);
	same(&again.shown, &item->shown);
	for (size_t i = 0; i < again.frame_count; i++)
		same(&again.frames[i], &item->frames[i]);
	outbox_forget(memory);
}

unsigned fuzz_cost(void)
{
	return 10;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char ids[OUTBOX_MAX][OUTBOX_ID_DIGITS + 1];
	struct outbox_item item;
	struct outbox_memory *memory;
	bool damaged = n && data[0] & 1;
	size_t count;
	enum err e;

	if (n == 0 || n > PLAIN_MAX)
		return 0;
	prepare();
	save(data + 1, n - 1, damaged);
	must(outbox_list(home, ids, &count) == ERR_OK && count == 1 && strcmp(ids[0], id) == 0);
	e = outbox_read(home, identity, id, &item, &memory);
	must(e == ERR_OK || e == ERR_DAMAGED);
	must(!damaged || e == ERR_DAMAGED);
	if (e == ERR_OK)
		write_again(&item);
	outbox_forget(memory);
	return 0;
}
