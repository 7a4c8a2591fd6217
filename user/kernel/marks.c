/* SPDX-License-Identifier: MIT */
/* marks.c - the markers of the connections that the pod opened, read and written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "gate_priv.h"
#include "marks.h"

#define MARKS_BATCH 1024

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_cookies(struct marks *m, const struct plic_mark *values, size_t n)
{
	void *cookies = n ? reallocarray(m->cookies, m->n + n, sizeof(*m->cookies)) : m->cookies;

	if (n && !cookies)
		return -ENOMEM;
	m->cookies = cookies;
	for (size_t i = 0; i < n; i++)
		m->cookies[m->n++] = values[i].cookie;
	return 0;
}

int marks_read(const struct gate *g, struct marks *out, struct fault *f)
{
	_free_ struct plic_mark_key *keys = calloc(MARKS_BATCH, sizeof(*keys));
	_free_ struct plic_mark *values = calloc(MARKS_BATCH, sizeof(*values));
	_marks_ struct marks m = {0};
	uint32_t batch, *from = NULL, n;
	int r = keys && values ? 0 : -ENOMEM, more;

	while (r == 0) {
		n = MARKS_BATCH;
		r = bpf_map_lookup_batch(g->map[GATE_MARKS], from, &batch, keys, values, &n, NULL);
		if (r < 0 && r != -ENOENT) /* -ENOENT: the end */
			break;
		more = add_cookies(&m, values, n);
		r = more ? more : r;
		from = &batch;
	}
	if (r != -ENOENT)
		return fault_set(f, -r, "can't read which connections gate \"%s\" opened: %s",
				 g->name, strerror(-r));
	if (m.n)
		qsort(m.cookies, m.n, sizeof(*m.cookies), compare);
	*out = m;
	m = (struct marks){0};
	return 0;
}

bool marks_has(const struct marks *marks, const struct sock_entry *e)
{
	return marks->n &&
	       bsearch(&e->cookie, marks->cookies, marks->n, sizeof(*marks->cookies), compare);
}

void marks_free(struct marks *marks)
{
	free(marks->cookies);
	*marks = (struct marks){0};
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
