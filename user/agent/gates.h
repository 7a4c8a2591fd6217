/* SPDX-License-Identifier: MIT */
/* gates.h - the gates that the operator wants, and what has become of each. */
#ifndef PORTLIC_AGENT_GATES_H
#define PORTLIC_AGENT_GATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entitlements.h"
#include "gate.h"
#include "drill.h"
#include "glass.h"
#include "graveyard.h"
#include "place.h"
#include "pod.h"
#include "policy.h"
#include "rules.h"
#include "seats.h"
#include "shield.h"

#define GATE_NAME_MAX 63

enum gate_state {
	GATE_WAITING, /* its namespace or cgroup isn't there */
	GATE_ATTACHED,
	GATE_FAILED, /* tried again later */
	GATE_N_STATES,
};
const char *gate_state_word(enum gate_state state);
const char *mode_word(int mode); /* of enum plic_mode */
extern const char *const mode_words[];

struct gate_entry {
	/* As the operator wants it; kept in STATE_DIR/gates.json. */
	char *name;
	char *netns, *cgroup;  /* paths; one of them is NULL, see place.h */
	int mode;	       /* enum plic_mode; -1: the policy's */
	struct glass glass;    /* another mode for a while */
	struct drill drill;    /* an enforced rehearsal; not over a restart */
	struct shield shield;  /* its setting, and what has become of it */
	struct policy *policy; /* its own, NULL: one of the policy directory */
	char *policy_text;
	size_t n_reserved; /* opens of it that are left out: reserved since it was given */
	uint64_t place;	   /* place_id() of where it was last, 0: nowhere yet */
	struct pod *pod;   /* whose it is, as that was seen last; NULL: it is no pod's */
	bool pod_partial;  /* no more is known of it than its namespace, name and UID */
	char *sandbox;	   /* the container that a runtime asked for it for; NULL: not known */

	/* The handle belongs to the jobs: only their work() reads or writes it. */
	struct gate *gate;

	/* As it is; for the loop. */
	enum gate_state state;
	struct fault error; /* of the last attempt, "" if it went well */
	bool opening;	    /* a job is putting it up */
	bool tried;	    /* to come up, once at least */
	bool sweep_failed;  /* the error is the sweep's */
	bool removed;	    /* no longer in the table; freed after its last job */
	uint64_t retry_ns;  /* boot clock: not before */
	uint32_t id;
	uint64_t since_ns; /* boot clock, when it came */
	uint64_t generation;
	struct rules *rules; /* in force; NULL: none yet */
	struct graveyard graves;
	bool listeners_due; /* the next look at origins tells who listens here, too */
	bool drained; /* flows that stood before it have to be forgotten after the next apply */

	/* What the last inspection saw. */
	struct gate_counters counters;
	struct gate_attachment *attachments;
	size_t n_attachments;
	struct gate_stand stand;
	struct gate_peer *peers; /* of the last day; NULL: not looked at */
	size_t n_peers;
	struct gate_seats *seats; /* with the counters */
	size_t n_seats;

	uint8_t *cut_ports; /* TCP ports past their cut at the last look, a bit each; NULL: none */
	uint64_t connections_cut; /* since the agent started */
	struct fault cut_fault;	  /* of the last attempt, "" if it went well */
	struct entitlement_mark entitlements;

	/* Of a pod's gate. */
	uint64_t born_ns;     /* boot clock: its sandbox's first process, or 0 */
	uint64_t lost_ns;     /* boot clock: since when its place is gone, 0: it isn't */
	uint64_t exposed_ns;  /* how long that process ran before the gate came */
	double delay_seconds; /* from the namespace to the gate; < 0: not known */

	uint64_t events_lost;	 /* of namespaces that it was on before */
	uint64_t unprotected_ns; /* since the agent started */
	/* Attachments that had gone or had been outranked, since the agent started. */
	uint64_t lost[GATE_N_HOOKS];
	struct gate_outranked outranked[GATE_N_HOOKS]; /* at the last sweep */
};

struct apply_waiter;

struct gates {
	struct gate_entry **entries; /* sorted by name */
	size_t n_entries;
	char *path;	      /* gates.json */
	uint64_t began_ns;    /* boot clock, when the agent started: older gates are adopted */
	uint64_t generation;  /* of the last compilation, node-wide */
	bool applying;	      /* a job swaps rule sets */
	bool dirty;	      /* and another has to follow */
	bool failed;	      /* the last one left a gate behind */
	uint64_t events_lost; /* of gates that have been taken out */
	struct apply_waiter *waiters;
	double apply_seconds_sum; /* portlic_apply_duration_seconds */
	uint64_t apply_count;
	struct fault lost;    /* gates.json couldn't be read at the start, "" if it could */
	struct fault trouble; /* it can't be written, "" if it can */
};

void gates_close(struct gates *gates);
struct gate_entry *gates_find(const struct gates *gates, const char *name);

/* The same, and NAMESPACE/POD: the gate of the pod of that name, of several the one that came last. */
struct gate_entry *gates_named(const struct gates *gates, const char *name);

/* The one that is on a namespace or cgroup (its place_id()), or on its way there; NULL: none. */
struct gate_entry *gates_on(const struct gates *gates, const struct place *place, uint64_t id);

/* A new entry in the table, waiting. name and place are copied. NULL: no memory or no free id. */
struct gate_entry *gates_add(struct gates *gates, const char *name, const struct place *place);

/* Out of the table; gate_entry_free when the last job that holds it is done. */
void gates_take_out(struct gates *gates, struct gate_entry *entry);
void gate_entry_free(struct gate_entry *entry);

/* Forgets what belongs to a namespace that is gone: rules, slots, tombstones, inspections. */
void gate_entry_reset(struct gate_entry *entry);

/* Gives it a policy of its own (text: JSON, parsed with trust). -EBADMSG with the reason. */
int gate_entry_set_policy(struct gate_entry *entry, const char *text, const struct trust *trust,
			  struct fault *f);

/* The same with a policy that was good once: what is reserved now is left out of it. */
int gate_entry_keep_policy(struct gate_entry *entry, const char *text, const struct trust *trust,
			   struct fault *f);

/* The trust store changed, and with it what is reserved. */
void gates_reread_policies(struct gates *gates, const struct trust *trust);

/* Letters, digits, '.', '_' and '-', at most 63, a letter or digit at both ends. */
bool gate_name_ok(const char *name);

#endif
