/* SPDX-License-Identifier: MIT */
/*
 * test_parse.c - what wire makes of every kind of frame. Port 8080 is open for TCP and UDP, nothing
 * else is: a frame that the stack would deliver must be read right, and one that can't be read must
 * never pass.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "tap.h"

#define OPEN 8080
#define SHUT 9090

#define HBH IPPROTO_HOPOPTS
#define DST IPPROTO_DSTOPTS
#define RTH IPPROTO_ROUTING
#define FRAG IPPROTO_FRAGMENT

struct row {
	const char *name;
	struct frame_spec spec;
	int verdict;
	int reason; /* enum plic_reason of the denial; 0: none is counted */
};

#define TCP4 .family = 4, .ip_proto = IPPROTO_TCP, .flags = SYN
#define TCP6 .family = 6, .ip_proto = IPPROTO_TCP, .flags = SYN
#define UDP4 .family = 4, .ip_proto = IPPROTO_UDP, .payload = 40
#define UDP6 .family = 6, .ip_proto = IPPROTO_UDP, .payload = 40
#define PROTO(f, p) .family = f, .ip_proto = p
#define PASSES PASS, 0
#define SHOT(r) DROP, PLIC_REASON_##r
#define Q ETH_P_8021Q
#define AD ETH_P_8021AD

/* Each of these is tried with the open port, where it passes, and with a shut one, where it doesn't. */
static const struct row delivered[] = {
	{"plain", {TCP4}, 0, 0},
	{"plain", {TCP6}, 0, 0},
	{"plain", {UDP4}, 0, 0},
	{"plain", {UDP6}, 0, 0},
	{"one word of options", {TCP4, .options = 1}, 0, 0},
	{"40 bytes of options", {TCP4, .options = 10}, 0, 0},
	{"40 bytes of options", {UDP4, .options = 10}, 0, 0},
	{"one tag", {TCP4, .tpid = {Q}}, 0, 0},
	{"two tags of VID 0", {TCP4, .tpid = {Q, Q}}, 0, 0},
	{"three tags of VID 0", {UDP4, .tpid = {Q, Q, Q}}, 0, 0},
	{"four tags of VID 0", {TCP6, .tpid = {Q, Q, Q, Q}}, 0, 0},
	{"802.1ad and 802.1Q", {TCP4, .tpid = {AD, Q}}, 0, 0},
	{"802.1ad and 802.1Q", {UDP6, .tpid = {AD, Q}}, 0, 0},
	{"tags and options", {UDP4, .tpid = {Q, Q}, .options = 3}, 0, 0},
	{"hop-by-hop", {TCP6, .ext = {HBH}, .n_ext = 1}, 0, 0},
	{"destination options", {UDP6, .ext = {DST}, .n_ext = 1}, 0, 0},
	{"routing header", {TCP6, .ext = {RTH}, .n_ext = 1}, 0, 0},
	{"hop-by-hop, destination", {UDP6, .ext = {HBH, DST}, .n_ext = 2}, 0, 0},
	{"7 destination options",
	 {TCP6, .ext = {DST, DST, DST, DST, DST, DST, DST}, .n_ext = 7},
	 0,
	 0},
	{"8 destination options",
	 {TCP6, .ext = {DST, DST, DST, DST, DST, DST, DST, DST}, .n_ext = 8},
	 0,
	 0},
	{"atomic fragment", {TCP6, .ext = {FRAG}, .n_ext = 1}, 0, 0},
	{"destination, atomic fragment, destination",
	 {UDP6, .ext = {DST, FRAG, DST}, .n_ext = 3},
	 0,
	 0},
	{"first fragment with the whole header", {TCP4, .more = true, .payload = 4}, 0, 0},
	{"first fragment of 8 bytes", {UDP4, .more = true, .cut = 8}, 0, 0},
	{"first fragment with the whole header",
	 {TCP6, .ext = {FRAG}, .n_ext = 1, .more = true, .payload = 4},
	 0,
	 0},
	{"first fragment of 8 bytes",
	 {UDP6, .ext = {FRAG}, .n_ext = 1, .more = true, .cut = 8},
	 0,
	 0},
	{"limited broadcast", {UDP4, .to = "255.255.255.255"}, 0, 0},
	{"multicast", {UDP4, .to = "224.0.0.251"}, 0, 0},
	{"multicast", {UDP6, .to = "ff02::fb"}, 0, 0},
};

