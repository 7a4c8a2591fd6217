/* SPDX-License-Identifier: MIT */
/*
 * trial.h - a license or a policy that holds until it is confirmed, or goes by itself.
 *
 * It isn't written anywhere before: the kernel has it as an interim, whose end doesn't need the agent, and
 * an agent that starts anew knows nothing of it. One at a time.
 */
#ifndef PORTLIC_AGENT_TRIAL_H
#define PORTLIC_AGENT_TRIAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

#define TRIAL_MAX_S 86400

struct agent;
struct policy;
struct whatif;

enum trial_kind { TRIAL_NONE, TRIAL_LICENSE, TRIAL_POLICY };

struct trial {
	enum trial_kind kind;
	char *file;  /* its name in the directory that it goes to */
	char *bytes; /* as they were given, checked */
	size_t len;
	uint8_t replaced[32];  /* SHA-256 of the good bytes of that file as it began, 0: none */
	struct policy *policy; /* parsed, of a policy */
	int64_t until;	       /* effective time */
	uint64_t until_ns;     /* boot clock */
	bool spoilt;	       /* a gate has no room for it */
};

/* -EBUSY: another one waits to be confirmed; -ENOMEM. The caller applies. */
int trial_begin(struct agent *agent, enum trial_kind kind, const char *file, const void *bytes,
		size_t len, int64_t seconds, struct fault *f);

/* Writes it down, and it holds for good. -ENOENT: there is none; else -errno, and it goes on. */
int trial_confirm(struct agent *agent, struct fault *f);

/* Takes it back, enforced rehearsals too. -ENOENT: there is nothing of either. */
int trial_rollback(struct agent *agent, struct fault *f);

/*
 * The directories were read again. A file that changed meanwhile holds, not what would have replaced it; what
 * a new trust store doesn't take any more is taken back, too.
 */
void trial_rescanned(struct agent *agent, bool trust_changed);

/* The rules of a gate can't be made with it: the next tick takes it back, or nothing else would apply. */
void trial_spoil(struct agent *agent);

/* Once a second: what is over is taken back. */
void trial_tick(struct agent *agent);
void trial_free(struct trial *trial);

/* Changes what would be as the trial does; nothing without one. -ENOMEM. */
int trial_put(const struct agent *agent, struct whatif *w);

/* {"kind","file","until"}; null without one. */
cJSON *trial_json(const struct agent *agent);

#endif
