/* SPDX-License-Identifier: MIT */
/* test_hello.c - ports that demand TLS: the first bytes of a connection, however they come. */
#include <linux/tcp.h>
#include <stdlib.h>

#include "limited.h"

#define ISN 0xfffffffdU /* sequence numbers come round within the first bytes */
#define STATE_LOST PLIC_REASON_STATE_LOST
#define PLAINTEXT PLIC_REASON_PLAINTEXT

static const uint8_t client_hello[64] = {0x16, 3, 1, 0x02, 0, 1, 0, 1, 0xfc, 3, 3};
static const uint8_t http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

static int tables, table;

/* Segments: bytes [at, at + len) of a stream, in the order in which they come. */
struct piece {
	const uint8_t *stream; /* NULL: none */
	int32_t at;
	uint16_t len;
	__u8 reason; /* 0: passes */
};

static void make_table(void)
{
	uint32_t gate = BOX_GATE;

	table = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "hellos", sizeof(struct plic_mark_key),
			       sizeof(struct plic_hello), 1024, NULL);
	bpf_map_update_elem(tables, &gate, &table, BPF_ANY);
}

static void drop_table(void)
{
	uint32_t gate = BOX_GATE;

	close(table);
	bpf_map_delete_elem(tables, &gate);
}

static struct frame_spec segment(int family, uint16_t sport, uint8_t flags, const struct piece *p)
{
	return (struct frame_spec){.family = family,
				   .ip_proto = IPPROTO_TCP,
				   .sport = sport,
				   .dport = PORT,
				   .flags = flags,
				   .seq = ISN + !(flags & SYN) + p->at,
				   .payload = p->len,
				   .data = p->stream ? p->stream + p->at : NULL};
}

/* Why a frame was denied or, in audit, would have been; 0: it passed. */
static int why(const struct frame *f)
{
	static struct box_counts counts;
	int verdict;

	box_clear(&box);
	verdict = box_run(box.skel->progs.plic_wire, f, 0).verdict;
	box_counts(&box, &counts);
	if (verdict == PASS && !counts.n_denials)
		return 0;
	return counts.n_denials == 1 ? counts.keys[0].reason : -1;
}

static int why_spec(const struct frame_spec *spec)
{
	struct frame f;

	frame_build(spec, &f);
	return why(&f);
}

static uint16_t next_port = 30000;

/* A new connection, and what comes on it. True: all as meant. */
static bool plays(int family, const struct piece *pieces, size_t n)
{
	static const struct piece nothing;
	uint16_t sport = next_port++;
	struct frame_spec syn = segment(family, sport, SYN, &nothing);
	bool good = !why_spec(&syn);

	for (size_t i = 0; i < n; i++) {
		struct frame_spec spec = segment(family, sport, ACK, &pieces[i]);
		int reason = why_spec(&spec);

		if (reason != pieces[i].reason)
			printf("# piece %zu: %d, not %u\n", i, reason, pieces[i].reason);
		good &= reason == pieces[i].reason;
	}
	return good;
}

#define PLAY(name, ...)                                                                            \
	do {                                                                                       \
		const struct piece pieces_[] = {__VA_ARGS__};                                      \
		size_t n_ = sizeof(pieces_) / sizeof(pieces_[0]);                                  \
		check(plays(4, pieces_, n_) && plays(6, pieces_, n_), name);                       \
	} while (0)

static void orders(void)
{
	const uint8_t *good = client_hello;

	PLAY("a ClientHello, and more", {good, 0, 64, 0}, {NULL, 64, 1000, 0},
	     {NULL, 1064, 1000, 0});
	PLAY("nothing, for a while", {NULL, 0, 0, 0}, {NULL, 0, 0, 0}, {good, 0, 64, 0});
	PLAY("HTTP", {http, 0, 27, PLAINTEXT}, {http, 0, 27, PLAINTEXT});
	PLAY("byte by byte", {good, 0, 1, 0}, {good, 1, 1, 0}, {good, 2, 1, 0}, {good, 3, 1, 0},
	     {good, 4, 1, 0}, {good, 5, 1, 0}, {good, 6, 1, 0});
	PLAY("... HTTP", {http, 0, 1, PLAINTEXT}, {http, 1, 1, PLAINTEXT}, {http, 2, 1, PLAINTEXT});
	PLAY("in the wrong order", {good, 5, 59, 0}, {good, 2, 3, 0}, {good, 0, 2, 0});
	PLAY("... HTTP: its first bytes never come", {http, 6, 20, 0}, {http, 3, 3, PLAINTEXT},
	     {http, 0, 3, PLAINTEXT});
	PLAY("sent again", {good, 0, 3, 0}, {good, 0, 3, 0}, {good, 0, 64, 0}, {good, 0, 64, 0});
	PLAY("... as something else", {good, 0, 64, 0}, {http, 0, 27, PLAINTEXT},
	     {http, 2, 20, PLAINTEXT});
	PLAY("a keep-alive: the byte before the first", {NULL, -1, 1, 0}, {good, 0, 64, 0});
	PLAY("... that goes on into it", {http + 8, -8, 16, PLAINTEXT});
}

