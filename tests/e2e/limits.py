#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""limits.py VERB ...  loads for limits.sh; words and numbers on stdout.

  pace ADDR PORT PER_SECOND SECONDS  new connections at that pace: ADMITTED SECONDS LONGEST_GAP
  knock ADDR PORT PER_SECOND SECONDS the same where SYNs are dropped: who isn't in after half a second gives up
  connect ADDR PORT N                one after the other: how many got in
  upload ADDR PORT BYTES             one connection: how it ended (done | reset | refused)
  sink PORT FILE                     takes all that comes; FILE says how many bytes
  tls PORT CERT KEY                  echoes lines over TLS
  hello ADDR PORT SPLIT,...          a ClientHello, cut there: "hello" if the server answers with TLS
  say ADDR PORT TEXT                 connects and says TEXT: reset | closed | answer | timeout | refused
  resyn ADDR PORT TEXT               connects, sends another SYN from the same port, says TEXT: as say
  stand ADDR PORT FIFO TEXT          the same, but TEXT is said once FIFO was written to; with a + ahead of
                                     it before that, too
"""
import errno
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time


def connected(addr, port):
    with socket.socket() as s:
        s.settimeout(2)
        return s.connect_ex((addr, int(port))) == 0


def ticks(per_second, seconds):
    """Yields at that pace how long since the last one, in seconds."""
    begin = last = time.monotonic()
    for i in range(int(int(per_second) * float(seconds))):
        at = begin + i / int(per_second)
        while time.monotonic() < at:
            time.sleep(max(0, at - time.monotonic()))
        now = time.monotonic()
        yield now - last
        last = now


def pace(addr, port, per_second, seconds):
    begin = time.monotonic()
    admitted = 0
    gap = 0.0
    for since in ticks(per_second, seconds):
        gap = max(gap, since)
        admitted += connected(addr, port)
    return f"{admitted} {time.monotonic() - begin:.3f} {gap:.3f}"


def knock(addr, port, per_second, seconds):
    begin = time.monotonic()
    waiting = []
    admitted = 0
    gap = 0.0

    def give_up(before):
        got = 0
        while waiting and waiting[0][0] < before:
            s = waiting.pop(0)[1]
            got += bool(select.select([], [s], [], 0)[1]) and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            s.close()
        return got

    for since in ticks(per_second, seconds):
        gap = max(gap, since)
        now = time.monotonic()
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((addr, int(port)))
        waiting.append((now, s))
        admitted += give_up(now - 0.5)
    end = time.monotonic() - begin
    time.sleep(0.5)
    return f"{admitted + give_up(float('inf'))} {end:.3f} {gap:.3f}"


def connect(addr, port, n):
    return sum(connected(addr, port) for _ in range(int(n)))


def word(error):
    if isinstance(error, socket.timeout):
        return "timeout"
    return {errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.ECONNREFUSED: "refused"}.get(error.errno, str(error))


def upload(addr, port, n):
    left = int(n)
    with socket.socket() as s:
        s.settimeout(5)
        try:
            s.connect((addr, int(port)))
            while left:
                left -= s.send(bytes(min(left, 65536)))
            s.shutdown(socket.SHUT_WR)
            s.recv(1)
        except OSError as error:
            return word(error)
    return "done"


def sink(port, path):
    total = 0
    server = socket.create_server(("", int(port)))
    while True:
        peer = server.accept()[0]
        try:
            while data := peer.recv(1 << 20):
                total += len(data)
                with open(path + ".new", "w") as out:
                    out.write(str(total))
                os.replace(path + ".new", path)
        except OSError:
            pass
        peer.close()


def tls(port, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def serve(peer):
        try:
            with context.wrap_socket(peer, server_side=True) as s:
                while data := s.recv(4096):
                    s.sendall(data)
        except OSError:
            pass

    server = socket.create_server(("", int(port)), backlog=64)
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def client_hello():
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    tls = context.wrap_bio(ssl.MemoryBIO(), out)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def answer(s):
    try:
        data = s.recv(4096)
    except OSError as error:
        return word(error)
    return "hello" if data[:2] == b"\x16\x03" else "answer" if data else "closed"


def hello(addr, port, splits):
    data = client_hello()
    at = 0
    with socket.create_connection((addr, int(port)), timeout=3) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for end in [int(x) for x in splits.split(",") if x] + [len(data)]:
            s.sendall(data[at:end])
            at = end
            time.sleep(0.05)
        return answer(s)


def say(addr, port, text):
    try:
        with socket.create_connection((addr, int(port)), timeout=3) as s:
            s.sendall(text.encode())
            return answer(s)
    except OSError as error:
        return word(error)


def syn(source, target):
    """A SYN by hand, with some sequence number."""
    header = struct.pack("!HHIIBBHHH", source[1], target[1], 0x12345678, 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = socket.inet_aton(source[0]) + socket.inet_aton(target[0]) + struct.pack("!HH", 6, len(header))
    total = sum(struct.unpack(f"!{len(pseudo + header) // 2}H", pseudo + header))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return header[:16] + struct.pack("!H", ~total & 0xffff) + header[18:]


def resyn(addr, port, text):
    with socket.create_connection((addr, int(port)), timeout=3) as s:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
            raw.sendto(syn(s.getsockname(), s.getpeername()), (addr, 0))
        time.sleep(0.2)
        try:
            s.sendall(text.encode())
        except OSError as error:
            return word(error)
        return answer(s)


def stand(addr, port, fifo, text):
    with socket.create_connection((addr, int(port)), timeout=5) as s:
        if text.startswith("+"):
            text = text[1:]
            s.sendall(text.encode())
            if answer(s) != "answer":
                return "no answer before"
        print("stands", flush=True)
        with open(fifo) as lines:
            lines.read()
        try:
            s.sendall(text.encode())
        except OSError as error:
            return word(error)
        return answer(s)


VERBS = {f.__name__: f for f in (pace, knock, connect, upload, sink, tls, hello, say, resyn, stand)}

if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
    sys.exit(__doc__)
print(VERBS[sys.argv[1]](*sys.argv[2:]), flush=True)
