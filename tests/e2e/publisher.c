/* A publisher as MISP has one: publisher FOLDER.  Its endpoint is written to FOLDER/endpoint.  What
 * is renamed to FOLDER/NAME.msg is sent as one frame as soon as somebody listens, and removed;
 * meanwhile it says that it is alive.  It ends when the folder does. */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { TURN_MS = 50, FRAME_MAX = 16 << 20 };

/* Whether somebody listens to events. */
static bool listened(void *socket, bool before)
{
	char frame[64];
	int n;

	while ((n = zmq_recv(socket, frame, sizeof frame, ZMQ_DONTWAIT)) > 0)
		if (n == 11 && memcmp(frame + 1, "misp_json ", 10) == 0)
			before = frame[0] == 1;
	return before;
}

static bool send_file(void *socket, const char *path)
{
	char *bytes = malloc(FRAME_MAX);
	FILE *f = fopen(path, "r");
	size_t n = bytes && f ? fread(bytes, 1, FRAME_MAX, f) : 0;
	bool sent = n > 0 && zmq_send(socket, bytes, n, 0) == (int)n;

	if (f)
		fclose(f);
	free(bytes);
	return sent && unlink(path) == 0;
}

static void send_files(void *socket, const char *folder)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		size_t length = strlen(names[i]->d_name);
		if (length > 4 && strcmp(names[i]->d_name + length - 4, ".msg") == 0 &&
		    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name) < PATH_MAX)
			send_file(socket, path);
		free(names[i]);
	}
	free(names);
}

static bool endpoint_write(void *socket, const char *folder)
{
	char endpoint[128], path[PATH_MAX], part[PATH_MAX];
	size_t n = sizeof endpoint;
	FILE *f;

	if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 ||
	    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &n) != 0 ||
	    snprintf(path, sizeof path, "%s/endpoint", folder) >= PATH_MAX ||
	    snprintf(part, sizeof part, "%s/endpoint.part", folder) >= PATH_MAX)
		return false;
	f = fopen(part, "w");
	if (!f)
		return false;
	fprintf(f, "%s\n", endpoint);
	return fclose(f) == 0 && rename(part, path) == 0;
}

int main(int argc, char **argv)
{
	static const char alive[] = "misp_json_self {\"status\": \"I am still alive.\"}";
	void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_XPUB);
	struct stat st;
	bool somebody = false;

	if (argc != 2 || !endpoint_write(socket, argv[1]))
		return 1;
	while (stat(argv[1], &st) == 0) {
		somebody = listened(socket, somebody);
		if (somebody) {
			zmq_send(socket, alive, sizeof alive - 1, 0);
			send_files(socket, argv[1]);
		}
		usleep(TURN_MS * 1000);
	}
	zmq_close(socket);
	zmq_ctx_term(context);
	return 0;
}
