/* alarms, alarm-test and alarmed: what stands, trying the command, and what came of running it. */
#include "node/admin/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/duty/alarms.h"

void alarms_show(struct answer *a, const char *name)
{
	struct alarm *alarms = calloc(ALARMS_MAX, sizeof *alarms);
	size_t n = alarms ? alarms_standing(a->node, alarms) : 0;
	struct text *t = &a->reply;

	t->bad = t->bad || !alarms;
	admin_put_name(t, name);
	text_str(t, "[");
	for (size_t i = 0; i < n; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_time(t, "since", alarms[i].since);
		admin_put_string(t, "text", alarms[i].text);
		text_str(t, "}");
	}
	text_str(t, "]");
	free(alarms);
}

static enum err events_show(struct answer *a, uint64_t after)
{
	struct alarm_event *events = calloc(ALARM_EVENTS_MAX, sizeof *events);
	struct text *t = &a->reply;
	uint64_t told = 0;
	size_t n = events ? alarms_events(a->node, after, events, &told) : 0;

	admin_put_name(t, "events");
	text_str(t, "[");
	for (size_t i = 0; i < n; i++) {
		admin_put_name(t, NULL);
		text_str(t, "{");
		admin_put_number(t, "number", events[i].number);
		admin_put_time(t, "at", events[i].at);
		admin_put_string(t, "what", alarm_kind_str(events[i].kind));
		admin_put_string(t, "text", events[i].text);
		text_str(t, "}");
	}
	text_str(t, "]");
	admin_put_number(t, "told", told);
	free(events);
	return events ? ERR_OK : ERR_MEMORY;
}

enum err answer_alarms(struct answer *a)
{
	uint64_t after = admin_number(&a->request, "after", 0, UINT64_C(1) << 53, UINT64_MAX);
	char failed[ALARM_FAILED_BYTES];
	enum err e;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	alarms_show(a, "alarms");
	e = events_show(a, after);
	node_alarm_failed(a->node, failed);
	admin_put_string(&a->reply, "command", node_config(a->node)->alarm_command);
	admin_put_string(&a->reply, "failed", *failed ? failed : NULL);
	return e;
}

enum err answer_alarm_test(struct answer *a)
{
	char text[64];
	uint64_t number;

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	if (!node_config(a->node)->alarm_command) {
		report_add(&a->report, "there is no alarm command");
		a->advice = "khabardar.zpl: alarm: command = \"/path/of/a/program\", then start "
			    "khabardar again";
		return ERR_STATE;
	}
	snprintf(text, sizeof text, "a test, asked for by uid %lu", (unsigned long)a->caller->uid);
	number = alarms_test(a->node, text);
	if (!number) {
		report_add(&a->report, "the node has only just started");
		return ERR_BUSY;
	}
	admin_put_number(&a->reply, "number", number);
	text_str(&a->summary, "{}");
	return ERR_OK;
}

enum err answer_alarmed(struct answer *a)
{
	uint64_t through = admin_number(&a->request, "through", 0, UINT64_C(1) << 53, 0);
	const char *failed = admin_string(&a->request, "failed");

	if (!admin_request_done(&a->request) || !answer_no_frames(a))
		return ERR_FORMAT;
	alarms_told(a->node, through, failed ? failed : "");
	return ERR_OK;
}
