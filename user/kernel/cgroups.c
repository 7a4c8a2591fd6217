/* SPDX-License-Identifier: MIT */
/* cgroups.c - from the processes of the node to what each cgroup is. */
#include "cgroups.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "cgroup.h"
#include "cleanup.h"
#include "gate_priv.h"
#include "hash.h"
#include "processes.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define SETTLED_S 2

/* All processes of one container or service, or of a cgroup that was made by hand. */
struct group {
	const char *path; /* with len bytes */
	size_t len;
	bool named, runtime;
	int pid;		   /* the oldest one ... */
	uint64_t netns;		   /* ... and where it is */
	const struct group *whole; /* what it is a part of after all, or itself */
};

struct member {
	const struct process *process;
	struct cgroup_unit unit;
};

struct scan {
	char root[PATH_MAX]; /* of the hierarchy */
	struct processes processes;
	struct member *members; /* sorted by unit, then by cgroup */
	struct group *groups;	/* sorted by path */
	size_t n_groups;
	const struct gate_place *gates;
	size_t n_gates;
};

/* One cgroup with processes: the whole that it is a part of, and what that is. */
struct known {
	uint64_t id, whole;
	struct plic_cgroup is;
};

struct cgroup_table {
	struct known *list; /* sorted by id */
	size_t n;
};

static void scan_free(struct scan *s)
{
	processes_free(&s->processes);
	free(s->members);
	free(s->groups);
}

void cgroup_table_free(struct cgroup_table *table)
{
	if (table)
		free(table->list);
	free(table);
}

static void cleanup_table(struct cgroup_table **table)
{
	cgroup_table_free(*table);
}

/* ---- the hierarchy ---- */

