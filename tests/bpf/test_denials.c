/* SPDX-License-Identifier: MIT */
/*
 * test_denials.c - the table of denials stays small under a port scan, loses no packet, and keeps the
 * named ports apart.
 */
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <string.h>

#include "box.h"
#include "tap.h"

#define NAMED 7000

static struct box box;
static struct box_counts counts;

static void scan(uint8_t proto)
{
	struct frame_spec spec = {.family = 4, .ip_proto = proto, .flags = SYN};
	int sent = 0;
	uint64_t start, s;

	box_clear(&box);
	start = box_now();
	for (int port = 0; port < 65536; port++) {
		if (port == NAMED || port == NAMED + 1)
			continue;
		spec.dport = port;
		sent += box_verdict(box.skel->progs.plic_wire, &spec) == DROP;
	}
	s = (box_now() - start) / BOX_SECOND;
	box_counts(&box, &counts);
	check(sent == 65534, "protocol %d: %d of 65534 ports are shut", proto, sent);
	check(counts.denied == 65534, "protocol %d: %llu counted", proto,
	      (unsigned long long)counts.denied);
	check(counts.n_denials >= 2 &&
		      counts.n_denials <= 1 + box.n_cpus * (PLIC_DENIAL_PORTS_BURST + s + 1),
	      "protocol %d: in %zu entries after %d s", proto, counts.n_denials, (int)s);
}

static const struct plic_denial *find(uint16_t slot, uint16_t port, uint8_t proto)
{
	for (size_t i = 0; i < counts.n_denials; i++) {
		const struct plic_denial_key *k = &counts.keys[i];

		if (k->slot == slot && k->port == port && k->proto == proto)
			return &counts.denials[i];
	}
	return NULL;
}

/* The scan has used up what unnamed ports may take. A named one still has its own counter. */
static void named_after_scan(void)
{
	struct frame_spec spec = {.family = 6, .ip_proto = IPPROTO_TCP, .flags = SYN};
	const struct plic_denial *d;

	for (int i = 0; i < 5; i++) {
		spec.dport = NAMED + i % 2;
		box_verdict(box.skel->progs.plic_wire, &spec);
	}
	box_counts(&box, &counts);
	d = find(1, 0, IPPROTO_TCP);
	check(d && d->packets == 5 && d->connections == 5, "a range has one counter: %llu",
	      d ? (unsigned long long)d->packets : 0);
}

/* A table that is full to the brim: new ports and reasons are counted under what is there. */
static void full(void)
{
	struct frame_spec spec = {.family = 4, .ip_proto = IPPROTO_TCP, .flags = SYN, .dport = 33};
	struct plic_denial_key key = {.proto = 250, .reason = PLIC_REASON_QUOTA};
	struct plic_denial none = {};
	int fd = bpf_map__fd(box.skel->maps.plic_denials);
	const struct plic_denial *d;

	box_clear(&box);
	box_verdict(box.skel->progs.plic_wire, &spec);
	for (int port = 1; port < 3000; port++) {
		key.port = port;
		bpf_map_update_elem(fd, &key, &none, BPF_ANY);
	}
	for (spec.dport = 34; spec.dport < 134; spec.dport++)
		box_verdict(box.skel->progs.plic_wire, &spec);
	box_counts(&box, &counts);
	d = find(PLIC_SLOT_OTHER, 0, IPPROTO_TCP);
	check(counts.n_denials == PLIC_MAX_DENIALS, "full: %zu entries", counts.n_denials);
	check(counts.denied == 101 && d && d->packets == 100, "full: %llu counted as other",
	      d ? (unsigned long long)d->packets : 0);
}

/* A port that has been admitted stays; afterwards one a second comes in. */
static void admission(void)
{
	struct frame_spec spec = {.family = 4, .ip_proto = IPPROTO_TCP, .flags = SYN};
	const struct plic_denial *d;

	box_clear(&box);
	for (int i = 0; i < 7; i++) {
		spec.dport = 22;
		box_verdict(box.skel->progs.plic_wire, &spec);
	}
	box_counts(&box, &counts);
	d = find(PLIC_SLOT_OTHER, 22, IPPROTO_TCP);
	check(d && d->packets == 7 && d->bytes == 7 * 40, "one port: %llu packets, %llu bytes",
	      d ? (unsigned long long)d->packets : 0, d ? (unsigned long long)d->bytes : 0);
	d = find(PLIC_SLOT_OTHER, 0, IPPROTO_TCP);
	check(d && d->packets == 0, "`other` stands beside it");
}

int main(void)
{
	struct plic_header header = {.deny = PLIC_DROP};
	struct plic_rule none = {.deny = PLIC_DROP};
	struct ruleset_port port = {.port = NAMED,
				    .end_port = NAMED + 1,
				    .ip_proto = IPPROTO_TCP,
				    .slot = 1,
				    .rule = none};

	box_open(&box);
	box_publish(&box, &header, &none, &port, 1);
	admission();
	full();
	scan(IPPROTO_UDP);
	scan(IPPROTO_TCP);
	named_after_scan();
	box_close(&box);
	return tap_end();
}
