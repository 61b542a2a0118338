#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "node/cmd/card.h"
#include "node/cmd/cmd.h"
#include "node/home.h"
#include "protocol/council.h"
#include "protocol/topology_value.h"

static const char what[] = "khabar init";

struct init {
	const char *name, *home;
	const char *bind, *endpoint;    /* or NULL */
	char passphrase_file[PATH_MAX]; /* absolute, or "" */
	char words[WORDS_BYTES];        /* of the card */
	char key[PATH_MAX], config[PATH_MAX], card[PATH_MAX];
};

static const char config_head[] =
	"# The configuration of this node: khabardar.zpl(5) explains every key.\n"
	"# After a change:  khabardar --home %s -n  checks it, a restart applies it.\n"
	"\n"
	"# The name under which the federation knows this node.  Its keys are in node.key.\n"
	"node = %s\n"
	"\n"
	"# Where other nodes connect.  Without it this node only dials.\n"
	"%sbind = \"%s\"\n"
	"\n"
	"# A SOCKS5 proxy through which it dials.\n"
	"#proxy = \"127.0.0.1:9050\"\n"
	"\n"
	"# error, warning, info or debug\n"
	"log = info\n"
	"\n";

static const char config_tail[] = "\n"
				  "# Unix groups whose members may use the command: to look "
				  "(read), to send (share), to release\n"
				  "# what was held (approve), to open TLP:RED (red), to change the "
				  "node (admin).  root and the\n"
				  "# user of the daemon may do everything.\n"
				  "#rights\n"
				  "#    read = khabar\n"
				  "#    share = khabar\n"
				  "#    approve = khabar-leads\n"
				  "#    red = khabar-leads\n"
				  "#    admin = khabar-admins\n"
				  "\n"
				  "# Names of your own for audiences.\n"
				  "#alias\n"
				  "#    neighbours = \"sindh kp balochistan\"\n";

static const char config_passphrase_off[] =
	"# The passphrase of node.key, if it has one: a file, or a credential given by systemd.\n"
	"#passphrase\n"
	"#    file = \"/etc/khabardar/passphrase\"\n"
	"#    credential = khabardar\n";

static const char config_passphrase_on[] =
	"# The passphrase of node.key: a file, or a credential given by systemd.\n"
	"passphrase\n"
	"    file = \"%s\"\n"
	"#    credential = khabardar\n";

static enum err write_config(const struct init *in, struct report *report)
{
	char text[sizeof config_head + sizeof config_tail + 3 * PATH_MAX + 512];
	size_t used;

	used = (size_t)snprintf(text, sizeof text, config_head, in->home, in->name,
				in->bind ? "" : "#", in->bind ? in->bind : "tcp://*:5670");
	if (in->passphrase_file[0])
		used += (size_t)snprintf(text + used, sizeof text - used, config_passphrase_on,
					 in->passphrase_file);
	else
		used += (size_t)snprintf(text + used, sizeof text - used, "%s",
					 config_passphrase_off);
	snprintf(text + used, sizeof text - used, "%s", config_tail);
	return text_file_create(in->config, text, report);
}

/* The folder is made, or it is ours already; nobody else looks into it. */
static enum err make_home(const struct init *in, struct report *report)
{
	const char *const made[] = {in->key, in->config, in->card};
	struct stat st;

	if (mkdir(in->home, 0700) != 0 && errno != EEXIST) {
		report_add(report, "%s: cannot be made: %s", in->home, strerror(errno));
		return ERR_IO;
	}
	if (stat(in->home, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid()) {
		report_add(report, "%s: is not a folder that belongs to you", in->home);
		return ERR_PERMISSIONS;
	}
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		if (access(made[i], F_OK) == 0) {
			report_add(report,
				   "%s: already exists; a home is made once, and nothing of it is "
				   "overwritten",
				   made[i]);
			return ERR_EXISTS;
		}
	}
	if (st.st_mode & 077 && chmod(in->home, 0700) != 0) {
		report_add(report, "%s: cannot be closed to others: %s", in->home, strerror(errno));
		return ERR_IO;
	}
	return ERR_OK;
}

static enum err make_files(struct init *in, struct identity **id, struct report *report)
{
	char *passphrase = NULL, text[CARD_MAX_BYTES];
	enum err e = ERR_OK;
	struct hash hash;
	size_t n;

	if (in->passphrase_file[0])
		e = passphrase_read(&passphrase, in->passphrase_file, false, report);
	if (!e)
		e = make_home(in, report);
	if (!e)
		e = identity_create(in->key, in->name, passphrase, report);
	if (!e)
		e = identity_open(id, in->key, passphrase, report);
	passphrase_free(passphrase);
	if (!e) {
		n = card_of_node(text, identity_public(*id), in->endpoint);
		hash = hash_of(text, n);
		council_words(in->words, sizeof in->words, &hash);
		e = text_file_create(in->card, text, report);
	}
	if (!e)
		e = write_config(in, report);
	return e;
}

