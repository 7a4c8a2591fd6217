/* SPDX-License-Identifier: MIT */
/* address.h - addresses of both families as 16 bytes in network order, IPv4 mapped. Pure. */
#ifndef PORTLIC_ADDRESS_H
#define PORTLIC_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

bool address_is_ipv4(const uint8_t address[16]);
bool address_is_loopback(const uint8_t address[16]);	   /* 127.0.0.0/8, ::1 */
bool address_parse(const char *text, uint8_t address[16]); /* false: it is none */
void address_map(const void *ipv4, uint8_t address[16]);   /* ipv4: 4 bytes in network order */

#endif
