/* SPDX-License-Identifier: MIT */
/* test_sources.c - networks in the kernel's trie: put, kept, dropped; what cgroups are; who listens. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cgroups.h"
#include "scene.h"
#include "sourcesets.h"

#define ABSENT UINT32_MAX

static struct cidr cidr(const char *address, int len)
{
	struct cidr c = {.address = {[10] = 0xff, [11] = 0xff}, .len = (uint8_t)(96 + len)};

	assert_int_equal(inet_pton(AF_INET, address, c.address + 12), 1);
	return c;
}

/* What the longest prefix of an address in a set says. */
static uint32_t look_up(struct scene *s, uint32_t set, const char *address)
{
	struct plic_source_key key = {.prefixlen = 32 + 128, .set = set};
	struct cidr c = cidr(address, 32);
	uint32_t value;

	memcpy(key.address, c.address, sizeof(key.address));
	return bpf_map_lookup_elem(s->node->map[NODE_SOURCES], &key, &value) ? ABSENT : value;
}

static struct source_prefix prefix(const char *address, int len, bool in)
{
	struct cidr c = cidr(address, len);
	struct source_prefix p = {.len = c.len, .in = in};

	memcpy(p.address, c.address, sizeof(p.address));
	return p;
}

static void puts_and_keeps_sets(void **state)
{
	struct source_prefix a[] = {prefix("10.0.0.0", 8, true), prefix("10.9.0.0", 16, false)};
	struct source_prefix b[] = {prefix("10.9.0.0", 16, true)};
	struct source_set one = {.id = 71, .prefixes = a, .n_prefixes = 2};
	struct source_set two = {.id = 72, .prefixes = b, .n_prefixes = 1};
	const struct source_set *sets[] = {&one, &two};
	const struct origin_network pod = {cidr("10.9.0.0", 16), PLIC_ORIGIN_POD};
	struct scene *s = *state;
	struct fault f = {0};

	must(sourcesets_origins(s->node, &pod, 1, &f), &f);
	must(sourcesets_put(s->node, sets, 2, &f), &f);
	assert_int_equal(look_up(s, 71, "10.1.2.3"), 1);
	assert_int_equal(look_up(s, 71, "10.9.2.3"), 0);
	assert_int_equal(look_up(s, 71, "11.1.2.3"), ABSENT);
	assert_int_equal(look_up(s, 72, "10.9.2.3"), 1);
	must(sourcesets_keep(s->node, (uint32_t[]){72}, 1, &f), &f);
	assert_int_equal(look_up(s, 71, "10.1.2.3"), ABSENT);
	assert_int_equal(look_up(s, 72, "10.9.2.3"), 1);
	must(sourcesets_keep(s->node, NULL, 0, &f), &f);
	assert_int_equal(look_up(s, 72, "10.9.2.3"), ABSENT);
	assert_int_equal(look_up(s, PLIC_SOURCES_ORIGINS, "10.9.2.3"), PLIC_ORIGIN_POD);
}

static struct source_change change(uint32_t set, const char *address, bool in,
				   enum source_under under)
{
	struct source_change c = {.set = set, .in = in, .under = under};
	struct cidr at = cidr(address, 32);

	memcpy(c.address, at.address, sizeof(c.address));
	return c;
}

/* Pods come and go in a set that is in force, and is put again meanwhile. */
static void pods_come_and_go(void **state)
{
	struct source_prefix a[] = {prefix("10.0.0.0", 8, true), prefix("10.9.0.0", 16, false),
				    prefix("10.9.0.5", 32, true), prefix("10.0.0.5", 32, false)};
	struct source_set one = {.id = 71, .prefixes = a, .n_prefixes = 4};
	struct source_set none = {.id = 72};
	const struct source_set *sets[] = {&one, &none};
	struct source_change come[] = {change(71, "10.9.0.1", true, SOURCE_UNDER_NONE),
				       change(71, "10.9.0.5", true, SOURCE_UNDER_IN),
				       change(71, "10.0.0.5", true, SOURCE_UNDER_OUT),
				       change(72, "10.9.0.1", true, SOURCE_UNDER_NONE)};
	struct scene *s = *state;
	struct fault f = {0};

	must(sourcesets_put(s->node, sets, 2, &f), &f);
	assert_int_equal(look_up(s, 72, "10.9.0.1"), ABSENT); /* no pod yet: nobody */
	for (int round = 0; round < 2; round++) {
		must(sourcesets_change(s->node, come, 4, &f), &f);
		must(sourcesets_put(s->node, sets, 2, &f), &f); /* by an apply */
		for (size_t i = 0; i < 4; i++) {
			assert_true(come[i].done);
			come[i].done = false;
		}
		assert_true(look_up(s, 71, "10.9.0.1") & PLIC_SOURCE_POD);
		assert_int_equal(look_up(s, 71, "10.9.0.2"), 0); /* still left out */
		assert_true(look_up(s, 71, "10.9.0.5") & PLIC_SOURCE_POD);
		assert_true(look_up(s, 71, "10.0.0.5") & PLIC_SOURCE_POD);
		assert_true(look_up(s, 72, "10.9.0.1") & PLIC_SOURCE_POD);
	}
	for (size_t i = 0; i < 4; i++)
		come[i].in = false;
	for (int round = 0; round < 2; round++) { /* one that is gone may go again */
		must(sourcesets_change(s->node, come, 4, &f), &f);
		must(sourcesets_put(s->node, sets, 2, &f), &f);
		assert_int_equal(look_up(s, 71, "10.9.0.1"), 0);
		assert_int_equal(look_up(s, 71, "10.9.0.5"), 1);
		assert_int_equal(look_up(s, 71, "10.0.0.5"), 0);
		assert_int_equal(look_up(s, 72, "10.9.0.1"), ABSENT);
	}
}

