/* SPDX-License-Identifier: MIT */
/* cidr.c - a network as it is written, and as the kernel looks it up. */
#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

const struct cidr cidr_ipv4 = {.address = {[10] = 0xff, [11] = 0xff}, .len = 96};

static int bit(const uint8_t address[16], unsigned int i)
{
	return address[i / 8] >> (7 - i % 8) & 1;
}

bool cidr_covers(const struct cidr *a, const struct cidr *b)
{
	unsigned int whole = a->len / 8;

	if (a->len > b->len || memcmp(a->address, b->address, whole))
		return false;
	for (unsigned int i = 8 * whole; i < a->len; i++)
		if (bit(a->address, i) != bit(b->address, i))
			return false;
	return true;
}

/* "10.0.0.0/8" in two: the address, which network->address takes, and the number of bits, or -1. */
static int split_cidr(const char *text, struct cidr *network, unsigned int *width)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int bits = -1;

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	*network = cidr_ipv4;
	*width = 32;
	if (inet_pton(AF_INET, address, network->address + 12) != 1) {
		*width = 128;
		if (inet_pton(AF_INET6, address, network->address) != 1)
			return -EINVAL;
	}
	if (slash) {
		size_t digits = strspn(slash + 1, "0123456789");

		if (digits < 1 || digits > 3 || slash[1 + digits] ||
		    (slash[1] == '0' && digits > 1))
			return -EINVAL;
		bits = atoi(slash + 1);
	}
	return bits > (int)*width ? -EINVAL : bits;
}

char *cidr_text(const struct cidr *network, char text[CIDR_TEXT_SIZE])
{
	bool v4 = network->len >= cidr_ipv4.len && address_is_ipv4(network->address);
	char number[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, network->address + (v4 ? 12 : 0), number,
		  sizeof(number));
	snprintf(text, CIDR_TEXT_SIZE, "%s/%u", number, network->len - (v4 ? 96U : 0U));
	return text;
}

/* The network that the address is in, as the operator should have written it. */
static const char *network_text(const struct cidr *network, char text[CIDR_TEXT_SIZE])
{
	struct cidr whole = *network;

	for (unsigned int i = whole.len; i < 128; i++)
		whole.address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return cidr_text(&whole, text);
}

int cidr_parse(const char *name, const cJSON *item, struct cidr *out, struct fault *f)
{
	const char *text = json_string_value(item, 1, CIDR_TEXT_SIZE - 1);
	unsigned int width = 0;
	char right[CIDR_TEXT_SIZE];
	int bits;

	if (!text)
		return fault_set(f, EINVAL, "\"%s\" must hold networks like \"10.0.0.0/8\"", name);
	bits = split_cidr(text, out, &width);
	if (bits == -1 && width)
		return fault_set(f, EINVAL, "\"%s\": \"%s\" has no length; write \"%s/%u\"", name,
				 text, text, width);
	if (bits < 0)
		return fault_set(f, EINVAL,
				 "\"%s\": \"%s\" is no network; write one like \"10.0.0.0/8\" or "
				 "\"fd00::/8\"",
				 name, text);
	out->len = (uint8_t)(bits + 128 - width);
	if (width == 128 && out->len >= cidr_ipv4.len && address_is_ipv4(out->address))
		return fault_set(f, EINVAL,
				 "\"%s\": \"%s\" is a mapped IPv4 network; write it as IPv4", name,
				 text);
	for (unsigned int i = out->len; i < 128; i++)
		if (bit(out->address, i))
			return fault_set(f, EINVAL,
					 "\"%s\": \"%s\" is an address within a network; write "
					 "\"%s\"",
					 name, text, network_text(out, right));
	return 0;
}
