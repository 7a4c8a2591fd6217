# SPDX-License-Identifier: MIT
"""frames.py - packets for the pod in disguise: DISGUISES[name](make) is [(MAC or None, tags and type, packet)].

make(destination) is (protocol, transport header and payload) towards an address, as make_udp and make_tcp give it.
A disguise that sends a first fragment to another port first (overlaps) is made with make.other too.
"""
import itertools
import socket
import struct

SRC4, DST4 = socket.inet_aton("10.77.0.66"), socket.inet_aton("10.77.0.2")
SRC6, DST6 = socket.inet_pton(socket.AF_INET6, "fd77::66"), socket.inet_pton(socket.AF_INET6, "fd77::2")
HOP, ROUTING, FRAGMENT, DEST, UDP, TCP = 0, 43, 44, 60, 17, 6
V4, V6, Q, AD = b"\x08\x00", b"\x86\xdd", b"\x81\0\0\0", b"\x88\xa8\0\0"
PAD = b"\0\1\4\0\0\0\0"  # of an options header: its length (0: 8 bytes), PadN of 4
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
idents = itertools.count(1)  # pieces of different attempts must not meet


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo(dst, proto, length):
    return (SRC4 if len(dst) == 4 else SRC6) + dst + struct.pack("!II", length, proto)


def udp(dst, port, payload, proto=UDP, sport=7777):
    head = struct.pack("!HHHH", sport, port, 8 + len(payload), 0)
    total = checksum(pseudo(dst, proto, 8 + len(payload)) + head + payload) or 0xffff
    return head[:6] + struct.pack("!H", total) + payload


