/* SPDX-License-Identifier: MIT */
/*
 * judge.h - how judge.c and judge.py speak: requests on stdin, answers on stdout, in the machine's byte
 * order. A request is a struct request and its bytes. After the start there is one answer nobody asked
 * for: the layout of the contract as text, up to the line "end".
 */
#ifndef PORTLIC_TEST_JUDGE_H
#define PORTLIC_TEST_JUDGE_H

#include "portlic.h"

#define JUDGE_MAX_CELLS 2048

enum op {
	OP_SET =
		1, /* n cells; none: there is no set. rebuilt: written anew by ruleset.c. No answer */
	OP_WRITE,   /* all that is in a map: n of its entries. No answer */
	OP_DUMP,    /* answer: u32 n, n entries */
	OP_SOCKETS, /* n plic_mark_keys: the connected UDP sockets, no others. Answer: u32 done */
	OP_JUDGE,   /* n questions. Answer: n answers */
};

enum table {
	TABLE_FLOWS,
	TABLE_CLIENTS, /* plic_flow_key, plic_flow */
	TABLE_MARKS,   /* plic_mark_key, 4 bytes of padding, plic_mark */
	TABLE_SOURCES, /* plic_source_key, u32 */
	TABLE_SENDERS, /* plic_sender_key, plic_sender */
};

struct request {
	__u32 op;
	__u32 table; /* or rebuilt: not 0 */
	__u32 n;
	__u32 bytes; /* that follow */
};

enum program {
	PROGRAM_WIRE,
	PROGRAM_EGRESS,
	PROGRAM_SOCKET,
};

struct question {
	__u64 now_ns; /* what the programs shall take for the boot clock; 0: what it is */
	__u32 program;
	__u32 on_lo;
	__u32 gso_segs;
	__u32 len; /* of the frame, or a struct lookup, that follows */
};

struct lookup {
	__u8 remote[16], local[16]; /* IPv4: the first 4 bytes */
	__u16 remote_port, local_port;
	__u32 family, proto;
};

struct answer {
	__u64 now_ns; /* what they took: one jiffy in many ends in between, and then they look */
	__s32 verdict;
	__u32 n_counts; /* these follow ... */
	__u32 len;	/* ... and the frame, if it isn't as it was */
	__u32 pad;
};

/* A counter that moved, from zero. Allowed: key has the slot, and nothing else. */
struct count {
	struct plic_denial_key key;
	struct plic_denial moved;
};

#endif
