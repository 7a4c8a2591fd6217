/* SPDX-License-Identifier: MIT */
/*
 * test_decide.c - wire's verdicts and counters: times, modes, lapses, flags. Each row runs on IPv4 and
 * on IPv6 and must move exactly the counters it names.
 */
#include <netinet/in.h>
#include <string.h>

#include "box.h"
#include "tap.h"

#define H (3600 * (int64_t)BOX_SECOND)
#define NEVER ((int64_t)PLIC_NEVER)

enum port {
	OPEN = 8080,
	DEFAULT = 9090, /* not named */
	EPHEMERAL = 40123,
	RANGE = 9000, /* to 9010, slot 2 */
	PENDING = 7000,
	DRAINING,
	CUT,
	REPORT,
	REPORT_CUT,
	REVOKED,
	SILENT, /* cut, deny: drop */
	AUDITED,
	SWITCHED_OFF,
	SECOND_GRANT,
	ENDED_AND_PENDING,
	ENDED_TWICE,
	OFF_REPORT,
	OFF_OPEN,
	NO_GRANT,
	UDP_OPEN = 5000,
	UDP_LAPSED,
	UDP_REPORT,
	SCTP_OPEN = 6000,
};

enum slot_of {
	S_OPEN = 1,
	S_RANGE,
	S_PENDING,
	S_DRAINING,
	S_CUT,
	S_REPORT,
	S_REPORT_CUT,
	S_REVOKED,
	S_SILENT,
	S_AUDITED,
	S_OFF,
	S_SECOND,
	S_MIXED,
	S_TWICE,
	S_OFF_REPORT,
	S_OFF_OPEN,
	S_NO_GRANT,
	S_UDP_OPEN,
	S_UDP_LAPSED,
	S_UDP_REPORT,
	S_SCTP,
};

static void add(struct ruleset_port *ports, size_t *n, int slot, __u8 proto, int port,
		struct plic_rule rule)
{
	ports[(*n)++] = (struct ruleset_port){
		.port = port, .end_port = port, .ip_proto = proto, .slot = slot, .rule = rule};
}

static struct plic_rule with(struct plic_rule rule, int lapse, int reason, int mode, int deny)
{
	rule.grants[0].lapse = lapse;
	rule.grants[0].ended_reason = reason;
	rule.mode = mode;
	rule.deny = deny;
	return rule;
}

