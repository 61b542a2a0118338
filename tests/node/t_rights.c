#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "node/admin/rights.h"
#include "tests/tap.h"

#define STRANGER ((uid_t)3999999999)
#define GROUP ((gid_t)3888888888)

static void root_and_the_daemons_user_may_do_everything(void)
{
	static const struct config config;
	const struct caller root = {.uid = 0}, self = {.uid = geteuid()};

	for (int r = 0; r < RIGHT_COUNT; r++) {
		ok(rights_allow(&config, &root, (enum right)r), "root: %s",
		   right_str((enum right)r));
		ok(rights_allow(&config, &self, (enum right)r), "the daemon's user: %s",
		   right_str((enum right)r));
	}
}

static void others_have_what_their_groups_have_and_nothing_else(void)
{
	static struct config config;
	const struct caller member = {.uid = STRANGER, .gid = GROUP};
	const struct caller stranger = {.uid = STRANGER, .gid = GROUP + 1};

	config.rights[RIGHT_SHARE] = (struct right_groups){.gids = {1, GROUP}, .count = 2};
	ok(rights_allow(&config, &member, RIGHT_SHARE), "a member of its group");
	ok(!rights_allow(&config, &stranger, RIGHT_SHARE), "no member");
	ok(!rights_allow(&config, &member, RIGHT_READ), "share is not read");
	ok(!rights_allow(&config, &member, RIGHT_ADMIN), "nor admin");
}

/* Somebody of the user database who is in a group that is not his first. */
static bool find_member(struct caller *caller, gid_t *second)
{
	struct group *g;

	setgrent();
	while ((g = getgrent()) != NULL) {
		for (char **name = g->gr_mem; *name; name++) {
			struct passwd *user = getpwnam(*name);
			if (!user || user->pw_uid == 0 || user->pw_uid == geteuid() ||
			    user->pw_gid == g->gr_gid)
				continue;
			*caller = (struct caller){.uid = user->pw_uid, .gid = user->pw_gid};
			*second = g->gr_gid;
			endgrent();
			return true;
		}
	}
	endgrent();
	return false;
}

static void groups_of_the_user_database_count(void)
{
	static struct config config;
	struct caller caller;
	gid_t second;

	if (!find_member(&caller, &second)) {
		ok(true, "# SKIP nobody here is in a second group");
		return;
	}
	config.rights[RIGHT_READ] = (struct right_groups){.gids = {second}, .count = 1};
	ok(rights_allow(&config, &caller, RIGHT_READ), "a second group");
}

static void a_refusal_names_the_right_and_how_to_get_it(void)
{
	static struct config config;
	const struct caller c = {.uid = STRANGER, .gid = GROUP};
	struct report report;

	report_init(&report);
	rights_refuse(&config, &c, RIGHT_SHARE, &report);
	ok(strstr(report_first(&report), "\"share\"") != NULL, "the right");
	ok(strstr(report_first(&report), "rights: share = GROUP") != NULL, "what to write");
	report_clear(&report);
	config.rights[RIGHT_SHARE] = (struct right_groups){.gids = {0}, .count = 1};
	rights_refuse(&config, &c, RIGHT_SHARE, &report);
	ok(strstr(report_first(&report), "group root") != NULL, "the group: %s",
	   report_first(&report));
	report_clear(&report);
}

int main(void)
{
	RUN(root_and_the_daemons_user_may_do_everything);
	RUN(others_have_what_their_groups_have_and_nothing_else);
	RUN(groups_of_the_user_database_count);
	RUN(a_refusal_names_the_right_and_how_to_get_it);
	return tap_done();
}
