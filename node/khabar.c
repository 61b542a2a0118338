/* khabar: what operators type.  This file is the table of subcommands and the options that all of
 * them share. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cmd/cmd.h"
#include "node/cmd/completion.h"
#include "node/cmd/options.h"
#include "node/cmd/print.h"
#include "node/home.h"
#include "node/node.h"

struct command {
	const char *name;
	int (*run)(const struct cmd_context *c, int argc, char **argv);
	const char *usage, *summary;
};

#define SEND_USAGE \
	"[--use detect|block] [--label L]...\n" \
	"                   [--valid 30d] [--keep 90d] [--confidence N] [--priority P]\n" \
	"                   [--direct] [--no-forward] [--exercise] [--receipt] [--force]\n" \
	"                   [--ack-by DATE] [--dry-run]"

static const struct command commands[] = {
	{"init", cmd_init,
	 "NAME [--bind tcp://HOST:PORT] [--endpoint tcp://HOST:PORT]\n"
	 "                   [--passphrase-file FILE]",
	 "make the home of a new node: keys, configuration, card"},
	{"join", cmd_join, "FILE [--hash HEX | --words \"...\"]",
	 "take the federation's first topology"},
	{"keys", cmd_keys,
	 "show | role NAME [--number N] | rotate link|seal [--now]\n"
	 "                   | copy DIR --passphrase-file FILE",
	 "show the public keys, change them; make a seal key for a role"},
	{"card", cmd_card,
	 "show [NODE] [--export FILE] | set ENDPOINT... | accept FILE\n"
	 "                   | contact NAME [--email E] [--phone P] [--hours H] | contact NAME "
	 "--remove\n"
	 "                   | constituency FILE",
	 "what nodes say of themselves: where they are, keys, contacts"},
	{"topology", cmd_topology,
	 "check FILE | show [FILE] | tree [FILE] | diff A B | accept FILE\n"
	 "                   | suspend NODE... [--key N]... [--from T] [--until T] [--because "
	 "TEXT]\n"
	 "                     [--serial N] [--topology FILE] [-o FILE] | suspend --lift\n"
	 "                   | drain ROLE [--wait SECONDS]\n"
	 "                   | assemble TEXT SIGNATURES... [--after FILE] [-o FILE]\n"
	 "                   | fill TEXT CARD... [--council NAME=KEY]... [--after FILE] [-o FILE]",
	 "check, show, compare, fill in, assemble and accept topologies"},
	{"who", cmd_who, "--to A [--tlp T] [--direct] | ID",
	 "who would read a message and why; what has become of one"},
	{"whose", cmd_whose, "ADDRESS|NETWORK|DOMAIN|AS-NUMBER", "the node that is there for it"},
	{"inbox", cmd_inbox, "[--limit N] | read ID... | read --all",
	 "what others have said that nobody here has looked at"},
	{"ask", cmd_ask,
	 "TEXT|- --to A [--tlp T] [--keep 90d] [--priority P] [--direct] [--dry-run]",
	 "ask others something; the answers come into the inbox"},
	{"reply", cmd_reply, "ID TEXT|- [--to A] [--tlp T] [--keep 90d] [--priority P] [--dry-run]",
	 "answer a message"},
	{"doctor", cmd_doctor, "[--to PEER]",
	 "walk all that a node needs; name what fails and what mends it"},
	{"alarms", cmd_alarms, "[--all]", "what somebody should look at, and since when"},
	{"alarm", cmd_alarm, "test", "run the alarm command, to see whether it reaches anybody"},
	{"hunt", cmd_hunt, "[done ID... | done --all]",
	 "what became known and was in this CERT's logs before"},
	{"outbox", cmd_outbox, "", "what is held, until when"},
	{"cancel", cmd_cancel, "ID", "stop what is held from being sent"},
	{"approve", cmd_approve, "ID", "let go what another operator wants to have blocked"},
	{"ack", cmd_ack, "ID...", "tell the authors of messages that they were noted"},
	{"share", cmd_share, "VALUE... --tlp T --to A " SEND_USAGE, "send values that you type"},
	{"import", cmd_import,
	 "FILE... --tlp T --to A [--format F] [--column N]\n"
	 "                   [--skip-rejected] [--sync NAME [--shrink] | --event UUID]\n"
	 "                   [--once KEY] " SEND_USAGE,
	 "send what is in files: STIX, MISP, lists, CSV and more"},
	{"advisory", cmd_advisory,
	 "FILE | --title T [--text FILE|-] [--course-of-action TEXT]...\n"
	 "                   [--indicators FILE|ID] --tlp T --to A " SEND_USAGE,
	 "tell others what to know and to do, acknowledged by a date"},
	{"compliance", cmd_compliance, "ID",
	 "who has acknowledged a message of this node, and who is silent"},
	{"notify-victims", cmd_notify_victims,
	 "FILE|- --tlp T [--text TEXT] [--keep 90d] [--exercise] [--dry-run]",
	 "tell each CERT which lines of a list are its own"},
	{"forward", cmd_forward, "ID --to A --reason R [--dry-run]",
	 "pass a message on to others, in its author's name"},
	{"withdraw", cmd_withdraw,
	 "VALUE|OBJECT-ID|ID --because wrong|leaked [--import] [--dry-run]",
	 "take back what this node has said"},
	{"sight", cmd_sight,
	 "VALUE... [--count N] [--false-positive] [--name-us] [--dry-run]\n"
	 "                   | --from FILE|- [--format eve|rpz|list|log] [--name-us] [--dry-run]",
	 "tell the authors of indicators that they were seen, or are wrong"},
	{"mute", cmd_mute, "[VALUE... [--because TEXT]]",
	 "keep values out of this node's exports, or list those that are"},
	{"unmute", cmd_unmute, "VALUE...", "let them in again"},
	{"incident", cmd_incident,
	 "open --title T --class C --severity low|medium|high|critical [--type Y]\n"
	 "                   [--critical-infrastructure] [--affected PARTY]... [--to A]... [--tlp "
	 "T]\n"
	 "                   [--description TEXT] [--aware TIME] [--reported-by NAME [--file "
	 "FILE]]\n"
	 "                   [--assignee NAME] [--link KIND=ID]... [--early-warning] [--exercise]\n"
	 "                   [--determination D]\n"
	 "    update ID [--status S] [--stage S --text TEXT|-] [--title T] [--unlink KIND=ID]...\n"
	 "                   [--not-affected PARTY]... [--not-critical] ...\n"
	 "    note ID TEXT | ack ID [TEXT] | notify ID --to A [TEXT] | request-help ID --to A "
	 "TEXT\n"
	 "    transfer ID --to PARTY | accept ID | take ID --reason TEXT | close ID | reopen ID\n"
	 "    renew ID | list [--open] [--owner PARTY] | draft ID --stage S | classes\n"
	 "    show ID [--format text|html|mail [--from ADDRESS]]\n"
	 "    export ID --out FILE|-\n"
	 "    sending: [--as ROLE] [--dry-run]",
	 "incidents: report them, follow them, hand them over"},
	{"list", cmd_list, "[--type T] [--tlp T] [--node N] [--limit N] [--all]",
	 "the objects that are here"},
	{"show", cmd_show, "ID|OBJECT-ID [--raw | --format text|html|mail [--from ADDRESS]]",
	 "one message, or one object"},
	{"search", cmd_search, "TEXT [--type T] [--tlp T] [--node N] [--limit N] [--all]",
	 "the objects with this text in them"},
	{"check", cmd_check, "VALUE... | --file FILE | -",
	 "whether values are known, from whom, since when"},
	{"watch", cmd_watch, "[--type T] [--tlp T] [--node N]", "objects as they come"},
	{"export", cmd_export,
	 "--format F --out DIR|- [--tlp-max T] [--use detect|block] [--type T]\n"
	 "                   [--node N] [--group G] [--label L]... [--min-confidence N] [--max-age "
	 "30d]\n"
	 "                   [--zone NAME]",
	 "what is known, as files for resolvers, sensors, firewalls, MISP"},
	{"follow", cmd_follow, "",
	 "keep the exports of khabardar.zpl as new as what is known; the daemon runs it"},
	{"status", cmd_status, "", "how the node does"},
	{"links", cmd_links, "[quarantine PEER [--for 1h] [--because TEXT] | release PEER]",
	 "how its links do; cut one, let it stand again"},
	{"held", cmd_held, "", "messages that are carried and not shown, and why"},
	{"report", cmd_report, "--month YYYY-MM", "a month in numbers, for the council"},
	{"audit", cmd_audit, "[list] | verify [--head NUMBER:HASH] | heads",
	 "who changed what on this node, and whether that is all of it"},
	{"evidence", cmd_evidence, "[list] | show ID [--export FILE]",
	 "who has given one number to two messages"},
	{"verify", cmd_verify, "FILE [--words \"...\" | --hash HEX]",
	 "check a message that show --raw wrote, the file of an incident, evidence"},
	{"backup", cmd_backup, "DIR", "copy the log of a node, in use or not"},
	{"restore", cmd_restore, "DIR | --check DIR [--keys DIR --passphrase-file FILE]",
	 "make the log of a stopped node from a backup, or only look whether one could"},
	{"release", cmd_release, "--all --reason TEXT",
	 "show what was restored before a neighbour has confirmed it"},
	{"check-store", cmd_check_store, "", "compare log and index with what was written"},
	{"reindex", cmd_reindex, "", "build the index anew from the log"},
};

enum { HOLD_MAX_S = 7 * 24 * 3600 };
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
	fprintf(out, "khabar COMMAND ... [--home DIR] [--json] [--yes]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "    %-11s %s\n", commands[i].name, commands[i].summary);
	fprintf(out,
		"\n--home DIR is the node's home (%s), --json prints JSON, --yes asks nothing,\n"
		"--hold 5m keeps what is sent in the outbox for so long.\n"
		"khabar help COMMAND says more.  Exit status: 0 done, 1 refused, 2 the node "
		"cannot\n"
		"be reached, 3 usage.\n",
		HOME_DEFAULT);
}

static void print_usage(FILE *out, const struct command *command)
{
	fprintf(out, "usage: khabar %s %s\n", command->name, command->usage);
}

static const struct command *find_command(const char *name)
{
	const char *names[COMMANDS], *nearest;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		names[i] = commands[i].name;
	}
	nearest = report_nearest(name, names, COMMANDS);
	fputs("khabar: no command \"", stderr);
	print_safe(stderr, name, false);
	fputs("\"", stderr);
	if (nearest)
		fprintf(stderr, "; did you mean \"%s\"?", nearest);
	fprintf(stderr, "\n");
	return NULL;
}

static void print_completion(void)
{
	struct completed all[COMMANDS];

	for (size_t i = 0; i < COMMANDS; i++)
		all[i] = (struct completed){commands[i].name, commands[i].usage};
	completion_print(all, COMMANDS);
}

static int help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--bash") == 0) {
		print_completion();
		return EXIT_DONE;
	}
	command = find_command(argv[1]);
	if (!command)
		return EXIT_USAGE;
	print_usage(stdout, command);
	printf("%s\n", command->summary);
	return EXIT_DONE;
}

/* Whether --hold means something to it. */
static bool sends(const struct command *command)
{
	static const char *const names[] = {"share",   "import",   "ask",      "reply",
					    "forward", "withdraw", "incident", "advisory"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], command->name) == 0)
			return true;
	return false;
}

