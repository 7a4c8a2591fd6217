/* SPDX-License-Identifier: MIT */
/* settled.h - questions that want to know what holds now and who uses it. */
#ifndef PORTLIC_AGENT_SETTLED_H
#define PORTLIC_AGENT_SETTLED_H

struct http_request;

/*
 * Calls handle once all gates were tried, what was asked for before is in force, and counters and
 * sockets were looked at. It answers with 503 itself if the agent stops before.
 */
void when_settled(struct http_request *request, void (*handle)(struct http_request *request));

#endif
