/* khabar doctor: disk, backups, exports, alarms. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "node/backup_note.h"
#include "node/cmd/doctor.h"
#include "node/cmd/export_run.h"
#include "node/cmd/keys_copy.h"
#include "node/home.h"
#include "node/loop.h"

enum { FREE_FAILED_PERCENT = 5, FREE_WARN_PERCENT = 15, DAY_MS = 86400000, WORD_BYTES = 1024 };

static void look_at_disk(struct doctor *d)
{
	struct statvfs st;
	unsigned percent;

	if (statvfs(d->c->home, &st) != 0 || st.f_blocks == 0) {
		doctor_say(d, FINDING_FAILED, "disk", NULL, "%s: %s", d->c->home, strerror(errno));
		return;
	}
	percent = (unsigned)(st.f_bavail * 100 / st.f_blocks);
	if (st.f_flag & ST_RDONLY)
		doctor_say(d, FINDING_FAILED, "disk", "mount -o remount,rw, after looking why",
			   "%s is on a file system that is read-only", d->c->home);
	else if (percent < FREE_FAILED_PERCENT)
		doctor_say(d, FINDING_FAILED, "disk", "make room, or give it a larger disk",
			   "only %u %% of it are free: nothing more will be taken", percent);
	else if (st.f_files && st.f_favail == 0)
		doctor_say(d, FINDING_FAILED, "disk", "remove files", "no file can be made on it");
	else if (percent < FREE_WARN_PERCENT)
		doctor_say(d, FINDING_WARNING, "disk", "make room, or give it a larger disk",
			   "only %u %% of it are free", percent);
	else
		doctor_say(d, FINDING_OK, "disk", NULL, "%u %% of it are free", percent);
}

static void look_at_backup(struct doctor *d, const struct backup_note *note)
{
	uint64_t most = (uint64_t)d->config->backup_days * DAY_MS;
	char made[TIME_BYTES], checked[TIME_BYTES], mend[PATH_MAX + 32];

	time_format(made, note->made);
	if (!note->made)
		doctor_say(d, FINDING_WARNING, "backup", "khabar backup DIR",
			   "there has never been one");
	else if (most && note->made + most < clock_wall())
		doctor_say(d, FINDING_WARNING, "backup", "khabar backup DIR, every night",
			   "the last one, in %s, is of %s", note->dir, made);
	else if (!note->checked) {
		snprintf(mend, sizeof mend, "khabar restore --check %s", note->dir);
		doctor_say(d, FINDING_WARNING, "backup", mend,
			   "%s is of %s, and nobody has ever seen whether one could go back to one",
			   note->dir, made);
	} else {
		time_format(checked, note->checked);
		doctor_say(d, FINDING_OK, "backup", NULL, "%s is of %s; one was read at %s",
			   note->dir, made, checked);
	}
}

static void look_at_key_copy(struct doctor *d, const struct backup_note *note)
{
	static const char mend[] = "khabar keys copy DIR --passphrase-file FILE, then take DIR to "
				   "another place than the backups";
	char copied[TIME_BYTES];
	struct hash now;

	time_format(copied, note->keys);
	if (!note->keys)
		doctor_say(d, FINDING_WARNING, "copy of the keys", mend,
			   "there has never been one, and no backup can be read without the keys");
	else if (keys_hash(d->c->home, &now) || !hash_equal(&now, &note->keys_hash))
		doctor_say(d, FINDING_WARNING, "copy of the keys", mend,
			   "the one in %s is of %s, and the keys have changed since",
			   note->keys_dir, copied);
	else
		doctor_say(d, FINDING_OK, "copy of the keys", NULL, "%s is of %s, and of all keys",
			   note->keys_dir, copied);
}

/* The first word of a command is a program. */
static const char *program_wrong(const char *command, char word[WORD_BYTES])
{
	struct stat st;

	snprintf(word, WORD_BYTES, "%.*s", (int)strcspn(command, " \t"), command);
	if (stat(word, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || access(word, X_OK) != 0)
		return "is no program that can be run";
	return NULL;
}

static const char *out_of(const struct followed *f)
{
	for (size_t i = 0; i < f->options.count; i++)
		if (strncmp(f->options.words[i], "--out=", 6) == 0)
			return f->options.words[i] + 6;
	return NULL;
}

static const char *export_failed(const struct doctor *d, const char *name)
{
	const cJSON *line;

	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(d->status.json, "exports"))
	{
		if (strcmp(member_text(line, "name"), name) == 0)
			return member_text(line, "failed");
	}
	return "";
}

/* The folder, as it looks from outside of the daemon's unit.  NULL: nothing is wrong with it. */
static const char *folder_wrong(const char *out)
{
	struct stat st;

	if (stat(out, &st) != 0)
		return strerror(errno);
	return access(out, W_OK | X_OK) != 0 ? strerror(errno) : NULL;
}

