/* SPDX-License-Identifier: MIT */
/*
 * licenses.h - the license directory: from files to views that compile_gate takes.
 *
 * A path keeps its last good copy in force when its bytes turn bad; a vanished file is held, an
 * unloaded one isn't.
 */
#ifndef PORTLIC_AGENT_LICENSES_H
#define PORTLIC_AGENT_LICENSES_H

#include "lifecycle.h"
#include "reminder.h"
#include "revocation.h"
#include "sources.h"

#define LICENSES_UNREADABLE LICENSE_N_REASONS /* one more reason: the file can't be read at all */
/* What comes from Kubernetes: "secret:SECRET:KEY", "portlicense:NAME". */
#define LICENSES_SECRET "secret:"
#define LICENSES_PORTLICENSE "portlicense:"

#define LICENSES_N_REASONS (LICENSE_N_REASONS + 1)

/* The value of a license's source_file. */
struct license_entry {
	struct license *lic; /* in force, or waiting for it; NULL: rejected */
	unsigned int reason; /* of the present bytes: enum license_reason or LICENSES_UNREADABLE */
	struct fault detail;
	enum license_state state; /* STATE_REJECTED: without lic */
	bool warn, equivocation;
	struct deadlines deadlines;
	struct reminder reminder; /* of its end, the last one */
	struct fault
		without_effect; /* why it is SUPERSEDED though no file here is above it, or "" */
};

struct memory;

struct licenses {
	struct source source, lists;
	struct revocations *revocations;
	bool lists_again; /* a list is to be tried again */
	const char *audience;
	char node[64];		    /* machine-id, "" if there is none */
	struct license_view *views; /* those with lic, in order of their files */
	struct source_file **view_files;
	size_t n_views;
	uint64_t rejected[LICENSES_N_REASONS]; /* since the start */
	struct memory *memory;
	bool resuming;	      /* the first scan, behind another agent's */
	bool clock_suspect;   /* no clock to hold an iat against */
	bool borrows;	      /* the cluster counts seats (kube_seats.h) */
	int64_t accepted_iat; /* the latest of tokens accepted since licenses_accepted */
};

struct trust;

int licenses_open(struct licenses *licenses, const char *dir, const char *audience,
		  const char *state_dir, struct fault *f);
void licenses_close(struct licenses *licenses);

/*
 * Reads the directory again; all is verified anew if the trust store is another one. true: what is
 * granted may have changed.
 */
bool licenses_scan(struct licenses *licenses, const struct trust *trust, bool trust_changed,
		   int64_t now);

/* Lets time pass: states, holds, tokens from the near future. true: as licenses_scan. */
bool licenses_tick(struct licenses *licenses, const struct trust *trust, int64_t now);

const char *licenses_reason_word(unsigned int reason);
struct license_check licenses_check(const struct licenses *licenses, const struct trust *trust,
				    int64_t now);

/* The limits in it that hold for each node by itself and are the cluster's; false: none. */
bool license_unenforced(const struct licenses *licenses, const struct license *lic, char *text,
			size_t len);

/* The file is called so, or its license line is. */
bool licenses_means(const struct source_file *file, const char *name_or_lid);

/*
 * Forgets a file (name) or all files of a license line (lid) and removes them from the directory.
 * -ENOENT: neither; -EPERM: it comes from Kubernetes, and nothing was removed; else -errno with the file that can't be removed.
 */
int licenses_unload(struct licenses *licenses, const char *name_or_lid, int64_t now,
		    struct fault *f);

/*
 * Writes why lic would be without effect though no file here is above it: a higher seq was in force
 * before. false: it isn't so.
 */
bool licenses_without_effect(const struct licenses *licenses, const struct license *lic,
			     int64_t now, struct fault *why);

/* A token of this iat was accepted: its vendor's clock has shown that time. */
void licenses_note_accepted(struct licenses *licenses, int64_t iat);

/* The latest iat of the licenses and lists that were accepted since the last call; 0: none was. */
int64_t licenses_accepted(struct licenses *licenses);

/* The latest iat of the kept copies, whatever a clock says: each was accepted once. 0: none. */
int64_t licenses_kept_iat(const struct licenses *licenses, const struct trust *trust);

/* Writes into the history what is told of each file. */
void licenses_announce(struct licenses *licenses);

/*
 * Puts in force what was fetched, as the file `name`, which need not be in the directory. The bytes
 * were read well. -ENOMEM.
 */
int licenses_keep(struct licenses *licenses, const struct trust *trust, const char *name,
		  const void *bytes, size_t len, int64_t now);

#endif
