#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""storm.py connect|download ...  clients that have to see no gap.

  connect STOP AT_LEAST PORT ADDR ...  connects to each address in turn as fast as it can, and asks for /small each
                                       16th time, until the file STOP is there and AT_LEAST tries were made, or 90 s
                                       are over: "TRIES FAILURES FIRST"
  download STOP ADDR PORT              gets /big slowly until STOP is there, then as fast as it can: "SHA256 BYTES"
"""
import hashlib
import os
import socket
import struct
import sys
import time

RESET = struct.pack("ii", 1, 0)  # no TIME_WAIT: the ports would run out
REQUEST = b"GET /%s HTTP/1.0\r\n\r\n"


def once(addr, port, ask):
    with socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        s.connect((addr, port))
        if ask:
            s.sendall(REQUEST % b"small")
            if not s.recv(4096).startswith(b"HTTP/1.1 200"):
                raise OSError("no answer")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def connect(stop, at_least, port, *addrs):
    tries = failures = 0
    first = "none"
    end = time.monotonic() + 90
    while time.monotonic() < end and (tries < int(at_least) or not os.path.exists(stop)):
        tries += 1
        try:
            once(addrs[tries % len(addrs)], int(port), tries % 16 == 0)
        except OSError as error:
            failures += 1
            if first == "none":
                first = f"{error} at {time.time():.3f}".replace(" ", "_")
    return f"{tries} {failures} {first}"


def download(stop, addr, port):
    digest, got, header = hashlib.sha256(), 0, b""
    with socket.create_connection((addr, int(port)), 5) as s:
        s.sendall(REQUEST % b"big")
        while b"\r\n\r\n" not in header:
            header += s.recv(1)
        while True:
            slow = not os.path.exists(stop)
            data = s.recv(16384 if slow else 1 << 20)
            if not data:
                return f"{digest.hexdigest()} {got}"
            digest.update(data)
            got += len(data)
            if slow:
                time.sleep(0.05)


print({"connect": connect, "download": download}[sys.argv[1]](*sys.argv[2:]), flush=True)
