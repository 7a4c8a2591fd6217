#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""proxy.py PORT LOG - an HTTP proxy that knows CONNECT only; LOG gets each request's head."""
import selectors
import socket
import sys
import threading

port, log = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1)


def tunnel(a, b):
    selector = selectors.DefaultSelector()
    for s, to in ((a, b), (b, a)):
        selector.register(s, selectors.EVENT_READ, to)
    while True:
        for key, _ in selector.select():
            data = key.fileobj.recv(65536)
            if not data:
                return
            key.data.sendall(data)


def serve(client):
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                return
            head += data
        log.write(head.decode(errors="replace"))
        verb, where = head.split()[:2]
        if verb != b"CONNECT":
            client.sendall(b"HTTP/1.1 405 No\r\n\r\n")
            return
        host, _, to = where.decode().rpartition(":")
        with socket.create_connection((host, int(to))) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            tunnel(client, server)


with socket.create_server(("127.0.0.1", port)) as listener:
    log.write("ready\n")
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
