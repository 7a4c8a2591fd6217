/* SPDX-License-Identifier: MIT */
/* pull.c - when to fetch, and what becomes of the answer. */
#include "pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "agent.h"
#include "file.h"
#include "log.h"
#include "pace.h"
#include "pull_take.h"
#include "stamp.h"
#include "token.h"
#include "transfer.h"

#define LOOK_MS 250
#define NS_PER_MS 1000000ULL
#define FIRST_MS 500	    /* the first try of a source that has given nothing yet */
#define FIRST_SPREAD_S 30   /* and of one that has: a fleet that starts spreads out */
#define SAVE_SUCCESS_S 3600 /* a success that brought nothing new is written so often */

#define HTTP_OK 200
#define HTTP_NOT_MODIFIED 304

static char *memory_path(const struct puller *p)
{
	char *path;

	return asprintf(&path, "%s/pull/%s.json", p->agent->config.state_dir, p->source->name) < 0
		       ? NULL
		       : path;
}

static void save(struct puller *p)
{
	_free_ char *path = memory_path(p), *text = NULL;
	struct fault f = {0};

	text = pull_memory_write(&p->memory);
	if (!path || !text)
		return;
	if (file_replace(path, text, strlen(text), 0600, &f))
		log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("file", path), "%s", f.text);
	else
		p->saved = p->memory.last_success;
}

/* Of another address than the one that is configured now, nothing counts. */
static void load(struct puller *p)
{
	_free_ char *path = memory_path(p);
	_free_ void *bytes = NULL;
	struct fault f = {0};
	size_t len = 0;
	char what[300];
	int err;

	if (!path)
		return;
	err = file_read(path, PULL_MEMORY_MAX_BYTES, &bytes, &len, &f);
	if (err == -ENOENT)
		return;
	snprintf(what, sizeof(what), "state file \"%s\"", path);
	if (!err)
		err = pull_memory_read(what, bytes, len, &p->memory, &f);
	if (err)
		log_event(LOG_WARN, "state_lost", LOG_FIELDS("source", p->source->name),
			  "%s; it is written anew, and the next pull asks for the whole file",
			  f.text);
	else if (strcmp(p->memory.url, p->source->url))
		pull_memory_free(&p->memory);
	p->saved = p->memory.last_success;
}

static void hash_hex(const void *bytes, size_t len, char hex[PULL_SHA256_HEX + 1])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, bytes, len);
	sodium_bin2hex(hex, PULL_SHA256_HEX + 1, hash, sizeof(hash));
}

/* Validators are sent only for a copy that is there and good: else 304 would say nothing. */
static bool has_copy(const struct puller *p)
{
	const struct licenses *licenses = &p->agent->licenses;
	const struct source_file *file = source_find(
		p->source->revocations ? &licenses->lists : &licenses->source, p->memory.file);
	const struct license_entry *entry = file ? file->value : NULL;
	char hex[PULL_SHA256_HEX + 1];

	if (!p->memory.sha256[0] || !file || !file->forever || !file->good)
		return false;
	if (!p->source->revocations && (!entry || !entry->lic))
		return false;
	hash_hex(file->good, file->good_len, hex);
	return !strcmp(hex, p->memory.sha256);
}

/* ---- results ---- */

static int64_t ahead_of(const struct puller *p, int64_t now)
{
	const struct source_file *file =
		p->source->revocations ? NULL : pull_newest(p->agent, p->source);
	const struct license *lic = file ? ((struct license_entry *)file->value)->lic : NULL;

	return lic ? pace_ahead(lic->nbf, lic->exp, lic->exp + lic->grace_s, now) : 0;
}

static void schedule(struct puller *p, int64_t retry_after_s)
{
	const struct pace pace = {
		.interval_s = p->source->interval_s,
		.failures = p->failures,
		.retry_after_s = retry_after_s,
		.ahead_s = ahead_of(p, p->last_attempt),
	};

	p->next_ns =
		p->again ? 0
			 : clock_boot_ns() + pace_next_ms(&pace, randombytes_random()) * NS_PER_MS;
	p->again = false;
}

static void failed(struct puller *p, const char *why)
{
	p->result = PULL_FAILED;
	fault_set(&p->why, EIO, "%s", why);
	if (p->failures++)
		return;
	log_event(LOG_WARN, "pull_failed", LOG_FIELDS("source", p->source->name),
		  "%s; it is tried again, and what was fetched before stays in force", why);
}