static void print_json(const struct init *in, const struct identity_public *public)
{
	cJSON *o = cJSON_CreateObject();
	char hex[65], *text;

	cJSON_AddStringToObject(o, "node", public->name);
	cJSON_AddStringToObject(o, "home", in->home);
	cJSON_AddStringToObject(o, "key", in->key);
	cJSON_AddStringToObject(o, "config", in->config);
	cJSON_AddStringToObject(o, "card", in->card);
	cJSON_AddStringToObject(o, "words", in->words);
	cJSON_AddStringToObject(o, "sign", hex_encode(hex, public->sign, 32));
	cJSON_AddStringToObject(o, "link", hex_encode(hex, public->link, 32));
	cJSON_AddStringToObject(o, "seal", hex_encode(hex, public->seal, 32));
	text = cJSON_PrintUnformatted(o);
	if (text)
		puts(text);
	free(text);
	cJSON_Delete(o);
}

static void print_words(const struct init *in, const struct identity_public *public)
{
	printf("Node %s has its home in %s:\n\n", public->name, in->home);
	printf("    node.key       its secrets: keep a copy where nobody else can read it\n");
	printf("    khabardar.zpl  its configuration\n");
	printf("    node.card      its public keys, for the council\n\n");
	printf("Next:\n\n");
	printf("    Send %s to the council's secretary.  Then compare, by\n"
	       "    telephone, what has arrived there; its words are\n\n"
	       "        %s\n\n",
	       in->card, in->words);
	if (!in->endpoint)
		printf("    This node has no endpoint: it dials, and nobody dials it.\n\n");
	printf("    Once the council has signed a topology with this node in it, take it and "
	       "start\n\n");
	if (strcmp(in->home, HOME_DEFAULT) == 0)
		printf("        khabar join FILE\n"
		       "        systemctl start khabardar    (or: khabardar)\n");
	else
		printf("        khabar join FILE --home %s\n"
		       "        khabardar --home %s\n",
		       in->home, in->home);
}

static int check_arguments(struct init *in, const char *passphrase_file)
{
	static char bind[64];
	const char *wrong;

	if (!name_valid(in->name))
		return cmd_misused(what, "\"%s\" is no name: 1 to 31 of a-z, 0-9 and -", in->name);
	if (in->endpoint && (wrong = value_endpoint(in->endpoint)) != NULL)
		return cmd_misused(what, "--endpoint \"%s\": %s", in->endpoint, wrong);
	if (in->endpoint && !in->bind) {
		/* Who can be dialed listens, by default at every address of the machine. */
		snprintf(bind, sizeof bind, "tcp://*%s", strrchr(in->endpoint, ':'));
		in->bind = bind;
	}
	if (in->bind && (wrong = bind_endpoint_wrong(in->bind)) != NULL)
		return cmd_misused(what, "--bind \"%s\": %s", in->bind, wrong);
	if (passphrase_file && !realpath(passphrase_file, in->passphrase_file))
		return cmd_misused(what, "--passphrase-file %s: %s", passphrase_file,
				   strerror(errno));
	if (!home_path(in->key, in->home, "node.key") ||
	    !home_path(in->config, in->home, "khabardar.zpl") ||
	    !home_path(in->card, in->home, "node.card"))
		return cmd_misused(what, "--home: the path is too long");
	return EXIT_DONE;
}

int cmd_init(const struct cmd_context *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"bind", required_argument, NULL, 'b'},
		{"endpoint", required_argument, NULL, 'e'},
		{"passphrase-file", required_argument, NULL, 'p'},
		{0},
	};
	struct init in = {.home = c->home};
	const char *passphrase_file = NULL;
	struct identity *id = NULL;
	struct report report;
	int option, code;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'b')
			in.bind = optarg;
		else if (option == 'e')
			in.endpoint = optarg;
		else if (option == 'p')
			passphrase_file = optarg;
		else
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return cmd_misused(what, "the name of the node is wanted, and nothing else");
	in.name = argv[optind];
	code = check_arguments(&in, passphrase_file);
	if (code)
		return code;
	report_init(&report);
	if (make_files(&in, &id, &report))
		code = cmd_refused(c, what, &report);
	else if (c->json)
		print_json(&in, identity_public(id));
	else
		print_words(&in, identity_public(id));
	identity_free(id);
	report_clear(&report);
	return code;
}
