/* SPDX-License-Identifier: MIT */
/* metrics.c - GET /metrics: what the agent knows, as series. */
#include "api.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "gateview.h"
#include "inspect.h"
#include "kube_view.h"
#include "limitview.h"
#include "metric.h"
#include "notify_view.h"
#include "origin.h"
#include "pods.h"
#include "ports.h"
#include "pull_view.h"

/* What a scrape is written from. */
struct scrape {
	FILE *out;
	const struct agent *agent;
	struct gate_ports {
		const char *gate;
		const struct gate_entry *entry;
		struct port_row *rows;
		size_t n;
	} * gates;
	size_t n_gates;
};

/* ---- ports ---- */

static const char *port_label(const struct port_row *row, char *text, size_t len)
{
	if (!row->port)
		return "other";
	if (row->port == row->end_port)
		snprintf(text, len, "%u", row->port);
	else
		snprintf(text, len, "%u-%u", row->port, row->end_port);
	return text;
}

static void put_row(const struct scrape *s, enum metric metric, const char *gate,
		    const struct port_row *row)
{
	const char *proto = row->ip_proto ? proto_word(row->ip_proto) : "other";
	char text[16];
	const char *port = port_label(row, text, sizeof(text));
	size_t i;

	if (metric == PORT_LAST_ACCESS) {
		if (row->access_ns)
			metric_sample(s->out, metric,
				      LABELS("gate", gate, "protocol", proto, "port", port),
				      clock_at(&s->agent->clock, row->access_ns));
		return;
	}
	if (metric == PORT_SEATS || metric == PORT_SEATS_LIMIT) {
		if (row->has_seats)
			metric_sample(s->out, metric,
				      LABELS("gate", gate, "protocol", proto, "port", port),
				      metric == PORT_SEATS ? row->seats_used : row->seats);
		return;
	}
	if (metric == PORT_DENIED) {
		for (i = 1; i < PORTS_N_REASONS; i++)
			if (row->denied[i])
				metric_sample(s->out, metric,
					      LABELS("gate", gate, "protocol", proto, "port", port,
						     "reason", reason_word(i)),
					      row->denied[i]);
		return;
	}
	if (metric == PORT_ORIGIN_CONNECTIONS) {
		for (i = 0; i < PLIC_N_ORIGINS; i++)
			if (row->arrivals[i])
				metric_sample(s->out, metric,
					      LABELS("gate", gate, "protocol", proto, "port", port,
						     "origin", origin_word(i)),
					      row->arrivals[i]);
		return;
	}
	for (i = 0; i < PORTS_N_VERDICTS; i++)
		metric_sample(s->out, metric,
			      LABELS("gate", gate, "protocol", proto, "port", port, "verdict",
				     verdict_word(i)),
			      metric == PORT_CONNECTIONS ? row->count[i].connections
			      : metric == PORT_PACKETS	 ? row->count[i].packets
							 : row->count[i].bytes);
}

static void put_ports(const struct scrape *s)
{
	enum metric metric;
	size_t i, j;

	for (metric = PORT_CONNECTIONS; metric <= PORT_SEATS_LIMIT; metric++) {
		metric_head(s->out, metric);
		for (i = 0; i < s->n_gates; i++)
			for (j = 0; j < s->gates[i].n; j++)
				put_row(s, metric, s->gates[i].gate, &s->gates[i].rows[j]);
	}
}

static void put_quota(const struct scrape *s, enum metric metric, const struct gate_ports *ports,
		      const struct port_row *row)
{
	const char *proto = row->ip_proto ? proto_word(row->ip_proto) : "other";
	bool used = metric == PORT_QUOTA_USED;
	struct limit_view view;
	char text[16];
	const char *port = port_label(row, text, sizeof(text));

	limit_view(s->agent, ports->entry, row, clock_boot_ns(), &view);
	if (view.quota && view.quota->quota_connections)
		metric_sample(s->out, metric,
			      LABELS("gate", ports->gate, "protocol", proto, "port", port, "unit",
				     "connections"),
			      used ? view.connections : view.quota->quota_connections);
	if (view.quota && view.quota->quota_bytes)
		metric_sample(s->out, metric,
			      LABELS("gate", ports->gate, "protocol", proto, "port", port, "unit",
				     "bytes"),
			      used ? view.bytes : view.quota->quota_bytes);
}

