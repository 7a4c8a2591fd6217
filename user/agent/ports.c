/* SPDX-License-Identifier: MIT */
/* ports.c - joins compiled ports with what the kernel counted. */
#include "ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "gates.h"
#include "portseats.h"
#include "portstate.h"

const char *verdict_word(unsigned int verdict)
{
	static const char *const words[PORTS_N_VERDICTS] = {
		[PLIC_ALLOWED] = "allowed", [PLIC_DENIED] = "denied", [PLIC_AUDIT] = "audit"};

	return words[verdict < PORTS_N_VERDICTS ? verdict : PLIC_DENIED];
}

const char *hook_word(unsigned int hook)
{
	static const char *const words[] = {
		[PLIC_HOOK_WIRE] = "wire",     [PLIC_HOOK_SOCKET] = "socket",
		[PLIC_HOOK_EGRESS] = "egress", [PLIC_HOOK_LEDGER] = "ledger",
		[PLIC_HOOK_SHIELD] = "shield", [PLIC_HOOK_HOST] = "host",
	};

	return hook < sizeof(words) / sizeof(words[0]) ? words[hook] : NULL;
}

const char *reason_word(unsigned int reason)
{
	static const char *const words[] = {
#define WORD(number, name, word, text) [number] = word,
		PLIC_REASONS(WORD)
#undef WORD
	};

	return reason < sizeof(words) / sizeof(words[0]) && words[reason] ? words[reason] : "none";
}

const char *proto_word(uint8_t ip_proto)
{
	static char number[4];

	switch (ip_proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_SCTP:
		return "SCTP";
	}
	snprintf(number, sizeof(number), "%u", ip_proto);
	return number;
}

static void set_state(struct port_row *row, const struct roster *roster,
		      const struct plic_rule *rule, uint64_t now_ns)
{
	const struct port_condition c =
		port_condition(rule, row->ip_proto, roster ? roster->licenses : NULL,
			       roster ? roster->n : 0, now_ns);

	row->state = port_state_word(c.state);
	row->lid = c.lid;
	row->deadline_ns = c.deadline_ns;
}

static void add_traffic(struct port_row *row, const struct plic_traffic *traffic)
{
	row->count[PLIC_ALLOWED].packets += traffic->packets;
	row->count[PLIC_ALLOWED].bytes += traffic->bytes;
	row->count[PLIC_ALLOWED].connections += traffic->connections;
	if (traffic->last_ns > row->access_ns)
		row->access_ns = traffic->last_ns;
}

static void add_arrivals(struct port_row *row, const struct plic_arrival arrivals[PLIC_N_ORIGINS])
{
	for (unsigned int i = 0; i < PLIC_N_ORIGINS; i++) {
		row->arrivals[i] += arrivals[i].connections;
		if (arrivals[i].last_ns <= row->arrival_ns)
			continue;
		row->arrival_ns = arrivals[i].last_ns;
		row->arrival_origin = i;
	}
}

static void add_denial(struct port_row *row, const struct gate_denial *denial)
{
	unsigned int verdict = denial->key.verdict == PLIC_AUDIT ? PLIC_AUDIT : PLIC_DENIED;
	uint64_t *last = verdict == PLIC_AUDIT ? &row->access_ns : &row->denied_ns;

	row->count[verdict].packets += denial->count.packets;
	row->count[verdict].bytes += denial->count.bytes;
	row->count[verdict].connections += denial->count.connections;
	if (denial->key.reason < PORTS_N_REASONS)
		row->denied[denial->key.reason] += denial->count.packets;
	if (denial->count.last_ns > *last)
		*last = denial->count.last_ns;
}

struct table {
	const struct gate_entry *entry;
	const struct compiled *compiled;
	enum ports_rows kind;
	uint64_t now_ns;
	struct port_row *rows;
	size_t n;
	struct port_row **by_slot; /* n_slots of them */
};

/* A row for a port without one: what the set says of it now. */
static struct port_row *add_row(struct table *table, uint8_t proto, uint16_t port, uint16_t end)
{
	struct port_row *row = &table->rows[table->n++];
	const struct plic_rule *rule;
	__u16 slot;

	*row = (struct port_row){.port = port, .end_port = end, .ip_proto = proto, .name = ""};
	rule = ruleset_lookup(&table->compiled->set, proto, port, table->now_ns, &slot);
	set_state(row, table->entry->rules->roster, rule, table->now_ns);
	return row;
}

static void set_compiled(struct port_row *row, const struct gate_entry *entry,
			 const struct compiled_port *port, uint64_t now_ns)
{
	*row = (struct port_row){.port = port->port,
				 .end_port = port->end_port,
				 .ip_proto = port->ip_proto,
				 .slot = port->slot,
				 .name = port->name,
				 .rule = compiled_rule(&entry->rules->compiled, port, now_ns)};
	row->limits = row->rule == &port->interim ? &port->interim_limits : &port->limits;
	set_state(row, entry->rules->roster, row->rule, now_ns);
	port_seats(entry, port, now_ns, row);
}

static void add_compiled(struct table *table, const struct compiled_port *port)
{
	struct port_row *row = &table->rows[table->n++];

	set_compiled(row, table->entry, port, table->now_ns);
	table->by_slot[port->slot] = row;
}

static struct port_row *row_of_slot(struct table *table, uint16_t slot)
{
	const struct plic_slot *at = &table->compiled->slots[slot];

	if (!table->by_slot[slot]) { /* its port isn't named any more */
		table->by_slot[slot] = add_row(table, at->ip_proto, at->port, at->end_port);
		table->by_slot[slot]->slot = slot;
	}
	return table->by_slot[slot];
}

static struct port_row *find_row(struct table *table, uint8_t proto, uint16_t port)
{
	size_t i;

