#include "node/keys_offline.h"

#include "keys/keyfile.h"
#include "node/directory.h"
#include "node/home.h"
#include "node/store/restored.h"
#include "node/store/versions.h"

/* What there is to know about the numbers that were used. */
struct store {
	struct log *log;
	struct index *index;
	struct versions *versions;
	struct directory *directory;
};

/* SPEC 6.6: "As long as anything waits, a node gives nothing a number that must never be given
 * twice: no key" */
static enum err check_restored(struct log *log, const char *home, struct report *report)
{
	struct log_reader *reader;
	enum err e = log_reader_open(&reader, log);

	if (e)
		return e;
	if (restored_read(reader).until) {
		report_add(report,
			   "%s: was restored, and does not know which numbers were used since: "
			   "start the node first",
			   home);
		e = ERR_STATE;
	}
	log_reader_close(reader);
	return e;
}

static enum err fold(struct index *index)
{
	bool more = true;
	enum err e = ERR_OK;

	while (more && !e)
		e = index_fold(index, &more);
	return e;
}

/* The log keeps others out.  A node that was never started has none, and nothing to tell. */
static enum err store_open_all(struct store *s, const char *home, const struct identity *id,
			       struct report *report)
{
	const struct log_options options = {0};
	const struct store_id none = {{0}};
	char path[PATH_MAX];
	enum err e = home_path(path, home, "log") ? ERR_OK : ERR_LIMIT;

	if (!e)
		e = log_open(&s->log, path, &options, id, &none, report);
	if (e == ERR_NOT_FOUND) {
		report_clear(report);
		return ERR_OK;
	}
	if (!e)
		e = check_restored(s->log, home, report);
	if (!e && !home_path(path, home, "index"))
		e = ERR_LIMIT;
	if (!e)
		e = index_open(&s->index, path, s->log, id, report);
	if (!e)
		e = fold(s->index);
	if (!e)
		e = versions_open(&s->versions, s->log, report);
	if (!e)
		e = directory_open(&s->directory, s->index, s->log, id);
	return e;
}

static void store_close_all(struct store *s)
{
	directory_close(s->directory);
	if (s->versions)
		versions_close(s->versions);
	if (s->index)
		index_close(s->index);
	if (s->log)
		log_close(s->log);
}

static enum err draw_seal(struct store *s, struct identity *id, const char *path,
			  const char *passphrase, struct report *report)
{
	const struct topology *t = s->versions ? versions_newest(s->versions) : NULL;
	const struct party *self = t ? topology_party(t, identity_public(id)->name) : NULL;
	uint16_t greatest = identity_public(id)->seal_number;
	enum err e;

	if (self && directory_greatest_seal(s->directory, self) > greatest)
		greatest = directory_greatest_seal(s->directory, self);
	if (greatest == UINT16_MAX) {
		report_add(report, "no number is left for another seal key");
		return ERR_LIMIT;
	}
	e = identity_draw_seal(id, path, passphrase, (uint16_t)(greatest + 1), report);
	if (!e && s->index)
		e = index_keys_changed(s->index);
	return e;
}

static enum err rotate(struct store *s, struct identity *id, const char *home,
		       enum rotation rotation, struct report *report)
{
	char path[PATH_MAX], *passphrase = NULL;
	enum err e = home_path(path, home, "node.key") ? ERR_OK : ERR_LIMIT;

	if (!e)
		e = home_passphrase(&passphrase, home, report);
	if (e)
		return e;
	keyfile_sweep(path);
	if (rotation == ROTATE_SEAL)
		e = draw_seal(s, id, path, passphrase, report);
	else if (rotation == ROTATE_LINK || !identity_public(id)->link_changing)
		e = identity_draw_link(id, path, passphrase, report);
	if (!e && rotation == ROTATE_LINK_NOW)
		e = identity_switch_link(id, path, passphrase, report);
	passphrase_free(passphrase);
	return e;
}

enum err keys_rotate_offline(const char *home, enum rotation rotation, struct identity_public *out,
			     struct report *report)
{
	struct config *config;
	struct identity *id;
	struct store s = {0};
	enum err e = home_open(&config, &id, home, report);

	if (e)
		return e;
	e = store_open_all(&s, home, id, report);
	if (!e)
		e = rotate(&s, id, home, rotation, report);
	if (!e)
		*out = *identity_public(id);
	store_close_all(&s);
	identity_free(id);
	config_free(config);
	return e;
}
