/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the enforcement of one network namespace, or of one cgroup (host-network pods, plain
 * processes): programs, attachments, rule set, counters.
 *
 * All calls block (an attach waits for RCU) and belong on threads that do kernel work: one at a time, but
 * that gates of different names and places may be opened at once, and while those that stand are looked at.
 * Pins: BPFFS/gates/NAME/{plic_gate,plic_denials,plic_flows,plic_flowed,plic_clients,plic_marks,plic_budget,
 * socket,wire_IFINDEX,egress_IFINDEX,shield_IFINDEX}; of a cgroup's gate the same maps, plic_binds, and
 * {host,bind4,bind6,egress,sendmsg4,sendmsg6,ledger}.
 */
#ifndef PORTLIC_GATE_H
#define PORTLIC_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "node.h"
#include "quotas.h"
#include "ruleset.h"

struct gate;

enum gate_hook {
	HOOK_WIRE,
	HOOK_EGRESS,
	HOOK_SOCKET,
	HOOK_LEDGER,
	HOOK_SHIELD,
	HOOK_HOST, /* this and the next, egress and ledger are those of a cgroup's gate */
	HOOK_BIND,
	GATE_N_HOOKS
};
const char *gate_hook_word(enum gate_hook hook); /* "wire", "egress", "socket", ... */

struct gate_spec {
	const char *name;   /* DNS-label-like, checked by the caller: it becomes a directory */
	const char *netns;  /* path of the namespace, NULL: the gate is a cgroup's */
	const char *cgroup; /* absolute path of the cgroup, NULL: the gate is a namespace's */
	uint64_t place;	    /* inode of either that the caller has seen there; 0: whatever it is */
	uint32_t id;	    /* used for a new gate only */
	const struct quota_use *used; /* of quotas before; for a new gate only */
	size_t n_used;
};

/*
 * Puts the gate up with the rule set (n_slots counters), or adopts the pins of the same name and
 * namespace: then programs are replaced in place, `set` swapped in whole, counters go on. Pins of the
 * same name in another (dead) namespace are removed first. TCP connections that the pod opened before
 * are marked in a new gate, as by gate_stand(). On failure of a new gate nothing is left behind; an
 * adopted one goes on as it was. -ENOENT: the path means another place by now. A gate holds 11 descriptors open, a cgroup's 16.
 */
int gate_open(struct node *node, const struct gate_spec *spec, const struct ruleset *set,
	      struct gate **out, struct fault *f);

/*
 * Reads back the rule set and id of pins of that name, before gate_open. -ENOENT: no such pins. -ESTALE: they
 * are of another version; *about has its gate's place, and gate_open takes it over without a gap.
 */
int gate_peek(struct node *node, const char *name, struct plic_gate *about, struct ruleset *set,
	      struct fault *f);

void gate_close(struct gate *gate);		     /* NULL-safe; pins stay */
int gate_remove(struct gate *gate, struct fault *f); /* detaches, unpins, frees gate */
int gate_collect(struct node *node, const char *name, struct fault *f); /* pins without a gate */

uint32_t gate_id(const struct gate *gate);
uint64_t gate_since_ns(const struct gate *gate); /* boot clock */

/* Swaps the rule set whole; enlarges the counters first if the set has more slots. */
int gate_apply(struct gate *gate, const struct ruleset *set, struct fault *f);

/* The same for many gates with one grace period of RCU for all. results[i]: 0 or -errno. */
int gates_apply(struct node *node, struct gate *const *gates, const struct ruleset *const *sets,
		size_t n, int *results, struct fault *f);

/*
 * Forgets the pod's UDP flows from ports that `set` has tombstones of because something stood there
 * when the gate came (UNLICENSED): between that and the set they passed for the pod's own.
 */
int gate_forget_drained(struct gate *gate, const struct ruleset *set, struct fault *f);

/* A program of somebody else's that decides before one of ours, or instead of it. */
struct gate_rival {
	uint32_t prog_id; /* 0: none, or a filter that is no BPF program */
	char name[16];	  /* of the program, or the kind of the filter ("u32"); "": none */
};

