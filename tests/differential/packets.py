# SPDX-License-Identifier: MIT
"""Random frames: good ones of every kind, and what an attacker or a bad cable makes of them."""

import ipaddress

from model import (ACK, CHAIN, DESTINATION, FIN, FRAGMENT_HEADER, HOP_BY_HOP, ICMP, ICMPV6, IGMP,
                   MAPPED, ROUTING, RST, SYN, TCP, TO_ALL, TO_GROUP, TO_OTHERS, TO_US, UDP)

BOX_MAC = bytes((2, 0, 0, 0, 0, 2))  # of box.c's interface; lo has zeros
GROUP_MACS = (b"\xff" * 6, bytes((1, 0, 0x5E, 0, 0, 0xFB)), bytes((0x33, 0x33, 0, 0, 0, 0xFB)))


def address(text):
    packed = ipaddress.ip_address(text).packed
    return packed if len(packed) == 16 else MAPPED + packed


PEERS = [address(a) for a in (
    "192.0.2.1", "192.0.2.77", "198.51.100.9", "127.0.0.3", "2001:db8::1", "2001:db8::77",
    "fe80::1", "::1")]
PODS = {4: [address(a) for a in ("10.0.0.2", "10.0.0.3", "127.0.0.1")],
        6: [address(a) for a in ("fd00::2", "fd00::3", "::1")]}
ODD = [address(a) for a in (
    "0.0.0.0", "0.1.2.3", "223.255.255.255", "224.0.0.251", "239.1.2.3", "240.0.0.1",
    "255.255.255.255", "10.255.255.255", "::", "ff02::fb", "ff02::1", "::ffff:c000:201")]
OTHER_PROTOCOLS = (ICMP, IGMP, ICMPV6, 4, 33, 41, 47, 50, 51, 59, 94, 103, 135, 136, 139, 253, 255)


def family(addr):
    return 4 if addr[:12] == MAPPED else 6


def mac_kind(frame, on_lo):
    """Whose frame it is, by its address, as the kernel tells."""
    mac = bytes(frame[:6])
    if mac == (bytes(6) if on_lo else BOX_MAC):
        return TO_US
    if mac == b"\xff" * 6:
        return TO_ALL
    return TO_GROUP if mac[0] & 1 else TO_OTHERS


