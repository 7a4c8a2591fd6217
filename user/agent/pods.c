/* SPDX-License-Identifier: MIT */
/* pods.c - how policies see a gate. */
#include "pods.h"

#include "agent.h"

struct policy_subject pods_subject(const struct agent *agent, const struct gate_entry *entry)
{
	return (struct policy_subject){.gate = entry->name};
}

bool pods_policy_matches(const struct agent *agent, const struct policy *policy,
			 const struct gate_entry *entry)
{
	struct policy_subject subject = pods_subject(agent, entry);

	return policy_matches(policy, &subject);
}
