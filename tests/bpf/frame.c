/* SPDX-License-Identifier: MIT */
/* frame.c - see frame.h. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "frame.h"

const uint8_t frame_mac[6] = {2, 0, 0, 0, 0, 2};

static void put(struct frame *f, const void *bytes, size_t n)
{
	memcpy(f->bytes + f->len, bytes, n);
	f->len += n;
}

static void put8(struct frame *f, uint8_t v)
{
	put(f, &v, 1);
}

static void put16(struct frame *f, uint16_t v)
{
	put8(f, v >> 8);
	put8(f, v & 0xff);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void set16(struct frame *f, size_t at, uint16_t v)
{
	f->bytes[at] = v >> 8;
	f->bytes[at + 1] = v & 0xff;
}

uint32_t frame_sum(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint32_t frame_l4_sum(const uint8_t *ip, const void *l4, size_t l4_len, uint8_t proto)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t sum = frame_sum(proto + l4_len, v4 ? ip + 12 : ip + 8, v4 ? 8 : 32);

	return frame_sum(sum, l4, l4_len);
}

static void put_address(struct frame *f, int family, const char *text)
{
	uint8_t address[16];

	inet_pton(family == 4 ? AF_INET : AF_INET6, text, address);
	put(f, address, family == 4 ? 4 : 16);
}

static void put_ipv4(const struct frame_spec *s, struct frame *f)
{
	put8(f, 0x45 + s->options);
	put8(f, 0);
	put16(f, 0); /* length, below */
	put16(f, 0x1234);
	put16(f, (s->more ? 0x2000 : 0) | s->frag_off / 8);
	put8(f, 64);
	put8(f, s->ip_proto);
	put16(f, 0);
	put_address(f, 4, s->from ?: "192.0.2.1");
	put_address(f, 4, s->to ?: "10.0.0.2");
	for (int i = 0; i < s->options * 4; i++)
		put8(f, 1);
}

static void put_ext_headers(const struct frame_spec *s, struct frame *f)
{
	for (int i = 0; i < s->n_ext; i++) {
		put8(f, i + 1 < s->n_ext ? s->ext[i + 1] : s->ip_proto);
		put8(f, 0);
		if (s->ext[i] == IPPROTO_FRAGMENT) {
			put16(f, s->frag_off | s->more);
			put32(f, 0x1234);
		} else { /* PadN over the rest; a routing header of type 1 with no segments left */
			put8(f, s->ext[i] == IPPROTO_ROUTING ? 0 : 1);
			put8(f, s->ext[i] == IPPROTO_ROUTING ? 0 : 4);
			put32(f, 0);
		}
	}
}

static void put_ipv6(const struct frame_spec *s, struct frame *f)
{
	put32(f, 6U << 28);
	put16(f, 0); /* length, below */
	put8(f, s->n_ext ? s->ext[0] : s->ip_proto);
	put8(f, 64);
	put_address(f, 6, s->from ?: "2001:db8::1");
	put_address(f, 6, s->to ?: "fd00::2");
	put_ext_headers(s, f);
}

static void put_l4(const struct frame_spec *s, struct frame *f)
{
	put16(f, s->sport ?: 40000);
	put16(f, s->dport);
	switch (s->ip_proto) {
	case IPPROTO_TCP:
		put32(f, s->seq);
		put32(f, s->ack);
		put8(f, 5 << 4);
		put8(f, s->flags);
		put16(f, 65535);
		put32(f, 0);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		put16(f, 8 + s->payload);
		put16(f, 0);
		break;
	default: /* SCTP: verification tag, checksum; enough for all others */
		put32(f, 0);
		put32(f, 0);
	}
	for (int i = 0; i < s->payload; i++)
		put8(f, s->data ? s->data[i] : 'a' + i % 26);
}

static void finish(const struct frame_spec *s, struct frame *f)
{
	size_t l4_len = f->len - f->l4;

	if (s->family == 4) {
		set16(f, f->l3 + 2, f->len - f->l3 + s->lie);
		set16(f, f->l3 + 10, ~frame_sum(0, f->bytes + f->l3, f->l4 - f->l3));
	} else {
		set16(f, f->l3 + 4, f->len - f->l3 - 40 + s->lie);
	}
	if (!s->cut && (s->ip_proto == IPPROTO_TCP || s->ip_proto == IPPROTO_UDP)) {
		uint16_t sum =
			~frame_l4_sum(f->bytes + f->l3, f->bytes + f->l4, l4_len, s->ip_proto);

		set16(f, f->l4 + (s->ip_proto == IPPROTO_TCP ? 16 : 6), sum);
	}
}

void frame_build(const struct frame_spec *s, struct frame *f)
{
	static const uint8_t source[6] = {2, 0, 0, 0, 0, 1}, none[6];

	f->len = 0;
	put(f, memcmp(s->mac, none, 6) ? s->mac : frame_mac, 6);
	put(f, source, 6);
	for (int i = 0; i < FRAME_MAX_VLANS && s->tpid[i]; i++) {
		put16(f, s->tpid[i]);
		put16(f, s->vid[i]);
	}
	put16(f, s->ethertype ?: s->family == 4 ? ETH_P_IP : ETH_P_IPV6);
	f->l3 = f->len;
	if (s->family == 4)
		put_ipv4(s, f);
	else
		put_ipv6(s, f);
	f->l4 = f->len;
	put_l4(s, f);
	if (s->cut)
		f->len = f->l4 + s->cut;
	finish(s, f);
}
