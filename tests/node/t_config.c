#include "node/config.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "tests/tap.h"

static struct report report;

static struct config *parse(const char *text)
{
	struct config *c;
	enum err e;

	report_clear(&report);
	e = config_parse(&c, text, strlen(text), "khabardar.zpl", &report);
	if ((e == ERR_OK) != (c != NULL) || (e == ERR_OK) != (report.total == 0))
		ok(false, "result and report agree");
	return c;
}

static void the_least_is_a_name(void)
{
	struct config *c = parse("node = punjab\n");

	need(c);
	is_str(c->node, "punjab", "node");
	ok(!c->bind && !c->proxy && !c->passphrase_file && !c->passphrase_credential, "no more");
	is_int(c->level, LEVEL_INFO, "log is info");
	is_int(c->alias_count, 0, "no aliases");
	is_int(c->missing_minutes, 10, "ten minutes for what is missing");
	is_int(c->silent_minutes, 60, "an hour of silence");
	is_int(c->unanswered_minutes, 60, "an hour for an emergency");
	config_free(c);
}

static void every_key_is_read(void)
{
	const struct group *group = getgrgid(0);
	char text[1024];
	struct config *c;

	need(group);
	snprintf(text, sizeof text,
		 "# a comment\nnode = \"punjab\"\nbind = \"tcp://*:5670\"\n"
		 "proxy = \"127.0.0.1:9050\"\nlog = debug\n"
		 "passphrase\n    file = \"/etc/khabardar/passphrase\"\n"
		 "rights\n    read = %s\n    red = \"%s %s\"\n"
		 "alias\n    neighbours = \"sindh kp\"\n    owner = \"owner-of:203.0.113.7\"\n"
		 "alarm\n    missing = 0\n    silent = 10080\n",
		 group->gr_name, group->gr_name, group->gr_name);
	c = parse(text);
	need(c);
	is_str(c->bind, "tcp://*:5670", "bind");
	is_str(c->proxy, "127.0.0.1:9050", "proxy");
	is_int(c->level, LEVEL_DEBUG, "log");
	is_str(c->passphrase_file, "/etc/khabardar/passphrase", "passphrase file");
	is_int(c->rights[RIGHT_READ].count, 1, "one group reads");
	is_int(c->rights[RIGHT_READ].gids[0], 0, "by its number");
	is_int(c->rights[RIGHT_RED].count, 2, "two open RED");
	is_int(c->rights[RIGHT_ADMIN].count, 0, "none administers");
	is_int(c->alias_count, 2, "two aliases");
	is_int(c->missing_minutes, 0, "what is missing at once");
	is_int(c->silent_minutes, 10080, "a week of silence");
	is_str(c->aliases[0].name, "neighbours", "by name");
	is_str(c->aliases[0].audience, "sindh kp", "and audience");
	config_free(c);
}

struct mistake {
	const char *text, *want;
};

