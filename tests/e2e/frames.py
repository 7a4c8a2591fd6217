#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""frames.py INTERFACE DST_MAC PORT  sends one UDP datagram to the pod in each disguise; its payload names the disguise.

frames.py sink PORT...               prints "PORT PAYLOAD" for what arrives, on IPv4 and IPv6
"""
import selectors
import socket
import struct
import sys

SRC4, DST4 = socket.inet_aton("10.77.0.1"), socket.inet_aton("10.77.0.2")
SRC6, DST6 = socket.inet_pton(socket.AF_INET6, "fd77::1"), socket.inet_pton(socket.AF_INET6, "fd77::2")
HOP, FRAGMENT, DEST, UDP = 0, 44, 60, 17


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(port, payload, v6=True):
    head = struct.pack("!HHHH", 7777, port, 8 + len(payload), 0)
    if v6:
        pseudo = SRC6 + DST6 + struct.pack("!II", 8 + len(payload), UDP)
        head = head[:6] + struct.pack("!H", checksum(pseudo + head + payload) or 0xffff)
    return head + payload


def ip4(body, options=b"", fragment=0, dst=DST4):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), 99, fragment, 64, UDP, 0,
                       SRC4, dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(chain, body):
    """chain: (header number, bytes after the next-header byte) of each extension header."""
    kinds = [kind for kind, _ in chain] + [UDP]
    headers = b"".join(bytes([after]) + rest for (_, rest), after in zip(chain, kinds[1:]))
    return struct.pack("!IHBB", 6 << 28, len(headers) + len(body), kinds[0], 64) + SRC6 + DST6 + headers + body


PAD = b"\0\1\4\0\0\0\0"  # length 0, PadN of 4
GROUP = (b"\xff" * 6, socket.inet_aton("255.255.255.255")), (b"\x01\x00\x5e\0\0\1", socket.inet_aton("224.0.0.1"))


def disguises(port):
    """(name, destination MAC or None, tags and type, packets)"""
    v4, v6 = b"\x08\x00", b"\x86\xdd"

    def data(name, six=False):
        return udp(port, name.encode().ljust(24, b"."), six)

    yield "plain4", None, v4, [ip4(data("plain4"))]
    yield "plain6", None, v6, [ip6([], data("plain6", True))]
    for n in 1, 2, 3:
        yield f"vid0x{n}", None, b"\x81\0\0\0" * n + v4, [ip4(data(f"vid0x{n}"))]
    yield "adq0", None, b"\x88\xa8\0\0\x81\0\0\0" + v4, [ip4(data("adq0"))]
    yield "v6vid0x2", None, b"\x81\0\0\0" * 2 + v6, [ip6([], data("v6vid0x2", True))]
    yield "router-alert", None, v4, [ip4(data("router-alert"), b"\x94\4\0\0")]
    yield "options40", None, v4, [ip4(data("options40"), b"\1" * 40)]
    whole = data("tiny-first")
    yield "tiny-first", None, v4, [ip4(whole[:8], fragment=0x2000), ip4(whole[8:], fragment=1)]
    whole = data("reversed")
    yield "reversed", None, v4, [ip4(whole[16:], fragment=2), ip4(whole[:16], fragment=0x2000)]
    yield "hop", None, v6, [ip6([(HOP, PAD)], data("hop", True))]
    yield "dest-x2", None, v6, [ip6([(DEST, PAD)] * 2, data("dest-x2", True))]
    yield "dest-x9", None, v6, [ip6([(DEST, PAD)] * 9, data("dest-x9", True))]
    yield "dest-x40", None, v6, [ip6([(DEST, PAD)] * 40, data("dest-x40", True))]
    yield "atomic", None, v6, [ip6([(FRAGMENT, struct.pack("!BHI", 0, 0, 5))], data("atomic", True))]
    whole = data("v6-fragments", True)
    yield "v6-fragments", None, v6, [ip6([(FRAGMENT, struct.pack("!BHI", 0, 1, 6))], whole[:16]),
                                     ip6([(FRAGMENT, struct.pack("!BHI", 0, 16, 6))], whole[16:])]
    for name, (mac, dst) in zip(("broadcast", "multicast"), GROUP):
        yield name, mac, v4, [ip4(data(name), dst=dst)]


def send(interface, mac, port):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        own = s.getsockname()[4]
        for _, to, kind, packets in disguises(port):
            for packet in packets:
                s.send((to or mac) + own + kind + packet)


def sink(ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        for family, any_address in (socket.AF_INET, ""), (socket.AF_INET6, "::"):
            s = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((any_address, int(port)))
            selector.register(s, selectors.EVENT_READ, port)
    while True:
        for key, _ in selector.select():
            print(key.data, key.fileobj.recv(2048).decode().rstrip("."), flush=True)


if sys.argv[1] == "sink":
    sink(sys.argv[2:])
else:
    send(sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3]))
