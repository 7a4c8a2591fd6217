/* SPDX-License-Identifier: MIT */
/* test_socket.c - the sk_lookup program: table of look-ups, verdicts and what is counted of them. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "box.h"
#include "tap.h"

#define OPEN 8080
#define LAPSED 7000
#define ENOTSUPP_KERNEL 524 /* ENOTSUPP, which errno.h does not have */
#define OWN 45000
#define ANY_OWN 45001 /* has sent to multicast */
#define LOW 9090
#define REMOTE 53
#define SIDECAR 15006
#define BATCH 32 /* packets that the stack brings past wire before it delivers the first */

#define T IPPROTO_TCP
#define U IPPROTO_UDP

static struct box box;

struct row {
	const char *name;
	__u8 proto;
	__u16 remote, local;
	__u8 verdict;
	int reason, slot; /* of the denial that is counted; reason 0: none is */
};

static const struct row enforced[] = {
	{"open TCP port", T, 40000, OPEN, SK_PASS, 0, 0},
	{"open UDP port", U, 40000, OPEN, SK_PASS, 0, 0},
	{"lapsed TCP port", T, 40000, LAPSED, SK_DROP, PLIC_REASON_LAPSED, 3},
	{"lapsed UDP port", U, 40000, LAPSED, SK_DROP, PLIC_REASON_LAPSED, 4},
	{"unnamed TCP port", T, 40000, LOW, SK_DROP, PLIC_REASON_UNLICENSED, 0},
	{"unnamed UDP port", U, 40000, LOW, SK_DROP, PLIC_REASON_UNLICENSED, 0},
	{"stray TCP segment", T, 443, OWN, SK_DROP, 0, 0},
	{"answer to an own UDP flow", U, REMOTE, OWN, SK_PASS, 0, 0},
	{"other remote port", U, REMOTE + 1, OWN, SK_DROP, PLIC_REASON_UNLICENSED, 0},
	{"other local port", U, REMOTE, OWN + 9, SK_DROP, PLIC_REASON_UNLICENSED, 0},
	{"after multicast, anybody", U, 777, ANY_OWN, SK_PASS, 0, 0},
};

static const struct row audited[] = {
	{"audit: unnamed TCP port", T, 40000, LOW, SK_PASS, 0, 0},
	{"audit: unnamed UDP port", U, 40000, LOW, SK_PASS, 0, 0},
	{"audit: lapsed TCP port", T, 40000, LAPSED, SK_PASS, 0, 0},
};

static const struct row lost[] = {
	{"state lost: TCP", T, 40000, OPEN, SK_DROP, PLIC_REASON_STATE_LOST, 0},
	{"state lost: UDP", U, 40000, OPEN, SK_DROP, PLIC_REASON_STATE_LOST, 0},
};

static int look_up(int family, const struct row *r)
{
	struct bpf_sk_lookup ctx = {.family = family == 4 ? AF_INET : AF_INET6,
				    .protocol = r->proto,
				    .remote_port = htons(r->remote),
				    .local_port = r->local};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (family == 4) {
		inet_pton(AF_INET, "192.0.2.1", &ctx.remote_ip4);
		inet_pton(AF_INET, "10.0.0.2", &ctx.local_ip4);
	} else {
		inet_pton(AF_INET6, "2001:db8::1", ctx.remote_ip6);
		inet_pton(AF_INET6, "fd00::2", ctx.local_ip6);
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(box.skel->progs.plic_socket), &opts))
		return -errno;
	return opts.retval;
}

/* What egress would have recorded. */
static void record_flows(void)
{
	struct plic_flow flow = {.last_ns = box_now()};
	struct plic_flow_key key = {.local_port = ANY_OWN, .proto = U};
	int fd = bpf_map__fd(box.skel->maps.plic_flows);

	bpf_map_update_elem(fd, &key, &flow, BPF_ANY);
	key.local_port = OWN;
	key.remote_port = REMOTE;
	inet_pton(AF_INET6, "2001:db8::1", key.remote);
	bpf_map_update_elem(fd, &key, &flow, BPF_ANY);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", key.remote);
	bpf_map_update_elem(fd, &key, &flow, BPF_ANY);
}

static bool counted(const struct row *r)
{
	static struct box_counts c;
	const struct plic_denial *d = NULL;

	box_counts(&box, &c);
	if (!r->reason)
		return !c.allowed && !c.denied && !c.audit;
	for (size_t i = 0; i < c.n_denials; i++)
		if (c.keys[i].slot == r->slot && c.keys[i].proto == r->proto &&
		    c.keys[i].reason == r->reason && c.keys[i].port == (r->slot ? 0 : r->local))
			d = &c.denials[i];
	return d && d->packets == 1 && d->connections == 1 && c.denied == 1 && !c.allowed;
}

