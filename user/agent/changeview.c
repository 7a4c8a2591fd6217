/* SPDX-License-Identifier: MIT */
/* changeview.c - a change of a port in JSON and in words. */
#include "changeview.h"

#include <stdio.h>
#include <string.h>

#include "reply.h"
#include "stamp.h"

bool change_hurts(const struct port_change *change, const struct port_use *use)
{
	return use->in_use && (change->effect == PORT_CLOSES || change->effect == PORT_DRAINS ||
			       change->effect == PORT_CUTS);
}

void change_port_json(cJSON *item, const struct port_change *change)
{
	json_put_known(item, "port", change->port);
	json_put_known(item, "end_port", change->end_port);
	json_put_string(item, "protocol",
			change->port || !change->name[0] ? proto_word(change->ip_proto) : NULL);
	cJSON_AddStringToObject(item, "name", change->name);
}

cJSON *condition_json(const struct port_condition *condition)
{
	static const char *const modes[] = {
		[PLIC_ENFORCE] = "enforce", [PLIC_AUDIT_MODE] = "audit", [PLIC_OFF] = "off"};
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "state", port_state_word(condition->state));
	cJSON_AddStringToObject(item, "mode", modes[condition->mode]);
	cJSON_AddStringToObject(item, "deny", condition->deny == PLIC_DROP ? "drop" : "refuse");
	json_put_string(item, "lid", condition->lid);
	return item;
}

void change_port_text(const struct port_change *change, char *text, size_t size)
{
	char proto[8], *c;

	snprintf(proto, sizeof(proto), "%s", proto_word(change->ip_proto));
	for (c = proto; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	if (!change->port && change->name[0])
		snprintf(text, size, "other ports");
	else if (!change->port)
		snprintf(text, size, "IP protocol %u", change->ip_proto);
	else if (change->port == change->end_port)
		snprintf(text, size, "%u/%s", change->port, proto);
	else
		snprintf(text, size, "%u-%u/%s", change->port, change->end_port, proto);
}

static void effect_text(const struct port_change *change, const struct clock *clock, char *text,
			size_t size)
{
	char until[STAMP_LEN];

	switch (change->effect) {
	case PORT_OPENS:
		snprintf(text, size, "would open");
		break;
	case PORT_DRAINS:
		stamp_format(clock_at(clock, change->after.cut_at_ns), until);
		snprintf(text, size, "would refuse, and drain until %s", until);
		break;
	case PORT_CUTS:
		snprintf(text, size, "would refuse, and cut what stands");
		break;
	case PORT_CLOSES:
		snprintf(text, size, "would refuse");
		break;
	default:
		snprintf(text, size, "%s %s",
			 change->before.state == change->after.state ? "stays" : "becomes",
			 port_state_word(change->after.state));
	}
}

/* Whose right it was, and what became of it. */
static void reason_text(const struct port_change *change, char *text, size_t size)
{
	const char *lid = change->after.lid ? change->after.lid : change->before.lid;

	text[0] = '\0';
	if (port_state_admits(change->after.state) || change->after.reason == PLIC_REASON_NONE)
		return;
	snprintf(text, size, "; %s%s%s", lid ? lid : "", lid ? " " : "",
		 reason_word(change->after.reason));
}

void change_text(const struct port_change *change, const struct port_use *use,
		 const struct clock *clock, uint64_t now_ns, char *text, size_t size)
{
	char port[32], effect[96], in_use[128], reason[200];

	change_port_text(change, port, sizeof(port));
	effect_text(change, clock, effect, sizeof(effect));
	port_use_text(use, now_ns, in_use, sizeof(in_use));
	reason_text(change, reason, sizeof(reason));
	snprintf(text, size, "%s %s; %s%s", port, effect, in_use, reason);
}
