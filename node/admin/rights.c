#include "node/admin/rights.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOKUP_BYTES = 4096, GROUPS_START = 64, GROUPS_TRIES = 8 };

static bool lists(const struct right_groups *groups, gid_t gid)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->gids[i] == gid)
			return true;
	return false;
}

/* The groups that the user database gives the caller; those that the process itself was given are
 * not told by the kernel, but for one. */
static gid_t *groups_of(const struct caller *caller, int *count)
{
	struct passwd user, *found = NULL;
	char names[LOOKUP_BYTES];
	gid_t *gids = NULL;
	int size = GROUPS_START;

	*count = 0;
	if (getpwuid_r(caller->uid, &user, names, sizeof names, &found) != 0 || !found)
		return NULL;
	for (int i = 0; i < GROUPS_TRIES; i++) {
		gid_t *more = realloc(gids, (size_t)size * sizeof *gids);
		int n = size;

		if (!more)
			break;
		gids = more;
		if (getgrouplist(user.pw_name, caller->gid, gids, &n) >= 0) {
			*count = n;
			return gids;
		}
		size = n > size ? n : 2 * size;
	}
	free(gids);
	return NULL;
}

bool rights_allow(const struct config *config, const struct caller *caller, enum right right)
{
	const struct right_groups *groups = &config->rights[right];
	bool allowed;
	gid_t *gids;
	int count;

	/* SPEC 9.2: "Root and the user that the daemon runs as have every right." */
	if (caller->uid == 0 || caller->uid == geteuid())
		return true;
	if (groups->count == 0)
		return false;
	if (lists(groups, caller->gid))
		return true;
	gids = groups_of(caller, &count);
	allowed = false;
	for (int i = 0; i < count && !allowed; i++)
		allowed = lists(groups, gids[i]);
	free(gids);
	return allowed;
}

static void group_name(char *out, size_t size, gid_t gid)
{
	struct group group, *found = NULL;
	char names[LOOKUP_BYTES];

	if (getgrgid_r(gid, &group, names, sizeof names, &found) == 0 && found)
		snprintf(out, size, "%s", group.gr_name);
	else
		snprintf(out, size, "%lu", (unsigned long)gid);
}

static void user_name(char *out, size_t size, uid_t uid)
{
	struct passwd user, *found = NULL;
	char names[LOOKUP_BYTES];

	if (getpwuid_r(uid, &user, names, sizeof names, &found) == 0 && found)
		snprintf(out, size, "%s", user.pw_name);
	else
		snprintf(out, size, "uid %lu", (unsigned long)uid);
}

void rights_refuse(const struct config *config, const struct caller *caller, enum right right,
		   struct report *report)
{
	const struct right_groups *groups = &config->rights[right];
	char user[256], list[1024] = "", name[256];
	size_t used = 0;

	user_name(user, sizeof user, caller->uid);
	for (size_t i = 0; i < groups->count && used < sizeof list; i++) {
		group_name(name, sizeof name, groups->gids[i]);
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? " or " : "",
					 name);
	}
	if (groups->count)
		report_add(report,
			   "%s does not have the right \"%s\": members of the group %s have it; an "
			   "administrator adds you with: usermod -aG GROUP %s",
			   user, right_str(right), list, user);
	else
		report_add(report,
			   "%s does not have the right \"%s\", and no group gives it: an "
			   "administrator names one in khabardar.zpl, rights: %s = GROUP",
			   user, right_str(right), right_str(right));
}
