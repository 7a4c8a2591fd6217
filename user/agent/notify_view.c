/* SPDX-License-Identifier: MIT */
/* notify_view.c - what waits for whom, and who takes nothing. */
#include "notify_view.h"

#include "agent.h"
#include "metric.h"
#include "reply.h"

static size_t waiting(const struct notifier *n)
{
	return n->n + (n->current != NULL);
}

cJSON *notify_json(const struct agent *agent)
{
	const struct notify *notify = &agent->notify;
	cJSON *list = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < notify->n; i++) {
		const struct notifier *n = &notify->list[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "target", n->target->label);
		json_put_u64(item, "waiting", waiting(n));
		json_put_u64(item, "delivered", n->delivered);
		json_put_u64(item, "lost", n->lost);
		json_put_u64(item, "failures", n->failures);
		json_put_string(item, "error", n->why.text[0] ? n->why.text : NULL);
		cJSON_AddItemToArray(list, item);
	}
	return list;
}

void notify_warn(const struct agent *agent, cJSON *warnings)
{
	const struct notify *notify = &agent->notify;
	size_t i;

	for (i = 0; i < notify->n; i++) {
		const struct notifier *n = &notify->list[i];

		if (n->failures)
			json_warn(warnings,
				  "notify: \"%s\" takes no events, %u tries in a row: %s; %zu wait "
				  "and %llu were lost",
				  n->target->label, n->failures, n->why.text, waiting(n),
				  (unsigned long long)n->lost);
	}
}

void notify_metrics(FILE *out, const struct agent *agent)
{
	const struct notify *notify = &agent->notify;
	size_t i;

	metric_head(out, NOTIFY_TOTAL);
	for (i = 0; i < notify->n; i++) {
		const struct notifier *n = &notify->list[i];

		metric_sample(out, NOTIFY_TOTAL,
			      LABELS("target", n->target->label, "result", "delivered"),
			      n->delivered);
		metric_sample(out, NOTIFY_TOTAL,
			      LABELS("target", n->target->label, "result", "failed"), n->failed);
	}
	metric_head(out, NOTIFY_LOST);
	for (i = 0; i < notify->n; i++)
		metric_sample(out, NOTIFY_LOST, LABELS("target", notify->list[i].target->label),
			      notify->list[i].lost);
}
