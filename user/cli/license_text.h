/* SPDX-License-Identifier: MIT */
/* license_text.h - a license's ports in words. */
#ifndef PORTLIC_LICENSE_TEXT_H
#define PORTLIC_LICENSE_TEXT_H

#include <cjson/cJSON.h>

#include "license.h"

/* ["8080/tcp","9000-9010/udp"] of a license's ports; NULL: out of memory. */
cJSON *license_ports_json(const struct license *lic);

/* That array as "8080/tcp, 9000-9010/udp, +3 more" with at most `most` ports; to be freed. */
char *license_ports_text(const cJSON *ports, size_t most);

#endif