/* --hold SPAN; false after a complaint. */
static bool take_hold(struct cmd_context *c, const char *span)
{
	c->hold = span ? option_span(span) : 0;
	if (!c->hold || c->hold > HOLD_MAX_S)
		fprintf(stderr,
			"khabar: --hold: a time such as 90s, 5m, 1h, at most 7d, is wanted\n");
	return c->hold && c->hold <= HOLD_MAX_S;
}

/* Takes the shared options out of argv, wherever they stand before "--"; false after a complaint.
 */
static bool take_options(struct cmd_context *c, bool *wants_help, int *argc, char **argv)
{
	int kept = 1, i = 1;
	bool good = true;

	for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			c->json = true;
		else if (strcmp(argv[i], "--yes") == 0)
			c->yes = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			*wants_help = true;
		else if (strncmp(argv[i], "--home=", 7) == 0)
			c->home = argv[i] + 7;
		else if (strncmp(argv[i], "--hold=", 7) == 0)
			good = take_hold(c, argv[i] + 7) && good;
		else if (strcmp(argv[i], "--hold") == 0)
			good = take_hold(c, i + 1 < *argc ? argv[++i] : NULL) && good;
		else if (strcmp(argv[i], "--home") == 0)
			c->home = i + 1 < *argc ? argv[++i] : "";
		else
			argv[kept++] = argv[i];
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
	if (!c->home[0])
		fprintf(stderr, "khabar: --home: the folder is missing\n");
	return good && c->home[0] != '\0';
}

