#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hook.py PORT LOG [CERT KEY] - a webhook. LOG gets a line a request: the status it was answered with,
Authorization, Content-Type, the body. LOG.mode, on each request anew: "fail N" answers 500 that many
times and 200 then; "stall" never answers."""
import http.server
import os
import ssl
import sys
import time

port, path = int(sys.argv[1]), sys.argv[2]
log = open(path, "a", buffering=1)


def mode():
    try:
        with open(path + ".mode") as f:
            return f.read().split()
    except FileNotFoundError:
        return ["ok"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        word, *rest = mode()
        status = 200
        if word == "stall":
            time.sleep(60)
        if word == "fail" and int(rest[0]) > 0:
            status = 500
            with open(path + ".mode.new", "w") as f:
                f.write(f"fail {int(rest[0]) - 1}")
            os.rename(path + ".mode.new", path + ".mode")
        log.write(f"{status}\t{self.headers.get('Authorization')}\t{self.headers['Content-Type']}\t{body}\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
