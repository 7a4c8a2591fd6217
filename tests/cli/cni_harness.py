# SPDX-License-Identifier: MIT
"""What the tests of portlic-cni share: calls as a runtime makes them, and a stand-in for the agent."""

import http.server
import json
import os
import socketserver
import subprocess
import threading

from harness import DIR

BUILD = os.path.abspath(os.environ.get("PORTLIC_BUILD", "build"))
PLUGIN = os.path.join(BUILD, "portlic-cni")
POD = {"K8S_POD_NAMESPACE": "shop", "K8S_POD_NAME": "web-1", "K8S_POD_UID": "0f0e-1", "K8S_POD_INFRA_CONTAINER_ID": "5e1f"}
PREVIOUS = {"cniVersion": "0.4.0", "dns": {}, "interfaces": [{"mac": "a2:00:00:00:00:01", "name": "eth0", "sandbox": "/var/run/netns/cni-1"}],
            "ips": [{"address": "10.89.78.2/24", "gateway": "10.89.78.1", "interface": 0, "version": "4"}], "routes": [{"dst": "0.0.0.0/0"}]}
SOCKET, SELECTION = os.path.join(DIR, "agent.sock"), os.path.join(DIR, "cni-selection.json")


def cni_args(pairs, first="IgnoreUnknown=1"):
    return ";".join([first, *(f"{k}={v}" for k, v in pairs.items())])


def environment(command, args=None, **more):
    env = {"CNI_COMMAND": command, "CNI_CONTAINERID": "5e1f", "CNI_NETNS": "/var/run/netns/cni-1", "CNI_IFNAME": "eth0",
           "CNI_PATH": "/opt/cni/bin", "CNI_ARGS": cni_args(POD) if args is None else args, **more}
    return {k: v for k, v in env.items() if v is not None}


def entry(version="0.4.0", previous=PREVIOUS, **more):
    conf = {"cniVersion": version, "name": "n", "type": "portlic-cni", "socket": SOCKET, "selection": SELECTION,
            "capabilities": {"io.kubernetes.cri.pod-annotations": True}, "prevResult": previous, **more}
    return {k: v for k, v in conf.items() if v is not None}


class Call:
    """One call; env and stdin as above, or bytes."""

    def __init__(self, command="ADD", conf=None, args=None, program=PLUGIN, **env):
        conf = entry() if conf is None else conf
        stdin = conf if isinstance(conf, bytes) else json.dumps(conf).encode()
        p = subprocess.run([program], input=stdin, capture_output=True, timeout=60, check=False, env=environment(command, args, **env))
        self.code, self.out, self.err = p.returncode, p.stdout.decode(), p.stderr.decode()
        try:
            self.json = json.loads(self.out) if self.out else None
        except ValueError:
            self.json = None

    def __str__(self):
        return f"exit {self.code}\n{self.out}{self.err}"

    @property
    def error(self):
        """The code of CNI, None: it went well; "mute": a failure without its object."""
        if self.code == 0:
            return None
        good = isinstance(self.json, dict) and set(self.json) == {"cniVersion", "code", "msg", "details"} and self.json["msg"]
        return self.json["code"] if good else "mute"


def selection(text=None, namespaces=None, **members):
    if text is None:
        lists = {word: [n for n, w in (namespaces or {}).items() if w == word] for word in ("never", "asked", "may")}
        text = json.dumps({"version": 1, "gates": False, "unknown": "never", "globs": [], **lists, **members})
    with open(SELECTION + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(SELECTION + ".new", SELECTION)


class Agent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers POST /v1/cni with `status` and `answer`; keeps what it was asked, and counts connections."""

    daemon_threads, request_queue_size = True, 64

    def __init__(self, status=200, answer=b'{"result":"gated","gate":"shop.web-1.0f0e-1"}', path=SOCKET):
        self.status, self.answer, self.asked, self.connections, self.wait = status, answer, [], 0, 0
        if os.path.exists(path):
            os.unlink(path)
        super().__init__(path, Handler)
        self.path = path
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def end(self):
        self.shutdown()
        self.server_close()
        os.unlink(self.path)


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:
            pass  # a DEL that doesn't wait any longer

    def do_GET(self):
        self.reply(200 if self.path == "/healthz" else 404, b"ok\n")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        threading.Event().wait(self.server.wait)
        self.reply(self.server.status, self.server.answer)
