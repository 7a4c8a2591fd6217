/* SPDX-License-Identifier: MIT */
/* port_text.c - a port of the agent's answers in words. */
#include <stdio.h>
#include <time.h>

#include "output.h"
#include "port_text.h"
#include "when.h"

const char *port_text(const cJSON *port, char out[PORT_TEXT_LEN])
{
	int first = (int)member_number(port, "port"), last = (int)member_number(port, "end_port");

	if (!first)
		snprintf(out, PORT_TEXT_LEN, "%s", member_text(port, "protocol") ? "*" : "other");
	else if (last > first)
		snprintf(out, PORT_TEXT_LEN, "%d-%d", first, last);
	else
		snprintf(out, PORT_TEXT_LEN, "%d", first);
	return out;
}

void port_use_text(const cJSON *port, char *out, size_t size)
{
	const cJSON *clients = json_get(port, "clients_last_day"), *live = json_get(port, "live");
	char past[48] = "", now[24] = "", relative[WHEN_LEN];
	int64_t t;

	out[0] = '\0';
	if (!member_true(port, "in_use"))
		return;
	if (cJSON_IsNumber(clients))
		snprintf(past, sizeof(past), "%.0f clients", clients->valuedouble);
	else if (!when_parse(member_text(port, "last_access"), &t))
		snprintf(past, sizeof(past), "%s", when_relative(t, time(NULL), relative));
	if (cJSON_IsNumber(live))
		snprintf(now, sizeof(now), "%.0f now", live->valuedouble);
	snprintf(out, size, "%s%s%s", past, past[0] && now[0] ? ", " : "", now);
	if (!out[0])
		snprintf(out, size, "now");
}