/* All of these name a shut port, or none. */
static const struct row others[] = {
	{"ARP", {TCP4, .ethertype = ETH_P_ARP}, PASSES},
	{"tagged ARP", {TCP4, .ethertype = ETH_P_ARP, .tpid = {Q, Q}}, PASSES},
	{"ICMP", {PROTO(4, IPPROTO_ICMP)}, PASSES},
	{"ICMP with options", {PROTO(4, IPPROTO_ICMP), .options = 2}, PASSES},
	{"IGMP", {PROTO(4, IPPROTO_IGMP), .options = 1}, PASSES},
	{"ICMPv6", {PROTO(6, IPPROTO_ICMPV6)}, PASSES},
	{"MLD: ICMPv6 behind hop-by-hop",
	 {PROTO(6, IPPROTO_ICMPV6), .ext = {HBH}, .n_ext = 1},
	 PASSES},
	{"ICMPv6 in IPv4", {PROTO(4, IPPROTO_ICMPV6)}, SHOT(PROTOCOL)},
	{"ICMP in IPv6", {PROTO(6, IPPROTO_ICMP)}, SHOT(PROTOCOL)},
	{"later fragment", {TCP4, .frag_off = 24}, PASSES},
	{"later fragment, more to come", {TCP4, .frag_off = 8, .more = true}, PASSES},
	{"later fragment", {TCP6, .ext = {FRAG}, .n_ext = 1, .frag_off = 24}, PASSES},
	{"first TCP fragment of 8 bytes", {TCP4, .more = true, .cut = 8}, SHOT(FRAGMENT)},
	{"first TCP fragment of 16 bytes", {TCP4, .more = true, .cut = 16}, SHOT(FRAGMENT)},
	{"first TCP fragment of 16 bytes",
	 {TCP6, .ext = {FRAG}, .n_ext = 1, .more = true, .cut = 16},
	 SHOT(FRAGMENT)},
	{"first fragment, header chain goes on in the next",
	 {UDP6, .ext = {FRAG, DST}, .n_ext = 2, .more = true, .lie = -48},
	 SHOT(FRAGMENT)},
	{"TCP header cut short", {TCP4, .cut = 19}, SHOT(MALFORMED)},
	{"UDP header cut short", {UDP4, .cut = 7}, SHOT(MALFORMED)},
	{"UDP header cut short", {UDP6, .cut = 7}, SHOT(MALFORMED)},
	{"longer than the frame", {TCP4, .lie = 1}, SHOT(MALFORMED)},
	{"longer than the frame", {TCP6, .lie = 1}, SHOT(MALFORMED)},
	{"IP length cuts the TCP header", {TCP4, .lie = -1}, SHOT(MALFORMED)},
	{"IP length cuts the TCP header", {TCP6, .lie = -1}, SHOT(MALFORMED)},
	{"IPv6 length 0", {TCP6, .lie = -20}, SHOT(MALFORMED)},
	{"SCTP, unlicensed", {PROTO(4, IPPROTO_SCTP)}, SHOT(UNLICENSED)},
	{"five tags", {TCP4, .tpid = {Q, Q, Q, Q, Q}}, SHOT(MALFORMED)},
	{"9 destination options",
	 {TCP6, .ext = {DST, DST, DST, DST, DST, DST, DST, DST, DST}, .n_ext = 9},
	 SHOT(MALFORMED)},
	{"GRE", {PROTO(4, IPPROTO_GRE)}, SHOT(PROTOCOL)},
	{"GRE", {PROTO(6, IPPROTO_GRE)}, SHOT(PROTOCOL)},
	{"IPIP", {PROTO(4, IPPROTO_IPIP)}, SHOT(PROTOCOL)},
	{"IPv6 in IPv4", {PROTO(4, IPPROTO_IPV6)}, SHOT(PROTOCOL)},
	{"IPv6 in IPv6", {PROTO(6, IPPROTO_IPV6)}, SHOT(PROTOCOL)},
	{"UDP-Lite", {PROTO(4, IPPROTO_UDPLITE)}, SHOT(PROTOCOL)},
	{"DCCP", {PROTO(4, IPPROTO_DCCP)}, SHOT(PROTOCOL)},
	{"ESP", {PROTO(4, IPPROTO_ESP)}, SHOT(PROTOCOL)},
	{"AH", {PROTO(4, IPPROTO_AH)}, SHOT(PROTOCOL)},
	{"AH behind destination options",
	 {PROTO(6, IPPROTO_AH), .ext = {DST}, .n_ext = 1},
	 SHOT(PROTOCOL)},
	{"no next header", {PROTO(6, IPPROTO_NONE)}, SHOT(PROTOCOL)},
	{"mobility header", {PROTO(6, 135)}, SHOT(PROTOCOL)},
	{"LLC", {TCP4, .ethertype = 0x0100}, SHOT(PROTOCOL)},
	{"MPLS", {TCP4, .ethertype = ETH_P_MPLS_UC}, SHOT(PROTOCOL)},
	{"PPPoE", {TCP4, .ethertype = ETH_P_PPP_SES}, SHOT(PROTOCOL)},
	{"IPv6 with the ethertype of IPv4", {TCP6, .ethertype = ETH_P_IP}, SHOT(MALFORMED)},
	{"IPv4 with the ethertype of IPv6", {TCP4, .ethertype = ETH_P_IPV6}, SHOT(MALFORMED)},
};