static void every_mistake_is_named_with_its_place(void)
{
	static const struct mistake mistakes[] = {
		{"", "khabardar.zpl: node: missing; write: node = NAME"},
		{"node = Punjab\n",
		 "khabardar.zpl: node: \"Punjab\" is no name: 1 to 31 of a-z, 0-9 and -"},
		{"node = a\nbnid = \"tcp://*:1\"\n",
		 "khabardar.zpl: bnid: no such key; did you mean \"bind\"?"},
		{"node = a\nzzzzzzzz = 1\n", "khabardar.zpl: zzzzzzzz: no such key"},
		{"node = a\nbind\n", "khabardar.zpl: bind: its value is missing"},
		{"node = a\nrights = all\n",
		 "khabardar.zpl: rights: has no value; its keys stand below it"},
		{"node = a\nlog = warn\n",
		 "khabardar.zpl: log: \"warn\" is no level: error, warning, info or debug"},
		{"node = a\nproxy = \"socks5://x:1\"\n",
		 "khabardar.zpl: proxy: \"socks5://x:1\" is not HOST:PORT of a SOCKS5 proxy"},
		{"node = a\npassphrase\n    file = \"secret\"\n",
		 "khabardar.zpl: passphrase: file: \"secret\" is not an absolute path"},
		{"node = a\npassphrase\n    credential = \"../x\"\n",
		 "khabardar.zpl: passphrase: credential: \"../x\" is no name of a systemd "
		 "credential"},
		{"node = a\npassphrase\n    file = \"/a\"\n    credential = b\n",
		 "khabardar.zpl: passphrase: give \"file\" or \"credential\", not both"},
		{"node = a\npassphrase\n",
		 "khabardar.zpl: passphrase: \"file\" or \"credential\" is missing"},
		{"node = a\nrights\n    aprove = root\n",
		 "khabardar.zpl: rights: aprove: no such key; did you mean \"approve\"?"},
		{"node = a\nrights\n    read = nobody-has-this-group\n",
		 "khabardar.zpl: rights: read: no Unix group named \"nobody-has-this-group\" on "
		 "this "
		 "machine"},
		{"node = a\nalias\n    all = b\n",
		 "khabardar.zpl: alias: all: is a word of its own and cannot be an alias"},
		{"node = a\nalarm\n    missing = 10081\n",
		 "khabardar.zpl: alarm: missing: \"10081\" is no number of minutes from 0 to "
		 "10080"},
		{"node = a\nalarm\n    silent = 0\n",
		 "khabardar.zpl: alarm: silent: \"0\" is no number of minutes from 1 to 10080"},
		{"node = a\nalias\n    Friends = b\n",
		 "khabardar.zpl: alias: Friends: is no name: 1 to 31 of a-z, 0-9 and -"},
		{"node = a\nalias\n    friends = \"\"\n",
		 "khabardar.zpl: alias: friends: names nobody"},
		{"node = a\nalias\n    friends = \"b C\"\n",
		 "khabardar.zpl: alias: friends: \"C\" is no name of a party, a group or an alias"},
	};

	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct config *c = parse(mistakes[i].text);
		ok(!c && report.count == 1, "one problem");
		is_str(report_first(&report), mistakes[i].want, "in words");
		config_free(c);
	}
}

static void what_is_shared_by_itself_is_read(void)
{
	struct config *c = parse("node = a\n"
				 "watch\n"
				 "    one\n"
				 "        directory = /in\n"
				 "        tlp = amber\n"
				 "        to = \"kp sindh\"\n"
				 "        skip-rejected = yes\n"
				 "        no-forward = no\n"
				 "        settle = 7\n");

	need(c);
	is_int(c->inflow_count, 1, "one folder");
	is_str(c->inflows[0].name, "one", "its name");
	is_int(c->inflows[0].kind, INFLOW_WATCH, "its kind");
	is_str(c->inflows[0].from, "/in", "its path");
	is_int(c->inflows[0].tlp, TLP_AMBER, "its TLP");
	is_int(c->inflows[0].settle, 7, "its patience");
	is_int(c->inflows[0].options.count, 3, "two parties and a flag");
	is_str(c->inflows[0].options.words[1], "--to=sindh", "the second party");
	is_str(c->inflows[0].options.words[2], "--skip-rejected", "the flag that says yes");
	ok(config_follows(c), "there is something to follow");
	config_free(c);
	c = parse("node = a\n");
	need(c);
	ok(!config_follows(c), "or nothing");
	config_free(c);
	ok(!parse("node = a\nwatch\n    one\n        directory = in\n        tlp = green\n"
		  "        to = \"\"\n        settle = 0\n        exercise = maybe\n"),
	   "what is wrong is refused");
	is_int(report.count, 5, "path, audience, patience, flag, and that there is no path");
	c = parse("node = a\nmisp\n    m\n        from = \"tcp://127.0.0.1:50000\"\n"
		  "        org = 5f6d0b64-5f4c-4f39-8d5a-4a1d0a0b0c0d\n        to = up\n");
	need(c);
	is_int(c->inflows[0].kind, INFLOW_MISP, "an instance of MISP");
	ok(!c->inflows[0].has_tlp, "without a TLP");
	config_free(c);
	ok(!parse("misp\n    m\n        from = \"tcp://127.0.0.1:50000\"\n"
		  "        org = d6adeddf-2c3b-5a4e-9cb6-4ef1a3f1a1d2\n        to = up\n"),
	   "the node is missing");
	ok(!parse("node = a\nwatch = /in\n"), "a folder without a section");
	ok(!parse("node = a\nwatch\n    One\n        tlp = green\n"), "a name that is none");
}

static void all_mistakes_are_named_at_once(void)
{
	ok(!parse("node = A\nbind = \"tcp://x\"\nlgo = info\nlog = infos\nnode = b\n"), "refused");
	is_int(report.count, 5, "five of five");
	ok(!parse("\tnode = a\n"), "what is not ZPL");
	ok(!parse("node = \"\xff\"\n"), "what is not UTF-8");
}

