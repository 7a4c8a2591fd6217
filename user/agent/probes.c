/* SPDX-License-Identifier: MIT */
/*
 * probes.c - the probes of one gate: each listener that nothing opens, by each way into the pod.
 *
 * The proof is the gate's own counter, of denials or, in audit, of what would have been one: it has to
 * rise by the probe. A refusal by something else (nothing listens, another firewall) doesn't raise it.
 */
#include "probes.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "gateview.h"

#define MAX_PORTS 256
#define ATTEMPTS 3		       /* others knock too, so that the counter rises by more */
#define BUDGET_NS (10 * 1000000000ULL) /* of a gate, which a broken one only uses up */

struct probe {
	struct gate_probe knock;
	const struct gate_way *way; /* NULL: no time was left for it */
	int result;
	struct fault fault;
};

struct probes {
	struct gate_probe *ports;
	enum plic_mode *modes; /* of each port */
	size_t n_ports;
	bool more;	  /* than MAX_PORTS */
	size_t n_guessed; /* ports that were left out for that */
	bool cgroup;	  /* has no way but its own listeners */
	struct gate_way *ways;
	size_t n_ways;
	struct fault no_ways;
	struct probe *list; /* n_ports * n_ways */
};

static void add_port(struct probes *probes, const struct gate_entry *entry,
		     const struct gate_listener *at)
{
	struct gate_probe *port = &probes->ports[probes->n_ports];
	const struct plic_rule *rule;

	*port = (struct gate_probe){.ip_proto = at->ip_proto, .port = at->port};
	rule = ruleset_lookup(&entry->rules->compiled.set, at->ip_proto, at->port, clock_boot_ns(),
			      &port->slot);
	port->verdict = rule->mode == PLIC_AUDIT_MODE ? PLIC_AUDIT : PLIC_DENIED;
	probes->modes[probes->n_ports++] = rule->mode;
}

/* Where any process of the node gets in, within the budget of the kubelet's probes. */
static bool takes_anybody(const struct gate_entry *entry, const struct gate_listener *at)
{
	__u16 slot;

	return ruleset_lookup(&entry->rules->compiled.set, at->ip_proto, at->port, clock_boot_ns(),
			      &slot)
		       ->flags &
	       PLIC_RULE_PROBE;
}

struct probes *probes_new(const struct gate_entry *entry, bool guessed)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	size_t i;

	if (!probes)
		return NULL;
	probes->ports = calloc(MAX_PORTS, sizeof(*probes->ports));
	probes->modes = calloc(MAX_PORTS, sizeof(*probes->modes));
	if (!probes->ports || !probes->modes) {
		probes_free(probes);
		return NULL;
	}
	probes->cgroup = entry->cgroup;
	for (i = 0; entry->rules && i < entry->stand.n_listeners; i++) {
		if (!gate_unlicensed(entry, &entry->stand.listeners[i]))
			continue;
		if (guessed && takes_anybody(entry, &entry->stand.listeners[i])) {
			probes->n_guessed++;
			continue;
		}
		probes->more = probes->n_ports == MAX_PORTS;
		if (probes->more)
			break;
		add_port(probes, entry, &entry->stand.listeners[i]);
	}
	return probes;
}

void probes_free(struct probes *probes)
{
	if (!probes)
		return;
	gate_ways_free(probes->ways, probes->n_ways);
	free(probes->list);
	free(probes->modes);
	free(probes->ports);
	free(probes);
}

static void send_one(struct gate *gate, struct probe *probe, enum plic_mode mode)
{
	int attempt;

	if (probe->way->why_not[0] || mode == PLIC_OFF)
		return;
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		probe->result = gate_probe(gate, probe->way, &probe->knock, &probe->fault);
		if (probe->result || probe->knock.rose == 1 || probe->knock.explained ||
		    (probe->knock.answered && mode == PLIC_ENFORCE))
			return;
	}
}

void probes_send(struct probes *probes, struct gate *gate)
{
	uint64_t until_ns = clock_boot_ns() + BUDGET_NS;
	size_t i, w;

	if (!gate || !probes->n_ports ||
	    gate_ways(gate, &probes->ways, &probes->n_ways, &probes->no_ways))
		return;
	probes->list = calloc(probes->n_ports * probes->n_ways, sizeof(*probes->list));
	for (w = 0; probes->list && w < probes->n_ways; w++) {
		for (i = 0; i < probes->n_ports && clock_boot_ns() < until_ns; i++) {
			struct probe *probe = &probes->list[w * probes->n_ports + i];

			probe->knock = probes->ports[i];
			probe->way = &probes->ways[w];
			send_one(gate, probe, probes->modes[i]);
		}
	}
}

