/* SPDX-License-Identifier: MIT */
/* peertable.c - the ledger's table of who connected. */
#include "peertable.h"

#include <stdlib.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "hash.h"

int peertable_each(int fd, uint32_t gate,
		   int (*each)(const struct plic_peer_key *key, const struct plic_peer *peer,
			       void *data),
		   void *data)
{
	struct record {
		struct plic_peer_key key;
		struct plic_peer peer;
	};
	_free_ struct record *list = NULL;
	size_t n = 0;
	int r = hash_read(fd, sizeof(list->key), sizeof(list->peer), (void **)&list, &n);

	for (size_t i = 0; i < n && r == 0; i++)
		if (list[i].key.gate == gate)
			r = each(&list[i].key, &list[i].peer, data);
	return r;
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
