/* SPDX-License-Identifier: MIT */
/*
 * sources.h - a directory of files that the operator may change at any time.
 *
 * Each file has the bytes that were read last and the last good bytes, which its reader accepted.
 * Good bytes are kept in the state directory too, so that a restart finds them. A file that vanished
 * is held SOURCE_HOLD_S (a Kubernetes Secret is swapped by symlink); a directory that can't be read
 * takes nothing away. What comes from elsewhere than the directory stands among the files, see outside.h.
 */
#ifndef PORTLIC_AGENT_SOURCES_H
#define PORTLIC_AGENT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"

#define SOURCE_HOLD_S 60
#define SOURCE_MAX_FILES 8192
#define SOURCE_NAME_MAX 128

struct source_file {
	char *name;
	void *bytes; /* as they are in the directory; NULL: gone or unreadable */
	size_t len;
	void *good; /* accepted last; NULL: never */
	size_t good_len;
	void *value;	      /* what its reader made of the bytes in force; NULL: nothing */
	struct fault trouble; /* why it can't be read, "" if it can */
	struct fault refusal; /* why its reader refused the present bytes, "" if it didn't */
	bool too_big;	      /* that is the trouble */
	uint64_t gone_ns;     /* boot clock, when it was missed first; 0: it is there */
	bool fresh;	      /* changed since its reader looked last */
	bool seen;	      /* by the scan that runs */
	bool forever;	      /* good bytes outlive the file */
	bool unkept;	      /* good bytes that aren't on disk */
	bool outside;	      /* not of the directory: see outside.h */
};

struct source {
	const char *dir;
	const char *const *suffixes; /* NULL-terminated */
	const char *const *
		outside; /* how names of what isn't in the directory begin, NULL-terminated; NULL: none */
	bool outside_first; /* ... or before them */
	size_t max_bytes;
	char *keep_dir; /* where good bytes are kept */
	void (*free_value)(void *value);
	/*
	 * Of the zeroed value that a file from outside has until the next scan reads it: whoever asks meanwhile
	 * finds one. 0: it has none.
	 */
	size_t value_size;
	struct source_file **files; /* sorted by name, those from outside behind all others ... */
	size_t n_files;
	struct fault trouble;	 /* why the directory can't be read, "" if it can */
	struct fault unwritable; /* why good bytes can't be kept, "" if they can */
	struct fault left_out;	 /* files that aren't read, by number; "" if there are none */
	dev_t dev;
	bool second;  /* another source reads the same directory and tells its trouble */
	bool scanned; /* once at least */
	bool news;    /* from outside, since the last scan */
};

/*
 * Opens STATE_DIR/keep (made if absent) and loads its files as held ones. source: dir, suffixes,
 * max_bytes, value_size and free_value (may be NULL) are set, the rest is zero.
 */
int source_open(struct source *source, const char *state_dir, const char *keep, struct fault *f);
void source_close(struct source *source);

/* Reads the directory again. true: something is fresh, gone or over its hold, or it is the first
 * time. */
bool source_scan(struct source *source);

/* Its reader took the present bytes: they are the good ones from now on. */
void source_accept(struct source *source, struct source_file *file);

/*
 * These bytes become the good ones of `name`, which need not be in the directory and outlives the
 * file that they came from.
 */
void source_keep(struct source *source, const char *name, const void *bytes, size_t len);

/* Tries again to keep what couldn't be kept: to be called often. */
void source_keep_again(struct source *source);

/* Writes down why present bytes aren't taken, and logs it if that is news: the file is fresh. */
void source_refuse(const struct source *source, struct source_file *file, const char *event,
		   const char *why);

/* The present bytes are the good ones. */
bool source_is_good(const struct source_file *file);

/* Forgets a file, kept copy and all. Later elements of files move down. */
void source_forget(struct source *source, size_t i);

/* The file of that name, made if there is none; NULL: there is no room. */
struct source_file *source_add(struct source *source, const char *name);

struct source_file *source_find(const struct source *source, const char *name);

/* The hold of a vanished file is over. Never while the directory it was in can't be read. */
bool source_hold_over(const struct source *source, const struct source_file *file);

/* One such is there: to be asked often, since a scan comes late. */
bool source_any_over(const struct source *source);

/* Has the suffix of a source, isn't hidden and is plain UTF-8 without control characters. */
bool source_name_fits(const char *name, const char *const *suffixes);

/* A name that a request may give to a file: the same, of plain ASCII, SOURCE_NAME_MAX at most. */
bool source_name_plain(const char *name, const char *suffix);

#endif
