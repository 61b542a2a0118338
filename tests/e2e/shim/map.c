/* A library to preload that leaves LMDB little room: no map is larger than MAP_BYTES. */
#include <lmdb.h>

#include "tests/e2e/shim/real.h"

int mdb_env_set_mapsize(MDB_env *env, size_t size)
{
	const char *said = getenv("MAP_BYTES");
	size_t most = said ? strtoul(said, NULL, 10) : size;

	return REAL(mdb_env_set_mapsize)(env, size < most ? size : most);
}
