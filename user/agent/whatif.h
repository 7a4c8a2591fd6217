/* SPDX-License-Identifier: MIT */
/*
 * whatif.h - what the rules of the gates would be: with other licenses, with other policies, at
 * another time. The one place for `policy diff`, `policy apply` and `rehearse`; it changes nothing.
 *
 * What is changed is changed now; then time passes to `at` as it would for the agent: a renewal
 * supersedes, a held file is withdrawn, a withdrawn port drains. What isn't foreseen: files that come
 * or go, newer revocation lists, a reserve that goes with its trust file.
 */
#ifndef PORTLIC_AGENT_WHATIF_H
#define PORTLIC_AGENT_WHATIF_H

#include "portstate.h"

struct agent;
struct gate_entry;
struct gate_use;

/* A license that is there from one moment to another. */
struct whatif_license {
	const struct license *lic;
	struct license *own; /* the same, if it is ours */
	const char *file;    /* "" for one without */
	int64_t from, until;
};

struct whatif_policy {
	char *file;
	const struct policy *policy;
	int64_t until;
};

struct whatif_step {
	int64_t at;
	struct license_view *views;
	size_t n_views;
};

struct whatif {
	const struct agent *agent;
	struct time_base now;
	int64_t at;
	bool altered; /* licenses or policies are others than in force */
	struct whatif_license *licenses;
	size_t n_licenses;
	struct whatif_policy *policies; /* sorted by file */
	size_t n_policies;
	struct whatif_step *steps; /* moments at which the agent would compile; the last is `at` */
	size_t n_steps;
	struct port_license *present,
		*names; /* of the licenses in force, of the last step's views */
	size_t n_present, n_names;
};

/* As it is, now. whatif_free in any case. -ENOMEM. */
int whatif_init(struct whatif *w, const struct agent *agent);
void whatif_free(struct whatif *w);

/* The file has this policy (borrowed), NULL: it is gone, and isn't held. -ENOMEM. */
int whatif_policy(struct whatif *w, const char *file, const struct policy *policy);

/* Takes a file, or all of a license line, away. false: there is neither. */
bool whatif_without(struct whatif *w, const char *name_or_lid);

/* One more license, which is taken over; in the place of a file's, unless file is NULL. -ENOMEM. */
int whatif_with(struct whatif *w, const char *file, struct license *lic);

/* Lets time pass to `at`, not before now; the last call before whatif_gate. -ENOMEM. */
int whatif_at(struct whatif *w, int64_t at);

/* The policy that would hold for a gate then; NULL: none. */
const struct policy *whatif_policy_of(const struct whatif *w, const struct gate_entry *entry);

/* One gate, as it is and as it would be. */
struct whatif_gate {
	const struct policy *policy_before, *policy_after; /* NULL: none */
	enum plic_mode mode_before, mode_after;
	enum plic_deny deny_before, deny_after;
	struct compiled before, after; /* before: empty where the rules in force stand for it */
	struct port_change *changes;   /* see port_compare */
	size_t n_changes;
};

/*
 * Compiles what would hold for a gate at `at` and compares it with what is in force. A gate that isn't
 * up is compared with what it would have. Ports in use that no rule names are compared too. Names and
 * lids belong to w and the entry's rules. -E2BIG as compile_gate, with the fault; -ENOMEM.
 */
int whatif_gate(const struct whatif *w, const struct gate_entry *entry, const struct gate_use *use,
		struct whatif_gate *out, struct fault *f);
void whatif_gate_free(struct whatif_gate *gate);

#endif
