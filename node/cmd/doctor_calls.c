/* khabar doctor: who begins to connect to this node, and does not hear it.
 *
 * Nobody who waits for a neighbour's call can tell one that does not call from one that does and to
 * whom every answer is lost.  The kernel can: it goes on answering the first packet of a connection
 * that never gets any further. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "node/cmd/doctor.h"

enum {
	HALF_OPEN = 3,     /* TCP_SYN_RECV */
	ANSWERS_LEAST = 2, /* repeated so often in vain: some seconds have passed */
	CALLERS_MAX = 4,   /* that are named */
	LINE_BYTES = 512,
};

struct callers {
	char address[CALLERS_MAX][INET6_ADDRSTRLEN];
	size_t count;
};

/* What the kernel prints: words of 32 bits, each as a number of this machine. */
static bool address_read(const char *hex, char out[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint32_t words[4] = {0};
	size_t n = strlen(hex) / 8;
	const uint8_t *bytes = (const uint8_t *)words;

	if (strlen(hex) != 8 && strlen(hex) != 32)
		return false;
	for (size_t i = 0; i < n; i++)
		if (sscanf(hex + 8 * i, "%8x", &words[i]) != 1)
			return false;
	if (n == 4 && memcmp(bytes, mapped, sizeof mapped) == 0)
		return inet_ntop(AF_INET, bytes + sizeof mapped, out, INET6_ADDRSTRLEN);
	return inet_ntop(n == 1 ? AF_INET : AF_INET6, bytes, out, INET6_ADDRSTRLEN);
}

static void caller_add(struct callers *c, const char *hex)
{
	char address[INET6_ADDRSTRLEN];

	if (c->count == CALLERS_MAX || !address_read(hex, address))
		return;
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->address[i], address) == 0)
			return;
	strcpy(c->address[c->count++], address);
}

static void callers_read(struct callers *c, const char *path, unsigned port)
{
	FILE *f = fopen(path, "re");
	char line[LINE_BYTES], there[33];
	unsigned at, state, answers;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, " %*u: %*32[0-9A-F]:%x %32[0-9A-F]:%*x %x %*x:%*x %*x:%*x %x", &at,
			   there, &state, &answers) == 4 &&
		    at == port && state == HALF_OPEN && answers >= ANSWERS_LEAST)
			caller_add(c, there);
	if (f)
		fclose(f);
}

void doctor_calls(struct doctor *d, unsigned port)
{
	struct callers callers = {0};

	callers_read(&callers, "/proc/net/tcp", port);
	callers_read(&callers, "/proc/net/tcp6", port);
	for (size_t i = 0; i < callers.count; i++)
		doctor_say(d, FINDING_WARNING, "calls",
			   "look at the way from here to there: routes, firewalls",
			   "%s begins to connect and does not hear our answers: the line works one "
			   "way only",
			   callers.address[i]);
}