static const struct box_counts *counts_after(struct box *box, const struct frame *f, int *verdict,
					     uint32_t gso)
{
	static struct box_counts counts;

	box_clear(box);
	*verdict = box_run(box->skel->progs.plic_wire, f, gso).verdict;
	box_counts(box, &counts);
	return &counts;
}

static bool only_reason(const struct box_counts *c, int reason)
{
	if (!reason)
		return !c->denied && !c->audit;
	for (size_t i = 0; i < c->n_denials; i++)
		if (c->denials[i].packets == 1 && c->keys[i].reason == reason)
			return c->denied == 1 && !c->audit && !c->allowed;
	return false;
}

static void run_delivered(struct box *box)
{
	for (size_t i = 0; i < sizeof(delivered) / sizeof(delivered[0]); i++) {
		struct frame_spec spec = delivered[i].spec;
		const struct box_counts *c;
		struct frame f;
		int verdict;

		spec.dport = OPEN;
		frame_build(&spec, &f);
		c = counts_after(box, &f, &verdict, 0);
		check(verdict == PASS && c->allowed == 1 && only_reason(c, 0),
		      "%s, IPv%d, protocol %d, open port: verdict %d", delivered[i].name,
		      spec.family, spec.ip_proto, verdict);
		spec.dport = SHUT;
		frame_build(&spec, &f);
		c = counts_after(box, &f, &verdict, 0);
		check(verdict == DROP && only_reason(c, PLIC_REASON_UNLICENSED),
		      "%s, IPv%d, protocol %d, shut port: verdict %d", delivered[i].name,
		      spec.family, spec.ip_proto, verdict);
	}
}

static void run_others(struct box *box)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct row *r = &others[i];
		struct frame_spec spec = r->spec;
		const struct box_counts *c;
		struct frame f;
		int verdict;

		spec.dport = SHUT;
		frame_build(&spec, &f);
		c = counts_after(box, &f, &verdict, 0);
		check(verdict == r->verdict && only_reason(c, r->reason) && !c->allowed,
		      "%s, IPv%d: verdict %d", r->name, spec.family, verdict);
	}
}

/* 40 extension headers are delivered by the stack: the walk must end shut. */
static void long_chain(struct box *box)
{
	struct frame_spec spec = {UDP6, .dport = OPEN, .n_ext = 40};

	memset(spec.ext, DST, 40);
	check(box_verdict(box->skel->progs.plic_wire, &spec) == DROP, "40 extension headers");
}

/* The header that the last extension header points at lies behind the datagram, in the padding. */
static void beyond(struct box *box)
{
	struct frame_spec spec = {UDP6, .dport = OPEN, .ext = {DST}, .n_ext = 1, .lie = -46};
	const struct box_counts *c;
	struct frame f;
	int verdict;

	frame_build(&spec, &f);
	f.bytes[f.l3 + 41] = 1; /* 16 bytes, of a datagram of 50 */
	f.bytes[f.l3 + 56 + 2] = OPEN >> 8;
	f.bytes[f.l3 + 56 + 3] = OPEN & 0xff;
	c = counts_after(box, &f, &verdict, 0);
	check(verdict == DROP && only_reason(c, PLIC_REASON_MALFORMED),
	      "extension header beyond the datagram: verdict %d", verdict);
}

