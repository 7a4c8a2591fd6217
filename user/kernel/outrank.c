/* SPDX-License-Identifier: MIT */
/*
 * outrank.c - foreign programs that decide before the gate's own: found, and overtaken where that goes.
 *
 * A link can't be moved, a program can't stand twice on one hook, and a drop in between would cost packets.
 * So a stub that jumps into the program goes to the head, by a link that takes the old one's pin; then the
 * old one is idled, and the stub replaced by the program itself. Updates of a link take effect at once:
 * for a tenth of a millisecond, more where the agent is preempted, packets are judged and counted twice.
 *
 * Who has CAP_BPF in the pod can get ahead again. Ours follows after one second, two, four, up to a minute,
 * and meanwhile the gate says that it is outranked.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "clsact.h"
#include "gate_priv.h"
#include "netns.h"
#include "rival.h"
#include "tcx.h"

#define SECOND_NS 1000000000ULL
#define FIGHT_MAX_S 64
#define FIGHT_OVER_NS (2 * FIGHT_MAX_S * SECOND_NS) /* quiet for so long: it begins anew */
#define MAX_SK_LOOKUP 64

static uint64_t pause_ns(const struct gate_fight *fight)
{
	uint64_t s = 1;

	for (unsigned int i = 1; i < fight->rounds && s < FIGHT_MAX_S; i++)
		s *= 2;
	return s * SECOND_NS;
}

/* Whether it is time for another round. */
static bool take_up(struct gate_fight *fight)
{
	uint64_t now = boot_now_ns(), quiet = now - fight->last_ns;

	if (quiet >= FIGHT_OVER_NS)
		fight->rounds = 0;
	if (fight->rounds && quiet < pause_ns(fight))
		return false;
	fight->rounds++;
	fight->last_ns = now;
	return true;
}

/*
 * Each step leaves the program in force. If the agent dies just before the last update, the stub has nothing
 * to jump into and drops all, until the next agent adopts its link.
 */
static int switch_links(const struct gate *g, int ifindex, enum gate_hook hook, int old, int idle,
			int stub, struct fault *f)
{
	_close_ int link = tcx_attach(ifindex, hook, idle);
	int r = link < 0 ? link : bpf_link_update(link, stub, NULL);

	if (r == 0)
		r = gate_repin(g, link, ifindex, hook, f);
	if (r == 0)
		r = bpf_link_update(old, idle, NULL);
	if (r == 0)
		r = bpf_link_update(link, g->prog[hook], NULL);
	return r;
}

static int overtake_tcx(const struct gate *g, int ifindex, enum gate_hook hook, struct fault *f)
{
	_close_ int idle = tcx_load_next(), old = -1, stub = -1, jump = -1;
	struct tcx_place place;
	int r = idle < 0 ? idle : tcx_find(ifindex, hook, g->prog_id[hook], &place);

	if (r == 0)
		r = old = bpf_link_get_fd_by_id(place.link_id);
	if (r >= 0)
		r = stub = tcx_load_stub(g->prog[hook], &jump);
	if (r >= 0)
		r = switch_links(g, ifindex, hook, old, idle, stub, f);
	return r ? r : bpf_link_detach(old);
}

static int overtake(const struct gate *g, const struct gate_iface *i, enum gate_hook hook,
		    struct fault *f)
{
	struct fault why = {0};
	int r = g->node->features.tcx ? overtake_tcx(g, i->ifindex, hook, &why)
				      : clsact_regain(i->ifindex, hook, g->prog[hook]);

	if (r == 0)
		return 0;
	return fault_set(
		f, -r,
		"can't put \"%s\" ahead of the others on interface \"%s\" of gate \"%s\": %s",
		gate_hook_word(hook), i->name, g->name, why.text[0] ? why.text : strerror(-r));
}

int gate_regain(struct gate *g, enum gate_hook hook, struct gate_outranked *out, struct fault *f)
{
	int result = 0;

	for (size_t k = 0; k < g->n_ifaces; k++) {
		struct gate_iface *i = &g->ifaces[k];
		struct gate_rival rival;
		int r;

		if (!gate_has_iface(g, i, hook, &rival) || !rival.name[0])
			continue;
		out->rival = rival;
		memcpy(out->interface, i->name, sizeof(out->interface));
		r = take_up(&i->fights[hook]) ? overtake(g, i, hook, f) : -EAGAIN;
		if (r == 0)
			out->regained++;
		else
			out->held++;
		if (r != 0 && r != -EAGAIN)
			result = r;
	}
	return result;
}

unsigned int gate_socket_rivals(const struct gate *g, struct gate_rival *rival)
{
	_close_ int netns = netns_open_current();
	uint32_t ids[MAX_SK_LOOKUP], n = MAX_SK_LOOKUP;
	unsigned int foreign = 0;

	if (netns < 0 || bpf_prog_query(netns, BPF_SK_LOOKUP, 0, NULL, ids, &n) < 0)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		if (ids[i] == g->prog_id[HOOK_SOCKET])
			continue;
		foreign++;
		rival_is(rival, ids[i]);
	}
	return foreign;
}
