/* SPDX-License-Identifier: MIT */
/* portuse.h - which ports of a gate somebody uses, as the last inspection saw it. */
#ifndef PORTLIC_AGENT_PORTUSE_H
#define PORTLIC_AGENT_PORTUSE_H

#include <cjson/cJSON.h>

#include "pieces.h"
#include "ports.h"

#define PORT_USE_RECENT_NS (24 * 3600 * 1000000000ULL)

struct clock;

/* Rows of ports_list beside what stands; valid until the next inspection. */
struct gate_use {
	const struct gate_entry *entry;
	struct port_row *rows;
	size_t n;
	uint64_t now_ns;
	bool known; /* the gate is up and its counters were read */
};

struct port_use {
	bool in_use;	    /* a connection stands, or there was an access within a day */
	bool stands;	    /* an inbound connection is there now */
	int64_t live;	    /* how many; -1: not counted */
	int64_t clients;    /* distinct ones within a day; -1: not counted */
	uint64_t access_ns; /* boot clock, the last one; 0: never */
};

int gate_use_read(const struct gate_entry *entry, uint64_t now_ns, struct gate_use *out);
void gate_use_free(struct gate_use *use);

/* Of a stretch of ports. The ports of one rule share its counters: then all count as accessed. */
struct port_use in_use_of(const struct gate_use *use, const struct span *ports);

/* Ports in use that no rule in force names; *out is the caller's to free. -ENOMEM. */
int gate_use_unnamed(const struct gate_use *use, struct span **out, size_t *n);

/* Adds in_use, live, clients_last_day, last_access. */
void port_use_json(cJSON *item, const struct clock *clock, const struct port_use *use);

/* "12 clients in the last day, 2 connected now"; "not used in the last day". */
void port_use_text(const struct port_use *use, uint64_t now_ns, char *text, size_t size);

#endif