	for (i = 0; i < table->n; i++) {
		struct port_row *row = &table->rows[i];

		if (!row->slot && row->ip_proto == proto && row->port == port)
			return row;
	}
	return NULL;
}

/* A port that was denied before it was named counts to the row that it has now. */
static struct port_row *row_of_port(struct table *table, uint8_t proto, uint16_t port)
{
	struct port_row *row;
	__u16 slot;

	ruleset_lookup(&table->compiled->set, proto, port, table->now_ns, &slot);
	if (slot)
		return row_of_slot(table, slot);
	row = find_row(table, proto, port);
	return row ? row : add_row(table, proto, port, port);
}

static struct port_row other_row(const struct table *table)
{
	struct port_row row = {.name = "other"};
	__u16 slot;

	/* A protocol without ports has the rule of ports that aren't named. */
	set_state(&row, table->entry->rules->roster,
		  ruleset_lookup(&table->compiled->set, 0, 0, table->now_ns, &slot), table->now_ns);
	return row;
}

/* What has no port of its own: one for all, or one for each protocol. */
static struct port_row *row_of_other(struct table *table, uint8_t proto)
{
	struct port_row *row = &table->rows[0];

	if (table->kind == PORTS_EACH)
		return row;
	row = find_row(table, proto, 0);
	if (!row) {
		row = &table->rows[table->n++];
		*row = other_row(table);
		row->ip_proto = proto;
	}
	return row;
}

static struct port_row *row_of_denial(struct table *table, const struct plic_denial_key *key)
{
	if (key->slot && key->slot < table->compiled->n_slots)
		return row_of_slot(table, key->slot);
	if (!key->slot && key->port && table->kind == PORTS_EACH)
		return row_of_port(table, key->proto, key->port);
	return row_of_other(table, key->proto);
}

static void count(struct table *table)
{
	const struct gate_counters *counters = &table->entry->counters;
	size_t i;

	for (i = 0; i < counters->n_slots && i < table->compiled->n_slots; i++) {
		const struct plic_traffic *traffic = &counters->traffic[i];

		if (!i)
			add_traffic(&table->rows[0], traffic);
		else if (traffic->packets || traffic->connections)
			add_traffic(row_of_slot(table, i), traffic);
	}
	for (i = 1; i < counters->n_slots && i < table->compiled->n_slots; i++)
		if (table->by_slot[i])
			add_arrivals(table->by_slot[i], counters->arrivals[i]);
	for (i = 0; i < counters->n_denials; i++)
		add_denial(row_of_denial(table, &counters->denials[i].key), &counters->denials[i]);
}

static int by_port(const void *a, const void *b)
{
	const struct port_row *x = a, *y = b;

	if (!x->port != !y->port) /* `other` goes last */
		return !x->port - !y->port;
	if (x->ip_proto != y->ip_proto)
		return x->ip_proto - y->ip_proto;
	return x->port != y->port ? x->port - y->port : x->end_port - y->end_port;
}

int ports_list(const struct gate_entry *entry, enum ports_rows rows, uint64_t now_ns,
	       struct port_row **out, size_t *n)
{
	_free_ struct port_row **by_slot = NULL;
	struct table table = {.entry = entry, .kind = rows, .now_ns = now_ns, .n = 1};
	size_t i, room;

	if (!entry->rules || !entry->counters.traffic) {
		*out = NULL;
		*n = 0;
		return 0;
	}
	table.compiled = &entry->rules->compiled;
	room = 1 + table.compiled->n_ports + table.compiled->n_slots + entry->counters.n_denials;
	table.rows = calloc(room, sizeof(*table.rows));
	by_slot = calloc(table.compiled->n_slots, sizeof(*by_slot));
	if (!table.rows || !by_slot) {
		free(table.rows);
		return -ENOMEM;
	}
	table.by_slot = by_slot;
	table.rows[0] = other_row(&table);
	for (i = 0; i < table.compiled->n_ports; i++)
		add_compiled(&table, &table.compiled->ports[i]);
	count(&table);
	qsort(table.rows, table.n, sizeof(*table.rows), by_port);
	*out = table.rows;
	*n = table.n;
	return 0;
}

int ports_named(const struct gate_entry *entry, uint64_t now_ns, struct port_row **out, size_t *n)
{
	const struct compiled *c = entry->rules ? &entry->rules->compiled : NULL;
	struct port_row *rows = calloc(c ? c->n_ports + 1 : 1, sizeof(*rows));
	size_t i;

	if (!rows)
		return -ENOMEM;
	for (i = 0; c && i < c->n_ports; i++)
		set_compiled(&rows[i], entry, &c->ports[i], now_ns);
	*n = i;
	qsort(rows, *n, sizeof(*rows), by_port);
	*out = rows;
	return 0;
}

static void sooner(uint64_t at_ns, uint64_t now_ns, uint64_t *next_ns)
{
	if (at_ns > now_ns && at_ns < *next_ns)
		*next_ns = at_ns;
}

uint64_t ports_next_change(const struct gate_entry *entry, uint64_t now_ns)
{
	const struct compiled *c = entry->rules ? &entry->rules->compiled : NULL;
	uint64_t next_ns = PLIC_NEVER;
	size_t i, j;

	for (i = 0; c && i < c->n_ports; i++)
		for (j = 0; j < c->ports[i].rule.n_grants; j++) {
			const struct plic_grant *grant = &c->ports[i].rule.grants[j];

			sooner(grant->from_ns, now_ns, &next_ns);
			sooner(grant->new_until_ns, now_ns, &next_ns);
			sooner(grant->cut_at_ns, now_ns, &next_ns);
		}
	return next_ns;
}