/* Longer than the length field can say: hop-by-hop with length 0, and the field simply 0. */
static void big_tcp(struct box *box)
{
	struct frame_spec spec = {TCP6, .dport = OPEN, .ext = {HBH}, .n_ext = 1, .payload = 2000};
	struct frame f;
	int verdict;

	for (int port = OPEN; port <= SHUT; port += SHUT - OPEN) {
		int want = port == OPEN ? PASS : DROP;

		spec.dport = port;
		spec.n_ext = 1;
		frame_build(&spec, &f);
		memset(f.bytes + f.l3 + 4, 0, 2);
		counts_after(box, &f, &verdict, 0);
		check(verdict == want, "BIG TCP, hop-by-hop, port %d: verdict %d", port, verdict);
		spec.n_ext = 0;
		frame_build(&spec, &f);
		memset(f.bytes + f.l3 + 4, 0, 2);
		counts_after(box, &f, &verdict, 2);
		check(verdict == want, "BIG TCP, IPv6, port %d: verdict %d", port, verdict);
		spec.family = 4;
		frame_build(&spec, &f);
		memset(f.bytes + f.l3 + 2, 0, 2);
		counts_after(box, &f, &verdict, 2);
		check(verdict == want, "BIG TCP, IPv4, port %d: verdict %d", port, verdict);
		counts_after(box, &f, &verdict, 0);
		check(verdict == DROP, "length 0 without GSO, IPv4: verdict %d", verdict);
		spec.family = 6;
	}
}

/*
 * Whatever is cut off at the end, on an open port or a shut one: less than the datagram never passes.
 * Newer kernels don't run frames that are shorter than the IP header.
 */
static void truncations(struct box *box)
{
	static struct frame_spec longest = {UDP6, .dport = OPEN, .n_ext = 8};
	int tried = 0, passed = 0, counted = 0;

	memset(longest.ext, DST, 8);
	for (size_t i = 0; i <= sizeof(delivered) / sizeof(delivered[0]); i++) {
		bool last = i == sizeof(delivered) / sizeof(delivered[0]);
		struct frame_spec spec = last ? longest : delivered[i].spec;
		struct frame f;

		for (int port = OPEN; port <= SHUT; port += SHUT - OPEN) {
			spec.dport = port;
			frame_build(&spec, &f);
			for (size_t len = f.len - 1; len > ETH_HLEN; len--) {
				struct frame cut = f;
				const struct box_counts *c;
				int verdict;

				cut.len = len;
				c = counts_after(box, &cut, &verdict, 0);
				if (verdict == BOX_NO_RUN)
					break;
				tried++;
				passed += verdict != DROP;
				counted += c->denied == 1 && !c->allowed;
			}
		}
	}
	check(tried > 1000 && passed == 0 && counted == tried,
	      "%d truncations: %d passed, %d counted", tried, passed, counted);
}

/* Reads like the stack, from a whole frame in memory, and tells the port that would be reached. */
enum reading { NOTHING, HARMLESS, TO_PORT };

static uint16_t be16(const uint8_t *b)
{
	return b[0] << 8 | b[1];
}

static enum reading read_l4(const uint8_t *l4, size_t len, int proto, int family, uint16_t *port)
{
	if (proto == (family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) ||
	    (family == 4 && proto == IPPROTO_IGMP))
		return HARMLESS;
	if (!(proto == IPPROTO_TCP && len >= 20) && !(proto == IPPROTO_UDP && len >= 8) &&
	    !(proto == IPPROTO_SCTP && len >= 12))
		return NOTHING;
	*port = be16(l4 + 2);
	/* Not an opener: answers pass on any unnamed port. */
	if (proto == IPPROTO_TCP && (l4[13] & (SYN | ACK)) != SYN && *port != OPEN)
		return HARMLESS;
	if (proto == IPPROTO_SCTP)
		*port = SHUT; /* none is open */
	return TO_PORT;
}

