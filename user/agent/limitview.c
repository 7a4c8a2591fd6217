/* SPDX-License-Identifier: MIT */
/* limitview.c - joins a rule's limits with what the kernel counted. */
#include "limitview.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "ports.h"
#include "reply.h"

static const struct plic_usage_key *quota_key(const struct plic_limit *l, uint32_t gate,
					      uint8_t proto, uint16_t port,
					      struct plic_usage_key *key)
{
	bool whole = l->flags & PLIC_LIMIT_QUOTA_LINE;

	*key = (struct plic_usage_key){
		.line = l->line ^ l->window_ns,
		.owner = l->flags & PLIC_LIMIT_QUOTA_NODE ? PLIC_NODE_WIDE : gate,
		.port = whole ? 0 : port,
		.proto = whole ? 0 : proto,
	};
	return key;
}

static bool is_over(const struct plic_limit *l, const struct limit_view *v)
{
	return (l->quota_connections && v->connections >= l->quota_connections) ||
	       (l->quota_bytes && v->bytes >= l->quota_bytes);
}

/* As bpf/quota.h counts: an entry of an older window has nothing in this one. */
static void add_used(const struct quotafile *file, const struct plic_usage_key *key,
		     uint64_t window, struct limit_view *v)
{
	const struct quota_use *use = file->n_seen ? bsearch(key, file->seen, file->n_seen,
							     sizeof(*file->seen), quota_compare)
						   : NULL;
	unsigned int slot = window & 1;

	if (!use || use->quota.window < window)
		return;
	if (window + 1 < use->quota.window)
		slot = use->quota.window & 1;
	if (use->quota.connections[slot] > v->connections)
		v->connections = use->quota.connections[slot];
	if (use->quota.bytes[slot] > v->bytes)
		v->bytes = use->quota.bytes[slot];
}

static void view_quota(const struct agent *agent, const struct gate_entry *entry,
		       const struct port_row *row, const struct plic_limit *l, uint64_t now_ns,
		       struct limit_view *v)
{
	uint64_t window = (now_ns - l->start_ns) / l->window_ns;
	bool whole = l->flags & PLIC_LIMIT_QUOTA_LINE;
	struct plic_usage_key key;

	v->quota = l;
	v->connections = v->bytes = 0;
	v->ends_ns = l->start_ns + (window + 1) * l->window_ns;
	for (uint32_t port = row->port; port <= (whole ? row->port : row->end_port); port++)
		add_used(&agent->quotas,
			 quota_key(l, entry->id, row->ip_proto, (uint16_t)port, &key), window, v);
	v->over = is_over(l, v);
}

static void view_rate(const struct plic_limit *l, struct limit_view *v)
{
	if (l->interval_ns && (!v->rate || l->interval_ns > v->rate->interval_ns))
		v->rate = l;
}

void limit_view(const struct agent *agent, const struct gate_entry *entry,
		const struct port_row *row, uint64_t now_ns, struct limit_view *v)
{
	const struct plic_rule *rule = row->rule;
	bool admits = false, tls = true, taken = false;

	*v = (struct limit_view){0};
	if (!rule || !(rule->flags & PLIC_RULE_LIMITS))
		return;
	/* The one that ends first is charged first, until it is over. */
	for (size_t i = rule->n_grants; i-- > 0;) {
		const struct plic_grant *grant = &rule->grants[i];
		const struct plic_limit *l = &row->limits->grants[i];

		if (now_ns < grant->from_ns || now_ns >= grant->new_until_ns)
			continue;
		admits = true;
		tls &= l->flags & PLIC_LIMIT_TLS;
		if (taken)
			continue;
		*v = (struct limit_view){0};
		view_rate(l, v);
		if (l->window_ns)
			view_quota(agent, entry, row, l, now_ns, v);
		taken = !v->over;
	}
	view_rate(&row->limits->policy[0], v);
	v->tls = (admits && tls) || row->limits->policy[0].flags & PLIC_LIMIT_TLS;
}

static void put_amounts(cJSON *quota, const char *name, uint64_t connections, uint64_t bytes,
			const struct plic_limit *l)
{
	cJSON *object = cJSON_AddObjectToObject(quota, name);

	if (l->quota_connections)
		json_put_u64(object, "connections", connections);
	if (l->quota_bytes)
		json_put_u64(object, "bytes", bytes);
}

void limit_json(const struct agent *agent, const struct limit_view *v, cJSON *item)
{
	cJSON *object;

	if (v->rate) {
		object = cJSON_AddObjectToObject(item, "rate");
		cJSON_AddNumberToObject(object, "per_second", 1e9 / (double)v->rate->interval_ns);
		cJSON_AddNumberToObject(object, "burst", v->rate->burst);
	} else {
		cJSON_AddNullToObject(item, "rate");
	}
	if (v->quota) {
		object = cJSON_AddObjectToObject(item, "quota");
		put_amounts(object, "used", v->connections, v->bytes, v->quota);
		put_amounts(object, "limit", v->quota->quota_connections, v->quota->quota_bytes,
			    v->quota);
		json_put_moment(object, "window_end", &agent->clock, v->ends_ns);
		cJSON_AddBoolToObject(object, "over", v->over);
		cJSON_AddBoolToObject(object, "blocks", v->quota->flags & PLIC_LIMIT_BLOCK);
	} else {
		cJSON_AddNullToObject(item, "quota");
	}
	cJSON_AddBoolToObject(item, "tls", v->tls);
}
