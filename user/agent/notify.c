/* SPDX-License-Identifier: MIT */
/* notify.c - queues of events, and when they are tried. */
#include "notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "json.h"
#include "log.h"
#include "notify_backlog.h"
#include "notify_send.h"
#include "pace.h"
#include "spawn.h"
#include "transfer.h"

#define LOOK_MS 250
#define RETRY_S 1
#define RETRY_MAX_S 300
#define ID_BYTES 16

static void note_free(struct note *note)
{
	if (!note)
		return;
	free(note->event);
	free(note->json);
	free(note);
}

static struct note *note_new(const char *event, const char *json)
{
	struct note *note = calloc(1, sizeof(*note));

	if (!note)
		return NULL;
	note->event = strdup(event);
	note->json = strdup(json);
	if (note->event && note->json)
		return note;
	note_free(note);
	return NULL;
}

static struct note *shift(struct notifier *n)
{
	struct note *note = n->queue[n->first];

	n->first = (n->first + 1) % NOTIFY_QUEUE;
	n->n--;
	return note;
}

static void lose(struct notifier *n, struct note *note, const char *why)
{
	n->lost++;
	n->agent->notify.changed = true;
	if (!n->told_lost)
		log_event(LOG_ERROR, "notify_lost",
			  LOG_FIELDS("target", n->target->label, "lost_event", note->event), "%s",
			  why);
	n->told_lost = true;
	note_free(note);
}

static void push(struct notifier *n, const char *event, const char *json)
{
	struct note *note = note_new(event, json);

	if (!note) {
		n->lost++;
		return;
	}
	if (n->n == NOTIFY_QUEUE)
		lose(n, shift(n), "too many events wait for it: the oldest is dropped");
	n->queue[(n->first + n->n++) % NOTIFY_QUEUE] = note;
	n->agent->notify.changed = true;
}

/* ---- delivery ---- */

static void delivered(struct notifier *n)
{
	if (n->failures)
		log_event(LOG_INFO, "notify_recovered", LOG_FIELDS("target", n->target->label),
			  "it takes events again");
	n->delivered++;
	n->agent->notify.changed = true;
	n->failures = 0;
	n->told_lost = false;
	n->why = (struct fault){0};
	note_free(TAKE_PTR(n->current));
	n->next_ns = 0;
}

static void failed(struct notifier *n, const struct fault *why)
{
	int64_t pause_s = pace_backoff(RETRY_S, ++n->failures, RETRY_MAX_S);

	n->failed++;
	n->why = *why;
	n->next_ns = clock_boot_ns() + (uint64_t)pause_s * 1000000000ULL;
	if (n->failures == 1)
		log_event(LOG_WARN, "notify_failed", LOG_FIELDS("target", n->target->label),
			  "%s; it is tried again", why->text);
	if (++n->current->tries >= n->target->tries)
		lose(n, TAKE_PTR(n->current), "it failed too often with this event");
}

void notify_sent(struct notifier *n, const struct fault *why)
{
	n->spawn = NULL;
	n->transfer = NULL;
	if (why)
		failed(n, why);
	else
		delivered(n);
	if (n->agent->notify.on && !n->next_ns)
		notify_soon(&n->agent->notify);
}

static void look(struct notifier *n)
{
	struct fault why = {0};

	if (n->spawn || n->transfer || (!n->current && !n->n) || n->next_ns > clock_boot_ns())
		return;
	if (!n->current)
		n->current = shift(n);
	if (notify_send(n, &why))
		failed(n, &why);
}

static void on_look(uv_timer_t *timer)
{
	struct notify *notify = timer->data;
	size_t i;

	for (i = 0; i < notify->n; i++)
		look(&notify->list[i]);
}

void notify_soon(struct notify *notify)
{
	uv_timer_start(&notify->timer, on_look, 0, LOOK_MS);
}

/* ---- events ---- */