static void publish(struct box *box, int mode, int deny)
{
	struct plic_header header = {.generation = 1, .mode = mode, .deny = deny};
	struct plic_rule none = {.mode = mode, .deny = deny};
	struct plic_rule open = box_rule(0, NEVER, NEVER), pending = box_rule(H, 2 * H, 3 * H);
	struct plic_rule draining = box_rule(0, -H / 3600, H),
			 cut = box_rule(0, -H / 1800, -H / 3600);
	struct plic_rule second = box_rule(0, NEVER, NEVER), mixed = cut;
	struct plic_rule report = box_rule(0, -H / 3600, NEVER);
	struct ruleset_port ports[24];
	size_t n = 0;

	second.n_grants = 2;
	second.grants[1] = second.grants[0];
	second.grants[0] = cut.grants[0];
	mixed.n_grants = 2;
	mixed.grants[0] = pending.grants[0];
	mixed.grants[1] = cut.grants[0];
	mixed.grants[1].ended_reason = PLIC_REASON_WITHDRAWN;
	add(ports, &n, S_OPEN, IPPROTO_TCP, OPEN, open);
	add(ports, &n, S_RANGE, IPPROTO_TCP, RANGE, cut);
	ports[n - 1].end_port = 9010;
	add(ports, &n, S_PENDING, IPPROTO_TCP, PENDING, pending);
	add(ports, &n, S_DRAINING, IPPROTO_TCP, DRAINING, draining);
	add(ports, &n, S_CUT, IPPROTO_TCP, CUT, cut);
	add(ports, &n, S_REPORT, IPPROTO_TCP, REPORT,
	    with(report, PLIC_REPORT, PLIC_REASON_LAPSED, 0, 0));
	add(ports, &n, S_REPORT_CUT, IPPROTO_TCP, REPORT_CUT,
	    with(cut, PLIC_REPORT, PLIC_REASON_REVOKED, 0, 0));
	add(ports, &n, S_REVOKED, IPPROTO_TCP, REVOKED, with(cut, 0, PLIC_REASON_REVOKED, 0, 0));
	add(ports, &n, S_SILENT, IPPROTO_TCP, SILENT,
	    with(cut, 0, PLIC_REASON_LAPSED, PLIC_ENFORCE, PLIC_DROP));
	add(ports, &n, S_AUDITED, IPPROTO_TCP, AUDITED,
	    with(cut, 0, PLIC_REASON_LAPSED, PLIC_AUDIT_MODE, 0));
	add(ports, &n, S_OFF, IPPROTO_TCP, SWITCHED_OFF,
	    with(cut, 0, PLIC_REASON_LAPSED, PLIC_OFF, 0));
	add(ports, &n, S_SECOND, IPPROTO_TCP, SECOND_GRANT, second);
	add(ports, &n, S_MIXED, IPPROTO_TCP, ENDED_AND_PENDING, mixed);
	mixed.grants[0] = cut.grants[0];
	mixed.grants[0].ended_reason = PLIC_REASON_REVOKED;
	add(ports, &n, S_TWICE, IPPROTO_TCP, ENDED_TWICE, mixed);
	add(ports, &n, S_OFF_REPORT, IPPROTO_TCP, OFF_REPORT,
	    with(report, PLIC_REPORT, PLIC_REASON_LAPSED, PLIC_OFF, 0));
	add(ports, &n, S_OFF_OPEN, IPPROTO_TCP, OFF_OPEN,
	    with(open, 0, PLIC_REASON_LAPSED, PLIC_OFF, 0));
	add(ports, &n, S_NO_GRANT, IPPROTO_TCP, NO_GRANT, (struct plic_rule){});
	add(ports, &n, S_UDP_OPEN, IPPROTO_UDP, UDP_OPEN, open);
	add(ports, &n, S_UDP_LAPSED, IPPROTO_UDP, UDP_LAPSED, draining);
	add(ports, &n, S_UDP_REPORT, IPPROTO_UDP, UDP_REPORT,
	    with(report, PLIC_REPORT, PLIC_REASON_LAPSED, 0, 0));
	add(ports, &n, S_SCTP, IPPROTO_SCTP, SCTP_OPEN, open);
	header.ip_open[IPPROTO_GRE / 8] |= 1 << IPPROTO_GRE % 8;
	box_publish(box, &header, &none, ports, n);
}

struct row {
	const char *name;
	__u8 proto, flags;
	__u16 dport;
	int verdict;
	int slot;   /* counter that rises: allowed if reason is 0, else denied or audit */
	int reason; /* -1: nothing is counted */
	int count;  /* PLIC_AUDIT or PLIC_DENIED */
	int connections;
};

#define T IPPROTO_TCP
#define U IPPROTO_UDP
#define S IPPROTO_SCTP
#define NOTHING .reason = -1
#define ALLOWED(s, c) .verdict = PASS, .slot = s, .connections = c
#define DENIED(s, r, c) .slot = s, .reason = PLIC_REASON_##r, .count = PLIC_DENIED, .connections = c
#define AUDIT(s, r, c)                                                                             \
	.verdict = PASS, .slot = s, .reason = PLIC_REASON_##r, .count = PLIC_AUDIT, .connections = c