static void an_endpoint_to_bind_is_checked(void)
{
	static const char *const good[] = {"tcp://*:1", "tcp://0.0.0.0:65535", "tcp://[::]:5670",
					   "tcp://127.0.0.1:5670", "tcp://[::1]:5670"};
	static const char *const bad[] = {"tcp://*",       "tcp://*:0",         "tcp://*:65536",
					  "tcp://*:x",     "ipc:///tmp/x",      "*:5670",
					  "tcp://*:5670 ", "tcp://*:5670/path", ""};
	char text[128];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct config *c;
		snprintf(text, sizeof text, "node = a\nbind = \"%s\"\n", good[i]);
		c = parse(text);
		ok(c, "%s", good[i]);
		config_free(c);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, "node = a\nbind = \"%s\"\n", bad[i]);
		ok(!parse(text), "not \"%s\"", bad[i]);
	}
}

static void limits_hold(void)
{
	char *text = malloc(CONFIG_MAX_BYTES);
	struct config *c;
	size_t n;

	need(text);
	n = (size_t)sprintf(text, "node = a\nalias\n");
	for (int i = 0; i < ALIASES_MAX; i++)
		n += (size_t)sprintf(text + n, "    a%d = b\n", i);
	c = parse(text);
	ok(c && c->alias_count == ALIASES_MAX, "%d aliases", ALIASES_MAX);
	config_free(c);
	sprintf(text + n, "    one-more = b\n");
	ok(!parse(text), "not one more");
	free(text);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	need(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
}

static void a_passphrase_comes_from_a_file_or_from_systemd(void)
{
	char folder[] = "/tmp/khabardar-t_config.XXXXXX", path[64], text[128], *passphrase;
	struct config *c;

	need(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/secret", folder);
	write_text(path, "sesame\n", 0600);
	c = parse("node = a\n");
	ok(config_passphrase(c, &passphrase, NULL) == ERR_OK && !passphrase, "from nowhere");
	config_free(c);
	snprintf(text, sizeof text, "node = a\npassphrase\n    file = \"%s\"\n", path);
	c = parse(text);
	is_int(config_passphrase(c, &passphrase, NULL), ERR_OK, "from a file");
	is_str(passphrase, "sesame", "as written");
	passphrase_free(passphrase);
	config_free(c);
	c = parse("node = a\npassphrase\n    credential = secret\n");
	unsetenv("CREDENTIALS_DIRECTORY");
	is_int(config_passphrase(c, &passphrase, NULL), ERR_PASSPHRASE, "systemd gave none");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	is_int(config_passphrase(c, &passphrase, NULL), ERR_OK, "from systemd");
	is_str(passphrase, "sesame", "the same");
	passphrase_free(passphrase);
	config_free(c);
	unlink(path);
	rmdir(folder);
}

static void a_file_is_read_or_named(void)
{
	char folder[] = "/tmp/khabardar-t_config.XXXXXX", path[64], *big;
	struct config *c;

	need(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/khabardar.zpl", folder);
	report_clear(&report);
	is_int(config_read(&c, path, &report), ERR_NOT_FOUND, "absent");
	ok(strstr(report_first(&report), path), "and named");
	write_text(path, "node = a\n", 0644);
	is_int(config_read(&c, path, NULL), ERR_OK, "present");
	config_free(c);
	big = malloc(CONFIG_MAX_BYTES + 2);
	need(big);
	memset(big, '\n', CONFIG_MAX_BYTES + 1);
	big[CONFIG_MAX_BYTES + 1] = '\0';
	write_text(path, big, 0644);
	is_int(config_read(&c, path, NULL), ERR_LIMIT, "too long");
	free(big);
	is_int(config_read(&c, folder, NULL), ERR_IO, "a folder");
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	report_init(&report);
	RUN(the_least_is_a_name);
	RUN(every_key_is_read);
	RUN(every_mistake_is_named_with_its_place);
	RUN(what_is_shared_by_itself_is_read);
	RUN(all_mistakes_are_named_at_once);
	RUN(an_endpoint_to_bind_is_checked);
	RUN(limits_hold);
	RUN(a_passphrase_comes_from_a_file_or_from_systemd);
	RUN(a_file_is_read_or_named);
	report_clear(&report);
	return tap_done();
}