/* One attachment, as seen now. */
struct gate_attachment {
	enum gate_hook hook;
	int ifindex;	    /* 0: the namespace, the cgroup, the node */
	char interface[16]; /* "" */
	const char *kind;   /* "tcx", "clsact", "netns", "cgroup", "tracing", "xdp" */
	bool removable;	    /* clsact: from inside the pod */
	bool present;
	bool overtaken; /* present, but a foreign program runs ahead of it or can overrule it */
	struct gate_rival rival; /* that one */
};

/* What a hook's place among foreign programs is. */
struct gate_outranked {
	unsigned int regained;	 /* interfaces where ours was put ahead again */
	unsigned int held;	 /* ... where it is still behind, or what overrules `socket` */
	char interface[16];	 /* of the one seen last, "": the namespace */
	struct gate_rival rival; /* the same */
};

struct gate_sweep {
	bool dead;			     /* the namespace or cgroup is gone: collect */
	unsigned int added;		     /* interfaces newly covered */
	unsigned int restored[GATE_N_HOOKS]; /* attachments that were gone and were put back */
	struct gate_outranked outranked[GATE_N_HOOKS];
	uint64_t
		unprotected_ns; /* upper bound of the time new or stripped interfaces were uncovered */
};

/*
 * Covers new interfaces, puts back what was removed and ahead again what was outranked, sees whether the
 * namespace lives. Against somebody who goes on getting ahead that is done ever more seldom. A foreign
 * sk_lookup program can only be told: one that selects a socket overrules ours in any order. *out is
 * what was done and seen up to a failure, too.
 */
int gate_sweep(struct gate *gate, struct gate_sweep *out, struct fault *f);
int gate_attachments(struct gate *gate, struct gate_attachment **out, size_t *n, struct fault *f);

/*
 * The shield: native XDP ahead of `wire` on every Ethernet interface that can, dropping what wire would
 * drop without an answer. Never generic XDP: that runs when the stack has made its packet, and spares
 * nothing. It costs bulk traffic dear on a veth, whose peer must send it frame by frame; and packets that
 * come there from the stack, not as XDP frames, are copied for it, which takes longer than wire does.
 */
enum gate_shield {
	GATE_SHIELD_OFF,
	GATE_SHIELD_FRAMES, /* where XDP frames can come in: not on a veth whose GRO is off */
	GATE_SHIELD_ALL,
};

/*
 * Puts it on, and gate_sweep() keeps it there, or takes it off. gate_open() finds and renews what stands.
 * 0: it is off, or stands on one interface at least. *f tells of the first that can't have it, else "".
 */
int gate_shield(struct gate *gate, enum gate_shield how, struct fault *f);
bool gate_shielded(const struct gate *gate); /* on one interface at least */

/* Packets since the gate came to ports that nothing admits anybody to now. */
struct gate_flood {
	uint64_t denied;	 /* by wire, socket and shield */
	uint64_t shielded;	 /* those of them that got no further than the shield */
	uint64_t refusals_per_s; /* what the gate may answer */
};
int gate_flood(struct gate *gate, struct gate_flood *out, struct fault *f);

struct gate_denial {
	struct plic_denial_key key;
	struct plic_denial count;
};

/* Totals over all CPUs; traffic[slot] and arrivals[slot], n_slots of them. */
struct gate_counters {
	/* To ports that nothing opens, by enum plic_verdict; zero but for a cgroup's gate. */
	uint64_t binds[PLIC_AUDIT + 1];
	struct plic_traffic *traffic;
	struct plic_arrival (*arrivals)[PLIC_N_ORIGINS]; /* let in, by enum plic_origin */
	size_t n_slots;
	struct gate_denial *denials; /* without the probes of gate_probe() */
	size_t n_denials;
	uint64_t remaps;      /* connections that NAT inside the pod led to another port's socket */
	uint64_t events_lost; /* events that were left out */
	uint64_t n_probes;    /* those that were left out, since the gate came */
	uint64_t flows_evicted; /* outbound UDP and SCTP flows that had to make room, at least */
	uint64_t footprint;	/* bytes that the kernel charges for the gate's maps and programs */
};
int gate_counters(struct gate *gate, struct gate_counters *out, struct fault *f);
void gate_counters_free(struct gate_counters *c);

/* Keeps the bounded denial table usable: ports that were knocked on once move to `other`. */
int gate_prune_denials(struct gate *gate, struct fault *f);

struct gate_listener {
	uint8_t ip_proto;
	uint16_t port;
};

