/* SPDX-License-Identifier: MIT */
/* notify_send.c - an event as a process's stdin, or as a POST. */
#include "notify_send.h"

#include <errno.h>
#include <stdio.h>

#include "agent.h"
#include "spawn.h"
#include "token.h"
#include "transfer.h"

#define ANSWER_MAX_BYTES (1 << 20) /* nobody reads it */

static void on_exit_of(void *arg, const struct fault *why)
{
	notify_sent(arg, why);
}

static int send_exec(struct notifier *n, struct fault *why)
{
	_free_ char *event = NULL;
	char *env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL,
		       NULL};

	if (asprintf(&event, "PORTLIC_EVENT=%s", n->current->event) < 0) {
		event = NULL;
		return fault_set(why, ENOMEM, "out of memory");
	}
	env[1] = event;
	n->spawn = spawn_start(&n->agent->loop, n->target->argv, env, n->current->json,
			       n->target->timeout_s, on_exit_of, n, why);
	return n->spawn ? 0 : -EIO;
}

static void on_answer(void *arg, const struct transfer_result *answer)
{
	struct fault why = answer->why;

	if (!answer->err && (answer->status < 200 || answer->status > 299))
		fault_set(&why, EIO, "the server answered %u", answer->status);
	notify_sent(arg, why.text[0] ? &why : NULL);
}

static int send_webhook(struct notifier *n, struct fault *why)
{
	const struct notify_target *target = n->target;
	_free_ char *token = NULL;
	struct transfer_request request = {
		.url = target->webhook,
		.json = n->current->json,
		.plain_http = target->plain_http,
		.ca = target->ca,
		.max_bytes = ANSWER_MAX_BYTES,
		.timeout_s = target->timeout_s,
	};
	int err = target->token_file ? token_read(target->token_file, &token, why) : 0;

	if (err)
		return fault_set(why, -err, "%s", why->text[0] ? why->text : "out of memory");
	request.token = token;
	n->transfer = transfer_start(&n->agent->transfers, &request, on_answer, n, why);
	return n->transfer ? 0 : -EIO;
}

int notify_send(struct notifier *n, struct fault *why)
{
	return n->target->argv ? send_exec(n, why) : send_webhook(n, why);
}
