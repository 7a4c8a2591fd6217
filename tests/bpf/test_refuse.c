/* SPDX-License-Identifier: MIT */
/*
 * test_refuse.c - the refusals themselves, checked byte by byte by an independent reader: addresses,
 * ports, numbers, lengths, checksums, the quote of an ICMP error, and when there is none.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "box.h"
#include "tap.h"

#define SHUT 9090
#define CUT 7000
#define UDP_SHUT 9091

static struct box box;

static uint16_t be16(const uint8_t *b)
{
	return b[0] << 8 | b[1];
}

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)be16(b) << 16 | be16(b + 2);
}

/* MAC and IP headers of an answer to f, for both versions of IP. The offset of what follows, or 0. */
static size_t answered(const struct frame *f, const struct box_run *r, uint8_t proto, size_t l4_len)
{
	const uint8_t *in = f->bytes + f->l3, *out = r->out + f->l3;
	size_t header = f->l4 - f->l3;

	if (r->verdict != REDIRECT || r->out_len != f->l4 + l4_len)
		return 0;
	if (memcmp(r->out, f->bytes + 6, 6) || memcmp(r->out + 6, f->bytes, 6) ||
	    memcmp(r->out + 12, f->bytes + 12, f->l3 - 12))
		return 0;
	if (in[0] >> 4 == 4) {
		if (out[0] != in[0] || be16(out + 2) != header + l4_len || out[9] != proto ||
		    out[8] < 32 || be16(out + 6) & 0x3fff || frame_sum(0, out, header) != 0xffff ||
		    memcmp(out + 12, in + 16, 4) || memcmp(out + 16, in + 12, 4))
			return 0;
		for (size_t i = 20; i < header; i++)
			if (out[i]) /* end of options */
				return 0;
	} else if (out[0] >> 4 != 6 || be16(out + 4) != l4_len || out[6] != proto || out[7] < 32 ||
		   memcmp(out + 8, in + 24, 16) || memcmp(out + 24, in + 8, 16)) {
		return 0;
	}
	return f->l4;
}

static bool is_reset(const struct frame *f, const struct box_run *r, uint8_t flags, uint32_t seq,
		     uint32_t ack)
{
	size_t l4 = answered(f, r, IPPROTO_TCP, 20);
	const uint8_t *tcp = r->out + l4, *in = f->bytes + f->l4;

	return l4 && be16(tcp) == be16(in + 2) && be16(tcp + 2) == be16(in) &&
	       be32(tcp + 4) == seq && be32(tcp + 8) == ack && tcp[12] == 5 << 4 &&
	       tcp[13] == flags && frame_l4_sum(r->out + f->l3, tcp, 20, IPPROTO_TCP) == 0xffff;
}

static void resets(int family)
{
	const struct {
		const char *name;
		uint8_t flags;
		uint16_t port, payload;
		uint8_t options;
		uint8_t reset; /* its flags */
		uint32_t seq, ack;
	} rows[] = {
		{"SYN", SYN, SHUT, 0, 0, RST | ACK, 0, 1001},
		{"SYN with data (fast open)", SYN, SHUT, 33, 0, RST | ACK, 0, 1034},
		{"SYN and FIN", SYN | FIN, SHUT, 0, 0, RST | ACK, 0, 1002},
		{"SYN at the end of the numbers", SYN, SHUT, 0, 0, RST | ACK, 0, 0},
		{"segment of a cut connection", ACK, CUT, 0, 0, RST, 77, 0},
		{"data of a cut connection", ACK | PSH, CUT, 1401, 0, RST, 77, 0},
		{"segment without ACK", PSH, CUT, 10, 0, RST | ACK, 0, 1010},
		{"SYN behind one word of options", SYN, SHUT, 5, 1, RST | ACK, 0, 1006},
		{"SYN behind 40 bytes of options", SYN, SHUT, 0, 10, RST | ACK, 0, 1001},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool wraps = strstr(rows[i].name, "end of the numbers");
		struct frame_spec spec = {.family = family,
					  .ip_proto = IPPROTO_TCP,
					  .dport = rows[i].port,
					  .flags = rows[i].flags,
					  .payload = rows[i].payload,
					  .options = rows[i].options,
					  .seq = wraps ? 0xffffffff : 1000,
					  .ack = 77};
		struct frame f;
		struct box_run r;

		if (family == 6 && spec.options)
			continue;
		frame_build(&spec, &f);
		box_clear(&box);
		r = box_run(box.skel->progs.plic_wire, &f, 0);
		check(is_reset(&f, &r, rows[i].reset, rows[i].seq, rows[i].ack), "%s, IPv%d",
		      rows[i].name, family);
	}
}

/* A frame that is padded behind the datagram: the padding is no data, and goes. */
static void padding(int family)
{
	struct frame_spec spec = {
		.family = family, .ip_proto = IPPROTO_TCP, .dport = SHUT, .flags = SYN, .seq = 5};
	struct frame f;
	struct box_run r;

	frame_build(&spec, &f);
	memset(f.bytes + f.len, 0xaa, 18);
	f.len += 18;
	r = box_run(box.skel->progs.plic_wire, &f, 0);
	check(is_reset(&f, &r, RST | ACK, 0, 6), "padded SYN, IPv%d", family);
}

