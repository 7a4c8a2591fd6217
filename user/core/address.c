/* SPDX-License-Identifier: MIT */
/* address.c - addresses of both families as 16 bytes in network order, IPv4 mapped. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

bool address_is_ipv4(const uint8_t address[16])
{
	return !memcmp(address, mapped, sizeof(mapped));
}

bool address_is_loopback(const uint8_t address[16])
{
	return address_is_ipv4(address) ? address[12] == 127
					: !memcmp(address, &in6addr_loopback, 16);
}

void address_map(const void *ipv4, uint8_t address[16])
{
	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + sizeof(mapped), ipv4, 4);
}

bool address_parse(const char *text, uint8_t address[16])
{
	struct in_addr ipv4;

	if (inet_pton(AF_INET, text, &ipv4) != 1)
		return inet_pton(AF_INET6, text, address) == 1;
	address_map(&ipv4, address);
	return true;
}
