#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""past.py SPORT DPORT udp|packet: a datagram on ::1, by a socket of UDP or, with a header of its own, by one of
AF_PACKET past the egress of lo. Says ok if it is answered (which AF_PACKET sees), else refused."""
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
ETH_P_IPV6, ETH_P_ALL = 0x86DD, 3
ONE = bytes(15) + b"\1"
TEXT = b"past"


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def frame(sport, dport):
    udp = struct.pack("!HHHH", sport, dport, 8 + len(TEXT), 0) + TEXT
    check = checksum(ONE + ONE + struct.pack("!II", len(udp), socket.IPPROTO_UDP) + udp)
    udp = udp[:6] + struct.pack("!H", check) + udp[8:]
    header = struct.pack("!IHBB", 6 << 28, len(udp), socket.IPPROTO_UDP, 64)
    return bytes(12) + struct.pack("!H", ETH_P_IPV6) + header + ONE + ONE + udp


def main():
    sport, dport = int(sys.argv[1]), int(sys.argv[2])
    answer = struct.pack("!HH", dport, sport)
    seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    seen.bind(("lo", ETH_P_ALL))
    if sys.argv[3] == "packet":
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sender.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        sender.bind(("lo", ETH_P_IPV6))
        sender.send(frame(sport, dport))
    else:
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sender.bind(("::1", sport))
        sender.sendto(TEXT, ("::1", dport))
    end = time.monotonic() + 1
    while time.monotonic() < end:
        seen.settimeout(max(end - time.monotonic(), 0.01))
        try:
            data = seen.recv(200)
        except TimeoutError:
            break
        if data[20] == socket.IPPROTO_UDP and data[54:58] == answer:
            print("ok")
            return
    print("refused")


main()
