/* SPDX-License-Identifier: MIT */
/* peertable.c - the ledger's table of who connected, read in batches. */
#include "peertable.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "cleanup.h"

#define PEERS_BATCH 1024

int peertable_each(int fd, uint32_t gate,
		   int (*each)(const struct plic_peer_key *key, const struct plic_peer *peer,
			       void *data),
		   void *data)
{
	_free_ struct plic_peer_key *keys = calloc(PEERS_BATCH, sizeof(*keys));
	_free_ struct plic_peer *values = calloc(PEERS_BATCH, sizeof(*values));
	uint32_t batch, *from = NULL, n;
	int r = keys && values ? 0 : -ENOMEM, stop = 0;

	while (r == 0 && stop == 0) {
		n = PEERS_BATCH;
		r = bpf_map_lookup_batch(fd, from, &batch, keys, values, &n, NULL);
		if (r < 0 && r != -ENOENT) /* -ENOENT: the end */
			break;
		for (uint32_t i = 0; i < n && stop == 0; i++)
			if (keys[i].gate == gate)
				stop = each(&keys[i], &values[i], data);
		from = &batch;
	}
	if (stop)
		return stop;
	return r == -ENOENT ? 0 : r;
}

static int forget_one(const struct plic_peer_key *key, const struct plic_peer *peer, void *data)
{
	const int *fd = data;

	bpf_map_delete_elem(*fd, key);
	return 0;
}

int peertable_forget(int fd, uint32_t gate)
{
	return peertable_each(fd, gate, forget_one, &fd);
}
