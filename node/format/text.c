/* What a report in prose names: only where somebody asks for it, for much of it is a guess.
 *
 * Who writes of something bad makes it unclickable, and leaves the references as they are: where
 * any address or name is defanged, those that are not are left out. */
#include <string.h>
#include <strings.h>
#include <unistr.h>

#include "node/format/import.h"
#include "node/format/lines.h"
#include "protocol/scan.h"

/* The ends of file names that are ends of domains too, or look like one. */
static const char *const endings[] = {
	"bat",  "bin", "cfg", "cmd",  "conf", "cpp",  "dat", "dll", "doc",  "docm", "docx", "elf",
	"exe",  "gif", "htm", "html", "img",  "ini",  "iso", "jar", "java", "jpeg", "jpg",  "js",
	"json", "jsp", "lnk", "log",  "md",   "msi",  "pdf", "php", "pl",   "png",  "ppt",  "pptx",
	"ps1",  "py",  "rar", "rs",   "rtf",  "scr",  "sh",  "so",  "swf",  "sys",  "tar",  "tmp",
	"txt",  "vbs", "war", "xls",  "xlsm", "xlsx", "xml", "yar", "yara", "zip",
};

struct reading {
	struct import *i;
	bool looking;      /* only whether anything is defanged */
	bool defanged;     /* something is */
	const char *inner; /* where the last URL ends: what is before is part of it */
	enum err err;
};

static bool file_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t e = 0; dot && e < sizeof endings / sizeof *endings; e++) {
		if (strcasecmp(dot + 1, endings[e]) == 0)
			return true;
	}
	return false;
}

static bool unclickable(const char *text)
{
	return strncasecmp(text, "hxx", 3) == 0 || strpbrk(text, "[({\\") != NULL;
}

/* An address of IPv6 with its port is in brackets of its own. */
static bool defanged(const struct observable *o, const char *text)
{
	return unclickable(text) && !(*text == '[' && o->type == OBSERVABLE_ENDPOINT);
}

static bool hash(const struct observable *o)
{
	return o->type == OBSERVABLE_MD5 || o->type == OBSERVABLE_SHA1 ||
	       o->type == OBSERVABLE_SHA256 || o->type == OBSERVABLE_SHA512;
}

static void found(void *arg, const struct candidate *c)
{
	struct reading *r = arg;
	char text[OBSERVABLE_MAX_BYTES + 1];
	struct observable o;
	bool marked;

	if (r->err || c->type == OBSERVABLE_PATH || c->length >= sizeof text ||
	    (r->inner && c->at < r->inner))
		return;
	memcpy(text, c->at, c->length);
	text[c->length] = '\0';
	if (observable_detect(&o, text, NULL))
		return;
	if (o.type == OBSERVABLE_URL)
		r->inner = c->at + c->length;
	marked = defanged(&o, text);
	if (r->looking) {
		r->defanged = r->defanged || marked;
		return;
	}
	if (o.type == OBSERVABLE_DOMAIN && !marked && file_name(o.text)) {
		r->err = import_leave(r->i, "names of files, it seems");
	} else if (r->defanged && !marked && !hash(&o)) {
		r->err = import_leave(r->i, "not defanged, where others are");
	} else {
		r->i->read++;
		r->err = value_add(r->i, &o, NULL);
	}
}

static void pieces_read(struct reading *r, const char *bytes, size_t n)
{
	const char *at = bytes;
	struct piece p;

	r->inner = NULL;
	while (!r->err && piece_next(&p, &at, bytes + n))
		piece_values(&p, found, r);
}

enum err import_text(struct import *i, const char *bytes, size_t n, const char *name,
		     struct report *report)
{
	struct reading r = {.i = i, .looking = true};

	if (u8_check((const uint8_t *)bytes, n)) {
		report_add(report, "%s: not UTF-8", name);
		return ERR_FORMAT;
	}
	i->guessed = true;
	pieces_read(&r, bytes, n);
	r.looking = false;
	pieces_read(&r, bytes, n);
	return r.err;
}
