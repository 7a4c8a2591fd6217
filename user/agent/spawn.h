/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - an executable of the operator's, run beside the loop.
 *
 * It gets its input on stdin, the agent's stderr and nothing else that is open, a new process group,
 * "/" as working directory and no environment but what it is given.
 */
#ifndef PORTLIC_AGENT_SPAWN_H
#define PORTLIC_AGENT_SPAWN_H

#include <stdint.h>
#include <uv.h>

#include "fault.h"

struct spawn;

/* why: NULL when it exited with status 0, else what went wrong. */
typedef void spawn_done(void *arg, const struct fault *why);

/* Calls done(arg) once, from the loop; NULL and a fault if it can't be started. */
struct spawn *spawn_start(uv_loop_t *loop, char *const *argv, char *const *env, const char *input,
			  int64_t timeout_s, spawn_done *done, void *arg, struct fault *f);
void spawn_cancel(struct spawn *spawn); /* kills it; done isn't called; NULL-safe */

#endif
