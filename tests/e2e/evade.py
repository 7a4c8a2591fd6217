#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""evade.py POD OUTSIDE INTERFACE MAC  tries to reach sockets in the pod; a command a line, for each an answer that
begins with delivered, nothing or skip. No license opens PORT; one opens UDP 5353, where a datagram behind each attempt tells
that the attempt is through. MAC is that of the pod's end of INTERFACE.

  udp PORT NAME        a datagram in that disguise of frames.py, to sockets of both families
  led FROM PORT NAME   the same to FROM, which netfilter in the pod is to turn into PORT
  tcp PORT NAME        the same with a SYN: delivered if a listener answers
  raw NUMBER FAMILY [TO]  a datagram of that IP protocol, to a raw socket: where a stack in user space takes it
  datagram NUMBER PORT the same to a socket of the kernel's own for that protocol (UDP-Lite)
  flags PORT           a segment with each of the 256 flag bytes: how many were answered by a SYN-ACK, and which
  data PORT            a SYN that carries data, to a listener that takes it at once (TCP Fast Open)
  meet PORT            a SYN towards a socket that connects from PORT (simultaneous open)
  tun tun|tap          makes such a device in the pod, tun0; untun takes it away
  inject PORT ADDRESS  a datagram out of it, as a tunnel of a program's own does
  repair PORT          data to a connection that the pod made up (TCP_REPAIR)
  stray PORT           a segment without SYN, to a raw socket
  sniff PORT           a datagram, to a packet socket on eth0
  gate PATH            from now on the denials of that gate are looked at
  mark, hooks          what was denied since mark: "HOOK REASON, ..."