static void put_quotas(const struct scrape *s)
{
	enum metric metric;
	size_t i, j;

	for (metric = PORT_QUOTA_USED; metric <= PORT_QUOTA_LIMIT; metric++) {
		metric_head(s->out, metric);
		for (i = 0; i < s->n_gates; i++)
			for (j = 0; j < s->gates[i].n; j++)
				put_quota(s, metric, &s->gates[i], &s->gates[i].rows[j]);
	}
}

/* ---- licenses ---- */

static int rank(enum license_state state)
{
	switch (state) {
	case STATE_ACTIVE:
	case STATE_GRACE:
	case STATE_STALE:
		return 2;
	case STATE_PENDING:
		return 1;
	default:
		return 0;
	}
}

struct ends {
	int64_t expiry, deadline;
};

/*
 * A lid may stand in several files while it is renewed: the one in force speaks for it. *ends: the
 * last ends among those that have one to come, so that a renewal that is loaded ahead counts.
 */
static bool speaks(const struct licenses *licenses, size_t i, struct ends *ends)
{
	const struct license_view *mine = &licenses->views[i];
	size_t j;

	*ends = (struct ends){mine->lic->exp, mine->deadlines.new_until};
	for (j = 0; j < licenses->n_views; j++) {
		const struct license_view *other = &licenses->views[j];
		int above = rank(other->state) - rank(mine->state);

		if (j == i || strcmp(other->lic->lid, mine->lic->lid))
			continue;
		if (!above)
			above = (other->lic->seq > mine->lic->seq) -
				(other->lic->seq < mine->lic->seq);
		if (above > 0 || (!above && j < i))
			return false;
		if (rank(other->state) && other->lic->exp > ends->expiry)
			ends->expiry = other->lic->exp;
		if (rank(other->state) && other->deadlines.new_until > ends->deadline)
			ends->deadline = other->deadlines.new_until;
	}
	return true;
}

static void put_licenses(const struct scrape *s)
{
	const struct licenses *licenses = &s->agent->licenses;
	struct ends ends;
	size_t i;

	metric_head(s->out, LICENSE_EXPIRY);
	for (i = 0; i < licenses->n_views; i++)
		if (speaks(licenses, i, &ends))
			metric_sample(s->out, LICENSE_EXPIRY,
				      LABELS("lid", licenses->views[i].lic->lid), ends.expiry);
	metric_head(s->out, LICENSE_DEADLINE);
	for (i = 0; i < licenses->n_views; i++)
		if (speaks(licenses, i, &ends) && ends.deadline != LIFECYCLE_NEVER)
			metric_sample(s->out, LICENSE_DEADLINE,
				      LABELS("lid", licenses->views[i].lic->lid), ends.deadline);
	metric_head(s->out, LICENSE_WARN);
	for (i = 0; i < licenses->n_views; i++)
		if (speaks(licenses, i, &ends))
			metric_sample(s->out, LICENSE_WARN,
				      LABELS("lid", licenses->views[i].lic->lid),
				      licenses->views[i].warn && !licenses->views[i].renewed);
	metric_head(s->out, LICENSE_INFO);
	for (i = 0; i < licenses->n_views; i++) {
		const struct license *lic = licenses->views[i].lic;

		if (speaks(licenses, i, &ends))
			metric_sample(s->out, LICENSE_INFO,
				      LABELS("lid", lic->lid, "sub", lic->sub, "plan",
					     lic->plan ? lic->plan : "", "state",
					     license_state_word(licenses->views[i].state)),
				      1);
	}
	metric_head(s->out, LICENSE_REJECTED);
	for (i = 1; i < LICENSES_N_REASONS; i++)
		metric_sample(s->out, LICENSE_REJECTED, LABELS("reason", licenses_reason_word(i)),
			      licenses->rejected[i]);
}

/* ---- gates ---- */

static void put_binds(const struct scrape *s, const struct gate_entry *entry)
{
	size_t verdict;

	for (verdict = PLIC_DENIED; verdict <= PLIC_AUDIT && entry->cgroup; verdict++)
		metric_sample(s->out, BINDS,
			      LABELS("gate", entry->name, "verdict", verdict_word(verdict)),
			      entry->counters.binds[verdict]);
}

