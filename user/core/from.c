/* SPDX-License-Identifier: MIT */
/* from.c - "from" of a policy: origins, and networks as one set of prefixes. */
#include "from.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cidr.h"
#include "cleanup.h"
#include "from_pods.h"
#include "origin.h"

#define MAX_ENTRIES 256

/* A network that an entry names: what it admits, or leaves out of that. */
struct network {
	struct cidr at;
	bool except;
	uint32_t entry;
};

struct networks {
	struct network *list;
	size_t n, room;
	uint32_t n_entries; /* with a network */
};

enum entry_kind { ENTRY_NONE, ENTRY_NETWORK, ENTRY_ORIGIN, ENTRY_PODS, ENTRY_MIXED };

static int add(struct networks *to, const struct network *network)
{
	if (array_grow(&to->list, to->n, &to->room, sizeof(*to->list)))
		return -ENOMEM;
	to->list[to->n++] = *network;
	return 0;
}

static int add_except(const cJSON *item, const struct network *of, struct networks *to,
		      struct fault *f)
{
	struct network except = {0};
	int err = cidr_parse("except", item, &except.at, f);

	if (err)
		return err;
	except.except = true;
	except.entry = of->entry;
	if (!cidr_covers(&of->at, &except.at))
		return fault_set(f, EINVAL,
				 "\"except\": \"%s\" isn't within the entry's \"cidr\"; remove it "
				 "or correct one of them",
				 item->valuestring);
	return add(to, &except);
}

static int read_network(const cJSON *object, struct networks *to, struct fault *f)
{
	struct network mapped = {.at = cidr_ipv4, .except = true}, network = {0};
	const cJSON *except = NULL, *item;
	int err = cidr_parse("cidr", json_get(object, "cidr"), &network.at, f);

	if (!err)
		err = json_array(object, "except", 0, FROM_MAX_PREFIXES, &except, f);
	if (err)
		return err;
	network.entry = mapped.entry = to->n_entries++;
	err = add(to, &network);
	if (!err && network.at.len < cidr_ipv4.len && cidr_covers(&network.at, &mapped.at))
		err = add(to, &mapped); /* "::/0" is all of IPv6, and IPv4 is no part of that */
	cJSON_ArrayForEach (item, except)
		if (!err)
			err = add_except(item, &network, to, f);
	if (!err && to->n > FROM_MAX_PREFIXES)
		return fault_set(f, EINVAL, "more than %d networks; join some", FROM_MAX_PREFIXES);
	return err;
}

static int read_origins(const cJSON *object, uint16_t *origins, struct fault *f)
{
	const cJSON *array = NULL, *item;
	int err = json_array(object, "origin", 1, PLIC_N_ORIGINS, &array, f);

	if (err)
		return err;
	cJSON_ArrayForEach (item, array) {
		const char *word = json_string_value(item, 1, 64);
		int origin = word ? origin_of_word(word) : -1;

		if (origin < 0)
			return fault_set(f, EINVAL,
					 "\"origin\": \"%s\" is none; there are same-container, "
					 "sibling, runtime, node, probe, pod, external, unknown",
					 word ? word : "?");
		*origins |= (uint16_t)(1U << origin);
	}
	return 0;
}

/* An entry is one of these, for of several entries one is enough. */
static enum entry_kind kind_of(const cJSON *object)
{
	bool network = json_get(object, "cidr") || json_get(object, "except");
	bool origin = json_get(object, "origin");
	bool pods = json_get(object, "podSelector") || json_get(object, "namespaceSelector");

	if (network + origin + pods > 1)
		return ENTRY_MIXED;
	return network ? ENTRY_NETWORK : origin ? ENTRY_ORIGIN : pods ? ENTRY_PODS : ENTRY_NONE;
}

