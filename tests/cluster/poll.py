#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""poll.py OUT ADDR:PORT ...  connects to each every 20 ms until SIGTERM, then writes OUT:
{"ADDR:PORT": {"ok": n, "refused": n, ...}, "gap": the longest time between two rounds, s}"""
import collections
import errno
import json
import signal
import socket
import sys
import time


def connect(addr, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        try:
            s.connect((addr, int(port)))
        except socket.timeout:
            return "timeout"
        except OSError as error:
            return "refused" if error.errno == errno.ECONNREFUSED else errno.errorcode.get(error.errno, "?")
    return "ok"


out, *targets = sys.argv[1:]
counts = {t: collections.Counter() for t in targets}
over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
gap, last = 0, time.monotonic()
while not over:
    for target in targets:
        addr, port = target.rsplit(":", 1)
        counts[target][connect(addr, port)] += 1
    now = time.monotonic()
    gap, last = max(gap, now - last), now
    time.sleep(0.02)
with open(out, "w", encoding="ascii") as f:
    json.dump({**counts, "gap": round(gap, 3)}, f)
