/* SPDX-License-Identifier: MIT */
/* gate_priv.h - the inside of a gate, for the files of this room. */
#ifndef PORTLIC_GATE_PRIV_H
#define PORTLIC_GATE_PRIV_H

#include <linux/if.h>

#include "gate.h"
#include "node_priv.h"

#define GATE_N_PROGRAMS (HOOK_SOCKET + 1) /* the gate's own; the ledger is the node's */
#define GATE_N_TC (HOOK_EGRESS + 1)	  /* those that stand on interfaces */

/* A gate's own maps, pinned in its directory under their names. */
enum gate_map {
	GATE_ABOUT,
	GATE_DENIALS,
	GATE_FLOWS,
	GATE_FLOWED,
	GATE_CLIENTS,
	GATE_BUDGET,
	GATE_MARKS,
	GATE_BINDS, /* a cgroup's gate alone has it */
	GATE_N_MAPS
};

/* The programs of a cgroup's gate, in the order that they come up; see host.c. */
enum host_link {
	HOST_SENDMSG4,
	HOST_SENDMSG6,
	HOST_EGRESS,
	HOST_LEDGER,
	HOST_BIND4,
	HOST_BIND6,
	HOST_INGRESS,
	HOST_N_LINKS
};

#define GATE_PIN_SOCKET "socket"
#define GATE_PIN_HOST "host"
#define GATE_MARK_CLSACT "clsact" /* directory clsact_IFINDEX: a filter stands there */
#define GATE_MARK_QDISC "qdisc"	  /* directory qdisc_IFINDEX: portlic made the qdisc */

struct gate_iface {
	int ifindex;
	char name[IFNAMSIZ];
	bool fresh; /* wasn't there at the listing before */
	/* The fight for the first place, which is taken up again ever more seldom. */
	struct gate_fight {
		unsigned int rounds;
		uint64_t last_ns; /* boot clock */
	} fights[GATE_N_TC];
	uint8_t shield_mac[6]; /* of its shield, 0: none was put on */
	int no_shield;	       /* -errno of the attempt */
};

/* Who listens on a port, as it was last written; id 0: several do. */
struct gate_owner {
	struct plic_owner_key key;
	uint64_t id;
};

struct gate {
	struct node *node;
	char *name;
	char *netns;  /* path it was last found at, NULL: the gate is a cgroup's */
	char *cgroup; /* path, NULL: the gate is a namespace's */
	char *dir;    /* pins */
	uint32_t id;
	uint64_t inode; /* of the namespace; the cgroup's id */
	uint64_t since_ns;
	int prog[GATE_N_PROGRAMS];
	uint32_t prog_id[GATE_N_PROGRAMS];
	int host_prog[HOST_N_LINKS];
	uint32_t host_prog_id[HOST_N_LINKS];
	int map[GATE_N_MAPS];
	int state;		 /* the programs' global variables: a map of one */
	size_t marked_at;	 /* offset of plic_marked in it */
	int socket;		 /* link of `socket`, or of `host` */
	enum gate_shield shield; /* to be kept on */
	int traffic;
	uint32_t traffic_slots; /* room */
	uint32_t n_slots;	/* of the set in force */
	struct ruleset seats;	/* a copy of that set if it has seats, else no cells */
	uint64_t seats_ns;	/* boot clock: when who stands and who sits was last compared */
	bool unseeded;		/* who stood when seats came could not be read */
	struct gate_iface *ifaces;
	size_t n_ifaces;
	uint64_t
		covered_ns; /* boot clock: when all interfaces were last seen covered; 0: unknown */
	struct {
		uint64_t entered; /* at the last walk of the table */
		uint32_t there, room;
		uint64_t evicted;
	} flows;
	struct gate_owner *owners; /* sorted; NULL: not looked at yet */
	size_t n_owners;
	unsigned int misses; /* times in a row that no way into the namespace was found */
};

uint64_t boot_now_ns(void);

/*
 * programs.c: loads the gate's object into g->prog, g->map (those >= 0 are taken over), g->state.
 * marked: plic_marks may hold markers.
 */
