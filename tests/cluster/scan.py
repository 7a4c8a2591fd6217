#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scan.py OUT PREFIX PORT  until SIGTERM: a SYN to PREFIX.2 to .254 every 200 ms, whoever is there or comes; then
OUT: {"tries": n, "refused": n, "ok": ["ADDR", ...]}"""
import errno
import json
import selectors
import signal
import socket
import sys
import time

out, prefix, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
over, opened, tries, refused = [], set(), 0, 0
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
selector = selectors.DefaultSelector()


def settle(s, addr):
    global refused
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if not error:
        opened.add(addr)
    refused += error == errno.ECONNREFUSED
    selector.unregister(s)
    s.close()


while not over:
    for n in range(2, 255):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setblocking(False)
        addr = f"{prefix}.{n}"
        if s.connect_ex((addr, port)) == errno.EINPROGRESS:
            selector.register(s, selectors.EVENT_WRITE, (addr, time.monotonic()))
        else:
            s.close()
        tries += 1
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        for key, _ in selector.select(0.01):
            settle(key.fileobj, key.data[0])
    for key in list(selector.get_map().values()):
        if time.monotonic() - key.data[1] > 2:
            selector.unregister(key.fileobj)
            key.fileobj.close()
with open(out, "w", encoding="ascii") as f:
    json.dump({"tries": tries, "refused": refused, "ok": sorted(opened)}, f)