struct gate_stand {
	struct gate_listener *listeners; /* TCP LISTEN, unconnected UDP; each port once */
	size_t n_listeners;
	struct gate_listener *inbound; /* see gate_stand() */
	size_t n_inbound;
};

/*
 * What listens and stands in the namespace, or belongs to the cgroup, and writes who listens (plic_owners). seed: marks the TCP connections that the pod itself
 * opened (no listener on their local port), so that the cut of established flows skips them.
 *
 * inbound: ports where TCP connections stand that have a listener or no mark (so those of the pod's
 * own clients too where no rule names the port), and UDP ports with sockets that a server, as far as
 * can be told, has connected to its clients. Each port once.
 */
int gate_stand(struct gate *gate, bool seed, struct gate_stand *out, struct fault *f);

/* Of that only the latter, for whom cgroups_scan() has just told who is who. */
int gate_owners(struct gate *gate, struct fault *f);

/*
 * Marks, as gate_stand does, only connections from these local ports, bit p % 8 of byte p / 8: those
 * that a new set names and the present one doesn't. To be called before that set is applied.
 */
int gate_mark(struct gate *gate, const uint8_t ports[65536 / 8], struct fault *f);

void gate_stand_free(struct gate_stand *s);

/*
 * Ends every TCP connection on these local ports (as for gate_mark) that the pod didn't open itself,
 * whatever its state: peers get a reset. *n_cut: how many. -EOPNOTSUPP: this kernel can't end sockets;
 * then wire drops what remains, and what is idle stands until its server gives up.
 */
int gate_cut(struct gate *gate, const uint8_t ports[65536 / 8], unsigned int *n_cut,
	     struct fault *f);

/* One client of a port: a remote address that connected since a time, or is connected now. */
struct gate_peer {
	uint8_t ip_proto;
	uint16_t port;	    /* a range is told by its first port, unless a live socket tells more */
	uint8_t remote[16]; /* network order, IPv4 mapped */
	uint64_t
		last_ns; /* boot clock: TCP: last connection, UDP and SCTP: last packet; 0: unknown */
	uint64_t
		connections; /* TCP since the gate came, all ports of a range together; 0: unknown */
	unsigned int live;   /* sockets that are connected now */
};

/*
 * Who connected since since_ns (and since the gate came) or is connected now: each protocol, port and
 * address once, sorted so. Connections that the pod opened itself are left out, and those to ports
 * without a rule unless something listens there. Without tracing of TCP only what is connected now. The
 * tables are bounded: on a busy node the clients that came longest ago fall out. *out is the caller's.
 */
int gate_peers(struct gate *gate, uint64_t since_ns, struct gate_peer **out, size_t *n,
	       struct fault *f);

/* A way into the pod for probes: "lo" inside, or from the other end of a veth. */
struct gate_way {
	char interface[16];	     /* the pod's */
	char peer[16];		     /* the other end of a veth; "": lo */
	char why_not[96];	     /* why nothing can be sent from here, "" if it can */
	int fd;			     /* packet socket on the other end, -1: none */
	uint8_t mac[6], peer_mac[6]; /* of both ends */
	uint8_t family;		     /* AF_INET, AF_INET6 */
	uint8_t from[16], to[16];    /* network order; the first 4 bytes of AF_INET */
};

/* lo, and each veth whose other end is in another namespace; for gate_ways_free. */
int gate_ways(struct gate *gate, struct gate_way **out, size_t *n, struct fault *f);
void gate_ways_free(struct gate_way *ways, size_t n);

/* One knock at a port: a connection attempt, or a datagram of one byte. */
struct gate_probe {
	uint8_t ip_proto; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port, slot;
	uint8_t verdict; /* enum plic_verdict: whose counter has to rise */

	bool answered;	/* TCP: something listens, and the handshake got to it */
	uint64_t rose;	/* the counter of connections, others' knocks included */
	bool explained; /* UDP: nothing was sent, for the pod awaits answers from anybody there */
};

/*
 * Knocks, and waits until it is counted or answered, 200 ms at most. What was counted of the probe itself
 * is left out of gate_counters() from then on.
 * For a cgroup's gate, `lo` is wherever a process of it listens, and the address that it listens on.
 */
int gate_probe(struct gate *gate, const struct gate_way *way, struct gate_probe *probe,
	       struct fault *f);

#endif