class Frames:
    def __init__(self, rng):
        self.rng = rng

    def one_in(self, n):
        return self.rng.random() * n < 1

    def flags(self):
        if self.one_in(4):
            return self.rng.getrandbits(8)
        return self.rng.choice((SYN, SYN, SYN, ACK, ACK, SYN | ACK, RST, FIN | ACK, RST | ACK,
                                ACK | 8, 0))

    def transport(self, proto, sport, dport):
        rng = self.rng
        payload = rng.randbytes(rng.choice((0, 0, 1, 7, 33, 400)))
        ports = sport.to_bytes(2, "big") + dport.to_bytes(2, "big")
        if proto == TCP:
            words = 5 + (rng.randrange(11) if self.one_in(4) else 0)
            return b"".join((ports, rng.randbytes(8), bytes((words << 4, self.flags())),
                             rng.randbytes(6 + words * 4 - 20), payload))
        if proto == UDP:
            return ports + (8 + len(payload)).to_bytes(2, "big") + rng.randbytes(2) + payload
        return ports + rng.randbytes(8) + payload

    def ipv4(self, proto, source, target, body):
        rng = self.rng
        options = bytes([1]) * (4 * rng.randrange(11)) if self.one_in(6) else b""
        fragment = 0
        if self.one_in(8):
            fragment = rng.choice((0x2000, 0x2001, 1, 185, 0x4000, 0x8000, 0xE000, 0x1FFF))
            if self.one_in(2):
                body = body[:rng.choice((0, 7, 8, 11, 12, 13, 14, 16, 19, 20, 24))]
        header = 20 + len(options)
        return b"".join((
            bytes((0x40 + header // 4, rng.getrandbits(8))),
            (header + len(body)).to_bytes(2, "big"), rng.randbytes(2),
            fragment.to_bytes(2, "big"), bytes((64, proto)), b"\0\0",
            source[12:], target[12:], options, body))

    def extension(self, kind, following):
        rng = self.rng
        if kind == FRAGMENT_HEADER:
            fragment = rng.choice((0, 0, 0, 1, 1, 8, 9, 0xFFF8, 6))
            return bytes((following, rng.choice((0, 0, 7)))) + fragment.to_bytes(2, "big") + b"id42"
        words = rng.choice((0, 0, 0, 1, 2, 31))
        return bytes((following, words, 1, 4)) + bytes(4 + words * 8)

    def ipv6(self, proto, source, target, body):
        rng, chain = self.rng, []
        if self.one_in(4):
            pick = CHAIN + (HOP_BY_HOP, DESTINATION, FRAGMENT_HEADER, ROUTING)
            chain = [rng.choice(pick) for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 8, 9, 40)))]
            if self.one_in(4):
                body = body[:rng.choice((0, 7, 8, 11, 12, 14, 19, 20))]
        following = proto
        for kind in reversed(chain):
            if len(body) < 2000:  # a test run takes a page
                body, following = self.extension(kind, following) + body, kind
        return b"".join((
            bytes((0x60, rng.getrandbits(4), 0, 0)), len(body).to_bytes(2, "big"),
            bytes((following, 64)), source, target, body))

    def ethernet(self, kind, body, on_lo):
        rng = self.rng
        mac = bytes(6) if on_lo else BOX_MAC
        if self.one_in(10):
            like_ip = b"\x45\0" + rng.randbytes(4)
            mac = rng.choice(GROUP_MACS + (rng.randbytes(6), like_ip, bytes(6)))
        tags = b""
        if self.one_in(8):
            for _ in range(rng.choice((1, 1, 1, 2, 3, 4, 5))):
                tags += rng.choice((b"\x81\0", b"\x88\xa8")) + rng.choice((b"\0\0", b"\0\5"))
        return mac + bytes((2, 0, 0, 0, 0, 1)) + tags + kind + body

    def frame(self, proto, source, target, sport, dport, on_lo):
        """A good one, with ports if the protocol has them."""
        body = self.transport(proto, sport, dport)
        if family(source) == 4 and family(target) == 4:
            return self.ethernet(b"\x08\0", self.ipv4(proto, source, target, body), on_lo)
        return self.ethernet(b"\x86\xdd", self.ipv6(proto, source, target, body), on_lo)

    def other(self, on_lo):
        """Something that has no ports."""
        rng = self.rng
        what = rng.randrange(4)
        if what == 0:
            kind = rng.choice((b"\x08\x06", b"\x88\xcc", b"\x86\xdc", b"\x00\x2e", b"\x05\xff",
                               b"\x06\0", b"\xff\xff", b"\x88\x47"))
            return self.ethernet(kind, rng.randbytes(46), on_lo)
        if what == 1:
            return self.ethernet(rng.choice((b"\x08\0", b"\x86\xdd")), rng.randbytes(60), on_lo)
        proto = rng.choice(OTHER_PROTOCOLS) if self.one_in(2) else rng.getrandbits(8)
        source = rng.choice(PEERS)
        return self.frame(proto, source, rng.choice(PODS[family(source)]), 1, 2, on_lo)

    def spoil(self, frame):
        rng, f = self.rng, bytearray(frame)
        for _ in range(rng.choice((1, 1, 2))):
            what = rng.randrange(6)
            if what == 0:
                for _ in range(rng.choice((1, 2, 8))):
                    f[rng.randrange(min(len(f), 80))] ^= 1 << rng.randrange(8)
            elif what == 1:
                del f[rng.randrange(15, len(f) + 1):]
            elif what == 2:
                f += rng.randbytes(rng.randrange(1, 30))
            elif what == 3:  # lies about lengths: IPv4's total and IPv6's payload, at their places
                at = 14 + rng.choice((2, 4))
                if at + 2 <= len(f):
                    true = f[at] << 8 | f[at + 1]
                    lie = rng.choice((0, 19, 20, 40, len(f) - 14, len(f) - 54, 65535, true - 1,
                                      true + 1, true + 8, true - 8))
                    f[at:at + 2] = (lie & 0xFFFF).to_bytes(2, "big")
            elif what == 4:
                f[rng.randrange(len(f))] = rng.getrandbits(8)
            elif len(f) > 34:
                f[rng.choice((12, 14, 20, 23))] = rng.choice(
                    (0x81, 0x08, 0x86, 0x44, 0x46, 0x4F, 0x60, 6, 17, 132, 44, 0, 43))
            if len(f) < 15:
                f += bytes(15 - len(f))
        return bytes(f)