static void look_at_export(struct doctor *d, const struct followed *f)
{
	const char *out = out_of(f), *failed = export_failed(d, f->name), *wrong = NULL;
	const char *folder = out ? folder_wrong(out) : NULL;
	char step[64], word[WORD_BYTES], mend[PATH_MAX + 160];

	snprintf(step, sizeof step, "export %s", f->name);
	if (f->then)
		wrong = program_wrong(f->then, word);
	if (wrong) {
		doctor_say(d, FINDING_FAILED, step, "khabardar.zpl, export, then", "%s: %s", word,
			   wrong);
	} else if (folder && (*failed || access(out, F_OK) == 0)) {
		snprintf(mend, sizeof mend,
			 "install -d -m 755 -o khabardar -g khabardar %s, and ReadWritePaths=%s "
			 "with systemctl edit khabardar",
			 out, out);
		doctor_say(d, FINDING_FAILED, step, mend, "%s: %s", out, folder);
	} else if (strncmp(failed, EXPORT_NOT_WRITTEN, strlen(EXPORT_NOT_WRITTEN)) == 0) {
		snprintf(mend, sizeof mend,
			 "systemctl edit khabardar: [Service] ReadWritePaths=%s, then restart it; "
			 "else khabardar's log says why",
			 out ? out : "");
		doctor_say(d, FINDING_FAILED, step, mend, "%s", failed);
	} else if (*failed) {
		snprintf(mend, sizeof mend, "run it by hand, as the user of the daemon: %s",
			 f->then ? f->then : "khabar export");
		doctor_say(d, FINDING_FAILED, step, mend, "%s", failed);
	} else {
		doctor_say(d, FINDING_OK, step, NULL, "writes to %s", out ? out : "");
	}
}

/* SPEC 9.17: "which is a warning as long as it is there" */
static void look_at_inflow(struct doctor *d, const struct inflow *f)
{
	const char *kind = f->kind == INFLOW_WATCH ? "watch" : "misp", *failed = "";
	const cJSON *line;
	char step[64];

	snprintf(step, sizeof step, "%s %s", kind, f->name);
	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(d->status.json, "inflows"))
	{
		if (strcmp(member_text(line, "kind"), kind) == 0 &&
		    strcmp(member_text(line, "name"), f->name) == 0)
			failed = member_text(line, "failed");
	}
	if (f->kind == INFLOW_WATCH && access(f->from, R_OK | W_OK | X_OK) != 0)
		doctor_say(d, FINDING_FAILED, step,
			   "install -d -m 2770 -o khabardar -g GROUP, with the folder", "%s: %s",
			   f->from, strerror(errno));
	else if (*failed)
		doctor_say(d, FINDING_FAILED, step, "khabar status", "%s", failed);
	else
		doctor_say(d, FINDING_OK, step, NULL, "takes what comes from %s", f->from);
}

/* Is that among the words of a warning? */
static bool is_warned(const struct doctor *d, const char *words)
{
	const cJSON *warning;

	cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(d->status.json, "warnings"))
	{
		const char *text = cJSON_GetStringValue(warning);
		if (text && strstr(text, words))
			return true;
	}
	return false;
}

/* Who writes exports, takes files and tells alarms is started by the daemon, once. */
static void look_at_follower(struct doctor *d)
{
	if (!config_follows(d->config) || !d->status.json)
		return;
	if (is_warned(d, "khabar follow was ended"))
		doctor_say(d, FINDING_FAILED, "follower", "systemctl restart khabardar",
			   "khabar follow was ended: nothing is exported or taken in, no alarm "
			   "told");
	else
		doctor_say(d, FINDING_OK, "follower", NULL, "khabar follow runs");
}

static void look_at_alarms(struct doctor *d)
{
	const char *command = d->config->alarm_command, *wrong;
	const cJSON *warnings = cJSON_GetObjectItemCaseSensitive(d->status.json, "warnings");
	char word[WORD_BYTES];
	int n = cJSON_GetArraySize(warnings);

	wrong = command ? program_wrong(command, word) : NULL;
	if (!command)
		doctor_say(d, FINDING_WARNING, "alarms", "khabardar.zpl: alarm: command",
			   "nobody is told of them");
	else if (wrong)
		doctor_say(d, FINDING_FAILED, "alarms", "khabardar.zpl: alarm: command", "%s: %s",
			   word, wrong);
	else if (is_warned(d, "the alarm command failed"))
		doctor_say(d, FINDING_FAILED, "alarms",
			   "run it by hand, as the user of the daemon, and mend what it says; then "
			   "khabar alarm test",
			   "%s failed, and nobody is told of them", word);
	else
		doctor_say(d, FINDING_OK, "alarms", NULL,
			   "%s is run for them; khabar alarm test tries it", word);
	if (n)
		doctor_say(d, FINDING_WARNING, "alarms", "khabar alarms", "%d stand%s", n,
			   n == 1 ? "s" : "");
}

void doctor_home(struct doctor *d)
{
	struct backup_note *note = calloc(1, sizeof *note);

	look_at_disk(d);
	if (note) {
		(void)backup_note_read(d->c->home, note);
		look_at_backup(d, note);
		look_at_key_copy(d, note);
	}
	free(note);
	look_at_follower(d);
	for (size_t i = 0; i < d->config->export_count; i++)
		look_at_export(d, &d->config->exports[i]);
	for (size_t i = 0; i < d->config->inflow_count; i++)
		look_at_inflow(d, &d->config->inflows[i]);
	look_at_alarms(d);
}
