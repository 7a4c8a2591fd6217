/* SPDX-License-Identifier: MIT */
/*
 * test_rate.c - the rate of a limit. Time passes by moving back what the buckets are paid up to; tokens are
 * worth seconds, so that the test's own time doesn't count.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <pthread.h>

#include "limited.h"

#define THREADS 2
#define REPEAT 100000

/* struct plic_rate: user space has no spin lock. */
struct bucket {
	__u32 lock, pad;
	__u64 paid_ns;
};

static int buckets(void)
{
	return bpf_map__fd(box.skel->maps.plic_rates);
}

static void pass_time(__u64 ns)
{
	struct plic_usage_key key, *previous = NULL;
	struct bucket b;

	while (!bpf_map_get_next_key(buckets(), previous, &key)) {
		if (!bpf_map_lookup_elem(buckets(), &key, &b)) {
			b.paid_ns -= ns;
			bpf_map_update_elem(buckets(), &key, &b, BPF_EXIST);
		}
		previous = &key;
	}
}

static struct limited rated(unsigned int n, __u64 interval_ns, __u32 burst)
{
	struct limited l = limited_new(n);

	l.limits.grants[0].interval_ns = interval_ns;
	l.limits.grants[0].burst = burst;
	forget(box.skel->maps.plic_rates);
	return l;
}

static void burst_and_refill(void)
{
	struct limited l = rated(1, 100 * BOX_SECOND, 10);

	limited_publish(&l);
	check(passing(25, PORT) == 10, "a full bucket: as many as it holds");
	check(counted(PLIC_DENIED, PLIC_REASON_RATE) == 15, "... the others are denied for it");
	pass_time(300 * BOX_SECOND);
	check(passing(10, PORT) == 3, "three intervals later: three");
	pass_time(99 * BOX_SECOND);
	check(passing(1, PORT) == 0, "not a whole interval later: none");
	pass_time(2 * BOX_SECOND);
	check(passing(2, PORT) == 1, "... and then one");
	pass_time(365 * 24 * HOUR);
	check(passing(25, PORT) == 10, "a year later: what it holds, no more");
	check(passing(25, PORT + 1) == 10, "another port of the range has its own");
	check(send_data(PORT) == PASS, "connections that stand are none of its business");
}

/* 50 in 100 s and a burst of 10; twice as many come. */
static void twice_the_load(void)
{
	struct limited l = rated(1, 2 * BOX_SECOND, 10);
	int seconds = 500, passed = 0;

	limited_publish(&l);
	for (int i = 0; i < seconds; i++) {
		passed += passing(1, PORT);
		pass_time(BOX_SECOND);
	}
	check(passed >= seconds / 2 - 1 && passed <= seconds / 2 + 10,
	      "at twice the rate for %d s: %d pass, %d to %d are meant", seconds, passed,
	      seconds / 2 - 1, seconds / 2 + 10);
}

static void datagrams(void)
{
	struct limited l = rated(1, 100 * BOX_SECOND, 2);

	limited_publish(&l);
	check(send_udp(PORT, 1001) == PASS && send_udp(PORT, 1002) == PASS, "UDP: two clients");
	check(send_udp(PORT, 1003) == DROP, "... no third");
	check(send_udp(PORT, 1001) == PASS && send_udp(PORT, 1002) == PASS,
	      "... and the two go on");
	check(passing(5, PORT) == 2, "TCP has a bucket of its own");
}

static void audit(void)
{
	struct limited l = rated(1, 100 * BOX_SECOND, 3);

	l.rule.mode = PLIC_AUDIT_MODE;
	limited_publish(&l);
	check(passing(10, PORT) == 10, "audit: all pass");
	check(counted(PLIC_AUDIT, PLIC_REASON_RATE) == 7, "... and what is over is counted");
	pass_time(100 * BOX_SECOND);
	passing(2, PORT);
	check(counted(PLIC_AUDIT, PLIC_REASON_RATE) == 1, "... and takes no token");
	l.rule.mode = PLIC_OFF;
	limited_publish(&l);
	check(passing(10, PORT) == 10 && !counted(PLIC_AUDIT, PLIC_REASON_RATE), "off: nothing");
}