static enum reading read_ip(const uint8_t *ip, size_t len, int ethertype, uint16_t *port)
{
	if (ethertype == ETH_P_IP) {
		size_t header, total;

		if (len < 20)
			return NOTHING;
		header = (ip[0] & 15) * 4, total = be16(ip + 2);
		if (ip[0] >> 4 != 4 || header < 20 || total < header || total > len)
			return NOTHING;
		if (be16(ip + 6) & 0x1fff)
			return HARMLESS;
		return read_l4(ip + header, total - header, ip[9], 4, port);
	}
	if (ethertype == ETH_P_IPV6) {
		size_t at = 40, total;
		int next, walked = 0;

		if (len < 40)
			return NOTHING;
		next = ip[6];
		total = 40 + be16(ip + 4);
		if (total == 40 && next == HBH)
			total = len;
		if (ip[0] >> 4 != 6 || total > len)
			return NOTHING;
		for (; next == HBH || next == DST || next == RTH || next == FRAG; walked++) {
			const uint8_t *ext = ip + at;

			if (at + 8 > total || walked == 8)
				return NOTHING;
			if (next == FRAG && be16(ext + 2) & 0xfff8)
				return HARMLESS;
			at += next == FRAG ? 8 : 8 + ext[1] * 8;
			next = ext[0];
		}
		return at > total ? NOTHING : read_l4(ip + at, total - at, next, 6, port);
	}
	return ethertype == ETH_P_ARP ? HARMLESS : NOTHING;
}

static enum reading read_frame(const uint8_t *frame, size_t len, uint16_t *port)
{
	int ethertype = be16(frame + 12), tags = 0;
	size_t at = ETH_HLEN;

	for (; ethertype == Q || ethertype == AD; tags++, at += 4) {
		/* The kernel takes the first tag off before tc; a test run leaves it where it is. */
		if (at + 4 > len || tags == 4)
			return NOTHING;
		ethertype = be16(frame + at + 2);
	}
	return read_ip(frame + at, len - at, ethertype, port);
}

/* Frames with random damage to their headers, against the plain reader above. */
static void mutations(struct box *box)
{
	int wrong = 0, seen[3] = {};

	srandom(1);
	for (int i = 0; i < 200000; i++) {
		size_t n = sizeof(delivered) / sizeof(delivered[0]);
		struct frame_spec spec = delivered[random() % n].spec;
		struct frame f;
		uint16_t port = 0;
		enum reading want;
		int verdict;
		bool passes;

		spec.dport = random() % 2 ? OPEN : SHUT;
		frame_build(&spec, &f);
		for (int k = random() % 4; k > 0; k--) {
			size_t at = 12 + random() % (f.l4 + 16 - 12);

			if (at < f.len)
				f.bytes[at] = random() % 3 ? random() : f.bytes[random() % f.len];
		}
		if (random() % 8 == 0)
			f.len = ETH_HLEN + 1 + random() % (f.len - ETH_HLEN);
		want = read_frame(f.bytes, f.len, &port);
		verdict = box_run(box->skel->progs.plic_wire, &f, 0).verdict;
		if (verdict == BOX_NO_RUN)
			continue;
		passes = want == HARMLESS || (want == TO_PORT && port == OPEN);
		seen[want]++;
		if (verdict != (passes ? PASS : DROP) && wrong++ < 5) {
			printf("# reading %d port %d verdict %d:", want, port, verdict);
			for (size_t b = 12; b < f.len && b < 90; b++)
				printf(" %02x", f.bytes[b]);
			printf("\n");
		}
	}
	check(!wrong, "200000 damaged frames: %d wrong (%d unreadable, %d harmless, %d to a port)",
	      wrong, seen[0], seen[1], seen[2]);
}

int main(void)
{
	struct plic_header header = {.deny = PLIC_DROP};
	struct plic_rule none = {.deny = PLIC_DROP}, open = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	struct ruleset_port ports[] = {
		{.port = OPEN, .end_port = OPEN, .ip_proto = IPPROTO_TCP, .slot = 1, .rule = open},
		{.port = OPEN, .end_port = OPEN, .ip_proto = IPPROTO_UDP, .slot = 2, .rule = open},
	};
	struct box box;

	box_open(&box);
	box_publish(&box, &header, &none, ports, 2);
	run_delivered(&box);
	run_others(&box);
	long_chain(&box);
	beyond(&box);
	big_tcp(&box);
	truncations(&box);
	mutations(&box);
	box_close(&box);
	return tap_end();
}
