/* SPDX-License-Identifier: MIT */
/* rival.c - who a foreign program is. */
#include "rival.h"

#include <linux/bpf.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include "cleanup.h"

void rival_is(struct gate_rival *rival, uint32_t prog_id)
{
	_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	*rival = (struct gate_rival){.prog_id = prog_id, .name = "?"};
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.name[0])
		snprintf(rival->name, sizeof(rival->name), "%s", info.name);
}