static const struct row enforced[] = {
	{"open: SYN", T, SYN, OPEN, ALLOWED(S_OPEN, 0)},
	{"open: data", T, ACK | PSH, OPEN, ALLOWED(S_OPEN, 0)},
	{"open: reset", T, RST, OPEN, ALLOWED(S_OPEN, 0)},
	{"unnamed: SYN", T, SYN, DEFAULT, REDIRECT, DENIED(0, UNLICENSED, 1)},
	{"unnamed: SYN with data flags", T, SYN | PSH | FIN, DEFAULT, REDIRECT,
	 DENIED(0, UNLICENSED, 1)},
	{"unnamed: answer to the pod's SYN", T, SYN | ACK, EPHEMERAL, PASS, NOTHING},
	{"unnamed: segment", T, ACK, EPHEMERAL, PASS, NOTHING},
	{"unnamed: reset", T, RST, EPHEMERAL, PASS, NOTHING},
	{"range, first port", T, SYN, RANGE, REDIRECT, DENIED(S_RANGE, LAPSED, 1)},
	{"range, last port", T, SYN, 9010, REDIRECT, DENIED(S_RANGE, LAPSED, 1)},
	{"range, one beyond", T, SYN, 9011, REDIRECT, DENIED(0, UNLICENSED, 1)},
	{"pending: SYN", T, SYN, PENDING, REDIRECT, DENIED(S_PENDING, NOT_YET_VALID, 1)},
	{"pending: segment", T, ACK, PENDING, REDIRECT, DENIED(S_PENDING, NOT_YET_VALID, 0)},
	{"draining: SYN", T, SYN, DRAINING, REDIRECT, DENIED(S_DRAINING, LAPSED, 1)},
	{"draining: segment", T, ACK, DRAINING, ALLOWED(S_DRAINING, 0)},
	{"cut: SYN", T, SYN, CUT, REDIRECT, DENIED(S_CUT, LAPSED, 1)},
	{"cut: segment", T, ACK, CUT, REDIRECT, DENIED(S_CUT, LAPSED, 0)},
	{"cut: FIN", T, ACK | FIN, CUT, REDIRECT, DENIED(S_CUT, LAPSED, 0)},
	{"cut: a reset is never answered", T, RST | ACK, CUT, DROP, DENIED(S_CUT, LAPSED, 0)},
	{"report: SYN", T, SYN, REPORT, AUDIT(S_REPORT, LAPSED, 1)},
	{"report: segment", T, ACK, REPORT, AUDIT(S_REPORT, LAPSED, 0)},
	{"report, revoked: SYN", T, SYN, REPORT_CUT, REDIRECT, DENIED(S_REPORT_CUT, REVOKED, 1)},
	{"report, revoked: segment", T, ACK, REPORT_CUT, REDIRECT,
	 DENIED(S_REPORT_CUT, REVOKED, 0)},
	{"revoked", T, SYN, REVOKED, REDIRECT, DENIED(S_REVOKED, REVOKED, 1)},
	{"deny: drop", T, SYN, SILENT, DROP, DENIED(S_SILENT, LAPSED, 1)},
	{"audit of one port", T, SYN, AUDITED, AUDIT(S_AUDITED, LAPSED, 1)},
	{"off", T, SYN, SWITCHED_OFF, PASS, NOTHING},
	{"second grant admits", T, SYN, SECOND_GRANT, ALLOWED(S_SECOND, 0)},
	{"ended beats pending", T, SYN, ENDED_AND_PENDING, REDIRECT, DENIED(S_MIXED, WITHDRAWN, 1)},
	{"the first that ended says why", T, SYN, ENDED_TWICE, REDIRECT,
	 DENIED(S_TWICE, REVOKED, 1)},
	{"off, report", T, SYN, OFF_REPORT, PASS, NOTHING},
	{"off, open: SYN", T, SYN, OFF_OPEN, PASS, NOTHING},
	{"off, open: segment", T, ACK, OFF_OPEN, PASS, NOTHING},
	{"named without a grant", T, SYN, NO_GRANT, REDIRECT, DENIED(S_NO_GRANT, UNLICENSED, 1)},
	{"named without a grant: segment", T, ACK, NO_GRANT, REDIRECT,
	 DENIED(S_NO_GRANT, UNLICENSED, 0)},
	{"UDP open", U, 0, UDP_OPEN, ALLOWED(S_UDP_OPEN, 1)},
	{"UDP on a TCP port", U, 0, OPEN, REDIRECT, DENIED(0, UNLICENSED, 1)},
	{"UDP unnamed", U, 0, EPHEMERAL, REDIRECT, DENIED(0, UNLICENSED, 1)},
	{"UDP shuts at new_until", U, 0, UDP_LAPSED, REDIRECT, DENIED(S_UDP_LAPSED, LAPSED, 1)},
	{"UDP report", U, 0, UDP_REPORT, AUDIT(S_UDP_REPORT, LAPSED, 1)},
	{"SCTP open", S, 0, SCTP_OPEN, ALLOWED(S_SCTP, 1)},
	{"SCTP unnamed is dropped", S, 0, DEFAULT, DROP, DENIED(0, UNLICENSED, 1)},
	{"port 0", T, SYN, 0, REDIRECT, DENIED(0, UNLICENSED, 1)},
	{"port 65535", U, 0, 65535, REDIRECT, DENIED(0, UNLICENSED, 1)},
};