int gate_load(struct gate *g, bool marked, struct fault *f);
int gate_set_marked(struct gate *g); /* tells the programs that plic_marks now holds some */
/* What both kinds of gates load alike: the object with the gate's maps, and what is kept of it. */
struct bpf_object;
struct bpf_object_skeleton;
struct bpf_program;
struct bpf_map;
int gate_load_skeleton(const struct gate *g, struct bpf_object_skeleton *skeleton, struct fault *f);
int gate_keep_maps(struct gate *g, struct bpf_object *object, const struct bpf_map *state);
int gate_keep_program(int *prog, uint32_t *id, const struct bpf_program *program);
int gate_pin_maps(struct gate *g, struct fault *f);
void gate_find_maps(struct gate *g); /* from the pins; those that aren't there stay -1 */

uint64_t gate_footprint(const struct gate *g); /* footprint.c: bytes */

/* attach.c: all in the gate's namespace. */
bool gate_linked(
	const struct gate *g); /* whether that namespace or cgroup lives, as its link tells */
/* A cgroup is in none: does nothing then. */
int gate_enter(struct gate *g, int *home, struct fault *f);
int gate_attach_socket(struct gate *g, struct fault *f);
/* -ENODEV: the interface has just gone. */
int gate_attach_iface(struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		      struct fault *f);
/*
 * Whether the hook stands on the interface. *rival (may be NULL): the foreign program that runs first, all
 * zero if ours does.
 */
bool gate_has_iface(const struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		    struct gate_rival *rival);
/* Pins the interface's link in the place of the one before: at any time one of the two is pinned. */
int gate_repin(const struct gate *g, int link, int ifindex, enum gate_hook hook, struct fault *f);
/* Brings g->ifaces in line with what the namespace has. */
int gate_list_ifaces(struct gate *g, struct fault *f);
/* Gives the gate's programs to every link that is pinned. */
int gate_adopt_links(struct gate *g, struct fault *f);

/*
 * sweep.c: attaches the hook to the interfaces listed that lack it, and counts that in *sweep (may be
 * NULL). All are tried; the first fault is told.
 */
int gate_cover(struct gate *g, enum gate_hook hook, struct gate_sweep *sweep, struct fault *f);

/*
 * outrank.c, in the gate's namespace. Puts the hook ahead of all others wherever a foreign program got
 * ahead of it; tells in *out what it found.
 */
int gate_regain(struct gate *g, enum gate_hook hook, struct gate_outranked *out, struct fault *f);
/* How many foreign programs `socket` has beside it, which may overrule it; *rival: one of them. */
unsigned int gate_socket_rivals(const struct gate *g, struct gate_rival *rival);

/* shield.c: in the gate's namespace, but for gate_drop_shield(). */
bool gate_iface_shielded(const struct gate_iface *i); /* it was put on, and not taken off by us */
bool gate_has_shield(const struct gate *g, const struct gate_iface *i);
void gate_drop_shield(const struct gate *g, const struct gate_iface *i);
void gate_sweep_shield(struct gate *g, struct gate_sweep *sweep);
void gate_adopt_shield(struct gate *g); /* this program in place of those that are pinned */

/* flows.c: answers to what UDP sockets without a remote end had asked before egress stood. */
struct sockets;
int gate_seed_flows(struct gate *g, const struct sockets *s, struct fault *f);
int gate_count_flows(struct gate *g, struct fault *f); /* g->flows */

/* stand.c: marks the connections that the pod opened; in the gate's namespace. */
int gate_seed(struct gate *g, struct fault *f);

/* host.c, host_load.c: what a cgroup's gate does otherwise. */
int host_load(struct gate *g, bool marked, struct fault *f);
int host_cover(struct gate *g, struct gate_sweep *sweep, struct fault *f); /* attaches what isn't */
int host_adopt(struct gate *g,
	       struct fault *f); /* gives the programs to every link that is pinned */
int host_sweep(struct gate *g, struct gate_sweep *out, struct fault *f);
size_t host_attachments(const struct gate *g, struct gate_attachment list[HOST_N_LINKS]);

/* collect.c. netns: a path that is known to lead to the gate's namespace, or NULL. */
int gate_about(const char *dir, struct plic_gate *about); /* -ENOENT: no such pins */
void gate_forget(const char *maps, uint32_t id);	  /* in the node's maps */
int gate_collect_dir(const char *bpffs, const char *name, const char *netns, struct fault *f);

#endif