/* Networks and addresses of all sets, as the trie has them. */
static size_t n_sources(const struct agent *agent)
{
	size_t n = agent->origins.n_networks + peerset_size(agent->kubepeers.set).in_force;

	for (size_t i = 0; i < agent->sources.n; i++)
		n += agent->sources.items[i]->set.n_prefixes;
	return n;
}

static void put_gates(const struct scrape *s)
{
	const struct peerset_size size = peerset_size(s->agent->kubepeers.set);
	const struct gates *gates = &s->agent->gates;
	uint64_t lost[GATE_N_HOOKS] = {0}, unprotected_ns = 0;
	unsigned int states[GATE_N_STATES] = {0};
	size_t i, j, n, fullest = 0;

	for (i = 0; i < gates->n_entries; i++) {
		const struct gate_entry *entry = gates->entries[i];

		states[entry->state]++;
		unprotected_ns += entry->unprotected_ns;
		for (j = 0; j < GATE_N_HOOKS; j++)
			lost[j] += entry->lost[j];
		if (entry->counters.n_denials > fullest)
			fullest = entry->counters.n_denials;
	}
	metric_head(s->out, GATES);
	for (i = 0; i < GATE_N_STATES; i++)
		metric_sample(s->out, GATES, LABELS("state", gate_state_word(i)), states[i]);
	metric_head(s->out, BREAK_GLASS);
	for (i = 0; i < gates->n_entries; i++)
		if (glass_holds(gates->entries[i], clock_boot_ns()))
			metric_sample(s->out, BREAK_GLASS, LABELS("gate", gates->entries[i]->name),
				      gates->entries[i]->glass.until);
	metric_head(s->out, REHEARSAL);
	for (i = 0; i < gates->n_entries; i++)
		if (drill_holds(gates->entries[i], clock_boot_ns()))
			metric_sample(s->out, REHEARSAL, LABELS("gate", gates->entries[i]->name),
				      gates->entries[i]->drill.until);
	metric_head(s->out, TRIAL);
	if (s->agent->trial.kind != TRIAL_NONE)
		metric_sample(s->out, TRIAL, NO_LABELS, s->agent->trial.until);
	metric_head(s->out, UNPROTECTED);
	metric_sample(s->out, UNPROTECTED, NO_LABELS, unprotected_ns / 1e9);
	metric_head(s->out, ATTACHMENT_LOST);
	for (i = 0; i < GATE_N_HOOKS; i++)
		metric_sample(s->out, ATTACHMENT_LOST, LABELS("hook", gate_hook_word(i)), lost[i]);
	metric_head(s->out, GATE_OVERRIDDEN);
	for (i = 0; i < gates->n_entries; i++)
		for (j = 0; j <= HOOK_SOCKET; j++)
			metric_sample(
				s->out, GATE_OVERRIDDEN,
				LABELS("gate", gates->entries[i]->name, "hook", gate_hook_word(j)),
				gates->entries[i]->outranked[j].held > 0);
	metric_head(s->out, SHIELD_ATTACHED);
	for (i = 0; i < gates->n_entries; i++)
		metric_sample(s->out, SHIELD_ATTACHED, LABELS("gate", gates->entries[i]->name),
			      gates->entries[i]->shield.up);
	metric_head(s->out, UNLICENSED_LISTENERS);
	for (i = 0; i < gates->n_entries; i++) {
		const struct gate_entry *entry = gates->entries[i];

		for (j = n = 0; j < entry->stand.n_listeners; j++)
			n += gate_unlicensed(entry, &entry->stand.listeners[j]);
		metric_sample(s->out, UNLICENSED_LISTENERS, LABELS("gate", entry->name), n);
	}
	metric_head(s->out, CHECK_PROBES);
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->counters.traffic)
			metric_sample(s->out, CHECK_PROBES, LABELS("gate", gates->entries[i]->name),
				      gates->entries[i]->counters.n_probes);
	metric_head(s->out, CONNECTIONS_CUT);
	for (i = 0; i < gates->n_entries; i++)
		metric_sample(s->out, CONNECTIONS_CUT, LABELS("gate", gates->entries[i]->name),
			      gates->entries[i]->connections_cut);
	metric_head(s->out, PORT_REMAP);
	for (i = 0; i < gates->n_entries; i++)
		metric_sample(s->out, PORT_REMAP, LABELS("gate", gates->entries[i]->name),
			      gates->entries[i]->counters.remaps);
	metric_head(s->out, EVENTS_LOST);
	metric_sample(s->out, EVENTS_LOST, NO_LABELS, observe_lost(s->agent));
	metric_head(s->out, FLOW_EVICTIONS);
	for (i = 0; i < gates->n_entries; i++)
		metric_sample(s->out, FLOW_EVICTIONS, LABELS("gate", gates->entries[i]->name),
			      gates->entries[i]->counters.flows_evicted);
	metric_head(s->out, GATE_MEMORY);
	for (i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->counters.traffic)
			metric_sample(s->out, GATE_MEMORY, LABELS("gate", gates->entries[i]->name),
				      gates->entries[i]->counters.footprint);
	metric_head(s->out, BINDS);
	for (i = 0; i < gates->n_entries; i++)
		put_binds(s, gates->entries[i]);
	metric_head(s->out, MAP_PRESSURE);
	metric_sample(s->out, MAP_PRESSURE, LABELS("map", PLIC_MAP_DENIALS),
		      (double)fullest / PLIC_MAX_DENIALS);
	metric_sample(s->out, MAP_PRESSURE, LABELS("map", PLIC_MAP_SOURCES),
		      (double)n_sources(s->agent) / PLIC_MAX_SOURCES);
	metric_head(s->out, POD_SOURCES);
	metric_sample(s->out, POD_SOURCES, LABELS("state", "admitted"), size.in_force);
	metric_sample(s->out, POD_SOURCES, LABELS("state", "no_room"), size.lacking);
}

