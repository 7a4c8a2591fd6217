/* SPDX-License-Identifier: MIT */
/* port_text.h - a port of the agent's answers in words. */
#ifndef PORTLIC_PORT_TEXT_H
#define PORTLIC_PORT_TEXT_H

#include <stddef.h>

#include <cjson/cJSON.h>

#define PORT_TEXT_LEN 32

/* "8080", "9000-9010", or the name of the rest: "other"; a whole protocol: "*" */
const char *port_text(const cJSON *port, char out[PORT_TEXT_LEN]);

/* "12 clients, 2 now", "5m ago, now"; "" for a port that nobody uses. */
void port_use_text(const cJSON *port, char *out, size_t size);

#endif
