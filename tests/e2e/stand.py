#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""stand.py POD OUTSIDE  holds flows between the two namespaces; a command a line, a word back for each.

  tcp NAME PORT            a connection from outside to a listener in the pod
  udp NAME PORT [alone]    a client outside and the socket that the pod's server has connected to it;
                           alone: the server's other socket, for all clients, is closed
  own NAME LOCAL REMOTE    a UDP client in the pod, connected from LOCAL (0: any) to REMOTE outside
  unlisten                 closes all listeners in the pod
  say NAME                 from outside to the pod: ok | shut
  push NAME                from the pod to outside: ok | shut
"""
import ctypes
import os
import socket
import sys

POD, OUT = "10.77.0.2", "10.77.0.1"
REUSEPORT = 15
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
spaces = {POD: os.open("/run/netns/" + sys.argv[1], os.O_RDONLY),
          OUT: os.open("/run/netns/" + sys.argv[2], os.O_RDONLY)}
flows, kept = {}, []  # name: (its socket outside, its socket in the pod)


def bound(where, kind, port=0):
    if libc.setns(spaces[where], CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    s = socket.socket(socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, REUSEPORT, 1)
    s.bind((where, port))
    s.settimeout(0.5)
    return s


def tcp(name, port):
    listener = bound(POD, socket.SOCK_STREAM, int(port))
    listener.listen()
    client = bound(OUT, socket.SOCK_STREAM)
    client.connect((POD, int(port)))
    kept.append(listener)
    flows[name] = client, listener.accept()[0]
    flows[name][1].settimeout(0.5)
    return "ok"


def udp(name, port, alone=None):
    server, client = bound(POD, socket.SOCK_DGRAM, int(port)), bound(OUT, socket.SOCK_DGRAM)
    client.connect((POD, int(port)))
    client.send(b"hello")
    peer = server.recvfrom(64)[1]
    if alone:
        server.close()
    else:
        kept.append(server)
    mine = bound(POD, socket.SOCK_DGRAM, int(port))
    mine.connect(peer)
    flows[name] = client, mine
    return "ok"


def own(name, local, remote):
    server, client = bound(OUT, socket.SOCK_DGRAM, int(remote)), bound(POD, socket.SOCK_DGRAM, int(local))
    client.connect((OUT, int(remote)))
    client.send(b"hello")
    server.connect(server.recvfrom(64)[1])
    flows[name] = server, client
    return "ok"


def unlisten():
    while kept:
        kept.pop().close()
    return "ok"


def pass_on(a, b):
    for _ in range(3):  # an ICMP error of before is told once
        try:
            a.send(b"x")
            return "ok" if b.recv(64) else "shut"
        except OSError:
            pass
    return "shut"


def say(name):
    return pass_on(*flows[name])


def push(name):
    return pass_on(*reversed(flows[name]))


for line in sys.stdin:
    verb, *args = line.split()
    try:
        print({"tcp": tcp, "udp": udp, "own": own, "unlisten": unlisten, "say": say, "push": push}[verb](*args), flush=True)
    except (OSError, KeyError) as error:
        print(repr(error), flush=True)
