/* SPDX-License-Identifier: MIT */
/* policy_match.h - the member `match` of a policy: read and freed by policy.c. */
#ifndef PORTLIC_POLICY_MATCH_H
#define PORTLIC_POLICY_MATCH_H

#include "json.h"
#include "policy.h"

/* Absent: nothing is matched. -EINVAL, -EBADMSG: the fault names the member; -ENOMEM. */
int policy_match_parse(const cJSON *root, struct policy *p, struct fault *f);
void policy_match_free(struct policy *p); /* what it put into p, after a failure too */

#endif