/* What an agent finds that starts: the pods, and no network. */
static void tells_pods(void **state)
{
	struct source_prefix a[] = {prefix("10.0.0.5", 32, false), prefix("10.0.0.6", 32, true)};
	struct source_set one = {.id = 71, .prefixes = a, .n_prefixes = 2};
	const struct source_set *sets[] = {&one};
	struct source_change come[] = {change(71, "10.0.0.5", true, SOURCE_UNDER_OUT),
				       change(72, "10.9.0.1", true, SOURCE_UNDER_NONE)};
	struct source_change *found = NULL;
	struct scene *s = *state;
	struct fault f = {0};
	size_t n = 0;

	must(sourcesets_put(s->node, sets, 1, &f), &f);
	must(sourcesets_change(s->node, come, 2, &f), &f);
	must(sourcesets_pods(s->node, &found, &n), &f);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		const struct source_change *as = &come[found[i].set != 71];

		assert_int_equal(found[i].set, as->set);
		assert_memory_equal(found[i].address, as->address, 16);
		assert_int_equal(found[i].under, as->under);
		assert_true(found[i].in && found[i].done);
	}
	free(found);
	must(sourcesets_keep(s->node, NULL, 0, &f), &f);
	found = NULL;
	must(sourcesets_pods(s->node, &found, &n), &f);
	assert_int_equal(n, 0);
	free(found);
}

static void replaces_origins(void **state)
{
	const struct origin_network before[] = {
		{cidr("10.0.0.1", 32), PLIC_ORIGIN_NODE},
		{cidr("10.0.0.1", 32), PLIC_ORIGIN_POD}, /* twice: the first holds */
		{cidr("10.0.0.0", 8), PLIC_ORIGIN_POD},
	};
	struct scene *s = *state;
	struct fault f = {0};

	must(sourcesets_origins(s->node, before, 3, &f), &f);
	assert_int_equal(look_up(s, PLIC_SOURCES_ORIGINS, "10.0.0.1"), PLIC_ORIGIN_NODE);
	assert_int_equal(look_up(s, PLIC_SOURCES_ORIGINS, "10.0.0.2"), PLIC_ORIGIN_POD);
	must(sourcesets_origins(s->node, before + 2, 1, &f), &f);
	assert_int_equal(look_up(s, PLIC_SOURCES_ORIGINS, "10.0.0.1"), PLIC_ORIGIN_POD);
	must(sourcesets_origins(s->node, NULL, 0, &f), &f);
	assert_int_equal(look_up(s, PLIC_SOURCES_ORIGINS, "10.0.0.2"), ABSENT);
}

static void says_when_full(void **state)
{
	struct source_prefix *many = calloc(PLIC_MAX_SOURCES + 1, sizeof(*many));
	struct source_set set = {.id = 73, .prefixes = many, .n_prefixes = PLIC_MAX_SOURCES + 1};
	const struct source_set *sets[] = {&set};
	struct scene *s = *state;
	struct fault f = {0};

	assert_non_null(many);
	for (uint32_t i = 0; i < set.n_prefixes; i++) {
		char address[INET_ADDRSTRLEN];

		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255,
			 i & 255);
		many[i] = prefix(address, 32, true);
	}
	assert_int_equal(sourcesets_put(s->node, sets, 1, &f), -ENOSPC);
	assert_non_null(strstr(f.text, "more than the 65536 that fit"));
	must(sourcesets_keep(s->node, NULL, 0, &f), &f);
	set.n_prefixes = 1;
	must(sourcesets_put(s->node, sets, 1, &f), &f);
	free(many);
}

