/* SPDX-License-Identifier: MIT */
/* compile.c - the rules of a gate, and those of an interim laid over them, as one rule set. */
#include "compile.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "compile_ports.h"
#include "pieces.h"
#include "slots.h"

/* Both lists, and what becomes of them. */
struct overlay {
	const struct port_list *lasting, *interim;
	struct plic_rule rest, interim_rest; /* of ports that a list doesn't name */
	__u64 until_ns;
	struct compiled_port *ports;
	size_t n_ports;
	size_t last; /* port of a list that the last one lies in */
};

static int no_memory(struct fault *f)
{
	return fault_set(f, ENOMEM, "rules of a gate: out of memory");
}

static struct plic_rule rest_of(const struct port_list *list)
{
	return (struct plic_rule){.mode = list->mode, .deny = list->deny};
}

static void lay(struct compiled_port *to, const struct compiled_port *from, bool interim)
{
	*(interim ? &to->interim : &to->rule) = from->rule;
	*(interim ? &to->interim_limits : &to->limits) = from->limits;
	to->open |= from->open;
	to->probed |= from->probed;
	if (!to->name[0] || interim)
		memcpy(to->name, from->name, sizeof(to->name));
}

/*
 * What only the other list cuts stays one. Not what its own list keeps apart, though it says the same:
 * each has its own counters, which go on while an interim comes and goes.
 */
static bool continues(const struct overlay *o, size_t source, const struct compiled_port *port)
{
	const struct compiled_port *last = o->n_ports ? &o->ports[o->n_ports - 1] : NULL;

	return last && o->last == source && last->ip_proto == port->ip_proto &&
	       last->end_port + 1 == port->port && last->has_interim == port->has_interim &&
	       !strcmp(last->name, port->name) &&
	       !memcmp(&last->rule, &port->rule, sizeof(port->rule)) &&
	       !memcmp(&last->interim, &port->interim, sizeof(port->interim)) &&
	       !memcmp(&last->limits, &port->limits, sizeof(port->limits)) &&
	       !memcmp(&last->interim_limits, &port->interim_limits, sizeof(port->limits));
}

/* A stretch of ports that one or both of the lists name. */
static int lay_piece(void *ctx, const struct piece *piece)
{
	struct overlay *o = ctx;
	size_t n = o->lasting->n_ports;
	size_t source = SIZE_MAX; /* the lasting one, else that of the interim */
	struct compiled_port port;

	memset(&port, 0, sizeof(port)); /* rules are compared as bytes */
	port.port = piece->span.first;
	port.end_port = piece->span.last;
	port.ip_proto = piece->span.ip_proto;
	port.rule = o->rest;
	port.interim = o->interim_rest;
	for (size_t i = 0; i < piece->n_active; i++) {
		size_t at = piece->active[i];

		source = at < source ? at : source;
		lay(&port, at < n ? &o->lasting->ports[at] : &o->interim->ports[at - n], at >= n);
	}
	port.has_interim = memcmp(&port.rule, &port.interim, sizeof(port.rule)) ||
			   memcmp(&port.limits, &port.interim_limits, sizeof(port.limits));
	if (continues(o, source, &port))
		o->ports[o->n_ports - 1].end_port = port.end_port;
	else
		o->ports[o->n_ports++] = port;
	o->last = source;
	return 0;
}

/* Every piece begins where a span begins or behind where one ends: two for each span at most. */
static int lay_over(struct overlay *o)
{
	size_t n = o->lasting->n_ports, m = o->interim->n_ports;
	_free_ struct span *spans = calloc(n + m + 1, sizeof(*spans));

	o->ports = calloc(2 * (n + m) + 1, sizeof(*o->ports));
	if (!spans || !o->ports)
		return -ENOMEM;
	for (size_t i = 0; i < n + m; i++) {
		const struct compiled_port *p =
			i < n ? &o->lasting->ports[i] : &o->interim->ports[i - n];

		spans[i] = (struct span){p->port, p->end_port, p->ip_proto};
	}
	return pieces_each(spans, n + m, lay_piece, o);
}

/* The numbers of the interim's views: as the lasting ones of the same license in the same state. */
static __u32 *number_views(const struct compile_input *in)
{
	const struct compile_interim *interim = in->interim;
	__u32 *numbers = calloc(interim->n_views + 1, sizeof(*numbers));

	for (size_t i = 0; numbers && i < interim->n_views; i++) {
		const struct license_view *view = &interim->views[i];

		numbers[i] = interim->first_license + i;
		for (size_t j = 0; j < in->n_views; j++)
			if (in->views[j].lic == view->lic && in->views[j].state == view->state)
				numbers[i] = j + 1;
	}
	return numbers;
}

static int list_interim(const struct compile_input *in, struct port_list *out)
{
	_free_ __u32 *numbers = number_views(in);
	struct compile_input shifted = *in;

	shifted.views = in->interim->views;
	shifted.n_views = in->interim->n_views;
	shifted.policy = in->interim->policy;
	shifted.policy_mode = in->interim->policy_mode;
	shifted.mode = in->interim->mode;
	shifted.base = in->interim->base;
	shifted.windows = &in->base; /* what is used in a rehearsal is used now */
	return numbers ? compile_ports(&shifted, numbers, out) : -ENOMEM;
}

/* The lasting list once more, with tombstones for what only the interim opens. */
static int list_lasting_again(const struct compile_input *in, const struct port_list *interim,
			      struct port_list *lasting)
{
	struct compiled before = {.ports = interim->ports, .n_ports = interim->n_ports};
	struct compiled after = {.ports = lasting->ports, .n_ports = lasting->n_ports};
	_free_ struct tombstone *late = NULL, *all = NULL;
	struct compile_input drained = *in;
	struct port_list again;
	size_t n;

