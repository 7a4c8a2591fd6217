/* SPDX-License-Identifier: MIT */
/* marks.c - the markers of the connections that the pod opened, read and written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "gate_priv.h"
#include "hash.h"
#include "marks.h"

struct mark {
	uint64_t cookie;
	struct plic_mark_key key;
};

static int compare(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

int marks_read(const struct gate *g, struct marks *out, struct fault *f)
{
	struct __attribute__((packed)) record {
		struct plic_mark_key key;
		struct plic_mark mark;
	};
	_free_ struct record *records = NULL;
	struct mark *list;
	size_t n = 0;
	int r = hash_read(g->map[GATE_MARKS], sizeof(records->key), sizeof(records->mark),
			  (void **)&records, &n);

	list = r ? NULL : calloc(n + 1, sizeof(*list));
	if (!list)
		return fault_set(f, r ? -r : ENOMEM,
				 "can't read which connections gate \"%s\" opened: %s", g->name,
				 strerror(r ? -r : ENOMEM));
	for (size_t i = 0; i < n; i++)
		list[i] = (struct mark){records[i].mark.cookie, records[i].key};
	qsort(list, n, sizeof(*list), compare);
	*out = (struct marks){.list = list, .n = n};
	return 0;
}

bool marks_has(const struct marks *marks, const struct sock_entry *e)
{
	const struct mark key = {.cookie = e->cookie};

	return marks->n && bsearch(&key, marks->list, marks->n, sizeof(*marks->list), compare);
}

void marks_free(struct marks *marks)
{
	free(marks->list);
	*marks = (struct marks){0};
}

static int compare_cookies(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void marks_prune(const struct gate *g, const struct marks *marks, const struct sock_entry *list,
		 size_t n)
{
	_free_ uint64_t *alive = calloc(n + 1, sizeof(*alive));
	struct plic_mark now;

	for (size_t i = 0; alive && i < n; i++)
		alive[i] = list[i].cookie;
	if (!alive)
		return;
	qsort(alive, n, sizeof(*alive), compare_cookies);
	for (size_t i = 0; i < marks->n; i++) {
		const struct mark *m = &marks->list[i];

		if (bsearch(&m->cookie, alive, n, sizeof(*alive), compare_cookies))
			continue;
		/* Its ports may have a new connection meanwhile. */
		if (bpf_map_lookup_elem(g->map[GATE_MARKS], &m->key, &now) == 0 &&
		    now.cookie == m->cookie)
			bpf_map_delete_elem(g->map[GATE_MARKS], &m->key);
	}
}

int marks_put(const struct gate *g, const struct sock_entry *e)
{
	struct plic_mark mark = {.cookie = e->cookie};
	struct plic_mark_key key = {
		.remote_port = e->remote_port,
		.local_port = e->local_port,
	};

	memcpy(key.remote, e->remote, sizeof(key.remote));
	memcpy(key.local, e->local, sizeof(key.local));
	return bpf_map_update_elem(g->map[GATE_MARKS], &key, &mark, BPF_ANY);
}