static void run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int family = 4; family <= 6; family += 2) {
			int verdict;

			box_clear(&box);
			record_flows();
			verdict = look_up(family, &rows[i]);
			check(verdict == rows[i].verdict, "%s, IPv%d: verdict %d", rows[i].name,
			      family, verdict);
			check(counted(&rows[i]), "%s, IPv%d: counted right", rows[i].name, family);
		}
	}
}

static void publish(int mode)
{
	struct plic_header header = {.mode = mode};
	struct plic_rule none = {.mode = mode}, open = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	struct plic_rule lapsed = box_rule(0, -(int64_t)BOX_SECOND, PLIC_NEVER);
	struct ruleset_port ports[] = {
		{.port = OPEN, .end_port = OPEN, .ip_proto = T, .slot = 1, .rule = open},
		{.port = OPEN, .end_port = OPEN, .ip_proto = U, .slot = 2, .rule = open},
		{.port = LAPSED, .end_port = LAPSED, .ip_proto = T, .slot = 3, .rule = lapsed},
		{.port = LAPSED, .end_port = LAPSED, .ip_proto = U, .slot = 4, .rule = lapsed},
	};

	for (int i = 0; i < 4; i++)
		ports[i].rule.mode = mode;
	box_publish(&box, &header, &none, ports, 4);
}

/* NAT inside the pod changes the other end between wire and socket: wire's note speaks for the answer. */
static void answer_behind_nat(void)
{
	const struct row r = {"", U, 5353, OWN, 0, 0, 0};
	struct frame_spec answer = {.family = 4, .ip_proto = U, .sport = REMOTE, .dport = OWN};
	int noted = 0;

	/* Now and then a jiffy ends in between. */
	for (int i = 0; i < 50; i++) {
		box_clear(&box);
		record_flows();
		noted += look_up(4, &r) == SK_DROP &&
			 box_verdict(box.skel->progs.plic_wire, &answer) == PASS &&
			 look_up(4, &r) == SK_PASS;
	}
	check(noted == 50, "answers whose remote end NAT has changed: %d of 50", noted);
	for (uint64_t end = box_now() + BOX_SECOND / 20; box_now() < end;)
		;
	check(look_up(4, &r) == SK_DROP, "and nothing later than that");
}

static int wire(uint16_t sport, uint8_t flags)
{
	const struct frame_spec spec = {
		.family = 4, .ip_proto = T, .sport = sport, .dport = OPEN, .flags = flags};

	return box_verdict(box.skel->progs.plic_wire, &spec);
}

static int sidecar(uint16_t remote)
{
	const struct row r = {.proto = T, .remote = remote, .local = SIDECAR};

	return look_up(4, &r);
}

static void publish_sidecar(uint8_t flags)
{
	struct plic_header header = {.via = SIDECAR};
	struct plic_rule none = {};
	struct ruleset_port port = {.port = OPEN,
				    .end_port = OPEN,
				    .ip_proto = T,
				    .slot = 1,
				    .rule = box_rule(0, PLIC_NEVER, PLIC_NEVER)};

	port.rule.flags = flags;
	box_publish(&box, &header, &none, &port, 1);
	box_clear(&box);
}

/* NAT inside the pod changes the port between wire and socket. */
static void behind_sidecar(void)
{
	int let_in = 0, reached = 0;

	publish_sidecar(PLIC_RULE_VIA);
	check(sidecar(40000) == SK_DROP, "a sidecar's port: not what wire hasn't seen");
	for (int i = 0; i < BATCH; i++)
		let_in += wire(40000 + i * PLIC_NOTES, SYN) == PASS;
	for (int i = 0; i < BATCH; i++)
		reached += sidecar(40000 + i * PLIC_NOTES) == SK_PASS;
	check(let_in == BATCH && reached == BATCH,
	      "... %d connections that wire let in one behind the other: %d", let_in, reached);
	check(sidecar(40001) == SK_DROP, "... no other");
	box_clear(&box);
	check(wire(40000, ACK) == PASS && sidecar(40000) == SK_PASS,
	      "... and what completes the handshake by SYN cookie");
	publish_sidecar(0);
	check(wire(40000, ACK) == PASS && sidecar(40000) == SK_DROP, "no sidecar, no note of that");
}

#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	box_open(&box);
	if (look_up(4, &lost[0]) == -ENOTSUPP_KERNEL) {
		printf("skip: this kernel (before 5.13) has no test run of sk_lookup\n");
		return 77;
	}
	RUN(lost);
	publish(PLIC_ENFORCE);
	RUN(enforced);
	answer_behind_nat();
	behind_sidecar();
	publish(PLIC_AUDIT_MODE);
	RUN(audited);
	publish(PLIC_OFF);
	RUN(audited);
	box_close(&box);
	return tap_end();
}
