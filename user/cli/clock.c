/* SPDX-License-Identifier: MIT */
/* clock.c - portlic clock reset: the operator says that the wall clock is right. */
#include <stdio.h>

#include "client.h"
#include "output.h"

int cmd_clock_reset(const struct args *args, struct failure *why)
{
	_reply_ struct reply reply = {};
	const cJSON *last;
	int r = client_call(args, "POST", "/v1/clock/reset", NULL, 0, &reply, why);

	if (r)
		return r;
	if (args->json)
		return print_json(reply.json, why);
	last = json_get(reply.json, "last_reset");
	printf("clock: reset from %s to %s\n",
	       member_text(last, "before") ? member_text(last, "before") : "?",
	       member_text(last, "after") ? member_text(last, "after") : "?");
	return 0;
}
