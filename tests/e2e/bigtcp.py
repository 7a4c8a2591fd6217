#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bigtcp.py POD ADDRESS PORT [SECONDS]  a bulk transfer over the pod's `lo` with frames of up to 200,000 bytes (BIG TCP):
"whole" or "cut", and "big" or the size of the largest frame. It sends 200 MB, or for SECONDS. "skip WHY" if this kernel has none."""
import ctypes
import os
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET, ETH_P_ALL, LO, MAX = 0x40000000, 3, 1, 200000
RTM_NEWLINK, REQUEST_ACK, GSO_MAX, GRO_MAX, GSO_MAX4, GRO_MAX4 = 16, 5, 41, 58, 63, 64  # IFLA_*
ALL = 200_000_000
libc = ctypes.CDLL(None, use_errno=True)
with open("/run/netns/" + sys.argv[1]) as space:
    if libc.setns(space.fileno(), CLONE_NEWNET):
        sys.exit("setns")


def allow_big():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        body = struct.pack("<BxHiII", 0, 0, LO, 0, 0) + b"".join(
            struct.pack("<HHI", 8, kind, MAX) for kind in (GSO_MAX, GRO_MAX, GSO_MAX4, GRO_MAX4))
        s.send(struct.pack("<IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK, 1, 0) + body)
        return -struct.unpack("<i", s.recv(4096)[16:20])[0]


def watch(tap, largest):
    while True:
        largest[0] = max(largest[0], len(tap.recv(MAX + 100)))


def receive(c, got):
    while data := c.recv(1 << 20):
        got[0] += len(data)


error = allow_big()
if error:
    print("skip", os.strerror(error))
    sys.exit()
address, port = sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
got, largest = [0], [0]
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
tap.bind(("lo", ETH_P_ALL))
threading.Thread(target=watch, args=(tap, largest), daemon=True).start()
listener = socket.socket(family, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((address, port))
listener.listen()
client = socket.create_connection((address, port), 2)
server = listener.accept()[0]
reader = threading.Thread(target=receive, args=(server, got), daemon=True)
reader.start()
client.settimeout(1)
end = time.monotonic() + float(sys.argv[4] if sys.argv[4:] else 10)
sent, chunk = 0, bytes(1 << 20)
try:
    while time.monotonic() < end and (sys.argv[4:] or sent < ALL):
        sent += client.send(chunk)
    client.shutdown(socket.SHUT_WR)
except OSError:
    pass
reader.join(2)
print("whole" if got[0] == sent else "cut", "big" if largest[0] > 65536 + 100 else largest[0])
os._exit(0)
