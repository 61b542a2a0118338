/* Classes and types of the Reference Security Incident Taxonomy, version 1003, as its machine
 * tags spell them. */
#include <string.h>

#include "protocol/incident.h"

static const char *const lines[] = {
	"abusive-content: spam harmful-speech violence",
	"malicious-code: infected-system c2-server malware-distribution malware-configuration",
	"information-gathering: scanner sniffing social-engineering",
	"intrusion-attempts: ids-alert brute-force exploit",
	"intrusions: privileged-account-compromise unprivileged-account-compromise "
	"application-compromise system-compromise burglary",
	"availability: dos ddos misconfiguration sabotage outage",
	"information-content-security: unauthorised-information-access "
	"unauthorised-information-modification data-loss data-leak",
	"fraud: unauthorised-use-of-resources copyright masquerade phishing",
	"vulnerable: weak-crypto ddos-amplifier potentially-unwanted-accessible "
	"information-disclosure vulnerable-system",
	"other: other undetermined",
	"test: test",
};

const char *incident_class_line(size_t i)
{
	return i < sizeof lines / sizeof *lines ? lines[i] : NULL;
}

/* The types of the class, or NULL. */
static const char *types_of(const char *class)
{
	size_t n = strlen(class);

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (n > 0 && strncmp(lines[i], class, n) == 0 && lines[i][n] == ':')
			return lines[i] + n + 1;
	return NULL;
}

bool incident_class_valid(const char *class)
{
	return types_of(class) != NULL;
}

bool incident_type_valid(const char *class, const char *type)
{
	const char *at = types_of(class);
	size_t n = strlen(type);

	while (at && *at) {
		size_t word;
		at += strspn(at, " ");
		word = strcspn(at, " ");
		if (word == n && n > 0 && memcmp(at, type, n) == 0)
			return true;
		at += word;
	}
	return false;
}
