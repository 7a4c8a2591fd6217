/* SPDX-License-Identifier: MIT */
/* log.h - the one place of the agent that writes: stderr, one line an event, text or JSON. */
#ifndef PORTLIC_AGENT_LOG_H
#define PORTLIC_AGENT_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_setup(bool json, bool verbose); /* verbose: LOG_DEBUG too, and what libbpf says */

/* Names and values, alternating, none of them NULL: LOG_FIELDS("gate", name, "lid", lid). */
#define LOG_FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LOG_NO_FIELDS ((const char *const[]){NULL})

/* event: a stable snake_case word; the message is for people. */
__attribute__((format(printf, 4, 5))) void
log_event(enum log_level level, const char *event, const char *const *fields, const char *fmt, ...);

/* One event more, as it is written. */
struct log_entry {
	enum log_level level;
	const char *time, *event, *message;
	const char *const *fields;
};

/* Hears of each event that this thread logs from now on; NULL: nobody does. */
void log_set_sink(void (*sink)(void *arg, const struct log_entry *entry), void *arg);

const char *log_level_word(enum log_level level);

#endif
