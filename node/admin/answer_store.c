/* backup, check-store and reindex of a store in use.  Slow: they run on a thread of their own. */
#include "node/admin/answer.h"

#include "node/backup_note.h"
#include "node/store/backup.h"
#include "node/store/porter.h"
#include "node/loop.h"

enum err answer_backup(struct answer *a)
{
	const char *dir = admin_string(&a->request, "dir");
	struct porter *porter = node_porter(a->node);
	struct backup made;
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	a->where = dir;
	if (!dir || dir[0] != '/') {
		report_add(&a->report, "\"dir\" is not the absolute path of a folder");
		return ERR_FORMAT;
	}
	e = porter ? porter_backup(porter, dir, clock_wall(), &made, &a->report)
		   : backup_make(node_log(a->node), node_identity(a->node), dir, clock_wall(),
				 &made, &a->report);
	/* The words of a copy have the path. */
	if (e && a->report.count)
		a->where = NULL;
	if (e == ERR_PERMISSIONS)
		a->advice = "the folder above it belongs to the user of the daemon, and stands in "
			    "ReadWritePaths of its unit: khabardar(8)";
	if (e)
		return e;
	/* A backup is one, remembered or not. */
	(void)backup_note_made(node_home(a->node), dir, made.made);
	admin_put_string(&a->reply, "backup", dir);
	admin_put_number(&a->reply, "rows", made.head);
	admin_put_number(&a->reply, "bytes", made.bytes);
	admin_put_time(&a->reply, "made", made.made);
	admin_put_hex(&a->reply, "hash", made.hash.b, HASH_BYTES);
	text_str(&a->summary, "{");
	admin_put_string(&a->summary, "dir", dir);
	text_str(&a->summary, "}");
	return ERR_OK;
}

enum err answer_check_store(struct answer *a)
{
	enum err e, of_index;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = log_check(node_log(a->node), &a->report);
	of_index = index_check(node_index(a->node), &a->report);
	if (!e && of_index)
		a->advice = "khabar reindex";
	if (!e && !of_index)
		admin_put_number(&a->reply, "rows", log_head(node_log(a->node)));
	return e ? e : of_index;
}

enum err answer_reindex(struct answer *a)
{
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	e = index_rebuild(node_index(a->node));
	if (e)
		return e;
	admin_put_number(&a->reply, "rows", log_head(node_log(a->node)));
	text_str(&a->summary, "{}");
	return ERR_OK;
}