static int check_entry(const cJSON *object, enum entry_kind kind, struct fault *f)
{
	static const char *const none[] = {NULL}, *const of_network[] = {"cidr", "except", NULL},
				 *const of_origin[] = {"origin", NULL},
				 *const of_pods[] = {"podSelector", "namespaceSelector", NULL};
	static const char *const *const known[] = {none, of_network, of_origin, of_pods};
	const char *unknown;

	if (kind == ENTRY_MIXED)
		return fault_set(f, EINVAL,
				 "has more than one of networks, origins and pods; of several "
				 "entries one is enough, so write one for each");
	unknown = json_unknown(object, known[kind]);
	if (unknown)
		return fault_set(f, EINVAL,
				 "unknown member \"%.64s\"; remove it or correct its name",
				 unknown);
	if (kind == ENTRY_NONE)
		return fault_set(f, EINVAL,
				 "names nobody; give it \"cidr\", \"origin\", \"podSelector\" or "
				 "\"namespaceSelector\"");
	if (kind == ENTRY_NETWORK && !json_get(object, "cidr"))
		return fault_set(f, EINVAL, "\"except\" of what? \"cidr\" is missing");
	return 0;
}

static int read_entry(const cJSON *object, struct networks *to, struct from *from, struct fault *f)
{
	enum entry_kind kind = kind_of(object);
	int err = check_entry(object, kind, f);

	if (err)
		return err;
	if (kind == ENTRY_NETWORK)
		return read_network(object, to, f);
	if (kind == ENTRY_ORIGIN)
		return read_origins(object, &from->origins, f);
	err = from_pods_read(object, &from->pods[from->n_pods], f);
	from->n_pods += !err;
	return err;
}

/* By address; of one address the shorter prefix first, which covers the others. */
static int by_prefix(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int r = memcmp(x->at.address, y->at.address, sizeof(x->at.address));

	return r ? r : x->at.len - y->at.len;
}

/* Walks down the prefixes; what is around the present one is on the stack. */
struct walk {
	const struct network **around;
	bool *in; /* in[i]: what the longest prefix up to around[i] says */
	size_t depth;
	uint32_t *cidrs, *excepts; /* of each entry, around the present prefix */
	size_t n_admitting;	   /* entries with a cidr and no except around it */
};

static void count(struct walk *w, const struct network *network, int by)
{
	uint32_t i = network->entry;

	w->n_admitting -= w->cidrs[i] && !w->excepts[i];
	*(network->except ? &w->excepts[i] : &w->cidrs[i]) += (uint32_t)by;
	w->n_admitting += w->cidrs[i] && !w->excepts[i];
}

static void leave(struct walk *w, const struct network *next)
{
	while (w->depth && !cidr_covers(&w->around[w->depth - 1]->at, &next->at))
		count(w, w->around[--w->depth], -1);
}

static struct source_prefix source_prefix_of(const struct cidr *at, bool in)
{
	struct source_prefix prefix = {.len = at->len, .in = in};

	memcpy(prefix.address, at->address, sizeof(prefix.address));
	return prefix;
}

/* Only a prefix that says something else than the one around it is needed. */
static void walk(struct walk *w, const struct network *list, size_t n, struct source_set *set)
{
	for (size_t i = 0; i < n; i++) {
		bool before, in;

		leave(w, &list[i]);
		before = w->depth && w->in[w->depth - 1];
		w->around[w->depth] = &list[i];
		count(w, &list[i], 1);
		w->in[w->depth++] = before;
		if (i + 1 < n && !by_prefix(&list[i], &list[i + 1]))
			continue; /* the same prefix once more */
		in = w->n_admitting;
		w->in[w->depth - 1] = in;
		if (in == before)
			continue;
		set->prefixes[set->n_prefixes++] = source_prefix_of(&list[i].at, in);
	}
}

static uint32_t digest_end(crypto_hash_sha256_state *state)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	uint32_t id;

	crypto_hash_sha256_final(state, sum);
	memcpy(&id, sum, sizeof(id));
	return id ? id : 1; /* 0 is none */
}

