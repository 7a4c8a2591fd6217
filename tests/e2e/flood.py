#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""flood.py STOP INTERFACE MAC PORT  SYNs and datagrams to a port of the pod, as frames, as fast as it can, IPv4 and IPv6.

Until the file STOP is there, or 90 s: "TCP UDP FAILED", how many frames of either kind went out, and how many the
interface didn't take. Checksums are left out, for who drops a flood looks at none.
"""
import os
import random
import socket
import struct
import sys
import time

SRC4, DST4 = socket.inet_aton("10.77.0.1"), socket.inet_aton("10.77.0.2")
SRC6, DST6 = socket.inet_pton(socket.AF_INET6, "fd77::1"), socket.inet_pton(socket.AF_INET6, "fd77::2")
TCP, UDP = 6, 17
KINDS = [(proto, six) for proto in (TCP, UDP) for six in (False, True)]


def packet(proto, port, six):
    source = random.randrange(1024, 65536)
    if proto == TCP:
        body = struct.pack("!HHIIBBHHH", source, port, random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
    else:
        body = struct.pack("!HHHH", source, port, 8, 0)
    if six:
        return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + SRC6 + DST6 + body
    return b"\x08\x00" + struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 99, 0x4000, 64, proto, 0, SRC4, DST4) + body


def flood(stop, interface, mac, port):
    sent, failed, end = {TCP: 0, UDP: 0}, 0, time.monotonic() + 90
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        link = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4]
        frames = [(proto, link + packet(proto, int(port), six)) for _ in range(128) for proto, six in KINDS]
        while time.monotonic() < end and not os.path.exists(stop):
            for proto, frame in frames:
                try:
                    s.send(frame)
                    sent[proto] += 1
                except OSError:
                    failed += 1
    return f"{sent[TCP]} {sent[UDP]} {failed}"


print(flood(*sys.argv[1:]), flush=True)
