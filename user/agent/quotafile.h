/* SPDX-License-Identifier: MIT */
/*
 * quotafile.h - STATE_DIR/usage.json: what gates used of quotas, as the kernel was last seen to have it. A
 * gate that comes back goes on from there, after a restart of the pod or of the node.
 */
#ifndef PORTLIC_AGENT_QUOTAFILE_H
#define PORTLIC_AGENT_QUOTAFILE_H

#include <stdint.h>

#include "quotas.h"
#include "usage.h"

struct agent;
struct gate_entry;

struct quotafile {
	struct usage_list kept;
	struct quota_use *seen; /* at the last inspection, sorted by quota_compare() */
	size_t n_seen;
	char *path, *written; /* what the file holds */
	uint64_t saved_ns;    /* boot clock, when it was tried last */
	struct fault lost;    /* it couldn't be read at the start, "" if it could */
	struct fault trouble; /* it can't be written, "" if it can */
};

int quotafile_open(struct agent *agent); /* -ENOMEM */
void quotafile_close(struct quotafile *file);

/*
 * Takes over what the kernel has (quotas_read) and writes it down. names[id]: the gates that it is of, NULL:
 * those of the table. Of others, what is known stays until its window is over.
 */
void quotafile_take(struct agent *agent, const char *const *names, struct quota_use *list,
		    size_t n);

/* The gates of the table by id, and one that has just left it (NULL: none). The caller frees it. */
const char **quotafile_names(const struct agent *agent, const struct gate_entry *leaving);

/* What is known of a gate ("": of the node), to be given back to the kernel. *out is the caller's. */
void quotafile_of(const struct agent *agent, const char *gate, struct quota_use **out, size_t *n);

/* The last look, once no job runs. */
void quotafile_finish(struct agent *agent);

#endif
