/* SPDX-License-Identifier: MIT */
/* porttext.h - a license's port entry in words: "8080/tcp", "9000-9010/udp". Pure. */
#ifndef PORTLIC_PORTTEXT_H
#define PORTLIC_PORTTEXT_H

#include "license.h"

#define PORTTEXT_LEN 24

/* Returns text. */
const char *porttext(const struct license_port *port, char text[PORTTEXT_LEN]);

#endif
