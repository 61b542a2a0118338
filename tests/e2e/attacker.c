/* A member of the federation with a valid key and no manners: connects to a running node as any
 * neighbour would and does one thing that an honest one does not.
 *
 *     attacker HOME PEER ATTACK [SECONDS | MESSAGES | FILE...]
 *
 * HOME is that of a node of the lab which is stopped.  Prints what the peer said to it, or what
 * came of it; exit 0 when the attack could be carried out. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/e2e/attack/deeds.h"
#include "tests/e2e/attack/talk.h"

static const struct {
	const char *name;
	void (*run)(unsigned seconds);
	bool ends; /* the peer will not have it */
} attacks[] = {
	{"garbage", garbage, true},
	{"another-name", another_name, true},
	{"early-push", early_push, true},
	{"forge", forge, true},
	{"change-body", change_body, true},
	{"false-ack", false_ack, true},
	{"second-answer", second_answer, true},
	{"overrun", overrun, true},
	{"incomplete", incomplete, true},
	{"skip-number", skip_number, true},
	{"take-credit-back", take_credit_back, true},
	{"greet-for-ever", greet_for_ever, true},
	{"give-a-topology", give_a_topology, true},
	{"replay", replay, false},
	{"bombs", bombs, false},
	{"dense", dense, false},
	{"flood", flood, false},
	{"pour", pour, false},
	{"drizzle", drizzle, false},
	{"probe", probe, false},
	{"never-ack", never_ack, false},
	{"deaf", deaf, false},
	{"twice", twice, false},
	{"boast", boast, false},
	{"carry", carry, false},
	{"lie-unasked", lie_unasked, true},
	{"lie-badly", lie_badly, true},
	{"begin-for-ever", begin_for_ever, true},
	{"ask-for-ever", ask_for_ever, false},
	{"recall-all", recall_all, false},
	{"crowd", crowd, false},
};

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc < 4 || sodium_init() < 0)
		die("attacker HOME PEER ATTACK [SECONDS]");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	set_out(argv[1], argv[2]);
	me.incarnation = (uint64_t)clock_monotonic();
	dial();
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		if (strcmp(attacks[i].name, argv[3]) != 0)
			continue;
		me.files = argv + 4;
		attacks[i].run(argc > 4 ? (unsigned)atoi(argv[4]) : 2);
		/* Until the last of it has arrived, and for the peer's last words. */
		if (attacks[i].ends)
			idle(WAIT_MS);
		if (*me.error)
			printf("%s\n", me.error);
		link_close(me.link);
		topology_free(me.topology);
		identity_free(me.identity);
		return 0;
	}
	die("no such attack");
}