static const struct row audited[] = {
	{"audit: open", T, SYN, OPEN, ALLOWED(S_OPEN, 0)},
	{"audit: unnamed SYN", T, SYN, DEFAULT, AUDIT(0, UNLICENSED, 1)},
	{"audit: unnamed segment", T, ACK, DEFAULT, PASS, NOTHING},
	{"audit: UDP unnamed", U, 0, DEFAULT, AUDIT(0, UNLICENSED, 1)},
	{"audit: GRE is open", IPPROTO_GRE, 0, 0, PASS, NOTHING},
	{"audit: IPIP", IPPROTO_IPIP, 0, 0, AUDIT(0, PROTOCOL, 0)},
};

static const struct row off[] = {
	{"off: unnamed SYN", T, SYN, DEFAULT, PASS, NOTHING},
	{"off: UDP unnamed", U, 0, DEFAULT, PASS, NOTHING},
	{"off: IPIP", IPPROTO_IPIP, 0, 0, PASS, NOTHING},
};

static const struct row dropped[] = {
	{"drop: unnamed SYN", T, SYN, DEFAULT, DROP, DENIED(0, UNLICENSED, 1)},
	{"drop: UDP unnamed", U, 0, DEFAULT, DROP, DENIED(0, UNLICENSED, 1)},
	{"drop: GRE is open", IPPROTO_GRE, 0, 0, PASS, NOTHING},
	{"drop: IPIP", IPPROTO_IPIP, 0, 0, DROP, DENIED(0, PROTOCOL, 0)},
	{"drop: UDP-Lite", IPPROTO_UDPLITE, 0, DEFAULT, DROP, DENIED(0, PROTOCOL, 0)},
};

static const struct row lost[] = {
	{"state lost: SYN", T, SYN, OPEN, DROP, DENIED(0, STATE_LOST, 1)},
	{"state lost: segment", T, ACK, OPEN, DROP, DENIED(0, STATE_LOST, 0)},
	{"state lost: UDP", U, 0, UDP_OPEN, DROP, DENIED(0, STATE_LOST, 1)},
	{"state lost: GRE", IPPROTO_GRE, 0, 0, DROP, DENIED(0, STATE_LOST, 0)},
	{"state lost: ICMP passes", IPPROTO_ICMP, 0, 0, PASS, NOTHING},
};

/* The one counter that the row names moved, by what the row says, and no other. */
static bool counted(const struct row *r, const struct box_counts *c, size_t bytes)
{
	bool portless = r->proto != T && r->proto != U && r->proto != S;
	__u16 port = r->slot || portless ? 0 : r->dport;
	const struct plic_denial *d = NULL;

	if (r->reason < 0)
		return !c->allowed && !c->denied && !c->audit;
	if (r->reason == 0) {
		const struct plic_traffic *t = &c->traffic[r->slot];

		return c->allowed == 1 && !c->denied && !c->audit && t->packets == 1 &&
		       t->bytes == bytes && t->connections == (__u64)r->connections &&
		       t->last_ns + BOX_SECOND > box_now();
	}
	for (size_t i = 0; i < c->n_denials; i++) {
		const struct plic_denial_key *k = &c->keys[i];

		if (c->denials[i].packets && k->slot == r->slot && k->port == port &&
		    k->proto == r->proto && k->reason == r->reason && k->verdict == r->count)
			d = &c->denials[i];
	}
	return d && !c->allowed && c->denied + c->audit == 1 && d->bytes == bytes &&
	       d->connections == (__u64)r->connections && d->last_ns + BOX_SECOND > box_now();
}

static void run_rows(struct box *box, const struct row *rows, size_t n)
{
	static struct box_counts counts;

	for (size_t i = 0; i < n; i++) {
		for (int family = 4; family <= 6; family += 2) {
			const struct row *r = &rows[i];
			struct frame_spec spec = {.family = family,
						  .ip_proto = r->proto,
						  .dport = r->dport,
						  .flags = r->flags,
						  .payload = r->flags & SYN ? 0 : 100};
			struct frame f;
			struct box_run run;

			if (r->proto == IPPROTO_ICMP && family == 6)
				spec.ip_proto = IPPROTO_ICMPV6;
			frame_build(&spec, &f);
			box_clear(box);
			run = box_run(box->skel->progs.plic_wire, &f, 0);
			box_counts(box, &counts);
			check(run.verdict == r->verdict, "%s, IPv%d: verdict %d", r->name, family,
			      run.verdict);
			check(counted(r, &counts, f.len - f.l3),
			      "%s, IPv%d: allowed %llu denied %llu audit %llu", r->name, family,
			      (unsigned long long)counts.allowed, (unsigned long long)counts.denied,
			      (unsigned long long)counts.audit);
		}
	}
}

