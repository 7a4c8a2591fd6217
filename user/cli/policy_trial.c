/* SPDX-License-Identifier: MIT */
/* policy_trial.c - portlic policy confirm, rollback: what is on trial, a policy or a license. */
#include "client.h"
#include "output.h"

static int end(const struct args *args, const char *path, const char *done, struct failure *why)
{
	_reply_ struct reply reply = {};
	int r = client_call(args, "POST", path, NULL, 0, &reply, why);
	const char *kind, *file;

	if (r)
		return r;
	kind = member_text(reply.json, "kind");
	file = member_text(reply.json, "file");
	return print_done(args, kind ? kind : "rehearsal", file ? file : "all", done, why);
}

int cmd_policy_confirm(const struct args *args, struct failure *why)
{
	return end(args, "/v1/trial/confirm", "confirmed", why);
}

int cmd_policy_rollback(const struct args *args, struct failure *why)
{
	return end(args, "/v1/trial/rollback", "rolled_back", why);
}
