/* SPDX-License-Identifier: MIT */
/* reply.h - what the API's handlers share: answers, errors, moments. */
#ifndef PORTLIC_AGENT_REPLY_H
#define PORTLIC_AGENT_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "http.h"
#include "json.h"
#include "jsonput.h"

/* Takes the tree over. */
void reply_json(struct http_request *request, unsigned int status, cJSON *tree);

/* {"error":"..."} */
__attribute__((format(printf, 3, 4))) void reply_error(struct http_request *request,
						       unsigned int status, const char *fmt, ...);

/* Appends a sentence to an array of them. */
__attribute__((format(printf, 2, 3))) void json_warn(cJSON *warnings, const char *fmt, ...);

/* A moment of the boot clock as UTC; 0 and PLIC_NEVER: null. */
void json_put_moment(cJSON *object, const char *name, const struct clock *clock, uint64_t boot_ns);

/* IPv4 mapped, network order; all zero: null. */
void json_put_address(cJSON *object, const char *name, const uint8_t address[16]);

/* Reads "N" or "N/PROTO" (TCP by default) of a query; false: it is neither. */
bool port_read(const char *text, uint16_t *port, uint8_t *ip_proto);

#endif
