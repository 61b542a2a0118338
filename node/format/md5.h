/* MD5 (RFC 1321), because the index of a MISP feed is made of it.  For nothing else. */
#ifndef NODE_FORMAT_MD5_H
#define NODE_FORMAT_MD5_H

#include <stddef.h>

/* 32 digits and a NUL. */
enum { MD5_HEX_BYTES = 33 };
void md5_hex(char out[MD5_HEX_BYTES], const void *data, size_t n);

#endif
