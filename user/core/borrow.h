/* SPDX-License-Identifier: MIT */
/*
 * borrow.h - how many seats of a license line this node borrows, and how it asks the line's pool. Pure.
 *
 * A round, once a second and whenever an answer came: the agent frees seats (seats_round), reads the kernel's
 * shares, gives the readings to borrow_round(), and writes what borrow_kernel() says, in this order and one
 * round after the other, so that a reading shows what the round before has written. Between rounds it does
 * what borrow_next() says: a look at the pool (GET), and if that calls for it a write (CREATE, PUT with the
 * version that the GET found). Two rules make it safe:
 *
 * More is in force only after a write of the pool has said so, sent and answered well in the same epoch of
 * the tenure (lent). A GET that says more is not enough: somebody may be about to take it back.
 *
 * Less is written into the pool only once a reading shows that the kernel has no more, and that no more sit.
 */
#ifndef PORTLIC_BORROW_H
#define PORTLIC_BORROW_H

#include "outcome.h"
#include "seatpool.h"
#include "tenure.h"

#define BORROW_BLOCKS 32 /* seats / so many is a block at most: what is borrowed in advance */
#define BORROW_BLOCK_MAX 64
#define BORROW_DEMAND_S 120 /* without a new client for so long: what is spare isn't needed here */
#define BORROW_REFUSED_S 60 /* for so long a client that was refused may come again */
#define BORROW_KEEP_S 10    /* what was just borrowed is kept, so that those it was for can come */
/* Of a line with more ports (a range) nothing is borrowed before somebody asks for it. */
#define BORROW_PREFETCH_PORTS 8
#define BORROW_PREFETCH_S 10 /* the first look without demand, by lot within this */
/*
 * Who has idle seats looks whether somebody waits for them; who has none, whether all is as it was: his clock may
 * have stood still, or somebody has deleted the pool. All nodes of a pool together not more often.
 */
#define BORROW_LOOK_IDLE_S 10
#define BORROW_LOOK_S 60
#define BORROW_LOOKS_PER_S 10
/*
 * Who didn't get enough and is written down as waiting asks again after this, up to twice that by lot. Others, who
 * may be a thousand, double it.
 */
#define BORROW_AGAIN_S 5
#define BORROW_AGAIN_MAX_S 60
#define BORROW_FRESH_S 3 /* what was read is replaced no later: somebody else has mostly done so */
/* Who lost a race runs again after a second, doubled to this, the half of it by lot: one of them always wins. */
#define BORROW_CONFLICT_MAX_S 16
#define BORROW_PAUSE_S 1 /* between two visits to the pool */

/* A port of the line as it is now. share and until_ns: the kernel's entry; seats 0, until 0: it has none. */
struct borrow_reading {
	uint16_t port;
	uint8_t proto;	/* IP protocol number */
	uint32_t total; /* what the license gives of it; 0: no rule asks for it any more */
	uint32_t seats; /* of the entry, also if it is over */
	uint64_t until_ns;
	uint64_t asked; /* a counter: how often somebody was refused for want of a share */
	uint64_t used;	/* seats taken */
};

struct borrow_port {
	struct borrow_reading now;
	uint32_t share; /* in force, by the last reading */
	uint32_t allow; /* what the kernel is to have: never more than lent */
	uint32_t lent;	/* what is ours for sure */
	/* What the pool said at the last look: of us, of all others, how many others wait. */
	uint32_t looked;
	uint64_t others;
	size_t waiting;
	bool full; /* it has no room for this port */
	/* What it says of us now, as far as we know; marked: that we wait. */
	uint32_t entry;
	bool marked;
	/* What the write that runs says. */
	uint32_t sent;
	bool sent_mark, in_flight;
	bool named;	     /* by the last round */
	uint64_t demand_ns;  /* the last new client, also a refused one; 0: none */
	uint64_t refused_ns; /* the last refused one, if none has got a seat since; 0: none */
	uint64_t refused;    /* so many in a round since then, at most */
	uint64_t given_ns;   /* when we got more last */
};

