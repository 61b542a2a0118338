#include "protocol/error.h"

const char *err_str(enum err e)
{
	switch (e) {
	case ERR_OK:
		return "ok";
	case ERR_MEMORY:
		return "out of memory";
	case ERR_TRUNCATED:
		return "ends too early";
	case ERR_TRAILING:
		return "goes on after its end";
	case ERR_FORMAT:
		return "not in the one valid form";
	case ERR_LIMIT:
		return "over a limit";
	case ERR_UNSUPPORTED:
		return "a version or suite that this program does not know";
	case ERR_NETWORK:
		return "of another federation";
	case ERR_HASH:
		return "does not have the hash it should have";
	case ERR_SIGNATURE:
		return "not properly signed";
	case ERR_UNJUDGEABLE:
		return "names a topology that is not held here";
	case ERR_UNKNOWN_PARTY:
		return "no such party";
	case ERR_NOT_ALLOWED:
		return "not allowed";
	case ERR_EXPIRED:
		return "expired";
	case ERR_TOO_FAR:
		return "expires too far in the future";
	case ERR_NOT_FOUND:
		return "not found";
	case ERR_EXISTS:
		return "already exists";
	case ERR_BUSY:
		return "in use";
	case ERR_FULL:
		return "full";
	case ERR_DAMAGED:
		return "damaged";
	case ERR_TOO_NEW:
		return "written by a later version of this program";
	case ERR_PERMISSIONS:
		return "permissions";
	case ERR_PASSPHRASE:
		return "wrong or missing passphrase";
	case ERR_IO:
		return "input or output failed";
	case ERR_STATE:
		return "out of order";
	case ERR_COUNT:
		break;
	}
	return "unknown error";
}