/* Of a probe that was sent and counted, or not. */
static enum probe_verdict judge(const struct probe *probe, enum plic_mode mode, char *text,
				size_t size)
{
	const struct gate_probe *knock = &probe->knock;
	const char *others = knock->rose > 1 ? "; others knock there too" : "";

	if (mode == PLIC_ENFORCE && knock->answered) {
		snprintf(text, size,
			 "not licensed, and the probe was let in: see `portlic gate list -o json` "
			 "for hooks that are missing or overtaken, and `portlic status`");
		return PROBE_FAILED;
	}
	if (!knock->rose) {
		snprintf(text, size,
			 "not licensed, and the gate counted no %s of the probe: it was let in, or "
			 "something ahead of the gate took it; see `bpftool net` inside the "
			 "namespace and on the node",
			 mode == PLIC_ENFORCE ? "denial" : "audit");
		return PROBE_FAILED;
	}
	snprintf(text, size, "not licensed: the probe was %s and counted%s",
		 mode == PLIC_ENFORCE ? "denied" : "let through, as the mode is audit,", others);
	return PROBE_PASSED;
}

static enum probe_verdict describe(const struct probe *probe, enum plic_mode mode, char *text,
				   size_t size)
{
	if (!probe->way) {
		snprintf(text, size, "not probed: the time for this gate was used up");
		return PROBE_SKIPPED;
	}
	if (mode == PLIC_OFF) {
		snprintf(text, size, "not licensed, and not probed: its mode is off");
		return PROBE_SKIPPED;
	}
	if (probe->result) {
		snprintf(text, size, "it couldn't be probed: %s",
			 probe->fault.text[0] ? probe->fault.text : strerror(-probe->result));
		return PROBE_FAILED;
	}
	if (probe->knock.explained) {
		snprintf(text, size,
			 "not probed: the pod has just sent to a group from it, and takes answers "
			 "from anybody for 10 s");
		return PROBE_SKIPPED;
	}
	return judge(probe, mode, text, size);
}

typedef void tell_fn(void *arg, const char *what, const char *path, enum probe_verdict verdict,
		     const char *text);

static void report_port(const struct probes *probes, size_t port, size_t way, tell_fn *tell,
			void *arg)
{
	const struct gate_probe *at = &probes->ports[port];
	enum probe_verdict verdict;
	char what[16], text[640];

	snprintf(what, sizeof(what), "%u/%s", at->port,
		 at->ip_proto == IPPROTO_TCP ? "tcp" : "udp");
	verdict = describe(&probes->list[way * probes->n_ports + port], probes->modes[port], text,
			   sizeof(text));
	tell(arg, what, probes->ways[way].interface, verdict, text);
}

static void report_ways(const struct probes *probes, tell_fn *tell, void *arg)
{
	size_t w;

	for (w = 0; w < probes->n_ways; w++)
		if (probes->ways[w].why_not[0])
			tell(arg, "veth", probes->ways[w].interface, PROBE_SKIPPED,
			     probes->ways[w].why_not);
	if (probes->n_ways == 1 && !probes->cgroup)
		tell(arg, "veth", "", PROBE_SKIPPED,
		     "none leads out of the pod: lo alone was probed");
}

void probes_report(const struct probes *probes, tell_fn *tell, void *arg)
{
	size_t i, w;

	if (probes->n_guessed)
		tell(arg, "listeners", "", PROBE_SKIPPED,
		     "unlicensed ports that the kubelet probes weren't knocked on: where a budget "
		     "tells its probes, a knock from this node passes for one");
	if (!probes->n_ports) {
		tell(arg, "listeners", "", PROBE_PASSED, "no unlicensed listener to probe");
		return;
	}
	if (!probes->list) {
		tell(arg, "listeners", "", PROBE_FAILED,
		     probes->no_ways.text[0] ? probes->no_ways.text : "they couldn't be probed");
		return;
	}
	if (probes->more)
		tell(arg, "listeners", "", PROBE_SKIPPED,
		     "only the first 256 unlicensed listeners were probed");
	report_ways(probes, tell, arg);
	for (i = 0; i < probes->n_ports; i++)
		for (w = 0; w < probes->n_ways; w++)
			if (!probes->ways[w].why_not[0])
				report_port(probes, i, w, tell, arg);
}