enum borrow_step {
	BORROW_WAIT,
	BORROW_GET,
	BORROW_CREATE,
	BORROW_PUT,
};

struct borrow {
	char *iss, *lid; /* NULL: not known, the pool will say */
	char *node;
	struct borrow_port *ports;
	size_t n_ports, room;
	uint32_t epoch;
	/*
	 * looked: what the ports say of the pool is so, as far as we know. fresh: `pool` and the version that the
	 * agent has are what the last GET found. exists: there is one.
	 */
	bool looked, fresh, exists;
	uint64_t looked_ns; /* when the answer to that GET came */
	struct seatpool pool;
	size_t crowd;	       /* nodes in it, by the last look */
	size_t taken;	       /* ... of its SEATPOOL_PORTS */
	uint64_t next_ns;      /* nothing before */
	uint64_t look_ns;      /* when to look though nothing calls for it */
	uint64_t again_ns;     /* ... because it wasn't enough */
	unsigned int unlucky;  /* looks in a row that weren't enough */
	unsigned int failures; /* in a row; also of writes that came too late */
	uint64_t sent_ns;      /* of the request that runs; 0: none does */
	uint32_t sent_epoch;
	enum borrow_step asked;
};

/* iss, lid NULL: of a line that no license names; what the node has of it is given back. -ENOMEM. */
int borrow_begin(struct borrow *b, const char *iss, const char *lid, const char *node,
		 uint64_t now_ns, uint32_t random);
void borrow_free(struct borrow *b);

/* All ports of the line that a rule or an entry of the kernel names. -ENOMEM: the round is to be done again. */
int borrow_round(struct borrow *b, const struct borrow_reading *readings, size_t n,
		 const struct tenure *t, uint64_t now_ns);
/* true: the kernel's entry is to become this. To be asked for each port after each round. */
bool borrow_kernel(const struct borrow *b, const struct borrow_port *port, const struct tenure *t,
		   uint32_t *seats, uint64_t *until_ns);
/* Nothing of the port is held, wanted or written: its entry may be dropped if no rule names it. */
bool borrow_over(const struct borrow *b, const struct borrow_port *port);
/* ... of all ports: the line may be forgotten if no rule names it. */
bool borrow_done(const struct borrow *b);
/*
 * Nobody has come for long, and nothing is held or written: an entry of the kernel's in which clients only asked may
 * go until the next one is refused. Who scans a range makes thousands of them.
 */
bool borrow_idle(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns);
const struct borrow_port *borrow_find(const struct borrow *b, uint8_t proto, uint16_t port);
/* Clients were refused that a larger share would have let in, and the pool has no more. */
bool borrow_short(const struct borrow *b, const struct borrow_port *port, uint64_t now_ns);

/* However many come: the pool has no more than this node has already. */
bool borrow_exhausted(const struct borrow *b, const struct borrow_port *port);

/* A renewed tenure is called for. */
bool borrow_wants_tenure(const struct borrow *b, uint64_t now_ns);

enum borrow_step borrow_next(const struct borrow *b, const struct tenure *t, uint64_t now_ns);
/*
 * CREATE and PUT, right before borrow_sent: b->pool becomes what is to be written (seatpool_text). -ENOMEM, -ENOSPC:
 * too many ports. A write that can't be made or begun is OUTCOME_FAILED, behind borrow_sent.
 */
int borrow_enter(struct borrow *b, uint64_t now_ns);
void borrow_sent(struct borrow *b, enum borrow_step step, uint64_t now_ns);
/* The GET found this pool: b takes it over. -EINVAL: it is another line's; -ENOMEM. Both count as OUTCOME_FAILED. */
int borrow_got(struct borrow *b, struct seatpool *pool, uint64_t now_ns, uint32_t random);
/* Any other answer; DONE is that of a write. */
void borrow_answered(struct borrow *b, enum outcome answer, uint64_t now_ns, uint32_t random);

#endif