/* Of the networks, and of the pods if there are any. */
static int digest(const struct source_set *set, const struct from *from, uint32_t *id)
{
	crypto_hash_sha256_state state;
	int err = 0;

	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < set->n_prefixes; i++) {
		const struct source_prefix *p = &set->prefixes[i];
		const uint8_t tail[2] = {p->len, p->in};

		crypto_hash_sha256_update(&state, p->address, sizeof(p->address));
		crypto_hash_sha256_update(&state, tail, sizeof(tail));
	}
	if (from->n_pods)
		err = from_pods_digest(from->pods, from->n_pods, &state);
	*id = err ? 0 : digest_end(&state);
	return err;
}

uint32_t from_set_id(const struct from *from, const char *namespace)
{
	crypto_hash_sha256_state state;
	bool own = false;

	for (size_t i = 0; i < from->n_pods; i++)
		own |= !from->pods[i].namespaces;
	if (!own)
		return from->set.id;
	if (!namespace)
	namespace = ""; /* no namespace has that name */
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)&from->set.id,
				  sizeof(from->set.id));
	crypto_hash_sha256_update(&state, (const unsigned char *)namespace, strlen(namespace));
	return digest_end(&state);
}

static int make_set(const struct networks *networks, struct from *from)
{
	size_t n = networks->n;
	_free_ const struct network **around = calloc(n + 1, sizeof(*around));
	_free_ bool *in = calloc(n + 1, sizeof(*in));
	_free_ uint32_t *cidrs = calloc(networks->n_entries + 1, sizeof(*cidrs));
	_free_ uint32_t *excepts = calloc(networks->n_entries + 1, sizeof(*excepts));
	struct walk w = {.around = around, .in = in, .cidrs = cidrs, .excepts = excepts};
	struct source_set set = {.prefixes = calloc(n + 1, sizeof(*set.prefixes))};

	if (!around || !in || !cidrs || !excepts || !set.prefixes) {
		free(set.prefixes);
		return -ENOMEM;
	}
	if (n)
		qsort(networks->list, n, sizeof(*networks->list), by_prefix);
	walk(&w, networks->list, n, &set);
	if ((set.n_prefixes || from->n_pods) && digest(&set, from, &set.id)) {
		free(set.prefixes);
		return -ENOMEM;
	}
	if (!set.n_prefixes)
		free(TAKE_PTR(set.prefixes));
	from->set = set;
	return 0;
}

static int read_entries(const cJSON *array, struct networks *to, struct from *from, struct fault *f)
{
	const cJSON *item;
	size_t i = 0;

	from->pods = calloc((size_t)cJSON_GetArraySize(array), sizeof(*from->pods));
	if (!from->pods)
		return fault_set(f, ENOMEM, "\"from\": out of memory");
	cJSON_ArrayForEach (item, array) {
		struct fault why = {0};
		int err = cJSON_IsObject(item) ? read_entry(item, to, from, &why)
					       : fault_set(&why, EINVAL, "must be an object");

		if (err)
			return fault_set(f, -err, "\"from\"[%zu]: %s", i,
					 why.text[0] ? why.text : "out of memory");
		i++;
	}
	if (!from->n_pods)
		free(TAKE_PTR(from->pods));
	return 0;
}

int from_parse(const cJSON *object, struct from *out, struct fault *f)
{
	_cleanup_(from_free) struct from from = {0};
	_free_ struct network *list = NULL;
	struct networks networks = {0};
	const cJSON *array = NULL;
	int err = json_array(object, "from", 1, MAX_ENTRIES, &array, f);

	if (err || !array)
		return err;
	err = read_entries(array, &networks, &from, f);
	list = networks.list;
	if (!err && make_set(&networks, &from))
		err = fault_set(f, ENOMEM, "\"from\": out of memory");
	if (err)
		return err;
	if (!from.origins && !from.set.id)
		return fault_set(f, EINVAL, "\"from\": its exceptions leave nobody");
	*out = from;
	from = (struct from){0};
	return 0;
}

void from_free(struct from *from)
{
	free(from->set.prefixes);
	from_pods_free(from->pods, from->n_pods);
	*from = (struct from){0};
}
