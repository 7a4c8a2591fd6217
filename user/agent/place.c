/* SPDX-License-Identifier: MIT */
/* place.c - what a gate stands before. */
#include "place.h"

#include <errno.h>

#include "agent.h"
#include "cgrouptree.h"
#include "netns.h"

struct place place_of(const struct gate_entry *entry)
{
	return (struct place){entry->netns, entry->cgroup};
}

const char *place_word(const struct place *place)
{
	return place->cgroup ? "cgroup" : "netns";
}

const char *place_path(const struct place *place)
{
	return place->cgroup ? place->cgroup : place->netns;
}

int place_id(const struct place *place, uint64_t *id, struct fault *f)
{
	return place->cgroup ? cgroup_id(place->cgroup, id, f) : netns_inode(place->netns, id, f);
}

int place_check(const struct agent *agent, const struct place *place, uint64_t id, struct fault *f)
{
	if (!place->cgroup)
		return id != agent->own_netns
			       ? 0
			       : fault_set(f, EINVAL,
					   "\"%s\" is the agent's own namespace: gating it would "
					   "cut the node off",
					   place->netns);
	if (cgroup_is_root(place->cgroup))
		return fault_set(f, EINVAL,
				 "\"%s\" is the root of all cgroups: gating it would cut the node "
				 "off",
				 place->cgroup);
	if (cgroup_holds_us(place->cgroup))
		return fault_set(
			f, EINVAL,
			"the agent itself is in the cgroup \"%s\": gating it would cut its "
			"metrics off, and much else of the node perhaps; name one further "
			"down",
			place->cgroup);
	return 0;
}
