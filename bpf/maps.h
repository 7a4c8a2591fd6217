/* SPDX-License-Identifier: MIT */
/*
 * maps.h - the maps and constants of a gate's programs.
 *
 * Weak, because wire, egress and socket are objects of their own that the linker joins: each map then
 * exists once. The loader replaces the node-wide ones (sets, traffic, clock) by their pinned selves
 * and may change the sizes of the LRU maps before it loads.
 */
#ifndef PORTLIC_BPF_MAPS_H
#define PORTLIC_BPF_MAPS_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "portlic.h"

#define PLIC_FLOWS_DEFAULT 16384
#define PLIC_CLIENTS_DEFAULT 8192
#define PLIC_MARKS_DEFAULT 8192

#define WIRE_PASS TC_ACT_UNSPEC /* == TCX_NEXT: later programs still have their say */

/*
 * A function that the verifier judges once and on its own, whatever its callers know: arguments are the
 * context and numbers. Weak, for several objects have it.
 */
#define PLIC_FUNC __weak __noinline

/* Set by the loader before the load. */
const volatile __u32 plic_gate_id __weak = 0;
const volatile __u32 plic_n_cpus __weak = 1; /* possible CPUs, as libbpf_num_possible_cpus() */

/*
 * The twin of `explain`: never attached, it judges made-up packets by the same maps at a time and from an
 * origin of its own, and changes nothing. What it writes goes to maps of its own, and where that can't be
 * (flows, markers, limits) the programs ask here.
 */
const volatile __u32 plic_dry_run __weak = 0;
const volatile __u64 plic_dry_now_ns __weak = 0;  /* boot clock */
const volatile __u32 plic_dry_origins __weak = 0; /* mask; 0: as the address tells */

/*
 * Not 0 once the pod opened a TCP connection from a named port: from then on wire looks whether a
 * segment to a named port belongs to one of these, so that it isn't counted as a client's. The loader
 * sets it too when it writes a marker into plic_marks or adopts the map with markers in it.
 */
__u32 plic_marked __weak = 0;

/* The boot clock of one CPU, read once a jiffy. */
struct plic_tick {
	__u64 jiffies;
	__u64 boot_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PLIC_MAX_GATES);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_INNER_MAP); /* sets differ in size */
			__uint(key_size, sizeof(__u32)); /* sizes: the linker fails on types here */
			__uint(value_size, sizeof(struct plic_cell));
		});
} plic_sets __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PLIC_MAX_GATES);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_INNER_MAP);
			__uint(key_size, sizeof(__u32)); /* sizes: the linker fails on types here */
			__uint(value_size, sizeof(struct plic_traffic));
		});
} plic_traffic __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plic_tick);
} plic_clock __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, PLIC_MAX_SOURCES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_source_key);
	__type(value, __u32);
} plic_sources __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_MAX_SENDERS);
	__type(key, struct plic_sender_key);
	__type(value, struct plic_sender);
} plic_senders __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_CGROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct plic_cgroup);
} plic_cgroups __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_OWNERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_owner_key);
	__type(value, __u64);
} plic_owners __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_ARRIVALS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_arrival_key);
	__type(value, struct plic_arrival);
} plic_arrivals __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_USAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_usage_key);
	__type(value, struct plic_quota);
} plic_quotas __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_USAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_usage_key);
	__type(value, struct plic_seats);
} plic_seats __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_SEATED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_seated_key);
	__type(value, struct plic_seated);
} plic_seated __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_USAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_usage_key);
	__type(value, struct plic_share);
} plic_shares __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PLIC_EVENTS_BYTES);
} plic_events __weak SEC(".maps");

#ifndef PORTLIC_LEDGER
/* The rate of a limit: GCRA. Locked, for a compare-and-exchange needs Linux 5.12. */
struct plic_rate {
	struct bpf_spin_lock lock;
	__u64 paid_ns; /* boot clock up to which connections are paid for */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_USAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct plic_usage_key);
	__type(value, struct plic_rate);
} plic_rates __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PLIC_MAX_GATES);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LRU_HASH);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct plic_mark_key));
			__uint(value_size, sizeof(struct plic_hello));
		});
} plic_hellos __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plic_gate);
} plic_gate __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PLIC_MAX_DENIALS);
	__type(key, struct plic_denial_key);
	__type(value, struct plic_denial);
} plic_denials __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_FLOWS_DEFAULT);
	__type(key, struct plic_flow_key);
	__type(value, struct plic_flow);
} plic_flows __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PLIC_N_FLOWED);
	__type(key, __u32);
	__type(value, __u64);
} plic_flowed __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_CLIENTS_DEFAULT);
	__type(key, struct plic_flow_key);
	__type(value, struct plic_flow);
} plic_clients __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_MARKS_DEFAULT);
	__type(key, struct plic_mark_key);
	__type(value, struct plic_mark);
} plic_marks __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plic_budget);
} plic_budget __weak SEC(".maps");
#endif

#endif
