/* SPDX-License-Identifier: MIT */
/*
 * hello.h - does a TCP connection begin with a TLS ClientHello (plic_hellos)? For wire and host.
 *
 * Each segment that covers one of the first bytes has to have the right ones there, in whatever order and
 * how often they come: so the stack never gets others. What comes behind them isn't looked at: it is a
 * check for what speaks no TLS by mistake, and no proof.
 */
#ifndef PORTLIC_BPF_HELLO_H
#define PORTLIC_BPF_HELLO_H

#include <linux/tcp.h>

#include "count.h"
#include "mark.h"

/* Sequence number of a segment's first byte, and where in the frame that is. */
static __always_inline bool segment_begins(struct __sk_buff *skb, const struct packet *p,
					   __u32 *sequence, __u32 *at)
{
	__be32 words[4] = {};

	if (bpf_skb_load_bytes(skb, p->l4, words, sizeof(words)))
		return false;
	*sequence = bpf_ntohl(words[1]) + !!(p->tcp_flags & TCP_SYN);
	*at = p->l4 + (bpf_ntohl(words[3]) >> 28) * 4;
	return true;
}

/*
 * Where in the frame it ends: Ethernet's padding isn't of it. *partly: it may be a fragment, of which the
 * rest isn't seen.
 */
static __always_inline __u32 segment_end(struct __sk_buff *skb, const struct packet *p,
					 bool *partly)
{
	__be16 words[4] = {};

	bpf_skb_load_bytes(skb, p->l3, words, sizeof(words));
	if (p->family == 4) { /* a length of 0: BIG TCP */
		*partly = words[3] & bpf_htons(IPV4_MF);
		return words[1] ? p->l3 + bpf_ntohs(words[1]) : skb->len;
	}
	*partly = p->l4 - p->l3 != sizeof(struct ipv6hdr);
	return words[2] ? p->l3 + sizeof(struct ipv6hdr) + bpf_ntohs(words[2]) : skb->len;
}

/* From what the socket has received: the entry fell out of its table, or TLS wasn't demanded before. */
static __always_inline struct plic_hello *hello_again(struct __sk_buff *skb, const struct packet *p,
						      void *table, const struct plic_mark_key *key)
{
	struct plic_budget *b = budget();
	struct bpf_sock_tuple tuple = {};
	struct plic_hello hello = {};
	struct bpf_tcp_sock *tcp;
	struct bpf_sock *sk;
	__u32 size = mark_tuple(p, key, &tuple);
	bool stands = false;

	if (!b)
		return NULL;
	b->probing = 1; /* our own socket program may run inside this call */
	sk = bpf_sk_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	b->probing = 0;
	if (!sk)
		return NULL;
	tcp = sk->state == BPF_TCP_LISTEN ? NULL : bpf_tcp_sock(sk);
	if (tcp) {
		__u64 received = tcp->bytes_received;

		stands = true;
		hello.first = tcp->rcv_nxt - (__u32)received;
		hello.seen = received < PLIC_HELLO_DONE ? received : PLIC_HELLO_DONE;
	}
	bpf_sk_release(sk);
	if (!stands)
		return NULL;
	/* Nobody can tell any more what it began with. */
	if (hello.seen >= PLIC_HELLO_BYTES)
		hello.seen = PLIC_HELLO_DONE;
	bpf_map_update_elem(table, key, &hello, BPF_ANY);
	return bpf_map_lookup_elem(table, key);
}

static __always_inline bool is_hello_byte(__u32 place, __u8 byte)
{
	switch (place) {
	case 0: /* handshake ... */
		return byte == 0x16;
	case 1: /* of SSL 3 or any TLS ... */
		return byte == 3;
	case 2:
		return byte <= 4;
	case 3: /* ... in a record of at most 16 KiB ... */
		return byte <= 0x40;
	case 5: /* ... that begins with a ClientHello */
		return byte == 1;
	default:
		return true;
	}
}

/* offset: of the byte at at from the first one; it is before PLIC_HELLO_BYTES. */
static __always_inline bool is_plaintext(struct __sk_buff *skb, const struct packet *p,
					 __s32 offset, __u32 at)
{
	bool partly;
	__s32 end = offset + (__s32)(segment_end(skb, p, &partly) - at);

	if (partly && end < PLIC_HELLO_BYTES)
		return true;
	for (__s32 i = 0; i < PLIC_HELLO_BYTES; i++) {
		__u8 byte = 0;

		if (i >= offset && i < end &&
		    (bpf_skb_load_bytes(skb, at + (i - offset), &byte, sizeof(byte)) ||
		     !is_hello_byte(i, byte)))
			return true;
	}
	return false;
}

#define HELLO_DEMANDED                                                                             \
	1	     /* to hello(): by all that admit now; else the connection is good for ever */
#define HELLO_ANEW 2 /* to hello(): whatever is known of these ports is over */
#define HELLO_KNOWN                                                                                \
	0x100 /* from hello(): a SYN on ports of which something is known; nothing is done */

/*
 * For a segment of a connection to a port where a limit demands TLS. packed, ports: as for admit(). enum
 * plic_reason or HELLO_KNOWN.
 */
PLIC_FUNC int hello(struct __sk_buff *skb, __u64 packed, __u32 ports, __u32 flags)
{
	__u32 gate = plic_gate_id, lost;
	struct plic_hello *h, fresh = {};
	struct plic_mark_key key;
	__u32 sequence = 0, at = 0;
	struct packet p;
	__s32 offset;
	void *table = bpf_map_lookup_elem(&plic_hellos, &gate);

	lost = flags & HELLO_DEMANDED ? PLIC_REASON_STATE_LOST : PLIC_REASON_NONE;
	packet_unpack(&p, packed);
	p.sport = ports >> 16;
	p.dport = ports & 0xffff;
	if (!table || !segment_begins(skb, &p, &sequence, &at))
		return lost;
	if (plic_dry_run) /* a new connection; nobody knows what it will say */
		return PLIC_REASON_NONE;
	mark_key(skb, &p, true, &key);
	h = bpf_map_lookup_elem(table, &key);
	if ((p.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		if (h && h->first != sequence && !(flags & HELLO_ANEW))
			return HELLO_KNOWN;
		fresh.first = sequence;
		bpf_map_update_elem(table, &key, &fresh, BPF_ANY);
		h = bpf_map_lookup_elem(table, &key);
	} else if (!h) {
		h = hello_again(skb, &p, table, &key);
	}
	if (!h)
		return lost;
	if (!(flags & HELLO_DEMANDED))
		h->seen = PLIC_HELLO_DONE;
	if (h->seen >= PLIC_HELLO_DONE)
		return PLIC_REASON_NONE;
	offset = sequence - h->first;
	if (offset < PLIC_HELLO_BYTES && is_plaintext(skb, &p, offset, at))
		return PLIC_REASON_PLAINTEXT;
	h->seen += skb->len;
	return PLIC_REASON_NONE;
}

#endif