static char *event_json(const struct agent *agent, const struct log_entry *entry)
{
	unsigned char id[ID_BYTES];
	char hex[2 * ID_BYTES + 1];
	_json_ cJSON *root = cJSON_CreateObject();
	const char *const *field;

	randombytes_buf(id, sizeof(id));
	cJSON_AddStringToObject(root, "id", sodium_bin2hex(hex, sizeof(hex), id, sizeof(id)));
	cJSON_AddStringToObject(root, "time", entry->time);
	cJSON_AddStringToObject(root, "event", entry->event);
	cJSON_AddStringToObject(root, "level", log_level_word(entry->level));
	cJSON_AddStringToObject(root, "message", entry->message);
	cJSON_AddStringToObject(root, "node", agent->licenses.node);
	cJSON_AddStringToObject(root, "audience", agent->config.audience);
	for (field = entry->fields; field[0]; field += 2)
		if (!json_get(root, field[0]))
			cJSON_AddStringToObject(root, field[0], field[1]);
	return cJSON_PrintUnformatted(root);
}

/* Its own troubles would feed on themselves; they are in the log, the status and the metrics. */
static bool is_own(const char *event)
{
	return !strncmp(event, "notify_", strlen("notify_"));
}

static void on_event(void *arg, const struct log_entry *entry)
{
	struct agent *agent = arg;
	struct notify *notify = &agent->notify;
	_free_ char *json = NULL;
	size_t i;

	if (is_own(entry->event) || entry->level == LOG_DEBUG)
		return;
	for (i = 0; i < notify->n; i++) {
		if (!notify_target_hears(notify->list[i].target, entry->event))
			continue;
		if (!json)
			json = event_json(agent, entry);
		if (!json)
			return;
		push(&notify->list[i], entry->event, json);
		notify_soon(notify);
	}
}

/* ---- life ---- */

static void take_back(void *arg, const char *label, const char *event, const char *json)
{
	struct notify *notify = arg;
	size_t i;

	for (i = 0; i < notify->n; i++) {
		struct notifier *n = &notify->list[i];

		if (strcmp(n->target->label, label))
			continue;
		push(n, event, json);
		if (!n->current && n->n) /* the first was under way: a full queue is one more */
			n->current = shift(n);
	}
}

void notify_start(struct agent *agent)
{
	const struct notify_targets *targets = &agent->config.notify;
	struct notify *notify = &agent->notify;
	struct fault f = {0};
	size_t i;

	*notify = (struct notify){.on = true};
	uv_timer_init(&agent->loop, &notify->timer);
	notify->timer.data = notify;
	notify->list = calloc(targets->n + 1, sizeof(*notify->list));
	if (!notify->list || !targets->n)
		return;
	for (i = 0; i < targets->n; i++)
		notify->list[notify->n++] =
			(struct notifier){.agent = agent, .target = &targets->list[i]};
	if (notify_backlog_load(agent->config.state_dir, take_back, notify, &f))
		log_event(LOG_ERROR, "notify_lost", LOG_NO_FIELDS, "%s", f.text);
	log_set_sink(on_event, agent);
	notify_soon(notify);
}

void notify_tick(struct agent *agent)
{
	struct notify *notify = &agent->notify;
	struct fault f = {0};

	/* A disk that is full is told of by those whose state lies beside it. */
	if (notify->on && notify->changed)
		notify->changed = notify_backlog_save(agent->config.state_dir, notify, &f);
}

void notify_stop(struct agent *agent)
{
	struct notify *notify = &agent->notify;
	struct fault f = {0};
	size_t i;

	if (!notify->on)
		return;
	notify->on = false;
	log_set_sink(NULL, NULL);
	uv_close((uv_handle_t *)&notify->timer, NULL);
	for (i = 0; i < notify->n; i++) {
		transfer_cancel(notify->list[i].transfer);
		spawn_cancel(notify->list[i].spawn);
	}
	if (notify_backlog_save(agent->config.state_dir, notify, &f))
		log_event(LOG_ERROR, "notify_lost", LOG_NO_FIELDS, "%s", f.text);
	for (i = 0; i < notify->n; i++) {
		struct notifier *n = &notify->list[i];

		note_free(n->current);
		while (n->n)
			note_free(shift(n));
	}
	free(notify->list);
	notify->list = NULL;
	notify->n = 0;
}