static void unreachables(int family)
{
	static const struct {
		uint16_t payload;
		uint8_t options;
	} rows[] = {{0, 0}, {1, 0}, {1400, 0}, {100, 1}, {100, 10}, {0, 10}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_spec spec = {.family = family,
					  .ip_proto = IPPROTO_UDP,
					  .dport = UDP_SHUT,
					  .payload = rows[i].payload,
					  .options = rows[i].options};
		uint8_t proto = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		struct frame f;
		struct box_run r;
		size_t quote, l4;
		uint32_t sum;

		if (family == 6 && spec.options)
			continue;
		frame_build(&spec, &f);
		box_clear(&box);
		r = box_run(box.skel->progs.plic_wire, &f, 0);
		quote = f.l4 - f.l3 + 8;
		l4 = answered(&f, &r, proto, 8 + quote);
		sum = family == 4 ? frame_sum(0, r.out + f.l4, 8 + quote)
				  : frame_l4_sum(r.out + f.l3, r.out + f.l4, 8 + quote, proto);
		check(l4 && r.out[l4] == (family == 4 ? 3 : 1) &&
			      r.out[l4 + 1] == (family == 4 ? 3 : 4) && sum == 0xffff &&
			      !be32(r.out + l4 + 4) &&
			      !memcmp(r.out + l4 + 8, f.bytes + f.l3, quote),
		      "port unreachable, IPv%d, payload %d, options %d: sum %x", family,
		      spec.payload, spec.options, sum);
	}
}

/* Denied and counted, but never answered. */
static void silence(int family)
{
	const struct {
		const char *name;
		struct frame_spec spec;
	} rows[] = {
		{"reset of a cut connection", {.flags = RST, .dport = CUT}},
		{"reset with SYN", {.flags = RST | SYN, .dport = SHUT}},
		{"other MAC address", {.flags = SYN, .dport = SHUT, .mac = {2, 2}}},
		{"broadcast MAC address",
		 {.flags = SYN, .dport = SHUT, .mac = {255, 255, 255, 255, 255, 255}}},
		{"multicast MAC address", {.flags = SYN, .dport = SHUT, .mac = {1, 0, 0x5e}}},
		{"SCTP", {.ip_proto = IPPROTO_SCTP, .dport = SHUT}},
		{"first fragment",
		 {.flags = SYN,
		  .dport = SHUT,
		  .more = true,
		  .ext = {IPPROTO_FRAGMENT},
		  .n_ext = family == 6}},
		{"to multicast",
		 {.ip_proto = IPPROTO_UDP,
		  .dport = SHUT,
		  .to = family == 4 ? "224.0.0.1" : "ff02::1"}},
		{"to broadcast",
		 {.ip_proto = IPPROTO_UDP,
		  .dport = SHUT,
		  .to = family == 4 ? "255.255.255.255" : "ff05::2"}},
		{"from multicast",
		 {.ip_proto = IPPROTO_UDP,
		  .dport = SHUT,
		  .from = family == 4 ? "239.1.2.3" : "ff02::9"}},
		{"from broadcast",
		 {.flags = SYN,
		  .dport = SHUT,
		  .from = family == 4 ? "255.255.255.255" : "ff0e::1"}},
		{"from nobody",
		 {.flags = SYN, .dport = SHUT, .from = family == 4 ? "0.0.0.0" : "::"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_spec spec = rows[i].spec;

		spec.family = family;
		spec.ip_proto = spec.ip_proto ?: IPPROTO_TCP;
		box_clear(&box);
		check(box_verdict(box.skel->progs.plic_wire, &spec) == DROP, "%s, IPv%d: silence",
		      rows[i].name, family);
	}
}

/* On lo over IPv4 the SYN goes on as a FIN, with a right checksum, for the stack to reset. */
static void on_lo(void)
{
	struct frame_spec spec = {.family = 4, .ip_proto = IPPROTO_TCP, .dport = SHUT, .seq = 9};
	static const uint8_t flags[] = {SYN, SYN | PSH | FIN, SYN | 0xc0};
	struct frame f;
	struct box_run r;

	for (size_t i = 0; i < sizeof(flags); i++) {
		spec.flags = flags[i];
		frame_build(&spec, &f);
		memset(f.bytes, 0, 6);
		r = box_run_on_lo(box.skel->progs.plic_wire, &f);
		check(r.verdict == PASS && r.out[f.l4 + 13] == FIN && r.out[f.l4 + 12] == 5 << 4 &&
			      frame_l4_sum(r.out + f.l3, r.out + f.l4, 20, IPPROTO_TCP) == 0xffff,
		      "SYN with flags %02x on lo", flags[i]);
	}
}

/* A burst on one CPU is answered, and then about one a millisecond. */
static void budget(void)
{
	struct frame_spec spec = {
		.family = 4, .ip_proto = IPPROTO_TCP, .dport = SHUT, .flags = SYN};
	uint64_t start, ms;
	int answers = 0;

	box_clear(&box);
	start = box_now();
	for (int i = 0; i < 20000; i++)
		answers += box_verdict(box.skel->progs.plic_wire, &spec) == REDIRECT;
	ms = (box_now() - start) / 1000000;
	/* The process may have moved to other CPUs, each with a burst of its own. */
	check(answers >= PLIC_REFUSE_BURST &&
		      answers <= (int)(box.n_cpus * (PLIC_REFUSE_BURST + ms + 8)),
	      "budget: %d of 20000 refused in %d ms", answers, (int)ms);
}

int main(void)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	struct ruleset_port cut = {
		.port = CUT, .end_port = CUT, .ip_proto = IPPROTO_TCP, .slot = 1};

	box_open(&box);
	cut.rule = box_rule(0, -2 * (int64_t)BOX_SECOND, -(int64_t)BOX_SECOND);
	box_publish(&box, &header, &none, &cut, 1);
	for (int family = 4; family <= 6; family += 2) {
		resets(family);
		padding(family);
		unreachables(family);
		silence(family);
	}
	on_lo();
	budget();
	box_close(&box);
	return tap_end();
}
