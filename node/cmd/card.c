#include "node/cmd/card.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_HEX_BYTES = 65 };

/* SPEC 10.3: "`node.card` is a text of ZPL that holds exactly the node's entry as it goes into the
 * topology (4.2)" */
size_t card_of_node(char out[CARD_MAX_BYTES], const struct identity_public *node,
		    const char *endpoint)
{
	char sign[KEY_HEX_BYTES], link[KEY_HEX_BYTES], seal[KEY_HEX_BYTES], where[512] = "";
	int n;

	if (endpoint)
		snprintf(where, sizeof where, "        endpoint = \"%s\"\n", endpoint);
	n = snprintf(out, CARD_MAX_BYTES,
		     "node\n"
		     "    %s\n"
		     "%s"
		     "        link = \"%s\"\n"
		     "        sign\n"
		     "            %u = \"%s\"\n"
		     "        seal\n"
		     "            %u = \"%s\"\n",
		     node->name, where, hex_encode(link, node->link, sizeof node->link),
		     node->sign_number, hex_encode(sign, node->sign, sizeof node->sign),
		     node->seal_number, hex_encode(seal, node->seal, sizeof node->seal));
	return (size_t)n;
}

size_t card_of_role(char out[CARD_MAX_BYTES], const struct role_public *role)
{
	char seal[KEY_HEX_BYTES];
	int n = snprintf(out, CARD_MAX_BYTES,
			 "role\n"
			 "    %s\n"
			 "        seal\n"
			 "            %u = \"%s\"\n",
			 role->name, role->number, hex_encode(seal, role->seal, sizeof role->seal));

	return (size_t)n;
}

enum err text_file_create(const char *path, const char *text, struct report *report)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t length = (ssize_t)strlen(text);

	if (fd < 0) {
		report_add(report, "%s: cannot be created: %s", path, strerror(errno));
		return errno == EEXIST ? ERR_EXISTS : ERR_IO;
	}
	if (write(fd, text, (size_t)length) != length || fsync(fd) != 0) {
		report_add(report, "%s: cannot be written: %s", path, strerror(errno));
		close(fd);
		unlink(path);
		return ERR_IO;
	}
	close(fd);
	return ERR_OK;
}
