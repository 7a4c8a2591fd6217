#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""crowd.py ADDR PORT FILE  many clients in one process, each with a source address of its own.

Commands on stdin, a line each; FILE tells "SOURCE STATE" of every client whenever one changes:
  open SOURCE ...   connect at once, then send a byte every 50 ms and expect it back
  close SOURCE ...  close
  forget SOURCE ... close, and tell no more of it
  hush SOURCE ...   connect and say nothing from then on, or stop talking
crowd.py udp ADDR PORT SOURCE ...  a datagram from each, at once: how many were echoed
STATE: connecting, open, closed, and refused, reset, timeout as the error has it.
crowd.py flood INTERFACE DST_MAC PORT N  sends N TCP SYNs, each from an address that nobody has, and an ACK after each
"""
import errno
import os
import select
import selectors
import socket
import struct
import sys
import time

EVERY = 0.05
WORDS = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.ETIMEDOUT: "timeout"}


class Client:
    def __init__(self, source, to, talks):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((source, 0))
        self.state, self.talks, self.said = "connecting", talks, 0.0
        self.socket.connect_ex(to)

    def step(self, readable, writable, now):
        try:
            if self.state == "connecting" and writable:
                error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, "")
                self.state = "open"
            if readable and not self.socket.recv(4096):
                self.end("closed")
            if self.state == "open" and self.talks and now - self.said > EVERY:
                self.socket.send(b"x")
                self.said = now
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(WORDS.get(error.errno, "error"))

    def end(self, state):
        self.socket.close()
        self.state = state


def tell(path, clients):
    with open(path + ".new", "w") as f:
        f.writelines(f"{source} {client.state}\n" for source, client in clients.items())
    os.rename(path + ".new", path)


def command(line, clients, to):
    verb, *sources = line.split()
    for source in sources:
        client = clients.get(source)
        alive = client and client.state in ("connecting", "open")
        if verb in ("close", "forget") and alive:
            client.end("closed")
        elif verb == "hush" and alive:
            client.talks = False
        elif verb in ("open", "hush") and not alive:
            clients[source] = Client(source, to, verb == "open")
        if verb == "forget":
            clients.pop(source, None)


def crowd(addr, port, path):
    clients, before, buffer = {}, None, b""
    os.set_blocking(0, False)
    while True:
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            for client in clients.values():
                if client.state in ("connecting", "open"):
                    wants = selectors.EVENT_WRITE if client.state == "connecting" else selectors.EVENT_READ
                    selector.register(client.socket, wants, client)
            ready = {key.fd: events for key, events in selector.select(EVERY / 2)}
        for client in list(clients.values()):
            if client.state in ("connecting", "open"):
                events = ready.get(client.socket.fileno(), 0)
                client.step(events & selectors.EVENT_READ, events & selectors.EVENT_WRITE, time.monotonic())
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                command(line.decode(), clients, (addr, int(port)))
        now = {source: client.state for source, client in clients.items()}
        if now != before:
            tell(path, clients)
            before = now


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(source, port, flags, seq, ack):
    src, dst = socket.inet_aton(source), socket.inet_aton("10.77.0.2")
    tcp = struct.pack("!HHIIBBHHH", 40000, port, seq, ack, 5 << 4, flags, 65535, 0, 0)
    tcp = tcp[:16] + struct.pack("!H", checksum(src + dst + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, src, dst)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def flood(interface, mac, port, n):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        head = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\x08\x00"
        for i in range(int(n)):
            source = f"10.78.{i // 250}.{i % 250 + 1}"
            s.send(head + segment(source, int(port), 0x02, 1000, 0))
            s.send(head + segment(source, int(port), 0x10, 1001, 4711))


def udp(addr, port, *sources):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in sources]
    for s, source in zip(sockets, sources):
        s.bind((source, 0))
        s.sendto(b"x", (addr, int(port)))
    time.sleep(0.3)
    print(sum(bool(select.select([s], [], [], 0)[0]) for s in sockets))


if sys.argv[1:2] == ["udp"] and len(sys.argv) > 4:
    udp(*sys.argv[2:])
elif sys.argv[1:2] == ["flood"] and len(sys.argv) == 6:
    flood(*sys.argv[2:])
elif len(sys.argv) == 4:
    crowd(*sys.argv[1:])
else:
    sys.exit(__doc__)
