#include "keys/keyfile.h"

#include <dirent.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"

static char folder[] = "/tmp/khabardar-t_keyfile.XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

static void put_file(const char *path, const void *data, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	need(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
	need(chmod(path, mode) == 0);
}

static struct keyring *role_keyring(void)
{
	struct keyring *k = keyring_new();

	need(k);
	k->holder = HOLDER_ROLE;
	strcpy(k->name, "cii");
	keyring_draw(k, SECRET_SEAL, 3);
	return k;
}

static size_t files_in_folder(void)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	need(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void a_file_is_made_private_and_alone(void)
{
	struct keyring *k = role_keyring(), *back;
	const char *path = in_folder("private.key");
	struct stat st;
	mode_t mask = umask(0);
	size_t before = files_in_folder();

	is_int(keyfile_write(path, k, NULL, NULL), ERR_OK, "is written");
	umask(mask);
	need(stat(path, &st) == 0);
	is_int(st.st_mode & 07777, 0600, "mode 0600 whatever the umask");
	is_int(st.st_nlink, 1, "under one name");
	is_int(files_in_folder(), before + 1, "and nothing else is left");
	is_int(keyfile_read(&back, path, NULL, NULL), ERR_OK, "is read");
	ok(memcmp(back->secrets, k->secrets, sizeof k->secrets) == 0, "as written");
	keyring_free(back);
	keyring_free(k);
}

static void a_file_is_never_overwritten(void)
{
	struct keyring *k = role_keyring(), *back;
	const char *path = in_folder("once.key"), *link = in_folder("dangling.key");
	struct report report;
	uint8_t first[SECRET_BYTES];
	size_t before;

	report_init(&report);
	need(!keyfile_write(path, k, NULL, NULL));
	memcpy(first, k->secrets[0].bytes, sizeof first);
	k->secrets[0].bytes[0] ^= 1;
	is_int(keyfile_write(path, k, NULL, &report), ERR_EXISTS, "a second write");
	ok(strstr(report_first(&report), "never overwritten"), "in words");
	need(!keyfile_read(&back, path, NULL, NULL));
	ok(memcmp(back->secrets[0].bytes, first, sizeof first) == 0, "the first stands");
	keyring_free(back);
	need(symlink("/tmp/khabardar-nowhere", link) == 0);
	before = files_in_folder();
	is_int(keyfile_write(link, k, NULL, &report), ERR_EXISTS, "nor through a dangling link");
	is_int(files_in_folder(), before, "and nothing is left behind");
	report_clear(&report);
	keyring_free(k);
}

static void loose_permissions_are_refused_with_the_chmod_to_run(void)
{
	static const mode_t loose[] = {0604, 0602, 0601, 0640, 0620, 0610, 0666, 0644};
	struct keyring *k = role_keyring(), *back;
	const char *path = in_folder("loose.key");
	char want[160];

	need(!keyfile_write(path, k, NULL, NULL));
	snprintf(want, sizeof want, "chmod 600 %s", path);
	for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
		struct report report;
		report_init(&report);
		need(chmod(path, loose[i]) == 0);
		is_int(keyfile_read(&back, path, NULL, &report), ERR_PERMISSIONS, "mode %04o",
		       (unsigned)loose[i]);
		ok(strstr(report_first(&report), want), "names the command");
		report_clear(&report);
	}
	need(chmod(path, 0400) == 0);
	is_int(keyfile_read(&back, path, NULL, NULL), ERR_OK, "stricter is fine");
	keyring_free(back);
	keyring_free(k);
}

static void a_file_of_another_user_is_refused(void)
{
	struct keyring *k = role_keyring(), *back;
	const char *path = in_folder("foreign.key");
	struct report report;

	if (geteuid() != 0) {
		ok(true, "another owner # SKIP only root can make one");
		keyring_free(k);
		return;
	}
	report_init(&report);
	need(!keyfile_write(path, k, NULL, NULL));
	need(chown(path, 65534, 65534) == 0);
	is_int(keyfile_read(&back, path, NULL, &report), ERR_PERMISSIONS, "another owner");
	ok(strstr(report_first(&report), "65534"), "is named");
	report_clear(&report);
	keyring_free(k);
}

static void what_is_no_key_file_is_refused_in_words(void)
{
	static uint8_t big[KEYFILE_MAX_BYTES + 1];
	struct keyring *back;
	struct report report;

	report_init(&report);
	is_int(keyfile_read(&back, in_folder("absent.key"), NULL, &report), ERR_NOT_FOUND,
	       "absent");
	is_int(keyfile_read(&back, folder, NULL, &report), ERR_FORMAT, "a folder");
	need(mkfifo(in_folder("fifo.key"), 0600) == 0);
	is_int(keyfile_read(&back, in_folder("fifo.key"), NULL, &report), ERR_FORMAT, "a FIFO");
	put_file(in_folder("empty.key"), "", 0, 0600);
	is_int(keyfile_read(&back, in_folder("empty.key"), NULL, &report), ERR_DAMAGED, "empty");
	put_file(in_folder("big.key"), big, sizeof big, 0600);
	is_int(keyfile_read(&back, in_folder("big.key"), NULL, &report), ERR_LIMIT, "too long");
	is_int(report.count, 5, "each in words");
	report_clear(&report);
}

static void peek_tells_whether_a_passphrase_is_needed(void)
{
	struct keyring *k = role_keyring(), *back;
	const char *open = in_folder("open.key"), *closed = in_folder("closed.key");
	bool needed;

	need(!keyfile_write(open, k, NULL, NULL));
	is_int(keyfile_write(closed, k, "", NULL), ERR_PASSPHRASE, "an empty passphrase is none");
	need(!keyfile_write(closed, k, "sesame", NULL));
	ok(keyfile_peek(open, &needed, NULL) == ERR_OK && !needed, "not this one");
	ok(keyfile_peek(closed, &needed, NULL) == ERR_OK && needed, "this one");
	is_int(keyfile_read(&back, closed, "sesame", NULL), ERR_OK, "opens with it");
	keyring_free(back);
	keyring_free(k);
}

static void a_passphrase_is_the_first_line_of_a_private_file(void)
{
	const char *path = in_folder("passphrase");
	char *passphrase, long_line[PASSPHRASE_MAX_BYTES + 1];

	put_file(path, "sesame\r\nsecond line\n", 20, 0600);
	need(!passphrase_read(&passphrase, path, false, NULL));
	is_str(passphrase, "sesame", "without its line end");
	passphrase_free(passphrase);
	put_file(path, "sesame", 6, 0640);
	is_int(passphrase_read(&passphrase, path, false, NULL), ERR_PERMISSIONS, "group bits");
	is_int(passphrase_read(&passphrase, path, true, NULL), ERR_OK,
	       "but a credential may show those of its access list");
	is_str(passphrase, "sesame", "and needs no line end");
	passphrase_free(passphrase);
	put_file(path, "sesame", 6, 0644);
	is_int(passphrase_read(&passphrase, path, true, NULL), ERR_PERMISSIONS, "never the world");
	put_file(path, "\nsesame\n", 8, 0600);
	is_int(passphrase_read(&passphrase, path, false, NULL), ERR_PASSPHRASE, "an empty line");
	memset(long_line, 'x', sizeof long_line);
	put_file(path, long_line, PASSPHRASE_MAX_BYTES, 0600);
	is_int(passphrase_read(&passphrase, path, false, NULL), ERR_OK, "the longest");
	passphrase_free(passphrase);
	put_file(path, long_line, sizeof long_line, 0600);
	is_int(passphrase_read(&passphrase, path, false, NULL), ERR_LIMIT, "one byte longer");
}

static void remove_folder(void)
{
	DIR *d = opendir(folder);

	need(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(folder);
}

int main(void)
{
	need(sodium_init() >= 0 && mkdtemp(folder));
	RUN(a_file_is_made_private_and_alone);
	RUN(a_file_is_never_overwritten);
	RUN(loose_permissions_are_refused_with_the_chmod_to_run);
	RUN(a_file_of_another_user_is_refused);
	RUN(what_is_no_key_file_is_refused_in_words);
	RUN(peek_tells_whether_a_passphrase_is_needed);
	RUN(a_passphrase_is_the_first_line_of_a_private_file);
	remove_folder();
	return tap_done();
}
