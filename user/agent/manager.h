/* SPDX-License-Identifier: MIT */
/* manager.h - tells the service manager how the agent is: sd_notify(3) without the library. */
#ifndef PORTLIC_AGENT_MANAGER_H
#define PORTLIC_AGENT_MANAGER_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1". Without NOTIFY_SOCKET nothing happens. -errno */
int manager_tell(const char *state);

uint64_t manager_watchdog_ms(void); /* how often to say "WATCHDOG=1"; 0: it isn't asked for */

#endif
