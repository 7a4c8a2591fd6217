#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""many.py POD OUTSIDE N  one socket in the pod asks N servers outside (10.98.0.0/18) before any of them answers: how many
answers came."""
import ctypes
import os
import select
import socket
import sys
import threading
import time

CLONE_NEWNET, IP_PKTINFO, SO_RCVBUFFORCE, PORT = 0x40000000, 8, 33, 5302
libc = ctypes.CDLL(None, use_errno=True)
n = int(sys.argv[3])


def make(name):
    with open("/run/netns/" + name) as space:
        if libc.setns(space.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
    return s


def address(number):
    return f"10.98.{number >> 8}.{number & 255}", PORT


def serve(s):
    asked = []
    while len(asked) < n:
        data, control, _, peer = s.recvmsg(64, 64)
        asked.append((data, control[0][2], peer))
    for data, info, peer in asked:  # from the address that was asked
        s.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + info[4:8] + bytes(4))], 0, peer)


server, client = make(sys.argv[2]), make(sys.argv[1])
server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
server.bind(("", PORT))
threading.Thread(target=serve, args=(server,), daemon=True).start()
for number in range(1, n + 1):
    client.sendto(b"%d" % number, address(number))
answers = set()
end = time.monotonic() + 10
while len(answers) < n and select.select([client], [], [], max(0, end - time.monotonic()))[0]:
    data, peer = client.recvfrom(64)
    if peer == address(int(data)):
        answers.add(peer)
print(len(answers))