"""
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import sys
import time

import frames
from denials import Denials

CLONE_NEWNET, ETH_P_ALL = 0x40000000, 3
TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454ca, 1, 2, 0x1000
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
OTHER = 5353
PEER4, POD4, POD6 = "10.77.0.66", frames.DST4, frames.DST6
libc = ctypes.CDLL(None, use_errno=True)
pod, outside = (os.open("/run/netns/" + name, os.O_RDONLY) for name in sys.argv[1:3])
to = bytes.fromhex(sys.argv[4].replace(":", ""))
sports = iter(range(20000, 60000))
denials = None
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # what one CPU sends to a veth stays in its order


def inside(space):
    if libc.setns(space, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def pod_socket(family, kind, proto=0, port=0):
    inside(pod)
    s = socket.socket(family, kind, proto)
    if family == socket.AF_INET6 and kind != socket.SOCK_RAW:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # nothing stays behind
    s.bind(("" if family == socket.AF_INET else "::", port))
    return s


def both(kind, port):
    return [pod_socket(family, kind, 0, port) for family in (socket.AF_INET, socket.AF_INET6)]


inside(outside)
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
wire.bind((sys.argv[3], ETH_P_ALL))
own = wire.getsockname()[4]
sentinel = pod_socket(socket.AF_INET, socket.SOCK_DGRAM, 0, OTHER)


def send(packets):
    for mac, kind, packet in packets:
        wire.send((mac or to) + own + kind + packet)


def through():
    """Returns when what was sent before has been dealt with."""
    text = os.urandom(16).hex()
    make = frames.make_udp(OTHER, text)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        send([(None, frames.V4, frames.ip4(*make(POD4)))])
        while select.select([sentinel], [], [], 0.1)[0]:
            if sentinel.recv(2048) == text.encode():
                return
    raise OSError(errno.ETIMEDOUT, "no sentinel")


def arrived(sinks):
    through()
    return bool(select.select(sinks, [], [], 0)[0])


def segments(seconds=0.03):
    """TCP segments from the pod to the peer: (source port, destination port, sequence, flags)."""
    while select.select([wire], [], [], seconds)[0]:
        frame, address = wire.recvfrom(2048)
        if address[2] == socket.PACKET_OUTGOING:
            continue
        if frame[12:14] == frames.V4 and frame[23] == frames.TCP and frame[30:34] == frames.SRC4:
            segment = frame[14 + (frame[14] & 15) * 4:]
        elif frame[12:14] == frames.V6 and frame[20] == frames.TCP and frame[38:54] == frames.SRC6:
            segment = frame[54:]
        else:
            continue
        yield (*struct.unpack("!HHI", segment[:8]), segment[13])


def answered(port, wanted):
    """Which of our ports in `wanted` a SYN-ACK came back to."""
    through()
    return {destination for source, destination, _, byte in segments()
            if source == port and destination in wanted and byte & 0x17 == frames.SYN | frames.ACK}


def drain():
    while select.select([wire], [], [], 0)[0]:
        wire.recv(2048)


def word(delivered, rest=""):
    return ("delivered" if delivered else "nothing") + rest


def udp(port, *name):
    return led(port, port, *name)


def led(first, port, *name):
    sinks = both(socket.SOCK_DGRAM, int(port))
    make = frames.make_udp(int(first), "evade")
    make.other = frames.make_udp(OTHER, "evade")
    send(frames.DISGUISES[" ".join(name)](make))
    return word(arrived(sinks))


def tcp(port, *name):
    listeners = both(socket.SOCK_STREAM, int(port))
    for s in listeners:
        s.listen()
    sport = next(sports)
    make = frames.make_tcp(int(port), sport)
    make.other = frames.make_tcp(int(port), sport, frames.ACK)
    drain()
    send(frames.DISGUISES[" ".join(name)](make))
    return word(answered(int(port), {sport}))


def raw(number, family, address=None):
    v4, number = family == "4", int(number)
    s = pod_socket(socket.AF_INET if v4 else socket.AF_INET6, socket.SOCK_RAW, number)
    inner = frames.ip4(*frames.make_udp(5354, "inner")(POD4)) if number == 4 else \
        frames.ip6([], *frames.make_udp(5354, "inner")(POD6)) if number == 41 else b"\0\0\x08\0" + bytes(60)
    dst = socket.inet_aton(address) if address else POD4
    send([(None, frames.V4, frames.ip4(number, inner, dst=dst)) if v4 else (None, frames.V6, frames.ip6([], number, inner))])
    return word(arrived([s]))


def datagram(number, port):
    try:
        s = pod_socket(socket.AF_INET, socket.SOCK_DGRAM, int(number), int(port))
    except OSError as error:
        return f"skip this kernel has no such sockets ({error.strerror})"
    send([(None, frames.V4, frames.ip4(int(number), frames.udp(POD4, int(port), b"evade", int(number))))])
    return word(arrived([s]))


def flags(port):
    listeners = both(socket.SOCK_STREAM, int(port))
    for s in listeners:
        s.listen(300)
    base = [next(sports) for _ in range(256)][0]
    drain()
    for byte in range(256):
        send([(None, frames.V4, frames.ip4(frames.TCP, frames.tcp(POD4, int(port), byte, base + byte, ack=9)))])
    found = sorted(sport - base for sport in answered(int(port), range(base, base + 256)))
    return word(found, f" {len(found)}: " + " ".join(f"{byte:02x}" for byte in found))


def data(port):
    s = pod_socket(socket.AF_INET, socket.SOCK_STREAM, 0, int(port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    s.listen()
    sport = next(sports)
    send([(None, frames.V4, frames.ip4(frames.TCP, frames.tcp(POD4, int(port), frames.SYN, sport, payload=b"early")))])
    if not arrived([s]):
        return word(False)
    return word(s.accept()[0].recv(16) == b"early")


def meet(port):
    port, sport = int(port), next(sports)
    s = pod_socket(socket.AF_INET, socket.SOCK_STREAM, 0, port)
    s.setblocking(False)
    drain()
    s.connect_ex((PEER4, sport))
    ours = next(seq for source, destination, seq, byte in segments(1) if (source, destination, byte) == (port, sport, frames.SYN))
    send([(None, frames.V4, frames.ip4(frames.TCP, frames.tcp(POD4, port, frames.SYN, sport, 5000)))])
    if not answered(port, {sport}):
        return word(False)
    send([(None, frames.V4, frames.ip4(frames.TCP, frames.tcp(POD4, port, frames.ACK | frames.PSH, sport, 5001, ours + 1, b"met")))])
    return word(arrived([s]) and s.recv(16) == b"met")


def stray(port):
    s = pod_socket(socket.AF_INET, socket.SOCK_RAW, frames.TCP)
    send([(None, frames.V4, frames.ip4(frames.TCP, frames.tcp(POD4, int(port), frames.ACK | frames.PSH, next(sports), payload=b"x")))])
    return word(arrived([s]))


def tun(kind):
    global device, tapping
    tapping = kind == "tap"
    inside(pod)
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_NO_PI | (IFF_TAP if tapping else IFF_TUN)))
    return "ok"


def untun():
    os.close(device)
    return "ok"


def inject(port, address):
    dst = socket.inet_aton(address)
    sinks = both(socket.SOCK_DGRAM, int(port))
    packet = frames.ip4(*frames.make_udp(int(port), "tunnel")(dst), dst=dst)
    os.write(device, (b"\xff" * 6 + own + frames.V4 if tapping else b"") + packet)
    return word(arrived(sinks))


def repair(port):
    sport = next(sports)
    s = pod_socket(socket.AF_INET, socket.SOCK_STREAM, 0, int(port))
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    for queue, sequence in (2, 900), (1, 700):  # sent, received
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        s.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, sequence)
    s.connect((PEER4, sport))
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
    send([(None, frames.V4, frames.ip4(frames.TCP, frames.tcp(POD4, int(port), frames.ACK | frames.PSH, sport, 700, 900, b"made")))])
    return word(arrived([s]) and s.recv(16) == b"made")


def sniff(port):
    inside(pod)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as s:
        s.bind(("eth0", ETH_P_ALL))
        send([(None, frames.V4, frames.ip4(*frames.make_udp(int(port), "sniffed")(POD4)))])
        through()
        seen = False
        while select.select([s], [], [], 0)[0]:
            seen |= b"sniffed" in s.recv(2048)
    return word(seen)


def gate(path):
    global denials
    denials = Denials(path)
    return "ok"


def mark():
    denials.mark()
    return "ok"


VERBS = {f.__name__: f for f in (udp, led, tcp, raw, datagram, flags, data, meet, tun, untun, inject, repair, stray, sniff, gate, mark)}
VERBS["hooks"] = lambda: denials.since()

for line in sys.stdin:
    verb, *args = line.split()
    try:
        print(VERBS[verb](*args), flush=True)
    except OSError as error:
        print("error", repr(error), flush=True)
