/* A page of an answer ends in time, and never where it began. */
#include "node/admin/answer.h"
#include "tests/tap.h"

#include <string.h>
#include <time.h>

static void let_time_pass(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
}

static void open_page(struct page *p, struct answer *a, cJSON **json, const char *request)
{
	memset(a, 0, sizeof *a);
	text_init(&a->reply);
	report_init(&a->report);
	*json = cJSON_Parse(request);
	admin_request_init(&a->request, *json, &a->report);
	page_open(p, a);
}

static void close_page(struct answer *a, cJSON *json)
{
	text_clear(&a->reply);
	report_clear(&a->report);
	cJSON_Delete(json);
}

static void a_page_that_is_late_ends_behind_what_it_has_looked_at(void)
{
	struct answer a;
	struct page p;
	cJSON *json;

	open_page(&p, &a, &json, "{\"do\":\"list\",\"after\":7}");
	is_int(p.at, 7, "it goes on where it was told to");
	let_time_pass();
	ok(!page_full(&p), "whatever time it took to get there");
	p.at++;
	ok(page_full(&p), "and ends behind the first when it is late");
	close_page(&a, json);
}

static void a_page_ends_after_as_many_lines_as_were_asked_for(void)
{
	struct answer a;
	struct page p;
	cJSON *json;

	open_page(&p, &a, &json, "{\"do\":\"list\",\"limit\":2}");
	ok(!page_full(&p), "none");
	text_str(page_line(&p), "{}");
	ok(!page_full(&p), "one");
	text_str(page_line(&p), "{}");
	ok(page_full(&p), "two");
	close_page(&a, json);
}

int main(void)
{
	RUN(a_page_that_is_late_ends_behind_what_it_has_looked_at);
	RUN(a_page_ends_after_as_many_lines_as_were_asked_for);
	return tap_done();
}
