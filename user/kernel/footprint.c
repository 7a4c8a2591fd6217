/* SPDX-License-Identifier: MIT */
/* footprint.c - what the kernel charges for a gate, of its maps and programs, as fdinfo tells it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "outer.h"
#include "pins.h"

/* The line "memlock:" of a BPF map's or program's descriptor; 0: there is none. */
static uint64_t charged(int fd)
{
	uint64_t bytes = 0;
	char path[64], line[128];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	info = fd < 0 ? NULL : fopen(path, "re");
	if (!info)
		return 0;
	while (fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	fclose(info);
	return bytes;
}

/* Not all of a gate's maps are kept open. */
static int add_pinned(const char *dir, const char *name, void *data)
{
	_close_ int fd = strncmp(name, "plic_", 5) ? -1 : pins_get(dir, name);

	*(uint64_t *)data += charged(fd);
	return 0;
}

uint64_t gate_footprint(const struct gate *g)
{
	_close_ int cells = outer_get(g->node->map[NODE_SETS], g->id, NULL);
	uint64_t bytes = charged(cells) + charged(g->traffic) + charged(g->state);

	for (size_t i = 0; i < ARRAY_SIZE(g->prog); i++)
		bytes += charged(g->prog[i]);
	for (size_t i = 0; i < ARRAY_SIZE(g->host_prog); i++)
		bytes += charged(g->host_prog[i]);
	pins_each(g->dir, add_pinned, &bytes);
	return bytes;
}
