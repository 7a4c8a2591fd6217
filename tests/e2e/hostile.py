#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hostile.py PORT DIR - an HTTPS authority (DIR/server.pem and .key) that does what DIR/mode says, on
each request anew. DIR/requests gets a line a request: port, path, Authorization. PORT+1 does the same;
PORT+2 has a certificate of another CA, PORT+3 is plain HTTP. DIR/www has what an honest one gives."""
import gzip
import os
import socket
import ssl
import sys
import threading
import time

port, base = int(sys.argv[1]), sys.argv[2]
log = open(os.path.join(base, "requests"), "a", buffering=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/jwt\r\n"


def www(name):
    with open(os.path.join(base, "www", name), "rb") as f:
        return f.read()


def whole(body, head=HEAD):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def status(line, *headers):
    return b"HTTP/1.1 " + line.encode() + b"\r\nContent-Length: 0\r\n" + b"".join(h.encode() + b"\r\n" for h in headers) + b"\r\n"


def slowly(s, data, pause, seconds=60):
    end = time.monotonic() + seconds
    for i in range(len(data)):
        s.sendall(data[i:i + 1])
        time.sleep(pause)
        if time.monotonic() > end:
            return


def answer(s, mode, path):
    good = www("good.lic")
    if mode == "stall":
        time.sleep(60)
    elif mode == "stall-body":
        s.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(good) + good[:20])
        time.sleep(60)
    elif mode == "drip":
        slowly(s, whole(good), 0.1)
    elif mode == "short":  # fewer bytes than it said
        s.sendall(HEAD + b"Content-Length: 5000\r\n\r\n" + good)
    elif mode == "cut-chunk":  # the last chunk never comes
        s.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(good) + good + b"\r\n")
    elif mode == "torn":  # all that it said, and half of the token
        s.sendall(whole(good[:len(good) // 2]))
    elif mode == "garbage":
        s.sendall(whole(os.urandom(2000)))
    elif mode == "page":
        s.sendall(whole(b"<html>log in first</html>"))
    elif mode == "empty":
        s.sendall(whole(b""))
    elif mode == "big":
        s.sendall(whole(b"a" * 70000))
    elif mode == "big-unsaid":  # no length, no end
        s.sendall(HEAD + b"\r\n")
        for _ in range(2000):
            s.sendall(b"a" * 65536)
    elif mode == "headers":
        s.sendall(HEAD)
        for i in range(20000):
            s.sendall(b"X-%d: " % i + b"y" * 1000 + b"\r\n")
    elif mode == "bomb":
        bomb = gzip.compress(b"\0" * (50 << 20))
        s.sendall(whole(bomb[:60000], HEAD + b"Content-Encoding: gzip\r\n"))
    elif mode == "etag":  # validators that must not be sent back
        s.sendall(whole(www("good.lic"), HEAD + b"ETag: \"" + b"e" * 3000 + b"\"\r\nLast-Modified: \x01\x02\xff\r\n"))
    elif mode.startswith("file "):
        s.sendall(whole(www(mode[5:])))
    elif mode.startswith("redirect "):
        s.sendall(status("302 Found", "Location: " + mode[9:]))
    elif mode == "loop":
        s.sendall(status("302 Found", "Location: /" + str(time.time())))
    elif mode == "busy":
        s.sendall(status("503 Busy", "Retry-After: 100"))
    elif mode == "busy-for-ever":
        s.sendall(status("503 Busy", "Retry-After: 99999999999"))
    elif mode == "unasked":
        s.sendall(status("304 Not Modified"))
    elif mode == "no-http":
        s.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    else:
        s.sendall(status(mode))


def serve(s, here, context):
    try:
        if context:
            s = context.wrap_socket(s, server_side=True)
        with s:
            head = b""
            while b"\r\n\r\n" not in head:
                data = s.recv(4096)
                if not data:
                    return
                head += data
            lines = head.decode(errors="replace").split("\r\n")
            path = lines[0].split()[1]
            auth = [line for line in lines if line.lower().startswith("authorization:")]
            log.write(f"{here} {path} {' '.join(auth)}\n")
            if path.startswith("/there/"):  # honest, at the end of a redirect
                s.sendall(whole(www(path[7:])))
            else:
                with open(os.path.join(base, "mode")) as f:
                    answer(s, f.read().strip(), path)
    except (OSError, ssl.SSLError):
        pass


def listen(number, certificate):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(base, certificate + ".pem"), os.path.join(base, certificate + ".key"))
    listener = socket.create_server(("127.0.0.1", number), backlog=64)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], number, context), daemon=True).start()


for offset, certificate in enumerate(("server", "server", "stranger", None)):
    threading.Thread(target=listen, args=(port + offset, certificate), daemon=True).start()
while True:
    time.sleep(60)