static void splits(void)
{
	bool good = true, bad = true;

	for (uint16_t at = 1; at < 8; at++) {
		struct piece two[] = {{client_hello, 0, at, 0}, {client_hello, at, 64 - at, 0}};
		struct piece reversed[] = {two[1], two[0]};

		good &= plays(4, two, 2) && plays(6, two, 2) && plays(4, reversed, 2);
	}
	check(good, "split behind each of the first bytes");
	for (uint16_t at = 0; at < PLIC_HELLO_BYTES; at++) {
		uint8_t wrong[64];
		struct piece whole = {wrong, 0, 64, at == 4 ? 0 : PLAINTEXT}; /* any length */
		struct piece two[] = {{wrong, 0, at, 0}, {wrong, at, 64 - at, whole.reason}};

		memcpy(wrong, client_hello, sizeof(wrong));
		wrong[at] = 0x7f;
		bad &= plays(4, &whole, 1) && plays(6, &whole, 1) && plays(4, two, 2);
	}
	check(bad, "each of the first bytes is looked at");
}

static void flags(void)
{
	static const struct piece nothing, hello_piece = {client_hello, 0, 64, 0},
					   http_piece = {http, 0, 27, 0};
	struct frame_spec spec = segment(4, 20000, SYN, &hello_piece);

	check(why_spec(&spec) == 0, "SYN with a ClientHello (TCP Fast Open)");
	spec = segment(4, 20000, ACK, &(struct piece){NULL, 64, 100, 0});
	check(why_spec(&spec) == 0, "... goes on behind it");
	spec = segment(4, 20000, ACK, &http_piece);
	check(why_spec(&spec) == PLAINTEXT, "... or begins again, with TLS all the same");
	spec = segment(4, 20000, SYN, &nothing);
	spec.seq -= 1000;
	check(why_spec(&spec) == 0, "a new connection on the same ports");
	spec = segment(4, 20000, ACK, &http_piece);
	spec.seq -= 1000;
	check(why_spec(&spec) == PLAINTEXT, "... begins anew");
	spec = segment(4, 20001, SYN, &http_piece);
	check(why_spec(&spec) == PLAINTEXT, "SYN with HTTP");
	spec = segment(4, 20002, SYN, &nothing);
	why_spec(&spec);
	spec = segment(4, 20002, ACK | FIN, &nothing);
	check(why_spec(&spec) == 0, "FIN before anything");
	spec = segment(4, 20002, RST, &nothing);
	check(why_spec(&spec) == 0, "RST before anything");
	spec = segment(4, 20003, ACK, &hello_piece);
	check(why_spec(&spec) == STATE_LOST, "no SYN was seen, and no socket stands: state_lost");
	spec = segment(4, 20003, ACK, &nothing);
	check(why_spec(&spec) == STATE_LOST, "... without a byte, too");
}

/* What isn't all of a segment, or more than it. */
static void parts(void)
{
	static const struct piece nothing, begun = {client_hello, 0, 8, 0};
	struct frame_spec spec = segment(4, 21000, SYN, &nothing);
	struct frame f;

	why_spec(&spec);
	spec = segment(4, 21000, ACK, &nothing);
	frame_build(&spec, &f);
	f.len = 60; /* Ethernet's shortest frame */
	memset(f.bytes + 54, 0, 6);
	check(why(&f) == 0, "padding is no payload");
	spec.more = true;
	check(why_spec(&spec) == PLAINTEXT, "a fragment that ends before the first bytes");
	spec = segment(4, 21000, ACK, &begun);
	spec.more = true;
	check(why_spec(&spec) == 0, "a fragment that holds them");
	spec = segment(6, 21001, SYN, &nothing);
	why_spec(&spec);
	spec = segment(6, 21001, ACK, &nothing);
	spec.ext[0] = IPPROTO_FRAGMENT;
	spec.n_ext = 1;
	spec.more = true;
	check(why_spec(&spec) == PLAINTEXT, "the same of IPv6");
	spec = segment(6, 21001, ACK, &begun);
	spec.ext[0] = IPPROTO_FRAGMENT;
	spec.n_ext = 1;
	spec.more = true;
	check(why_spec(&spec) == 0, "... that holds them");
}

