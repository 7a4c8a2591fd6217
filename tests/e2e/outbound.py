#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""outbound.py POD OUTSIDE STOP  the pod's own traffic to servers outside, each kind for itself and without a pause, until the
file STOP is there: a line "KIND ASKED LOST" each. Prints "running" when all of it has begun."""
import ctypes
import os
import select
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
POD4, OUT4, OUT6, MDNS = "10.77.0.2", "10.77.0.1", "fd77::1", "224.0.0.251"
FAR = "192.0.2.9"  # behind the router that OUTSIDE is
IP_RECVERR, MSG_ERRQUEUE = 11, 0x2000
libc = ctypes.CDLL(None, use_errno=True)
pod, outside = (os.open("/run/netns/" + name, os.O_RDONLY) for name in sys.argv[1:3])
stop = sys.argv[3]


def make(space, kind=socket.SOCK_DGRAM, address=("", 0), proto=0, to=None):
    if libc.setns(space, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    six = ":" in (to or address)[0]
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind, proto)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::" if six and not address[0] else address[0], address[1]))
    if to:
        s.connect(to)
    s.settimeout(1)
    return s


# --- outside

def answer(s, delay=0, size=1):
    """Echoes; size: so many times what it got, in fragments if that takes more than a frame."""
    while True:
        try:
            data, peer = s.recvfrom(65535)
        except socket.timeout:
            continue
        if delay:
            threading.Timer(delay, s.sendto, (data * size, peer)).start()
        else:
            s.sendto(data * size, peer)


def answer_stream(s):
    while True:
        try:
            c = s.accept()[0]
        except socket.timeout:
            continue
        threading.Thread(target=echo, args=(c,), daemon=True).start()


def echo(c):
    while data := c.recv(65536):
        c.sendall(data)


def answer_group(s):
    """As an mDNS responder: to who asked from 5353, to the group; to others, to themselves."""
    while True:
        try:
            data, peer = s.recvfrom(2048)
        except socket.timeout:
            continue
        if data.startswith(b"Q"):
            s.sendto(b"A" + data[1:], (MDNS, 5353) if peer[1] == 5353 else peer)


def serve(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


# --- in the pod: a function that asks once, with a number, and returns whether the answer came

def asker(s, send, reply=lambda text: text, timeout=1.5):
    def ask(number):
        text = b"Q%08d" % number
        send(text)
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            s.settimeout(left)
            try:
                if s.recv(65535).endswith(reply(text)):
                    return True
            except socket.timeout:
                return False
            except ConnectionRefusedError:
                pass
        return False
    return ask


def connected(port, six=False, local=0, size=1):
    to = (OUT6 if six else OUT4, port)
    s = make(pod, to=to, address=("", local))
    return asker(s, s.send, lambda text: text * size)


def unconnected(port, six=False, local=0, size=1):
    to = (OUT6 if six else OUT4, port)
    s = make(pod, address=("::" if six else "", local))
    return asker(s, lambda text: s.sendto(text, to), lambda text: text * size)


def stream(port, local=0):
    s = make(pod, socket.SOCK_STREAM, ("", local), to=(OUT4, port))
    return asker(s, s.sendall)


def query(local):
    s = make(pod, address=("", local))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(POD4))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(MDNS) + socket.inet_aton(POD4))
    return asker(s, lambda text: s.sendto(text, (MDNS, 5353)), lambda text: b"A" + text[1:])


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def ping():
    s = make(pod, socket.SOCK_RAW, proto=socket.IPPROTO_ICMP, to=(OUT4, 0))

    def send(text):
        rest = struct.pack("!HH", 77, 1) + text + b"."  # of even length
        s.send(struct.pack("!BBH", 8, 0, checksum(b"\x08\0\0\0" + rest)) + rest)
    return asker(s, send, lambda text: text + b".")


def ping6():
    s = make(pod, socket.SOCK_RAW, ("::", 0), socket.getprotobyname("ipv6-icmp"), to=(OUT6, 0))
    return asker(s, lambda text: s.send(struct.pack("!BBHHH", 128, 0, 0, 77, 1) + text))


def hop(ttl, to):
    """As traceroute: the ICMP error that a datagram comes to."""
    s = make(pod)
    s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)

    def ask(number):
        s.sendto(b"trace", (to, 33434 + number % 100))
        poll = select.poll()
        poll.register(s, 0)  # POLLERR
        if not poll.poll(1500):
            return False
        s.recvmsg(512, 512, MSG_ERRQUEUE)
        return True
    return ask


def run(ask, counts):
    number = 0
    while not os.path.exists(stop):
        counts[0] += 1
        number += 1
        counts[1] += not ask(number)
        time.sleep(0.002)


for address in (OUT4, OUT6):
    serve(answer, make(outside, address=(address, 5300)))
    serve(answer, make(outside, address=(address, 5400)), 0, 400)
serve(answer, make(outside, address=(OUT4, 5301)), 0.7)
listener = make(outside, socket.SOCK_STREAM, (OUT4, 2049))
listener.listen()
serve(answer_stream, listener)
responder = make(outside, address=("", 5353))
responder.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(OUT4))
responder.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(MDNS) + socket.inet_aton(OUT4))
serve(answer_group, responder)

KINDS = {
    "tcp": stream(2049), "tcp-reserved-port": stream(2049, 700),
    "udp-connected": connected(5300), "udp-connected-6": connected(5300, True),
    "udp-unconnected": unconnected(5300), "udp-unconnected-6": unconnected(5300, True),
    "udp-reserved-port": unconnected(5300, local=701), "udp-reserved-port-connected": connected(5300, local=702),
    "udp-slow-connected": connected(5301), "udp-slow": unconnected(5301),
    "dns-fragments": unconnected(5400, size=400), "dns-fragments-connected": connected(5400, size=400),
    "dns-fragments-6": unconnected(5400, True, size=400),
    "mdns": query(5353), "mdns-one-shot": query(0),
    "ping": ping(), "ping-6": ping6(),
    "traceroute-hop": hop(1, FAR), "traceroute-end": hop(9, OUT4),
}
counts = {kind: [0, 0] for kind in KINDS}
threads = [threading.Thread(target=run, args=(ask, counts[kind]), daemon=True) for kind, ask in KINDS.items()]
for thread in threads:
    thread.start()
print("running", flush=True)
for thread in threads:
    thread.join()
for kind, (asked, lost) in counts.items():
    print(kind, asked, lost, flush=True)
os._exit(0)  # the servers wait for ever
