/* SPDX-License-Identifier: MIT */
/*
 * outside.h - files of a source that aren't in its directory: somebody puts them there, under names of their
 * own ("secret:acme:license.key"), and says when they are gone.
 *
 * They are read, refused, kept and held as those of the directory are. After a restart their kept copies
 * count as present, however long, until a whole list was put. The next scan of the source sees what changed.
 */
#ifndef PORTLIC_AGENT_OUTSIDE_H
#define PORTLIC_AGENT_OUTSIDE_H

#include "sources.h"

#define OUTSIDE_NAME_MAX 200 /* bytes: it is the name of a kept file */

/* The name begins with one of source->outside. */
bool source_is_outside(const struct source *source, const char *name);

/* These are the bytes of `name` now. false: no memory, or SOURCE_MAX_FILES are there: nothing changed. */
bool source_put(struct source *source, const char *name, const void *bytes, size_t len);

/* `name` is there and can't be read: why says so. */
bool source_put_trouble(struct source *source, const char *name, const char *why);

/* What begins so and isn't put between the two is gone: its hold begins. */
void source_list_begin(struct source *source, const char *prefix);
void source_list_end(struct source *source, const char *prefix);

/* `name` is gone: its hold begins. It need not be there. */
void source_withdraw(struct source *source, const char *name);

/* "secret/acme" of "secret:acme:license.key", as kubectl names it; false: the file isn't from outside. */
bool source_outside_origin(const struct source_file *file, char *text, size_t size);

/* In which order files stand, and count where the first one does: <0, 0, >0. */
int source_order(const struct source *source, const char *a, const char *b);

/* For sources.c: something was put, withdrawn or is over its hold since the last call. */
bool source_outside_changed(struct source *source);
/* For sources.c: its kept copy is what is there, until it is told otherwise. */
void source_outside_resume(struct source_file *file);

#endif
