/* SPDX-License-Identifier: MIT */
/* memory.c - reads state.json at the start, writes it when something in it changed. */
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "file.h"
#include "log.h"

#define SAVE_NS (60 * 1000000000ULL) /* so much of the mark is lost with a power cut at most */
#define RETRY_NS (5 * 1000000000ULL) /* after a failure */

/* An agent was here before: it kept something. */
static bool been_here(const struct agent *agent)
{
	return agent->licenses.source.n_files || agent->licenses.lists.n_files ||
	       agent->vendors.source.n_files;
}

static void set_aside(struct memory *memory, const char *why)
{
	fault_set(&memory->lost, EBADMSG,
		  "\"%s\" couldn't be read (%s); %s \"%s.bad\", and what it held was rebuilt "
		  "from the kept licenses: a lower seq may be in force again",
		  memory->path, why, file_set_aside(memory->path), memory->path);
}

/* true: it was there, and whole. */
static bool load(struct agent *agent)
{
	struct memory *memory = &agent->memory;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0;
	int err = file_read(memory->path, HISTORY_MAX_BYTES, &bytes, &len, &why);

	if (err == -ENOENT) {
		if (been_here(agent))
			fault_set(&memory->lost, ENOENT,
				  "\"%s\" is missing; what it held was rebuilt from the kept "
				  "licenses: a lower seq may be in force again",
				  memory->path);
	} else {
		if (!err)
			err = history_parse("it", bytes, len, &memory->history, &why);
		if (err)
			set_aside(memory, why.text[0] ? why.text : strerror(-err));
	}
	if (memory->lost.text[0])
		log_event(LOG_ERROR, "state_lost", LOG_FIELDS("file", memory->path), "%s",
			  memory->lost.text);
	return !err;
}

int memory_open(struct agent *agent)
{
	struct memory *memory = &agent->memory;

	if (asprintf(&memory->path, "%s/state.json", agent->config.state_dir) < 0) {
		memory->path = NULL;
		return -ENOMEM;
	}
	agent->licenses.memory = memory;
	agent->licenses.resuming = load(agent);
	return 0;
}

void memory_close(struct memory *memory)
{
	history_free(&memory->history);
	free(memory->path);
}

static void unwritable(struct memory *memory, const struct fault *f)
{
	bool news = strcmp(memory->trouble.text, f->text);

	memory->trouble = *f;
	if (news)
		log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("file", memory->path),
			  "a restart won't know the clock and the licenses as they are now: %s",
			  f->text);
}

void memory_save(struct agent *agent)
{
	struct memory *memory = &agent->memory;
	_free_ char *text = NULL;
	struct fault f = {0};

	memory->saved_ns = clock_boot_ns();
	clock_save(&agent->clock, &memory->history);
	licenses_announce(&agent->licenses);
	text = history_print(&memory->history);
	if (!text)
		fault_set(&f, ENOMEM, "out of memory");
	if (f.text[0] || file_replace(memory->path, text, strlen(text), 0600, &f)) {
		unwritable(memory, &f);
		return;
	}
	memory->trouble = (struct fault){0};
	memory->changed = false;
}

void memory_tick(struct agent *agent)
{
	struct memory *memory = &agent->memory;
	bool failed = memory->trouble.text[0];
	bool late = clock_boot_ns() - memory->saved_ns >= (failed ? RETRY_NS : SAVE_NS);

	if (late || (memory->changed && !failed))
		memory_save(agent);
}
