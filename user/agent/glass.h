/* SPDX-License-Identifier: MIT */
/*
 * glass.h - break-glass: another mode for a gate, for a while and with a reason. The kernel's clock ends
 * it, the agent dead or alive; it survives a restart.
 */
#ifndef PORTLIC_AGENT_GLASS_H
#define PORTLIC_AGENT_GLASS_H

#include <stdbool.h>
#include <stdint.h>

#define GLASS_MAX_S (7 * 86400)
#define GLASS_WHY_MAX 256

struct agent;
struct gate_entry;

struct glass {
	int mode;	   /* enum plic_mode; -1: whole */
	int64_t since;	   /* effective time */
	int64_t until;	   /* the same; what is kept over a restart */
	uint64_t until_ns; /* boot clock */
	char *why;
};

/* seconds: 1 to GLASS_MAX_S. The caller saves the table and applies. -ENOMEM: nothing happened. */
int glass_break(struct agent *agent, struct gate_entry *entry, int mode, int64_t seconds,
		const char *why);

/*
 * Puts it back as it was broken before a restart, for no longer than it was broken for; one that is over
 * since ends with the next tick.
 */
int glass_resume(const struct agent *agent, struct gate_entry *entry, int mode, int64_t since,
		 int64_t until, const char *why);

/* Before its time; the caller saves and applies. */
void glass_mend(struct gate_entry *entry);

/* Broken, and its time isn't over. */
bool glass_holds(const struct gate_entry *entry, uint64_t now_ns);

/* The mode that was set for the gate, for a while or for good; -1: the policy's. */
int glass_mode(const struct gate_entry *entry, uint64_t now_ns);

/* Once a second: what is over is ended. */
void glass_tick(struct agent *agent);

#endif