#define RUN(box, rows) run_rows(box, rows, sizeof(rows) / sizeof((rows)[0]))

/* Of all flag bytes only SYN without ACK opens; on an unlicensed port nothing else is stopped. */
static void all_flags(struct box *box)
{
	for (int family = 4; family <= 6; family += 2) {
		int wrong = 0;

		box_clear(box);
		for (int flags = 0; flags < 256; flags++) {
			struct frame_spec spec = {
				.family = family, .ip_proto = T, .dport = DEFAULT};
			bool opens = (flags & (SYN | ACK)) == SYN;
			int want = !opens ? PASS : flags & RST ? DROP : REDIRECT;

			spec.flags = flags;
			wrong += box_verdict(box->skel->progs.plic_wire, &spec) != want;
		}
		check(!wrong, "256 flag bytes, IPv%d: %d wrong", family, wrong);
	}
}

/* A deadline passes while nothing but the clock changes. */
static void deadline(struct box *box)
{
	struct frame_spec syn = {.family = 4, .ip_proto = T, .dport = OPEN, .flags = SYN};
	struct frame_spec segment = {.family = 4, .ip_proto = T, .dport = OPEN, .flags = ACK};
	struct ruleset_port port = {.port = OPEN, .end_port = OPEN, .ip_proto = T, .slot = 1};
	struct plic_header header = {};
	struct plic_rule none = {};
	struct bpf_program *wire = box->skel->progs.plic_wire;
	const int64_t ms = BOX_SECOND / 1000;
	uint64_t start;

	port.rule = box_rule(300 * ms, 600 * ms, 900 * ms);
	start = port.rule.grants[0].from_ns - 300 * ms;
	box_publish(box, &header, &none, &port, 1);
	check(box_verdict(wire, &syn) == REDIRECT, "before from_ns: refused");
	while (box_now() < start + 350 * ms)
		;
	check(box_verdict(wire, &syn) == PASS, "from from_ns on: admitted");
	while (box_now() < start + 650 * ms)
		;
	check(box_verdict(wire, &syn) == REDIRECT, "from new_until_ns on: new flows are refused");
	check(box_verdict(wire, &segment) == PASS, "before cut_at_ns: established ones go on");
	while (box_now() < start + 950 * ms)
		;
	check(box_verdict(wire, &segment) == REDIRECT, "from cut_at_ns on: they are cut");
}

/* Merged frames count as their segments; frames for another MAC address are judged, not counted. */
static void amounts(struct box *box)
{
	static struct box_counts counts;
	struct frame_spec spec = {
		.family = 4, .ip_proto = T, .dport = OPEN, .flags = ACK, .payload = 3000};
	struct frame f;

	frame_build(&spec, &f);
	box_clear(box);
	box_run(box->skel->progs.plic_wire, &f, 3);
	box_counts(box, &counts);
	check(counts.traffic[S_OPEN].packets == 3 && counts.traffic[S_OPEN].bytes == 3040,
	      "GSO: %llu packets, %llu bytes", (unsigned long long)counts.traffic[S_OPEN].packets,
	      (unsigned long long)counts.traffic[S_OPEN].bytes);

	spec = (struct frame_spec){.family = 4, .ip_proto = T, .flags = SYN, .mac = {2, 9}};
	spec.dport = OPEN;
	box_clear(box);
	check(box_verdict(box->skel->progs.plic_wire, &spec) == PASS, "other MAC, open port");
	spec.dport = DEFAULT;
	check(box_verdict(box->skel->progs.plic_wire, &spec) == DROP, "other MAC: never refused");
	box_counts(box, &counts);
	check(!counts.allowed && !counts.denied, "other MAC: not counted");
}

int main(void)
{
	struct box box;

	box_open(&box);
	RUN(&box, lost);
	publish(&box, PLIC_ENFORCE, PLIC_REFUSE);
	RUN(&box, enforced);
	all_flags(&box);
	amounts(&box);
	publish(&box, PLIC_AUDIT_MODE, PLIC_REFUSE);
	RUN(&box, audited);
	publish(&box, PLIC_OFF, PLIC_REFUSE);
	RUN(&box, off);
	publish(&box, PLIC_ENFORCE, PLIC_DROP);
	RUN(&box, dropped);
	deadline(&box);
	box_close(&box);
	return tap_end();
}
