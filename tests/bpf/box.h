/* SPDX-License-Identifier: MIT */
/*
 * box.h - a gate that is attached to nothing: its programs, maps of its own, a rule set, and
 * BPF_PROG_TEST_RUN.
 */
#ifndef PORTLIC_TEST_BOX_H
#define PORTLIC_TEST_BOX_H

#include <linux/bpf.h>

#include "frame.h"
#include "gate.skel.h"
#include "ruleset.h"

#define BOX_GATE 7   /* the gate's id */
#define BOX_SLOTS 32 /* counter slots */
#define BOX_SECOND 1000000000ULL

#define DROP 2		   /* TC_ACT_SHOT */
#define PASS (-1)	   /* TCX_NEXT */
#define REDIRECT 7	   /* TC_ACT_REDIRECT */
#define BOX_NO_RUN (-1000) /* the kernel doesn't run a program on such a frame */

struct box {
	struct gate_bpf *skel;
	int n_cpus;
	int traffic; /* fd of the gate's counters */
};

/* Loads into a new, empty network namespace. Exits with 77 if the kernel or the rights lack. */
void box_open(struct box *box);
void box_close(struct box *box);

/* Publishes a rule set; slots are the ports' own. */
void box_publish(struct box *box, const struct plic_header *header,
		 const struct plic_rule *default_rule, const struct ruleset_port *ports, size_t n);
/* The same with an interim laid over it. */
void box_publish_interim(struct box *box, const struct plic_header *header,
			 const struct plic_rule *default_rule, const struct ruleset_port *ports,
			 size_t n, const struct ruleset_interim *interim);
/* Takes the set away: state_lost. */
void box_unpublish(struct box *box);

/* A rule with one grant; times are relative to now, in ns, unless 0 (since ever) or PLIC_NEVER. */
struct plic_rule box_rule(int64_t from, int64_t new_until, int64_t cut_at);
uint64_t box_now(void); /* boot clock */

struct box_run {
	int verdict;
	uint8_t out[4096]; /* the frame afterwards */
	size_t out_len;
};

/* prog: skel->progs.plic_...; gso_segs: 0, or of a merged frame with segments of 1000 bytes. */
struct box_run box_run(struct bpf_program *prog, const struct frame *f, uint32_t gso_segs);
struct box_run box_run_on_lo(struct bpf_program *prog, const struct frame *f);
/* The same with what egress notes on the packet; on_lo: that it did, and not whom. */
struct box_run box_run_noted(struct bpf_program *prog, const struct frame *f, uint32_t note);
int box_verdict(struct bpf_program *prog, const struct frame_spec *spec);

/* Counters: everything since box_clear(). */
struct box_counts {
	struct plic_traffic traffic[BOX_SLOTS];
	struct plic_denial_key keys[2048];
	struct plic_denial denials[2048];
	size_t n_denials;
	uint64_t allowed, denied, audit; /* packets */
};
void box_clear(struct box *box); /* counters, flows, clients and budgets */
void box_counts(struct box *box, struct box_counts *out);

#endif