/* These read keys or change files of the home by themselves; so does join, which first reads the
 * topology from where only root may look. */
static bool works_at_home(const struct command *command)
{
	return command->run == cmd_doctor || command->run == cmd_backup ||
	       command->run == cmd_init || command->run == cmd_keys ||
	       command->run == cmd_restore || command->run == cmd_check_store ||
	       command->run == cmd_reindex;
}

/* What cJSON builds and prints has members less where memory was short, and does not say so. */
static void *memory_or_end(size_t n)
{
	void *p = malloc(n);

	if (!p)
		print_no_memory();
	return p;
}

int main(int argc, char **argv)
{
	struct cmd_context context = {.home = HOME_DEFAULT};
	const struct command *command;
	bool wants_help = false;
	int code;

	if (sodium_init() < 0 || !take_options(&context, &wants_help, &argc, argv))
		return EXIT_USAGE;
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("khabar " NODE_VERSION);
		return EXIT_DONE;
	}
	if (argc >= 2 && strcmp(argv[1], "help") == 0)
		return help(argc - 1, argv + 1);
	if (wants_help)
		return help(argc, argv);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	command = find_command(argv[1]);
	if (!command)
		return EXIT_USAGE;
	/* Who runs for long waits for better times. */
	if (command->run != cmd_follow)
		cJSON_InitHooks(&(cJSON_Hooks){memory_or_end, free});
	if (context.hold && !sends(command)) {
		fprintf(stderr, "khabar %s: --hold: it sends nothing that could be held\n",
			command->name);
		return EXIT_USAGE;
	}
	if (works_at_home(command) && !cmd_become_owner(&context))
		return EXIT_REFUSED;
	code = command->run(&context, argc - 1, argv + 1);
	if (code == EXIT_USAGE)
		print_usage(stderr, command);
	/* Who reads the output must not take half of it for all of it. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("khabar: standard output");
		return code ? code : EXIT_REFUSED;
	}
	return code;
}
