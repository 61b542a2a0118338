/* Every way in which something can go wrong, in one enum.
 *
 * A function that can fail returns enum err and nothing is logged below node/.  Where an error
 * needs words (a file, a line, a name), the caller passes a struct report (report.h) and gets
 * sentences. */
#ifndef PROTOCOL_ERROR_H
#define PROTOCOL_ERROR_H

enum err {
	ERR_OK = 0,
	ERR_MEMORY,        /* an allocation failed */
	ERR_TRUNCATED,     /* input ended before its own lengths said */
	ERR_TRAILING,      /* input goes on after its end */
	ERR_FORMAT,        /* magic, reserved bits, order or value outside the one encoding */
	ERR_LIMIT,         /* a length, count or depth over its limit */
	ERR_UNSUPPORTED,   /* version, suite or kind that this program does not know */
	ERR_NETWORK,       /* belongs to another federation */
	ERR_HASH,          /* bytes do not have the hash that was promised */
	ERR_SIGNATURE,     /* signature does not verify */
	ERR_UNJUDGEABLE,   /* names a topology version or fork that is not held */
	ERR_UNKNOWN_PARTY, /* no such party in the topology version named */
	ERR_NOT_ALLOWED,   /* the rules forbid it: audience, TLP, rights */
	ERR_EXPIRED,       /* expiry below the floor */
	ERR_TOO_FAR,       /* expiry more than 402 days above the floor */
	ERR_NOT_FOUND,
	ERR_EXISTS,      /* already there, and never overwritten */
	ERR_BUSY,        /* held by another process */
	ERR_FULL,        /* disk, map or quota at its bound */
	ERR_DAMAGED,     /* stored data fails its own check */
	ERR_TOO_NEW,     /* written by a later version of this program */
	ERR_PERMISSIONS, /* a secret file that others could read, or a refused access */
	ERR_PASSPHRASE,  /* wrong or missing passphrase */
	ERR_IO,          /* the operating system refused; errno says why */
	ERR_STATE,       /* not now: called or received out of order */
	ERR_COUNT
};

/* A short lower-case phrase for logs and replies; static, never NULL. */
const char *err_str(enum err e);

#endif