static void put_agent(const struct scrape *s)
{
	const struct gates *gates = &s->agent->gates;

	metric_head(s->out, CLOCK_SUSPECT);
	metric_sample(s->out, CLOCK_SUSPECT, NO_LABELS, s->agent->clock.effective.suspect);
	metric_head(s->out, GENERATION);
	metric_sample(s->out, GENERATION, NO_LABELS, gates->generation);
	metric_head(s->out, APPLY_DURATION);
	metric_summary(s->out, APPLY_DURATION, gates->apply_seconds_sum, gates->apply_count);
	metric_head(s->out, BUILD_INFO);
	metric_sample(s->out, BUILD_INFO, LABELS("version", PORTLIC_VERSION), 1);
}

static void list_ports(struct scrape *s)
{
	const struct gates *gates = &s->agent->gates;
	size_t i;

	s->gates = calloc(gates->n_entries + 1, sizeof(*s->gates));
	for (i = 0; s->gates && i < gates->n_entries; i++) {
		struct gate_ports *ports = &s->gates[s->n_gates];

		ports->gate = gates->entries[i]->name;
		ports->entry = gates->entries[i];
		if (ports_list(gates->entries[i], PORTS_BY_SLOT, clock_boot_ns(), &ports->rows,
			       &ports->n))
			continue;
		s->n_gates++;
	}
}

static void counted(void *arg)
{
	struct http_request *request = arg;
	struct scrape s = {.agent = request->http->agent};
	char *text = NULL;
	size_t len, i;

	s.out = open_memstream(&text, &len);
	if (!s.out) {
		http_reply(request, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL, NULL);
		return;
	}
	list_ports(&s);
	put_ports(&s);
	put_quotas(&s);
	put_licenses(&s);
	put_gates(&s);
	pull_metrics(s.out, s.agent);
	notify_metrics(s.out, s.agent);
	pods_metrics(s.out, s.agent);
	kube_metrics(s.out, s.agent);
	kube_seats_metrics(s.out, s.agent);
	put_agent(&s);
	fclose(s.out);
	for (i = 0; i < s.n_gates; i++)
		free(s.gates[i].rows);
	free(s.gates);
	http_reply(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
}

void api_metrics_get(struct agent *agent, struct http_request *request, const char *name)
{
	inspect_gates(agent, NULL, INSPECT_COUNTERS | INSPECT_AHEAD, counted, request);
}
