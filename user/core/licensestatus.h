/* SPDX-License-Identifier: MIT */
/* licensestatus.h - the status of a PortLicense, and the Events that its changes are worth. Pure. */
#ifndef PORTLIC_LICENSESTATUS_H
#define PORTLIC_LICENSESTATUS_H

#include "json.h"
#include "lifecycle.h"

struct license_status {
	const struct license *lic; /* that holds, or waits for it; NULL: none */
	enum license_state state;  /* STATE_REJECTED: without lic */
	bool renewed;		   /* another, loaded ahead, goes on when it ends */
	struct deadlines deadlines;
	const char *reason; /* why what the object says now isn't taken, a word; NULL: it is */
	const char *detail; /* the same in words */
	size_t nodes_in_force, nodes;
	int64_t generation, now;
};

/* The whole object `status`; before: what it was, may be NULL or anything. NULL: no memory. */
cJSON *license_status_json(const struct license_status *status, const cJSON *before);

/* Equal but for what moves by itself. */
bool license_status_same(const cJSON *a, const cJSON *b);
/* The same, and nothing but the number of nodes differs: no hurry. */
bool license_status_only_nodes(const cJSON *a, const cJSON *b);

#define LICENSE_STATUS_EVENTS 4

struct license_event {
	const char *reason; /* "Expiring", "Lapsed", "Rejected", "Renewed" */
	bool warning;
	char message[512];
};

/* What happened between the two; n of at most LICENSE_STATUS_EVENTS. before: NULL or anything. */
size_t license_status_events(const cJSON *before, const cJSON *after,
			     struct license_event events[LICENSE_STATUS_EVENTS]);

/* {"conditions":[{"type":"Accepted",…}]} of a PortPolicy; why NULL: it is accepted. held: another one holds. */
cJSON *policy_status_json(const char *why, bool held, int64_t generation, int64_t now,
			  const cJSON *before);

#endif