	if (compile_diff_tombstones(&before, &after, in->interim->until_ns, TOMBSTONE_DRAIN_NS,
				    PLIC_REASON_WITHDRAWN, &late, &n))
		return -ENOMEM;
	if (!n)
		return 0;
	all = calloc(in->n_tombstones + n, sizeof(*all));
	if (!all)
		return -ENOMEM;
	if (in->n_tombstones)
		memcpy(all, in->tombstones, in->n_tombstones * sizeof(*all));
	memcpy(all + in->n_tombstones, late, n * sizeof(*all));
	drained.tombstones = all;
	drained.n_tombstones += n;
	if (compile_ports(&drained, NULL, &again))
		return -ENOMEM;
	port_list_free(lasting);
	*lasting = again;
	return 0;
}

static int overlay_lists(const struct compile_input *in, struct port_list *lasting,
			 struct overlay *o)
{
	_cleanup_(port_list_free) struct port_list interim = {0};
	int err = list_interim(in, &interim);

	if (!err)
		err = list_lasting_again(in, &interim, lasting);
	if (err)
		return err;
	o->lasting = lasting;
	o->interim = &interim;
	o->rest = rest_of(lasting);
	o->interim_rest = rest_of(&interim);
	o->until_ns = in->interim->until_ns;
	err = lay_over(o);
	o->lasting = o->interim = NULL;
	return err;
}

/* Gives every port its slot: the one it has, or a new one behind the others. */
static int assign_slots(const struct compile_input *in, struct overlay *o, struct plic_slot **out,
			size_t *n_out, struct fault *f)
{
	size_t n = in->n_slots;
	_cleanup_(slot_index_free) struct slot_index index = {0};
	_free_ struct plic_slot *slots = calloc(n + o->n_ports, sizeof(*slots));

	if (!slots || slot_index_init(&index, in->slots, n))
		return no_memory(f);
	memcpy(slots, in->slots, n * sizeof(*slots));
	for (size_t i = 0; i < o->n_ports; i++) {
		struct compiled_port *p = &o->ports[i];
		struct plic_slot key = {p->port, p->end_port, p->ip_proto, {0}};

		p->slot = slot_index_find(&index, &key);
		if (p->slot)
			continue;
		if (n < RULESET_MAX_SLOTS)
			p->slot = n;
		slots[n++] = key; /* one too many is ruleset_build's to refuse */
	}
	*out = TAKE_PTR(slots);
	*n_out = n;
	return 0;
}

static struct plic_header header_of(const struct policy *policy, const struct plic_rule *rest,
				    __u64 generation)
{
	struct plic_header header = {
		.generation = generation, .mode = rest->mode, .deny = rest->deny};

	header.via = policy ? policy->via : 0;
	for (size_t i = 0; policy && i < policy->n_open; i++) {
		__u8 proto = policy->open[i].ip_proto;

		if (!has_ports(proto))
			header.ip_open[proto / 8] |= 1U << proto % 8;
	}
	return header;
}

static int build_set(const struct compile_input *in, const struct overlay *o,
		     const struct plic_slot *slots, size_t n_slots, struct ruleset *set,
		     struct fault *f)
{
	_free_ struct ruleset_port *ports = calloc(o->n_ports + 1, sizeof(*ports));
	struct plic_header header = header_of(in->policy, &o->rest, in->generation);
	struct ruleset_interim interim = {.until_ns = o->until_ns, .default_rule = o->interim_rest};

	if (!ports)
		return no_memory(f);
	if (in->interim)
		interim.header = header_of(in->interim->policy, &o->interim_rest, in->generation);
	for (size_t i = 0; i < o->n_ports; i++) {
		const struct compiled_port *p = &o->ports[i];

		ports[i] = (struct ruleset_port){.port = p->port,
						 .end_port = p->end_port,
						 .ip_proto = p->ip_proto,
						 .slot = p->slot,
						 .rule = p->rule,
						 .limits = &p->limits,
						 .interim = p->has_interim ? &p->interim : NULL,
						 .interim_limits = &p->interim_limits};
	}
	return ruleset_build(&header, &o->rest, ports, o->n_ports, slots, n_slots,
			     in->interim ? &interim : NULL, set, f);
}

int compile_gate(const struct compile_input *in, struct compiled *out, struct fault *f)
{
	_cleanup_(port_list_free) struct port_list lasting = {0};
	_free_ struct plic_slot *slots = NULL;
	struct overlay o = {0};
	struct ruleset set;
	size_t n_slots = 0;
	int err;

	if (!in->n_slots)
		return fault_set(f, EINVAL, "rules of a gate: no counter slot for other ports");
	if (compile_ports(in, NULL, &lasting))
		return no_memory(f);
	if (in->interim && overlay_lists(in, &lasting, &o)) {
		free(o.ports);
		return no_memory(f);
	}
	if (!in->interim) {
		o.rest = rest_of(&lasting);
		o.ports = TAKE_PTR(lasting.ports);
		o.n_ports = lasting.n_ports;
	}
	err = assign_slots(in, &o, &slots, &n_slots, f);
	if (!err)
		err = build_set(in, &o, slots, n_slots, &set, f);
	if (err) {
		free(o.ports);
		return err;
	}
	*out = (struct compiled){
		.set = set,
		.slots = TAKE_PTR(slots),
		.n_slots = n_slots,
		.ports = o.ports,
		.n_ports = o.n_ports,
		.until_ns = o.until_ns,
	};
	return 0;
}

void compiled_free(struct compiled *c)
{
	ruleset_free(&c->set);
	free(c->slots);
	free(c->ports);
	*c = (struct compiled){0};
}