static enum cgroups_support find_root(char root[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	enum cgroups_support support = CGROUPS_NONE;
	char buffer[2 * PATH_MAX];
	struct mntent entry;

	while (mounts && support != CGROUPS_WHOLE &&
	       getmntent_r(mounts, &entry, buffer, sizeof(buffer))) {
		if (strcmp(entry.mnt_type, "cgroup2") || strlen(entry.mnt_dir) >= PATH_MAX)
			continue;
		support = strcmp(entry.mnt_dir, CGROUP_ROOT) ? CGROUPS_HYBRID : CGROUPS_WHOLE;
		strcpy(root, entry.mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return support;
}

enum cgroups_support cgroups_support(void)
{
	char root[PATH_MAX];

	return find_root(root);
}

/* On machines of 64 bits a cgroup's id is the inode number of its directory. 0: it has gone. */
static uint64_t id_of(const struct scan *s, const char *path, size_t len)
{
	char full[2 * PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(full, sizeof(full), "%s%.*s", s->root, (int)len, path) >= sizeof(full))
		return 0;
	return stat(full, &st) < 0 ? 0 : st.st_ino;
}

/* ---- groups ---- */

static int compare_texts(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r ? r : (a_len > b_len) - (a_len < b_len);
}

static int by_unit(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	const char *p = x->process->cgroup, *q = y->process->cgroup;

	return compare_texts(p, x->unit.len, q, y->unit.len) ?: strcmp(p, q);
}

static int by_path(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return compare_texts(x->path, x->len, y->path, y->len);
}

/* When they began is asked for only where they are in several namespaces. */
static bool is_older(const struct process *p, const struct group *g)
{
	uint64_t start, since;

	if (p->netns == g->netns)
		return p->pid < g->pid;
	start = process_start(p->pid);
	since = process_start(g->pid);
	return start && (!since || start < since || (start == since && p->pid < g->pid));
}

static void take_older(struct group *g, const struct process *p)
{
	if (!is_older(p, g))
		return;
	g->pid = p->pid;
	g->netns = p->netns;
}

static void make_groups(struct scan *s)
{
	for (size_t i = 0; i < s->processes.n; i++) {
		const struct process *p = s->members[i].process;
		struct cgroup_unit unit = s->members[i].unit;
		struct group *last = s->n_groups ? &s->groups[s->n_groups - 1] : NULL;

		if (last && !compare_texts(last->path, last->len, p->cgroup, unit.len))
			take_older(last, p);
		else
			s->groups[s->n_groups++] = (struct group){.path = p->cgroup,
								  .len = unit.len,
								  .named = unit.named,
								  .runtime = unit.runtime,
								  .pid = p->pid,
								  .netns = p->netns};
	}
}

/*
 * What was made by hand has no name that says where a container ends: it is all that lies below the highest
 * cgroup with processes of the same namespace.
 */
static void find_whole(const struct scan *s, struct group *g)
{
	g->whole = g;
	if (g->named)
		return;
	for (size_t len = 2; len < g->len; len++) {
		const struct group key = {.path = g->path, .len = len}, *above;

		if (g->path[len] != '/')
			continue;
		above = bsearch(&key, s->groups, s->n_groups, sizeof(key), by_path);
		if (above && !above->named && above->netns == g->netns) {
			g->whole = above;
			return;
		}
	}
}

static int read_groups(struct scan *s, char *const *runtimes, size_t n_runtimes, struct fault *f)
{
	int r = processes_read(&s->processes, f);

	if (r < 0)
		return r;
	s->members = calloc(s->processes.n + 1, sizeof(*s->members));
	s->groups = calloc(s->processes.n + 1, sizeof(*s->groups));
	if (!s->members || !s->groups)
		return fault_set(f, ENOMEM, "no memory for the cgroups of the node");
	for (size_t i = 0; i < s->processes.n; i++) {
		const struct process *p = &s->processes.list[i];

		if (!strncmp(p->cgroup, "/..", 3))
			return fault_set(
				f, EOPNOTSUPP,
				"the agent is in a cgroup namespace of its own and sees no "
				"other cgroups: run it in that of the node");
		s->members[i] = (struct member){p, cgroup_unit(p->cgroup, runtimes, n_runtimes)};
	}
	qsort(s->members, s->processes.n, sizeof(*s->members), by_unit);
	make_groups(s);
	for (size_t i = 0; i < s->n_groups; i++)
		find_whole(s, &s->groups[i]);
	return 0;
}

/* ---- what they are ---- */

/*
 * A container is in its cgroup before it is in its namespace: what has just begun is left unknown, and looked
 * at again as soon as it sends.
 */
static bool has_just_begun(const struct group *g)
{
	const uint64_t per_s = (uint64_t)sysconf(_SC_CLK_TCK);

	return boot_now_ns() / (1000000000 / per_s) < process_start(g->pid) + SETTLED_S * per_s;
}

/* The top of the hierarchy is nobody's container. */
static struct plic_cgroup judge(const struct scan *s, const struct group *g)
{
	if (g->runtime)
		return (struct plic_cgroup){.origin = PLIC_ORIGIN_RUNTIME};
	for (size_t i = 0; i < s->n_gates && g->len > 1; i++)
		if (s->gates[i].netns == g->netns)
			return (struct plic_cgroup){.gate = s->gates[i].id,
						    .origin = PLIC_ORIGIN_SIBLING};
	return (struct plic_cgroup){.origin = has_just_begun(g) ? PLIC_ORIGIN_UNKNOWN
								: PLIC_ORIGIN_NODE};
}

static void add_known(struct cgroup_table *to, uint64_t id, uint64_t whole, struct plic_cgroup is)
{
	if (id && whole && is.origin)
		to->list[to->n++] = (struct known){id, whole, is};
}

static int by_id(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* NODE speaks for the cgroup alone, all else for the whole. */
static void add_group(const struct scan *s, const struct group *g, size_t *member,
		      struct cgroup_table *to)
{
	struct plic_cgroup is = judge(s, g->whole);
	uint64_t whole = id_of(s, g->whole->path, g->whole->len);
	const char *last = NULL;

	add_known(to, whole, whole, is);
	for (; *member < s->processes.n; (*member)++) {
		const struct member *m = &s->members[*member];
		const char *path = m->process->cgroup;
		uint64_t id;

		if (compare_texts(g->path, g->len, path, m->unit.len))
			return;
		if (last && !strcmp(last, path))
			continue;
		last = path;
		id = id_of(s, path, strlen(path));
		add_known(to, id, is.origin == PLIC_ORIGIN_NODE ? id : whole, is);
	}
}

static struct cgroup_table *make_table(const struct scan *s)
{
	struct cgroup_table *table = calloc(1, sizeof(*table));
	size_t member = 0, n = 0;

	if (table)
		table->list = calloc(2 * s->processes.n + 1, sizeof(*table->list));
	if (!table || !table->list) {
		cgroup_table_free(table);
		return NULL;
	}
	for (size_t i = 0; i < s->n_groups; i++)
		add_group(s, &s->groups[i], &member, table);
	qsort(table->list, table->n, sizeof(*table->list), by_id);
	for (size_t i = 0; i < table->n; i++)
		if (!i || table->list[i].id != table->list[n - 1].id)
			table->list[n++] = table->list[i];
	table->n = n;
	return table;
}

/* ---- into the kernel ---- */

static const struct known *find_known(const struct cgroup_table *table, uint64_t id)
{
	const struct known key = {.id = id};

	return table ? bsearch(&key, table->list, table->n, sizeof(key), by_id) : NULL;
}

static bool is_whole(const struct known *k)
{
	return k && k->id == k->whole;
}

/* What an earlier agent left. */
static void forget_others(int map, const struct cgroup_table *table)
{
	struct record {
		uint64_t id;
		struct plic_cgroup is;
	};
	_free_ struct record *before = NULL;
	size_t n = 0;

	hash_read(map, sizeof(before->id), sizeof(before->is), (void **)&before, &n);
	for (size_t i = 0; i < n; i++)
		if (!is_whole(find_known(table, before[i].id)))
			bpf_map_delete_elem(map, &before[i].id);
}

static int write_table(int map, const struct cgroup_table *before, const struct cgroup_table *now,
		       struct fault *f)
{
	int r = 0;

	if (!before)
		forget_others(map, now);
	for (size_t i = 0; before && i < before->n; i++)
		if (is_whole(&before->list[i]) && !is_whole(find_known(now, before->list[i].id)))
			bpf_map_delete_elem(map, &before->list[i].id);
	for (size_t i = 0; i < now->n && r == 0; i++) {
		const struct known *k = &now->list[i], *was = find_known(before, k->id);

		if (is_whole(k) && !(is_whole(was) && !memcmp(&was->is, &k->is, sizeof(k->is))))
			r = bpf_map_update_elem(map, &k->id, &k->is, BPF_ANY);
	}
	return r < 0 ? fault_set(f, -r, "can't write what the cgroups of the node are: %s",
				 strerror(-r))
		     : 0;
}

int cgroups_scan(struct node *node, const struct gate_place *gates, size_t n_gates,
		 char *const *runtimes, size_t n_runtimes, struct fault *f)
{
	_cleanup_(scan_free) struct scan s = {.gates = gates, .n_gates = n_gates};
	_cleanup_(cleanup_table) struct cgroup_table *table = NULL;
	int r;

	if (find_root(s.root) == CGROUPS_NONE)
		return fault_set(f, EOPNOTSUPP, "this node has no cgroup v2");
	r = read_groups(&s, runtimes, n_runtimes, f);
	if (r < 0)
		return r;
	table = make_table(&s);
	if (!table)
		return fault_set(f, ENOMEM, "no memory for the cgroups of the node");
	r = write_table(node->map[NODE_CGROUPS], node->cgroups, table, f);
	cgroup_table_free(node->cgroups);
	node->cgroups = r < 0 ? NULL : TAKE_PTR(table);
	return r;
}

uint64_t cgroups_whole(const struct node *node, uint64_t id)
{
	const struct known *k = find_known(node->cgroups, id);

	return k ? k->whole : id;
}

bool cgroups_stranger(struct node *node, uint32_t *gate)
{
	uint64_t key = PLIC_CGROUP_STRANGER;
	struct plic_cgroup mark;

	if (bpf_map_lookup_elem(node->map[NODE_CGROUPS], &key, &mark))
		return false;
	bpf_map_delete_elem(node->map[NODE_CGROUPS], &key);
	*gate = mark.gate;
	return true;
}
