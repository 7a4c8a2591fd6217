/* SPDX-License-Identifier: MIT */
/* state.c - see state.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"
#include "judge.h"
#include "rebuild.h"
#include "state.h"

#define MAX_SOCKETS 64

static struct box *box;
static int set = -1; /* the set's map: always the same, rewritten in place */
static bool published;
static uint32_t n_cells;
static int sockets[MAX_SOCKETS];
static uint32_t n_sockets;

void state_open(struct box *of)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);

	box = of;
	set = bpf_map_create(BPF_MAP_TYPE_ARRAY, "set", 4, sizeof(struct plic_cell),
			     JUDGE_MAX_CELLS, &opts);
	if (set < 0)
		die("map of cells");
}

static void write_cells(const void *cells, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	static uint32_t keys[JUDGE_MAX_CELLS];
	uint32_t count = n;

	for (uint32_t i = 0; i < n; i++)
		keys[i] = i;
	if (n && bpf_map_update_batch(set, keys, cells, &count, &opts))
		die("cells");
}

static void set_cells(const struct plic_cell *cells, uint32_t n)
{
	static struct plic_cell all[JUDGE_MAX_CELLS];
	uint32_t id = BOX_GATE, n_before = n_cells;
	int outer = bpf_map__fd(box->skel->maps.plic_sets);

	if (n > JUDGE_MAX_CELLS)
		die("too many cells");
	if (!n) {
		published = false;
		bpf_map_delete_elem(outer, &id);
		return;
	}
	memset(all, 0, sizeof(all));
	memcpy(all, cells, n * sizeof(*all));
	write_cells(all, n > n_before ? n : n_before);
	n_cells = n;
	if (!published && bpf_map_update_elem(outer, &id, &set, BPF_ANY))
		die("publish");
	published = true;
}

void state_set_rules(const struct plic_cell *cells, uint32_t n, bool rebuilt)
{
	struct ruleset built = {};

	if (!rebuilt) {
		set_cells(cells, n);
		return;
	}
	rebuild(cells, n, BOX_SLOTS, &built);
	set_cells(built.cells, built.n_cells);
	ruleset_free(&built);
}

static struct bpf_map *table(uint32_t which)
{
	struct bpf_map *const tables[] = {[TABLE_FLOWS] = box->skel->maps.plic_flows,
					  [TABLE_CLIENTS] = box->skel->maps.plic_clients,
					  [TABLE_MARKS] = box->skel->maps.plic_marks,
					  [TABLE_SOURCES] = box->skel->maps.plic_sources,
					  [TABLE_SENDERS] = box->skel->maps.plic_senders};

	return tables[which];
}

/* A value begins at a multiple of its alignment. */
static size_t value_at(struct bpf_map *map)
{
	return (bpf_map__key_size(map) + 7) / 8 * 8;
}

void state_write(uint32_t which, const uint8_t *entries, uint32_t n)
{
	struct bpf_map *map = table(which);
	size_t at = value_at(map), size = at + bpf_map__value_size(map);
	char key[64];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		bpf_map_delete_elem(bpf_map__fd(map), key);
	for (uint32_t i = 0; i < n; i++, entries += size)
		if (bpf_map_update_elem(bpf_map__fd(map), entries, entries + at, BPF_ANY))
			die("table");
	if (which == TABLE_MARKS)
		box->skel->bss->plic_marked = n > 0;
}

void state_dump(uint32_t which)
{
	struct bpf_map *map = table(which);
	int fd = bpf_map__fd(map);
	size_t at = value_at(map);
	uint8_t entry[128] = {};
	char previous[64];
	uint32_t n = 0;

	for (int err = bpf_map_get_next_key(fd, NULL, previous); !err; n++)
		err = bpf_map_get_next_key(fd, previous, previous);
	put_u32(n);
	for (int err = bpf_map_get_next_key(fd, NULL, entry); !err; n--) {
		if (bpf_map_lookup_elem(fd, entry, entry + at))
			die("dump");
		put(entry, at + bpf_map__value_size(map));
		err = bpf_map_get_next_key(fd, entry, entry);
	}
}

static int connected(const struct plic_mark_key *key)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v4 = !memcmp(key->local, mapped, sizeof(mapped));
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_port = htons(key->local_port)};
	struct sockaddr_in6 there = {.sin6_family = AF_INET6, .sin6_port = htons(key->remote_port)};
	int s = socket(AF_INET6, SOCK_DGRAM, 0), one = 1;

	/* An IPv4 socket by its mapped address: a look-up finds it as such. */
	memcpy(&here.sin6_addr, key->local, 16);
	memcpy(&there.sin6_addr, key->remote, 16);
	if (s >= 0 && !v4)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (s < 0 || bind(s, (struct sockaddr *)&here, sizeof(here)) ||
	    connect(s, (struct sockaddr *)&there, sizeof(there)))
		die("connected socket");
	return s;
}

uint32_t state_set_sockets(const uint8_t *keys, uint32_t n)
{
	while (n_sockets)
		close(sockets[--n_sockets]);
	for (; n_sockets < n && n_sockets < MAX_SOCKETS; n_sockets++) {
		struct plic_mark_key key;

		memcpy(&key, keys + n_sockets * sizeof(key), sizeof(key));
		sockets[n_sockets] = connected(&key);
	}
	return n_sockets;
}
