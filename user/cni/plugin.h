/* SPDX-License-Identifier: MIT */
/* plugin.h - the plugin: one call of a runtime. */
#ifndef PORTLIC_CNI_PLUGIN_H
#define PORTLIC_CNI_PLUGIN_H

/* Environment and stdin in, result or error on stdout; the exit status. */
int plugin_run(void);

#endif