/* Who has no room is told; the others are in, and who goes makes room first. */
static void pods_without_room(void **state)
{
	struct source_change *many = calloc(PLIC_MAX_SOURCES + 1, sizeof(*many));
	struct source_change swap[] = {change(74, "11.0.0.1", true, SOURCE_UNDER_NONE),
				       change(74, "10.0.0.0", false, SOURCE_UNDER_NONE)};
	struct scene *s = *state;
	struct fault f = {0};
	size_t done = 0;

	assert_non_null(many);
	for (uint32_t i = 0; i <= PLIC_MAX_SOURCES; i++) {
		char address[INET_ADDRSTRLEN];

		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255,
			 i & 255);
		many[i] = change(74, address, true, SOURCE_UNDER_NONE);
	}
	assert_int_equal(sourcesets_change(s->node, many, PLIC_MAX_SOURCES + 1, &f), -ENOSPC);
	assert_non_null(strstr(f.text, "more than the 65536 that fit"));
	for (uint32_t i = 0; i <= PLIC_MAX_SOURCES; i++)
		done += many[i].done;
	assert_int_equal(done, PLIC_MAX_SOURCES);
	assert_true(look_up(s, 74, "10.0.0.0") & PLIC_SOURCE_POD);
	must(sourcesets_change(s->node, swap, 2, &f), &f);
	assert_int_equal(look_up(s, 74, "10.0.0.0"), ABSENT);
	assert_true(look_up(s, 74, "11.0.0.1") & PLIC_SOURCE_POD);
	must(sourcesets_keep(s->node, NULL, 0, &f), &f);
	free(many);
}

static bool any_of_node(struct scene *s)
{
	int map = s->node->map[NODE_CGROUPS];
	uint64_t key, *last = NULL, id;
	struct plic_cgroup is;

	for (; !bpf_map_get_next_key(map, last, &key); id = key, last = &id)
		if (!bpf_map_lookup_elem(map, &key, &is) && is.origin == PLIC_ORIGIN_NODE)
			return true;
	return false;
}

/* The test's own cgroup at least is not one of the pod, though some of its processes are in there. */
static void tells_cgroups(void **state)
{
	struct scene *s = *state;
	const struct gate_place place = {s->gate->inode, s->gate->id};
	struct fault f = {0};
	struct plic_cgroup is;
	uint32_t gate;

	if (cgroups_support() == CGROUPS_NONE)
		skip();
	bpf_map_update_elem(s->node->map[NODE_CGROUPS], &(uint64_t){4242},
			    &(struct plic_cgroup){s->gate->id, PLIC_ORIGIN_SIBLING}, BPF_ANY);
	must(cgroups_scan(s->node, &place, 1, NULL, 0, &f), &f);
	assert_int_not_equal(
		bpf_map_lookup_elem(s->node->map[NODE_CGROUPS], &(uint64_t){4242}, &is), 0);
	assert_true(any_of_node(s));
	assert_int_equal(cgroups_whole(s->node, 987654321), 987654321);

	assert_false(cgroups_stranger(s->node, &gate));
	bpf_map_update_elem(s->node->map[NODE_CGROUPS], &(uint64_t){PLIC_CGROUP_STRANGER},
			    &(struct plic_cgroup){.gate = 9}, BPF_ANY);
	assert_true(cgroups_stranger(s->node, &gate));
	assert_int_equal(gate, 9);
	assert_false(cgroups_stranger(s->node, &gate));
}

static uint64_t owner(struct scene *s, uint8_t proto, uint16_t port)
{
	const struct plic_owner_key key = {.gate = s->gate->id, .port = port, .proto = proto};
	uint64_t id;

	return bpf_map_lookup_elem(s->node->map[NODE_OWNERS], &key, &id) ? 0 : id;
}

static void tells_owners(void **state)
{
	struct scene *s = *state;
	const struct plic_owner_key old = {.gate = s->gate->id, .port = 1, .proto = IPPROTO_TCP};
	struct fault f = {0};

	bpf_map_update_elem(s->node->map[NODE_OWNERS], &old, &(uint64_t){5}, BPF_ANY);
	must(gate_owners(s->gate, &f), &f);
	if (!owner(s, IPPROTO_TCP, tcp_ports[0])) /* before 5.9 sockets don't tell */
		skip();
	assert_int_not_equal(owner(s, IPPROTO_UDP, udp_ports[0]), 0);
	assert_int_equal(owner(s, IPPROTO_TCP, udp_ports[0]), 0);
	assert_int_equal(owner(s, IPPROTO_TCP, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(puts_and_keeps_sets), CASE(pods_come_and_go), CASE(tells_pods),
		CASE(pods_without_room),   CASE(replaces_origins), CASE(says_when_full),
		CASE(tells_cgroups),	   CASE(tells_owners),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
