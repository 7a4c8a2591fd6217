/* SPDX-License-Identifier: MIT */
/* api_clock.c - the clock as the API shows it, and POST /v1/clock/reset. */
#include "api.h"

#include <microhttpd.h>

#include "agent.h"
#include "clockview.h"
#include "reply.h"
#include "stamp.h"

cJSON *clock_json(const struct agent *agent)
{
	const struct effective *e = &agent->clock.effective;
	const struct clock_reset *reset = &agent->memory.history.reset;
	cJSON *object = cJSON_CreateObject(), *last;

	json_put_time(object, "effective", clock_now(&agent->clock));
	json_put_time(object, "wall", clock_wall());
	json_put_time(object, "mark", effective_mark_at(e, clock_boot_ns()));
	cJSON_AddBoolToObject(object, "synchronised", e->synchronised);
	cJSON_AddBoolToObject(object, "suspect", e->suspect);
	json_put_u64(object, "resets", reset->count);
	if (!reset->count) {
		cJSON_AddNullToObject(object, "last_reset");
		return object;
	}
	last = cJSON_AddObjectToObject(object, "last_reset");
	json_put_time(last, "before", reset->before);
	json_put_time(last, "after", reset->after);
	return object;
}

void clock_warn(cJSON *warnings, const struct agent *agent)
{
	const struct effective *e = &agent->clock.effective;
	char wall[STAMP_LEN], now[STAMP_LEN];

	stamp_format(clock_wall(), wall);
	stamp_format(clock_now(&agent->clock), now);
	if (e->suspect)
		json_warn(warnings,
			  "CLOCK SUSPECT: the wall clock shows %s, which is behind what is proven; "
			  "licenses go on by effective time, %s, and nothing is extended: set the "
			  "clock, or `portlic clock reset` if it is right",
			  wall, now);
	else if (e->apart_s > EFFECTIVE_SLACK_S || e->apart_s < -EFFECTIVE_SLACK_S)
		json_warn(warnings,
			  "the wall clock shows %s and isn't synchronised; licenses go on by "
			  "effective time, %s: synchronise it, or `portlic clock reset` if it is "
			  "right",
			  wall, now);
	if (agent->memory.lost.text[0])
		json_warn(warnings, "%s", agent->memory.lost.text);
	if (agent->memory.trouble.text[0])
		json_warn(warnings, "%s", agent->memory.trouble.text);
}

static void applied(void *arg)
{
	struct http_request *request = arg;

	reply_json(request, MHD_HTTP_OK, clock_json(request->http->agent));
}

void api_clock_reset(struct agent *agent, struct http_request *request, const char *name)
{
	timekeeper_reset(agent);
	licenses_tick(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	rules_changed(agent);
	rules_when_applied(agent, applied, request);
}