static void reject_body(struct puller *p, const struct fault *why)
{
	p->result = PULL_REJECTED;
	p->failures++;
	p->why = *why;
	if (!strcmp(why->text, p->told.text))
		return;
	p->told = *why;
	log_event(LOG_ERROR, "pull_rejected", LOG_FIELDS("source", p->source->name),
		  "%s; the last good copy stays in force", why->text);
}

/* Once for each license: there should be its renewal by now, and there is none. */
static void tell_ahead(struct puller *p)
{
	const struct source_file *file = pull_newest(p->agent, p->source);
	const struct license *lic;
	char hex[PULL_SHA256_HEX + 1], end[STAMP_LEN];

	if (!file || !ahead_of(p, p->last_attempt))
		return;
	hash_hex(file->good, file->good_len, hex);
	if (!strcmp(hex, p->memory.ahead))
		return;
	strcpy(p->memory.ahead, hex);
	lic = ((struct license_entry *)file->value)->lic;
	log_event(
		LOG_WARN, "license_renew_ahead",
		LOG_FIELDS("source", p->source->name, "lid", lic->lid, "exp",
			   stamp_format(lic->exp, end)),
		"two thirds of the license's life are over and the authority has no newer one yet");
}

static void succeeded(struct puller *p, enum pull_result result)
{
	struct pull_memory before = p->memory;

	if (p->failures)
		log_event(LOG_INFO, "pull_recovered", LOG_FIELDS("source", p->source->name),
			  "the source is good again");
	p->result = result;
	p->why = p->told = (struct fault){0};
	p->failures = 0;
	p->memory.last_success = p->last_attempt;
	if (!p->source->revocations && result == PULL_SAME)
		tell_ahead(p);
	if (result == PULL_NEW || strcmp(before.ahead, p->memory.ahead) ||
	    p->memory.last_success - p->saved >= SAVE_SUCCESS_S)
		save(p);
}

static void remember(char *to, size_t max, const char *value)
{
	to[0] = '\0';
	if (value && pull_validator_ok(value, max))
		strcpy(to, value);
}

/* The validators stand for the copy now; true: other ones than before. */
static bool remember_copy(struct puller *p, const struct source_file *file,
			  const struct transfer_result *answer)
{
	struct pull_memory *memory = &p->memory, before = *memory;

	if (!memory->url)
		memory->url = strdup(p->source->url);
	remember(memory->etag, PULL_ETAG_MAX, answer->etag);
	remember(memory->modified, PULL_MODIFIED_MAX, answer->modified);
	remember(memory->file, PULL_FILE_MAX, file->name);
	hash_hex(file->good, file->good_len, memory->sha256);
	return strcmp(before.etag, memory->etag) || strcmp(before.modified, memory->modified) ||
	       strcmp(before.file, memory->file) || strcmp(before.sha256, memory->sha256);
}

static void took(struct puller *p, const struct source_file *file, bool same,
		 const struct transfer_result *answer)
{
	bool moved = remember_copy(p, file, answer);

	succeeded(p, same ? PULL_SAME : PULL_NEW);
	if (same && moved)
		save(p);
	if (!same)
		log_event(LOG_INFO, "pull_taken",
			  LOG_FIELDS("source", p->source->name, "file", file->name),
			  "a new %s is in force", p->source->revocations ? "list" : "license");
}

static void judge_answer(struct puller *p, const struct transfer_result *answer)
{
	const struct source_file *file = NULL;
	struct fault why = {0};
	char text[64];
	bool same;
	int err;

	if (answer->err) {
		failed(p, answer->why.text);
	} else if (answer->status == HTTP_NOT_MODIFIED && has_copy(p)) {
		succeeded(p, PULL_SAME);
	} else if (answer->status != HTTP_OK) {
		snprintf(text, sizeof(text), "the server answered %u", answer->status);
		failed(p, text);
	} else {
		err = pull_take(p->agent, p->source, answer->body, answer->len, &file, &same, &why);
		if (!err)
			took(p, file, same, answer);
		else if (err == -EBADMSG)
			reject_body(p, &why);
		else
			failed(p, strerror(-err));
	}
}

static void on_done(void *arg, const struct transfer_result *answer)
{
	struct puller *p = arg;

	p->transfer = NULL;
	judge_answer(p, answer);
	p->count[p->result]++;
	if (!p->source->revocations)
		pull_drop_ended(p->agent, p->source, p->last_attempt);
	schedule(p, p->failures ? answer->retry_after_s : 0);
}

/* ---- requests ---- */

