/* SPDX-License-Identifier: MIT */
/*
 * rules.h - from licenses and policies to the rule sets in the kernel.
 *
 * A set is built on the loop, which is pure, and swapped in by a job that runs alone, for all gates whose
 * rules changed in one job. Only one such job is under way at a time.
 */
#ifndef PORTLIC_AGENT_RULES_H
#define PORTLIC_AGENT_RULES_H

#include "portstate.h"

struct agent;
struct gate_entry;

/* The licenses that a set was compiled from, by their number - 1; shared by the sets of all gates. */
struct roster {
	unsigned int refs;
	size_t n;
	struct port_license licenses[];
};

struct rules {
	struct compiled compiled;
	struct roster *roster;		   /* NULL: read back from the kernel */
	const struct source_set **sources; /* that they name; of the agent's table */
	size_t n_sources;
};

void rules_free(struct rules *rules); /* NULL-safe */

/* Licenses, policies, a mode or the clock changed: compiles all gates and applies what differs. */
void rules_changed(struct agent *agent);

/* Calls done(arg) on the loop as soon as nothing is left to apply. */
void rules_when_applied(struct agent *agent, void (*done)(void *arg), void *arg);

/*
 * Compiles the next rules of one gate. What loses its right against entry->rules joins the entry's
 * tombstones.
 */
int rules_compile(struct agent *agent, struct gate_entry *entry, struct rules **out,
		  struct fault *f);

/* A set read back from pins becomes entry->rules, its drained ports the entry's tombstones. */
int rules_adopt(struct gate_entry *entry, struct ruleset *set, struct fault *f);

/*
 * Inbound flows that stood on a port without a rule when the gate came: TCP is drained, UDP shut with
 * the next apply. -ENOMEM.
 */
int rules_drain(struct gate_entry *entry, uint8_t ip_proto, uint16_t port);

/* A bit for each TCP port that the next set names and the present one doesn't, for gate_mark; NULL: none. */
uint8_t *rules_newly_named(const struct ruleset *present, const struct compiled *next);

/* The policy that holds for a gate, NULL: none. */
const struct policy *rules_policy(const struct agent *agent, const struct gate_entry *entry);

/* One of the directory that matches it too and has no effect; NULL: none. */
const struct policy *rules_shadowed(const struct agent *agent, const struct gate_entry *entry);

enum plic_mode rules_mode(const struct agent *agent, const struct gate_entry *entry);

/* A grant that admits new flows now; NULL: none. */
const struct plic_grant *rule_live_grant(const struct plic_rule *rule, uint64_t now_ns);

/* wire denies segments of established TCP connections now: enforced, and all that has begun is past its cut. */
bool rule_is_cut(const struct plic_rule *rule, uint64_t now_ns);

/* The next moment at which that may come true; PLIC_NEVER: none. */
uint64_t rule_next_cut_ns(const struct plic_rule *rule, uint64_t now_ns);

#endif