def tcp(dst, port, flags, sport, seq=1000, ack=0, payload=b"", options=b""):
    head = struct.pack("!HHIIBBHHH", sport, port, seq, ack, 5 + len(options) // 4 << 4, flags, 64000, 0, 0) + options
    total = checksum(pseudo(dst, TCP, len(head) + len(payload)) + head + payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


def ip4(proto, body, options=b"", fragment=0, dst=DST4, ident=99):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), ident, fragment, 64, proto, 0,
                       SRC4, dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(chain, proto, body, dst=DST6, length=None):
    """chain: (header number, bytes after the next-header byte) of each extension header."""
    kinds = [kind for kind, _ in chain] + [proto]
    headers = b"".join(bytes([after]) + rest for (_, rest), after in zip(chain, kinds[1:]))
    if length is None:
        length = len(headers) + len(body)
    return struct.pack("!IHBB", 6 << 28, length, kinds[0], 64) + SRC6 + dst + headers + body


def piece(offset, more, ident=0):
    return FRAGMENT, struct.pack("!BHI", 0, offset | more, ident)


def make_udp(port, text):
    return lambda dst: (UDP, udp(dst, port, text.encode().ljust(28, b".")))


def make_tcp(port, sport, flags=SYN, payload=b"." * 16):
    return lambda dst: (TCP, tcp(dst, port, flags, sport, payload=payload))


# --- one packet each

def tagged(tags, v6=False):
    return lambda make: [(None, tags + (V6 if v6 else V4), ip6([], *make(DST6)) if v6 else ip4(*make(DST4)))]


def options(data):
    return lambda make: [(None, V4, ip4(*make(DST4), data))]


def chain(*headers, length=None):
    return lambda make: [(None, V6, ip6(list(headers), *make(DST6), length=length))]


def to4(mac, address):
    dst = socket.inet_aton(address)
    return lambda make: [(mac, V4, ip4(*make(dst), dst=dst))]


def to6(mac, address):
    dst = socket.inet_pton(socket.AF_INET6, address)
    return lambda make: [(mac, V6, ip6([], *make(dst), dst=dst))]


def snap(make):
    packet = b"\xaa\xaa\x03\0\0\0" + V4 + ip4(*make(DST4))
    return [(None, struct.pack("!H", len(packet)), packet)]


# --- fragments; each list is of (bytes from, to), in the order in which they are sent

def cut4(*parts):
    def frames(make):
        proto, body = make(DST4)
        ident, last = next(idents), max(end for _, end in parts)
        return [(None, V4, ip4(proto, body[start:end], fragment=start // 8 | (0x2000 if end < last else 0), ident=ident))
                for start, end in parts]
    return frames


def cut6(*parts, before=(), inside=()):
    def frames(make):
        proto, body = make(DST6)
        kinds = [kind for kind, _ in inside] + [proto]
        body = b"".join(bytes([after]) + rest for (_, rest), after in zip(inside, kinds[1:])) + body
        ident, last = next(idents), max(end for _, end in parts)
        return [(None, V6, ip6([*before, piece(start, end < last, ident)], kinds[0], body[start:end])) for start, end in parts]
    return frames


def overlap(first, second):
    """A whole first fragment for make.other, and one that writes over it with what make has."""
    def frames(make):
        ident = next(idents)

        def of(which, part, last):
            proto, body = which(DST4)
            return None, V4, ip4(proto, body[part[0]:part[1]], fragment=part[0] // 8 | (0 if last else 0x2000), ident=ident)

        order = [of(make.other, (0, 24), False), of(make, second, second[1] == 99)]
        return (order if first else order[::-1]) + [of(make.other, (24, 99), True)] * (second[1] != 99)
    return frames


ALL = b"\xff" * 6
DISGUISES = {
    "plain4": tagged(b""), "plain6": tagged(b"", True),
    **{f"vid0 x{n}": tagged(Q * n) for n in range(1, 9)},
    "802.1ad": tagged(AD), "802.1ad and 802.1Q": tagged(AD + Q), "802.1ad x2": tagged(AD * 2),
    "vid0 x2, IPv6": tagged(Q * 2, True), "vid5": tagged(b"\x81\0\0\5"), "vid0, vid5": tagged(Q + b"\x81\0\0\5"),
    "SNAP": snap,
    "one option": options(b"\1\1\1\0"), "router alert": options(b"\x94\4\0\0"), "40 bytes of options": options(b"\1" * 40),
    "record route": options(b"\7\x0b\4" + bytes(9)), "source route, done": options(b"\x83\7\x08" + DST4 + b"\0"),
    "tiny first fragment": cut4((0, 8), (8, 99)), "fragments": cut4((0, 16), (16, 99)),
    "reversed fragments": cut4((16, 99), (0, 16)), "many fragments": cut4(*((n, n + 8) for n in range(0, 40, 8))),
    "first fragment twice": cut4((0, 16), (0, 16), (16, 99)), "fragments behind the header": cut4((0, 24), (24, 99)),
    "overlap on the ports": overlap(True, (0, 8)), "overlap on the ports, reversed": overlap(False, (0, 8)),
    "overlap behind the ports": overlap(True, (8, 99)), "overlap behind the ports, reversed": overlap(False, (8, 99)),
    "hop-by-hop": chain((HOP, PAD)), "hop-by-hop, destination": chain((HOP, PAD), (DEST, PAD)),
    "long options": chain((DEST, b"\x1f\x1e\xf8" + bytes(248) + b"\1\2\0\0")),
    "jumbogram": chain((HOP, b"\0\xc2\4\0\0\0\x28"), length=0),
    **{f"headers x{n}": chain(*[(DEST, PAD)] * n) for n in range(1, 41)},
    "atomic": chain(piece(0, 0)), "atomic x2": chain(piece(0, 0), piece(0, 0)),
    "destination, atomic, destination": chain((DEST, PAD), piece(0, 0), (DEST, PAD)),
    "routing header 0": chain((ROUTING, b"\2\0\0" + bytes(4) + DST6)),
    "routing header 0, a segment left": chain((ROUTING, b"\2\0\1" + bytes(4) + DST6)),
    "segment routing": chain((ROUTING, b"\2\4\0\0\0\0\0" + DST6)),
    "fragments, IPv6": cut6((0, 16), (16, 99)), "reversed fragments, IPv6": cut6((16, 99), (0, 16)),
    "fragments behind the header, IPv6": cut6((0, 24), (24, 99)),
    "tiny first fragment, IPv6": cut6((0, 8), (8, 99)),
    "ports in the second fragment": cut6((0, 8), (8, 99), inside=[(DEST, PAD)]),
    "options in both parts": cut6((0, 24), (24, 99), before=[(DEST, PAD)], inside=[(DEST, PAD)]),
    "atomic, then fragments": cut6((0, 16), (16, 99), before=[piece(0, 0)]),
    "IPv4-mapped": to6(None, "::ffff:10.77.0.2"), "IPv6 loopback": to6(None, "::1"), "IPv4 loopback": to4(None, "127.0.0.1"),
    "limited broadcast": to4(ALL, "255.255.255.255"), "subnet broadcast": to4(ALL, "10.77.0.255"),
    "unicast in a broadcast frame": to4(ALL, "10.77.0.2"),
    "multicast": to4(b"\x01\x00\x5e\0\0\1", "224.0.0.1"), "multicast, IPv6": to6(b"\x33\x33\0\0\0\1", "ff02::1"),
}
