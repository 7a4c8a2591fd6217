#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""net.py VERB ...  the clients and small servers of the e2e tests; one word or number on stdout.

  tcp ADDR PORT [SECONDS]      ok | refused | timeout | errno name
  udp ADDR PORT [SECONDS]      connected socket, expects an echo: ok | refused | timeout
                               (both, and hold, from the address in SOURCE and the port in SOURCE_PORT, if that is set)
  udp-unbound ADDR PORT [S]    sendto/recvfrom on a socket without a remote end
  wait STATE ADDR PORT SECONDS polls `tcp` every 10 ms until STATE: the wall clock then (s), or "never"
  wait-udp STATE ADDR PORT S   the same with one connected UDP socket that is kept
  loop ADDR PORT SECONDS       connects every 5 ms: "TRIES FAILURES"
  hold ADDR PORT SECONDS       one HTTP connection, a request every 50 ms: how it ended (open | reset |
                               closed | timeout) and the wall clock then
  idle ADDR PORT SECONDS       one connection that says nothing: as hold
  pulse FILE                   keeps the longest time (s) that this machine stood still at once in FILE
  echo-udp PORT ...            echoes datagrams on [::]:PORT (IPv4 too)
  echo-tcp PORT ...            accepts and echoes on [::]:PORT (IPv4 too)
"""
import errno
import os
import selectors
import socket
import sys
import time


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def word(error):
    if isinstance(error, socket.timeout):
        return "timeout"
    return {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout", errno.EAGAIN: "timeout",
            errno.ECONNRESET: "reset"}.get(error.errno, errno.errorcode.get(error.errno, "?"))


def bind(s):
    if "SOURCE" in os.environ or "SOURCE_PORT" in os.environ:
        s.bind((os.environ.get("SOURCE", ""), int(os.environ.get("SOURCE_PORT", 0))))


def tcp(addr, port, seconds=1.0):
    with socket.socket(family(addr), socket.SOCK_STREAM) as s:
        bind(s)
        s.settimeout(float(seconds))
        try:
            s.connect((addr, int(port)))
        except OSError as error:
            return word(error)
    return "ok"


def ask(s, send, seconds):
    s.settimeout(float(seconds))
    try:
        send(b"ping")
        return "ok" if s.recv(64) == b"ping" else "garbled"
    except OSError as error:
        return word(error)


def udp(addr, port, seconds=1.0):
    with socket.socket(family(addr), socket.SOCK_DGRAM) as s:
        bind(s)
        s.connect((addr, int(port)))
        return ask(s, s.send, seconds)


def udp_unbound(addr, port, seconds=1.0):
    with socket.socket(family(addr), socket.SOCK_DGRAM) as s:
        return ask(s, lambda data: s.sendto(data, (addr, int(port))), seconds)


def poll(probe, state, seconds):
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        if probe() == state:
            return f"{time.time():.3f}"
        time.sleep(0.01)
    return "never"


def wait(state, addr, port, seconds):
    return poll(lambda: tcp(addr, port, 0.5), state, seconds)


def wait_udp(state, addr, port, seconds):
    with socket.socket(family(addr), socket.SOCK_DGRAM) as s:
        s.connect((addr, int(port)))
        return poll(lambda: ask(s, s.send, 0.3), state, seconds)


def loop(addr, port, seconds):
    tries = failures = 0
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        tries += 1
        failures += tcp(addr, port, 1) != "ok"
        time.sleep(0.005)
    return f"{tries} {failures}"


def hold(addr, port, seconds):
    end = time.monotonic() + float(seconds)
    state = "open"
    with socket.socket(family(addr), socket.SOCK_STREAM) as s:
        bind(s)
        s.settimeout(2)
        s.connect((addr, int(port)))
        while time.monotonic() < end:
            try:
                s.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
                if not s.recv(65536):
                    state = "closed"
            except OSError as error:
                state = word(error)
            if state != "open":
                break
            time.sleep(0.05)
    return f"{state} {time.time():.3f}"


def idle(addr, port, seconds):
    with socket.socket(family(addr), socket.SOCK_STREAM) as s:
        s.settimeout(2)
        s.connect((addr, int(port)))
        s.settimeout(float(seconds))
        try:
            state = "open" if s.recv(1) else "closed"
        except OSError as error:
            state = {"timeout": "open"}.get(word(error), word(error))
    return f"{state} {time.time():.3f}"


def pulse(file):
    longest, before = -1.0, time.monotonic()
    while True:
        gap = time.monotonic() - before
        before += gap
        if gap > longest:
            longest = gap
            with open(file + ".new", "w") as f:
                print(f"{gap:.3f}", file=f)
            os.rename(file + ".new", file)
        time.sleep(0.01)


def listener(kind, port):
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", int(port)))
    return s


def serve(kind, ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        s = listener(kind, port)
        if kind == socket.SOCK_STREAM:
            s.listen(128)
        selector.register(s, selectors.EVENT_READ, "listener")
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            s = key.fileobj
            if kind == socket.SOCK_DGRAM:
                data, peer = s.recvfrom(65535)
                s.sendto(data, peer)
            elif key.data == "listener":
                selector.register(s.accept()[0], selectors.EVENT_READ, "connection")
            else:
                echo(selector, s)


def echo(selector, s):
    try:
        data = s.recv(65536)
        if data:
            s.sendall(data)
            return
    except OSError:
        pass
    selector.unregister(s)
    s.close()


VERBS = {"tcp": tcp, "udp": udp, "udp-unbound": udp_unbound, "wait": wait, "wait-udp": wait_udp,
         "loop": loop, "hold": hold, "idle": idle, "pulse": pulse,
         "echo-udp": lambda *ports: serve(socket.SOCK_DGRAM, ports),
         "echo-tcp": lambda *ports: serve(socket.SOCK_STREAM, ports)}

if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
    sys.exit(__doc__)
try:
    print(VERBS[sys.argv[1]](*sys.argv[2:]), flush=True)
except KeyboardInterrupt:
    sys.exit(130)