static void begin(struct puller *p)
{
	const struct pull_source *source = p->source;
	bool conditional = has_copy(p);
	_free_ char *token = NULL;
	struct fault f = {0};
	struct transfer_request request = {
		.url = source->url,
		.ca = source->ca,
		.proxy = source->proxy,
		.etag = conditional && p->memory.etag[0] ? p->memory.etag : NULL,
		.modified = conditional && p->memory.modified[0] ? p->memory.modified : NULL,
		.max_bytes = source->max_bytes,
		.timeout_s = source->timeout_s,
	};

	p->last_attempt = clock_now(&p->agent->clock);
	if (!source->token_file || !token_read(source->token_file, &token, &f)) {
		request.token = token;
		p->transfer = transfer_start(&p->agent->transfers, &request, on_done, p, &f);
	}
	if (p->transfer)
		return;
	failed(p, f.text[0] ? f.text : "out of memory");
	p->count[p->result]++;
	schedule(p, 0);
}

static void look(struct pull *pull)
{
	uint64_t now = clock_boot_ns();
	size_t i;

	for (i = 0; i < pull->n; i++)
		if (!pull->list[i].transfer && pull->list[i].next_ns <= now)
			begin(&pull->list[i]);
}

static void on_look(uv_timer_t *timer)
{
	look(timer->data);
}

bool pull_now(struct agent *agent, const char *name)
{
	struct pull *pull = &agent->pull;
	bool any = false;
	size_t i;

	for (i = 0; i < pull->n; i++) {
		struct puller *p = &pull->list[i];

		if (name && strcmp(p->source->name, name))
			continue;
		any = true;
		p->next_ns = 0;
		p->again = p->transfer != NULL;
	}
	if (pull->on)
		look(pull);
	return any || !name;
}

void pull_trust_changed(struct agent *agent)
{
	size_t i;

	for (i = 0; i < agent->pull.n; i++)
		if (agent->pull.list[i].result == PULL_REJECTED)
			agent->pull.list[i].next_ns = 0;
}

/* ---- life ---- */

/* What a configured source gave needs no file, and no network after a restart. */
static bool keep_copies(struct agent *agent, const struct pull_source *source)
{
	struct source *licenses = &agent->licenses.source;
	bool any = false;
	size_t i;

	for (i = 0; i < licenses->n_files; i++)
		if (pull_is_copy(source, licenses->files[i]))
			any = licenses->files[i]->forever = true;
	return any;
}

static uint64_t first_try_ns(const struct pull_source *source, bool has_copies)
{
	int64_t spread_s =
		source->interval_s / 10 < FIRST_SPREAD_S ? source->interval_s / 10 : FIRST_SPREAD_S;
	uint64_t ms = has_copies ? randombytes_uniform((uint32_t)spread_s * 1000)
				 : randombytes_uniform(FIRST_MS);

	return clock_boot_ns() + ms * NS_PER_MS;
}

void pull_start(struct agent *agent)
{
	const struct pull_sources *sources = &agent->config.pull;
	struct pull *pull = &agent->pull;
	_free_ char *dir = NULL;
	size_t i;

	*pull = (struct pull){.on = true};
	uv_timer_init(&agent->loop, &pull->timer);
	pull->timer.data = pull;
	pull->list = calloc(sources->n + 1, sizeof(*pull->list));
	if (!pull->list || !sources->n)
		return;
	if (asprintf(&dir, "%s/pull", agent->config.state_dir) < 0)
		dir = NULL;
	else if (mkdir(dir, 0700) && errno != EEXIST)
		log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("dir", dir),
			  "can't make it: %s", strerror(errno));
	for (i = 0; i < sources->n; i++) {
		struct puller *p = &pull->list[pull->n++];
		bool copies = keep_copies(agent, &sources->list[i]);

		*p = (struct puller){.agent = agent, .source = &sources->list[i]};
		load(p);
		p->next_ns = first_try_ns(p->source, copies || p->memory.sha256[0]);
	}
	uv_timer_start(&pull->timer, on_look, LOOK_MS, LOOK_MS);
}

void pull_stop(struct agent *agent)
{
	struct pull *pull = &agent->pull;
	size_t i;

	if (!pull->on)
		return;
	pull->on = false;
	uv_close((uv_handle_t *)&pull->timer, NULL);
	for (i = 0; i < pull->n; i++) {
		transfer_cancel(pull->list[i].transfer);
		pull_memory_free(&pull->list[i].memory);
	}
	free(pull->list);
	pull->list = NULL;
	pull->n = 0;
}
