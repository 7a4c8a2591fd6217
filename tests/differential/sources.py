# SPDX-License-Identifier: MIT
"""Source sets, the same for all stories: prefixes around the addresses that packets have."""

import ipaddress

from model import MAPPED, NODE, ORIGINS, POD


def prefix(text):
    net = ipaddress.ip_network(text)
    address, length = net.network_address.packed, net.prefixlen
    return (address, length) if len(address) == 16 else (MAPPED + address, length + 96)


SETS = {
    ORIGINS: {prefix("198.51.100.0/24"): POD, prefix("198.51.100.8/31"): NODE,
              prefix("10.0.0.0/8"): POD, prefix("2001:db8::77/128"): NODE, prefix("fd00::/8"): POD},
    0xFFFFFFFF: {prefix("192.0.2.0/24"): 1, prefix("192.0.2.64/26"): 0, prefix("::/0"): 1,
                 prefix("2001:db8::/32"): 0, prefix("2001:db8::77/128"): 1},
    1: {prefix("0.0.0.0/0"): 1, prefix("127.0.0.0/8"): 0},
    0x80000000: {prefix("2001:db8::/127"): 1, prefix("192.0.2.1/32"): 1, prefix("fe80::/10"): 1},
    77: {},  # in it is nobody
}
NAMES = tuple(number for number in SETS if number != ORIGINS)


def source_of(number, address):
    """What the longest prefix of the address in the set says; None: it has none."""
    value = int.from_bytes(address, "big")
    for length in range(128, -1, -1):
        start = value >> 128 - length << 128 - length
        known = SETS[number].get((start.to_bytes(16, "big"), length))
        if known is not None:
            return known
    return None