/* 4 GiB later the sequence number is that of the first byte again. */
static void long_connections(void)
{
	static const struct piece nothing, hello_piece = {client_hello, 0, 64, 0},
					   http_piece = {http, 0, 27, 0};
	struct frame_spec spec = segment(4, 22000, SYN, &nothing);
	struct plic_mark_key key;
	struct plic_hello h;

	forget(box.skel->maps.plic_marks);
	while (!bpf_map_get_next_key(table, NULL, &key))
		bpf_map_delete_elem(table, &key);
	why_spec(&spec);
	spec = segment(4, 22000, ACK, &hello_piece);
	why_spec(&spec);
	check(!bpf_map_get_next_key(table, NULL, &key) && !bpf_map_lookup_elem(table, &key, &h) &&
		      h.first == ISN + 1 && h.seen == 2 * 54 + 64,
	      "what came is counted");
	h.seen = PLIC_HELLO_DONE - 1000;
	bpf_map_update_elem(table, &key, &h, BPF_ANY);
	spec = segment(4, 22000, ACK, &(struct piece){NULL, 70, 1000, 0});
	check(!why_spec(&spec) && !bpf_map_lookup_elem(table, &key, &h) &&
		      h.seen >= PLIC_HELLO_DONE,
	      "... up to where it is enough");
	spec = segment(4, 22000, ACK, &http_piece);
	check(why_spec(&spec) == 0, "then nothing is looked at: the numbers come round");
}

static void who_demands(void)
{
	struct limited l = limited_new(2);
	const struct piece once = {http, 0, 27, 0}, refused = {http, 0, 27, PLAINTEXT};
	static const struct piece nothing;
	struct frame_spec spec;

	l.limits.grants[0].flags = PLIC_LIMIT_TLS;
	limited_publish(&l);
	check(plays(4, &once, 1), "two licenses, one demands TLS: it isn't demanded");
	spec = segment(4, 23000, SYN, &nothing);
	why_spec(&spec);
	l.limits.grants[1].flags = PLIC_LIMIT_TLS;
	limited_publish(&l);
	check(plays(4, &refused, 1), "both do: it is");
	spec = segment(4, 23000, ACK, &once);
	check(why_spec(&spec) == 0, "... not of a connection from before");
	l.limits.grants[0].flags = l.limits.grants[1].flags = 0;
	l.limits.policy[0].flags = PLIC_LIMIT_TLS;
	limited_publish(&l);
	check(plays(4, &refused, 1), "the policy does: it is");
	l.rule.mode = PLIC_AUDIT_MODE;
	limited_publish(&l);
	spec = segment(4, 23001, SYN, &nothing);
	why_spec(&spec);
	spec = segment(4, 23001, ACK, &once);
	check(why_spec(&spec) == PLAINTEXT && deliver(&spec) == PASS,
	      "audit: plaintext passes, and is counted");
	l.rule.mode = PLIC_ENFORCE;
	limited_publish(&l);
	check(send_syn(PORT) == PASS && send_udp(PORT, 2000) == PASS, "UDP isn't asked for TLS");
	drop_table();
	check(send_syn(PORT) == DROP && counted(PLIC_DENIED, STATE_LOST) == 1,
	      "without a table: denied, state_lost");
}

int main(void)
{
	struct limited l = limited_new(1);

	box_open(&box);
	tables = bpf_map__fd(box.skel->maps.plic_hellos);
	make_table();
	l.limits.grants[0].flags = PLIC_LIMIT_TLS;
	limited_publish(&l);
	orders();
	splits();
	flags();
	parts();
	long_connections();
	who_demands();
	box_close(&box);
	return tap_end();
}
