/* SPDX-License-Identifier: MIT */
/* jsonput.h - values into a JSON object, as docs/api.md has them. Pure. */
#ifndef PORTLIC_JSONPUT_H
#define PORTLIC_JSONPUT_H

#include <stdint.h>

#include <cjson/cJSON.h>

/* Counters beyond 2^53 stay exact. */
void json_put_u64(cJSON *object, const char *name, uint64_t value);

/* 0 becomes null. */
void json_put_known(cJSON *object, const char *name, uint64_t value);

/* NULL becomes null. */
void json_put_string(cJSON *object, const char *name, const char *value);

/* Effective time, seconds; outside 1 .. year 9999: null. */
void json_put_time(cJSON *object, const char *name, int64_t t);

/* An array of strings. */
void json_put_strings(cJSON *object, const char *name, char *const *strings, size_t n);

#endif
