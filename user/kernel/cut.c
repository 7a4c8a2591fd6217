/* SPDX-License-Identifier: MIT */
/* cut.c - ends the connections that stand on ports whose right is over. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "gate_priv.h"
#include "inbound.h"
#include "netns.h"

struct cut {
	const uint8_t *ports;
	const struct sockets *sockets;
	unsigned int n;
	int error; /* the first */
};

static void cut_one(const struct sock_entry *e, void *data)
{
	struct cut *cut = data;
	_netns_home_ int home = -1;
	int r;

	if (e->ip_proto != IPPROTO_TCP || !(cut->ports[e->local_port / 8] >> e->local_port % 8 & 1))
		return;
	r = sockets_enter(cut->sockets, e, &home, NULL) < 0 ? -ENOENT : sockdiag_destroy(e);
	if (r == 0)
		cut->n++;
	else if (r != -ENOENT && !cut->error)
		cut->error = r;
}

int gate_cut(struct gate *g, const uint8_t ports[65536 / 8], unsigned int *n_cut, struct fault *f)
{
	struct cut cut = {.ports = ports};
	_sockets_ struct sockets *s = NULL;
	_netns_home_ int home = -1;
	int r = gate_enter(g, &home, f);

	if (r == 0)
		r = sockets_read(g, &s, f);
	cut.sockets = s;
	if (r == 0)
		r = inbound_each(g, s, cut_one, &cut, f);
	if (r < 0)
		return r;
	*n_cut = cut.n;
	if (cut.error == -EOPNOTSUPP)
		return fault_set(
			f, EOPNOTSUPP,
			"this kernel can't end connections (CONFIG_INET_DIAG_DESTROY): the "
			"gate drops their packets");
	return cut.error ? fault_set(f, -cut.error, "can't end a connection in gate \"%s\": %s",
				     g->name, strerror(-cut.error))
			 : 0;
}