static void of_the_policy(void)
{
	struct limited l = rated(1, 100 * BOX_SECOND, 10);

	l.limits.policy[0].interval_ns = 100 * BOX_SECOND;
	l.limits.policy[0].burst = 4;
	limited_publish(&l);
	check(passing(25, PORT) == 4, "the policy's rate, where it is the lower one");
	l.limits.policy[0].interval_ns = 0;
	limited_publish(&l);
	check(passing(25, PORT) == 6, "... and what it refused took nothing from the license's");
	l.limits.policy[0].interval_ns = 100 * BOX_SECOND;
	l.limits.policy[0].burst = 20;
	limited_publish(&l);
	check(passing(1, PORT) == 0, "the license's rate, where it is the lower one");
}

static void of_several_grants(void)
{
	struct limited l = rated(2, 100 * BOX_SECOND, 3);

	l.limits.grants[1].interval_ns = 100 * BOX_SECOND;
	l.limits.grants[1].burst = 2;
	limited_publish(&l);
	passing(2, PORT);
	l.rule.grants[1].new_until_ns = l.rule.grants[1].cut_at_ns = 1;
	limited_publish(&l);
	check(passing(9, PORT) == 3, "two licenses: the one that ends first is charged first");
	l = rated(2, 100 * BOX_SECOND, 3);
	l.limits.grants[1].interval_ns = 100 * BOX_SECOND;
	l.limits.grants[1].burst = 2;
	limited_publish(&l);
	check(passing(9, PORT) == 5, "... and both together give what each gives");
	l.limits.grants[0].interval_ns = 0;
	limited_publish(&l);
	check(passing(9, PORT) == 9, "one without a rate: unlimited wins");
}

/* sk_lookup runs for stray segments, too. */
static void socket_is_pure(void)
{
	struct limited l = rated(1, 100 * BOX_SECOND, 10);
	struct bpf_sk_lookup ctx = {.family = AF_INET,
				    .protocol = IPPROTO_TCP,
				    .remote_port = htons(40000),
				    .local_port = PORT};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	int err = 0;

	limited_publish(&l);
	for (int i = 0; i < 20; i++)
		err |= bpf_prog_test_run_opts(bpf_program__fd(box.skel->progs.plic_socket), &opts);
	if (err)
		skip("socket takes no token", "this kernel doesn't test-run sk_lookup");
	else
		check(passing(25, PORT) == 10, "socket takes no token");
}

static void *flood(void *arg)
{
	struct frame_spec spec = {
		.family = 4, .ip_proto = IPPROTO_TCP, .dport = PORT, .flags = SYN};
	struct __sk_buff skb = {.ifindex = if_nametoindex("box")};
	struct frame f;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.bytes, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = REPEAT);

	frame_build(&spec, &f);
	opts.data_size_in = f.len;
	return (void *)(long)bpf_prog_test_run_opts(bpf_program__fd(box.skel->progs.plic_wire),
						    &opts);
}

static void all_cpus_at_once(void)
{
	struct limited l = rated(1, HOUR, 5000);
	static struct box_counts counts;
	pthread_t threads[THREADS];
	void *err = NULL, *all = NULL;

	l.rule.deny = PLIC_DROP; /* or a repeated run goes on with the refusal */
	limited_publish(&l);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, flood, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &err);
		all = all ?: err;
	}
	box_counts(&box, &counts);
	check(!all && counts.allowed == 5000,
	      "%d SYNs on %d CPUs at once: %llu pass, 5000 are meant", THREADS * REPEAT, THREADS,
	      (unsigned long long)counts.allowed);
}

static void no_room(void)
{
	struct limited l = rated(1, 100 * BOX_SECOND, 10);
	struct plic_usage_key key = {.line = 1};
	struct bucket b = {};

	limited_publish(&l);
	for (; !bpf_map_update_elem(buckets(), &key, &b, BPF_ANY); key.owner++)
		;
	check(key.owner >= PLIC_MAX_USAGE / 2 && passing(3, PORT) == 0,
	      "no room for a bucket: denied");
	check(counted(PLIC_DENIED, PLIC_REASON_STATE_LOST) == 3, "... as state_lost");
	forget(box.skel->maps.plic_rates);
	check(passing(3, PORT) == 3, "... until there is room");
}

int main(void)
{
	box_open(&box);
	burst_and_refill();
	twice_the_load();
	datagrams();
	audit();
	of_the_policy();
	of_several_grants();
	socket_is_pure();
	all_cpus_at_once();
	no_room();
	box_close(&box);
	return tap_end();
}
