/* SPDX-License-Identifier: MIT */
/* changeview.h - what becomes of a port, as the API shows it. */
#ifndef PORTLIC_AGENT_CHANGEVIEW_H
#define PORTLIC_AGENT_CHANGEVIEW_H

#include <cjson/cJSON.h>

#include "portstate.h"
#include "portuse.h"

struct clock;

/* Somebody uses the port and new flows would be refused, or established ones cut. */
bool change_hurts(const struct port_change *change, const struct port_use *use);

/* Adds port, end_port, protocol, name; null where there is none. */
void change_port_json(cJSON *item, const struct port_change *change);

/* {"state","mode","deny","lid"} */
cJSON *condition_json(const struct port_condition *condition);

/* "9443/tcp", "9000-9010/udp", "IP protocol 47", "other ports" */
void change_port_text(const struct port_change *change, char *text, size_t size);

/* "9443/tcp would refuse; 2 connected now; acme lapsed" */
void change_text(const struct port_change *change, const struct port_use *use,
		 const struct clock *clock, uint64_t now_ns, char *text, size_t size);

#endif
